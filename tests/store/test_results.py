"""Results: an answer and all that it brings become durable together, or not at all."""

from __future__ import annotations

import dataclasses
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, event

from factories import (
    accept,
    claim,
    count_rows,
    finish,
    make_derivation,
    plan_ships,
    reject,
    rows,
    run_sql,
    ship_bundle,
    ship_text,
    ship_value,
)
from holocron.evidence import inline_bundle
from holocron.fingerprint import JSONValue, hash_text
from holocron.llm.model import Completion, FinishReason
from holocron.store import JobResult, PlanState, Store, Turn, commit_results
from holocron.store.reports import find_artifacts, list_jobs, load_artifact
from holocron.validation.verdicts import NullReason

_FLEET: dict[str, JSONValue] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "sold": {"type": ["string", "null"]},
        "logs": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "port": {"type": "string"},
                    "crew": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
    "required": ["name"],
}
_VALUE: JSONValue = {
    "name": "Vessel 1",
    "sold": None,
    "logs": [{"port": "Arven", "crew": ["Vessel", "ship"]}, {"port": "Arven", "crew": []}],
}
_WRITTEN = (
    "holocron_run",
    "holocron_completion",
    "holocron_artifact",
    "holocron_claim",
    "holocron_citation",
    "ship_facts",
    "ship_facts_logs",
    "ship_facts_logs_crew",
)


class _PlantedError(Exception):
    """A fault in the middle of a transaction."""


@contextmanager
def _fault_at(store: Store, statement_start: str) -> Iterator[None]:
    """Fail at the first statement that begins so."""

    def fail(_c: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(statement_start):
            raise _PlantedError

    event.listen(store._engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(store._engine, "before_cursor_execute", fail)


def _turn(result: JobResult, text: str) -> Turn:
    completion = Completion(
        text=text, finish_reason=FinishReason.LENGTH, prompt_tokens=11, output_tokens=12, output_ms=3.6
    )
    return Turn(completion=completion, verdict=result.verdict)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO holocron_run",
        "INSERT INTO holocron_completion",
        "INSERT INTO holocron_artifact",
        "INSERT INTO holocron_claim",
        "INSERT INTO holocron_citation",
        "INSERT INTO ship_facts__{}",
        "INSERT INTO ship_facts__{}__logs ",
        "INSERT INTO ship_facts__{}__logs__crew",
        "UPDATE holocron_job",
        "UPDATE holocron_subject",
    ],
)
def test_a_commit_is_all_or_nothing(store: Store, statement: str) -> None:
    """Wherever a commit breaks, nothing of it remains, the job is still claimed, and it can be committed."""
    derivation = make_derivation(_FLEET)
    planner, _ = plan_ships(store, derivation=derivation)
    (job,) = claim(store, planner)
    before = rows(store, "SELECT * FROM holocron_job"), rows(store, "SELECT * FROM holocron_subject")
    result = accept(job, _VALUE)
    with _fault_at(store, statement.format(derivation.contract_hash[:8])), pytest.raises(_PlantedError):
        commit_results(store, planner.tables, [result])
    assert set(count_rows(store, _WRITTEN).values()) == {0}
    assert before == (
        rows(store, "SELECT * FROM holocron_job"),
        rows(store, "SELECT * FROM holocron_subject"),
    )
    assert commit_results(store, planner.tables, [result]) == [result]
    assert count_rows(store, _WRITTEN) == {
        "holocron_run": 1,
        "holocron_completion": 1,
        "holocron_artifact": 1,
        "holocron_claim": 6,
        "holocron_citation": 5,
        "ship_facts": 1,
        "ship_facts_logs": 2,
        "ship_facts_logs_crew": 2,
    }


@pytest.mark.parametrize(
    "statement",
    [f"INSERT INTO holocron_{name}" for name in ("content", "bundle ", "bundle_item", "job", "subject")]
    + ["UPDATE holocron_job", "UPDATE holocron_subject"],
)
def test_a_plan_is_all_or_nothing(store: Store, statement: str) -> None:
    """Wherever planning breaks, nothing of its batch remains, and it can be planned again."""
    planner, _ = plan_ships(store, ship_bundle(9))
    names = [f"holocron_{name}" for name in ("content", "bundle", "bundle_item", "job", "subject")]
    before = count_rows(store, names), rows(store, "SELECT * FROM holocron_job")
    bundles = [ship_bundle(1), ship_bundle(2), ship_bundle(9, port="Belcor")]
    with _fault_at(store, statement), pytest.raises(_PlantedError):
        planner.plan(bundles)
    assert (count_rows(store, names), rows(store, "SELECT * FROM holocron_job")) == before
    assert [job.state for job in planner.plan(bundles)] == [PlanState.QUEUED] * 3
    assert list(count_rows(store, names).values()) == [4, 4, 4, 4, 3]


