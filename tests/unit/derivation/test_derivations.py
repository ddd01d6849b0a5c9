"""A derivation's name, definition and hashes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from holocron.derivation.catalogue import derivation_from_definition
from holocron.derivation.contract import Contract
from holocron.derivation.derivations import Derivation, DerivationOptions, Example
from holocron.errors import DerivationInvalid
from holocron.evidence import inline_bundle, number_segments
from holocron.fingerprint import JSONValue

SCHEMA: dict[str, JSONValue] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "kind": {"x-vocabulary": "kind", "type": "string"}},
    "required": ["name"],
}
VOCABULARY = {"kind": {"ship": ("vessel", "boat"), "place": ()}}


def _make(schema: dict[str, JSONValue] | None = None, **changes: object) -> Derivation:
    made = Derivation(
        name="facts",
        version="2",
        instructions="Give the facts.",
        contract=Contract.parse(schema or SCHEMA, VOCABULARY),
        vocabulary=VOCABULARY,
        examples=(Example(subject="s", evidence="Tal is a boat.", answer={"name": "Tal", "kind": "ship"}),),
        options=DerivationOptions(max_output_tokens=99, repairs=2, redact=("[0-9]{9}",)),
        evidence=("archive/*.md",),
    )
    return replace(made, **changes)


@pytest.mark.parametrize("name", ["a", "facts", "a_1", "a" * 40])
def test_a_name_of_a_table_is_taken(name: str) -> None:
    """Lower-case letters, digits and underscores, up to 40."""
    assert _make(name=name).name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Facts",
        "1a",
        "_a",
        "a-b",
        "a b",
        "a.b",
        "é",
        "a" * 41,
        "holocron_x",
        "sqlite_x",
        "a\n",
        "drop;",
        "../x",
    ],
    ids=repr,
)
def test_a_name_that_cannot_name_a_table_is_refused(name: str) -> None:
    """The sentence says which names can."""
    with pytest.raises(DerivationInvalid, match="cannot be called") as caught:
        _make(name=name)
    assert "lower-case" in caught.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"instructions": "half \ud800"}, id="surrogate"),
        pytest.param(
            {"examples": (Example(subject="s", evidence="e", answer={"a": float("nan")}),)}, id="nan"
        ),
        pytest.param({"examples": (Example(subject="s", evidence="e", answer={"a": {1}}),)}, id="set"),
    ],
)
def test_what_cannot_be_kept_is_refused(changes: dict[str, object]) -> None:
    """A definition goes into the store and a hash; it is tried when the derivation is made."""
    with pytest.raises(DerivationInvalid, match="cannot be kept as JSON"):
        _make(**changes)


def test_a_definition_comes_back_from_the_store() -> None:
    """Through JSON text and back: the same question, hashes, prompt and schema; globs are not part of it."""
    made = _make()
    again = derivation_from_definition(json.loads(json.dumps(made.definition)))
    assert again.definition == made.definition
    assert again.derivation_hash == made.derivation_hash
    assert again.contract_hash == made.contract_hash
    assert again.system_message == made.system_message
    assert again.specialiser.schema_for(3) == made.specialiser.schema_for(3)
    assert again.options == made.options
    assert again.evidence == ()


@pytest.mark.parametrize(
    ("changes", "derivation", "contract"),
    [
        pytest.param({"version": "3"}, True, False, id="version"),
        pytest.param({"name": "other"}, True, False, id="name"),
        pytest.param({"instructions": "Give them."}, True, False, id="instructions"),
        pytest.param({"examples": ()}, True, False, id="examples"),
        pytest.param({"options": DerivationOptions(repairs=0)}, True, False, id="options"),
        pytest.param({"vocabulary": {"kind": {"ship": (), "place": ()}}}, True, True, id="vocabulary"),
        pytest.param({"evidence": ("other/*.md",)}, False, False, id="evidence-globs"),
        pytest.param({"worked_examples": ()}, False, False, id="worked-examples"),
    ],
)
def test_the_hash_is_of_the_question(changes: dict[str, object], *, derivation: bool, contract: bool) -> None:
    """What is asked enters the derivation's hash; what the tables depend on enters the contract's."""
    made, changed = _make(), _make(**changes)
    assert (changed.derivation_hash != made.derivation_hash) is derivation
    assert (changed.contract_hash != made.contract_hash) is contract


def _nested(*names: str) -> dict[str, JSONValue]:
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param(_nested("a", "b"), _nested("b", "a"), False, id="properties"),
        pytest.param(
            {"type": "object", "properties": {"o": _nested("a", "b")}},
            {"type": "object", "properties": {"o": _nested("b", "a")}},
            False,
            id="nested-properties",
        ),
        pytest.param(
            {"allOf": [_nested("a", "b")], "type": "object"},
            {"type": "object", "allOf": [_nested("b", "a")]},
            False,
            id="in-a-list",
        ),
        pytest.param(_nested("a"), dict(reversed(_nested("a").items())), True, id="other-keys"),
        pytest.param(
            _nested("a") | {"$defs": {"x": _nested("p"), "y": _nested("q")}},
            {"$defs": {"y": _nested("q"), "x": _nested("p")}} | _nested("a"),
            True,
            id="definitions",
        ),
        pytest.param(
            {"type": "object", "properties": {"a": {"type": "string", "description": "d"}}},
            {"type": "object", "properties": {"a": {"description": "d", "type": "string"}}},
            True,
            id="words-of-a-property",
        ),
    ],
)
def test_only_the_order_of_properties_counts(
    first: dict[str, JSONValue], second: dict[str, JSONValue], *, same: bool
) -> None:
    """The model is asked in the order of the properties; no other order changes anything."""
    one, two = _make(first), _make(second)
    assert (one.derivation_hash == two.derivation_hash) is same
    assert (one.contract_hash == two.contract_hash) is same


def test_a_prompt_holds_the_subject_and_its_lines() -> None:
    """The static message comes first, the numbered evidence last, and the schema knows the last line."""
    made = _make()
    segments = number_segments(inline_bundle("Tal", "Tal is a boat. She lies in Arven."))
    prompt = made.render_prompt("Tal", segments)
    assert prompt.messages[0].content == made.system_message
    assert prompt.messages[-1].content == "Subject: Tal\n[1] Tal is a boat.\n[2] She lies in Arven."
    assert prompt.schema == made.specialiser.schema_for(2)
    assert prompt.max_output_tokens == 99
    assert made.render_prompt("Tal", ()).schema == made.specialiser.schema_for(1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"max_output_tokens": 15}, "options.max_output_tokens must be", id="few-tokens"),
        pytest.param({"max_output_tokens": 32_769}, "from 16 to 32768", id="many-tokens"),
        pytest.param({"max_output_tokens": 99.0}, "must be a whole number", id="number-with-a-point"),
        pytest.param({"repairs": -1}, "options.repairs must be", id="no-count"),
        pytest.param({"repairs": 6}, "from 0 to 5", id="many-repairs"),
        pytest.param({"repairs": True}, "must be a whole number", id="truth"),
        pytest.param({"redact": ("(",)}, "'(' is no regular expression", id="no-pattern"),
        pytest.param({"redact": ("a*",)}, "matches an empty text", id="pattern-of-nothing"),
        pytest.param({"redact": (r"\b",)}, "matches where no text is", id="word-border"),
        pytest.param({"redact": (r"\B",)}, "matches where no text is", id="no-word-border"),
        pytest.param({"redact": (r"(?m)(?<=\n)",)}, "matches where no text is", id="look-behind"),
        pytest.param({"redact": "abc"}, "must be a list of regular expressions", id="text"),
        pytest.param({"redact": (1,)}, "must be a list of regular expressions", id="list-of-numbers"),
    ],
)
def test_options_that_a_file_could_not_have_are_refused(options: dict[str, Any], said: str) -> None:
    """Python's options have the limits of a file's, so that what is stored can be read back."""
    with pytest.raises(DerivationInvalid) as caught:
        DerivationOptions(**options)
    assert said in str(caught.value)


@pytest.mark.parametrize("tokens", [16, 32_768])
@pytest.mark.parametrize("repairs", [0, 5])
def test_options_at_their_limits_can_be_read_back(tokens: int, repairs: int) -> None:
    """What is accepted is what the stored definition says."""
    options = DerivationOptions(
        max_output_tokens=tokens, repairs=repairs, redact=(r"\bHan\b", "^x", "(?<=,)y$")
    )
    assert derivation_from_definition(_make(options=options).definition).options == options
