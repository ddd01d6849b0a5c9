"""Planning: bundles become jobs, each only once.

In: a derivation, a model, batches of bundles. Out: rows for what is new, and what became of each subject.
Never: calls a model, or touches a subject whose derivation, evidence and model are unchanged.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from sqlalchemy import Column, Connection, Select, Table, and_, bindparam, func, insert, select, update

from holocron.derivation.derivations import Derivation
from holocron.errors import ViewHeld
from holocron.evidence import EvidenceBundle
from holocron.fingerprint import hash_text
from holocron.llm.model import ModelIdentity
from holocron.store import tables
from holocron.store.derived import DerivedTable, shape_tables
from holocron.store.queue import JobScope
from holocron.store.store import PLANNING, Store, retried
from holocron.store.tables import FINISHED, OPEN, TAKEN_AWAY, JobStatus
from holocron.store.views import are_hidden, ask_tables, create_tables, swap_views

#: the jobs of some keys, beside whether their subjects want them
_JOBS = select(tables.job.c.job_key, tables.job.c.id, tables.job.c.status, tables.subject.c.job_id).join_from(
    tables.job, tables.subject, tables.subject.c.job_id == tables.job.c.id, isouter=True
)
#: how long views that someone holds are left alone: twice as long after each try
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 600.0


class PlanState(StrEnum):
    """What planning found or did for one bundle."""

    #: nothing: the job is finished, whatever its end; an answer that it gave is the subject's current one
    UNCHANGED = "unchanged"
    #: a job now waits for a worker
    QUEUED = "queued"
    #: an earlier answer for the same content was made current again
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """The job of one bundle."""

    job_id: int
    status: JobStatus
    state: PlanState


@dataclass(frozen=True, slots=True)
class _Known:
    job_id: int
    status: JobStatus
    wanted: bool


def job_key(derivation_hash: str, bundle_hash: str, model_fingerprint: str) -> str:
    """Return the key of a job: the same three contents are the same work."""
    return hash_text(f"{derivation_hash} {bundle_hash} {model_fingerprint}")


class JobPlanner:
    """Puts the jobs of one derivation and one model into the store."""

    def __init__(
        self, store: Store, derivation: Derivation, model: ModelIdentity, *, priority: int | None = None
    ) -> None:
        """Record the derivation, the model and the derived tables.

        priority: given to the jobs that planning queues or finds waiting; None leaves what they have.
        """
        self._priority = priority
        self._store = store
        self._derivation = derivation
        self._model_fingerprint = model.fingerprint
        self.tables: DerivedTable = shape_tables(derivation)
        #: kept, as every select of select_in
        self._wanted = select(tables.subject.c.subject, tables.subject.c.job_id).where(
            tables.subject.c.derivation_name == derivation.name
        )
        self._swap_from, self._swap_pause_s = 0.0, _FIRST_PAUSE_S
        self._record(derivation, model)

    @retried
    def _record(self, derivation: Derivation, model: ModelIdentity) -> None:
        with self._store.writing() as connection:
            self._store.dialect.lock(connection, PLANNING)
            now = self._store.now(connection)
            self.derivation_id = _find_or_insert(
                connection,
                tables.derivation,
                tables.derivation.c.derivation_hash,
                {
                    "derivation_hash": derivation.derivation_hash,
                    "name": derivation.name,
                    "version": derivation.version,
                    "definition": json.dumps(derivation.definition, ensure_ascii=False),
                    "created_at": now,
                },
            )
            self.model_id = _find_or_insert(
                connection,
                tables.model,
                tables.model.c.fingerprint,
                {"fingerprint": model.fingerprint, "name": model.name, "digest": model.digest},
            )
            create_tables(connection, self._store.dialect, derivation, self.tables, now)
            # an earlier process may have left the swap to the next one
            self.tables.is_hidden = are_hidden(connection, self.tables)

    def swap_views(self, *, at_once: bool = False) -> None:
        """Let the views show this contract, where planning or a commit found that they hide its rows.

        at_once: also where they could not be had a moment ago.
        Raises: ViewHeld where someone holds them; a later call tries again.
        """
        if not self.tables.is_hidden or (time.monotonic() < self._swap_from and not at_once):
            return
        try:
            swap_views(self._store, self.tables)
        except ViewHeld:
            self._swap_from = time.monotonic() + self._swap_pause_s
            self._swap_pause_s = min(_LONGEST_PAUSE_S, 2 * self._swap_pause_s)
            raise
        self._swap_pause_s = _FIRST_PAUSE_S

    @property
    def scope(self) -> JobScope:
        """Return which jobs in the store are this derivation's and this model's."""
        return JobScope(derivation_id=self.derivation_id, model_id=self.model_id)

    @retried
    def find_new(self, bundles: Sequence[EvidenceBundle]) -> list[EvidenceBundle]:
        """Return the bundles that have no job yet."""
        keys = [self._key(bundle.bundle_hash) for bundle in bundles]
        with self._store.reading() as connection:
            known = self._ids(connection, tables.job, tables.job.c.job_key, keys)
        return [bundle for key, bundle in zip(keys, bundles, strict=True) if key not in known]

    def _key(self, bundle_hash: str) -> str:
        return job_key(self._derivation.derivation_hash, bundle_hash, self._model_fingerprint)

    @retried
    def plan(self, bundles: Sequence[EvidenceBundle], *, force: bool = False) -> list[PlannedJob]:
        """Make sure that every bundle has its job, in one transaction for the batch.

        Unknown bundles are written once per content. `force` puts finished jobs back into the queue.
        """
        hashes = [bundle.bundle_hash for bundle in bundles]
        keys = [self._key(name) for name in hashes]
        with self._store.reading() as connection:
            known = self._find(connection, keys)
        if not force and all(key in known and self._is_settled(known[key]) for key in keys):
            return [PlannedJob(known[key].job_id, known[key].status, PlanState.UNCHANGED) for key in keys]
        with self._store.writing() as connection:
            # looked up again, now that nobody else plans, or ends one of these jobs
            self._store.dialect.lock(connection, PLANNING)
            if self._store.dialect.has_row_locks:
                self._lock_jobs(connection, keys, [bundle.subject for bundle in bundles])
            known = self._find(connection, keys)
            fresh = {
                key: (name, bundle)
                for key, name, bundle in zip(keys, hashes, bundles, strict=True)
                if key not in known
            }
            if fresh:
                known |= self._insert(connection, fresh)
            planned = self._settle(connection, bundles, [known[key] for key in keys], force=force)
            if self._priority is not None:
                self._prioritise(connection, self._priority, planned)
            ask_tables(connection, self.tables)
            # an earlier answer that is wanted again is shown, also where it waits for a newer one
            self.tables.is_hidden = are_hidden(connection, self.tables)
            return planned

    def _lock_jobs(self, connection: Connection, keys: Sequence[str], subjects: Sequence[str]) -> None:
        """Wait for whoever is ending these jobs, or those that the subjects want now."""
        job = tables.job
        older = self._store.select_in(connection, self._wanted, tables.subject.c.subject, list(subjects))
        numbers = {row.job_id for row in older} | {*self._ids(connection, job, job.c.job_key, keys).values()}
        query = self._store.dialect.lock_rows(select(job.c.id).order_by(job.c.id), job)
        for _ in self._store.select_in(connection, query, job.c.id, sorted(numbers)):
            pass

    @staticmethod
    def _is_settled(known: _Known) -> bool:
        return known.wanted and known.status in FINISHED and known.status not in TAKEN_AWAY

    def _find(self, connection: Connection, keys: Sequence[str]) -> dict[str, _Known]:
        return {
            key: _Known(job_id, JobStatus(status), wanted_id is not None)
            for key, job_id, status, wanted_id in self._store.select_in(
                connection, _JOBS, tables.job.c.job_key, keys
            )
        }

    def _insert(
        self, connection: Connection, fresh: Mapping[str, tuple[str, EvidenceBundle]]
    ) -> dict[str, _Known]:
        """Write the jobs of new bundles, given by job key with their hashes; they wait for a worker."""
        by_hash = dict(fresh.values())
        bundle_ids = self._insert_bundles(connection, by_hash)
        now = self._store.now(connection)
        self._store.dialect.insert_rows(
            connection,
            tables.job,
            [
                {
                    "job_key": key,
                    "derivation_id": self.derivation_id,
                    "bundle_id": bundle_ids[name],
                    "model_id": self.model_id,
                    "status": str(JobStatus.READY),
                    "priority": 0,
                    "available_at": now,
                    "attempt": 0,
                    "failures": 0,
                    "created_at": now,
                }
                for key, (name, _) in fresh.items()
            ],
        )
        ids = self._ids(connection, tables.job, tables.job.c.job_key, list(fresh))
        return {key: _Known(number, JobStatus.READY, wanted=False) for key, number in ids.items()}

    def _insert_bundles(
        self, connection: Connection, by_hash: Mapping[str, EvidenceBundle]
    ) -> dict[str, int]:
        texts = {item.content_hash: item.text for bundle in by_hash.values() for item in bundle.items}
        content_ids, _ = self._insert_missing(
            connection,
            tables.content,
            tables.content.c.content_hash,
            {name: {"content_hash": name, "text": text} for name, text in texts.items()},
        )
        bundle_ids, missing = self._insert_missing(
            connection,
            tables.bundle,
            tables.bundle.c.bundle_hash,
            {name: {"bundle_hash": name, "subject": bundle.subject} for name, bundle in by_hash.items()},
        )
        items = [
            {
                "bundle_id": bundle_ids[name],
                "position": position,
                "content_id": content_ids[item.content_hash],
                "media_type": str(item.media_type),
                "source": item.source,
                "source_hash": item.source_hash,
            }
            for name in missing
            for position, item in enumerate(by_hash[name].items)
        ]
        if items:
            self._store.dialect.insert_rows(connection, tables.bundle_item, items)
        return bundle_ids

    def _insert_missing(
        self, connection: Connection, table: Table, column: Column[str], rows: dict[str, dict[str, object]]
    ) -> tuple[dict[str, int], list[str]]:
        """Write the rows that are not there; return the numbers of all, and the names of those."""
        ids = self._ids(connection, table, column, list(rows))
        missing = [name for name in rows if name not in ids]
        if missing:
            self._store.dialect.insert_rows(connection, table, [rows[name] for name in missing])
            ids |= self._ids(connection, table, column, missing)
        return ids, missing

    def _ids(
        self, connection: Connection, table: Table, column: Column[str], names: Sequence[str]
    ) -> dict[str, int]:
        found = self._store.select_in(connection, _numbers_of(table, column), column, names)
        return {row[0]: row[1] for row in found}

    def _settle(
        self,
        connection: Connection,
        bundles: Sequence[EvidenceBundle],
        known: Sequence[_Known],
        *,
        force: bool,
    ) -> list[PlannedJob]:
        """Point every subject at its job, take older waiting jobs away, and queue what is not finished."""
        moved = [index for index, job in enumerate(known) if not job.wanted]
        self._want(connection, [(bundles[index].subject, known[index].job_id) for index in moved])
        queued: list[int] = []
        planned: list[PlannedJob] = []
        for job in known:
            waits = job.status in TAKEN_AWAY or (force and job.status in FINISHED)
            if waits:
                queued.append(job.job_id)
            status = JobStatus.READY if waits else job.status
            state = PlanState.QUEUED if status in OPEN else PlanState.UNCHANGED
            if status is JobStatus.ACCEPTED and not job.wanted:
                state = PlanState.RESTORED
            planned.append(PlannedJob(job.job_id, status, state))
        if queued:
            connection.execute(
                update(tables.job)
                .where(tables.job.c.id == bindparam("b_job"))
                .values(
                    status=JobStatus.READY,
                    failures=0,
                    last_error=None,
                    finished_at=None,
                    available_at=self._store.now(connection),
                ),
                [{"b_job": number} for number in queued],
            )
        return planned

    @staticmethod
    def _prioritise(connection: Connection, priority: int, planned: Sequence[PlannedJob]) -> None:
        waiting = [{"b_job": job.job_id} for job in planned if job.status is JobStatus.READY]
        if waiting:
            connection.execute(
                update(tables.job)
                .where(tables.job.c.id == bindparam("b_job"), tables.job.c.priority != priority)
                .values(priority=priority),
                waiting,
            )

    def _want(self, connection: Connection, pairs: Iterable[tuple[str, int]]) -> None:
        wanted = dict(pairs)
        if not wanted:
            return
        found = self._store.select_in(connection, self._wanted, tables.subject.c.subject, list(wanted))
        held = {row[0]: row[1] for row in found}
        fresh = [name for name in wanted if name not in held]
        if fresh:
            self._store.dialect.insert_rows(
                connection,
                tables.subject,
                [
                    {"derivation_name": self._derivation.name, "subject": name, "job_id": wanted[name]}
                    for name in fresh
                ],
            )
        if held:
            self._replace(connection, {name: wanted[name] for name in held}, list(held.values()))

    def _replace(self, connection: Connection, wanted: dict[str, int], older: Sequence[int]) -> None:
        connection.execute(
            update(tables.job)
            .where(tables.job.c.id == bindparam("b_job"), tables.job.c.status == JobStatus.READY)
            .values(status=JobStatus.SUPERSEDED),
            [{"b_job": number} for number in older],
        )
        newest = (
            select(func.max(tables.artifact.c.id))
            .where(tables.artifact.c.job_id == bindparam("b_job"))
            .scalar_subquery()
        )
        connection.execute(
            update(tables.subject)
            .where(
                and_(
                    tables.subject.c.derivation_name == self._derivation.name,
                    tables.subject.c.subject == bindparam("b_subject"),
                )
            )
            # an answer that this content had before is current again at once
            .values(
                job_id=bindparam("b_job"), artifact_id=func.coalesce(newest, tables.subject.c.artifact_id)
            ),
            [{"b_job": number, "b_subject": name} for name, number in wanted.items()],
        )


@cache
def _numbers_of(table: Table, column: Column[str]) -> Select[str, int]:
    return select(column, table.c.id)


def _find_or_insert(connection: Connection, table: Table, column: Column[str], row: dict[str, object]) -> int:
    query = select(table.c.id).where(column == row[column.name])
    found = connection.execute(query).scalar()
    if found is None:
        connection.execute(insert(table).values(row))
        found = connection.execute(query).scalar_one()
    return int(found)
