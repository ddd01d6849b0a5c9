"""What words may say: types, values, lengths, ranges and grounding; and what is refused by name."""

from __future__ import annotations

import pytest

from holocron.derivation.contract import Contract
from holocron.derivation.grounding import Grounding
from holocron.derivation.shapes import ScalarShape, Shape
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue

VOCABULARY = {"sort": {"ship": ("vessel",), "place": ()}, "none": {}}
STRING: JSONValue = {"type": "string"}
NULL: JSONValue = {"type": "null"}


def read(schema: JSONValue) -> Shape:
    """Return the shape of a property."""
    contract: JSONValue = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return Contract.parse(contract, VOCABULARY).shape.properties[0].shape


REFUSED: list[tuple[str, JSONValue, str, str]] = [
    # id, the schema of property a, pointer below it, part of the reason
    ("false", False, "", "nothing can satisfy"),
    ("a-number", 3, "", "nothing can satisfy"),
    ("false-branch", {"anyOf": [STRING, False]}, "/anyOf/1", "nothing can satisfy"),
    ("false-in-all", {"allOf": [STRING, False]}, "/allOf/1", "nothing can satisfy"),
    ("type-number", {"type": 5}, "/type", "name of a type"),
    ("type-null", {"type": None}, "/type", "name of a type"),
    ("type-map", {"type": {}}, "/type", "name of a type"),
    ("type-unknown", {"type": "text"}, "/type", "no type 'text'"),
    ("type-list-of-lists", {"type": [["string"]]}, "/type", "no type"),
    ("types-empty", {"type": []}, "/type", "empty"),
    ("enum-empty", {"enum": []}, "/enum", "something in it"),
    ("enum-text", {"enum": "abc"}, "/enum", "something in it"),
    ("enum-of-objects", {"enum": [{}]}, "/enum", "only scalars"),
    ("enum-of-lists", {"type": "array", "enum": [[1]]}, "/enum", "only scalars"),
    ("const-list", {"const": [1]}, "/const", "only scalars"),
    ("enum-against-type", {"type": "integer", "enum": ["a"]}, "/enum", "'a' does not have the declared type"),
    ("norway", {"type": "string", "enum": ["se", False]}, "/enum", "False does not have"),
    ("norway-untyped", {"enum": ["se", False]}, "/enum", "stand in one enum"),
    ("enum-against-const", {"const": "a", "enum": ["b"]}, "/const", "no enumerated value"),
    ("enum-integer-beyond-64-bits", {"enum": [2**64]}, "/enum", "64-bit"),
    ("enum-half-for-integer", {"type": "integer", "enum": [1.5]}, "/enum", "1.5 does not have"),
    ("enums-apart", {"allOf": [{"enum": ["a"]}, {"enum": ["b"]}]}, "/allOf/1/enum", "no enum satisfies both"),
    ("types-apart", {"allOf": [STRING, {"type": "integer"}]}, "/allOf/1/type", "no type satisfies both"),
    (
        "consts-apart",
        {"allOf": [{"const": 1}, {"const": True}]},
        "/allOf/1/const",
        "nothing is both 1 and True",
    ),
    (
        "all-branches-dead",
        {"type": "string", "anyOf": [NULL, {"type": "integer"}]},
        "/anyOf/0/type",
        "no type satisfies",
    ),
    ("any-of-empty", {"anyOf": []}, "/anyOf", "something in it"),
    ("all-of-map", {"allOf": {}}, "/allOf", "something in it"),
    ("one-of-text", {"oneOf": "ab"}, "/oneOf", "something in it"),
    ("min-length-text", {"minLength": "5"}, "/minLength", "must be a count"),
    ("min-length-negative", {"minLength": -1}, "/minLength", "must be a count"),
    ("min-length-half", {"minLength": 1.5}, "/minLength", "must be a count"),
    ("max-length-true", {"maxLength": True}, "/maxLength", "must be a count"),
    ("max-length-null", {"maxLength": None}, "/maxLength", "must be a count"),
    ("lengths-cross", {"minLength": 5, "maxLength": 4}, "/minLength", "minLength 5 is over maxLength 4"),
    (
        "lengths-cross-in-parts",
        {"allOf": [{"minLength": 5}, {"maxLength": 4}]},
        "/allOf/0/minLength",
        "is over",
    ),
    ("min-length-unreachable", {"minLength": 5000}, "/minLength", "can hold"),
    ("items-cross", {"items": STRING, "minItems": 2, "maxItems": 1}, "/minItems", "is over"),
    ("items-over-prefix", {"prefixItems": [STRING], "items": False, "minItems": 2}, "/minItems", "is over"),
    ("min-items-unreachable", {"items": STRING, "minItems": 2000}, "/minItems", "can hold"),
    ("items-list", {"items": [STRING]}, "/items", "must be one schema"),
    ("items-number", {"items": 3}, "/items", "nothing can satisfy"),
    ("prefix-empty", {"prefixItems": []}, "/prefixItems", "something in it"),
    ("prefix-second-wrong", {"prefixItems": [STRING, {"type": "x"}]}, "/prefixItems/1/type", "no type"),
    ("minimum-text", {"type": "integer", "minimum": "1"}, "/minimum", "must be a number"),
    ("minimum-null", {"type": "integer", "minimum": None}, "/minimum", "must be a number"),
    ("exclusive-true", {"type": "number", "exclusiveMinimum": True}, "/exclusiveMinimum", "must be a number"),
    ("range-crosses", {"type": "number", "minimum": 2, "maximum": 1}, "", "no number lies between"),
    ("range-touches", {"type": "number", "exclusiveMinimum": 1, "maximum": 1}, "", "no number lies between"),
    ("integer-range-crosses", {"type": "integer", "minimum": 2, "maximum": 1}, "", "no 64-bit integer"),
    ("no-integer-between", {"type": "integer", "minimum": 1.2, "maximum": 1.8}, "", "no 64-bit integer"),
    (
        "no-integer-exclusive",
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
        "",
        "no 64-bit",
    ),
    ("integer-over-64-bits", {"type": "integer", "minimum": 2**70}, "", "no 64-bit integer"),
    ("date-too-short", {"type": "string", "format": "date", "maxLength": 5}, "/maxLength", "no date has"),
    ("date-too-long", {"type": "string", "format": "date", "minLength": 11}, "/minLength", "no date has"),
    ("uuid-too-short", {"type": "string", "format": "uuid", "maxLength": 35}, "/maxLength", "no uuid has"),
    ("pattern-number", {"type": "string", "pattern": 5}, "/pattern", "must be text"),
    ("format-list", {"type": "string", "format": []}, "/format", "must be text"),
    ("description-number", {"type": "string", "description": 5}, "/description", "must be text"),
    ("object-open", {"type": "object"}, "", "must declare its properties"),
    ("object-map", {"type": "object", "additionalProperties": STRING}, "", "must declare its properties"),
    ("object-guessed", {"additionalProperties": STRING}, "", "must declare its properties"),
    ("properties-list", {"properties": [STRING]}, "/properties", "must be a map"),
    ("properties-null", {"properties": None}, "/properties", "must be a map"),
    ("property-cite", {"properties": {"cite": STRING}}, "/properties/cite", "Holocron's own"),
    ("property-blank", {"properties": {" ": STRING}}, "/properties/ ", "cannot be called"),
    ("property-newline", {"properties": {"a\nb": STRING}}, "/properties/a\nb", "cannot be called"),
    ("property-wrong", {"properties": {"x/y": {"type": "x"}}}, "/properties/x~1y/type", "no type"),
    ("required-undeclared", {"properties": {"x": STRING}, "required": ["y"]}, "/required", "'y' is required"),
    ("required-text", {"properties": {"x": STRING}, "required": "x"}, "/required", "list of names"),
    ("required-numbers", {"properties": {"x": STRING}, "required": [1]}, "/required", "list of names"),
    ("required-lists", {"properties": {"x": STRING}, "required": [["x"]]}, "/required", "list of names"),
    ("min-properties", {"properties": {"x": STRING}, "minProperties": 2}, "/minProperties", "minProperties"),
    (
        "closed-beside-open",
        {
            "allOf": [{"properties": {"x": STRING}}],
            "properties": {"y": STRING},
            "additionalProperties": False,
        },
        "/allOf/0/properties/x",
        "'x' can never be stated",
    ),
    ("ref-remote", {"$ref": "http://other/schema"}, "/$ref", "leaves the contract"),
    ("ref-file", {"$ref": "other.json#/x"}, "/$ref", "leaves the contract"),
    ("ref-anchor", {"$ref": "#place"}, "/$ref", "leaves the contract"),
    ("ref-number", {"$ref": 5}, "/$ref", "leaves the contract"),
    ("ref-nowhere", {"$ref": "#/$defs/none"}, "/$ref", "names nothing"),
    ("ref-into-text", {"$ref": "#/type/x"}, "/$ref", "names nothing"),
    ("ref-into-list", {"$ref": "#/required/7"}, "/$ref", "names nothing"),
    ("ref-to-text", {"$ref": "#/type"}, None, "nothing can satisfy"),
    ("dynamic-ref", {"$dynamicRef": "#x"}, "", "not followed"),
    ("nested-id", {"$id": "http://x/", "type": "string"}, "", "changes what every"),
    ("nullable", {"type": "string", "nullable": True}, "", "means nothing in JSON Schema"),
    ("x-ground-unknown", {"type": "string", "x-ground": "loose"}, "/x-ground", "'loose'"),
    ("x-ground-list", {"type": "string", "x-ground": ["verbatim"]}, "/x-ground", "x-ground is"),
    ("x-ground-null", {"type": "string", "x-ground": None}, "/x-ground", "x-ground is None"),
    ("x-ground-on-array", {"items": STRING, "x-ground": "verbatim"}, "/x-ground", "belongs to a value"),
    ("x-ground-on-object", {"properties": {"x": STRING}, "x-ground": "verbatim"}, "/x-ground", "belongs to"),
    (
        "x-ground-on-boolean",
        {"type": "boolean", "x-ground": "verbatim"},
        "/x-ground",
        "never stand in a text",
    ),
    ("x-vocabulary-unknown", {"x-vocabulary": "colour"}, "/x-vocabulary", "names no vocabulary"),
    ("x-vocabulary-list", {"x-vocabulary": ["sort"]}, "/x-vocabulary", "names no vocabulary"),
    ("x-vocabulary-empty", {"x-vocabulary": "none"}, "/x-vocabulary", "names no vocabulary"),
    (
        "x-vocabulary-on-integer",
        {"type": "integer", "x-vocabulary": "sort"},
        "/x-vocabulary",
        "needs the type string",
    ),
    (
        "x-vocabulary-on-array",
        {"type": "array", "items": STRING, "x-vocabulary": "sort"},
        "/x-vocabulary",
        "belongs to",
    ),
]


