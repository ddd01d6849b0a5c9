"""Factories of the tests: small derivations, bundles, claimed jobs and verdicts with honest claims.

In: what a test cares about. Out: the rest, filled in. Never: a model; those come from holocron.testing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from holocron.derivation import Contract, Derivation, DerivationOptions, Grounding
from holocron.evidence import EvidenceBundle, inline_bundle, number_segments
from holocron.fingerprint import JSONValue
from holocron.llm.model import Completion, FinishReason
from holocron.llm.scripted import scripted_identity
from holocron.store import (
    ClaimedJob,
    JobPlanner,
    JobResult,
    JobScope,
    PlannedJob,
    Store,
    Turn,
    commit_results,
    utc_now,
)
from holocron.store.queue import claim_jobs
from holocron.store.workers import register_worker
from holocron.testing import answer_from_evidence
from holocron.validation.verdicts import Citation, Claim, Finding, FindingCode, NullReason, Outcome, Verdict

SHIP_CONTRACT: dict[str, JSONValue] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "port": {"type": "string"},
        "launched": {"type": "integer"},
    },
    "required": ["name", "port", "launched"],
}
#: how the scripted model finds the contract's values in ship_text
SHIP_FACTS = {
    "name": r"The ship ([A-Z][a-z]+ \d+) was",
    "port": r"home port is ([A-Z][a-z]+)",
    "launched": r"launched in (\d{4})",
}
MODEL = scripted_identity()
#: the script that finds them
HONEST = answer_from_evidence(SHIP_FACTS)


def ships(number: int) -> list[EvidenceBundle]:
    """Return the bundles of so many ships."""
    return [ship_bundle(one) for one in range(number)]


def ship_text(number: int, *, port: str = "Arven", launched: int = 1801) -> str:
    """Return evidence about one ship, in three sentences."""
    return (
        f"The ship Vessel {number} was built on the north yard. Its home port is {port} on the inner sea."
        f" It was launched in {launched} before a great crowd."
    )


def ship_value(number: int, *, port: str = "Arven", launched: int = 1801) -> dict[str, JSONValue]:
    """Return the true answer about ship_text's ship."""
    return {"name": f"Vessel {number}", "port": port, "launched": launched}


def ship_bundle(number: int, *, port: str = "Arven", launched: int = 1801) -> EvidenceBundle:
    """Return the bundle of one ship; its subject does not depend on the text."""
    return inline_bundle(f"ship {number}", ship_text(number, port=port, launched=launched))


def make_derivation(
    contract: Mapping[str, JSONValue] | None = None,
    *,
    name: str = "ship_facts",
    instructions: str = "Facts about a ship.",
    options: DerivationOptions | None = None,
) -> Derivation:
    """Return a derivation; without a contract, the one about ships."""
    return Derivation(
        name=name,
        version="1",
        instructions=instructions,
        contract=Contract.parse(SHIP_CONTRACT if contract is None else contract),
        options=options or DerivationOptions(),
    )


def plan_ships(
    store: Store, *bundles: EvidenceBundle, derivation: Derivation | None = None, force: bool = False
) -> tuple[JobPlanner, list[PlannedJob]]:
    """Plan bundles, ship 1 by default, and return the planner and the jobs."""
    planner = JobPlanner(store, derivation or make_derivation(), MODEL)
    planned = planner.plan(bundles or (ship_bundle(1),), force=force)
    planner.swap_views()
    return planner, planned


def make_worker(store: Store) -> int:
    """Register a worker of this process."""
    return register_worker(store, host="here", process_id=os.getpid(), process_started=1)


def claim(
    store: Store, planner: JobPlanner, *, limit: int = 100, lease_s: float = 60, worker_id: int | None = None
) -> list[ClaimedJob]:
    """Claim jobs of a planner's question as a new worker."""
    scope = JobScope(derivation_id=planner.derivation_id, model_id=planner.model_id)
    worker = make_worker(store) if worker_id is None else worker_id
    return claim_jobs(store, scope, worker_id=worker, limit=limit, lease_s=lease_s)


def accept(job: ClaimedJob, value: JSONValue) -> JobResult:
    """Return the result of a model that answered `value`, each leaf cited where its text stands."""
    claims = tuple(_claim(job.evidence.bundle, *leaf) for leaf in leaves_of(value))
    return _result(job, json.dumps(value), Verdict(outcome=Outcome.ACCEPTED, value=value, claims=claims))


def reject(job: ClaimedJob, message: str = "It does not stand there.") -> JobResult:
    """Return the result of a model that was not believed."""
    findings = (Finding("/name", FindingCode.UNSUPPORTED, message),)
    return _result(job, "{}", Verdict(outcome=Outcome.REJECTED, findings=findings))


def finish(store: Store, planner: JobPlanner, value: JSONValue) -> JobResult:
    """Claim the only ready job, accept a value for it and commit it."""
    (job,) = claim(store, planner)
    result = accept(job, value)
    assert commit_results(store, planner.tables, [result]) == [result]
    planner.swap_views()
    return result


def leaves_of(value: JSONValue, pointer: str = "") -> Iterator[tuple[str, bool | int | float | str | None]]:
    """Yield an answer's leaves with their JSON pointers."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from leaves_of(part, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from leaves_of(part, f"{pointer}/{index}")
    else:
        assert value is None or isinstance(value, (bool, int, float, str))
        yield pointer, value


def rows(store: Store, statement: str) -> list[tuple[object, ...]]:
    """Return the rows of a SQL statement, sorted by their text so that databases agree."""
    with store.reading() as connection:
        return sorted((tuple(row) for row in connection.exec_driver_sql(statement)), key=repr)


def count_rows(store: Store, names: Iterable[str]) -> dict[str, int]:
    """Return how many rows tables hold."""
    counts: dict[str, int] = {}
    for name in names:
        ((number,),) = rows(store, f"SELECT count(*) FROM {name}")
        assert isinstance(number, int)
        counts[name] = number
    return counts


def run_sql(store: Store, *statements: str) -> None:
    """Change the store behind Holocron's back."""
    with store.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def _claim(bundle: EvidenceBundle, pointer: str, value: bool | int | float | str | None) -> Claim:
    if value is None:
        return Claim(pointer, None, None, NullReason.NOT_IN_EVIDENCE, ())
    segments: Sequence = number_segments(bundle)
    for segment in segments:
        if str(value) in bundle.items[segment.position].text[segment.start : segment.end]:
            span = Citation(segment.number, segment.position, segment.start, segment.end)
            return Claim(pointer, value, Grounding.VERBATIM, None, (span,))
    first = segments[0]
    span = Citation(first.number, first.position, first.start, first.end)
    return Claim(pointer, value, Grounding.INFERRED, None, (span,))


def _result(job: ClaimedJob, text: str, verdict: Verdict) -> JobResult:
    completion = Completion(text=text, finish_reason=FinishReason.STOP, prompt_tokens=3, output_tokens=5)
    turn = Turn(completion=completion, verdict=verdict)
    now = utc_now()
    return JobResult(job=job, turns=(turn,), manifest={"made": "by hand"}, started_at=now, finished_at=now)
