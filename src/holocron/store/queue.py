"""The queue: jobs are claimed under a lease, given back, taken over and counted.

In: a worker's number, a derivation, a model. Out: claimed jobs with their evidence.
Never: hands one job to two workers, or lets a worker that lost its lease change a job.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from holocron.store import tables
from holocron.store.evidence import StoredBundle, load_bundles
from holocron.store.store import PLANNING, Store, retried
from holocron.store.tables import EVERY_DERIVATION, OPEN, JobStatus
from holocron.store.types import storable

#: how often a worker may vanish with a job, or the engine fail on it, before it ends as failed
MAX_FAILURES = 8


class Lease(NamedTuple):
    """One worker's hold on one job; it fences everything that is written for it."""

    job_id: int
    worker_id: int
    attempt: int


_LONGEST_WAIT = dt.timedelta(minutes=10)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProcess:
    """A process that may hold leases."""

    worker_id: int
    host: str
    process_id: int
    #: seconds after its machine's start
    process_started: int


@retried
def register_worker(
    store: Store, *, host: str, process_id: int, process_started: int, model: str = "", slots: int = 0
) -> int:
    """Record this process and return its worker number.

    model: as its user named it. slots: how many requests it has in flight at most.
    """
    with store.writing() as connection:
        now = store.now(connection)
        made = insert(tables.worker).values(
            host=host,
            process_id=process_id,
            process_started=process_started,
            model=model,
            slots=slots,
            started_at=now,
            seen_at=now,
        )
        return int(connection.execute(made.returning(tables.worker.c.id)).scalar_one())


@retried
def forget_worker(store: Store, worker_id: int) -> None:
    """Remove a worker, unless it still holds jobs."""
    with store.writing() as connection:
        held = exists().where(tables.job.c.worker_id == worker_id)
        connection.execute(delete(tables.worker).where(tables.worker.c.id == worker_id, ~held))


@retried
def list_workers(store: Store) -> list[WorkerProcess]:
    """Return the workers that have not signed off."""
    query = select(
        tables.worker.c.id, tables.worker.c.host, tables.worker.c.process_id, tables.worker.c.process_started
    ).order_by(tables.worker.c.id)
    with store.reading() as connection:
        return [
            WorkerProcess(worker_id=number, host=host, process_id=process, process_started=started)
            for number, host, process, started in connection.execute(query)
        ]


@retried
def claim_jobs(
    store: Store, scope: JobScope, *, worker_id: int, limit: int, lease_s: float
) -> list[ClaimedJob]:
    """Take up to `limit` ready jobs under a lease, best priority and oldest first; none of what is paused."""
    with store.writing() as connection:
        claim = _claim_of(store, scope, worker_id, limit, store.now(connection), lease_s)
        rows = sorted(connection.execute(claim), key=lambda row: (-row.priority, row.id))
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


