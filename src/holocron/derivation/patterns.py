r"""Patterns: a contract's regular expressions, in the words that every decoder takes.

In: an ECMA 262 pattern. Out: the same language for Ollama's converter and llguidance alike, or nothing.
Never: changes what matches. Both take `^…$` alone; `\d` is [0-9] to one and unknown to the other; `.` and
`[^…]` let one write a quotation mark that ends the text; a repetition without end lets a model loop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from holocron.derivation.shapes import MAX_REPETITIONS

_PLAIN_IN_CLASS = r"A-Za-z0-9 _.,:;@#%&=<>!'~/+*?(){}|$-"
_TOKEN = re.compile(
    r"(?P<open>\((?!\?))|(?P<open_plain>\(\?:)|(?P<close>\))|(?P<bar>\|)"
    r"|(?P<count>\{(?P<least>\d{1,4})(?P<range>,(?P<most>\d{1,4}))?\}|\?)"
    rf"|\[(?P<class>(?:[{_PLAIN_IN_CLASS}]|[^\W\x00-\x7f]|\\[dw./-])+)\]"
    r"|\\(?P<escape>[dw./(){}|$*+?-])"
    r"|(?P<plain>[A-Za-z0-9 _,:;@#%&=<>!'~/-]|[^\W\x00-\x7f])"
)
_SET_SIGNS = re.compile(r"&&|--|~~|-\\|\\[dw]-(?!$)|\\-(?!$)")
_WORDS = {"d": "0-9", "w": "A-Za-z0-9_"}


@dataclass(slots=True)
class _Group:
    """An open group: the longest text of its closed alternatives, and of the one being read."""

    longest: int = 0
    current: int = 0


def portable_pattern(pattern: str) -> str | None:
    """Return an anchored, bounded pattern that matches the same texts, or None where there is none."""
    if len(pattern) < 2 or pattern[0] != "^" or pattern[-1] != "$" or pattern[-2] == "\\":
        return None
    written = ["^"]
    groups = [_Group()]
    atom = 0  # the longest text of what a count would repeat; 0 where there is nothing
    position = 1
    while position < len(pattern) - 1:
        token = _TOKEN.match(pattern, position, len(pattern) - 1)
        if token is None:
            return None
        position = token.end()
        if token["count"]:
            repeats = _repeats(token)
            if not atom or repeats is None:
                return None
            groups[-1].current += atom * (repeats - 1)
            atom = 0
        elif token["open"] or token["open_plain"]:
            groups.append(_Group())
            atom = 0
        elif token["close"]:
            if len(groups) == 1:
                return None
            group = groups.pop()
            atom = max(group.longest, group.current)
            groups[-1].current += atom
        elif token["bar"]:
            if len(groups) == 1:
                return None
            groups[-1].longest, groups[-1].current, atom = max(groups[-1].longest, groups[-1].current), 0, 0
        else:
            atom = 1
            groups[-1].current += 1
        text = _translate(token)
        if text is None:
            return None
        written.append(text)
    made = "".join((*written, "$"))
    is_bounded = len(groups) == 1 and 0 < groups[0].current <= MAX_REPETITIONS
    return made if is_bounded and _compiles(made) else None


def _repeats(token: re.Match[str]) -> int | None:
    if token["count"] == "?":
        return 1
    least = int(token["least"])
    most = int(token["most"]) if token["range"] else least
    return most if max(least, 1) <= most <= MAX_REPETITIONS else None


def _translate(token: re.Match[str]) -> str | None:
    if token["open_plain"]:
        return "("
    if token["escape"]:
        sign = token["escape"]
        return f"[{_WORDS.get(sign, sign)}]" if sign not in "/-" else sign
    if token["class"] is None:
        return token[0]
    if _SET_SIGNS.search(token["class"]):
        return None
    return "[" + re.sub(r"\\(.)", lambda found: _WORDS.get(found[1], found[1]), token["class"]) + "]"


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True
