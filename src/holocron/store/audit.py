"""Audit: everything in the store that can be a lie, streamed in a flat amount of memory.

In: an open store. Out: contents, bundles, questions, jobs, artifacts with their claims and cited spans, and
what each subject shows. Never: judges them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection, func, select

from holocron.evidence import EvidenceBundle, EvidenceItem, MediaType
from holocron.store import tables
from holocron.store.store import Store

_BATCH = 200
#: of what carries whole texts, which may have megabytes
_TEXT_BATCH = 25


@dataclass(frozen=True, slots=True)
class CitedSpan:
    """A citation as it stands in the store; the text is the whole item's."""

    text: str
    #: None where the bundle has no item at the citation's position, or one with another content
    media_type: MediaType | None
    #: the number that its segment is recorded to have
    segment: int
    position: int
    start: int
    end: int

    @property
    def quote(self) -> str:
        """Return the span, or nothing where it does not lie inside the text."""
        inside = 0 <= self.start < self.end <= len(self.text)
        return self.text[self.start : self.end] if inside else ""


@dataclass(frozen=True, slots=True)
class AuditedClaim:
    """A claim as it stands in the store; value is JSON text."""

    pointer: str
    value: str
    grounding: str | None
    null_reason: str | None
    spans: tuple[CitedSpan, ...]


@dataclass(frozen=True, slots=True)
class AuditedArtifact:
    """An artifact as it stands in the store; value is JSON text."""

    artifact_id: int
    subject: str
    derivation_id: int
    value: str
    value_hash: str
    claims: tuple[AuditedClaim, ...]
    #: the job's evidence; without items where they are not whole
    bundle: EvidenceBundle
    #: the run's manifest, as JSON text
    manifest: str


@dataclass(frozen=True, slots=True)
class AuditedJob:
    """A job's key and the hashes that it is made of."""

    subject: str
    job_key: str
    derivation_hash: str
    bundle_hash: str
    model_fingerprint: str


@dataclass(frozen=True, slots=True)
class AuditedSubject:
    """What a subject wants and shows; None where there is no such job or artifact."""

    derivation: str
    subject: str
    #: derivation and subject of the wanted job, and its status
    wanted: tuple[str | None, str | None]
    status: str | None
    #: the newest artifact of the wanted job
    newest_id: int | None
    #: derivation and subject of the artifact that is shown
    shown: tuple[str | None, str | None]
    shown_id: int | None


def iterate_contents(store: Store) -> Iterator[tuple[str, str]]:
    """Yield every content's hash and text."""
    query = select(tables.content.c.content_hash, tables.content.c.text).order_by(tables.content.c.id)
    with store.reading() as connection:
        for row in connection.execution_options(yield_per=_TEXT_BATCH).execute(query):
            yield row[0], row[1]


def iterate_bundles(store: Store) -> Iterator[tuple[str, EvidenceBundle]]:
    """Yield every bundle with the hash it is stored under; its items carry hashes and no text."""
    item = tables.bundle_item
    query = (
        select(tables.bundle, item.c.media_type, tables.content.c.content_hash)
        .outerjoin_from(tables.bundle, item, item.c.bundle_id == tables.bundle.c.id)
        .outerjoin(tables.content, tables.content.c.id == item.c.content_id)
        .order_by(tables.bundle.c.id, item.c.position)
    )
    number, stored_hash, subject = 0, "", ""
    items: list[EvidenceItem] = []
    with store.reading() as connection:
        for row in connection.execution_options(yield_per=_BATCH).execute(query):
            if row.id != number:
                if number:
                    yield stored_hash, EvidenceBundle(subject=subject, items=tuple(items))
                number, stored_hash, subject, items = row.id, row.bundle_hash, row.subject, []
            if row.content_hash is not None and row.media_type in set(MediaType):
                items.append(
                    EvidenceItem(
                        text="",
                        media_type=MediaType(row.media_type),
                        source="",
                        source_hash=row.content_hash,
                        content_hash=row.content_hash,
                    )
                )
    if number:
        yield stored_hash, EvidenceBundle(subject=subject, items=tuple(items))


