"""Text as it is compared: one normal form for what reads the same.

In: text as the evidence or the model wrote it. Out: its normal form with case and without,
and the forms in which a value may be looked for.
Never: changes what is stored, shown or counted in offsets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import NamedTuple, TypeVar

_Read = TypeVar("_Read")

_SHORT_CHARACTERS = 1_000


def cache_by_text(read: Callable[[str], _Read]) -> Callable[[str], _Read]:
    """Remember what was read from many short texts, and from the few last long ones.

    The leaves of one answer cite the same segments, and one huge segment must not push out the others.
    """
    read_short = lru_cache(maxsize=2048)(read)
    read_long = lru_cache(maxsize=4)(read)

    @wraps(read)
    def read_cached(text: str) -> _Read:
        return read_short(text) if len(text) <= _SHORT_CHARACTERS else read_long(text)

    return read_cached


#: characters that change nothing of what a reader sees
INVISIBLE = frozenset(
    "\u00ad\u034f\u061c\u180e\ufeff"
    + "".join(map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))))
    + "".join(map(chr, range(0xFE00, 0xFE10)))
)
_TATWEEL_AND_TRADE_MARKS = "\u0640™℠®"
_DASHES = "\u058a\u05be\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d"
_APOSTROPHES = "‘’‚‛′‵´ʼʻʹ"
_DOUBLE_QUOTES = "“”„‟″‶«»〝〞"
_TRANSLATION = str.maketrans(
    {
        **dict.fromkeys([*INVISIBLE, *_TATWEEL_AND_TRADE_MARKS]),
        **dict.fromkeys(_DASHES, "-"),
        **dict.fromkeys(_APOSTROPHES, "'"),
        **dict.fromkeys(_DOUBLE_QUOTES, '"'),
        "\u2044": "/",
        "\u301c": "~",
    }
)

# NFKC turns "10²" into "102" and "2½" into "21/2": another number, so a gap is put between.
_SUPERSCRIPTS = "⁰¹²³⁴-⁹"
_NUMBER_SIGNS = f"{_SUPERSCRIPTS}₀-₉¼-¾⅐-⅟↉①-⒛⓪㉑-㉟㊱-㊿㋀-㋋㍘-㍰㏠-㏾\U0001f100-\U0001f10a"
_HAS_NUMBER_SIGN = re.compile(f"[{_NUMBER_SIGNS}]")
_DIGIT_THEN_SUPERSCRIPT = re.compile(rf"(?<=\d)(?=[{_SUPERSCRIPTS}])")
_DIGIT_BESIDE_SIGN = re.compile(rf"(?<=\d)(?=[{_NUMBER_SIGNS}])|(?<=[{_NUMBER_SIGNS}])(?=\d)")

# "2 304" with a no-break space is one number; with a plain space it need not be
_GROUP_SPACE = re.compile(r"(?<=\d)[\u00a0\u2007\u2009\u202f](?=\d{3}(?!\d))")
#: a minus apart from its number, which all dashes are alike to later on
_APART_MINUS = re.compile(rf"(?<!\w)(?<!\w\s)−[\s{''.join(INVISIBLE)}]+(?=\d)")
_STOPS = " .,;:!?…、。"
_FOREIGN_DIGIT = re.compile(r"[^\x00-\x7f\D]")
_INITIALS = re.compile(r"(?<![\w.])(?:[A-Z]\. ?){2,}")
_INITIALS_OR_CAPITALS = re.compile(r"(?<!\w)(?:[A-Z]\. ?[A-Z]\.|[A-Z]{2,5}(?!\w))")
_ARTICLE = re.compile(r"(?:the|an|a) (?=\S)", re.IGNORECASE)
#: what a model writes where it found nothing; it stands in the evidence to the letter, or it is a lie
_PLACEHOLDERS = re.compile(
    r"n/?a|n\.a|none|null|nil|nan|unknown|missing|tb[ad]|un(?:specified|defined|determined)"
    r"|not (?:found|available|applicable|specified|stated|given|mentioned|provided)"
)


class NormalText(NamedTuple):
    """A text's two normal forms."""

    #: Unicode, dashes, quotes and spaces are unified; case is as written
    exact: str
    #: the same without case
    folded: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchForms:
    """The forms in which a value may stand in a normal text; without any, only the letter counts."""

    folded: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    #: with the dots of initials taken out ("JRR Tolkien"); empty where the value has no initials
    initials: str = ""


@cache_by_text
def normalise(text: str) -> NormalText:
    """Return both normal forms; equal texts after case, spaces, Unicode, dashes and quotes are equal."""
    if text.isascii():
        exact = " ".join(text.split())
        return NormalText(exact, exact.lower())
    if _HAS_NUMBER_SIGN.search(text):
        text = _DIGIT_THEN_SUPERSCRIPT.sub("^", text)
        text = _DIGIT_BESIDE_SIGN.sub(" ", text)
    text = _GROUP_SPACE.sub(",", text)
    if "−" in text:
        text = _APART_MINUS.sub("−", text)
    composed = unicodedata.normalize("NFKC", text.translate(_TRANSLATION)).translate(_TRANSLATION)
    exact = " ".join(composed.split())
    return NormalText(exact, unicodedata.normalize("NFKC", exact.casefold()))


def fold_digits(text: str) -> str:
    """Return the text with the decimal digits of every script as ASCII ones, no longer and no shorter."""
    if text.isascii():
        return text
    return _FOREIGN_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)


@cache_by_text
def drop_initial_dots(text: str) -> str:
    """Return the text with runs of initials as one word of capitals: "J. R. R. Tolkien" as "JRR Tolkien"."""
    return _INITIALS.sub(_join_initials, text)


def _join_initials(match: re.Match[str]) -> str:
    joined = match[0].replace(".", "").replace(" ", "")
    return joined + " " if match[0].endswith(" ") else joined


def has_substance(value: str) -> bool:
    """Tell whether a value holds a letter, a digit or a pictograph: anything that can be looked for."""
    return any(char.isalnum() for char in value) or any(
        not char.isascii() and unicodedata.category(char) == "So" for char in value
    )


@cache_by_text
def search_forms(value: str) -> SearchForms:
    """Return the forms in which a value counts as standing in a normal text.

    Short capitals ("US", "WHO") do not meet the word that is spelled alike ("us", and "Who" at the beginning
    of a sentence), a single word meets its text without the article in its own case only, and a placeholder
    ("N/A") has no form at all.
    """
    exact, folded = (_trim(form) for form in normalise(value))
    if _PLACEHOLDERS.fullmatch(folded) or not any(char.isalnum() for char in folded):
        return SearchForms()
    initials = drop_initial_dots(exact) if _INITIALS_OR_CAPITALS.search(exact) else ""
    if len(exact) <= 4 and exact.isupper() and exact.isalpha():
        return SearchForms(exact=(exact,), initials=initials)
    article = _ARTICLE.match(folded)
    if article is None:
        return SearchForms(folded=(folded,), initials=initials)
    bare = folded[article.end() :]
    if " " in bare:
        return SearchForms(folded=(bare,), initials=initials)
    word = exact[article.end() :]
    return SearchForms(folded=(folded,), exact=(word,) if len(word) > 1 else (), initials=initials)


def _trim(form: str) -> str:
    """Drop quotes around a value and the stop after it; feet and inches (6'2") keep theirs."""
    trimmed = form.lstrip("\"'「『《")
    is_measure = len(trimmed) == len(form) and trimmed[-2:-1].isdecimal()
    return trimmed.rstrip(_STOPS if is_measure else _STOPS + "\"'」』》")
