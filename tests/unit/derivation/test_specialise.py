"""The schema that the decoder is held to: cited, closed, bounded, and never looser than the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.derivation.contract import Contract
from holocron.derivation.shapes import MAX_REPETITIONS, ArrayShape, ScalarShape
from holocron.derivation.specialise import (
    MAX_ARRAY_ITEMS,
    MAX_CITATIONS,
    MAX_STRING_CHARACTERS,
    Specialiser,
    citation_limit,
    is_cut_at,
)
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue
from holocron.llm.guidance import render_grammar
from holocron.validation.conform import ContractValidator

STRING: JSONValue = {"type": "string"}
NULL: JSONValue = {"type": "null"}


def specialise(schema: JSONValue, last: int = 5, *, required: bool = True, **root: JSONValue) -> JSONValue:
    """Return the decoding schema of a property."""
    contract = Contract.parse(
        {"type": "object", "properties": {"a": schema}, "required": ["a"] if required else [], **root}
    )
    made = Specialiser(contract).schema_for(last)
    render_grammar(made)
    assert isinstance(made, Mapping)
    assert isinstance(made["properties"], Mapping)
    return made["properties"]["a"]


INTEGER = {"type": "integer", "minimum": -(10**15), "maximum": 10**15}
NUMBER = {"type": "number", "minimum": -(10**12), "maximum": 10**12}
TEXT = {"type": "string", "minLength": 1, "maxLength": 400}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(STRING, TEXT, id="string"),
        pytest.param({"type": ["string", "null"]}, {"anyOf": [TEXT, NULL]}, id="nullable"),
        pytest.param(
            {"minLength": 0, "maxLength": 0},
            {"type": "string", "minLength": 0, "maxLength": 0},
            id="empty-string",
        ),
        pytest.param({"minLength": 5}, {"type": "string", "minLength": 5, "maxLength": 400}, id="least"),
        pytest.param(
            {"minLength": 500},
            {"type": "string", "minLength": 500, "maxLength": 500},
            id="least-over-our-most",
        ),
        pytest.param(
            {"maxLength": 5000}, {"type": "string", "minLength": 1, "maxLength": 1999}, id="most-over-ollamas"
        ),
        pytest.param({"format": "date"}, {"type": "string", "format": "date"}, id="date"),
        pytest.param(
            {"format": "date", "maxLength": 10}, {"type": "string", "format": "date"}, id="date-and-length"
        ),
        pytest.param(
            {"format": "date-time", "pattern": "^2"},
            {"type": "string", "format": "date-time"},
            id="date-and-pattern",
        ),
        pytest.param({"format": "email"}, TEXT, id="format-for-the-validator"),
        pytest.param({"format": "uri"}, TEXT, id="format-unknown-to-decoders"),
        pytest.param(
            {"pattern": "^[A-Z]{2}-[0-9]{4}$"},
            {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
            id="pattern",
        ),
        pytest.param(
            {"pattern": r"^\d{4}$"}, {"type": "string", "pattern": "^[0-9]{4}$"}, id="pattern-translated"
        ),
        pytest.param({"pattern": "^[A-Z]+$"}, TEXT, id="pattern-without-end"),
        pytest.param({"pattern": "[0-9]"}, TEXT, id="pattern-unanchored"),
        pytest.param({"type": "integer"}, INTEGER, id="integer"),
        pytest.param({"type": "integer", "minimum": 3}, {**INTEGER, "minimum": 3}, id="integer-from"),
        pytest.param(
            {"type": "integer", "exclusiveMaximum": 3}, {**INTEGER, "maximum": 2}, id="integer-below"
        ),
        pytest.param(
            {"type": "integer", "minimum": 10**16},
            {"type": "integer", "minimum": 10**16},
            id="integer-over-our-most",
        ),
        pytest.param(
            {"type": "integer", "maximum": -(10**16)},
            {"type": "integer", "maximum": -(10**16)},
            id="integer-under-our-least",
        ),
        pytest.param(
            {"type": "integer", "minimum": 10**18}, {"type": "integer"}, id="integer-beyond-counting"
        ),
        pytest.param({"type": "number"}, NUMBER, id="number"),
        pytest.param(
            {"type": "number", "minimum": 0.5, "maximum": 2},
            {"type": "number", "minimum": 0.5, "maximum": 2},
            id="number-range",
        ),
        pytest.param({"type": "number", "minimum": 1e30}, {"type": "number"}, id="number-beyond-counting"),
        pytest.param(
            {"type": "number", "minimum": 1e-30},
            {"type": "number", "maximum": 10**12},
            id="number-near-nothing",
        ),
        pytest.param({"type": "number", "multipleOf": 0.5}, NUMBER, id="multiples-for-the-validator"),
        pytest.param({"type": "boolean"}, {"type": "boolean"}, id="boolean"),
        pytest.param(
            {"type": ["boolean", "null"]}, {"anyOf": [{"type": "boolean"}, NULL]}, id="nullable-boolean"
        ),
        pytest.param({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}, id="enum"),
        pytest.param(
            {"enum": ["a", None]}, {"type": ["string", "null"], "enum": ["a", None]}, id="enum-with-null"
        ),
        pytest.param({"enum": [1, "a"]}, {"type": ["integer", "string"], "enum": [1, "a"]}, id="enum-mixed"),
        pytest.param({"const": 3, "minimum": 7}, {"type": "integer", "enum": [3]}, id="const"),
        pytest.param(
            {"enum": ["a"], "maxLength": 0, "format": "uri", "pattern": "b"},
            {"type": "string", "enum": ["a"]},
            id="enum-and-words",
        ),
        pytest.param(NULL, NULL, id="null"),
        pytest.param(
            {"items": STRING}, {"type": "array", "items": TEXT, "minItems": 0, "maxItems": 64}, id="array"
        ),
        pytest.param(
            {"items": STRING, "minItems": 100},
            {"type": "array", "items": TEXT, "minItems": 100, "maxItems": 100},
            id="array-over-our-most",
        ),
        pytest.param(
            {"items": STRING, "maxItems": 5000, "uniqueItems": True},
            {"type": "array", "items": TEXT, "minItems": 0, "maxItems": 1999},
            id="array-over-ollamas",
        ),
        pytest.param(
            {"items": False, "type": "array"},
            {"type": "array", "items": NULL, "maxItems": 0},
            id="array-of-nothing",
        ),
        pytest.param(
            {"items": {"type": ["string", "null"]}},
            {"type": "array", "items": {"anyOf": [TEXT, NULL]}, "minItems": 0, "maxItems": 64},
            id="array-with-nulls",
        ),
        pytest.param({"oneOf": [STRING, {"type": "integer"}]}, {"anyOf": [TEXT, INTEGER]}, id="one-of"),
        pytest.param(
            {"anyOf": [STRING, {"type": "integer"}, NULL]}, {"anyOf": [TEXT, INTEGER, NULL]}, id="any-of-null"
        ),
        pytest.param({"not": {"const": "x"}, "type": "string"}, TEXT, id="not-for-the-validator"),
    ],
)
def test_a_property_is_written_in_words_that_decoders_enforce(schema: JSONValue, expected: JSONValue) -> None:
    """Bounds are added, never crossed; what no decoder knows is left to the validator."""
    assert specialise(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(STRING, {"anyOf": [TEXT, NULL]}, id="string"),
        pytest.param({"enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}, id="enum"),
        pytest.param({"type": ["string", "null"]}, {"anyOf": [TEXT, NULL]}, id="already-nullable"),
        pytest.param({"anyOf": [STRING, {"type": "integer"}]}, {"anyOf": [TEXT, INTEGER, NULL]}, id="choice"),
        pytest.param(
            {"items": STRING},
            {"anyOf": [{"type": "array", "items": TEXT, "minItems": 0, "maxItems": 64}, NULL]},
            id="array",
        ),
    ],
)
def test_what_is_optional_is_answered_with_null(schema: JSONValue, expected: JSONValue) -> None:
    """Every key is asked for; a missing one would be a value that nobody looked for."""
    assert specialise(schema, required=False) == expected


def _objects_in(schema: JSONValue) -> Iterator[Mapping[str, JSONValue]]:
    if isinstance(schema, Mapping):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from _objects_in(part)
    elif isinstance(schema, (list, tuple)):
        for part in schema:
            yield from _objects_in(part)


@pytest.mark.parametrize(
    ("schema", "fewest", "most"),
    [
        pytest.param({"properties": {"x": STRING}}, 0, 5, id="all-may-be-null"),
        pytest.param({"properties": {"x": STRING}, "required": ["x"]}, 1, 5, id="something-is-stated"),
        pytest.param(
            {"properties": {"x": {"type": ["string", "null"]}}, "required": ["x"]}, 0, 5, id="required-null"
        ),
        pytest.param(
            {"properties": {"x": {"items": STRING, "minItems": 1}}, "required": ["x"]},
            1,
            5,
            id="filled-array",
        ),
        pytest.param({"properties": {"x": {"items": STRING}}, "required": ["x"]}, 0, 5, id="array"),
        pytest.param(
            {"properties": {"x": {"anyOf": [STRING, {"type": "integer"}]}}, "required": ["x"]},
            1,
            5,
            id="choice",
        ),
    ],
)
def test_an_object_cites_where_it_states_something(schema: JSONValue, fewest: int, most: int) -> None:
    """An object that cannot be all null cites at least one line, and no more than there are."""
    made = specialise(schema)
    assert isinstance(made, Mapping)
    assert made["properties"]["cite"] == {  # an object schema
        "type": "array",
        "items": {"type": "integer", "minimum": 1, "maximum": 5},
        "minItems": fewest,
        "maxItems": most,
    }


def test_objects_in_lists_always_cite() -> None:
    """An entry of a list stands in some line, or it would not be there."""
    made = specialise({"items": {"anyOf": [{"properties": {"x": STRING}}, {"properties": {"y": STRING}}]}}, 9)
    cites = [schema["properties"]["cite"] for schema in _objects_in(made)]
    assert [cite["minItems"] for cite in cites] == [1, 1]


def test_an_object_with_many_values_may_cite_a_line_for_each() -> None:
    """Twelve values may stand in twelve lines; a limit of eight could never be met."""
    names = [f"p{number}" for number in range(12)]
    wide = Contract.parse({"type": "object", "properties": dict.fromkeys(names, STRING)}).shape
    assert citation_limit(wide) == 12
    listed = Contract.parse({"type": "object", "properties": {"a": {"items": STRING}}}).shape
    assert citation_limit(listed) == MAX_ARRAY_ITEMS
    nested = Contract.parse({"type": "object", "properties": {"a": {"items": {"items": STRING}}}}).shape
    assert citation_limit(nested) == MAX_REPETITIONS
    few = Contract.parse(
        {"type": "object", "properties": {"a": STRING, "o": {"properties": {"b": STRING}}}}
    ).shape
    assert citation_limit(few) == MAX_CITATIONS


@pytest.mark.parametrize(
    ("schema", "length", "expected"),
    [
        pytest.param(STRING, MAX_STRING_CHARACTERS, True, id="our-bound"),
        pytest.param(STRING, MAX_STRING_CHARACTERS - 1, False, id="under-it"),
        pytest.param({"maxLength": 400}, 400, False, id="the-contracts-own"),
        pytest.param({"maxLength": 5000}, 1999, True, id="under-the-contracts-own"),
        pytest.param({"minLength": 500}, 500, True, id="least-as-most"),
        pytest.param({"enum": ["x" * 500]}, 500, False, id="enum"),
        pytest.param({"format": "date-time"}, 500, False, id="format"),
        pytest.param({"pattern": "^a{500}$"}, 500, False, id="pattern"),
        pytest.param({"pattern": "^a*$"}, 500, True, id="pattern-that-is-not-decoded"),
        pytest.param({"items": STRING}, MAX_ARRAY_ITEMS, True, id="array"),
        pytest.param({"items": STRING, "maxItems": 64}, 64, False, id="array-the-contracts-own"),
        pytest.param({"items": STRING, "maxItems": 5000}, 1999, True, id="array-under-the-contracts-own"),
        pytest.param({"items": False, "type": "array"}, 0, False, id="array-of-nothing"),
    ],
)
def test_a_bound_that_the_contract_does_not_have_is_told_apart(
    schema: JSONValue, length: int, *, expected: bool
) -> None:
    """A text that ends where the decoder ends it may be cut; one that ends at the contract's bound is not."""
    shape = Contract.parse({"type": "object", "properties": {"a": schema}}).shape.properties[0].shape
    assert isinstance(shape, (ScalarShape, ArrayShape))
    assert is_cut_at(shape, length) is expected


