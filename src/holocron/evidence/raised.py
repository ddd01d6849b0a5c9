"""Raised and lowered digits: what stands between them and a number beside them.

In: a text with marks where `<sup>` and `<sub>` begin and end. Out: the text without the marks, `^`, `_` or
brackets in their place.
Never: changes letters (`H2O`, `21st`), or puts anything where no two numbers would run together.
"""

from __future__ import annotations

import re

# Noncharacters of Unicode: no text that is exchanged has them.
#: where raised text begins
RAISED = "\ufdd0"
#: where lowered text begins, and where both end
EDGE = "\ufdd1"
#: where a raised link to a note begins
NOTE = "\ufdd2"

_NOTE_NUMBER = re.compile(rf"{NOTE}\s*+(\d{{1,3}})\s*+{EDGE}")
_MARKS = re.compile(f"([{RAISED}{EDGE}{NOTE}])[{RAISED}{EDGE}{NOTE}]*")
_NUMBER_ENDS = re.compile(r"\d[.,]?\Z")
_NUMBER_BEGINS = re.compile(r"[-−+]?\d")


def read_raised(text: str) -> str:
    """Return a marked text as it reads: `10^6`, `1010_2`, and `1977[2]` where a note's number is raised."""
    if not (EDGE in text or RAISED in text or NOTE in text):
        return text
    return _MARKS.sub(_read_mark, _NOTE_NUMBER.sub(r"[\1]", text))


def _read_mark(mark: re.Match[str]) -> str:
    text, (start, end) = mark.string, mark.span()
    is_edge = mark[1] == EDGE
    after = text[end : end + 3]
    if _NUMBER_ENDS.search(text[max(start - 2, 0) : start]) and _NUMBER_BEGINS.match(
        after if is_edge else after.lstrip()
    ):
        return "_" if is_edge else "^"
    return ""
