"""Checking: every planted lie is found, nothing true is called one, and a value's story is told."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories import HONEST, make_derivation, rows, run_sql, ship_bundle, ship_text, ships

from holocron.checking import explain_claim, verify_store
from holocron.derivation import Contract, Derivation, DerivationOptions, Example
from holocron.errors import UsageError
from holocron.evidence import EvidenceBundle, EvidenceItem, MediaType, inline_bundle
from holocron.fingerprint import JSONValue, hash_text
from holocron.llm.model import ModelIdentity
from holocron.store import Store
from holocron.testing import ScriptedModel, in_turn, lie
from holocron.work import derive_evidence

_LOG_CONTRACT: dict[str, JSONValue] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "sold": {"type": ["string", "null"]},
        "scrapped": {"type": "string"},
        "is_old": {"type": "boolean"},
        "seen": {"type": "string", "format": "date"},
        "length": {"type": "number"},
        "logs": {
            "type": "array",
            "items": {"type": "object", "properties": {"port": {"type": "string"}, "crew": {"type": "integer"}}},
        },
    },
    "required": ["name", "sold", "is_old"],
}
_LOG_TEXT = (
    "The Vesper is an old ship. She was seen on 3 May 1801, and is 34.5 m long."
    " She lay at Arven with 12 men. Later she lay at Belcor with 9 men."
)
_LOG_ANSWER: JSONValue = {
    "cite": [1, 2],
    "name": "Vesper",
    "sold": None,
    "is_old": True,
    "seen": "1801-05-03",
    "length": 34.5,
    "logs": [{"cite": [3], "port": "Arven", "crew": 12}, {"cite": [4], "port": "belcor", "crew": 9}],
}


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with three ships, one of them changed, and a log with nested rows, artifact 5."""
    place = tmp_path_factory.mktemp("honest") / "store.sqlite"
    derivation = make_derivation(_LOG_CONTRACT, name="ship_log")
    with Store(f"sqlite:///{place.as_posix()}") as store:
        derive_evidence(store, ScriptedModel(HONEST, slots=1), make_derivation(), ships(3))
        derive_evidence(store, ScriptedModel(HONEST), make_derivation(), [ship_bundle(1, port="Belcor")])
        model = ScriptedModel([_LOG_ANSWER])
        assert derive_evidence(store, model, derivation, [inline_bundle("vesper", _LOG_TEXT)]).is_clean
    return place


@pytest.fixture
def honest_store(made_once: Path, tmp_path: Path) -> Iterator[Store]:
    """Return a copy of that database, open."""
    with Store(f"sqlite:///{shutil.copy(made_once, tmp_path)}") as store:
        yield store


def _lies(store: Store) -> list[tuple[str, str, str]]:
    return [(lie.subject, lie.pointer, lie.sentence) for lie in verify_store(store)]


def test_an_honest_store_has_no_lies(honest_store: Store) -> None:
    """What the product itself stored is true, superseded answers included; progress counts all of it."""
    counts: list[int] = []
    assert list(verify_store(honest_store, counts.append)) == []
    assert sum(counts) > 40


def test_an_empty_store_has_no_lies(store: Store) -> None:
    """Nothing is true."""
    assert _lies(store) == []


def _table(store: Store, name: str) -> str:
    ((table,),) = rows(store, f"SELECT table_name FROM holocron_derived_table WHERE view_name = '{name}'")
    return str(table)


_LOG = "artifact_id = 5"
_NAME = f"{_LOG} AND pointer = '/name'"
_NAME_CITED = f"{_LOG} AND claim_ordinal = (SELECT ordinal FROM holocron_claim WHERE {_NAME})"


