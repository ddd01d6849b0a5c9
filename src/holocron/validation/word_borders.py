"""Word borders: whether a value stands in a text as itself and not inside a longer word or number.

In: a value and a text of the same form. Out: yes or no.
Never: needs spaces in scripts that are written without them.
"""

from __future__ import annotations

import re
import unicodedata

from holocron.validation.normal_text import INVISIBLE
from holocron.validation.signs import OPENERS, sign_before

# Han, Hiragana, Katakana, Thai, Lao, Myanmar, Khmer
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
).match
#: these lengthen or change the sound before them, as a combining mark does
_KANA_TAIL = frozenset("ーｰァィゥェォッャュョヮぁぃぅぇぉっゃゅょゎゝゞヽヾ々")
_HANGUL_SCALE = frozenset("십백천만억조")
_JOINERS = frozenset("\u200d\ufe0f\ufe0e")

# "Luke's" is Luke; "can't" is not "can", and "O'Neill" is not "O".
_OTHER_WORD = re.compile(r"['’](?!(?:s|d|ll|m|re|ve)(?![^\W\d_]))[^\W\d_]", re.IGNORECASE)
# French and Italian elision: "l'Empire" is the Empire, but "T'Pol" is not Pol.
_ELISION = re.compile(r"(?:^|\W)(?:l|d|c|j|n|s|qu|un|all|dell|dall|nell|sull)['’]$", re.IGNORECASE)
_GOES_ON = re.compile(
    r"[./^]\d|,\d{1,3}(?!\d|,\S)|['’\u00a0\u2007\u2009\u202f]\d{3}(?!\d)| \d{3}(?!\d| \d)"
    r"|\s{0,2}[x×·⋅]\s{0,2}10(?:\^|[⁻⁰¹²³⁴-⁹])"
)
_NUMBER_AT_END = re.compile(r"(?:^|[^\w.,-])[-+−]?[\d.,]*\d$")
# With a plain space, groups of three make one number, as in "2 304"; other figures side by side do not.
_GROUP_AT_END = re.compile(r"(?:^|[^\w.,-])[-+−]?[1-9]\d{0,2}(?: \d{3})*$")
_GROUP = re.compile(r"\d{3}(?!\d| \d)")
_HYPHENATED = re.compile(r"\d+-\d")
_COMPOUND_UNIT = re.compile(r"\s?(?:/\s?[^\W\d_]|\^|[·⋅]|per\s)")

#: characters compared before the search gives up: hostile repetition must not cost more
_WORK = 20_000_000


def stands_in(value: str, text: str) -> bool:
    """Tell whether the value occurs in the text with a border on either side.

    "Han" does not stand in "Handle", "e" not before a combining accent, "34" not in "34.75" or "-34",
    "10 km" not in "10 km/h"; "ルーク" stands in "ルークは".
    """
    start = text.find(value)
    tries = _WORK // (len(value) + 1)
    while start >= 0 and tries:
        if _begins(text, start) and _ends(text, start, start + len(value)):
            return True
        start = text.find(value, start + 1)
        tries -= 1
    return False


def _ends(text: str, start: int, end: int) -> bool:
    if end == len(text):
        return True
    edge, after = text[end - 1], text[end]
    if text[start].isdecimal() and edge.isalpha() and _COMPOUND_UNIT.match(text, end):
        return False
    if after == " " and not edge.isdecimal():
        return True
    if not _is_word(edge):
        return not (after in _JOINERS or _is_mark(after) or "\U0001f3fb" <= after <= "\U0001f3ff")
    if edge.isdecimal():
        number = _GROUP_AT_END if after == " " and text[end + 1 : end + 2].isdecimal() else _NUMBER_AT_END
        if _GOES_ON.match(text, end) and number.search(text[max(start, end - 24) : end]):
            return False
    elif _OTHER_WORD.match(text, end):
        return False
    while after in INVISIBLE:
        end += 1
        if end == len(text):
            return True
        after = text[end]
    return not _is_word(after) or _may_follow(edge, after)


def _begins(text: str, start: int) -> bool:
    if start == 0:
        return True
    edge, before = text[start], text[start - 1]
    if _is_mark(edge):
        return False
    if before == " " and not edge.isdecimal():
        return True
    if not _is_word(edge):
        return before != "\u200d"
    if edge.isdecimal() and _has_number_before(text, start):
        return False
    if before in "'’" and start > 1 and text[start - 2].isalpha():
        return _ELISION.search(text[max(0, start - 7) : start]) is not None
    while before in INVISIBLE:
        start -= 1
        if start == 0:
            return True
        before = text[start - 1]
    return not _is_word(before) or _may_precede(before, edge)


def _has_number_before(text: str, start: int) -> bool:
    """Tell whether the digit at start goes on a number, or has a sign."""
    if sign_before(text, start) == "-":
        return True
    before, prior = text[start - 1], text[start - 2] if start > 1 else " "
    if before == " ":
        is_group = prior.isdecimal() and _GROUP.match(text, start) is not None
        return is_group and _GROUP_AT_END.search(text[max(0, start - 16) : start - 1]) is not None
    if before == ".":
        return prior.isspace() or prior.isdecimal() or prior in OPENERS or prior in "-−+"
    if before == "," and _HYPHENATED.match(text, start):
        return False
    return before in ",/^'’\u00a0\u2007\u2009\u202f" and prior.isdecimal()


def _may_follow(edge: str, after: str) -> bool:
    """Tell whether a word character after the value leaves it whole: script by script."""
    if _is_mark(after) or "\u1160" <= after <= "\u11ff" or after in _KANA_TAIL:
        return False
    if edge.isnumeric() and (after.isnumeric() or after in _HANGUL_SCALE):
        return False
    # A Korean particle is written on to its word.
    return "\uac00" <= after <= "\ud7a3" or _stands_without_space(edge, after)


def _may_precede(before: str, edge: str) -> bool:
    if before.isnumeric() and edge.isnumeric():
        return False
    return _stands_without_space(before, edge)


def _stands_without_space(left: str, right: str) -> bool:
    return _SPACELESS(left) is not None or _SPACELESS(right) is not None


def _is_word(char: str) -> bool:
    return char.isalnum() or _is_mark(char)


def _is_mark(char: str) -> bool:
    return char > "\u02ff" and unicodedata.category(char)[0] == "M" and char not in INVISIBLE