def test_schemas_are_remembered_by_the_number_of_lines() -> None:
    """Jobs with as many lines share one schema."""
    specialiser = Specialiser(Contract.parse({"type": "object", "properties": {"a": STRING}}))
    assert specialiser.schema_for(3) is specialiser.schema_for(3)
    assert specialiser.schema_for(3) != specialiser.schema_for(4)


_NAMES = st.sampled_from(["a", "b", "name", "x y", "été"])


def _ranges(low: str, high: str, most: int) -> st.SearchStrategy[dict[str, JSONValue]]:
    return st.tuples(st.integers(0, most), st.integers(0, most), st.integers(0, 3)).map(
        lambda drawn: {
            **({low: min(drawn[:2])} if drawn[2] & 1 else {}),
            **({high: max(drawn[:2])} if drawn[2] & 2 else {}),
        }
    )


_TEXTS = st.one_of(
    _ranges("minLength", "maxLength", 600),
    st.sampled_from([{"format": name} for name in ("date", "date-time", "uuid", "odd")]),
    st.sampled_from([{"pattern": pattern} for pattern in ("^[a-c]{2,4}$", r"^\d{4}-\d\d$", "^(ab|c)?x$")]),
).map(lambda words: {"type": "string", **words})
_NUMBERS = st.tuples(
    st.sampled_from(["integer", "number"]), _ranges("minimum", "maximum", 10**15), st.sampled_from([1, -1])
).map(
    lambda drawn: (
        {"type": drawn[0], **drawn[1]}
        if drawn[2] > 0
        else {
            "type": drawn[0],
            **{("maximum" if key == "minimum" else "minimum"): -value for key, value in drawn[1].items()},
        }
    )
)
_ENUMS = st.lists(
    st.one_of(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.integers(-9, 9)),
    min_size=1,
    max_size=4,
    unique=True,
).map(lambda values: {"enum": values})
_LEAVES = st.one_of(_TEXTS, _NUMBERS, _ENUMS, st.just({"type": "boolean"}), st.just({}))


