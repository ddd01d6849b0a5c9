"""Worked examples: given their citations, and refused where the product would refuse them."""

from __future__ import annotations

import pytest

from holocron.derivation.contract import Contract
from holocron.derivation.derivations import Example
from holocron.derivation.prompt import WorkedExample
from holocron.errors import ExampleInvalid
from holocron.fingerprint import JSONValue
from holocron.validation.conform import ContractValidator
from holocron.validation.examples import work_example

TEXT = (
    "Tal is a vessel. Her home is Arven. She was launched on 25 May 1977."
    " She called at Moss in 1980 and at Reed in 1981."
)
SCHEMA: JSONValue = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "kind": {"type": "string", "x-vocabulary": "kind"},
        "home": {"type": ["string", "null"]},
        "launched": {"type": "string", "format": "date"},
        "afloat": {"type": "boolean"},
        "tags": {"items": {"type": "string"}},
        "stops": {"items": {"properties": {"place": {"type": "string"}, "year": {"type": "integer"}}}},
        "note": {
            "anyOf": [{"type": "string"}, {"properties": {"by": {"type": "string"}}, "required": ["by"]}]
        },
    },
    "required": ["name", "home"],
}


def work(answer: dict[str, JSONValue], *, text: str = TEXT, subject: str = "Tal") -> WorkedExample:
    """Work an example over the text about Tal."""
    contract = Contract.parse(SCHEMA, {"kind": {"ship": ("vessel",), "place": ()}})
    example = Example(subject=subject, evidence=text, answer=answer)
    return work_example(example, contract.shape, ContractValidator(contract))


EMPTY: dict[str, JSONValue] = {
    "kind": None, "launched": None, "afloat": None, "tags": None, "stops": None, "note": None
}  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "cited"),
    [
        pytest.param({"name": "Tal", "home": None}, {"cite": [1]}, id="one-value"),
        pytest.param({"name": "Tal"}, {"cite": [1], "home": None}, id="missing-is-null"),
        pytest.param({"name": "Tal", "home": "Arven"}, {"cite": [1, 2]}, id="two-lines"),
        pytest.param(
            {"home": "Arven", "name": "Tal", "launched": "1977-05-25"}, {"cite": [1, 2, 3]}, id="date"
        ),
        pytest.param({"name": "Tal", "home": None, "kind": "ship"}, {"cite": [1]}, id="synonym"),
        pytest.param(
            {"name": "Tal", "home": None, "afloat": True}, {"cite": [1]}, id="boolean-beside-a-value"
        ),
        pytest.param(
            {"name": "Tal", "home": None, "tags": ["Reed", "Arven"]}, {"cite": [1, 2, 4]}, id="array"
        ),
        pytest.param({"cite": [1, 3], "name": "Tal", "home": None}, {"cite": [1, 3]}, id="own-citation"),
        pytest.param({"cite": [], "name": "Tal", "home": None}, {"cite": [1]}, id="own-citation-empty"),
        pytest.param(
            {"name": "Tal", "home": None, "stops": [{"place": "Moss", "year": 1980}, {"year": 1981}]},
            {
                "cite": [1],
                "stops": [
                    {"cite": [4], "place": "Moss", "year": 1980},
                    {"cite": [4], "place": None, "year": 1981},
                ],
            },
            id="objects-in-a-list",
        ),
        pytest.param({"name": "Tal", "home": None, "note": "Moss"}, {"cite": [1, 4]}, id="choice-of-text"),
        pytest.param(
            {"name": "Tal", "home": None, "note": {"by": "Reed"}},
            {"cite": [1], "note": {"cite": [4], "by": "Reed"}},
            id="choice-of-object",
        ),
    ],
)
def test_a_true_example_gets_its_citations(answer: dict[str, JSONValue], cited: dict[str, JSONValue]) -> None:
    """Each object cites the first line of each of its values; keys are in the contract's order."""
    worked = work(answer)
    plain = {key: value for key, value in answer.items() if key != "cite"}
    assert worked.answer == EMPTY | plain | cited
    assert isinstance(worked.answer, dict)
    assert list(worked.answer) == [
        "cite",
        "name",
        "kind",
        "home",
        "launched",
        "afloat",
        "tags",
        "stops",
        "note",
    ]
    assert worked.subject == "Tal"
    assert worked.lines[0] == "[1] Tal is a vessel."


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param({"home": "Arven"}, "/name: ", id="required-and-not-null"),
        pytest.param(
            {"name": "Tol", "home": None}, "is wrong at /name: No line of its evidence states", id="lie"
        ),
        pytest.param(
            {"name": "Tol", "home": "Arven"},
            "is wrong at /name: 'Tol' does not stand in line 2",
            id="lie-beside-a-truth",
        ),
        pytest.param({"name": 5, "home": None}, "is wrong at /name: A value of the type string", id="type"),
        pytest.param(
            {"name": "Tal", "home": None, "kind": "vessel"},
            "is wrong at /kind: 'vessel' is none",
            id="synonym-as-value",
        ),
        pytest.param(
            {"name": "Tal", "home": None, "port": "x"},
            "is wrong at /port: 'port' is not a property",
            id="unknown-key",
        ),
        pytest.param(
            {"name": "Tal", "home": None, "stops": [{"spot": "x"}]},
            "is wrong at /stops/0/spot",
            id="unknown-key-below",
        ),
        pytest.param(
            {"name": "Tal", "home": None, "launched": "25 May 1977"},
            "is wrong at /launched",
            id="date-as-written",
        ),
        pytest.param(
            {"cite": [9], "name": "Tal", "home": None},
            "is wrong at /cite: There is no line 9",
            id="foreign-line",
        ),
        pytest.param({"cite": [2], "name": "Tal", "home": None}, "it stands in line 1", id="wrong-line"),
        pytest.param({"cite": "1", "name": "Tal", "home": None}, "is wrong at /cite", id="citation-of-text"),
        pytest.param(
            {"name": "Tal", "home": None, "stops": "Moss"},
            "is wrong at /stops: A list was expected",
            id="text-for-list",
        ),
        pytest.param({"name": "Ta\ud800", "home": None}, "half a character", id="surrogate"),
        pytest.param({"name": "x" * 500, "home": None}, "/name: ", id="long"),
    ],
)
def test_a_wrong_example_is_refused_before_any_run(answer: dict[str, JSONValue], reason: str) -> None:
    """The sentence names the example, the place and what is wrong with it."""
    with pytest.raises(ExampleInvalid) as caught:
        work(answer)
    assert "the example about 'Tal'" in str(caught.value)
    assert reason in str(caught.value)
    assert caught.value.hint


