"""Scripts that go wrong on purpose."""

from __future__ import annotations

import json

import pytest

from holocron.errors import ModelStalled, ModelUnavailable
from holocron.fingerprint import JSONValue
from holocron.llm.faults import break_json, cite_foreign, in_turn, lie, loop, mistype, stall, unavailable
from holocron.llm.model import Completion, FinishReason
from holocron.llm.scripted import Answering
from prompts import make_evidence_prompt

TRUE: dict[str, JSONValue] = {
    "cite": [1],
    "name": "Vesper",
    "built": 1801,
    "parts": [{"cite": [2], "of": "oak"}],
}
SCRIPT: dict[str, JSONValue] = {"*": TRUE}
PROMPT = make_evidence_prompt("ship", ["Vesper", "oak"])


def _value(answering: Answering) -> JSONValue:
    said = answering(PROMPT)
    assert isinstance(said, str)
    value: JSONValue = json.loads(said)
    return value


def test_a_lie_changes_values_and_keeps_citations() -> None:
    """Every value becomes one that no line states."""
    assert _value(lie(SCRIPT, value="!")) == {
        "cite": [1],
        "name": "!",
        "built": 424242,
        "parts": [{"cite": [2], "of": "!"}],
    }


def test_a_wrong_type_changes_every_value() -> None:
    """Every value becomes an object."""
    value = _value(mistype(SCRIPT))
    assert isinstance(value, dict)
    assert value["name"] == {"value": "Vesper"}


def test_a_foreign_citation_is_everywhere() -> None:
    """Every citation points outside the bundle; the values stay."""
    assert _value(cite_foreign(SCRIPT, number=9)) == {
        **TRUE,
        "cite": [9],
        "parts": [{"cite": [9], "of": "oak"}],
    }


def test_null_stays_null() -> None:
    """What is not there is not lied about."""
    assert _value(lie({"*": {"cite": [], "a": None}})) == {"cite": [], "a": None}


def test_broken_json_does_not_parse() -> None:
    """The last character is missing."""
    said = break_json(SCRIPT)(PROMPT)
    assert isinstance(said, str)
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(said)


def test_a_loop_is_cut_by_the_limit() -> None:
    """The answer comes back as LENGTH, with all its tokens used."""
    said = loop(SCRIPT)(PROMPT)
    assert isinstance(said, Completion)
    assert said.finish_reason is FinishReason.LENGTH
    assert said.output_tokens == PROMPT.max_output_tokens


def test_out_of_reach_and_back() -> None:
    """The first calls fail, then it answers."""
    answering = unavailable(2, SCRIPT)
    assert [isinstance(answering(PROMPT), ModelUnavailable) for _ in range(4)] == [True, True, False, False]


def test_turns_are_counted_by_subject() -> None:
    """Each subject goes through the scripts on its own; the last script goes on."""
    answering = in_turn(stall(), SCRIPT)
    other = make_evidence_prompt("boat", ["x"])
    kinds = [type(answering(prompt)) for prompt in (PROMPT, other, PROMPT, PROMPT, other)]
    assert kinds == [ModelStalled, ModelStalled, str, str, str]


@pytest.mark.parametrize("fault", [lie, loop, mistype, break_json, cite_foreign])
def test_an_error_passes_through_a_fault(fault: object) -> None:
    """A fault changes answers; an error stays the error that it is."""
    assert callable(fault)
    assert isinstance(fault(stall())(PROMPT), ModelStalled)
