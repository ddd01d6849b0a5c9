"""Numbers that are written in words: English words and Chinese or Japanese numerals.

In: text. Out: each number with where it ends in the text.
Never: guesses; what could be another number ("thirty second", 三百五, "two thirds") is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import takewhile
from typing import NamedTuple

from holocron.validation.signs import follows_minus_word


class WrittenNumber(NamedTuple):
    """A number, and the offset just after its last character."""

    value: Decimal
    end: int


class _Kind(Enum):
    ONE = 1
    TEEN = 2
    TEN = 3
    HUNDRED = 4
    SCALE = 5
    DOZEN = 6
    AND = 7


class _Word(NamedTuple):
    kind: _Kind
    value: int
    ordinal: bool = False


class _Words(NamedTuple):
    """The words of a text in lower case, and where each stands."""

    words: list[str]
    spans: list[tuple[int, int]]
    text: str

    def gap(self, index: int) -> str:
        """Return what stands before a word and after the one before it; a word more where there is none."""
        return self.text[self.spans[index - 1][1] : self.spans[index][0]] if index else "?"

    def is_near(self, index: int) -> bool:
        """Tell whether a space or a hyphen alone parts a word from the one before it."""
        gap = self.gap(index)
        return gap == " " or _GAP.fullmatch(gap) is not None

    def is_cut(self, index: int) -> bool:
        """Tell whether other letters or digits go on before or after a word ("one2", "üeight")."""
        start, end = self.spans[index]
        return self.text[start - 1 : start].isalnum() or self.text[end : end + 1].isalnum()


_CARDINALS = (
    (_Kind.ONE, range(10), "zero one two three four five six seven eight nine"),
    (
        _Kind.TEEN,
        range(10, 20),
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    ),
    (_Kind.TEN, range(20, 100, 10), "twenty thirty forty fifty sixty seventy eighty ninety"),
    (_Kind.HUNDRED, (100,), "hundred"),
    (_Kind.SCALE, (10**3, 10**6, 10**9, 10**12), "thousand million billion trillion"),
    (_Kind.DOZEN, (12,), "dozen"),
)
_ORDINALS = (
    (_Kind.ONE, range(1, 10), "first second third fourth fifth sixth seventh eighth ninth"),
    (
        _Kind.TEEN,
        range(10, 20),
        "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth",
    ),
    (
        _Kind.TEN,
        range(20, 100, 10),
        "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth",
    ),
    (_Kind.HUNDRED, (100,), "hundredth"),
    (_Kind.SCALE, (10**3, 10**6, 10**9, 10**12), "thousandth millionth billionth trillionth"),
)
_NUMBERS = {
    word: _Word(kind, value, ordinal)
    for ordinal, table in ((False, _CARDINALS), (True, _ORDINALS))
    for kind, values, words in table
    for value, word in zip(values, words.split(), strict=True)
}
_DIGITS = {
    word: str(number.value) for word, number in _NUMBERS.items() if number.value < 10 and not number.ordinal
}
_AND = _Word(_Kind.AND, 0)
_SCALE_NAMES = frozenset(word for word, number in _NUMBERS.items() if number.kind is _Kind.SCALE)
_ARTICLES = frozenset({"a", "an"})
_MULTIPLIERS = frozenset({_Kind.HUNDRED, _Kind.SCALE, _Kind.DOZEN})
_JOINING = _NUMBERS.keys() | _ARTICLES | {"and", "half"}
#: after these, "second" is a rank and not a time
_DETERMINERS = frozenset({"the", "his", "her", "its", "their", "our", "my", "your", "whose", "every"})
#: after these, "one" is a pronoun
_PRONOUNS = frozenset({"no", "any", "every", "each", "some", "which"})
_PARTS = {
    "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
    "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8,
    "ninth": 9, "ninths": 9, "tenth": 10, "tenths": 10, "hundredths": 100, "thousandths": 1000,
}  # fmt: skip
_STARTERS = _NUMBERS.keys() | {"half"}
_WORD = re.compile(r"[a-zA-Z]+")
_HALF = re.compile(r"(?:(?P<whole>.+) and a |one )?half(?: an?)?(?: (?P<scale>[a-z]+))?")
_GAP = re.compile(r"\s{1,2}|[-\u2010\u2011]\n?")

_CJK_DIGITS = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2, "兩": 2}
_CJK_UNITS = {"十": 10, "百": 100, "千": 1000}
_CJK_SCALES = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
_CJK_RUN = re.compile(f"[{''.join((*_CJK_DIGITS, *_CJK_UNITS, *_CJK_SCALES))}]+")
#: before a numeral: some of them
_CJK_SOME = frozenset("数數几幾")
#: a single numeral is also part of many words (一般, 千葉); before one of these it counts something
_CJK_COUNTERS = frozenset(
    "个個人名位年月日歳岁才回次枚台匹头頭度只隻艘架件条條章集话話巻卷册冊米公尺階阶天元円圆"
)


def read_english_numbers(text: str) -> Iterator[WrittenNumber]:
    """Yield the English numbers of a text, cardinal and ordinal, in reading order."""
    words = [word.lower() for word in _WORD.findall(text)]
    if _STARTERS.isdisjoint(words):
        return
    found = _Words(words, [match.span() for match in _WORD.finditer(text)], text)
    done = 0
    for index, word in enumerate(words):
        if index >= done and word in _JOINING:
            stop, done = _end_of_run(found, index)
            if stop > index:
                yield from _read_run(found, index, stop)


def _end_of_run(found: _Words, index: int) -> tuple[int, int]:
    """Return the index after the words from index on that may be one number, or index itself.

    And the index from which on numbers are looked for next: no word that was left out at the end begins one.
    """
    words = found.words
    if words[index] == "and" or found.is_cut(index):
        return index, index + 1
    read = index + 1
    while read < len(words) and words[read] in _JOINING and _is_joined(found, read):
        read += 1
    stop = read
    while stop > index and words[stop - 1] in ("a", "an", "and"):
        stop -= 1
    return stop, read


def _is_joined(found: _Words, index: int) -> bool:
    if found.words[index] == "second" and found.gap(index) != "-":
        return False
    after_scale = found.words[index - 1] in _SCALE_NAMES and found.gap(index) == ", "
    return (after_scale or found.is_near(index)) and not found.is_cut(index)


def _read_run(found: _Words, index: int, stop: int) -> Iterator[WrittenNumber]:
    run = found.words[index:stop]
    previous = found.words[index - 1] if found.is_near(index) else ""
    following = found.words[stop : stop + 3]
    if (run == ["second"] and previous not in _DETERMINERS) or (run == ["one"] and previous in _PRONOUNS):
        return
    sign = "-" if follows_minus_word(found.text, found.spans[index][0]) else ""
    if following[:1] and following[0] in _PARTS and found.is_near(stop):
        part = _divide(_evaluate(run), _PARTS[following[0]])
        if part is not None:
            yield WrittenNumber(Decimal(f"{sign}{part}"), found.spans[stop][1])
        return
    if following[:1] == ["and"] and following[-1] in _PARTS:
        return  # "two and a quarter"
    value = None if previous in ("between", "both") else _evaluate(run)
    if value is None:
        yield from () if sign else _read_each(found, index, stop)
    elif following[:1] == ["point"] and following[1:] and following[1] in _DIGITS:
        if value == int(value):
            digits = list(takewhile(_DIGITS.__contains__, found.words[stop + 1 : stop + 21]))
            end = found.spans[stop + len(digits)][1]
            yield WrittenNumber(
                Decimal(f"{sign}{int(value)}.{''.join(map(_DIGITS.__getitem__, digits))}"), end
            )
    else:
        yield WrittenNumber(Decimal(f"{sign}{value}"), found.spans[stop - 1][1])


def _read_each(found: _Words, index: int, stop: int) -> Iterator[WrittenNumber]:
    """Read "one hundred and five hundred", which is no number as a whole, as two; all or nothing."""
    numbers = []
    start = index
    for position in range(index, stop + 1):
        if position == stop or found.words[position] == "and":
            run = found.words[start:position]
            value = _evaluate(run) if run else None
            if value is None:
                return
            numbers.append(WrittenNumber(value, found.spans[position - 1][1]))
            start = position + 1
    yield from numbers


def _divide(value: Decimal | None, parts: int) -> Decimal | None:
    return None if value is None else exact_decimal(Fraction(value) / parts)


def _evaluate(run: Sequence[str]) -> Decimal | None:
    """Return the number that a run of words spells, or None where it spells none."""
    words = list(run)
    if words[0] in _ARTICLES and len(words) > 1:
        first = _NUMBERS.get(words[1])
        if first is not None and first.ordinal:
            return None  # "a third" is a part, or one more
        words[:1] = ["one"] if first is not None and first.kind in _MULTIPLIERS else []
    half = _HALF.fullmatch(" ".join(words)) if "half" in words else None
    if half is None:
        count = _count(words)
        return None if count is None else Decimal(count)
    count = _count(half["whole"].split()) if half["whole"] else 0
    scale = _NUMBERS.get(half["scale"] or "", _Word(_Kind.ONE, 1))
    if count is None or scale.ordinal or (half["scale"] and scale.kind not in _MULTIPLIERS):
        return None
    return exact_decimal(Fraction((2 * count + 1) * scale.value, 2))


def _count(words: Sequence[str]) -> int | None:
    """Return the whole number that cardinal words spell, the last perhaps an ordinal; None for none."""
    total = current = 0
    top = 10**15
    last: _Kind | None = None
    for index, name in enumerate(words):
        word = _AND if name == "and" else _NUMBERS.get(name)
        if word is None or (word.ordinal and index + 1 < len(words)):
            return None
        kind, value = word.kind, word.value
        fresh = last in (None, _Kind.HUNDRED, _Kind.SCALE, _Kind.AND)
        is_ten = kind in (_Kind.TEEN, _Kind.TEN)
        if kind is _Kind.AND and last in (_Kind.HUNDRED, _Kind.SCALE):
            pass
        elif (is_ten and fresh) or (kind is _Kind.ONE and (fresh or last is _Kind.TEN)):
            if not value and len(words) > 1:
                return None
            current += value
        elif is_ten and index == 1 and 15 <= current <= 20 and not word.ordinal:
            current = current * 100 + value  # a year: "nineteen seventy-seven"
        elif kind is _Kind.HUNDRED and 0 < current < 100 and last is not _Kind.AND:
            current *= 100
        elif kind is _Kind.SCALE and current and value < top and last is not _Kind.AND:
            total, current, top = total + current * value, 0, value
        elif kind is _Kind.DOZEN and current and not total and index + 1 == len(words):
            current *= 12
        else:
            return None
        last = kind
    return total + current if words else None


def exact_decimal(fraction: Fraction) -> Decimal | None:
    """Return a fraction as a decimal number of at most six places, or None where it has more."""
    for places in range(7):
        scaled = fraction * 10**places
        if scaled.denominator == 1:
            return Decimal(f"{scaled.numerator}E-{places}")
    return None


def read_cjk_numbers(text: str) -> Iterator[WrittenNumber]:
    """Yield the numbers in Han numerals of a text; single numerals only where they count something."""
    for match in _CJK_RUN.finditer(text):
        start, end = match.span()
        beside = text[start - 1 : start], text[end : end + 1]
        if beside[0].isdecimal() or beside[1].isdecimal() or beside[0] in _CJK_SOME:
            continue
        if end - start == 1 and beside[0] != "第" and beside[1] not in _CJK_COUNTERS:
            continue
        value = parse_cjk_number(match[0])
        if value is not None:
            yield WrittenNumber(Decimal(-value if follows_minus_word(text, start) else value), end)


def parse_cjk_number(numerals: str) -> int | None:
    """Return the number of a run of Han numerals, or None where it is none or could be two."""
    if len(numerals) > 24:
        return None
    if all(char in _CJK_DIGITS for char in numerals):
        if len(numerals) == 1 or len(numerals) > 2 or "〇" in numerals:
            return int("".join(str(_CJK_DIGITS[char]) for char in numerals))
        return None
    total = section = 0
    digit: int | None = None
    unit_left, scale_left = 10**4, 10**13
    for char in numerals:
        if char in _CJK_DIGITS:
            if digit:
                return None
            digit = _CJK_DIGITS[char]
        elif char in _CJK_UNITS:
            unit = _CJK_UNITS[char]
            if unit >= unit_left:
                return None
            section, digit, unit_left = section + (digit or 1) * unit, None, unit
        else:
            scale, amount = _CJK_SCALES[char], section + (digit or 0)
            if scale >= scale_left or not amount:
                return None
            total, section, digit = total + amount * scale, 0, None
            unit_left, scale_left = 10**4, scale
    if digit:
        gap = unit_left if section else scale_left
        # 三百五 is 305 in Japanese and 350 in Chinese.
        if gap > 10 and numerals[-2] not in "〇零":
            return None
        section += digit
    return total + section