def _objects(inner: st.SearchStrategy[dict[str, JSONValue]]) -> st.SearchStrategy[dict[str, JSONValue]]:
    return st.dictionaries(_NAMES, inner, min_size=1, max_size=4).flatmap(
        lambda properties: st.lists(st.sampled_from(sorted(properties)), unique=True).map(
            lambda required: {"type": "object", "properties": properties, "required": required}
        )
    )


def _nested(inner: st.SearchStrategy[dict[str, JSONValue]]) -> st.SearchStrategy[dict[str, JSONValue]]:
    return st.one_of(
        _objects(inner),
        st.tuples(inner, _ranges("minItems", "maxItems", 4)).map(
            lambda drawn: {"type": "array", "items": drawn[0], **drawn[1]}
        ),
        inner.map(lambda schema: {"anyOf": [schema, {"type": "null"}]}),
        st.lists(inner, min_size=2, max_size=3).map(lambda options: {"anyOf": options}),
        inner.map(lambda schema: {"allOf": [schema, {"description": "d"}]}),
    )


CONTRACTS = _objects(st.recursive(_LEAVES, _nested, max_leaves=8))


def answers(schema: Mapping[str, JSONValue]) -> st.SearchStrategy[JSONValue]:
    """Return a strategy of what a decoder may write under a decoding schema."""
    if "anyOf" in schema:
        return st.one_of([answers(option) for option in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema.get("minimum", -(10**18)), schema.get("maximum", 10**18))
        case "number":
            low, high = schema.get("minimum", -1e300), schema.get("maximum", 1e300)
            return (
                st.one_of(st.integers(int(low), int(high)), st.floats(low, high))
                if low != high
                else st.just(low)
            )
        case "array":
            items = answers(schema["items"])
            most = schema["maxItems"]
            return st.lists(
                items, min_size=schema.get("minItems", 0), max_size=min(most, schema.get("minItems", 0) + 2)
            )
        case "object":
            return st.fixed_dictionaries({key: answers(part) for key, part in schema["properties"].items()})
    if "format" in schema:
        return st.sampled_from(
            {
                "date": ["2024-02-29", "0001-01-01"],
                "date-time": ["2024-02-29T23:59:60.5z", "2020-01-01T00:00:00+05:30"],
                "uuid": ["123e4567-e89b-12d3-a456-426614174000"],
            }[schema["format"]]
        )
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True).filter(lambda text: not text.endswith("\n"))
    return st.text(min_size=schema["minLength"], max_size=min(schema["maxLength"], schema["minLength"] + 9))


