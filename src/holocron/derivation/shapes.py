"""Shapes: a contract, resolved once into the few forms that can be decoded, cited and tabled.

In: nothing. Out: frozen trees that the specialiser, the prompt, grounding and the tables all read.
Never: holds a `$ref`, an `allOf` or a JSON Schema keyword that nobody below enforces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from holocron.derivation.grounding import Grounding

JSONScalar: TypeAlias = "bool | int | float | str | None"

#: the property that the specialised contract adds to every citing object
CITE = "cite"
#: what a SQL BIGINT holds, either way
MAX_INTEGER = 2**63 - 1
#: the most characters of a text and items of a list: llama.cpp's grammar converter, which Ollama uses, fails
#: or forgets the bound from 2,000 repetitions on
MAX_REPETITIONS = 1_999


class ScalarKind(StrEnum):
    """The JSON types of a leaf."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarShape:
    """A leaf: one value that is a claim."""

    kinds: tuple[ScalarKind, ...]
    nullable: bool = False
    #: the closed set of values, without null
    enum: tuple[JSONScalar, ...] | None = None
    format: str | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    #: inclusive bounds; where a number may also be an integer, those of a number
    minimum: int | float | None = None
    maximum: int | float | None = None
    #: the least support that is accepted
    ground: Grounding = Grounding.NORMALIZED
    #: other words for the values of the enum
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    description: str = ""

    @property
    def is_date(self) -> bool:
        """Tell whether values are ISO dates or date-times."""
        return self.format in ("date", "date-time")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayShape:
    """A list of one shape."""

    items: Shape
    nullable: bool = False
    min_items: int = 0
    max_items: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A named part of an object."""

    name: str
    shape: Shape
    #: whether the contract demands the key
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectShape:
    """An object with declared properties, in the contract's order."""

    properties: tuple[Property, ...]
    nullable: bool = False
    description: str = ""

    @property
    def is_citing(self) -> bool:
        """Tell whether the object holds leaves of its own and so carries `cite`."""
        return any(holds_leaves(part.shape) for part in self.properties)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceShape:
    """One of several shapes (`anyOf`, `oneOf`, or several JSON types)."""

    options: tuple[Shape, ...]
    nullable: bool = False
    description: str = ""


Shape: TypeAlias = "ScalarShape | ArrayShape | ObjectShape | ChoiceShape"

#: the shape of null
NOTHING = ScalarShape(kinds=(), nullable=True)


def holds_leaves(shape: Shape) -> bool:
    """Tell whether a property of this shape adds leaves to the object that has it.

    Objects cite for themselves, wherever they stand.
    """
    match shape:
        case ScalarShape():
            return True
        case ArrayShape():
            return holds_leaves(shape.items)
        case ObjectShape():
            return False
        case ChoiceShape():
            return any(holds_leaves(option) for option in shape.options)


def walk_properties(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Shape]]:
    """Yield every property below a shape with its path of names, parents first, in order."""
    match shape:
        case ObjectShape():
            for part in shape.properties:
                yield (*path, part.name), part.shape
                yield from walk_properties(part.shape, (*path, part.name))
        case ArrayShape():
            yield from walk_properties(shape.items, path)
        case ChoiceShape():
            for option in shape.options:
                yield from walk_properties(option, path)
        case ScalarShape():
            return


def unite_shapes(options: Sequence[Shape]) -> Shape:
    """Return one shape for several: nulls aside, each form once, closed sets of values as one.

    Objects that differ only in what they require become one; the validator sees to the rest.
    """
    nullable = any(option.nullable for option in options)
    kept: dict[Grounding | int, Shape] = {}
    for option in options:
        for shape in option.options if isinstance(option, ChoiceShape) else (option,):
            bare = replace(shape, nullable=False)
            if not isinstance(bare, ScalarShape) or (bare.kinds and bare.enum is None):
                if bare not in kept.values():
                    kept[len(kept)] = bare
            elif bare.kinds:
                held = kept.get(bare.ground)
                kept[bare.ground] = _join(held, bare) if isinstance(held, ScalarShape) else bare
    united = list(kept.values())
    objects = [shape for shape in united if isinstance(shape, ObjectShape)]
    if len(objects) == len(united) > 1 and all(_form(shape) == _form(objects[0]) for shape in objects):
        united = [_loosest(objects)]
    if not united:
        return replace(NOTHING, description=options[0].description)
    if len(united) == 1:
        return replace(united[0], nullable=nullable)
    return ChoiceShape(options=tuple(united), nullable=nullable)


def _join(first: ScalarShape, second: ScalarShape) -> ScalarShape:
    values = {
        (isinstance(value, bool), value): value for value in (*(first.enum or ()), *(second.enum or ()))
    }
    return replace(
        first,
        kinds=tuple(dict.fromkeys((*first.kinds, *second.kinds))),
        enum=tuple(values.values()),
        synonyms={**first.synonyms, **second.synonyms},
    )


def _form(shape: ObjectShape) -> list[tuple[str, Shape]]:
    return [(part.name, part.shape) for part in shape.properties]


def _loosest(objects: Sequence[ObjectShape]) -> ObjectShape:
    columns = zip(*(shape.properties for shape in objects), strict=True)
    return replace(
        objects[0],
        properties=tuple(replace(same[0], required=all(part.required for part in same)) for same in columns),
    )
