"""Stored evidence: bundles read back as they were planned.

In: bundle numbers. Out: bundles whose items carry their content's number. Never: reads a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from holocron.evidence import EvidenceBundle, EvidenceItem, MediaType
from holocron.store import tables
from holocron.store.store import Store

#: made once: making a query takes as long as running it for a few bundles
_ITEMS = (
    select(
        tables.bundle.c.id,
        tables.bundle.c.subject,
        tables.bundle_item.c.content_id,
        tables.bundle_item.c.media_type,
        tables.bundle_item.c.source,
        tables.bundle_item.c.source_hash,
        tables.content.c.content_hash,
        tables.content.c.text,
    )
    .join_from(tables.bundle, tables.bundle_item)
    .join(tables.content, tables.content.c.id == tables.bundle_item.c.content_id)
    .order_by(tables.bundle.c.id, tables.bundle_item.c.position)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBundle:
    """A bundle and the numbers of its items' contents, in the order of the items."""

    bundle: EvidenceBundle
    content_ids: tuple[int, ...]


def load_bundles(store: Store, connection: Connection, bundle_ids: Sequence[int]) -> dict[int, StoredBundle]:
    """Return the bundles with these numbers."""
    parts: dict[int, tuple[str, list[EvidenceItem], list[int]]] = {}
    for row in store.select_in(connection, _ITEMS, tables.bundle.c.id, list(dict.fromkeys(bundle_ids))):
        _, items, contents = parts.setdefault(row[0], (row[1], [], []))
        items.append(
            EvidenceItem(
                text=row[7],
                media_type=MediaType(row[3]),
                source=row[4],
                source_hash=row[5],
                content_hash=row[6],
            )
        )
        contents.append(row[2])
    return {
        number: StoredBundle(
            bundle=EvidenceBundle(subject=subject, items=tuple(items)), content_ids=tuple(contents)
        )
        for number, (subject, items, contents) in parts.items()
    }
