"""How references, combinations and choices become one shape, and what is refused."""

from __future__ import annotations

import json

import pytest

from holocron.derivation.contract import Contract
from holocron.derivation.prompt import sketch_shape
from holocron.derivation.shapes import ArrayShape, ChoiceShape, ObjectShape, Shape
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue

VOCABULARY = {"sort": {"ship": ("vessel",), "place": ()}, "none": {}}


def wrap(schema: JSONValue, **root: JSONValue) -> dict[str, JSONValue]:
    """Return a contract whose property `a` is required."""
    return {"type": "object", "properties": {"a": schema}, "required": ["a"], **root}


def read(schema: JSONValue, **root: JSONValue) -> Shape:
    """Return the shape of a property."""
    return Contract.parse(wrap(schema, **root), VOCABULARY).shape.properties[0].shape


def sketch(schema: JSONValue, **root: JSONValue) -> str:
    """Return a property's shape as the prompt shows it."""
    return sketch_shape(read(schema, **root))


STRING: JSONValue = {"type": "string"}
NULL: JSONValue = {"type": "null"}
OBJECT: JSONValue = {"type": "object", "properties": {"x": STRING}, "required": ["x"]}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(STRING, "string", id="string"),
        pytest.param({"type": ["string", "null"]}, "string | null", id="type-list-with-null"),
        pytest.param({"type": ["integer", "string"]}, "integer | string", id="type-list"),
        pytest.param({"type": ["integer", "number"]}, "number", id="integer-is-a-number"),
        pytest.param({"type": ["string", "string"]}, "string", id="type-twice"),
        pytest.param(NULL, "null", id="null-alone"),
        pytest.param(True, "string | number | boolean | null", id="true"),
        pytest.param({}, "string | number | boolean | null", id="empty"),
        pytest.param({"title": "T"}, "string | number | boolean | null", id="words-without-meaning"),
        pytest.param({"minLength": 2}, "string", id="guessed-string"),
        pytest.param({"format": "date"}, "date", id="guessed-date"),
        pytest.param({"minimum": 2}, "number", id="guessed-number"),
        pytest.param({"x-vocabulary": "sort"}, '"ship" | "place"', id="guessed-vocabulary"),
        pytest.param({"items": STRING}, "[string]", id="guessed-array"),
        pytest.param({"maxItems": 3}, "[string | number | boolean | null]", id="guessed-array-of-anything"),
        pytest.param(
            {"properties": {"x": STRING}}, '{"cite": [lines], "x": string | null}', id="guessed-object"
        ),
        pytest.param({"type": "string", "format": "date"}, "date", id="format"),
        pytest.param({"enum": ["a", "b"]}, '"a" | "b"', id="enum-without-type"),
        pytest.param({"enum": ["a", None]}, '"a" | null', id="enum-with-null"),
        pytest.param({"enum": [1, 2.5, "a"]}, '1 | 2.5 | "a"', id="enum-mixed"),
        pytest.param({"type": ["string", "null"], "enum": ["a"]}, '"a"', id="enum-without-the-declared-null"),
        pytest.param({"type": "integer", "enum": [1.0, 2]}, "1 | 2", id="integer-written-as-1.0"),
        pytest.param({"enum": ["a", "a"]}, '"a"', id="enum-twice"),
        pytest.param({"const": "a"}, '"a"', id="const"),
        pytest.param({"const": None}, "null", id="const-null"),
        pytest.param({"const": 0}, "0", id="const-zero"),
        pytest.param({"const": "a", "enum": ["a", "b"]}, '"a"', id="const-and-enum"),
        pytest.param({"type": "boolean"}, "boolean", id="boolean"),
        pytest.param({"type": "array", "items": STRING}, "[string]", id="array"),
        pytest.param(
            {"type": "array", "items": {"type": "array", "items": STRING}}, "[[string]]", id="nested-array"
        ),
        pytest.param({"type": ["array", "null"], "items": STRING}, "[string] | null", id="nullable-array"),
        pytest.param({"type": "array"}, "[string | number | boolean | null]", id="array-of-anything"),
        pytest.param({"type": "array", "items": False}, "[]", id="array-of-nothing"),
        pytest.param({"type": "array", "maxItems": 0}, "[]", id="array-without-room"),
        pytest.param({"prefixItems": [STRING, {"type": "integer"}]}, "[string | integer]", id="prefix-items"),
        pytest.param({"prefixItems": [STRING, STRING], "items": False}, "[string]", id="prefix-items-alike"),
        pytest.param(
            {"prefixItems": [STRING], "items": {"type": "integer"}},
            "[string | integer]",
            id="prefix-and-items",
        ),
        pytest.param(
            {"prefixItems": [STRING], "items": {"type": "integer"}, "maxItems": 1},
            "[string]",
            id="prefix-fills-it",
        ),
        pytest.param(OBJECT, '{"cite": [lines], "x": string}', id="object"),
        pytest.param(
            {"type": "array", "items": OBJECT}, '[{"cite": [lines], "x": string}]', id="array-of-objects"
        ),
        pytest.param(
            {"type": ["object", "string"], "properties": {"x": STRING}},
            'string | {"cite": [lines], "x": string | null}',
            id="object-or-string",
        ),
        pytest.param({"anyOf": [STRING, NULL]}, "string | null", id="any-of-null"),
        pytest.param({"oneOf": [STRING, NULL]}, "string | null", id="one-of-null"),
        pytest.param({"anyOf": [STRING, {"const": None}]}, "string | null", id="any-of-const-null"),
        pytest.param(
            {"anyOf": [STRING, {"type": "null", "description": "d"}]}, "string | null", id="null-with-words"
        ),
        pytest.param({"anyOf": [NULL, NULL]}, "null", id="nulls-alone"),
        pytest.param({"anyOf": [STRING]}, "string", id="one-option"),
        pytest.param({"anyOf": [STRING, STRING]}, "string", id="options-alike"),
        pytest.param({"anyOf": [STRING, {"type": "integer"}]}, "string | integer", id="any-of"),
        pytest.param(
            {"anyOf": [STRING, {"anyOf": [{"type": "integer"}, NULL]}]},
            "string | integer | null",
            id="choice-in-choice",
        ),
        pytest.param(
            {"oneOf": [{"const": "a", "description": "A"}, {"const": "b"}]}, '"a" | "b"', id="enum-of-consts"
        ),
        pytest.param(
            {"type": "string", "anyOf": [{"enum": ["a"]}, NULL]}, '"a"', id="null-ruled-out-outside"
        ),
        pytest.param(
            {"type": ["string", "null"], "anyOf": [{"enum": ["a"]}, NULL]},
            '"a" | null',
            id="type-list-and-choice",
        ),
        pytest.param(
            {"anyOf": [STRING, {"type": "integer"}], "oneOf": [{"minLength": 2, "type": "string"}, NULL]},
            "string",
            id="two-choices",
        ),
        pytest.param(
            {"allOf": [{"anyOf": [STRING, NULL]}, {"anyOf": [STRING, {"type": "integer"}]}]},
            "string",
            id="choices-that-meet",
        ),
        pytest.param(
            {"allOf": [{"type": "number"}, {"type": "integer"}]}, "integer", id="number-and-integer"
        ),
        pytest.param({"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]}, '"b"', id="enums-that-meet"),
        pytest.param({"allOf": [{"enum": ["a", 1]}, STRING]}, '"a"', id="enum-narrowed-by-type"),
        pytest.param(
            {"allOf": [{"properties": {"x": STRING}}, {"properties": {"y": STRING}, "required": ["x"]}]},
            '{"cite": [lines], "x": string, "y": string | null}',
            id="all-of-objects",
        ),
        pytest.param(
            {"allOf": [OBJECT], "properties": {"x": {"maxLength": 3}}},
            '{"cite": [lines], "x": string}',
            id="property-twice",
        ),
        pytest.param(
            {
                **OBJECT,
                "properties": {"x": STRING, "y": STRING},
                "anyOf": [{"required": ["x"]}, {"required": ["y"]}],
                "required": [],
            },
            '{"cite": [lines], "x": string | null, "y": string | null}',
            id="one-of-two-required",
        ),
        pytest.param(
            {"anyOf": [OBJECT, {"type": "object", "properties": {"y": STRING}}]},
            '{"cite": [lines], "x": string} | {"cite": [lines], "y": string | null}',
            id="objects-to-choose-from",
        ),
        pytest.param(
            {"type": "object", "properties": {"o": OBJECT}},
            '{"o": {"cite": [lines], "x": string} | null}',
            id="no-cite-without-leaves",
        ),
    ],
)
def test_a_schema_has_the_shape_that_the_prompt_shows(schema: JSONValue, expected: str) -> None:
    """Every construct comes down to scalars, lists, objects and choices of these."""
    assert sketch(schema) == expected


