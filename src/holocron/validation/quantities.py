"""Quantities: every number that a text states, in digits or in words.

In: text. Out: the number tokens as they stand, the values that they are read as, and values with units.
Never: rounds, or reads a number out of an identifier ("XJ-34") or out of a longer number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from holocron.validation.normal_text import cache_by_text, fold_digits
from holocron.validation.number_words import exact_decimal, read_cjk_numbers, read_english_numbers
from holocron.validation.signs import CURRENCY_SIGNS, OPENERS, is_cased, sign_before
from holocron.validation.units import (
    ATTACHED_SCALES,
    HAN_SCALES,
    MONEY_SCALES,
    ORDINAL_ENDINGS,
    SCALE_WORDS,
    is_attached_unit,
    unit_name,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantities:
    """What a text says in numbers."""

    #: whole numbers as they are written, e.g. `34.75`, `-19`
    tokens: frozenset[str]
    #: what they mean, e.g. 2304 for `2,304`, 0.12 and 12 for `12%`, 19 for `nineteen`
    values: frozenset[Decimal]
    #: values with the unit that follows, in its shortest form, e.g. (34.75, "m")
    measures: frozenset[tuple[Decimal, str]]


#: longer numbers are compared as tokens only
_MAX_DIGITS = 400
_EXACT = Context(prec=1_000)

_GROUP_SPACES = "\u00a0\u2007\u2009\u202f"
_SIMPLE = re.compile(r"\d{1,40}(?:\.\d{1,40})?")
_WIDE_CLAUSE = re.compile(r"(?<![０-９])[，．]|[，．](?![０-９])")
_WIDE = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **{ord(char): ord("-") for char in "\u2010\u2011"},
    ord("٫"): ord("."), ord("٬"): ord(","), ord("\u2044"): ord("/"), ord("∕"): ord("/"),
}  # fmt: skip
# After a no-break space, "1/2" is what a whole number has more.
_CHAIN = re.compile(
    rf"(?P<chain>\d+(?:(?:[.,'’]|[{_GROUP_SPACES}](?!\d{{1,2}}/\d))\d+)*)(?P<exponent>[eE][+-]?\d{{1,4}}(?!\w))?"
)
_SPACED = re.compile(r"[1-9](?<!\d[ .,].)(?<![\w.,].)\d{0,2}(?: \d{3})+(?:[.,]\d{1,9})?(?![.,]?\d| \d|\w)")
_GROUPED = re.compile(rf"[1-9]\d{{0,2}}(?:(?P<group>[.,'’{_GROUP_SPACES}])\d{{3}})(?:(?P=group)\d{{3}})*"
                      r"(?:(?P<point>[.,])\d+)?")  # fmt: skip
_INDIAN = re.compile(r"[1-9]\d?(?:,\d\d)+,\d{3}(?:\.\d+)?")
_DECIMAL = re.compile(r"\d+[.,]\d+")
_DOTTED_DATE = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}|\d{4}\.\d{1,2}\.\d{1,2}")
_NOT_DIGIT = re.compile(r"\D")
_SLASHED = re.compile(r"\d+(?:/\d+)+")
_EXPONENT = r"(?:(?:\s?\^\s?|\*\*)(?P<plain>[-−]?\d{1,4})(?!\w)|(?P<raised>⁻?[⁰¹²³⁴-⁹]{1,4}))"
_TIMES_TEN = re.compile(rf"\s{{0,2}}[xX×✕✖⨯*·⋅∙•]\s{{0,2}}10{_EXPONENT}")
_POWER = re.compile(rf"{_EXPONENT}|\s?\^")
_RAISED = str.maketrans("⁻−⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")
_VULGAR = {
    "½": "0.5", "¼": "0.25", "¾": "0.75", "⅕": "0.2", "⅖": "0.4", "⅗": "0.6", "⅘": "0.8",
    "⅛": "0.125", "⅜": "0.375", "⅝": "0.625", "⅞": "0.875", "⅒": "0.1",
}  # fmt: skip
_VULGAR_SIGN = re.compile(r"[¼-¾⅐-⅞↉]")
_MIXED = re.compile(r"\s(?P<top>\d{1,2})/(?P<bottom>\d{1,3})(?![\d/])|\s?(?P<sign>[¼-¾⅐-⅞↉])")
_HAN_SCALE_RUN = re.compile(f"[{''.join(HAN_SCALES)}]{{1,3}}")
_HAN_PART = re.compile(r"\d{1,20}(?:\.\d{1,20})?(?![\d.,])")
_SCALE_WORD = re.compile(
    rf"[\s-]?(?P<word>{'|'.join(sorted(SCALE_WORDS, key=len, reverse=True))})(?!\w)", re.IGNORECASE
)
_PERCENT = re.compile(r"\s?(?:[%٪％]|(?:per ?cent|pct|Prozent)\b)")
_LETTERS = re.compile(r"[A-Za-zµΩ²³]{1,32}|[^\W\d_]{1,32}")
_UNIT = re.compile(
    r"(?:\s{1,2}|-)?(?P<unit>[A-Za-zµΩ²³]{1,32}+|[^\W\d_]{1,32}+|°[CFK]?)"
    r"(?:\s?(?:/|per\s)\s?(?P<per>[^\W\d_]{1,32}+))?"
    r"(?![\w^·⋅]|\s?/\s?[^\W\d_]|\sper\s)"
)


@cache_by_text
def read_quantities(text: str) -> Quantities:
    """Return the numbers that a text writes in digits, in every reading that is not excluded.

    "2.304" is 2.304 and, grouped as on the Continent, 2304; "2,304" and "2 304" are 2304 only, "66 900 17"
    is three numbers; "1,2,3" and a CSV row are lists; "34" is not in "34.75", "1,344", "XJ-34" or "34PO".
    """
    return _Reader(text).read_digits()


@cache_by_text
def read_spelled_quantities(text: str) -> Quantities:
    """Return the numbers that a text writes in English words or in Han numerals; they have no tokens."""
    return _Reader(text).read_words()


class _Reader:
    """Walks over one text and gathers what it states."""

    __slots__ = ("done", "measures", "text", "tokens", "values", "written")

    def __init__(self, text: str) -> None:
        self.written = text
        self.text = _fold(text)
        self.tokens: set[str] = set()
        self.values: set[Decimal] = set()
        self.measures: set[tuple[Decimal, str]] = set()
        #: up to where a number that spans several chains has been read
        self.done = 0

    def read_digits(self) -> Quantities:
        text = self.text
        spaced = {match.start(): match for match in _SPACED.finditer(text)}
        for match in _CHAIN.finditer(text):
            start = match.start()
            if start < self.done:
                continue
            sign = sign_before(text, start)
            if sign is None:
                continue
            if start in spaced:
                self.done = spaced[start].end()
                self._note([spaced[start][0].replace(" ", "").replace(",", ".")], sign, 0, self.done)
            else:
                self._read_chain(match, sign)
        for match in _VULGAR_SIGN.finditer(text) if not text.isascii() else ():
            if match[0] in _VULGAR and match.start() >= self.done:
                self._note([_VULGAR[match[0]]], sign_before(text, match.start()) or "", 0, match.end())
        return self._found()

    def read_words(self) -> Quantities:
        for number in read_english_numbers(self.text):
            self._note_values([number.value], number.end)
        for number in read_cjk_numbers(self.text) if not self.text.isascii() else ():
            self._note_values([number.value], number.end)
        return self._found()

    def _found(self) -> Quantities:
        return Quantities(
            tokens=frozenset(self.tokens), values=frozenset(self.values), measures=frozenset(self.measures)
        )

    def _read_chain(self, match: re.Match[str], sign: str) -> None:
        text, chain = self.text, match["chain"]
        start, end = match.span()
        if text[end : end + 1] == "/" and self._read_slashed(sign, start):
            return
        special = _TIMES_TEN.match(text, end) or _POWER.match(text, end)
        if special is not None:
            self.done = special.end()
            raised = special["plain"] or special["raised"]
            base = chain if special.re is _TIMES_TEN else "1" if chain == "10" else ""
            if raised and _SIMPLE.fullmatch(base):
                self._note([base], sign, int(raised.translate(_RAISED)), special.end())
        elif match["exponent"]:
            if _SIMPLE.fullmatch(chain):
                self._note_token(sign, start, end)
                self._note([chain], sign, int(match["exponent"][1:]), end)
        elif chain.isdecimal() and (mixed := _MIXED.match(text, end)) is not None:
            self.done = mixed.end()
            part = _VULGAR.get(mixed["sign"]) if mixed["sign"] else _divide(mixed["top"], mixed["bottom"])
            if part is not None and part.startswith("0."):
                self._note([chain + part[1:]], sign, 0, mixed.end())
        else:
            self._read_plain(chain, sign, start, end)

    def _read_slashed(self, sign: str, start: int) -> bool:
        """Read 1/2 as a half, and 25/05/1977, 1977/78 or 120/80 as the numbers beside the slashes."""
        match = _SLASHED.match(self.text, start)
        if match is None:
            return False
        parts = match[0].split("/")
        self.done = match.end()
        if len(parts) > 2 or max(map(len, parts)) > 2:
            self._note_values([Decimal(part) for part in parts if len(part) <= _MAX_DIGITS], match.end())
            if self.written[start : match.end()] == match[0]:
                self.tokens.update(parts)
        if len(parts) == 2 and len(parts[0]) <= 2 and len(parts[1]) <= 3:
            part = _divide(*parts)
            if part is not None:
                self._note([part], sign, 0, match.end())
        return True

    def _read_plain(self, chain: str, sign: str, start: int, end: int) -> None:
        text = self.text
        before = text[start - 1 : start]
        if before == "." and chain.isdecimal() and _begins_fraction(text[max(0, start - 2) : start - 1]):
            self._note([f"0.{chain}"], sign_before(text, start - 1) or "", 0, end)
            return
        follows = text[end : end + 2]
        is_row = before == "," or (follows[:1] == "," and follows[1:] != "" and not follows[1:].isspace())
        *others, last = _split(chain, is_row=is_row) or [("", [])]
        is_written = self.written[start:end] == chain and (not sign or self.written[start - 1] == "-")
        for token, readings in others:
            self._note(readings, sign, 0, len(text))
            if is_written:
                self.tokens.add(sign + token)
            sign = ""
        token, readings = last
        if not readings:
            return
        following = text[end : end + 1]
        if following in HAN_SCALES:
            self._read_han(readings[0], sign, end)
            return
        suffix = _LETTERS.match(text, end)
        if suffix is not None and is_cased(suffix[0][0]):
            scales = MONEY_SCALES if before in CURRENCY_SIGNS else ATTACHED_SCALES
            is_whole = not text[suffix.end() : suffix.end() + 1].isdecimal()
            if is_whole and suffix[0] in scales:
                self._note(readings, sign, scales[suffix[0]], suffix.end())
            if suffix[0] in scales or not is_attached_unit(
                suffix[0], token, text[suffix.end() : suffix.end() + 1]
            ):
                return
            is_written = is_written and suffix[0] not in ORDINAL_ENDINGS
        elif following == "_":
            return
        if is_written:
            self.tokens.add(sign + token)
        self._note(readings, sign, 0, end)

    def _read_han(self, first: str, sign: str, end: int) -> None:
        """Read 3万5千 and 1.5亿: digits with Han or Hangul scales, summed up."""
        if len(first) > 20:
            return
        total, number, scales = Decimal(0), first, _HAN_SCALE_RUN.match(self.text, end)
        while scales is not None:
            power = sum(HAN_SCALES[scale] for scale in scales[0])
            total = _EXACT.add(total, Decimal(f"{number}E{power}"))
            end = scales.end()
            part = _HAN_PART.match(self.text, end)
            scales = None if part is None else _HAN_SCALE_RUN.match(self.text, part.end())
            if part is not None and (scales is not None or part[0].isdecimal()):
                number, end = part[0], part.end()
                if scales is None:
                    total = _EXACT.add(total, Decimal(number))
        self.done = end
        self._note([f"{total:f}"], sign, 0, end)

    def _note(self, readings: Iterable[str], sign: str, exponent: int, end: int) -> None:
        """Take in a number that ends at `end`, and what a scale word after it makes of it."""
        texts = [sign + reading for reading in readings if len(reading) <= _MAX_DIGITS]
        self._note_values([Decimal(f"{text}E{exponent}" if exponent else text) for text in texts], end)
        scale = _SCALE_WORD.match(self.text, end)
        while scale is not None and exponent < 10_000:
            # Not every letter that the pattern takes for one of a to z has its lower case.
            exponent += SCALE_WORDS.get(scale["word"].lower(), 10_000)
            if exponent < 10_000:
                self._note_values([Decimal(f"{text}E{exponent}") for text in texts], scale.end())
            scale = _SCALE_WORD.match(self.text, scale.end())

    def _note_token(self, sign: str, start: int, end: int) -> None:
        if self.written[start:end] == self.text[start:end]:
            self.tokens.add(sign + self.written[start:end])

    def _note_values(self, values: list[Decimal], end: int) -> None:
        self.values.update(values)
        percent = _PERCENT.match(self.text, end)
        if percent is not None:
            self.values.update(_EXACT.scaleb(value, -2) for value in values)
            self.measures.update((value, "%") for value in values)
            return
        unit = _UNIT.match(self.text, end)
        if unit is not None:
            name = unit_name(unit["unit"], unit["per"])
            self.measures.update([(value, name) for value in values])


def _split(chain: str, *, is_row: bool) -> list[tuple[str, list[str]]]:
    """Return the numbers of a chain of digits, points and commas: each as written, with its readings."""
    if chain.isdecimal():
        return [(chain, [chain])]
    readings = [] if is_row and "," in chain else _readings(chain)
    if readings:
        return [(chain, readings)]
    if "," in chain:
        return [number for part in chain.split(",") for number in _split(part, is_row=False)]
    if "." not in chain or _DOTTED_DATE.fullmatch(chain):
        return [(part, [part]) for part in _NOT_DIGIT.split(chain)]
    return []  # a version or an address: "1.2.3"


def _readings(chain: str) -> list[str]:
    """Return what one number may mean, or nothing where the chain is not one number."""
    grouped = _GROUPED.fullmatch(chain)
    if grouped is not None and grouped["group"] != grouped["point"]:
        whole, point, rest = chain.rpartition(grouped["point"]) if grouped["point"] else (chain, "", "")
        joined = _NOT_DIGIT.sub("", whole) + (f".{rest}" if point else "")
        is_decimal_too = grouped["group"] == "." and chain.count(".") == 1 and not point
        return [chain, joined] if is_decimal_too else [joined]
    if _INDIAN.fullmatch(chain):
        return [chain.replace(",", "")]
    if _DECIMAL.fullmatch(chain):
        return [chain.replace(",", ".")]
    return []


def _begins_fraction(prior: str) -> bool:
    """Tell whether a point after this character, or at the beginning, is a decimal point: ".5"."""
    return not prior or prior.isspace() or prior in OPENERS or prior in "-−+"


def _divide(top: str, bottom: str) -> str | None:
    if not int(bottom):
        return None
    value = exact_decimal(Fraction(int(top), int(bottom)))
    return None if value is None else f"{value:f}"


def _fold(text: str) -> str:
    """Return the text with ASCII digits and signs for those of other scripts, of the same length."""
    if text.isascii():
        return text
    # A full-width comma parts clauses, except among full-width digits.
    text = _WIDE_CLAUSE.sub("、", text).translate(_WIDE)
    return fold_digits(text)