def test_an_accepted_answer_is_stored_whole(store: Store) -> None:
    """Run, words, value, claims and citations are read back as they were committed."""
    planner, (planned,) = plan_ships(store, derivation=make_derivation(_FLEET))
    (job,) = claim(store, planner)
    result = accept(job, _VALUE)
    commit_results(store, planner.tables, [result])
    (number,) = find_artifacts(store)
    stored = load_artifact(store, number)
    assert stored.value == _VALUE
    assert stored.manifest == {"made": "by hand"}
    assert (stored.subject, stored.derivation, stored.superseding) == ("ship 1", "ship_facts", None)
    assert [(claim.pointer, claim.value) for claim in stored.claims] == [
        ("/name", "Vessel 1"),
        ("/sold", None),
        ("/logs/0/port", "Arven"),
        ("/logs/0/crew/0", "Vessel"),
        ("/logs/0/crew/1", "ship"),
        ("/logs/1/port", "Arven"),
    ]
    assert stored.claims[1].null_reason == NullReason.NOT_IN_EVIDENCE
    (citation,) = stored.claims[0].citations
    text = job.evidence.bundle.items[0].text
    assert citation.quote == text[citation.start : citation.end] == text[: text.index(".") + 1]
    assert (citation.source, citation.content_hash) == ("inline", hash_text(text))
    (made,) = list_jobs(store)
    assert (made.job_id, made.status, made.wanted, made.attempt) == (planned.job_id, "accepted", True, 1)
    assert rows(store, "SELECT value, value_hash FROM holocron_artifact") == [
        (json.dumps(_VALUE, separators=(",", ":")), hash_text(json.dumps(_VALUE, separators=(",", ":"))))
    ]


def test_a_rejected_answer_keeps_the_models_words(store: Store) -> None:
    """Every turn's text, counts and findings are kept; no artifact is made."""
    planner, _ = plan_ships(store)
    (job,) = claim(store, planner)
    result = reject(job, "It is not so.")
    turns = (_turn(result, '{"name": "\x1b[31m; DROP TABLE 海 🚀'), *result.turns)
    commit_results(
        store,
        planner.tables,
        [
            JobResult(
                job=job,
                turns=turns,
                manifest={},
                started_at=result.started_at,
                finished_at=result.finished_at,
            )
        ],
    )
    found = rows(
        store,
        "SELECT turn, text, finish_reason, prompt_tokens, output_tokens, output_ms FROM holocron_completion",
    )
    assert found == [
        (0, '{"name": "\x1b[31m; DROP TABLE 海 🚀', "length", 11, 12, 4),
        (1, "{}", "stop", 3, 5, 0),
    ]
    ((findings,),) = rows(store, "SELECT findings FROM holocron_completion WHERE turn = 1")
    assert json.loads(str(findings)) == [
        {"pointer": "/name", "code": "unsupported", "message": "It is not so."}
    ]
    assert find_artifacts(store) == []
    (made,) = list_jobs(store)
    assert (made.status, made.last_error) == ("rejected", "/name: It is not so.")


def test_a_finding_may_quote_anything(store: Store) -> None:
    """A model's words that no database holds, and a finding that quotes them, are mended and kept."""
    planner, _ = plan_ships(store)
    (job,) = claim(store, planner)
    result = reject(job, "It says \0 and \ud83d.")
    words = _turn(result, "\0 and \ud83d")
    result = dataclasses.replace(result, turns=(words, *result.turns))
    assert commit_results(store, planner.tables, [result]) == [result]
    assert rows(store, "SELECT text FROM holocron_completion WHERE turn = 0") == [("\ufffd and ?",)]
    (made,) = list_jobs(store)
    assert (made.status, made.last_error) == ("rejected", "/name: It says \ufffd and ?.")


def test_every_attempt_keeps_its_run(store: Store) -> None:
    """A forced second run leaves the first run, its artifact and its rows where they are."""
    planner, _ = plan_ships(store)
    for _ in range(2):
        (job,) = claim(store, planner)
        commit_results(store, planner.tables, [accept(job, ship_value(1))])
        plan_ships(store, force=True)
    assert rows(store, "SELECT attempt, outcome FROM holocron_run") == [(1, "accepted"), (2, "accepted")]
    assert count_rows(store, ["holocron_artifact", planner.tables.table.name, "ship_facts"]) == {
        "holocron_artifact": 2,
        planner.tables.table.name: 2,
        "ship_facts": 1,
    }


def test_a_text_is_read_once_however_often_it_is_cited(store: Store) -> None:
    """An artifact with many citations of a long text takes the room of one, and has every quote."""
    filler = "".join(f" Nobody has read page {number} of the log." for number in range(8_000))
    planner, _ = plan_ships(store, inline_bundle("ship 1", ship_text(1) + filler))
    finish(store, planner, ship_value(1))
    columns = "segment, content_id, position, start_offset, end_offset"
    run_sql(
        store,
        *(
            f"INSERT INTO holocron_citation (artifact_id, claim_ordinal, ordinal, {columns})"
            f" SELECT artifact_id, claim_ordinal, {number}, {columns} FROM holocron_citation"
            " WHERE claim_ordinal = 0 AND ordinal = 0"
            for number in range(1, 101)
        ),
    )
    tracemalloc.start()
    try:
        claims = load_artifact(store, 1).claims
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    quotes = [citation.quote for citation in claims[0].citations]
    assert quotes == ["The ship Vessel 1 was built on the north yard."] * 101
    assert peak < 8 * len(filler)
