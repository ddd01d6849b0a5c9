"""Results: a job's end and everything that its answer brought, in one transaction.

In: finished attempts. Out: runs, completions, artifacts, claims, citations, rows and the job's new status.
Never: writes anything for a job whose lease was lost.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring

from sqlalchemy import Connection, Table, select

from holocron.derivation.shapes import JSONScalar
from holocron.fingerprint import JSONValue, hash_text
from holocron.llm.model import Completion
from holocron.store import tables
from holocron.store.derived import DerivedTable, rows_of
from holocron.store.queue import ClaimedJob, held_leases
from holocron.store.store import Store, retried
from holocron.store.tables import JobStatus
from holocron.store.types import storable
from holocron.store.views import are_hidden
from holocron.validation.verdicts import Outcome, Verdict

_RUNS = select(tables.run.c.id, tables.run.c.job_id, tables.run.c.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One answer and what the judge said of it; the first, or a repair."""

    completion: Completion
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """A run that came to a verdict."""

    job: ClaimedJob
    turns: tuple[Turn, ...]
    manifest: Mapping[str, JSONValue]
    started_at: dt.datetime
    finished_at: dt.datetime

    @property
    def verdict(self) -> Verdict:
        """Return the verdict that counts: the last turn's."""
        return self.turns[-1].verdict


@retried
def commit_results(store: Store, derived: DerivedTable, results: Sequence[JobResult]) -> list[JobResult]:
    """Write results in one durable transaction and return those that were still under their lease.

    Whether the views now hide some of them is noted in `derived`; swapping those is another transaction.
    """
    with store.writing() as connection:
        held = held_leases(connection, store, [result.job.lease for result in results])
        kept = [result for result in results if result.job.lease in held]
        if kept:
            _write(store, connection, derived, kept)
        if len(kept) == len(results):
            return kept
        # the commit of a transaction that is run again may have come through, and ended these leases
        stored = _find_runs(store, connection, results)
    return [result for result in results if (result.job.job_id, result.job.attempt) in stored]


def _write(store: Store, connection: Connection, derived: DerivedTable, results: Sequence[JobResult]) -> None:
    run_ids = _insert_runs(store, connection, results)
    rows: dict[Table, list[dict[str, object]]] = {
        tables.completion: [],
        tables.artifact: [],
        tables.claim: [],
        tables.citation: [],
    }
    current: list[dict[str, object]] = []
    for run_id, result in zip(run_ids, results, strict=True):
        rows[tables.completion].extend(_completion_rows(run_id, result.turns))
        if result.verdict.outcome is Outcome.ACCEPTED:
            _add_artifact(rows, run_id, result)
            for table, row in rows_of(derived, run_id, result.verdict.value):
                rows.setdefault(table, []).append(row)
            current.append({"job_id": result.job.job_id, "artifact_id": run_id})
    # parents come first: the foreign keys are checked row by row
    for table, made in rows.items():
        if made:
            store.dialect.insert_rows(connection, table, made)
    store.dialect.update_rows(connection, tables.job, [_end_of(result) for result in results], by="id")
    if current:
        store.dialect.update_rows(connection, tables.subject, current, by="job_id")
        # swapping the views may have to wait for their readers; the answers do not
        derived.is_hidden = are_hidden(connection, derived)


def _insert_runs(store: Store, connection: Connection, results: Sequence[JobResult]) -> list[int]:
    """Write the runs and return their numbers, in the order of the results.

    They are asked for afterwards: RETURNING keeps the order only where rows are inserted one by one.
    """
    store.dialect.insert_rows(
        connection,
        tables.run,
        [
            {
                "job_id": result.job.job_id,
                "attempt": result.job.attempt,
                "outcome": str(result.verdict.outcome),
                "manifest": _dump(result.manifest),
                "started_at": result.started_at,
                "finished_at": result.finished_at,
            }
            for result in results
        ],
    )
    numbers = _find_runs(store, connection, results)
    return [numbers[result.job.job_id, result.job.attempt] for result in results]


def _find_runs(
    store: Store, connection: Connection, results: Sequence[JobResult]
) -> dict[tuple[int, int], int]:
    """Return the numbers of the runs of these results' jobs, by job and attempt."""
    jobs = [result.job.job_id for result in results]
    return {
        (job_id, attempt): number
        for number, job_id, attempt in store.select_in(connection, _RUNS, tables.run.c.job_id, jobs)
    }


def _end_of(result: JobResult) -> dict[str, object]:
    is_accepted = result.verdict.outcome is Outcome.ACCEPTED
    return {
        "id": result.job.job_id,
        "status": str(JobStatus.ACCEPTED if is_accepted else JobStatus.REJECTED),
        "finished_at": result.finished_at,
        "worker_id": None,
        "lease_expires_at": None,
        "last_error": _first_finding(result.verdict),
    }


def _first_finding(verdict: Verdict) -> str | None:
    """Return why a job was rejected, in one line, for the lists that people read."""
    if not verdict.findings:
        return None
    return storable(str(verdict.findings[0]))


def _completion_rows(run_id: int, turns: Sequence[Turn]) -> list[dict[str, object]]:
    return [
        {
            "run_id": run_id,
            "turn": number,
            "text": storable(turn.completion.text),
            "finish_reason": str(turn.completion.finish_reason),
            "prompt_tokens": turn.completion.prompt_tokens,
            "output_tokens": turn.completion.output_tokens,
            "prompt_ms": round(turn.completion.prompt_ms),
            "output_ms": round(turn.completion.output_ms),
            "findings": storable(_dump([finding.to_json() for finding in turn.verdict.findings]))
            if turn.verdict.findings
            else "[]",
        }
        for number, turn in enumerate(turns)
    ]


def _add_artifact(rows: dict[Table, list[dict[str, object]]], run_id: int, result: JobResult) -> None:
    value = _dump(result.verdict.value)
    rows[tables.artifact].append(
        {"id": run_id, "job_id": result.job.job_id, "value": value, "value_hash": hash_text(value)}
    )
    content_ids = result.job.evidence.content_ids
    for ordinal, claim in enumerate(result.verdict.claims):
        rows[tables.claim].append(
            {
                "artifact_id": run_id,
                "ordinal": ordinal,
                "pointer": claim.pointer,
                "value": _dump_leaf(claim.value),
                "grounding": None if claim.grounding is None else str(claim.grounding),
                "null_reason": None if claim.null_reason is None else str(claim.null_reason),
            }
        )
        for place, citation in enumerate(claim.citations):
            rows[tables.citation].append(
                {
                    "artifact_id": run_id,
                    "claim_ordinal": ordinal,
                    "ordinal": place,
                    "segment": citation.segment,
                    "content_id": content_ids[citation.position],
                    "position": citation.position,
                    "start_offset": citation.start,
                    "end_offset": citation.end,
                }
            )


_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _dump_leaf(value: JSONScalar) -> str:
    """Return a scalar's JSON; a third of the time of the encoder, which is made for whole documents."""
    if isinstance(value, str):
        return encode_basestring(value)
    return str(value) if type(value) is int else _dump(value)