def iterate_jobs(store: Store) -> Iterator[AuditedJob]:
    """Yield every job with what its key is made of."""
    query = (
        select(
            tables.bundle.c.subject,
            tables.job.c.job_key,
            tables.derivation.c.derivation_hash,
            tables.bundle.c.bundle_hash,
            tables.model.c.fingerprint,
        )
        .join_from(tables.job, tables.bundle, tables.bundle.c.id == tables.job.c.bundle_id)
        .join(tables.derivation, tables.derivation.c.id == tables.job.c.derivation_id)
        .join(tables.model, tables.model.c.id == tables.job.c.model_id)
        .order_by(tables.job.c.id)
    )
    with store.reading() as connection:
        for row in connection.execution_options(yield_per=_BATCH).execute(query):
            yield AuditedJob(*row)


def iterate_subjects(store: Store) -> Iterator[AuditedSubject]:
    """Yield what every subject wants and shows, each in one look at the store."""
    wanted = tables.job.alias("wanted_job")
    shown = tables.job.alias("shown_job")
    wanted_bundle, shown_bundle = tables.bundle.alias("wanted_bundle"), tables.bundle.alias("shown_bundle")
    wanted_question = tables.derivation.alias("wanted_question")
    shown_question = tables.derivation.alias("shown_question")
    newest = (
        select(func.max(tables.artifact.c.id))
        .where(tables.artifact.c.job_id == tables.subject.c.job_id)
        .correlate(tables.subject)
        .scalar_subquery()
    )
    shown_artifact = tables.artifact.alias("shown_artifact")
    query = (
        select(
            tables.subject.c.derivation_name,
            tables.subject.c.subject,
            wanted_question.c.name,
            wanted_bundle.c.subject,
            wanted.c.status,
            newest,
            shown_question.c.name,
            shown_bundle.c.subject,
            tables.subject.c.artifact_id,
        )
        .outerjoin_from(tables.subject, wanted, wanted.c.id == tables.subject.c.job_id)
        .outerjoin(wanted_bundle, wanted_bundle.c.id == wanted.c.bundle_id)
        .outerjoin(wanted_question, wanted_question.c.id == wanted.c.derivation_id)
        .outerjoin(shown_artifact, shown_artifact.c.id == tables.subject.c.artifact_id)
        .outerjoin(shown, shown.c.id == shown_artifact.c.job_id)
        .outerjoin(shown_bundle, shown_bundle.c.id == shown.c.bundle_id)
        .outerjoin(shown_question, shown_question.c.id == shown.c.derivation_id)
        .order_by(tables.subject.c.derivation_name, tables.subject.c.subject)
    )
    with store.reading() as connection:
        for row in connection.execution_options(yield_per=_BATCH).execute(query):
            yield AuditedSubject(
                derivation=row[0],
                subject=row[1],
                wanted=(row[2], row[3]),
                status=row[4],
                newest_id=row[5],
                shown=(row[6], row[7]),
                shown_id=row[8],
            )


def iterate_artifacts(store: Store) -> Iterator[list[AuditedArtifact]]:
    """Yield every artifact, the superseded ones too, in batches."""
    query = (
        select(
            tables.artifact.c.id,
            tables.artifact.c.value,
            tables.artifact.c.value_hash,
            tables.job.c.derivation_id,
            tables.job.c.bundle_id,
            tables.bundle.c.subject,
            tables.run.c.manifest,
        )
        .join_from(tables.artifact, tables.job, tables.job.c.id == tables.artifact.c.job_id)
        .join(tables.run, tables.run.c.id == tables.artifact.c.id)
        .join(tables.bundle, tables.bundle.c.id == tables.job.c.bundle_id)
        .order_by(tables.artifact.c.id)
        .limit(_TEXT_BATCH)
    )
    last = -1
    while True:
        with store.reading() as connection:
            rows = connection.execute(query.where(tables.artifact.c.id > last)).all()
            if not rows:
                return
            last = rows[-1].id
            items = _load_items(store, connection, list({row.bundle_id for row in rows}))
            of_artifacts = {row.id: items[row.bundle_id] for row in rows}
            claims = _load_claims(store, connection, of_artifacts)
        yield [
            AuditedArtifact(
                artifact_id=row.id,
                subject=row.subject,
                derivation_id=row.derivation_id,
                value=row.value,
                value_hash=row.value_hash,
                claims=tuple(claims[row.id]),
                bundle=_make_bundle(row.subject, items[row.bundle_id]),
                manifest=row.manifest,
            )
            for row in rows
        ]