@pytest.mark.parametrize(
    ("schema", "defs", "expected"),
    [
        pytest.param({"$ref": "#/$defs/d"}, {"d": STRING}, "string", id="ref"),
        pytest.param({"$ref": "#/$defs/d", "maxLength": 3}, {"d": STRING}, "string", id="siblings"),
        pytest.param(
            {"$ref": "#/$defs/d", "enum": ["b"]}, {"d": {"enum": ["a", "b"]}}, '"b"', id="siblings-narrow"
        ),
        pytest.param(
            {"anyOf": [{"$ref": "#/$defs/d"}, NULL]}, {"d": STRING}, "string | null", id="optional-ref"
        ),
        pytest.param(
            {"$ref": "#/$defs/d"}, {"d": {"$ref": "#/$defs/e"}, "e": STRING}, "string", id="ref-to-ref"
        ),
        pytest.param({"$ref": "#/$defs/a~1b~0c"}, {"a/b~c": STRING}, "string", id="escaped-name"),
        pytest.param({"$ref": "#/$defs/a%20b"}, {"a b": STRING}, "string", id="percent-encoded-name"),
        pytest.param(
            {"$ref": "#/$defs/d/anyOf/1"}, {"d": {"anyOf": [NULL, STRING]}}, "string", id="into-a-list"
        ),
        pytest.param(
            {"allOf": [{"$ref": "#/$defs/d"}, {"$ref": "#/$defs/e"}]},
            {"d": {"allOf": [{"$ref": "#/$defs/f"}]}, "e": {"allOf": [{"$ref": "#/$defs/f"}]}, "f": STRING},
            "string",
            id="diamond",
        ),
        pytest.param(
            {"$ref": "#/$defs/d"},
            {"d": {"anyOf": [{"$ref": "#/$defs/e"}, {"$ref": "#/$defs/e"}]}, "e": STRING},
            "string",
            id="twice-beside-itself",
        ),
    ],
)
def test_references_are_followed(schema: JSONValue, defs: JSONValue, expected: str) -> None:
    """A local reference stands for its target, with its siblings merged in."""
    assert sketch(schema, **{"$defs": defs}) == expected


