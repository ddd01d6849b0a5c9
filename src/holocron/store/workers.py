"""Workers: who may hold leases, and when each of them was last seen.

In: processes that sign on, say that they are there, and sign off. Out: numbers and frozen rows.
Never: compares the clocks of two machines; all moments here are the database's.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import delete, exists, func, insert, select, update

from holocron.store import tables
from holocron.store.store import Store, retried
from holocron.store.tables import JobStatus

#: how often a worker says that it is there, and after how long a silence it is taken for dead: longer than it
#: waits for a lock, or for a server that went away
SEEN_EVERY_S = 30.0
SILENT_AFTER = dt.timedelta(minutes=3)
#: a worker that said nothing for so long and holds no job has gone without a word
_FORGOTTEN_AFTER = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProcess:
    """A process that may hold leases."""

    worker_id: int
    host: str
    process_id: int
    #: seconds after its machine's start
    process_started: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """A worker as the lists show it."""

    process: WorkerProcess
    #: as its user named it; empty where it did not say
    model: str
    slots: int
    started_at: dt.datetime
    seen_at: dt.datetime
    #: how long it has said nothing, by the clock of the database
    silence: dt.timedelta
    #: jobs under its leases
    held: int

    @property
    def is_silent(self) -> bool:
        """Tell whether it is taken for dead by whoever cannot look at its process."""
        return self.silence > SILENT_AFTER


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
def list_worker_rows(store: Store) -> list[WorkerRow]:
    """Return the workers that have not signed off, the oldest first."""
    held = (
        select(tables.job.c.worker_id, func.count().label("jobs"))
        .where(tables.job.c.status == JobStatus.CLAIMED)
        .group_by(tables.job.c.worker_id)
        .subquery()
    )
    query = (
        select(tables.worker, func.coalesce(held.c.jobs, 0).label("held"))
        .join_from(tables.worker, held, held.c.worker_id == tables.worker.c.id, isouter=True)
        .order_by(tables.worker.c.id)
    )
    with store.reading() as connection:
        now = store.now(connection)
        return [
            WorkerRow(
                process=WorkerProcess(
                    worker_id=row.id,
                    host=row.host,
                    process_id=row.process_id,
                    process_started=row.process_started,
                ),
                model=row.model,
                slots=row.slots,
                started_at=row.started_at,
                seen_at=row.seen_at,
                silence=now - row.seen_at,
                held=row.held,
            )
            for row in connection.execute(query)
        ]


@retried
def see_worker(store: Store, worker_id: int) -> bool:
    """Note that a worker is there; return False where it was forgotten and has to register again.

    Workers that went without a word, long ago, are forgotten on the way.
    """
    holds = select(tables.job.c.id).where(tables.job.c.worker_id == tables.worker.c.id).exists()
    with store.writing() as connection:
        now = store.now(connection)
        seen = connection.execute(
            update(tables.worker).where(tables.worker.c.id == worker_id).values(seen_at=now)
        )
        connection.execute(
            delete(tables.worker).where(tables.worker.c.seen_at < now - _FORGOTTEN_AFTER, ~holds)
        )
        return seen.rowcount > 0
