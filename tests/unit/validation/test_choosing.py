"""Which of several shapes an answer was written for."""

from __future__ import annotations

import pytest

from holocron.derivation.contract import Contract
from holocron.derivation.grounding import Grounding
from holocron.derivation.shapes import ChoiceShape, ObjectShape, ScalarKind, ScalarShape
from holocron.fingerprint import JSONValue
from holocron.validation.choosing import choose_option, has_kind, is_listed, is_storable

STRING: JSONValue = {"type": "string"}


def choice(*options: JSONValue) -> ChoiceShape:
    """Return the shape of a property that may be any of the options."""
    shape = Contract.parse({"type": "object", "properties": {"a": {"anyOf": list(options)}}}).shape
    found = shape.properties[0].shape
    assert isinstance(found, ChoiceShape)
    return found


def tagged(tag: str, value: JSONValue) -> JSONValue:
    """Return an object's schema with a tag that tells it apart."""
    return {"type": "object", "properties": {"kind": {"const": tag}, "v": value}, "required": ["kind", "v"]}


DATE: JSONValue = {"type": "string", "format": "date"}
SHIP: JSONValue = {"type": "object", "properties": {"ship": STRING, "at": STRING}, "required": ["ship"]}
PLACE: JSONValue = {"type": "object", "properties": {"place": STRING, "at": STRING}, "required": ["place"]}


@pytest.mark.parametrize(
    ("options", "answer", "index"),
    [
        pytest.param([STRING, {"type": "integer"}], "x", 0, id="string"),
        pytest.param([STRING, {"type": "integer"}], 3, 1, id="integer"),
        pytest.param([STRING, {"type": "integer"}], 3.0, 1, id="integer-as-3.0"),
        pytest.param([STRING, {"type": "integer"}], True, 0, id="boolean-for-neither"),
        pytest.param([{"type": "boolean"}, {"type": "integer"}], 1, 1, id="one-is-not-true"),
        pytest.param([DATE, STRING], "2024-02-29", 0, id="date"),
        pytest.param([DATE, STRING], "Monday", 1, id="no-date"),
        pytest.param([DATE, STRING], "2023-02-29", 1, id="no-day"),
        pytest.param(
            [{"type": "integer", "maximum": 5}, {"type": "number", "minimum": 9}], 12, 1, id="range"
        ),
        pytest.param(
            [{"type": "string", "maxLength": 2}, {"type": "string", "minLength": 3}], "abc", 1, id="length"
        ),
        pytest.param(
            [{"type": "string", "pattern": "^a"}, {"type": "string", "minLength": 1}], "b", 1, id="pattern"
        ),
        pytest.param([{"type": "string", "pattern": r"^\p{Lu}"}, DATE], "b", 0, id="pattern-of-ecma-alone"),
        pytest.param([STRING, {"type": "array", "items": STRING}], ["x"], 1, id="list"),
        pytest.param([{"items": STRING}, {"items": {"type": "integer"}}], [1, 2], 1, id="list-of-integers"),
        pytest.param([{"items": STRING, "maxItems": 1}, {"items": STRING}], ["a", "b"], 1, id="longer-list"),
        pytest.param([SHIP, PLACE], {"cite": [1], "place": "x", "at": "y"}, 1, id="object-by-name"),
        pytest.param([SHIP, PLACE], {"cite": [1], "place": "x", "odd": 1}, 0, id="object-of-neither"),
        pytest.param([SHIP, PLACE], {"place": 7}, 1, id="object-by-name-with-wrong-value"),
        pytest.param([tagged("a", STRING), tagged("b", STRING)], {"kind": "b", "v": "x"}, 1, id="tag"),
        pytest.param(
            [tagged("a", STRING), tagged("b", {"type": "integer"})],
            {"kind": "a", "v": 3},
            0,
            id="tag-with-wrong-value",
        ),
        pytest.param([SHIP, STRING], 5, 0, id="nothing-like-it"),
        pytest.param(
            [{"items": {"anyOf": [STRING, SHIP]}}, {"items": {"anyOf": [{"type": "integer"}, PLACE]}}],
            [3, {"place": "x"}],
            1,
            id="list-of-choices",
        ),
        pytest.param(
            [{"items": STRING}, {"items": {"type": ["string", "null"]}}], ["x", None], 1, id="list-with-null"
        ),
        pytest.param(
            [
                {"properties": {"x": STRING}, "required": ["x"]},
                {"properties": {"x": {"type": ["string", "null"]}}, "required": ["x"]},
            ],
            {"x": None},
            1,
            id="object-with-null",
        ),
        pytest.param([{"type": "string", "pattern": "("}, DATE], "x", 0, id="pattern-that-is-none"),
    ],
)
def test_the_first_option_that_an_answer_fits_is_chosen(
    options: list[JSONValue], answer: JSONValue, index: int
) -> None:
    """Names, tags, kinds, formats and bounds tell options apart; form decides where nothing fits."""
    shape = choice(*options)
    assert choose_option(answer, shape) == shape.options[index]