@pytest.mark.parametrize(
    ("schema", "pointer", "reason"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_cannot_be_met_or_shown_is_refused(schema: JSONValue, pointer: str | None, reason: str) -> None:
    """The error names the place in the contract as it was written, and what is wrong there."""
    with pytest.raises(ContractInvalid, match=reason.replace("(", r"\(")) as caught:
        read(schema)
    if pointer is not None:
        assert caught.value.pointer == f"/properties/a{pointer}"


@pytest.mark.parametrize(
    ("word", "value", "meant"),
    [
        ("x-groud", "verbatim", "x-ground"),
        ("x-Ground", "verbatim", "x-ground"),
        ("maxlength", 3, "maxLength"),
    ],
)
def test_a_word_that_is_almost_one_is_refused(word: str, value: JSONValue, meant: str) -> None:
    """JSON Schema ignores what it does not know: a guard that is misspelt would be off."""
    with pytest.raises(ContractInvalid, match=f"'{word}' is no word of a contract") as caught:
        Contract.parse({"type": "object", "properties": {"a": {"type": "string", word: value}}})
    assert caught.value.pointer == f"/properties/a/{word}"
    assert caught.value.hint == f"Did you mean {meant}?"


def test_words_of_others_are_left_alone() -> None:
    """OpenAPI's words and those of other programs say nothing here, and do no harm."""
    words = {
        "example": "x",
        "x-order": 1,
        "x-display-name": "A",
        "title": "A",
        "default": "b",
        "deprecated": True,
    }
    Contract.parse({"type": "object", "properties": {"a": {"type": "string", **words}}})


@pytest.mark.parametrize(
    ("schema", "hint"),
    [
        pytest.param(False, "{type: string}", id="false"),
        pytest.param({"$ref": "#/$defs/none"}, "$defs", id="ref-nowhere"),
        pytest.param({"$id": "x", "type": "string"}, "Take it out", id="id"),
        pytest.param({"x-vocabulary": "colour"}, "derivation's vocabulary", id="vocabulary"),
        pytest.param({"type": "object"}, "properties: {NAME", id="no-properties"),
        pytest.param({"enum": [[1]]}, "anyOf", id="enum-of-lists"),
        pytest.param({"allOf": [{"type": "string"}, {"enum": [1]}]}, "Correct the type", id="enum-of-others"),
        pytest.param({"allOf": [STRING, {"type": "integer"}]}, "one of the two", id="two-types"),
        pytest.param({"type": "text"}, "string, number, integer", id="no-type"),
        pytest.param(
            {"type": "object", "properties": {"b": STRING}, "required": ["c"]}, "Declare it", id="required"
        ),
        pytest.param(
            {"type": "object", "properties": {"b": STRING}, "minProperties": 2}, "required", id="min"
        ),
        pytest.param({"type": "object", "properties": {" ": STRING}}, "letters", id="name"),
    ],
)
def test_an_obscure_refusal_says_its_mend(schema: JSONValue, hint: str) -> None:
    """What to write instead stands in the hint, where the sentence does not say it."""
    with pytest.raises(ContractInvalid) as caught:
        read(schema)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(STRING, Grounding.NORMALIZED, id="string"),
        pytest.param({"type": "integer"}, Grounding.NORMALIZED, id="integer"),
        pytest.param({"type": "boolean"}, Grounding.INFERRED, id="boolean"),
        pytest.param({"enum": ["a"]}, Grounding.INFERRED, id="enum"),
        pytest.param({"x-vocabulary": "sort"}, Grounding.INFERRED, id="vocabulary"),
        pytest.param({"enum": ["a"], "x-ground": "normalized"}, Grounding.NORMALIZED, id="enum-normalized"),
        pytest.param({"type": "string", "x-ground": "verbatim"}, Grounding.VERBATIM, id="verbatim"),
        pytest.param({"type": "string", "x-ground": "inferred"}, Grounding.INFERRED, id="inferred"),
        pytest.param(
            {"anyOf": [STRING, NULL], "x-ground": "verbatim"}, Grounding.VERBATIM, id="beside-any-of"
        ),
        pytest.param(
            {"allOf": [{"type": "string", "x-ground": "verbatim"}, {"x-ground": "inferred"}]},
            Grounding.VERBATIM,
            id="strictest",
        ),
        pytest.param({"type": ["boolean", "string"]}, Grounding.NORMALIZED, id="boolean-or-string"),
    ],
)
def test_the_least_grounding_is_the_contracts_or_the_kinds(schema: JSONValue, expected: Grounding) -> None:
    """Texts and numbers must stand in the evidence; closed sets and booleans may follow from it."""
    shape = read(schema)
    assert isinstance(shape, ScalarShape)
    assert shape.ground is expected


