"""Where sentences end, in every script, and where an over-long span may be split.

In: a text and a range of it. Out: spans in order, trimmed of white space, never overlapping,
that together hold every character of the range that is not white space.
Never: looks at paragraphs, lists or markup (see the cutters).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]

#: characters that one piece may have; a longer one is split at white space
MAX_PIECE = 1_000

# Unicode's Sentence_Terminal characters; the soft ones need white space behind them.
_SOFT = r".!?…\u037e"
_STRONG = (
    r"。！？｡‼⁇⁈⁉؟۔।॥։።፧፨\u0700-\u0702߹\u1362\u1367\u1368\u166e\u1803\u1809"
    r"\u1944\u1945᪨-᪫\u104a\u104b។៕\u0df4༎།꘎꘏꧈꧉꩝-꩟꫰꫱꯫"
)
# U+200E and the like are marks that right-to-left texts put behind a full stop.
_CLOSERS = r"\"'”’»›）)\]｝}」』】》〉〕\u200b-\u200f\u061c\u202c\u2069"
# Opens with one plain character class, so that the engine skips to it; the look-behind keeps a long
# run of dots from being tried from each of its dots.
_END = re.compile(
    rf"([{_SOFT}{_STRONG}](?<![{_SOFT}{_STRONG}]{{2}})[{_SOFT}{_STRONG}]*+)(?:"
    rf"([{_CLOSERS}“«*_]*+)(?:\[\d{{1,3}}\])*+(?:[ \u00a0\u202f][»›])?+(?=\s++(\S)|\s*+\Z)"
    rf"|(?<=[{_STRONG}])[{_CLOSERS}]*+"
    r"|(?<=[!?])(?=[\u3040-\u30ff\u3400-\u9fff]))"
)
_VISIBLE = re.compile(r"\S")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")

#: a full stop behind these never ends a sentence
_NEVER_LAST = (
    "mr mrs ms mx dr prof rev fr st ste sr sra srta dra gen col capt cpt lt sgt cmdr cdr adm maj gov sen rep "
    "hon pres messrs mme mlle mm e.g i.e eg ie cf viz vs v al incl excl resp bzw z.b d.h u.a т.е т.к т.н "
    "им ул approx"
)
#: a full stop behind these ends a sentence only where a capital letter follows
_SELDOM_LAST = (
    "etc no nos nr vol vols p pp fig figs eq eqs ch chap sec sect art para ed eds est ca c inc ltd co corp "
    "jr dept univ assn bros ave blvd rd mt ft a.m p.m jan feb mar apr jun jul aug sep sept oct nov "
    "dec mon tue tues wed thu thur thurs fri sat sun usw г гг в вв стр п"
)
# True where it never ends a sentence.
_ABBREVIATIONS = dict.fromkeys(_NEVER_LAST.split(), True) | dict.fromkeys(_SELDOM_LAST.split(), False)
# German writes `3. Mai 1977` and `19. Jahrhundert`.
_MONTH = re.compile(
    r"(?:Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
    r"|Jahrhundert|Jh)\b"
)


def cut_sentences(text: str, start: int, end: int) -> list[Span]:
    """Return the sentences of text[start:end], none longer than the bound.

    A terminator and the quotes or brackets that close behind it belong to the sentence.
    """
    spans: list[Span] = []
    first = _VISIBLE.search(text, start, end)
    if first is None:
        return spans
    begin = first.start()
    for match in _END.finditer(text, begin, end):
        run, closers, opening = match.groups()
        stop = match.end()
        if opening is not None:
            if (run == "." or opening.islower()) and _goes_on(text, begin, match):
                continue
            after = match.start(3)
        elif closers is None and (following := _VISIBLE.search(text, stop, end)) is not None:
            after = following.start()
        else:
            break
        if stop - begin > MAX_PIECE:
            spans.extend(split_long(text, begin, stop))
        else:
            spans.append((begin, stop))
        begin = after
    last = begin + len(text[begin:end].rstrip())
    spans.extend(split_long(text, begin, last))
    return spans


def _goes_on(text: str, begin: int, match: re.Match[str]) -> bool:
    """Tell whether the sentence goes on behind a soft terminator: `Dr. Aphra`, `well... maybe`."""
    run, closers, opening = match.groups()
    small = opening.islower()
    if run != ".":
        return small and (run[-1] in ".…" or (run[-1] in "!?" and closers != ""))
    dot = match.start()
    words = text[max(begin, dot - 12) : dot].split()
    word = words[-1].lstrip("([{\"'“‘„«") if words else ""
    if len(word) > 6:
        return small and closers != ""  # "I remember." he said
    ends_in_capital = _ABBREVIATIONS.get(word.lower())
    if ends_in_capital is not None:
        return ends_in_capital or small or opening.isdecimal()
    if word.isdecimal():
        return len(word) <= 2 and (small or _MONTH.match(text, match.start(3)) is not None)
    if (len(word) == 1 and word.isupper()) or ("." in word and _INITIALS.fullmatch(word)):
        return True
    return small and closers != ""


def split_long(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield text[start:end] in spans of at most MAX_PIECE characters.

    The range begins and ends with visible characters, or is empty; an empty one yields nothing.
    It is split at a line break, else at white space, else between two user-perceived characters;
    only a single one of more than MAX_PIECE code points is split inside.
    """
    while end - start > MAX_PIECE:
        window = text[start : start + MAX_PIECE + 1]
        stop = _last_break(window)
        if stop <= 0:
            stop = next((i for i in range(MAX_PIECE, 0, -1) if not _joins(text, start, start + i)), MAX_PIECE)
        yield start, start + len(window[:stop].rstrip())
        following = _VISIBLE.search(text, start + stop, end)
        if following is None:
            return
        start = following.start()
    if start < end:
        yield start, end


def _last_break(window: str) -> int:
    """Return where to split the window at white space: late, and at a line break where one is late."""
    line = max(window.rfind("\n"), window.rfind("\r"))
    if line > MAX_PIECE // 2:
        return line
    kept = len(window) - len(window.rsplit(None, 1)[-1]) if not window[-1].isspace() else len(window) - 1
    return max(kept, line)


def _joins(text: str, start: int, index: int) -> bool:
    """Tell whether text[index] belongs to the character before it: a mark, an emoji's part, a flag's half."""
    if index >= len(text):
        return False
    char, before = text[index], text[index - 1]
    if unicodedata.category(char)[0] == "M" or before == "\u200d" or char in "\u200c\u200d":
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff" or "\U000e0020" <= char <= "\U000e007f":
        return True
    if "\u1160" <= char <= "\u11ff":  # the vowel or the tail of a Hangul syllable
        return True
    if "\U0001f1e6" <= char <= "\U0001f1ff":
        halves = 0
        while index - halves > start and "\U0001f1e6" <= text[index - 1 - halves] <= "\U0001f1ff":
            halves += 1
        return halves % 2 == 1
    return "\udc00" <= char <= "\udfff" and "\ud800" <= before <= "\udbff"
