"""Everything that breaks a contract: each in one short sentence at its place."""

from __future__ import annotations

import pytest

from holocron.derivation.contract import Contract
from holocron.fingerprint import JSONValue
from holocron.validation.conform import MAX_FINDINGS, Conformed, ContractValidator

STRING: JSONValue = {"type": "string"}


def validator(schema: JSONValue) -> ContractValidator:
    """Return the validator of a contract whose vocabulary has two sorts."""
    return ContractValidator(Contract.parse(schema, {"sort": {"ship": ("vessel",), "place": ()}}))


def conform(schema: JSONValue, answer: JSONValue, last: int = 3) -> Conformed:
    """Conform an answer to a contract of one optional property `a`."""
    return validator({"type": "object", "properties": {"a": schema}}).conform(answer, last)


def told(conformed: Conformed) -> list[str]:
    """Return the findings in one line each."""
    return [f"{finding.code} {finding}" for finding in conformed.findings]


@pytest.mark.parametrize(
    ("schema", "answer", "expected"),
    [
        # citations
        pytest.param(
            STRING,
            {"cite": [4], "a": "x"},
            "citation_foreign /cite: There is no line 4; the lines are 1 to 3.",
            id="foreign",
        ),
        pytest.param(STRING, {"cite": [0], "a": "x"}, "There is no line 0", id="zero"),
        pytest.param(STRING, {"cite": [-1], "a": "x"}, "There is no line -1", id="negative"),
        pytest.param(STRING, {"cite": [True], "a": "x"}, "There is no line True", id="boolean"),
        pytest.param(STRING, {"cite": [1.0], "a": "x"}, "There is no line 1.0", id="float"),
        pytest.param(STRING, {"cite": ["1"], "a": "x"}, "There is no line 1", id="text"),
        pytest.param(STRING, {"cite": [10**39], "a": "x"}, "There is no line 1000000000", id="huge"),
        pytest.param(STRING, {"cite": [None], "a": "x"}, "There is no line None", id="null-in-list"),
        pytest.param(STRING, {"cite": [[1]], "a": "x"}, "There is no line [1]", id="list-in-list"),
        pytest.param(STRING, {"cite": None, "a": "x"}, "There is no line None", id="null"),
        pytest.param(STRING, {"cite": {"1": 1}, "a": "x"}, "There is no line {", id="map"),
        pytest.param(STRING, {"cite": "1", "a": "x"}, "There is no line 1", id="text-for-list"),
        pytest.param(
            {"properties": {"x": STRING}},
            {"cite": [1], "a": {"cite": [1], "x": "y"}},
            "/cite: 'cite' is not a property",
            id="cite-of-no-leaves",
        ),
        pytest.param(
            {"items": STRING},
            {"cite": [1], "a": [{"cite": [1]}]},
            "/a/0: A value of the type string was expected",
            id="cite-in-a-list",
        ),
        # keys
        pytest.param(
            STRING,
            {"cite": [1], "a": "x", "b": 1},
            "contract_broken /b: 'b' is not a property of the contract.",
            id="unknown-key",
        ),
        pytest.param(
            STRING,
            {"cite": [1], "a": "x", "Cite": [1]},
            "/Cite: 'Cite' is not a property",
            id="key-in-other-case",
        ),
        pytest.param(
            STRING, {"cite": [1], "x/y~z": 1}, "/x~1y~0z: 'x/y~z' is not a property", id="pointer-escapes"
        ),
        pytest.param(STRING, {"cite": [1], "x" * 1000: 1}, "is not a property", id="long-key"),
        # form
        pytest.param(STRING, [], "contract_broken /: An object was expected.", id="list-for-root"),
        pytest.param(STRING, None, "contract_broken /: An object was expected.", id="null-for-root"),
        pytest.param(STRING, "x", "contract_broken /: An object was expected.", id="string-for-root"),
        pytest.param(
            STRING,
            {"cite": [1], "a": 5},
            "/a: A value of the type string was expected.",
            id="number-for-string",
        ),
        pytest.param(
            STRING,
            {"cite": [1], "a": True},
            "/a: A value of the type string was expected.",
            id="boolean-for-string",
        ),
        pytest.param(
            STRING,
            {"cite": [1], "a": ["x"]},
            "/a: A value of the type string was expected.",
            id="list-for-string",
        ),
        pytest.param(
            STRING,
            {"cite": [1], "a": {"x": "y"}},
            "/a: A value of the type string was expected.",
            id="object-for-string",
        ),
        pytest.param(
            {"type": "integer"},
            {"cite": [1], "a": True},
            "/a: A value of the type integer was expected.",
            id="boolean-for-integer",
        ),
        pytest.param(
            {"type": "integer"},
            {"cite": [1], "a": 1.5},
            "/a: A value of the type integer was expected.",
            id="half-for-integer",
        ),
        pytest.param(
            {"items": STRING}, {"cite": [1], "a": "x"}, "/a: A list was expected.", id="string-for-list"
        ),
        pytest.param(
            {"properties": {"x": STRING}}, {"a": "x"}, "/a: An object was expected.", id="string-for-object"
        ),
        pytest.param(
            {"items": False, "type": "array"},
            {"a": ["x"]},
            "/a/0: A value of the type null was expected.",
            id="list-that-stays-empty",
        ),
        # where the schema alone would let it pass
        pytest.param(
            {"minLength": 2},
            {"cite": [1], "a": 5},
            "/a: A value of the type string was expected.",
            id="untyped-string",
        ),
        pytest.param(
            {"format": "date"},
            {"cite": [1], "a": 5},
            "/a: A value of the type string was expected.",
            id="untyped-date",
        ),
        pytest.param(
            {"properties": {"x": STRING}}, {"a": ["told"]}, "/a: An object was expected.", id="untyped-object"
        ),
        pytest.param(
            {"items": STRING},
            {"cite": [1], "a": {"told": "x"}},
            "/a: A list was expected.",
            id="untyped-list",
        ),
        # values
        pytest.param(
            {"enum": ["a", "b"]}, {"cite": [1], "a": "c"}, "/a: 'c' is none of the values", id="enum"
        ),
        pytest.param(
            {"enum": [1, 2]},
            {"cite": [1], "a": True},
            "/a: A value of the type integer was expected.",
            id="true-for-1",
        ),
        pytest.param(
            {"x-vocabulary": "sort"},
            {"cite": [1], "a": "vessel"},
            "/a: 'vessel' is none of the values",
            id="synonym-for-value",
        ),
        pytest.param(
            {"const": "a"}, {"cite": [1], "a": "A"}, "/a: 'A' is none of the values", id="const-in-other-case"
        ),
        pytest.param(
            {"type": "integer"},
            {"cite": [1], "a": 2**63},
            "does not fit a 64-bit integer",
            id="beyond-64-bits",
        ),
        pytest.param(
            {"type": "integer"},
            {"cite": [1], "a": -(2**63)},
            "does not fit a 64-bit integer",
            id="below-64-bits",
        ),
        pytest.param(
            {"type": "integer"}, {"cite": [1], "a": 1e300}, "does not fit a 64-bit integer", id="1e300"
        ),
        pytest.param(
            {"type": "number"},
            {"cite": [1], "a": 10**30},
            "does not fit a 64-bit integer",
            id="number-beyond-64-bits",
        ),
        pytest.param(
            {"format": "date"},
            {"cite": [1], "a": "2023-02-29"},
            "/a: '2023-02-29' is no date that",
            id="no-day",
        ),
        pytest.param(
            {"format": "date"},
            {"cite": [1], "a": "20240229"},
            '/a: "20240229" is not a "date"',
            id="basic-date",
        ),
        pytest.param({"format": "date"}, {"cite": [1], "a": "0000-01-01"}, "is no date that", id="year-0"),
        pytest.param(
            {"format": "date-time"},
            {"cite": [1], "a": "0001-01-01T00:00:00+23:59"},
            "is no date-time that",
            id="before-year-1",
        ),
        pytest.param(
            {"format": "date-time"},
            {"cite": [1], "a": "2024-01-01T00:00:00"},
            'is not a "date-time"',
            id="no-offset",
        ),
        pytest.param(
            {"format": "date-time"}, {"cite": [1], "a": "2024-01-01T24:00:00Z"}, "date-time", id="hour-24"
        ),
        # what only the validator knows
        pytest.param(
            {"type": "string", "pattern": "^a+$"}, {"cite": [1], "a": "b"}, "does not match", id="pattern"
        ),
        pytest.param(
            {"type": "string", "maxLength": 2},
            {"cite": [1], "a": "abc"},
            "is longer than 2 characters",
            id="length",
        ),
        pytest.param(
            {"type": "string", "format": "email"}, {"cite": [1], "a": "b"}, 'is not a "email"', id="email"
        ),
        pytest.param(
            {"type": "number", "multipleOf": 0.5},
            {"cite": [1], "a": 0.3},
            "is not a multiple of 0.5",
            id="multiple",
        ),
        pytest.param(
            {"items": STRING, "uniqueItems": True},
            {"cite": [1], "a": ["x", "x"]},
            "has non-unique elements",
            id="unique",
        ),
        pytest.param(
            {"items": STRING, "contains": {"const": "x"}}, {"cite": [1], "a": ["y"]}, "/a: ", id="contains"
        ),
        pytest.param(
            {"type": "string", "not": {"const": "x"}}, {"cite": [1], "a": "x"}, "is not allowed", id="not"
        ),
        pytest.param(
            {"properties": {"x": STRING}, "required": ["x"]},
            {"a": {"cite": []}},
            '/a: "x" is a required property',
            id="required",
        ),
        pytest.param(
            {"prefixItems": [STRING, {"type": "integer"}]},
            {"cite": [1], "a": [1, 2]},
            "/a/0: ",
            id="order-of-prefix-items",
        ),
        pytest.param(
            {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "null"}]},
            {"cite": [1], "a": "abc"},
            "is longer than 2 characters",
            id="in-an-option",
        ),
        pytest.param(
            {"oneOf": [{"type": "string", "minLength": 1}, {"type": "string", "maxLength": 5}]},
            {"cite": [1], "a": "abc"},
            "/a: ",
            id="both-of-one-of",
        ),
        pytest.param(
            {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "string", "pattern": "^x"}]},
            {"cite": [1], "a": "abc"},
            "/a: ",
            id="neither-option",
        ),
        # bounds of ours
        pytest.param(
            STRING,
            {"cite": [1], "a": "x" * 400},
            "bound_reached /a: The text is cut at 400 characters.",
            id="text-at-our-bound",
        ),
        pytest.param(
            {"type": "string", "maxLength": 5000},
            {"cite": [1], "a": "x" * 1999},
            "bound_reached /a: The text is cut at 1999",
            id="text-at-ollamas-bound",
        ),
        pytest.param(
            {"items": STRING},
            {"cite": [1], "a": ["x"] * 64},
            "bound_reached /a: The list is cut at 64 items.",
            id="list-at-our-bound",
        ),
    ],
)
def test_what_breaks_the_contract_is_found(schema: JSONValue, answer: JSONValue, expected: str) -> None:
    """Each in one short sentence at its place, once."""
    conformed = conform(schema, answer)
    assert len(conformed.findings) == 1
    assert expected in told(conformed)[0]
    finding = conformed.findings[0]
    assert len(finding.message) <= 320
    assert len(finding.pointer) <= 200