def _claim_of(
    store: Store, scope: JobScope, worker_id: int, limit: int, now: dt.datetime, lease_s: float
) -> ReturningUpdate[*tuple[Any, ...]]:
    query = (
        select(tables.job.c.id)
        .where(
            tables.job.c.status == JobStatus.READY,
            tables.job.c.model_id == scope.model_id,
            tables.job.c.derivation_id == scope.derivation_id,
            is_available(now),
            ~is_paused(select(tables.derivation.c.name).where(tables.derivation.c.id == scope.derivation_id)),
        )
        .order_by(tables.job.c.priority.desc(), tables.job.c.id)
        .limit(limit)
    )
    # other workers' claims are passed by; a subquery in IN, unlike a CTE, may be run again for every row
    ready = store.dialect.lock_rows(query, tables.job, skip_locked=True).cte("ready")
    return (
        update(tables.job)
        # the second look at the status keeps the claim single where lock hints are ignored
        .where(tables.job.c.id.in_(select(ready.c.id)), tables.job.c.status == JobStatus.READY)
        .values(
            status=JobStatus.CLAIMED,
            worker_id=worker_id,
            attempt=tables.job.c.attempt + 1,
            lease_expires_at=now + dt.timedelta(seconds=lease_s),
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
    _change(store, jobs, lambda now: {"lease_expires_at": now + dt.timedelta(seconds=lease_s)})


@retried
def release_jobs(store: Store, jobs: Iterable[ClaimedJob]) -> None:
    """Give jobs back unworked."""
    _change(
        store, jobs, lambda _: {"status": _ready_if_wanted(), "worker_id": None, "lease_expires_at": None}
    )


@retried
def postpone_job(store: Store, job: ClaimedJob, *, error: str, delay_s: float) -> None:
    """Give a job back after a failure, to be tried again later; the last failure ends it as failed."""
    ends = job.failures + 1 >= MAX_FAILURES
    _change(
        store,
        [job],
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
        [job],
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
def take_over_jobs(store: Store, *, dead_workers: Sequence[int] = ()) -> int:
    """Make jobs ready again whose lease ran out or whose worker is known to be dead; return how many.

    The first time at once; a job that keeps losing its workers waits longer each time, so that others go
    first, and ends as failed after MAX_FAILURES.
    """
    with store.writing() as connection:
        now = store.now(connection)
        lost = or_(tables.job.c.lease_expires_at < now, tables.job.c.worker_id.in_(list(dead_workers)))
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


def _lock_jobs(store: Store, connection: Connection, condition: ColumnElement[bool]) -> list[int]:
    """Lock the jobs that nobody else has locked; what their subjects want is judged afterwards."""
    query = select(tables.job.c.id).where(condition).order_by(tables.job.c.id)
    locking = store.dialect.lock_rows(query, tables.job, skip_locked=True)
    return list(connection.execute(locking).scalars())


def _lost_job(failures: int, status: str, now: dt.datetime) -> dict[str, object]:
    ends = failures >= MAX_FAILURES
    delay_s = 0.0 if failures <= 1 else min(60.0, 0.25 * 2**failures)
    return {
        "b_status": JobStatus.FAILED if ends else status,
        "b_failures": failures,
        "b_error": f"its worker stopped {failures} times without a result" if failures > 1 else None,
        "b_available": now + dt.timedelta(seconds=delay_s),
        "b_finished": now if ends else None,
    }


@retried
def retry_jobs(store: Store, scope: JobScope, statuses: Sequence[JobStatus]) -> list[int]:
    """Put finished jobs of a scope whose answer is still wanted back into the queue; return their numbers."""
    wanted = select(tables.subject.c.job_id)
    with store.writing() as connection:
        # what is wanted stays so until the end
        store.dialect.lock(connection, PLANNING)
        changed = connection.execute(
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
        return sorted(row.id for row in changed)


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


def held_leases(connection: Connection, store: Store, jobs: Sequence[ClaimedJob]) -> set[Lease]:
    """Return which of these jobs' leases still hold; one worker may bring two, of which one is lost.

    Call it inside the transaction that writes for them: until its end nobody takes one of them away.
    """
    query = (
        select(tables.job.c.id, tables.job.c.worker_id, tables.job.c.attempt)
        .where(tables.job.c.status == JobStatus.CLAIMED)
        .order_by(tables.job.c.id)
    )
    query = store.dialect.lock_rows(query, tables.job)
    numbers = sorted({job.job_id for job in jobs})
    standing = {Lease(*row) for row in store.select_in(connection, query, tables.job.c.id, numbers)}
    return standing & {job.lease for job in jobs}


def is_available(now: dt.datetime) -> ColumnElement[bool]:
    """Return the condition that a ready job may be claimed now.

    No wait is longer than the longest: a later time was written before the clock was set back.
    """
    return or_(tables.job.c.available_at <= now, tables.job.c.available_at > now + _LONGEST_WAIT)


def is_paused(name: Select[str]) -> ColumnElement[bool]:
    """Return the condition that the derivation of this name, or every one, is paused."""
    paused = tables.pause.c.derivation_name
    return exists().where(or_(paused == EVERY_DERIVATION, paused == name.scalar_subquery()))


def _ready_if_wanted() -> ColumnElement[str]:
    """Return the status of a job that is given back: nobody waits for one that its subject left behind."""
    wanted = exists().where(tables.subject.c.job_id == tables.job.c.id)
    return case((wanted, JobStatus.READY), else_=JobStatus.SUPERSEDED)


def _change(
    store: Store, jobs: Iterable[ClaimedJob], values: Callable[[dt.datetime], Mapping[str, object]]
) -> None:
    """Change jobs that are still under their lease to the values of this moment."""
    claimed = list(jobs)
    if not claimed:
        return
    leases = [{"b_job": job.job_id, "b_worker": job.worker_id, "b_attempt": job.attempt} for job in claimed]
    fenced = and_(
        tables.job.c.id == bindparam("b_job"),
        tables.job.c.worker_id == bindparam("b_worker"),
        tables.job.c.attempt == bindparam("b_attempt"),
        tables.job.c.status == JobStatus.CLAIMED,
    )
    with store.writing() as connection:
        if store.dialect.has_row_locks:
            # what their subjects want is judged while nobody plans them anew
            held_leases(connection, store, claimed)
        changed = update(tables.job).where(fenced).values(**values(store.now(connection)))
        connection.execute(changed, leases)