def test_a_value_that_no_line_states_needs_the_authors_citation() -> None:
    """A boolean alone has no line that can be found; the hint says what to write."""
    only: JSONValue = {"type": "object", "properties": {"afloat": {"type": "boolean"}}}
    contract = Contract.parse(only)
    example = Example(subject="Tal", evidence=TEXT, answer={"afloat": True})
    with pytest.raises(ExampleInvalid, match="No line of its evidence states") as caught:
        work_example(example, contract.shape, ContractValidator(contract))
    assert '"cite"' in caught.value.hint
    cited = Example(subject="Tal", evidence=TEXT, answer={"afloat": True, "cite": [1]})
    worked = work_example(cited, contract.shape, ContractValidator(contract))
    assert worked.answer == {"cite": [1], "afloat": True}


@pytest.mark.parametrize(
    ("text", "subject"),
    [("", "Tal"), (" \n", "Tal"), ("---", "Tal"), (TEXT, "  ")],
    ids=["empty", "blank", "nothing-to-cite", "no-subject"],
)
def test_an_example_without_evidence_is_refused(text: str, subject: str) -> None:
    """What the evidence room cannot read is the example's fault, in the example's words."""
    with pytest.raises(ExampleInvalid, match="the example about"):
        work({"name": "Tal", "home": None}, text=text, subject=subject)


def test_an_object_may_need_more_lines_than_the_least_limit() -> None:
    """Twelve values in twelve lines are cited by twelve numbers."""
    names = [f"p{number}" for number in range(12)]
    contract = Contract.parse({"type": "object", "properties": {name: {"type": "string"} for name in names}})
    text = "\n\n".join(f"Here is {name}." for name in names)
    example = Example(subject="s", evidence=text, answer={name: name for name in names})
    worked = work_example(example, contract.shape, ContractValidator(contract))
    assert isinstance(worked.answer, dict)
    assert worked.answer["cite"] == list(range(1, 13))