def test_a_null_where_the_contract_wants_a_value_is_found() -> None:
    """A required value that may not be null must be there."""
    strict = validator({"type": "object", "properties": {"a": STRING}, "required": ["a"]})
    assert told(strict.conform({"cite": [], "a": None}, 3)) == [
        'contract_broken /a: null is not of type "string".'
    ]
    assert "required property" in told(strict.conform({"cite": []}, 3))[0]


def test_more_lines_than_values_cannot_be_cited() -> None:
    """Citing everything would make anything grounded."""
    conformed = conform(STRING, {"cite": list(range(1, 10)), "a": "x"}, last=50)
    assert told(conformed) == [
        "contract_broken /cite: 9 lines are cited; cite at most 8, those that state the values."
    ]
    assert conform({"items": STRING}, {"cite": list(range(1, 10)), "a": ["x"]}, last=50).findings == []


def test_findings_are_bounded_in_number_and_length() -> None:
    """A looping model does not fill the store with complaints."""
    answer: JSONValue = {"cite": [9] * 5_000, "a": ["x" * 5_000] * 5_000} | {
        f"{'k' * 5_000}{n}": 1 for n in range(50)
    }
    conformed = conform({"items": {"enum": ["y"]}}, answer)
    assert len(conformed.findings) == MAX_FINDINGS
    assert all(len(finding.message) <= 320 and len(finding.pointer) <= 200 for finding in conformed.findings)
    broken = conform({"items": {"type": "string", "pattern": "^y*$"}}, {"cite": [1], "a": ["x"] * 60})
    assert len(broken.findings) == MAX_FINDINGS
