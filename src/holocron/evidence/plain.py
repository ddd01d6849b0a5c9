"""Plain text into sentences and list items.

In: text as it was decoded. Out: pieces that together hold every character that is not white space.
Never: takes a soft-wrapped line for an end; only a blank line, a list marker, a rule,
a `Name: value` line among others and a time stamp begin something new.
"""

from __future__ import annotations

import re
from itertools import chain

from holocron.evidence.segments import Piece, SegmentKind
from holocron.evidence.sentences import MAX_PIECE, cut_sentences

_FIELD = r"[^\W\d_][^\r\n:：.!?]{0,40}+(?::[ \t]|：)"
# What may stand behind a line break and begin a new block; the groups name it.
_OPENINGS = (
    r"[^\S\r\n\f\u2029]*+(?:"
    r"(?=(?P<blank>[\r\n]|\Z))"
    r"|(?P<rule>[-=_*#~+]{3,}+(?=[^\S\r\n]*+(?:[\r\n]|\Z)))"
    r"|(?=(?P<bullet>[-*+◦][ \t]|[•‣▪]))"
    r"|(?=(?P<ordered>\(?(?:\d{1,3}[.)]|[a-zA-Z]\))[ \t]|\d{1,2}、))"
    r"|(?=(?P<stamp>\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d))"
    rf"|(?=(?P<field>{_FIELD}))"
    r")"
)
_FIRST_OPENING = re.compile(r"\A" + _OPENINGS)
_OPENING = re.compile(r"[\n\r\f\u2029](?:(?<=\r)\n)?+(?:" + _OPENINGS + r"|(?<=[\f\u2029]))")
_FIELD_BELOW = re.compile(rf"[^\r\n]*+(?:\r\n?+|\n)[ \t]*+{_FIELD}")
_ITEMS = frozenset({"bullet", "ordered"})
_FIRST_MARKER = re.compile(r"\(?[1aA][.)、]")
_VISIBLE = re.compile(r"\S")
_LINE_END = re.compile(r"[\r\n]")


def cut_plain(text: str) -> list[Piece]:
    """Cut plain text: a list item is one piece, any other block is cut into sentences."""
    pieces: list[Piece] = []
    start, before = 0, "blank"
    line_end = -1  # of the first line of a block that began with a field
    kind = SegmentKind.SENTENCE
    for match in chain(_FIRST_OPENING.finditer(text), _OPENING.finditer(text)):
        found = match.lastgroup or "blank"
        if not _begins_block(text, start, before, found, match, line_end):
            continue
        _add_block(pieces, text, start, match.start(), kind)
        start = match.start()
        if found == "rule":
            _add_block(pieces, text, start, match.end(), SegmentKind.SENTENCE)
            start = match.end()
        kind = SegmentKind.LIST_ITEM if found in _ITEMS else SegmentKind.SENTENCE
        before = found
        if found == "field":
            line = _LINE_END.search(text, match.start(found))
            line_end = line.start() if line else len(text)
    _add_block(pieces, text, start, len(text), kind)
    return pieces


def _begins_block(
    text: str, start: int, before: str, found: str, match: re.Match[str], line_end: int
) -> bool:
    """Tell whether a line is what it looks like, given the block [start:] that it would end.

    `1974. He left` and `Home: that was all` may be the wrapped end of a sentence.
    """
    if found == "ordered":
        continues = before == "ordered" or _FIRST_MARKER.match(text, match.start(found)) is not None
        return continues or _VISIBLE.search(text, start, match.start()) is None
    if found == "field":
        one_line = before == "field" and match.start() <= line_end
        return one_line or _FIELD_BELOW.match(text, match.start(found)) is not None
    return True


def _add_block(pieces: list[Piece], text: str, start: int, end: int, kind: SegmentKind) -> None:
    """Append the pieces of one block; a list item within the bound is one piece."""
    if kind is SegmentKind.LIST_ITEM and end - start <= MAX_PIECE:
        quote = text[start:end]
        if quote.strip():
            begin = start + len(quote) - len(quote.lstrip())
            pieces.append(Piece(kind, begin, start + len(quote.rstrip())))
        return
    for begin, stop in cut_sentences(text, start, end):
        pieces.append(Piece(kind, begin, stop))
