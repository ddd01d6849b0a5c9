"""Evidence bundles: ordered items about one subject, with a content hash.

In: items. Out: a bundle and its hash, or what could not become one. Never: touches files or the store.
"""

from __future__ import annotations

from dataclasses import dataclass

from holocron.errors import EvidenceError
from holocron.evidence.items import EvidenceItem
from holocron.fingerprint import hash_json


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceBundle:
    """What is known about one subject: a stable name and its items, in order."""

    subject: str
    items: tuple[EvidenceItem, ...]

    @property
    def bundle_hash(self) -> str:
        """Return the SHA-256 over subject, media types and contents; sources do not enter it.

        A file that is read from another place with the same subject is the same bundle.
        """
        return hash_json([self.subject, *([str(item.media_type), item.content_hash] for item in self.items)])


@dataclass(frozen=True, slots=True)
class EvidenceRejected:
    """A place that should have given a bundle and did not; it stops no other."""

    #: the path relative to the project, with `:LINE` for a line of a bundle file
    source: str
    error: EvidenceError
