"""Reports: what the store can say about jobs, subjects and claims.

In: names. Out: frozen rows, streamed where there may be many. Never: writes.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Row, Select, Table, func, select

from holocron.derivation import derivation_from_definition
from holocron.errors import UsageError
from holocron.evidence import MediaType
from holocron.fingerprint import JSONValue
from holocron.store import tables
from holocron.store.derived import DerivedTable, shape_tables
from holocron.store.store import Store
from holocron.store.tables import JobStatus

#: how much of the text is shown on either side of a quote, in characters
_AROUND = 80
_BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCount:
    """How many wanted jobs of a derivation stand where."""

    derivation: str
    status: JobStatus
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job as the lists show it."""

    job_id: int
    derivation: str
    subject: str
    model: str
    status: JobStatus
    #: whether the subject's current answer is this job's to give
    wanted: bool
    attempt: int
    last_error: str | None
    created_at: dt.datetime
    finished_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCitation:
    """A citation with what it points at."""

    segment: int
    source: str
    source_hash: str
    content_hash: str
    media_type: MediaType
    start: int
    end: int
    #: the span itself, and what stands around it
    quote: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredClaim:
    """A claim with its citations."""

    pointer: str
    value: JSONValue
    grounding: str | None
    null_reason: str | None
    citations: tuple[StoredCitation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArtifact:
    """A subject's current artifact and where it comes from."""

    artifact_id: int
    derivation: str
    subject: str
    value: JSONValue
    manifest: Mapping[str, JSONValue]
    #: where the job stands that the subject waits for: a newer one, or this one again; None when accepted
    superseding: JobStatus | None
    claims: tuple[StoredClaim, ...]


def count_statuses(store: Store) -> list[StatusCount]:
    """Return the wanted jobs by derivation and status."""
    query = (
        select(tables.subject.c.derivation_name, tables.job.c.status, func.count())
        .join_from(tables.subject, tables.job, tables.job.c.id == tables.subject.c.job_id)
        .group_by(tables.subject.c.derivation_name, tables.job.c.status)
        .order_by(tables.subject.c.derivation_name, tables.job.c.status)
    )
    with store.reading() as connection:
        return [
            StatusCount(derivation=name, status=JobStatus(status), jobs=number)
            for name, status, number in connection.execute(query)
        ]


def list_jobs(
    store: Store,
    *,
    status: JobStatus | None = None,
    derivation: str | None = None,
    subject: str | None = None,
    wanted: bool = False,
    limit: int = 100,
) -> list[JobRow]:
    """Return jobs, the newest first; `wanted` leaves out those whose subject has moved on."""
    query = (
        select(
            tables.job,
            tables.derivation.c.name.label("derivation_name"),
            tables.bundle.c.subject,
            tables.model.c.name.label("model_name"),
            tables.subject.c.job_id.label("wanted_id"),
        )
        .join_from(tables.job, tables.derivation)
        .join(tables.bundle, tables.bundle.c.id == tables.job.c.bundle_id)
        .join(tables.model, tables.model.c.id == tables.job.c.model_id)
        .outerjoin(tables.subject, tables.subject.c.job_id == tables.job.c.id)
        .order_by(tables.job.c.id.desc())
        .limit(limit)
    )
    if status is not None:
        query = query.where(tables.job.c.status == status)
    if derivation is not None:
        query = query.where(tables.derivation.c.name == derivation)
    if subject is not None:
        query = query.where(tables.bundle.c.subject == subject)
    if wanted:
        query = query.where(tables.subject.c.job_id.is_not(None))
    with store.reading() as connection:
        return [
            JobRow(
                job_id=row.id,
                derivation=row.derivation_name,
                subject=row.subject,
                model=row.model_name,
                status=JobStatus(row.status),
                wanted=row.wanted_id is not None,
                attempt=row.attempt,
                last_error=row.last_error,
                created_at=row.created_at,
                finished_at=row.finished_at,
            )
            for row in connection.execute(query)
        ]


def find_artifacts(store: Store, *, subject: str | None = None, derivation: str | None = None) -> list[int]:
    """Return the numbers of current artifacts, by derivation and subject."""
    query = (
        select(tables.subject.c.artifact_id)
        .where(tables.subject.c.artifact_id.is_not(None))
        .order_by(tables.subject.c.derivation_name, tables.subject.c.subject)
    )
    if subject is not None:
        query = query.where(tables.subject.c.subject == subject)
    if derivation is not None:
        query = query.where(tables.subject.c.derivation_name == derivation)
    with store.reading() as connection:
        return list(connection.execute(query).scalars())


def find_settled(store: Store, derivation: str, subjects: Collection[str]) -> list[int]:
    """Return the numbers of the subjects' current artifacts that wait for no other answer, by subject."""
    query = (
        select(tables.subject.c.subject, tables.subject.c.artifact_id)
        .join_from(tables.subject, tables.job, tables.job.c.id == tables.subject.c.job_id)
        .where(
            tables.subject.c.artifact_id.is_not(None),
            tables.subject.c.derivation_name == derivation,
            tables.job.c.status == JobStatus.ACCEPTED,
        )
    )
    with store.reading() as connection:
        found = store.select_in(connection, query, tables.subject.c.subject, list(subjects))
        return [number for _, number in sorted(map(tuple, found))]


def load_artifact(store: Store, artifact_id: int) -> StoredArtifact:
    """Return one artifact with its claims and their quotes."""
    query = (
        select(
            tables.artifact,
            tables.run.c.manifest,
            tables.derivation.c.name,
            tables.bundle.c.subject,
            tables.subject.c.job_id.label("wanted_id"),
        )
        .join_from(tables.artifact, tables.run, tables.run.c.id == tables.artifact.c.id)
        .join(tables.job, tables.job.c.id == tables.artifact.c.job_id)
        .join(tables.derivation, tables.derivation.c.id == tables.job.c.derivation_id)
        .join(tables.bundle, tables.bundle.c.id == tables.job.c.bundle_id)
        .outerjoin(tables.subject, tables.subject.c.artifact_id == tables.artifact.c.id)
        .where(tables.artifact.c.id == artifact_id)
    )
    with store.reading() as connection:
        row = connection.execute(query).one()
        superseding = None
        if row.wanted_id is not None:
            query = select(tables.job.c.status).where(tables.job.c.id == row.wanted_id)
            status = JobStatus(connection.execute(query).scalar_one())
            superseding = None if status is JobStatus.ACCEPTED else status
        return StoredArtifact(
            artifact_id=artifact_id,
            derivation=row.name,
            subject=row.subject,
            value=json.loads(row.value),
            manifest=json.loads(row.manifest),
            superseding=superseding,
            claims=tuple(load_claims(connection, artifact_id)),
        )


def load_claims(connection: Connection, artifact_id: int) -> Iterator[StoredClaim]:
    """Yield an artifact's claims in order, with their quotes."""
    citations: dict[int, list[StoredCitation]] = {}
    texts = _load_texts(connection, artifact_id)
    for row in connection.execute(_citations_of().where(tables.citation.c.artifact_id == artifact_id)):
        text = texts[row.content_id]
        citations.setdefault(row.claim_ordinal, []).append(
            StoredCitation(
                segment=row.segment,
                source=row.source,
                source_hash=row.source_hash,
                content_hash=row.content_hash,
                media_type=MediaType(row.media_type),
                start=row.start_offset,
                end=row.end_offset,
                quote=text[row.start_offset : row.end_offset],
                before=text[max(0, row.start_offset - _AROUND) : row.start_offset],
                after=text[row.end_offset : row.end_offset + _AROUND],
            )
        )
    claims = select(tables.claim).where(tables.claim.c.artifact_id == artifact_id)
    for row in connection.execute(claims.order_by(tables.claim.c.ordinal)):
        yield StoredClaim(
            pointer=row.pointer,
            value=json.loads(row.value),
            grounding=row.grounding,
            null_reason=row.null_reason,
            citations=tuple(citations.get(row.ordinal, ())),
        )


def _load_texts(connection: Connection, artifact_id: int) -> dict[int, str]:
    """Return the texts that an artifact cites, each once, however many claims rest on it."""
    cited = select(tables.citation.c.content_id).where(tables.citation.c.artifact_id == artifact_id)
    query = select(tables.content.c.id, tables.content.c.text).where(tables.content.c.id.in_(cited))
    return {row.id: row.text for row in connection.execute(query)}


def _citations_of() -> Select[tuple[object, ...]]:
    return (
        select(
            tables.citation,
            tables.content.c.content_hash,
            tables.bundle_item.c.source,
            tables.bundle_item.c.source_hash,
            tables.bundle_item.c.media_type,
        )
        .join_from(tables.citation, tables.content, tables.content.c.id == tables.citation.c.content_id)
        .join(tables.artifact, tables.artifact.c.id == tables.citation.c.artifact_id)
        .join(tables.job, tables.job.c.id == tables.artifact.c.job_id)
        .join(
            tables.bundle_item,
            (tables.bundle_item.c.bundle_id == tables.job.c.bundle_id)
            & (tables.bundle_item.c.position == tables.citation.c.position),
        )
        .order_by(tables.citation.c.claim_ordinal, tables.citation.c.ordinal)
    )


def iterate_view(
    store: Store,
    table: Table,
    query: Select[tuple[object, ...]],
    subjects: Collection[str] | None = None,
) -> Iterator[Mapping[str, object]]:
    """Yield the rows of a current-rows select, ordered by subject, a few at a time.

    subjects: those that are wanted; None means all.
    """
    order = [tables.subject.c.subject]
    if "row_number" in table.c:
        order.append(table.c.row_number)
    with store.reading() as connection:
        streaming = connection.execution_options(yield_per=_BATCH)
        ordered = query.order_by(*order)
        rows: Iterable[Row[tuple[object, ...]]] = (
            streaming.execute(ordered)
            if subjects is None
            else store.select_in(streaming, ordered, tables.subject.c.subject, sorted(subjects))
        )
        for row in rows:
            yield dict(row._mapping)  # noqa: SLF001 - its documented name; columns have the plain ones


def bundle_of(store: Store, artifact_id: int) -> tuple[str, int]:
    """Return the derivation's definition, as JSON text, and the bundle's number of an artifact."""
    query = (
        select(tables.derivation.c.definition, tables.job.c.bundle_id)
        .join_from(tables.artifact, tables.job, tables.job.c.id == tables.artifact.c.job_id)
        .join(tables.derivation, tables.derivation.c.id == tables.job.c.derivation_id)
        .where(tables.artifact.c.id == artifact_id)
    )
    with store.reading() as connection:
        definition, bundle_id = connection.execute(query).one()
    return definition, bundle_id


def iterate_values(store: Store, derivation: str) -> Iterator[tuple[str, JSONValue]]:
    """Yield subject and value of what a derivation's view shows, by subject, a few at a time."""
    shown = find_tables(store, derivation).table
    query = (
        select(tables.subject.c.subject, tables.artifact.c.value)
        .join_from(tables.subject, tables.artifact, tables.artifact.c.id == tables.subject.c.artifact_id)
        .join(shown, shown.c.artifact_id == tables.artifact.c.id)
        .order_by(tables.subject.c.subject)
    )
    with store.reading() as connection:
        for subject, value in connection.execution_options(yield_per=_BATCH).execute(query):
            yield subject, json.loads(value)


def find_tables(store: Store, derivation: str) -> DerivedTable:
    """Return the tables that a derivation's views show now.

    Raises: UsageError where nothing has been derived under that name.
    """
    current = select(tables.derived_table.c.contract_hash).where(
        tables.derived_table.c.derivation_name == derivation, tables.derived_table.c.is_current
    )
    definitions = (
        select(tables.derivation.c.definition)
        .where(tables.derivation.c.name == derivation)
        .order_by(tables.derivation.c.id.desc())
    )
    with store.reading() as connection:
        contract_hash = connection.execute(current).scalar()
        for text in connection.execute(definitions).scalars():
            stored = derivation_from_definition(json.loads(text))
            if stored.contract_hash == contract_hash:
                return shape_tables(stored)
    raise UsageError(
        f"nothing has been derived with {derivation!r} yet", hint=f"Run 'holocron derive {derivation}' first."
    )
