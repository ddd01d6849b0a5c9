"""Copying: what of the evidence a verbatim value may be, as a pattern and a set that decoders enforce.

In: the segments that are shown. Out: an expression that only runs of their words satisfy, as nested options
behind each first word (`a(?: b(?: c)?)?|b(?: c)?|c`), and the integers that stand in them.
Never: decides that a value is right; grounding does, against the cited lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holocron.evidence.segments import Segment, SegmentKind

#: the most words (characters in scripts without spaces) of one copied value
MAX_RUN = 64
#: the most pieces of one pattern; longer evidence is not copied by pattern, and grounding alone holds
MAX_PIECES = 20_000

#: scripts that put no spaces between words: every character may begin or end a value
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNIT = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_POSSESSIVE = re.compile(r"['’]s\Z")
_INTEGER = re.compile(rf"(?<![.,])(?<![^\W{_UNSPACED}])-?[0-9]{{1,15}}(?![^\W{_UNSPACED}]|[.,][0-9])")
_SIGNS = re.compile(r"([\\^$.|?*+()\[\]{}/-])")


@dataclass(frozen=True, slots=True)
class Copied:
    """What verbatim leaves may hold."""

    #: anchored at both ends; None where there is too much evidence for a pattern, or no word
    pattern: str | None
    integers: tuple[int, ...]


def copy_evidence(segments: Sequence[Segment], most_pieces: int | None = None) -> Copied:
    """Return what may be copied from the segments that a prompt shows.

    most_pieces: more of them than the engine can hold make no pattern; the integers are always there.
    """
    most = MAX_PIECES if most_pieces is None else min(most_pieces, MAX_PIECES)
    runs: list[str] = []
    pieces = 0
    for segment in segments:
        units = list(_cut_units(_quoted_part(segment)))
        pieces += sum(min(MAX_RUN, len(units) - index) for index in range(len(units)))
        if pieces > most:
            return Copied(None, _integers(segments))
        runs.extend(_nest(units[index : index + MAX_RUN]) for index in range(len(units)))
    pattern = f"^(?:{'|'.join(dict.fromkeys(runs))})$" if runs else None
    return Copied(pattern, _integers(segments))


def may_be_cut(value: str) -> bool:
    """Tell whether a copied value is as long as the pattern lets it be, so that the text may go on."""
    return len(value) >= MAX_RUN and sum(1 for _ in _cut_units(value)) >= MAX_RUN


def _quoted_part(segment: Segment) -> str:
    """Return a segment's line without the JSON pointer that stands before the value."""
    if segment.kind is SegmentKind.JSON_VALUE:
        return segment.text.partition(": ")[2]
    return segment.text


def _cut_units(line: str) -> Iterator[tuple[str, str]]:
    """Yield the words of a line, each with what stands between it and the one before.

    Punctuation around a word belongs to the gaps: a value neither begins nor ends with it.
    """
    end = 0
    for match in _UNIT.finditer(line):
        word = match.group()
        start = match.start()
        while word and unicodedata.category(word[0])[0] == "P":
            word, start = word[1:], start + 1
        while word and unicodedata.category(word[-1])[0] == "P":
            word = word[:-1]
        word = _POSSESSIVE.sub("", word)
        if word:
            yield line[end:start], word
            end = start + len(word)


def _nest(units: Sequence[tuple[str, str]]) -> str:
    """Return the runs that begin with the first unit: `a(?: b(?: c)?)?`."""
    text = ""
    for gap, word in reversed(units[1:]):
        text = f"(?:{_escape(gap + word)}{text})?"
    return _escape(units[0][1]) + text


def _escape(text: str) -> str:
    return _SIGNS.sub(r"\\\1", text)


def _integers(segments: Sequence[Segment]) -> tuple[int, ...]:
    found = (int(match.group()) for segment in segments for match in _INTEGER.finditer(_quoted_part(segment)))
    return tuple(dict.fromkeys(found))
