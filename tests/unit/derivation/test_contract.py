"""What a contract's text may be at all, and that no text breaks the reading of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.derivation.contract import MAX_NESTING, Contract
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue
from holocron.validation.conform import ContractValidator


def wrap(schema: JSONValue, **root: JSONValue) -> dict[str, JSONValue]:
    """Return a contract with one property."""
    return {"type": "object", "properties": {"a": schema}, **root}


def _nest(depth: int, key: str = "allOf") -> JSONValue:
    schema: JSONValue = {"type": "string"}
    for _ in range(depth):
        schema = {key: [schema]} if key == "allOf" else {key: schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "pointer", "reason"),
    [
        pytest.param([], "", "object was expected", id="list"),
        pytest.param(None, "", "object was expected", id="null"),
        pytest.param(True, "", "object was expected", id="true"),
        pytest.param({}, "", "the answer must be an object", id="empty"),
        pytest.param({"type": "array", "items": {"type": "string"}}, "", "must be an object", id="array"),
        pytest.param({"type": "string"}, "", "must be an object", id="scalar"),
        pytest.param({"type": "object"}, "", "must declare its properties", id="no-properties"),
        pytest.param(wrap({"const": float("nan")}), "/properties/a/const", "out of range", id="nan"),
        pytest.param(wrap({"maximum": float("inf")}), "/properties/a/maximum", "out of range", id="infinity"),
        pytest.param(wrap({"maximum": 10**400}), "/properties/a/maximum", "out of range", id="huge-integer"),
        pytest.param(wrap({"const": "a\0b"}), "/properties/a/const", "NUL", id="nul"),
        pytest.param(wrap({"description": "\ud800"}), "/properties/a/description", "half", id="surrogate"),
        pytest.param(wrap({"const": b"x"}), "/properties/a/const", "is a bytes", id="bytes"),
        pytest.param(wrap({1: "x"}), "/properties/a", "key 1 is not text", id="number-key"),
        pytest.param(wrap({"\udc00": 1}), "/properties/a", "half", id="surrogate-key"),
        pytest.param(
            wrap(_nest(10_000)), "/properties/a/allOf/0/allOf/0/allOf", "too deep", id="10,000-deep"
        ),
        pytest.param(
            wrap(_nest(10_000, "items")), "/properties/a/items/", "too deep", id="10,000-items-deep"
        ),
        pytest.param(wrap({"enum": ["x"] * 300_000}), "/properties/a/enum", "larger than", id="too-large"),
    ],
)
def test_an_unusable_text_is_refused_by_name_and_pointer(
    schema: JSONValue, pointer: str, reason: str
) -> None:
    """What is no JSON, too deep, too large or no object at its root never reaches a model."""
    with pytest.raises(ContractInvalid, match=reason) as caught:
        Contract.parse(schema)
    assert caught.value.pointer.startswith(pointer)
    assert "\n" not in str(caught.value)


def test_a_root_that_may_be_null_is_an_object() -> None:
    """An answer is always given, so the root's null is left out."""
    contract = Contract.parse({"type": ["object", "null"], "properties": {"a": {"type": "string"}}})
    assert not contract.shape.nullable


