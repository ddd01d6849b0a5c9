"""Numbers in words: what is one, what is several and what is none."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction

import pytest

from holocron.validation.number_words import (
    exact_decimal,
    parse_cjk_number,
    read_cjk_numbers,
    read_english_numbers,
)

ENGLISH = [
    ("zero", "zero", ["0"]),
    ("ten", "ten", ["10"]),
    ("tens", "ninety nine", ["99"]),
    ("line-break", "twenty-\none", ["21"]),
    ("hundred", "a hundred", ["100"]),
    ("hundreds", "nineteen hundred", ["1900"]),
    ("long", "one million, two hundred thousand and six", ["1200006"]),
    ("trillion", "one trillion", ["1000000000000"]),
    ("year", "nineteen seventy-seven", ["1977"]),
    ("year-2000s", "twenty twenty-four", ["2024"]),
    ("clock", "eleven thirty", []),
    ("dozen", "three dozen eggs", ["36"]),
    ("half", "half the crew", ["0.5"]),
    ("one-half", "one half", ["0.5"]),
    ("half-dozen", "a half-dozen", ["6"]),
    ("half-million", "half a million", ["500000"]),
    ("and-a-half", "two and a half", ["2.5"]),
    ("and-a-half-thousand", "two and a half thousand", ["2500"]),
    ("and-a-quarter", "two and a quarter", []),
    ("and-a-third", "two and a third", []),
    ("three-quarters", "three quarters", ["0.75"]),
    ("two-fifths", "two-fifths", ["0.4"]),
    ("two-thirds", "two thirds", []),
    ("point", "three point one four", ["3.14"]),
    ("five-point-plan", "a five point plan", ["5"]),
    ("minus", "minus five", ["-5"]),
    ("negative", "negative twenty-one", ["-21"]),
    ("ordinal", "the twenty-third", ["23"]),
    ("ordinal-hundred", "the two hundredth", ["200"]),
    ("thirty-seconds", "a thirty second delay", ["30"]),
    ("the-second", "the second", ["2"]),
    ("per-second", "once a second", []),
    ("list", "one, two, three", ["1", "2", "3"]),
    ("run-on", "one two three", []),
    ("pair", "one and two", ["1", "2"]),
    ("between", "between one hundred and five", ["100", "5"]),
    ("both", "one hundred and five hundred", ["100", "500"]),
    ("hyphen-compound", "a nineteen-year-old", ["19"]),
    ("trailing-and", "nineteen and a dog", ["19"]),
    ("trailing-article", "five a day", ["5"]),
    ("pronoun", "no one", []),
    ("plural", "thousands of ships", []),
    ("few", "a few thousand", []),
    ("inside-word", "someone often phones", []),
    ("beside-digit", "one2 2one", []),
    ("beside-umlaut", "üone oneü", []),
    ("kelvin-sign", "fi\u212aty \u0130 five", ["5"]),
    ("scale-alone", "million", []),
    ("scales-rising", "one thousand million", []),
    ("zero-inside", "twenty zero", []),
]


@pytest.mark.parametrize(
    ("text", "values"), [case[1:] for case in ENGLISH], ids=[case[0] for case in ENGLISH]
)
def test_english_numbers_are_read_whole_or_not_at_all(text: str, values: list[str]) -> None:
    """A run of words that is no number gives none of its parts away."""
    assert [number.value for number in read_english_numbers(text)] == [Decimal(value) for value in values]


def test_a_number_ends_after_its_last_word() -> None:
    """What follows is the unit."""
    (number,) = read_english_numbers("some two hundred and five men")
    assert number.end == len("some two hundred and five")


HAN = [
    ("十", 10),
    ("十九", 19),
    ("二十", 20),
    ("三百二十", 320),
    ("三百零五", 305),
    ("三百五", None),
    ("三百五十", 350),
    ("千五百", 1500),
    ("一万", 10_000),
    ("一万二", None),
    ("一万零二", 10_002),
    ("三千万", 30_000_000),
    ("一億二千三百四十五万六千七百八十九", 123_456_789),
    ("两百", 200),
    ("一九七七", 1977),
    ("二〇〇一", 2001),
    ("二〇", 20),
    ("二三", None),
    ("二三十", None),
    ("万一", None),
    ("百千", None),
    ("一万二万", None),
    ("十" * 30, None),
]


@pytest.mark.parametrize(("numerals", "value"), HAN, ids=[case[0] for case in HAN])
def test_han_numerals_are_parsed_strictly(numerals: str, value: int | None) -> None:
    """What could be two numbers is none."""
    assert parse_cjk_number(numerals) == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("三百二十人", [320]),
        ("第三人", [3]),
        ("三个人", [3]),
        ("一般", []),
        ("千葉", []),
        ("三万5", []),
        ("5三", []),
        ("数百人", []),
        ("零下十九度", [-19]),
        ("十九、二十", [19, 20]),
    ],
)
def test_single_numerals_count_only_before_a_counter(text: str, values: list[int]) -> None:
    """Numerals are parts of many words."""
    assert [number.value for number in read_cjk_numbers(text)] == values


@pytest.mark.parametrize(
    ("fraction", "value"),
    [(Fraction(1, 2), "0.5"), (Fraction(1, 8), "0.125"), (Fraction(6, 3), "2"), (Fraction(1, 3), None)],
)
def test_fractions_without_end_are_no_decimals(fraction: Fraction, value: str | None) -> None:
    """Nothing is rounded."""
    assert exact_decimal(fraction) == (None if value is None else Decimal(value))


def test_articles_after_a_number_are_read_once() -> None:
    """Eight times the articles take about eight times as long."""

    def measure(articles: int) -> float:
        started = time.process_time()
        assert [number.value for number in read_english_numbers("one " + "a " * articles)] == [1]
        return time.process_time() - started

    short = measure(300)
    assert measure(2_400) < 24 * short + 0.2