def test_errors_behind_a_reference_point_into_the_definition() -> None:
    """The pointer is a place that the author can find, not the path of an unfolded reference."""
    with pytest.raises(ContractInvalid) as caught:
        read({"$ref": "#/$defs/d"}, **{"$defs": {"d": {"properties": {"x": {"type": "what"}}}}})
    assert caught.value.pointer == "/$defs/d/properties/x/type"


NODE = {"$ref": "#/$defs/node"}


@pytest.mark.parametrize(
    ("node", "depth"),
    [
        pytest.param({"properties": {"n": STRING, "below": NODE}}, 4, id="optional-property"),
        pytest.param(
            {"properties": {"n": STRING, "below": {"items": NODE}}, "required": ["below"]}, 4, id="array"
        ),
        pytest.param(
            {"properties": {"n": STRING, "below": {"anyOf": [NODE, NULL]}}, "required": ["below"]},
            4,
            id="or-null",
        ),
        pytest.param(
            {"properties": {"n": STRING, "below": {"anyOf": [NODE, STRING]}}, "required": ["below"]},
            4,
            id="or-string",
        ),
        pytest.param(
            {"properties": {"n": STRING, "below": {"allOf": [NODE, {"required": ["n"]}]}}},
            4,
            id="through-all-of",
        ),
        pytest.param(
            {"properties": {"n": STRING, "below": {"prefixItems": [NODE]}}}, 4, id="through-prefix-items"
        ),
        pytest.param(
            {"properties": {"n": STRING, "below": {"items": {"items": NODE}}}}, 4, id="array-of-arrays"
        ),
        pytest.param({"properties": {"n": STRING, "below": {"$ref": "#/$defs/other"}}}, 4, id="mutual"),
    ],
)
def test_recursion_that_can_end_is_closed_after_some_rounds(node: JSONValue, depth: int) -> None:
    """What is optional is left out, a list stays empty, a choice keeps its other options."""
    defs: dict[str, JSONValue] = {"node": node, "other": {"properties": {"m": STRING, "above": NODE}}}
    text = sketch(NODE, **{"$defs": defs})
    assert text.count('"n"') == depth
    json.dumps(text)


