"""Explaining: a value's story, down to the very prompt that the model read."""

from __future__ import annotations

import json
import re

import pytest

from factories import HONEST, make_derivation, run_sql, ship_bundle, ship_text, ships
from holocron.checking import explain_claim, verify_store
from holocron.derivation import Contract, Derivation, DerivationOptions, Example
from holocron.errors import UsageError
from holocron.evidence import EvidenceBundle, EvidenceItem, MediaType, inline_bundle
from holocron.llm.model import ModelIdentity
from holocron.store import Store
from holocron.testing import ScriptedModel, in_turn, lie
from holocron.work import derive_evidence


def _redacting() -> tuple[Derivation, EvidenceBundle, ModelIdentity | None]:
    derivation = make_derivation(options=DerivationOptions(redact=(r"north \w+", "ship 1$")))
    return derivation, ship_bundle(1), None


def _with_example() -> tuple[Derivation, EvidenceBundle, ModelIdentity | None]:
    plain = make_derivation()
    example = Example(
        subject="other", evidence=ship_text(9), answer={"name": "Vessel 9", "port": "Arven", "launched": 1801}
    )
    derivation = Derivation(
        name="ship_facts",
        version="2",
        instructions="Facts.",
        contract=Contract.parse(plain.contract.schema),
        examples=(example,),
    )
    return derivation, ship_bundle(1), None


def _cut() -> tuple[Derivation, EvidenceBundle, ModelIdentity | None]:
    window = ModelIdentity(
        name="small", digest="s", engine="scripted", engine_version="1", context_tokens=450
    )
    options = DerivationOptions(max_output_tokens=64)
    text = ship_text(1) + " Nobody has found the second log of the ship yet." * 60
    return make_derivation(options=options), inline_bundle("ship 1", text), window


def _several_items() -> tuple[Derivation, EvidenceBundle, ModelIdentity | None]:
    items = (
        EvidenceItem(text="Nothing here.", media_type=MediaType.TEXT, source="a.txt"),
        EvidenceItem(text=f"# Log\n\n{ship_text(1)}", media_type=MediaType.MARKDOWN, source="b.md"),
    )
    return make_derivation(), EvidenceBundle(subject="ship 1", items=items), None


@pytest.mark.parametrize(
    "case",
    [_redacting, _with_example, _cut, _several_items],
    ids=["redaction", "example", "cut evidence", "several items"],
)
def test_the_prompt_is_rendered_again(store: Store, case: object) -> None:
    """The story of a value shows the very prompt that the model read, and its hash proves it."""
    derivation, bundle, identity = case()  # type: ignore[operator]  # a function of the table above
    model = ScriptedModel(HONEST, identity=identity, keep_prompts=1)
    assert derive_evidence(store, model, derivation, [bundle]).is_clean
    explanation = explain_claim(store, "ship 1", "/port")
    assert explanation.prompt_matches
    shown = "\n\n".join(f"{message.role}:\n{message.content}" for message in model.prompts[0].messages)
    assert explanation.prompt == shown
    (citation,) = explanation.claim.citations
    assert explanation.claim.value == "Arven"
    assert citation.quote == "Its home port is Arven on the inner sea."
    assert bundle.items[-1].text[citation.start : citation.end] == citation.quote
    assert list(verify_store(store)) == []


def test_hidden_text_is_never_shown(store: Store) -> None:
    """What a derivation hides stands in no prompt, the subject's name and repairs included."""
    derivation, bundle, _ = _redacting()
    model = ScriptedModel(in_turn(lie(HONEST), HONEST), keep_prompts=9)
    assert derive_evidence(store, model, derivation, [bundle]).is_clean
    assert model.calls == 2
    for prompt in model.prompts:
        said = " ".join(message.content for message in prompt.messages)
        assert not re.search(r"north \w+|ship 1\b", said)


def test_cut_evidence_says_so(store: Store) -> None:
    """Segments that did not fit are named in the manifest, and a null says that not all was read."""
    derivation, bundle, identity = _cut()
    model = ScriptedModel(
        lambda _: json.dumps({"cite": [1], "name": "Vessel 1", "port": None, "launched": None}),
        identity=identity,
    )
    contract = Contract.parse(
        {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "port": {"type": ["string", "null"]},
                "launched": {"type": ["integer", "null"]},
            },
        }
    )
    question = Derivation(
        name="ship_facts", version="1", instructions="x", contract=contract, options=derivation.options
    )
    assert derive_evidence(store, model, question, [bundle]).is_clean
    explanation = explain_claim(store, "ship 1", "port")
    assert explanation.claim.null_reason == "evidence_not_read"
    cut = explanation.artifact.manifest["segments_not_read"]
    assert isinstance(cut, list)
    assert cut[-1] == explanation.artifact.manifest["segments"] == 63
    assert explanation.prompt_matches


def test_a_changed_question_does_not_match_its_prompt(honest_store: Store) -> None:
    """Where the stored question was changed, the story says that the prompt is another one."""
    assert explain_claim(honest_store, "ship 2", "/port").prompt_matches
    run_sql(
        honest_store,
        "UPDATE holocron_derivation SET definition = replace(definition, 'Facts about', 'Lies on')",
    )
    assert not explain_claim(honest_store, "ship 2", "/port").prompt_matches


@pytest.mark.parametrize(
    ("subject", "pointer", "said"),
    [
        ("nobody", "/name", "nothing is accepted about 'nobody'"),
        ("ship 1", "/captain", "no value at /captain"),
        ("vesper", "logs/7/port", "no value at /logs/7/port"),
    ],
)
def test_a_story_that_cannot_be_told_is_said(
    honest_store: Store, subject: str, pointer: str, said: str
) -> None:
    """An unknown subject or place is named, with what there is."""
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        explain_claim(honest_store, subject, pointer)
    assert caught.value.hint


def test_a_derivation_narrows_the_story(honest_store: Store) -> None:
    """A subject of several derivations is told of in the one that is named."""
    derive_evidence(honest_store, ScriptedModel(HONEST), make_derivation(name="port_facts"), ships(1))
    for name in ("ship_facts", "port_facts"):
        assert explain_claim(honest_store, "ship 0", "name", derivation=name).artifact.derivation == name