def test_a_deep_schema_within_the_limit_is_read() -> None:
    """Nesting up to the limit is no error by itself, in the reader or in the validator."""
    contract = Contract.parse(wrap(_nest(MAX_NESTING // 2 - 4)))
    ContractValidator(contract)


def doubling(count: int, how: str) -> dict[str, JSONValue]:
    """Return definitions that each refer twice to the next: 2 to the power of count when unfolded."""
    defs: dict[str, JSONValue] = {}
    for number in range(count):
        following: JSONValue = {"$ref": f"#/$defs/d{number + 1}"}
        if how == "properties":
            defs[f"d{number}"] = {"type": "object", "properties": {"l": following, "r": following}}
        elif how == "items":
            defs[f"d{number}"] = {"type": "array", "prefixItems": [following, following]}
        else:
            defs[f"d{number}"] = {how: [following, following]}
    return wrap({"$ref": "#/$defs/d0"}, **{"$defs": {**defs, f"d{count}": {"type": "string"}}})


@pytest.mark.parametrize("how", ["properties", "items", "allOf", "anyOf", "oneOf"])
def test_a_schema_that_unfolds_without_measure_is_refused_at_once(how: str) -> None:
    """30 definitions that each refer twice to the next name the limit, in well under a second."""
    begun = time.monotonic()
    with pytest.raises(ContractInvalid, match="unfolds into more than"):
        Contract.parse(doubling(30, how))
    assert time.monotonic() - begun < 2


def test_choices_too_deep_in_each_other_are_refused() -> None:
    """Definitions that pile choice upon choice fill no stack."""
    defs: dict[str, JSONValue] = {}
    for number in range(40):
        schema: JSONValue = {"$ref": f"#/$defs/d{number + 1}"}
        for _ in range(20):
            schema = {"anyOf": [schema]}
        defs[f"d{number}"] = schema
    with pytest.raises(ContractInvalid, match="nested too deep"):
        Contract.parse(wrap({"$ref": "#/$defs/d0"}, **{"$defs": {**defs, "d40": {"type": "string"}}}))


def test_choices_that_multiply_are_refused_at_once() -> None:
    """Twelve choices of ten in one place would be 10**12 combinations."""
    choice: JSONValue = {"anyOf": [{"minLength": number} for number in range(10)]}
    begun = time.monotonic()
    with pytest.raises(ContractInvalid, match="unfolds into more than"):
        Contract.parse(wrap({"type": "string", "allOf": [choice] * 12}))
    assert time.monotonic() - begun < 2


_KEYWORDS = [
    "type",
    "properties",
    "required",
    "items",
    "prefixItems",
    "additionalProperties",
    "enum",
    "const",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "$ref",
    "$defs",
    "$id",
    "$anchor",
    "$dynamicRef",
    "$schema",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "pattern",
    "format",
    "x-ground",
    "x-vocabulary",
    "description",
    "nullable",
    "minProperties",
    "uniqueItems",
    "contains",
    "dependentRequired",
    "patternProperties",
    "a",
    "b",
]
_WORDS = st.sampled_from(
    [
        "string",
        "integer",
        "number",
        "boolean",
        "object",
        "array",
        "null",
        "#",
        "#/$defs/a",
        "#/$defs/b",
        "#/properties/a",
        "a",
        "b",
        "verbatim",
        "date",
        "uuid",
        "http://other/",
        "^a+$",
        "(",
        "yes",
    ]
)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2000)
    | st.floats(allow_nan=False)
    | _WORDS
    | st.text(max_size=3)
)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_KEYWORDS), inner, max_size=5)
    ),
    max_leaves=25,
)


def _check(schema: JSONValue) -> None:
    try:
        contract = Contract.parse(schema, {"a": {"x": ("y",), "z": ()}})
        ContractValidator(contract).conform({"a": "x"}, 3)
    except ContractInvalid as problem:
        sentence = str(problem)
    else:
        sentence = "none"
    assert sentence
    assert "\n" not in sentence


@settings(max_examples=100, deadline=2000)
@given(schema=_ANYTHING)
def test_any_json_is_a_contract_or_a_clear_error(schema: JSONValue) -> None:
    """Nothing but ContractInvalid comes out of reading and compiling, whatever is given."""
    _check(schema)


@settings(max_examples=100, deadline=2000)
@given(schema=_ANYTHING, first=_ANYTHING, second=_ANYTHING)
def test_any_json_in_place_is_a_contract_or_a_clear_error(
    schema: JSONValue, first: JSONValue, second: JSONValue
) -> None:
    """The same for texts that look like contracts: properties, definitions, references between them."""
    _check(wrap(schema, **{"$defs": {"a": first, "b": second}}))
