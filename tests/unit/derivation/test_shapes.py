"""Shapes: which objects cite, and how several shapes become one."""

from __future__ import annotations

import pytest

from holocron.derivation.grounding import Grounding
from holocron.derivation.shapes import (
    NOTHING,
    ArrayShape,
    ChoiceShape,
    ObjectShape,
    Property,
    ScalarKind,
    ScalarShape,
    Shape,
    holds_leaves,
    unite_shapes,
    walk_properties,
)

TEXT = ScalarShape(kinds=(ScalarKind.STRING,))
WHOLE = ScalarShape(kinds=(ScalarKind.INTEGER,))
DATE = ScalarShape(kinds=(ScalarKind.STRING,), format="date")


def _obj(required: bool = True, **shapes: Shape) -> ObjectShape:
    return ObjectShape(
        properties=tuple(
            Property(name=name, shape=shape, required=required) for name, shape in shapes.items()
        )
    )


def _values(*listed: str, ground: Grounding = Grounding.INFERRED) -> ScalarShape:
    return ScalarShape(kinds=(ScalarKind.STRING,), enum=listed, ground=ground)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        pytest.param(TEXT, True, id="scalar"),
        pytest.param(ArrayShape(items=TEXT), True, id="array"),
        pytest.param(ArrayShape(items=ArrayShape(items=TEXT)), True, id="nested-array"),
        pytest.param(ArrayShape(items=_obj(a=TEXT)), False, id="array-of-objects"),
        pytest.param(_obj(a=TEXT), False, id="object"),
        pytest.param(ChoiceShape(options=(_obj(a=TEXT), TEXT)), True, id="choice"),
        pytest.param(ChoiceShape(options=(_obj(a=TEXT),)), False, id="choice-of-objects"),
    ],
)
def test_objects_answer_for_themselves(shape: Shape, *, expected: bool) -> None:
    """An object cites where a value of its own, and not of an object in it, may be stated."""
    assert holds_leaves(shape) is expected
    assert _obj(p=shape).is_citing is expected


def test_properties_are_walked_parents_first() -> None:
    """Lists and choices add nothing to the path."""
    shape = _obj(a=ArrayShape(items=_obj(b=TEXT)), c=ChoiceShape(options=(_obj(d=TEXT), TEXT)))
    assert [".".join(path) for path, _ in walk_properties(shape)] == ["a", "a.b", "c", "c.d"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param([TEXT], TEXT, id="one"),
        pytest.param([TEXT, TEXT], TEXT, id="alike"),
        pytest.param([TEXT, WHOLE], ChoiceShape(options=(TEXT, WHOLE)), id="two"),
        pytest.param([NOTHING], NOTHING, id="null"),
        pytest.param(
            [TEXT, NOTHING], ScalarShape(kinds=(ScalarKind.STRING,), nullable=True), id="null-is-a-property"
        ),
        pytest.param(
            [NOTHING, TEXT, WHOLE], ChoiceShape(options=(TEXT, WHOLE), nullable=True), id="null-first"
        ),
        pytest.param(
            [ChoiceShape(options=(TEXT, WHOLE)), ChoiceShape(options=(DATE, TEXT), nullable=True)],
            ChoiceShape(options=(TEXT, WHOLE, DATE), nullable=True),
            id="choices-are-opened",
        ),
        pytest.param([_values("a"), _values("b", "a")], _values("a", "b"), id="values"),
        pytest.param(
            [_values("a"), TEXT, _values("b")],
            ChoiceShape(options=(_values("a", "b"), TEXT)),
            id="values-apart",
        ),
        pytest.param(
            [_values("a"), _values("b", ground=Grounding.VERBATIM)],
            ChoiceShape(options=(_values("a"), _values("b", ground=Grounding.VERBATIM))),
            id="values-of-other-grounding-stay-apart",
        ),
        pytest.param(
            [_obj(a=TEXT), _obj(False, a=TEXT)], _obj(False, a=TEXT), id="objects-that-require-less"
        ),
        pytest.param(
            [_obj(a=TEXT), _obj(a=WHOLE)], ChoiceShape(options=(_obj(a=TEXT), _obj(a=WHOLE))), id="objects"
        ),
        pytest.param(
            [_obj(a=TEXT), _obj(b=TEXT)], ChoiceShape(options=(_obj(a=TEXT), _obj(b=TEXT))), id="names"
        ),
        pytest.param([_obj(a=TEXT), TEXT], ChoiceShape(options=(_obj(a=TEXT), TEXT)), id="object-or-text"),
    ],
)
def test_several_shapes_become_one(options: list[Shape], expected: Shape) -> None:
    """Null is a property of the whole, equals are one, and closed sets are one set."""
    assert unite_shapes(options) == expected


@pytest.mark.parametrize("level", list(Grounding))
def test_a_level_satisfies_itself_and_all_looser(level: Grounding) -> None:
    """Verbatim is the strictest and inferred the loosest."""
    order = list(Grounding)
    assert [level.satisfies(least) for least in order] == [
        order.index(least) >= order.index(level) for least in order
    ]
