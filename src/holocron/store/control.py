"""Control: what a person does to the queue: cancels jobs and pauses derivations.

In: the names of derivations and subjects. Out: counts.
Never: interrupts a worker; one that holds a cancelled job finds its lease gone.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from holocron.store import tables
from holocron.store.store import Store, retried
from holocron.store.tables import EVERY_DERIVATION, OPEN, JobStatus


def cancel_jobs(store: Store, *, derivation: str | None = None, subject: str | None = None) -> int:
    """Take open jobs out of the queue and return how many; what is in flight loses its lease.

    derivation, subject: only jobs of these names; None means all.
    """
    query = select(tables.job.c.id).where(tables.job.c.status.in_(list(OPEN)))
    if derivation is not None:
        query = query.where(tables.job.c.derivation_id.in_(_ids_of(derivation)))
    if subject is not None:
        query = query.join(tables.bundle, tables.bundle.c.id == tables.job.c.bundle_id).where(
            tables.bundle.c.subject == subject
        )
    cancelled: set[int] = set()
    _cancel(store, query, cancelled)
    return len(cancelled)


@retried
def _cancel(store: Store, query: Select[int], cancelled: set[int]) -> None:
    """Cancel jobs; a run after a commit whose answer was lost finds none, and adds none to the cancelled."""
    with store.writing() as connection:
        taken = connection.execute(
            update(tables.job)
            # the second look at the status spares a job that has ended in between
            .where(tables.job.c.id.in_(query), tables.job.c.status.in_(list(OPEN)))
            .values(
                status=JobStatus.CANCELLED,
                worker_id=None,
                lease_expires_at=None,
                last_error=None,
                finished_at=store.now(connection),
            )
            .returning(tables.job.c.id)
        )
        cancelled.update(taken.scalars())


def _ids_of(derivation: str) -> Select[int]:
    return select(tables.derivation.c.id).where(tables.derivation.c.name == derivation)


@retried
def pause_derivation(store: Store, name: str = EVERY_DERIVATION) -> bool:
    """Let no job of a derivation be claimed, or of any; return False where it was so already."""
    with store.writing() as connection:
        store.dialect.lock(connection, "pause")
        if name in _read_pauses(connection):
            return False
        connection.execute(insert(tables.pause).values(derivation_name=name, paused_at=store.now(connection)))
        return True


@retried
def resume_derivation(store: Store, name: str = EVERY_DERIVATION) -> bool:
    """Take a pause back; return False where there was none."""
    with store.writing() as connection:
        gone = connection.execute(delete(tables.pause).where(tables.pause.c.derivation_name == name))
        return gone.rowcount > 0


def resuming(name: str) -> str:
    """Return the command that lets what is paused under a name go on."""
    return "holocron pause --off" if name == EVERY_DERIVATION else f"holocron pause {name} --off"


@retried
def list_pauses(store: Store) -> dict[str, dt.datetime]:
    """Return what is paused and since when; EVERY_DERIVATION stands for all."""
    with store.reading() as connection:
        return _read_pauses(connection)


def _read_pauses(connection: Connection) -> dict[str, dt.datetime]:
    query = select(tables.pause.c.derivation_name, tables.pause.c.paused_at)
    return {row.derivation_name: row.paused_at for row in connection.execute(query)}


@retried
def list_derivations(store: Store) -> list[str]:
    """Return the names of the derivations that ever had a job planned."""
    query = select(tables.derivation.c.name).distinct().order_by(tables.derivation.c.name)
    with store.reading() as connection:
        return list(connection.execute(query).scalars())


@retried
def count_waiting(store: Store) -> dict[str, int]:
    """Return how many jobs wait for a worker, by the name of the model that they are for."""
    query = (
        select(tables.model.c.name, func.count())
        .join_from(tables.job, tables.model, tables.model.c.id == tables.job.c.model_id)
        .where(tables.job.c.status == JobStatus.READY)
        .group_by(tables.model.c.id, tables.model.c.name)
        .order_by(tables.model.c.id)
    )
    counts: dict[str, int] = {}
    with store.reading() as connection:
        for name, jobs in connection.execute(query):
            counts[name] = counts.get(name, 0) + jobs
    return counts
