"""Segments: the smallest things that can be cited, with exact offsets.

In: an item's text and media type. Out: pieces in reading order, never overlapping,
each with code-point offsets such that text[start:end] is the quote.
Never: changes the text it cuts.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

#: characters of a column's name that stand before each of its cells
MAX_NAME = 200


class SegmentKind(StrEnum):
    """What a segment is in its document."""

    SENTENCE = "sentence"
    HEADING = "heading"
    LIST_ITEM = "list_item"
    TABLE_ROW = "table_row"
    CODE_LINE = "code_line"
    JSON_VALUE = "json_value"


class Piece(NamedTuple):
    """A cut of one item's text, before it has a number.

    A tuple, because a document makes dozens and a frozen dataclass takes three times as long to build.
    """

    kind: SegmentKind
    start: int
    end: int
    #: what stands before the quote when it is shown: a JSON pointer; empty for prose
    label: str = ""
    #: how the piece reads where the raw quote reads badly (a CSV row under its header); else empty
    reading: str = ""


class Segment(NamedTuple):
    """A piece with its number inside its bundle, counted from 1 across the bundle's items."""

    number: int
    #: index of the item in the bundle, from 0
    position: int
    kind: SegmentKind
    start: int
    end: int
    #: one line, as the prompt shows it after the number
    text: str


def shorten_name(name: str) -> str:
    """Return a column's or a field's name, cut with "…" where it is endless."""
    return name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…"


def label_cells(header: Sequence[str], cells: Sequence[str]) -> str:
    """Return a row as it reads under its header: `name: Falcon; length: 34.75`; empty cells are left out.

    A name stands before every cell of its column, so an endless one is cut.
    """
    named = [
        f"{shorten_name(header[index])}: {cell}" if index < len(header) and header[index].strip() else cell
        for index, cell in enumerate(cells)
        if cell.strip()
    ]
    return "; ".join(named)
