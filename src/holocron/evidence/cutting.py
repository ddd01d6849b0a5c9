"""The door to the formats: which function cuts a media type, and which one reads its quotes.

In: a text and its media type, or a quote of it. Out: pieces, or what the quote reads as.
Never: knows a format itself; a new one is a module and an entry in each table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from holocron.evidence.csv_rows import cut_csv, find_delimiter, read_csv
from holocron.evidence.html import cut_html
from holocron.evidence.items import MediaType
from holocron.evidence.json_values import cut_json, read_json
from holocron.evidence.markdown import cut_markdown
from holocron.evidence.markup import read_markdown
from holocron.evidence.plain import cut_plain
from holocron.evidence.segments import Piece

_SOFT_BREAK = re.compile(r"[ \t]*[\r\n]+[ \t]*")

CUTTERS: Mapping[MediaType, Callable[[str], list[Piece]]] = {
    MediaType.TEXT: cut_plain,
    MediaType.MARKDOWN: cut_markdown,
    MediaType.HTML: cut_html,
    MediaType.JSON: cut_json,
    MediaType.CSV: cut_csv,
}


def read_prose(quote: str) -> str:
    """Return prose without its soft line breaks, which are layout: the model is shown one line too."""
    return _SOFT_BREAK.sub(" ", quote) if "\n" in quote or "\r" in quote else quote


#: where a type is missing, a quote reads as it stands; a CSV row needs its file's delimiter
READERS: Mapping[MediaType, Callable[[str], str]] = {
    MediaType.TEXT: read_prose,
    MediaType.MARKDOWN: lambda quote: read_prose(read_markdown(quote)),
    MediaType.JSON: read_json,
}


def cut_text(text: str, media_type: MediaType) -> list[Piece]:
    """Cut a text into pieces: in reading order, not overlapping, trimmed.

    A piece has 1,000 characters at most; a JSON string is measured decoded, a JSON number is never split.
    Offsets are code points; text[start:end] is the quote. An HTML item's text is what extract_html returned.
    Raises: EvidenceUnreadable where the text is not what its media type says.
    """
    return CUTTERS[media_type](text)


def read_quote(quote: str, media_type: MediaType, text: str) -> str:
    """Return the value that a quote states.

    text: the item's whole text, which tells a CSV row's delimiter.
    Examples: `**Tal**` in Markdown reads `Tal`, `"Tal"` in JSON `Tal`, `Tal,3` in CSV `Tal | 3`.
    """
    if media_type is MediaType.CSV:
        return read_csv(quote, find_delimiter(text))
    reader = READERS.get(media_type)
    return reader(quote) if reader else quote
