"""The queue: jobs are claimed under a lease, given back, taken over and counted.

In: a worker's number, a derivation, a model. Out: claimed jobs with their evidence.
Never: hands one job to two workers, or lets a worker that lost its lease change a job.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningUpdate

from holocron.errors import WorkerForgotten
from holocron.store import tables
from holocron.store.dialects import Dialect
from holocron.store.evidence import StoredBundle, load_bundles
from holocron.store.store import PLANNING, Store, retried
from holocron.store.tables import EVERY_DERIVATION, OPEN, JobStatus
from holocron.store.types import storable
from holocron.store.workers import SILENT_AFTER

#: how often a worker may vanish with a job, or the engine fail on it, before it ends as failed
MAX_FAILURES = 8


class Lease(NamedTuple):
    """One worker's hold on one job; it fences everything that is written for it."""

    job_id: int
    worker_id: int
    attempt: int


#: no job waits longer for its next try
LONGEST_WAIT = dt.timedelta(minutes=10)
#: a time, or the parameter that brings it
Moment: TypeAlias = "dt.datetime | BindParameter[dt.datetime]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """A job under this worker's lease."""

    job_id: int
    #: whose question it is
    derivation_id: int
    worker_id: int
    attempt: int
    failures: int
    evidence: StoredBundle

    @property
    def lease(self) -> Lease:
        """Return the hold under which the job was claimed."""
        return Lease(self.job_id, self.worker_id, self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobScope:
    """Which jobs a worker may take: those of one derivation's content and one model."""

    derivation_id: int
    model_id: int


@retried
def claim_jobs(
    store: Store, scope: JobScope, *, worker_id: int, limit: int, lease_s: float
) -> list[ClaimedJob]:
    """Take up to `limit` ready jobs under a lease, best priority and oldest first; none of what is paused.

    Raises: WorkerForgotten where the worker has to register again.
    """
    with store.writing() as connection:
        now = store.now(connection)
        claim = {
            "b_model": scope.model_id,
            "b_derivation": scope.derivation_id,
            "b_worker": worker_id,
            "b_now": now,
            "b_latest": now + LONGEST_WAIT,
            "b_lease": now + dt.timedelta(seconds=lease_s),
        }
        try:
            claimed = connection.execute(_claim_in(store.dialect, limit), claim)
            rows = sorted(claimed, key=lambda row: (-row.priority, row.id))
        except IntegrityError as problem:
            # the worker's number is the one key that a claim writes
            raise WorkerForgotten(f"worker {worker_id} is not on the list of workers any more") from problem
        bundles = load_bundles(store, connection, [row.bundle_id for row in rows])
    return [
        ClaimedJob(
            job_id=row.id,
            derivation_id=scope.derivation_id,
            worker_id=worker_id,
            attempt=row.attempt,
            failures=row.failures,
            evidence=bundles[row.bundle_id],
        )
        for row in rows
    ]


@lru_cache(maxsize=64)
def _claim_in(dialect: Dialect, limit: int) -> ReturningUpdate[*tuple[Any, ...]]:
    """Return the claim; it is kept, for making it took half of the time of a claim of ten jobs."""
    derivation_id: BindParameter[int] = bindparam("b_derivation")
    query = (
        select(tables.job.c.id)
        .where(
            tables.job.c.status == JobStatus.READY,
            tables.job.c.model_id == bindparam("b_model"),
            tables.job.c.derivation_id == derivation_id,
            is_available(bindparam("b_now"), bindparam("b_latest")),
            ~is_paused(
                select(tables.derivation.c.name)
                .where(tables.derivation.c.id == derivation_id)
                .scalar_subquery()
            ),
        )
        .order_by(tables.job.c.priority.desc(), tables.job.c.id)
        .limit(limit)
    )
    # other workers' claims are passed by; a subquery in IN, unlike a CTE, may be run again for every row
    ready = dialect.lock_rows(query, tables.job, skip_locked=True).cte("ready")
    return (
        update(tables.job)
        # the second look at the status keeps the claim single where lock hints are ignored
        .where(tables.job.c.id.in_(select(ready.c.id)), tables.job.c.status == JobStatus.READY)
        .values(
            status=JobStatus.CLAIMED,
            worker_id=bindparam("b_worker"),
            attempt=tables.job.c.attempt + 1,
            lease_expires_at=bindparam("b_lease"),
        )
        .returning(
            tables.job.c.id,
            tables.job.c.attempt,
            tables.job.c.failures,
            tables.job.c.bundle_id,
            tables.job.c.priority,
        )
    )


@retried
def extend_leases(store: Store, jobs: Iterable[ClaimedJob], *, lease_s: float) -> None:
    """Renew the leases of jobs that made progress; a lease that was lost is left alone."""
    leases = [job.lease for job in jobs]
    _change(store, leases, lambda now: {"lease_expires_at": now + dt.timedelta(seconds=lease_s)})


def release_jobs(store: Store, jobs: Iterable[ClaimedJob]) -> None:
    """Give jobs back unworked."""
    release_leases(store, [job.lease for job in jobs])


@retried
def release_leases(store: Store, leases: Iterable[Lease]) -> None:
    """Give the jobs under these leases back unworked."""
    _change(
        store, leases, lambda _: {"status": _ready_if_wanted(), "worker_id": None, "lease_expires_at": None}
    )


@retried
def postpone_job(store: Store, job: ClaimedJob, *, error: str, delay_s: float) -> None:
    """Give a job back after a failure, to be tried again later; the last failure ends it as failed."""
    ends = job.failures + 1 >= MAX_FAILURES
    _change(
        store,
        [job.lease],
        lambda now: {
            "status": JobStatus.FAILED if ends else _ready_if_wanted(),
            "failures": job.failures + 1,
            "last_error": storable(error),
            "available_at": now + dt.timedelta(seconds=delay_s),
            "finished_at": now if ends else None,
            "worker_id": None,
            "lease_expires_at": None,
        },
    )


@retried
def fail_job(store: Store, job: ClaimedJob, *, error: str) -> None:
    """End a job that cannot succeed by itself."""
    _change(
        store,
        [job.lease],
        lambda now: {
            "status": JobStatus.FAILED,
            "failures": job.failures + 1,
            "last_error": storable(error),
            "finished_at": now,
            "worker_id": None,
            "lease_expires_at": None,
        },
    )


@retried
def take_over_jobs(
    store: Store, *, dead_workers: Sequence[int] = (), living_workers: Sequence[int] = ()
) -> int:
    """Make jobs ready again whose lease ran out or whose worker is dead; return how many.

    dead_workers: those whose process is known to be gone. living_workers: those whose process is known to be
    there; of all others, who was not seen for SILENT_AFTER is dead.
    The first time at once; a job that keeps losing its workers waits longer each time, so that others go
    first, and ends as failed after MAX_FAILURES.
    """
    with store.writing() as connection:
        now = store.now(connection)
        lost = _is_lost(now, dead_workers, living_workers)
        # what is locked is being ended, or taken over, at this moment
        numbers = _lock_jobs(store, connection, and_(tables.job.c.status == JobStatus.CLAIMED, lost))
        again = tables.job.c.failures + 1
        query = select(
            tables.job.c.id,
            tables.job.c.attempt,
            again.label("failures"),
            _ready_if_wanted().label("status"),
        )
        rows = list(store.select_in(connection, query, tables.job.c.id, numbers))
        if rows:
            connection.execute(
                update(tables.job)
                # another worker may have taken the same job over in between, and even finished it
                .where(
                    tables.job.c.id == bindparam("b_job"),
                    tables.job.c.attempt == bindparam("b_attempt"),
                    tables.job.c.status == JobStatus.CLAIMED,
                )
                .values(
                    status=bindparam("b_status"),
                    failures=bindparam("b_failures"),
                    last_error=bindparam("b_error"),
                    available_at=bindparam("b_available"),
                    finished_at=bindparam("b_finished"),
                    worker_id=None,
                    lease_expires_at=None,
                ),
                [
                    {"b_job": row.id, "b_attempt": row.attempt, **_lost_job(row.failures, row.status, now)}
                    for row in rows
                ],
            )
        if dead_workers:
            held = exists().where(tables.job.c.worker_id == tables.worker.c.id)
            dead = tables.worker.c.id.in_(list(dead_workers))
            connection.execute(delete(tables.worker).where(dead, ~held))
    return len(rows)


def _is_lost(now: dt.datetime, dead: Sequence[int], living: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition that nobody works a claimed job any more."""
    silent = select(tables.worker.c.id).where(
        # by the clock of the database, which wrote when they were seen
        tables.worker.c.seen_at < now - SILENT_AFTER,
        tables.worker.c.id.not_in(list(living)),
    )
    return or_(
        tables.job.c.lease_expires_at < now,
        tables.job.c.worker_id.in_(list(dead)),
        tables.job.c.worker_id.in_(silent),
    )


def _lock_jobs(store: Store, connection: Connection, condition: ColumnElement[bool]) -> list[int]:
    """Lock the jobs that nobody else has locked; what their subjects want is judged afterwards."""
    query = select(tables.job.c.id).where(condition).order_by(tables.job.c.id)
    locking = store.dialect.lock_rows(query, tables.job, skip_locked=True)
    return list(connection.execute(locking).scalars())


def _lost_job(failures: int, status: str, now: dt.datetime) -> dict[str, object]:
    ends = failures >= MAX_FAILURES
    # jobs that were lost together come back apart: one of them may be what ends its workers
    apart = random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing
    delay_s = 0.0 if failures <= 1 else min(60.0, 0.25 * 2**failures) * apart
    return {
        "b_status": JobStatus.FAILED if ends else status,
        "b_failures": failures,
        "b_error": f"its worker stopped {failures} times without a result" if failures > 1 else None,
        "b_available": now + dt.timedelta(seconds=delay_s),
        "b_finished": now if ends else None,
    }


def retry_jobs(store: Store, scope: JobScope, statuses: Sequence[JobStatus]) -> list[int]:
    """Put finished jobs of a scope whose answer is still wanted back into the queue; return their numbers."""
    changed: set[int] = set()
    _retry(store, scope, statuses, changed)
    return sorted(changed)


@retried
def _retry(store: Store, scope: JobScope, statuses: Sequence[JobStatus], changed: set[int]) -> None:
    """Put jobs back; a run after a commit whose answer was lost finds none, and adds none to the changed."""
    wanted = select(tables.subject.c.job_id)
    with store.writing() as connection:
        # what is wanted stays so until the end
        store.dialect.lock(connection, PLANNING)
        put_back = connection.execute(
            update(tables.job)
            .where(
                tables.job.c.status.in_(list(statuses)),
                tables.job.c.model_id == scope.model_id,
                tables.job.c.derivation_id == scope.derivation_id,
                tables.job.c.id.in_(wanted),
            )
            .values(
                status=JobStatus.READY,
                failures=0,
                last_error=None,
                finished_at=None,
                available_at=store.now(connection),
            )
            .returning(tables.job.c.id)
        )
        changed.update(put_back.scalars())


@retried
def count_open(store: Store, scope: JobScope) -> tuple[int, float | None]:
    """Return how many jobs of a scope are not finished, and in how many seconds the next may be claimed.

    By the clock of the database: this machine's may be another. None where none waits.
    """
    query = select(
        func.count(),
        func.min(case((tables.job.c.status == JobStatus.READY, tables.job.c.available_at))),
    ).where(
        tables.job.c.status.in_(list(OPEN)),
        tables.job.c.model_id == scope.model_id,
        tables.job.c.derivation_id == scope.derivation_id,
    )
    with store.reading() as connection:
        number, available_at = connection.execute(query).one()
        if available_at is None:
            return int(number), None
        return int(number), (available_at - store.now(connection)).total_seconds()


@retried
def job_statuses(store: Store, job_ids: Sequence[int]) -> dict[int, JobStatus]:
    """Return where these jobs stand."""
    query = select(tables.job.c.id, tables.job.c.status)
    with store.reading() as connection:
        return {
            number: JobStatus(status)
            for number, status in store.select_in(connection, query, tables.job.c.id, job_ids)
        }


@retried
def list_held(store: Store, worker_id: int) -> set[Lease]:
    """Return the leases that a worker holds."""
    query = select(tables.job.c.id, tables.job.c.worker_id, tables.job.c.attempt).where(
        tables.job.c.worker_id == worker_id, tables.job.c.status == JobStatus.CLAIMED
    )
    with store.reading() as connection:
        return {Lease(*row) for row in connection.execute(query)}


def held_leases(connection: Connection, store: Store, leases: Sequence[Lease]) -> set[Lease]:
    """Return which of these leases still hold; one worker may bring two of a job, of which one is lost.

    Call it inside the transaction that writes for them: until its end nobody takes one of them away.
    """
    numbers = sorted({lease.job_id for lease in leases})
    rows = store.select_in(connection, _leases_in(store.dialect), tables.job.c.id, numbers)
    return {Lease(*row) for row in rows} & {*leases}


@lru_cache(maxsize=8)
def _leases_in(dialect: Dialect) -> Select[int, int, int]:
    query = (
        select(tables.job.c.id, tables.job.c.worker_id, tables.job.c.attempt)
        .where(tables.job.c.status == JobStatus.CLAIMED)
        .order_by(tables.job.c.id)
    )
    return dialect.lock_rows(query, tables.job)


def is_available(now: Moment, latest: Moment) -> ColumnElement[bool]:
    """Return the condition that a ready job may be claimed now.

    latest: LONGEST_WAIT from now; a later time was written before the clock was set back.
    """
    return or_(tables.job.c.available_at <= now, tables.job.c.available_at > latest)


def is_paused(name: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that the derivation of this name, or every one, is paused."""
    paused = tables.pause.c.derivation_name
    return exists().where(or_(paused == EVERY_DERIVATION, paused == name))


def _ready_if_wanted() -> ColumnElement[str]:
    """Return the status of a job that is given back: nobody waits for one that its subject left behind."""
    wanted = exists().where(tables.subject.c.job_id == tables.job.c.id)
    return case((wanted, JobStatus.READY), else_=JobStatus.SUPERSEDED)


def _change(
    store: Store, leases: Iterable[Lease], values: Callable[[dt.datetime], Mapping[str, object]]
) -> None:
    """Change jobs that are still under their lease to the values of this moment."""
    named = list(leases)
    if not named:
        return
    fenced = and_(
        tables.job.c.id == bindparam("b_job"),
        tables.job.c.worker_id == bindparam("b_worker"),
        tables.job.c.attempt == bindparam("b_attempt"),
        tables.job.c.status == JobStatus.CLAIMED,
    )
    with store.writing() as connection:
        if store.dialect.has_row_locks:
            # what their subjects want is judged while nobody plans them anew
            held_leases(connection, store, named)
        changed = update(tables.job).where(fenced).values(**values(store.now(connection)))
        connection.execute(
            changed,
            [
                {"b_job": lease.job_id, "b_worker": lease.worker_id, "b_attempt": lease.attempt}
                for lease in named
            ],
        )