@pytest.mark.parametrize(
    ("changes", "subject", "pointer", "said"),
    [
        pytest.param(
            ["UPDATE holocron_content SET text = replace(text, 'Vesper', 'Hesper') WHERE text LIKE 'The Vesper%'"],
            "",
            "",
            "hashes to",
            id="content text",
        ),
        pytest.param(
            ["UPDATE holocron_artifact SET value = replace(value, 'Vesper', 'ship') WHERE id = 5"],
            "vesper",
            "",
            "does not have its hash",
            id="artifact value",
        ),
        pytest.param(
            ["UPDATE holocron_artifact SET value = 'not JSON' WHERE id = 5"],
            "vesper",
            "",
            "not JSON",
            id="artifact value that is no JSON",
        ),
        pytest.param(
            [f"UPDATE holocron_artifact SET value_hash = '{hash_text('x')}' WHERE id = 5"],
            "vesper",
            "",
            "does not have its hash",
            id="value hash",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET value = '\"ship\"' WHERE {_NAME}"],
            "vesper",
            "/name",
            "the claim says",
            id="claim value",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET value = 'Vesper' WHERE {_NAME}"],
            "vesper",
            "/name",
            "the claim says",
            id="claim value that is no JSON",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET value = '12.0' WHERE {_LOG} AND pointer = '/logs/0/crew'"],
            "vesper",
            "/logs/0/crew",
            "the claim says",
            id="claim of another type",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET grounding = 'verbatim' WHERE {_LOG} AND pointer = '/logs/1/port'"],
            "vesper",
            "/logs/1/port",
            "recorded as verbatim and is normalized",
            id="grounding raised",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET grounding = 'verbatim' WHERE {_LOG} AND pointer = '/is_old'"],
            "vesper",
            "/is_old",
            "recorded as verbatim and is inferred",
            id="grounding of a boolean raised",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET grounding = 'inferred' WHERE {_NAME}"],
            "vesper",
            "/name",
            "the contract asks for normalized",
            id="grounding below the contract",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET grounding = 'certain' WHERE {_NAME}"],
            "vesper",
            "/name",
            "no grounding",
            id="grounding unknown",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET start_offset = 75, end_offset = 90 WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "recorded as verbatim and is inferred",
            id="citation moved",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET end_offset = 100000 WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "empty span",
            id="citation beyond the text",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET start_offset = -5 WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "empty span",
            id="citation before the text",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET content_id = 1 WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "not the item's",
            id="citation to another content",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET position = 1 WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "not the item's",
            id="citation to another item",
        ),
        pytest.param(
            [f"DELETE FROM holocron_citation WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "cites nothing",
            id="citation removed",
        ),
        pytest.param(
            [
                "INSERT INTO holocron_citation"
                " SELECT 5, c.ordinal, 9, s.segment, s.content_id, s.position, s.start_offset, s.end_offset"
                " FROM holocron_citation s JOIN holocron_claim o ON o.artifact_id = 5 AND o.pointer = '/logs/1/port'"
                " AND s.artifact_id = 5 AND s.claim_ordinal = o.ordinal"
                " JOIN holocron_claim c ON c.artifact_id = 5 AND c.pointer = '/name'"
            ],
            "vesper",
            "/name",
            "does not hold it",
            id="citation added",
        ),
        pytest.param(
            [
                f"DELETE FROM holocron_citation WHERE {_NAME_CITED}",
                f"DELETE FROM holocron_claim WHERE {_NAME}",
            ],
            "vesper",
            "/name",
            "has no claim",
            id="claim removed",
        ),
        pytest.param(
            [f"DELETE FROM holocron_claim WHERE {_LOG} AND pointer = '/sold'"],
            "vesper",
            "/sold",
            "has no claim",
            id="claim of a null removed",
        ),
        pytest.param(
            [f"DELETE FROM holocron_claim WHERE {_LOG} AND pointer = '/scrapped'"],
            "vesper",
            "/scrapped",
            "has no claim",
            id="claim of an absent value removed",
        ),
        pytest.param(
            [
                "INSERT INTO holocron_claim (artifact_id, ordinal, pointer, value, grounding)"
                " VALUES (5, 99, '/captain', '\"Tal\"', 'verbatim')"
            ],
            "vesper",
            "/captain",
            "has nothing there",
            id="claim added",
        ),
        pytest.param(
            [
                "INSERT INTO holocron_claim (artifact_id, ordinal, pointer, value, null_reason)"
                " VALUES (5, 99, '/captain', 'null', 'redacted')"
            ],
            "vesper",
            "/captain",
            "has nothing there",
            id="claim of a null added",
        ),
        pytest.param(
            [
                "INSERT INTO holocron_claim (artifact_id, ordinal, pointer, value, grounding)"
                " VALUES (5, 99, '/name', '\"Vesper\"', 'verbatim')"
            ],
            "vesper",
            "/name",
            "two claims",
            id="claim doubled",
        ),
        pytest.param(
            ["UPDATE holocron_bundle_item SET media_type = 'text/markdown' WHERE bundle_id = 5"],
            "vesper",
            "",
            "bundle does not have its hash",
            id="media type",
        ),
        pytest.param(
            ["UPDATE holocron_bundle_item SET content_id = 1 WHERE bundle_id = 5"],
            "vesper",
            "",
            "bundle does not have its hash",
            id="bundle's content",
        ),
        pytest.param(
            ["DELETE FROM holocron_bundle_item WHERE bundle_id = 5"],
            "vesper",
            "",
            "bundle does not have its hash",
            id="bundle's item removed",
        ),
        pytest.param(
            ["UPDATE holocron_bundle SET subject = 'hesper' WHERE id = 5"],
            "hesper",
            "",
            "bundle does not have its hash",
            id="bundle's subject",
        ),
        pytest.param(
            ["UPDATE holocron_job SET bundle_id = 1 WHERE id = 5"],
            "ship 0",
            "",
            "key of its derivation, evidence and model",
            id="job's evidence",
        ),
        pytest.param(
            ["UPDATE holocron_job SET derivation_id = 1 WHERE id = 5"],
            "vesper",
            "",
            "key of its derivation, evidence and model",
            id="job's question",
        ),
        pytest.param(
            ["UPDATE holocron_derivation SET definition = replace(definition, 'integer', 'number')"],
            "",
            "",
            "'ship_log' does not have its hash",
            id="question",
        ),
        pytest.param(
            ["UPDATE holocron_derivation SET definition = '{}' WHERE id = 2"],
            "",
            "",
            "'ship_log' cannot be read",
            id="question that cannot be read",
        ),
        pytest.param(
            ["UPDATE holocron_derivation SET definition = 'not JSON' WHERE id = 2"],
            "",
            "",
            "'ship_log' cannot be read",
            id="question that is no JSON",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET artifact_id = 1 WHERE subject = 'ship 2'"],
            "ship 2",
            "",
            "another subject's answer",
            id="pointer to another subject",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET artifact_id = 5 WHERE subject = 'ship 2'"],
            "ship 2",
            "",
            "another subject's answer",
            id="pointer to another derivation",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET artifact_id = 77 WHERE subject = 'ship 2'"],
            "ship 2",
            "",
            "not there",
            id="pointer to nothing",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET artifact_id = 2 WHERE subject = 'ship 1'"],
            "ship 1",
            "",
            "accepted last",
            id="pointer to the old answer",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET artifact_id = NULL WHERE subject = 'ship 1'"],
            "ship 1",
            "",
            "accepted last",
            id="pointer removed",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET job_id = 1 WHERE subject = 'ship 2'"],
            "ship 2",
            "",
            "another subject's job",
            id="wanted job",
        ),
        pytest.param(
            ["UPDATE {ship_log} SET name = 'Hesper'"], "vesper", "", "rows of ship_log", id="row: text"
        ),
        pytest.param(["UPDATE {ship_log} SET is_old = 0"], "vesper", "", "rows of ship_log", id="row: boolean"),
        pytest.param(
            ["UPDATE {ship_log} SET length = 34.500001"], "vesper", "", "rows of ship_log", id="row: number"
        ),
        pytest.param(
            ["UPDATE {ship_log} SET seen = '1801-05-04'"], "vesper", "", "rows of ship_log", id="row: date"
        ),
        pytest.param(
            ["UPDATE {ship_log} SET seen = 'yesterday'"], "vesper", "", "cannot be read", id="row: no date"
        ),
        pytest.param(["UPDATE {ship_log} SET sold = 'x'"], "vesper", "", "rows of ship_log", id="row: null"),
        pytest.param(["UPDATE {ship_log} SET name = NULL"], "vesper", "", "rows of ship_log", id="row: nulled"),
        pytest.param(["DELETE FROM {ship_log}"], "vesper", "", "rows of ship_log", id="row removed"),
        pytest.param(
            ["UPDATE {ship_log_logs} SET crew = crew + 1 WHERE row_number = 2"],
            "vesper",
            "",
            "logs are not those",
            id="child row changed",
        ),
        pytest.param(
            ["DELETE FROM {ship_log_logs} WHERE row_number = 2"],
            "vesper",
            "",
            "logs are not those",
            id="child row removed",
        ),
        pytest.param(
            ["INSERT INTO {ship_log_logs} VALUES (5, 3, 'Cantis', 1)"],
            "vesper",
            "",
            "logs are not those",
            id="child row added",
        ),
        pytest.param(
            ["UPDATE {ship_log_logs} SET row_number = row_number + 10"],
            "vesper",
            "",
            "logs are not those",
            id="child rows numbered anew",
        ),
        pytest.param(
            ["UPDATE {ship_facts} SET port = 'Cantis' WHERE artifact_id = 2"],
            "ship 1",
            "",
            "rows of ship_facts",
            id="superseded row",
        ),
        pytest.param(
            ["INSERT INTO {ship_facts} (artifact_id, name) VALUES (5, 'Vesper')"],
            "",
            "",
            "no answer gives",
            id="row of another derivation's answer",
        ),
        pytest.param(["DROP TABLE {ship_log_logs}"], "", "", "is missing", id="table removed"),
    ],
)
def test_every_planted_lie_is_found(
    honest_store: Store, changes: list[str], subject: str, pointer: str, said: str
) -> None:
    """One change behind Holocron's back is found, at its subject and place, and said in one sentence."""
    names = {name: _table(honest_store, name) for name in ("ship_facts", "ship_log", "ship_log_logs")}
    with honest_store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        for change in changes:
            for name, table in names.items():
                change = change.replace(f"{{{name}}}", table)
            connection.exec_driver_sql(change)
    found = _lies(honest_store)
    assert [lie for lie in found if lie[:2] == (subject, pointer) and said in lie[2]], found
    assert all("\n" not in sentence for _, _, sentence in found)


def test_rows_of_a_contract_that_was_given_up_are_checked(honest_store: Store) -> None:
    """Old tables, which no view shows, are held to their answers too."""
    table = _table(honest_store, "ship_log")
    newer = make_derivation({"type": "object", "properties": {"name": {"type": "string"}}}, name="ship_log")
    derive_evidence(honest_store, ScriptedModel([{"cite": [1], "name": "Vesper"}]), newer, [inline_bundle("vesper", _LOG_TEXT)])
    assert _lies(honest_store) == []
    run_sql(honest_store, f"UPDATE {table} SET name = 'Hesper'")
    assert [sentence for _, _, sentence in _lies(honest_store)] == [f"the rows of {table} are not those of the answer"]


def test_an_honest_choice_of_objects_is_no_lie(store: Store) -> None:
    """Where several objects are possible, an answer whose nulls were dropped is still true."""
    part: JSONValue = {"type": "string"}
    one: JSONValue = {"type": "object", "properties": {"name": part, "yard": part}, "required": ["name"]}
    two: JSONValue = {"type": "object", "properties": {"name": part, "port": part}, "required": ["name"]}
    contract: JSONValue = {"type": "object", "properties": {"ship": {"anyOf": [one, two]}}}
    assert isinstance(contract, dict)
    model = ScriptedModel([{"ship": {"cite": [1], "name": "Vesper", "port": None}}])
    assert derive_evidence(store, model, make_derivation(contract), [inline_bundle("v", _LOG_TEXT)]).is_clean
    assert _lies(store) == []


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
    window = ModelIdentity(name="small", digest="s", engine="scripted", engine_version="1", context_tokens=450)
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
    assert _lies(store) == []


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
    model = ScriptedModel(lambda _: json.dumps({"cite": [1], "name": "Vessel 1", "port": None, "launched": None}), identity=identity)
    contract = Contract.parse({"type": "object", "properties": {"name": {"type": "string"}, "port": {"type": ["string", "null"]}, "launched": {"type": ["integer", "null"]}}})
    question = Derivation(name="ship_facts", version="1", instructions="x", contract=contract, options=derivation.options)
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
    run_sql(honest_store, "UPDATE holocron_derivation SET definition = replace(definition, 'Facts about', 'Lies on')")
    assert not explain_claim(honest_store, "ship 2", "/port").prompt_matches


@pytest.mark.parametrize(
    ("subject", "pointer", "said"),
    [
        ("nobody", "/name", "nothing is accepted about 'nobody'"),
        ("ship 1", "/captain", "no value at /captain"),
        ("vesper", "logs/7/port", "no value at /logs/7/port"),
    ],
)
def test_a_story_that_cannot_be_told_is_said(honest_store: Store, subject: str, pointer: str, said: str) -> None:
    """An unknown subject or place is named, with what there is."""
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        explain_claim(honest_store, subject, pointer)
    assert caught.value.hint


def test_a_derivation_narrows_the_story(honest_store: Store) -> None:
    """A subject of several derivations is told of in the one that is named."""
    derive_evidence(honest_store, ScriptedModel(HONEST), make_derivation(name="port_facts"), ships(1))
    for name in ("ship_facts", "port_facts"):
        assert explain_claim(honest_store, "ship 0", "name", derivation=name).artifact.derivation == name