def test_a_vocabulary_gives_values_and_their_other_words() -> None:
    """Without an enum the vocabulary is the closed set; with one, only the enum's synonyms are kept."""
    shape = read({"x-vocabulary": "sort"})
    assert isinstance(shape, ScalarShape)
    assert shape.enum == ("ship", "place")
    assert shape.synonyms == {"ship": ("vessel",), "place": ()}
    narrowed = read({"x-vocabulary": "sort", "enum": ["place", "other"]})
    assert isinstance(narrowed, ScalarShape)
    assert narrowed.enum == ("place", "other")
    assert narrowed.synonyms == {"place": ()}


@pytest.mark.parametrize(
    ("schema", "low", "high"),
    [
        pytest.param({"minimum": 1, "maximum": 3}, 1, 3, id="plain"),
        pytest.param({"minimum": 1.2, "maximum": 3.7}, 2, 3, id="rounded-inwards"),
        pytest.param({"exclusiveMinimum": 1, "exclusiveMaximum": 3}, 2, 2, id="exclusive"),
        pytest.param({"exclusiveMinimum": 1.5, "exclusiveMaximum": 3.5}, 2, 3, id="exclusive-halves"),
        pytest.param({"minimum": -1.5, "exclusiveMaximum": -0.5}, -1, -1, id="negative"),
        pytest.param({"minimum": 5, "exclusiveMinimum": 2}, 5, None, id="the-tighter"),
        pytest.param(
            {"minimum": 2, "allOf": [{"minimum": 7}, {"maximum": 9}, {"maximum": 8}]}, 7, 8, id="merged"
        ),
        pytest.param({"minimum": -(10**30)}, -(2**63 - 1), None, id="wider-than-64-bits"),
        pytest.param({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, 0, 0.5, id="number"),
        pytest.param({}, None, None, id="none"),
    ],
)
def test_ranges_are_read_as_inclusive_bounds(
    schema: dict[str, JSONValue], low: float | None, high: float | None
) -> None:
    """An integer's bounds are exact; a number's exclusive ones are left to the validator."""
    shape = read({"type": "integer", **schema})
    assert isinstance(shape, ScalarShape)
    assert (shape.minimum, shape.maximum) == (low, high)
