"""Evidence items: one text each, with a media type, a source reference and a content hash.

In: decoded text. Out: frozen items. Never: reads files (see sources.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from holocron.fingerprint import hash_text


class MediaType(StrEnum):
    """The formats that can be cut into segments."""

    #: sentences and list items
    TEXT = "text/plain"
    #: headings, sentences, list items, table rows, code lines
    MARKDOWN = "text/markdown"
    #: as Markdown; the item's text is the page's visible text, not its markup
    HTML = "text/html"
    #: one segment per leaf value, named by its JSON pointer
    JSON = "application/json"
    #: one segment per row under the header
    CSV = "text/csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceItem:
    """One text that values can be cited from.

    `text` is what offsets count in (Unicode code points); for HTML it is the visible text.
    """

    text: str
    media_type: MediaType
    #: where it came from, e.g. a path relative to the project, with forward slashes
    source: str
    #: SHA-256 of the bytes it was read from; equals content_hash for UTF-8 text without a BOM
    source_hash: str = ""
    content_hash: str = field(default="")

    def __post_init__(self) -> None:
        """Hash the text where the caller has not hashed it already."""
        if not self.content_hash:
            object.__setattr__(self, "content_hash", hash_text(self.text))
        if not self.source_hash:
            object.__setattr__(self, "source_hash", self.content_hash)
