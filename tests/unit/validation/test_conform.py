"""An answer taken apart: value, leaves and citations; what breaks the contract has a file of its own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.derivation.contract import Contract
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue, canonical_json
from holocron.validation.conform import Conformed, ContractValidator, find_leaves

STRING: JSONValue = {"type": "string"}


def validator(schema: JSONValue) -> ContractValidator:
    """Return the validator of a contract whose vocabulary has two sorts."""
    return ContractValidator(Contract.parse(schema, {"sort": {"ship": ("vessel",), "place": ()}}))


def conform(schema: JSONValue, answer: JSONValue, last: int = 3) -> Conformed:
    """Conform an answer to a contract of one optional property `a`."""
    return validator({"type": "object", "properties": {"a": schema}}).conform(answer, last)


@pytest.mark.parametrize(
    ("schema", "answer", "value", "leaves"),
    [
        pytest.param(STRING, {"cite": [1], "a": "x"}, {"a": "x"}, [("/a", "x", (1,))], id="string"),
        pytest.param(
            STRING, {"cite": [3, 1, 3, 1], "a": "x"}, {"a": "x"}, [("/a", "x", (3, 1))], id="citations-twice"
        ),
        pytest.param(STRING, {"cite": [], "a": None}, {}, [("/a", None, ())], id="optional-null-is-left-out"),
        pytest.param(STRING, {"cite": []}, {}, [("/a", None, ())], id="missing"),
        pytest.param(
            {"type": ["string", "null"]},
            {"cite": [], "a": None},
            {"a": None},
            [("/a", None, ())],
            id="nullable-null-stays",
        ),
        pytest.param(
            {"type": "integer"}, {"cite": [1], "a": 3.0}, {"a": 3}, [("/a", 3, (1,))], id="integer-as-3.0"
        ),
        pytest.param(
            {"type": "integer"}, {"cite": [1], "a": -0.0}, {"a": 0}, [("/a", 0, (1,))], id="minus-zero"
        ),
        pytest.param(
            {"type": "number"}, {"cite": [1], "a": 3.0}, {"a": 3.0}, [("/a", 3.0, (1,))], id="number"
        ),
        pytest.param(
            {"type": "integer"},
            {"cite": [1], "a": 2**63 - 1},
            {"a": 2**63 - 1},
            [("/a", 2**63 - 1, (1,))],
            id="greatest",
        ),
        pytest.param(
            {"type": "boolean"}, {"cite": [1], "a": False}, {"a": False}, [("/a", False, (1,))], id="boolean"
        ),
        pytest.param(
            {"items": STRING},
            {"cite": [1, 2], "a": ["x", "y"]},
            {"a": ["x", "y"]},
            [("/a/0", "x", (1, 2)), ("/a/1", "y", (1, 2))],
            id="array",
        ),
        pytest.param({"items": STRING}, {"cite": [], "a": []}, {"a": []}, [], id="empty-array"),
        pytest.param({"items": STRING}, {"cite": [], "a": None}, {}, [("/a", None, ())], id="null-array"),
        pytest.param(
            {"items": {"items": STRING}},
            {"cite": [1], "a": [["x"], []]},
            {"a": [["x"], []]},
            [("/a/0/0", "x", (1,))],
            id="nested-array",
        ),
        pytest.param(
            {"properties": {"x": STRING}},
            {"a": {"cite": [2], "x": "y"}},
            {"a": {"x": "y"}},
            [("/a/x", "y", (2,))],
            id="object",
        ),
        pytest.param({"properties": {"x": STRING}}, {"a": None}, {}, [("/a", None, ())], id="null-object"),
        pytest.param(
            {"items": {"properties": {"x": STRING}}},
            {"a": [{"cite": [1], "x": "y"}, {"cite": [2], "x": None}]},
            {"a": [{"x": "y"}, {}]},
            [("/a/0/x", "y", (1,)), ("/a/1/x", None, (2,))],
            id="array-of-objects",
        ),
        pytest.param(
            {"anyOf": [STRING, {"type": "integer"}]},
            {"cite": [1], "a": 5},
            {"a": 5},
            [("/a", 5, (1,))],
            id="choice",
        ),
        pytest.param(
            {"anyOf": [STRING, {"type": "integer"}]},
            {"cite": [], "a": None},
            {},
            [("/a", None, ())],
            id="null-choice",
        ),
        pytest.param(
            {"anyOf": [{"properties": {"x": STRING}, "required": ["x"]}, {"properties": {"y": STRING}}]},
            {"a": {"cite": [1], "y": "z"}},
            {"a": {"y": "z"}},
            [("/a/y", "z", (1,))],
            id="choice-of-objects",
        ),
        pytest.param(
            {"format": "date"},
            {"cite": [1], "a": "2024-02-29"},
            {"a": "2024-02-29"},
            [("/a", "2024-02-29", (1,))],
            id="date",
        ),
        pytest.param(
            {"x-vocabulary": "sort"},
            {"cite": [1], "a": "ship"},
            {"a": "ship"},
            [("/a", "ship", (1,))],
            id="vocabulary",
        ),
    ],
)
def test_an_answer_that_fits_is_taken_apart(
    schema: JSONValue,
    answer: JSONValue,
    value: JSONValue,
    leaves: list[tuple[str, JSONValue, tuple[int, ...]]],
) -> None:
    """The value has no cite and no null that the contract does not know; each leaf has its object's lines."""
    conformed = conform(schema, answer)
    assert conformed.findings == []
    assert conformed.value == value
    assert canonical_json(conformed.value) == canonical_json(value)
    assert [(leaf.pointer, leaf.value, leaf.cite) for leaf in conformed.leaves] == leaves


