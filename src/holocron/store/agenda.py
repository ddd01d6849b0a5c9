"""The agenda: which derivations have open jobs for a model, so that a worker needs nothing but the store.

In: a model. Out: one entry per derivation with open jobs, and its stored definition.
Never: claims anything; what it shows may be gone a moment later.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from sqlalchemy import Select, case, func, or_, select

from holocron.derivation import Derivation, derivation_from_definition
from holocron.errors import DerivationInvalid
from holocron.fingerprint import JSONValue
from holocron.llm.model import ModelIdentity
from holocron.store import tables
from holocron.store.queue import LONGEST_WAIT, is_available, is_paused
from holocron.store.store import Store, retried
from holocron.store.tables import JobStatus

_CHANGED = (
    "It was changed in the database, or made by another version of Holocron;"
    " 'holocron derive' goes by the project's own file."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaEntry:
    """A derivation with open jobs for one model."""

    derivation_id: int
    name: str
    is_paused: bool
    #: the highest priority of the jobs that may be claimed now; None where there is none
    priority: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftJobs:
    """Jobs that wait, of one derivation and one model."""

    #: as its user named it
    model: str
    #: whether its weights are those that were asked about
    is_same: bool
    derivation: str
    jobs: int


@retried
def find_model_id(store: Store, model: ModelIdentity) -> int | None:
    """Return the number of a model; None where no job was ever planned for it."""
    query = select(tables.model.c.id).where(tables.model.c.fingerprint == model.fingerprint)
    with store.reading() as connection:
        return connection.execute(query).scalar()


@retried
def load_agenda(store: Store, model_id: int) -> list[AgendaEntry]:
    """Return the derivations with open jobs for a model, in the order of their numbers.

    Its cost grows with the derivations, a few look-ups in the claim's index for each, and not with the jobs.
    """
    with store.reading() as connection:
        return [
            AgendaEntry(
                derivation_id=number,
                name=name,
                is_paused=bool(is_paused),
                priority=first,
            )
            for number, name, is_paused, first, is_open in connection.execute(
                _agenda_of(model_id, store.now(connection))
            )
            if is_open
        ]


@retried
def list_left(store: Store, model: ModelIdentity) -> list[LeftJobs]:
    """Return all jobs that wait for a worker, beside which of them are this model's."""
    query = (
        select(tables.model.c.name, tables.model.c.fingerprint, tables.derivation.c.name, func.count())
        .join_from(tables.job, tables.model, tables.model.c.id == tables.job.c.model_id)
        .join(tables.derivation, tables.derivation.c.id == tables.job.c.derivation_id)
        .where(tables.job.c.status == JobStatus.READY)
        .group_by(tables.model.c.name, tables.model.c.fingerprint, tables.derivation.c.name)
        .order_by(tables.model.c.name, tables.derivation.c.name)
    )
    with store.reading() as connection:
        return [
            LeftJobs(model=name, is_same=fingerprint == model.fingerprint, derivation=derivation, jobs=jobs)
            for name, fingerprint, derivation, jobs in connection.execute(query)
        ]


def _agenda_of(model_id: int, now: dt.datetime) -> Select[int, str, int, int, int]:
    of_this = (tables.job.c.model_id == model_id, tables.job.c.derivation_id == tables.derivation.c.id)
    ready = (tables.job.c.status == JobStatus.READY, *of_this)
    priority = (
        select(tables.job.c.priority)
        .where(*ready, is_available(now, now + LONGEST_WAIT))
        .order_by(tables.job.c.priority.desc(), tables.job.c.id)
        .limit(1)
        .scalar_subquery()
        .correlate(tables.derivation)
    )
    is_open = or_(
        select(tables.job.c.id).where(*ready).exists().correlate(tables.derivation),
        select(tables.job.c.id)
        .where(tables.job.c.status == JobStatus.CLAIMED, *of_this)
        .exists()
        .correlate(tables.derivation),
    )
    return select(
        tables.derivation.c.id,
        tables.derivation.c.name,
        case((is_paused(tables.derivation.c.name), 1), else_=0),
        priority,
        case((is_open, 1), else_=0),
    ).order_by(tables.derivation.c.id)


@retried
def load_derivation(store: Store, derivation_id: int) -> Derivation:
    """Return a derivation as it was stored.

    Raises: DerivationError where its stored text is no derivation, or another one than it was.
    """
    query = select(tables.derivation.c.definition, tables.derivation.c.derivation_hash)
    with store.reading() as connection:
        text, known = connection.execute(query.where(tables.derivation.c.id == derivation_id)).one()
    try:
        definition: JSONValue = json.loads(text)
    except ValueError as problem:
        raise DerivationInvalid(
            f"the stored definition {derivation_id} is no JSON: {problem}", hint=_CHANGED
        ) from problem
    derivation = derivation_from_definition(definition)
    if derivation.derivation_hash != known:
        raise DerivationInvalid(
            f"the stored definition {derivation_id} of {derivation.name!r} does not mean what it did",
            hint=_CHANGED,
        )
    return derivation