def check_bounded(schema: Mapping[str, JSONValue]) -> None:
    """Assert that nothing in a decoding schema is open: no object, list, text or unknown word."""
    for option in schema.get("anyOf", ()):
        check_bounded(option)
    assert "anyOf" in schema or "type" in schema
    match schema.get("type"):
        case "object":
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])
            assert "cite" not in list(schema["properties"])[1:]
            for part in schema["properties"].values():
                check_bounded(part)
        case "array":
            assert schema["maxItems"] <= MAX_REPETITIONS
            check_bounded(schema["items"])
        case "string" if "enum" not in schema:
            assert schema.keys() & {"maxLength", "pattern", "format"}
            assert schema.get("maxLength", 0) <= MAX_REPETITIONS


@settings(max_examples=80, deadline=2000)
@given(data=st.data(), schema=CONTRACTS, last=st.integers(1, 400))
def test_what_a_decoder_may_write_conforms(
    data: st.DataObject, schema: dict[str, JSONValue], last: int
) -> None:
    """Cite comes first, nothing is open, the engine takes it, and every answer fits the contract."""
    try:
        contract = Contract.parse(schema)
    except ContractInvalid:
        return
    made = Specialiser(contract).schema_for(last)
    assert isinstance(made, Mapping)
    render_grammar(made)
    check_bounded(made)
    answer = data.draw(answers(made))
    assert jsonschema_rs.is_valid(dict(made), answer)
    json.dumps(answer)
    conformed = ContractValidator(contract).conform(answer, last)
    for finding in conformed.findings:
        assert finding.code == "bound_reached", finding