def test_leaves_of_an_accepted_value_keep_their_shapes() -> None:
    """A stored value is taken apart as it was when it was judged, through choices too."""
    contract = Contract.parse(
        {
            "type": "object",
            "properties": {
                "a": {"anyOf": [{"type": "string", "format": "date"}, STRING]},
                "b": {"items": STRING},
            },
        }
    )
    leaves = find_leaves({"a": "Monday", "b": ["x"]}, contract.shape)
    assert [(leaf.pointer, leaf.value, leaf.shape.is_date) for leaf in leaves] == [
        ("/a", "Monday", False),
        ("/b/0", "x", False),
    ]
    assert find_leaves({"a": "2024-02-29"}, contract.shape)[0].shape.is_date


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        pytest.param({"type": "string", "pattern": "("}, "/properties/a/pattern", id="pattern"),
        pytest.param(
            {"type": "string", "pattern": "a{1000000}"}, "/properties/a/pattern", id="pattern-too-large"
        ),
        pytest.param(
            {"type": "string", "multipleOf": "x"}, "/properties/a/multipleOf", id="word-of-a-wrong-type"
        ),
        pytest.param(
            {"type": "number", "multipleOf": 0}, "/properties/a/multipleOf", id="multiple-of-nothing"
        ),
        pytest.param({"type": "string", "not": 5}, "/properties/a/not", id="not-a-number"),
        pytest.param(
            {"type": "string", "not": {"$ref": "http://other.example/x"}}, "", id="reference-outwards"
        ),
        pytest.param({"type": "string", "not": {"$ref": "#/nowhere"}}, "", id="reference-to-nothing"),
    ],
)
def test_a_contract_that_is_no_schema_is_refused(schema: JSONValue, pointer: str) -> None:
    """What the reader of shapes does not look at is checked before any call, and nothing is fetched."""
    with pytest.raises(ContractInvalid) as caught:
        validator({"type": "object", "properties": {"a": schema}})
    assert caught.value.pointer == pointer
    assert "\n" not in str(caught.value)


_SCHEMA: JSONValue = {
    "type": "object",
    "properties": {
        "s": STRING,
        "n": {"type": ["integer", "null"]},
        "d": {"format": "date"},
        "l": {
            "items": {"properties": {"x": STRING, "y": {"anyOf": [{"type": "number"}, {"items": STRING}]}}}
        },
    },
    "required": ["s", "n"],
}
_ANSWERS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["x", "2024-02-29", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["cite", "s", "n", "d", "l", "x", "y", "z"]), inner, max_size=6)
    ),
    max_leaves=15,
)
_VALIDATOR = validator(_SCHEMA)


@settings(max_examples=200)
@given(answer=_ANSWERS)
def test_any_answer_is_taken_apart_or_complained_of(answer: JSONValue) -> None:
    """Without a finding, every scalar of the value is a leaf; with one, nothing more is promised."""
    conformed = _VALIDATOR.conform(answer, 3)
    canonical_json(conformed.value)
    if conformed.findings:
        return
    stated = {leaf.pointer: leaf.value for leaf in conformed.leaves if leaf.value is not None}
    assert stated == dict(_scalars(conformed.value, ""))
    assert all(set(leaf.cite) <= {1, 2, 3} for leaf in conformed.leaves)


def _scalars(value: JSONValue, pointer: str) -> list[tuple[str, JSONValue]]:
    if isinstance(value, dict):
        return [found for name, part in value.items() for found in _scalars(part, f"{pointer}/{name}")]
    if isinstance(value, list):
        return [found for index, part in enumerate(value) for found in _scalars(part, f"{pointer}/{index}")]
    return [] if value is None else [(pointer, value)]