def test_a_schema_that_refers_to_its_root_is_closed() -> None:
    """`{"$ref": "#"}` is recursion like any other."""
    schema = {
        "type": "object",
        "properties": {"n": STRING, "below": {"type": "array", "items": {"$ref": "#"}}},
    }
    text = sketch_shape(Contract.parse(schema).shape)
    assert text.count('"n"') == 5
    assert text.count('"below": []') == 1


@pytest.mark.parametrize(
    "node",
    [
        pytest.param({"properties": {"below": NODE}, "required": ["below"]}, id="required-property"),
        pytest.param(
            {"properties": {"below": {"items": NODE, "minItems": 1}}, "required": ["below"]},
            id="filled-array",
        ),
        pytest.param(
            {"properties": {"below": {"anyOf": [NODE, NODE]}}, "required": ["below"]}, id="every-option"
        ),
        pytest.param({"properties": {"below": {"allOf": [NODE]}}, "required": ["below"]}, id="all-of"),
        pytest.param({"properties": {"below": NODE}}, id="nothing-but-itself"),
        pytest.param(
            {"properties": {"below": {"$ref": "#/$defs/other"}}, "required": ["below"]}, id="mutual"
        ),
    ],
)
def test_recursion_without_end_is_refused(node: JSONValue) -> None:
    """An answer that could never be finished is refused before the first call."""
    defs: JSONValue = {"node": node, "other": {"properties": {"above": NODE}, "required": ["above"]}}
    with pytest.raises(ContractInvalid, match="without end") as caught:
        read(NODE, **{"$defs": defs})
    assert caught.value.pointer.startswith("/$defs/")


@pytest.mark.parametrize(
    "defs",
    [
        pytest.param({"node": NODE}, id="itself"),
        pytest.param({"node": {"$ref": "#/$defs/b"}, "b": NODE}, id="a-b-a"),
        pytest.param({"node": {"anyOf": [NODE, STRING]}}, id="through-any-of"),
        pytest.param({"node": {"allOf": [NODE, STRING]}}, id="through-all-of"),
        pytest.param({"node": {"anyOf": [STRING, {"allOf": [{"oneOf": [NODE]}]}]}}, id="through-all-three"),
        pytest.param(
            {f"n{i}": {"$ref": f"#/$defs/n{i + 1}"} for i in range(40)}
            | {"node": {"$ref": "#/$defs/n0"}, "n40": NODE},
            id="long-way",
        ),
    ],
)
@pytest.mark.parametrize("required", [["a"], []], ids=["required", "optional"])
def test_a_reference_that_comes_back_without_a_value_between_is_refused(
    defs: JSONValue, required: JSONValue
) -> None:
    """`a -> b -> a` says nothing; even where the property is optional it is a mistake, and is named."""
    schema = wrap(NODE, **{"$defs": defs}) | {"required": required}
    with pytest.raises(ContractInvalid, match="leads back to itself"):
        Contract.parse(schema)


