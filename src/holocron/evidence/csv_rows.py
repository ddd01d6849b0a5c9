"""CSV into one piece per row, each read under the header.

In: comma-, semicolon-, tab- or bar-separated text whose first row is the header. Out: pieces; a quote is
the row as it stands in the text, a row over the bound is cut between its cells or inside a long one.
Never: guesses types, or drops a row with too many or too few cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from holocron.evidence.segments import Piece, SegmentKind, label_cells
from holocron.evidence.sentences import MAX_PIECE, cut_sentences

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 20
_SAMPLE_CHARS = 65_536
#: shorter than this, a slice is read as a row, even where it looks like prose
_PROSE_CHARS = 200


class _Cell(NamedTuple):
    value: str
    start: int
    end: int


def _cell_pattern(delimiter: str) -> re.Pattern[str]:
    plain = rf"[^{re.escape(delimiter)}\r\n]*+"
    return re.compile(
        rf'(?:"(?P<quoted>[^"]*+(?:""[^"]*+)*+)(?:"|\Z)(?P<rest>{plain})|(?P<plain>{plain}))'
        rf"(?P<stop>{re.escape(delimiter)}|\r\n?+|\n|\Z)"
    )


_CELLS = {delimiter: _cell_pattern(delimiter) for delimiter in _DELIMITERS}


def cut_csv(text: str) -> list[Piece]:
    """Cut CSV into its rows; the header is a piece only where there is no row below it."""
    rows = _read_rows(text, find_delimiter(text))
    first = next(rows, None)
    if first is None:
        return []
    header = [cell.value.strip() for cell in first]
    pieces: list[Piece] = []
    for row in rows:
        _add_row(pieces, text, header, row)
    if not pieces:
        _add_row(pieces, text, [], first)
    return pieces


def _read_rows(text: str, delimiter: str) -> Iterator[list[_Cell]]:
    """Yield the rows that have a visible cell, as the csv module would read them."""
    read_cell = _CELLS[delimiter].match
    row: list[_Cell] = []
    position, visible = 0, False
    while position < len(text) or row:
        match = read_cell(text, position)
        if match is None:
            return  # cannot be: every part of the pattern may be empty
        quoted, rest, plain, stop = match.groups()
        value = plain if quoted is None else quoted.replace('""', '"') + rest
        row.append(_Cell(value, position, match.start("stop")))
        visible = visible or not (value.isspace() or not value)
        position = match.end()
        if stop != delimiter:
            if visible:
                yield row
            row, visible = [], False


def find_delimiter(text: str) -> str:
    """Return the delimiter under which most of the first rows are as wide as the header."""
    return _choose_delimiter(text[:_SAMPLE_CHARS])


@lru_cache(maxsize=32)  # every quote of an item asks
def _choose_delimiter(sample: str) -> str:
    best, best_score = ",", (0.0, 1)
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in islice(_read_rows(sample, delimiter), _SAMPLE_ROWS)]
        if widths and widths[0] > 1:
            score = (widths.count(widths[0]) / len(widths), widths[0])
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _add_row(pieces: list[Piece], text: str, header: Sequence[str], row: Sequence[_Cell]) -> None:
    """Append a row, or its parts where it is over the bound."""
    start = 0
    for index, cell in enumerate(row):
        following = row[index + 1].end if index + 1 < len(row) else None
        if following is not None and following - row[start].start <= MAX_PIECE:
            continue
        if cell.end - cell.start > MAX_PIECE:
            _add_prose(pieces, text, header[index : index + 1], cell)
        else:
            reading = label_cells(header[start : index + 1], [part.value for part in row[start : index + 1]])
            _add_span(pieces, text, row[start].start, cell.end, reading)
        start = index + 1


def _add_prose(pieces: list[Piece], text: str, name: Sequence[str], cell: _Cell) -> None:
    """Append the sentences of one long cell, as many to a piece as the bound allows."""
    quoted = text[cell.start] == '"'
    spans = cut_sentences(text, cell.start + quoted, cell.end - (quoted and text[cell.end - 1] == '"'))
    start, end = spans[0] if spans else (0, 0)
    for first, last in [*spans[1:], (-1, -1)]:
        if first >= 0 and last - start <= MAX_PIECE:
            end = last
            continue
        _add_span(pieces, text, start, end, label_cells(name, [text[start:end].replace('""', '"')]))
        start, end = first, last


def _add_span(pieces: list[Piece], text: str, start: int, end: int, reading: str) -> None:
    quote = text[start:end]
    start += len(quote) - len(quote.lstrip())
    end = start + len(quote.strip())
    if start < end and reading:
        pieces.append(Piece(SegmentKind.TABLE_ROW, start, end, "", reading))


_QUOTED = re.compile(r'(?:(?<=[,;\t|])|\A)"[^"]*+(?:""[^"]*+)*+"')
_TIGHT = re.compile(r",(?=\S)")
_IN_NUMBER = re.compile(r"(?<=\d),(?=\d)")


def read_csv(quote: str, delimiter: str) -> str:
    """Return a row as it reads: its cells decoded, with ` | ` between them.

    delimiter: the file's, for `1,5; 2,5` may be two cells or three. One before a space is left as it is, so
    that a part of a long cell reads as prose.
    """
    outside = _QUOTED.sub('""', quote)
    if delimiter == ",":
        has_cells = len(_TIGHT.findall(outside)) > len(_IN_NUMBER.findall(outside))
    else:
        has_cells = re.search(rf"{re.escape(delimiter)}(?!\s)", outside) is not None
    if len(quote) >= _PROSE_CHARS and not has_cells:
        return quote.replace('""', '"')
    read = ""
    for row in _read_rows(quote, delimiter):
        for cell in row:
            if not cell.value.strip():
                continue
            loose = quote[cell.start].isspace()
            read += ("" if not read else delimiter if loose else " | ") + cell.value
    return read