def test_values_are_held_to_the_firmest_grounding_that_they_fit() -> None:
    """An option that asks for less is no way around one that asks for more."""
    shape = choice(
        {"type": "string", "x-ground": "inferred", "maxLength": 9}, {"type": "string", "x-ground": "verbatim"}
    )
    chosen = choose_option("x", shape)
    assert isinstance(chosen, ScalarShape)
    assert chosen.ground is Grounding.VERBATIM


def test_a_tag_decides_the_grounding_of_the_value_beside_it() -> None:
    """The object with the looser value cannot stand in for the other."""
    shape = choice(tagged("a", {"type": "string", "x-ground": "inferred"}), tagged("b", STRING))
    chosen = choose_option({"kind": "b", "v": "x"}, shape)
    assert isinstance(chosen, ObjectShape)
    assert chosen.properties[1].shape == ScalarShape(kinds=(ScalarKind.STRING,))


@pytest.mark.parametrize(
    ("value", "kinds", "expected"),
    [
        ("x", ["string"], True),
        ("x", ["integer", "number", "boolean"], False),
        (True, ["boolean"], True),
        (True, ["integer", "number"], False),
        (1, ["boolean"], False),
        (1, ["integer"], True),
        (1, ["number"], True),
        (1.0, ["integer"], True),
        (1.5, ["integer"], False),
        (1.5, ["number"], True),
        (1, [], False),
    ],
    ids=repr,
)
def test_a_scalar_has_a_json_type(value: str | float, kinds: list[str], *, expected: bool) -> None:
    """As JSON Schema has it: 1.0 is an integer, true is no number."""
    assert has_kind(value, ScalarShape(kinds=tuple(ScalarKind(kind) for kind in kinds))) is expected


def test_listed_values_tell_one_from_true() -> None:
    """Python's 1 == True is not JSON's."""
    assert is_listed(1.0, (1, 2))
    assert not is_listed(True, (1, 2))
    assert not is_listed(1, (True,))
    assert is_listed("a", ("a",))


@pytest.mark.parametrize(
    ("format_", "value", "expected"),
    [
        ("date", "2024-02-29", True),
        ("date", "0001-01-01", True),
        ("date", "9999-12-31", True),
        ("date", "2023-02-29", False),
        ("date", "0000-01-01", False),
        ("date", "2024-13-01", False),
        ("date", "yesterday", False),
        ("date-time", "2024-02-29T12:00:00Z", True),
        ("date-time", "2024-02-29t12:00:00z", True),
        ("date-time", "2024-02-29T12:00:00.123456789+05:30", True),
        ("date-time", "2016-12-31T23:59:60Z", True),
        ("date-time", "2024-02-30T12:00:00Z", False),
        ("date-time", "0000-01-01T00:00:00Z", False),
        ("date-time", "0001-01-01T00:00:00+23:59", False),
        ("date-time", "9999-12-31T23:59:59-01:00", False),
        ("date-time", "", False),
        ("email", "anything", True),
    ],
    ids=str,
)
def test_a_date_is_one_that_a_table_holds(format_: str, value: str, *, expected: bool) -> None:
    """Real days of the years 1 to 9999, in UTC too; leap seconds and fractions are no obstacle."""
    assert is_storable(value, ScalarShape(kinds=(ScalarKind.STRING,), format=format_)) is expected