def test_a_chain_of_references_that_is_too_long_is_refused() -> None:
    """Thousands of references in a row are an error, not a full stack."""
    defs: dict[str, JSONValue] = {f"n{i}": {"$ref": f"#/$defs/n{i + 1}"} for i in range(5000)}
    with pytest.raises(ContractInvalid, match="references lead to each other"):
        read({"$ref": "#/$defs/n0"}, **{"$defs": {**defs, "n5000": STRING}})


def test_values_too_deep_in_each_other_are_refused() -> None:
    """A chain of definitions may not go deeper than answers can."""
    defs: dict[str, JSONValue] = {
        f"n{i}": {"properties": {"x": {"$ref": f"#/$defs/n{i + 1}"}}} for i in range(200)
    }
    with pytest.raises(ContractInvalid, match="deep in each other"):
        read({"$ref": "#/$defs/n0"}, **{"$defs": {**defs, "n200": STRING}})


@pytest.mark.parametrize(
    ("schema", "description"),
    [
        pytest.param({"type": "string", "description": "own"}, "own", id="plain"),
        pytest.param({"$ref": "#/$defs/d"}, "the definition's", id="of-the-target"),
        pytest.param({"$ref": "#/$defs/d", "description": "own"}, "own", id="beside-the-ref"),
        pytest.param({"allOf": [{"$ref": "#/$defs/d"}], "description": "own"}, "own", id="beside-all-of"),
        pytest.param(
            {"anyOf": [{"$ref": "#/$defs/d"}, NULL], "description": "own"}, "own", id="beside-any-of"
        ),
        pytest.param({"anyOf": [{"$ref": "#/$defs/d"}, NULL]}, "the definition's", id="of-the-only-option"),
        pytest.param({"anyOf": [NULL], "description": "own"}, "own", id="of-null"),
        pytest.param({"items": STRING, "description": "own"}, "own", id="of-an-array"),
        pytest.param({"anyOf": [STRING, {"type": "integer"}], "description": "own"}, "own", id="of-a-choice"),
    ],
)
def test_the_nearest_description_counts(schema: JSONValue, description: str) -> None:
    """What the author wrote beside a reference tells more than what the definition says."""
    shape = read(schema, **{"$defs": {"d": {"type": "string", "description": "the definition's"}}})
    assert shape.description == description


def test_properties_keep_the_order_of_their_writing() -> None:
    """The order in which values are asked is the author's; inherited ones come first."""
    shape = Contract.parse(
        {
            "$ref": "#/$defs/d",
            "properties": {"z": STRING, "b": STRING, "a": STRING},
            "$defs": {"d": {"properties": {"y": STRING, "b": STRING}}},
        }
    ).shape
    assert [part.name for part in shape.properties] == ["y", "b", "z", "a"]


def test_arrays_keep_their_counts() -> None:
    """MinItems and maxItems are merged to the tighter, and 3.0 is a count."""
    shape = read({"items": STRING, "minItems": 1, "allOf": [{"minItems": 2}, {"maxItems": 3.0}]})
    assert isinstance(shape, ArrayShape)
    assert (shape.min_items, shape.max_items) == (2, 3)


def test_a_choice_of_objects_keeps_both() -> None:
    """Objects that differ in more than what they require stay apart."""
    shape = read(
        {
            "oneOf": [
                {"properties": {"k": {"const": "a"}, "x": STRING}},
                {"properties": {"k": {"const": "b"}, "x": STRING}},
            ]
        }
    )
    assert isinstance(shape, ChoiceShape)
    assert all(isinstance(option, ObjectShape) for option in shape.options)