def load_definitions(store: Store) -> dict[int, tuple[str, str, str]]:
    """Return every derivation's name, hash and definition, as JSON text, by its number."""
    query = select(
        tables.derivation.c.id,
        tables.derivation.c.name,
        tables.derivation.c.derivation_hash,
        tables.derivation.c.definition,
    )
    with store.reading() as connection:
        return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(query)}


#: the items of a bundle by their positions, each with its content's number
_Items: TypeAlias = dict[int, tuple[int, EvidenceItem]]


def _load_items(store: Store, connection: Connection, bundle_ids: list[int]) -> dict[int, _Items]:
    """Return the items of bundles that have a text and a media type that is known."""
    item = tables.bundle_item
    query = select(
        item.c.bundle_id,
        item.c.position,
        item.c.content_id,
        item.c.media_type,
        tables.content.c.content_hash,
        tables.content.c.text,
    ).join_from(item, tables.content, tables.content.c.id == item.c.content_id)
    items: dict[int, _Items] = defaultdict(dict)
    for row in store.select_in(connection, query, item.c.bundle_id, bundle_ids):
        if row.media_type in set(MediaType):
            items[row.bundle_id][row.position] = (
                row.content_id,
                EvidenceItem(
                    text=row.text,
                    media_type=MediaType(row.media_type),
                    source="",
                    source_hash=row.content_hash,
                    content_hash=row.content_hash,
                ),
            )
    return items


def _make_bundle(subject: str, items: _Items) -> EvidenceBundle:
    """Return the bundle of a subject; an item that is missing would number all after it anew."""
    is_whole = sorted(items) == list(range(len(items)))
    found = tuple(items[position][1] for position in sorted(items)) if is_whole else ()
    return EvidenceBundle(subject=subject, items=found)


def _load_claims(
    store: Store, connection: Connection, items: dict[int, _Items]
) -> dict[int, list[AuditedClaim]]:
    """Return the claims of artifacts, whose items are given by the artifacts' numbers."""
    spans = _load_spans(store, connection, items)
    claims: dict[int, list[AuditedClaim]] = defaultdict(list)
    for row in store.select_in(connection, select(tables.claim), tables.claim.c.artifact_id, list(items)):
        cited = tuple(spans.get((row.artifact_id, row.ordinal), ()))
        claims[row.artifact_id].append(
            AuditedClaim(row.pointer, row.value, row.grounding, row.null_reason, cited)
        )
    return claims


def _load_spans(
    store: Store, connection: Connection, items: dict[int, _Items]
) -> dict[tuple[int, int], list[CitedSpan]]:
    spans: dict[tuple[int, int], list[CitedSpan]] = defaultdict(list)
    cited = tables.citation
    for row in store.select_in(connection, select(cited), cited.c.artifact_id, list(items)):
        content_id, item = items[row.artifact_id].get(row.position, (None, None))
        if content_id != row.content_id:
            # a citation of another item's content is no citation
            item = None
        spans[row.artifact_id, row.claim_ordinal].append(
            CitedSpan(
                item.text if item else "",
                item.media_type if item else None,
                row.segment,
                row.position,
                row.start_offset,
                row.end_offset,
            )
        )
    return spans
