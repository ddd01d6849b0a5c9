"""Signs: whether the number that begins at a place of a text is negative, or no number at all.

In: text, and where digits or a number word begin in it. Out: "-", "" or None.
Never: takes a dash between two words or numbers, or before an item of a list, for a minus.
"""

from __future__ import annotations

import re
import unicodedata
from string import ascii_letters, digits

from holocron.validation.normal_text import INVISIBLE

CURRENCY_SIGNS = frozenset("$€£¥₹")
#: what may stand before a sign, or a decimal point, that begins a number
OPENERS = frozenset("([{=:,;|\"'<>~≈“‘„«‹「『…–×*") | CURRENCY_SIGNS

#: these are a minus wherever they do not part two things
_MINUSES = frozenset("−➖")
_DASHES = frozenset("-‐‑‒–﹣－˗") | _MINUSES
_CLOSERS = frozenset(")]}%°²³\"'’”")
_INVISIBLE = "".join(INVISIBLE)
_GAPS = " \t\n\r\f\v\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + _INVISIBLE
_GAPS += "".join(map(chr, range(0x2000, 0x200B)))
#: letters and digits that no word for a minus ends with
_WORD_ENDS = frozenset(ascii_letters + digits) - frozenset("sSeE")
#: characters before a number that are looked at
_NEAR = 24

_MINUS_WORDS = ("minus", "negative", "负", "負", "零下", "マイナス", "氷点下", "영하")
# "terminus" is no minus, and neither are 勝負 (a match) and 肩负 (to shoulder).
_OTHER_WORD = re.compile(r"[^\W\d_](?:minus|negative)$|[胜勝肩担擔背自抱欠辜][负負]$")
_BEFORE_YEAR = re.compile(r"(?:^|[^\w])(?:mid|pre|post|early|late)[-–]$", re.IGNORECASE)


def sign_before(text: str, start: int) -> str | None:
    """Return "-" or "" for a number that begins at start, or None where it is part of an identifier.

    None too where it may be either: after a hyphen with a no-break space, and in "it is − 7".
    """
    # most numbers stand behind a word
    if text[start - 1 : start] == " " and text[start - 2 : start - 1] in _WORD_ENDS:
        return ""
    near = text[max(0, start - _NEAR) : start]
    if near[-1:] in INVISIBLE:
        near = near.rstrip(_INVISIBLE)
    if not near:
        return ""
    before = near[-1]
    if before.isspace():
        bare = near.rstrip(_GAPS)
        if bare[-1:] not in CURRENCY_SIGNS:
            return _sign_apart(bare, near[len(bare) :])
        near, before = bare, bare[-1]
    if before in _DASHES:
        return _sign_of_dash(near)
    if before in CURRENCY_SIGNS:
        # the letters of "US$" and "HK$" belong to the sign
        shorter = near[:-1].rstrip(ascii_letters)
        return sign_before(shorter, len(shorter)) or ""
    if before in "xX" and near[-2:-1].isdecimal():
        return ""
    if not before.isascii() and follows_minus_word(near, len(near)):
        return "-"
    return None if before in "_^" or _is_of_name(before) else ""


def follows_minus_word(text: str, start: int) -> bool:
    """Tell whether what begins at start stands behind "minus", 零下 or another word for it."""
    tail = text[max(0, start - _NEAR) : start].rstrip(_GAPS + "-‐‑").lower()
    return tail.endswith(_MINUS_WORDS) and _OTHER_WORD.search(tail) is None


def is_cased(char: str) -> bool:
    """Tell whether a character is a letter of a script with capitals."""
    return char.lower() != char.upper()


def _sign_apart(bare: str, spaces: str) -> str | None:
    """Return the sign of a number after spaces."""
    if bare[-1:] not in _DASHES:
        return "-" if follows_minus_word(bare, len(bare)) else ""
    prior = bare[:-1].rstrip(_GAPS)[-1:]
    if bare[-1] in _MINUSES:
        return None if prior.isalpha() else "" if prior.isalnum() else "-"
    return "" if prior.isalnum() or spaces.isascii() else None


def _sign_of_dash(near: str) -> str | None:
    """Return the sign of a number that a dash touches."""
    rest = near[:-1].rstrip(_INVISIBLE)
    prior = rest[-1:] or " "
    if prior.isspace() or prior in OPENERS:
        return "-"
    if _is_of_name(prior):
        if follows_minus_word(rest, len(rest)):
            return "-"
        return "" if _BEFORE_YEAR.search(near) else None
    is_between = prior.isalnum() or prior in _CLOSERS
    return "-" if near[-1] in _MINUSES and not is_between else ""


def _is_of_name(char: str) -> bool:
    """Tell whether digits after this character are an identifier's; و and の are written on to numbers."""
    return is_cased(char) or unicodedata.combining(char) > 0
