"""Audit: everything in the store that can be a lie, streamed in a flat amount of memory.

In: an open store. Out: contents, and artifacts with their claims and cited spans. Never: judges them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from holocron.evidence import MediaType
from holocron.store import tables
from holocron.store.store import Store

_BATCH = 200


@dataclass(frozen=True, slots=True)
class CitedSpan:
    """A citation as it stands in the store; the text is the whole item's."""

    text: str
    media_type: MediaType
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


def iterate_contents(store: Store) -> Iterator[tuple[str, str]]:
    """Yield every content's hash and text."""
    query = select(tables.content.c.content_hash, tables.content.c.text).order_by(tables.content.c.id)
    with store.reading() as connection:
        for content_hash, text in connection.execution_options(yield_per=_BATCH).execute(query):
            yield content_hash, text


def iterate_artifacts(store: Store) -> Iterator[AuditedArtifact]:
    """Yield every artifact, the superseded ones too."""
    query = (
        select(
            tables.artifact.c.id,
            tables.artifact.c.value,
            tables.artifact.c.value_hash,
            tables.job.c.derivation_id,
            tables.job.c.bundle_id,
            tables.bundle.c.subject,
        )
        .join_from(tables.artifact, tables.job, tables.job.c.id == tables.artifact.c.job_id)
        .join(tables.bundle, tables.bundle.c.id == tables.job.c.bundle_id)
        .order_by(tables.artifact.c.id)
        .limit(_BATCH)
    )
    last = -1
    while True:
        with store.reading() as connection:
            rows = connection.execute(query.where(tables.artifact.c.id > last)).all()
            if not rows:
                return
            last = rows[-1].id
            claims = _load_claims(store, connection, [row.id for row in rows])
        for row in rows:
            yield AuditedArtifact(
                artifact_id=row.id,
                subject=row.subject,
                derivation_id=row.derivation_id,
                value=row.value,
                value_hash=row.value_hash,
                claims=tuple(claims[row.id]),
            )


def load_definitions(store: Store) -> dict[int, str]:
    """Return every derivation's definition, as JSON text, by its number."""
    query = select(tables.derivation.c.id, tables.derivation.c.definition)
    with store.reading() as connection:
        return {number: text for number, text in connection.execute(query)}


def _load_claims(
    store: Store, connection: Connection, artifact_ids: list[int]
) -> dict[int, list[AuditedClaim]]:
    cited = select(
        tables.citation.c.artifact_id,
        tables.citation.c.claim_ordinal,
        tables.citation.c.content_id,
        tables.bundle_item.c.media_type,
        tables.citation.c.start_offset,
        tables.citation.c.end_offset,
    ).join_from(tables.citation, tables.artifact, tables.artifact.c.id == tables.citation.c.artifact_id)
    cited = cited.join(tables.job, tables.job.c.id == tables.artifact.c.job_id).join(
        tables.bundle_item,
        (tables.bundle_item.c.bundle_id == tables.job.c.bundle_id)
        & (tables.bundle_item.c.position == tables.citation.c.position)
        # a citation of another item's content is no citation
        & (tables.bundle_item.c.content_id == tables.citation.c.content_id),
    )
    citations = list(store.select_in(connection, cited, tables.citation.c.artifact_id, artifact_ids))
    content_ids = list({row.content_id for row in citations})
    contents = select(tables.content.c.id, tables.content.c.text)
    texts = {
        row[0]: row[1] for row in store.select_in(connection, contents, tables.content.c.id, content_ids)
    }
    spans: dict[tuple[int, int], list[CitedSpan]] = defaultdict(list)
    for row in citations:
        spans[row.artifact_id, row.claim_ordinal].append(
            CitedSpan(texts[row.content_id], MediaType(row.media_type), row.start_offset, row.end_offset)
        )
    query = select(tables.claim)
    claims: dict[int, list[AuditedClaim]] = defaultdict(list)
    for row in store.select_in(connection, query, tables.claim.c.artifact_id, artifact_ids):
        claims[row.artifact_id].append(
            AuditedClaim(
                row.pointer, row.value, row.grounding, tuple(spans.get((row.artifact_id, row.ordinal), ()))
            )
        )
    return claims
