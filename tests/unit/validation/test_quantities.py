"""Quantities: tokens, values and measures of one text."""

from __future__ import annotations

from decimal import Decimal

import pytest

from holocron.validation.quantities import read_quantities, read_spelled_quantities
from holocron.validation.units import is_attached_unit, unit_name

CASES = [
    ("plain", "34.75 m", {"34.75"}, {"34.75"}),
    ("comma-group", "1,344", {"1,344"}, {"1344"}),
    ("point-group", "2.304", {"2.304"}, {"2.304", "2304"}),
    ("leading-zero-group", "0.304", {"0.304"}, {"0.304"}),
    ("mixed-signs", "1.234,5 and 1,234.5", {"1.234,5", "1,234.5"}, {"1234.5"}),
    ("list", "1,2,3", {"1", "2", "3"}, {"1", "2", "3"}),
    ("decimals-in-row", "x,1.5,2.25", {"1.5", "2.25"}, {"1.5", "2.25"}),
    ("decimals-side-by-side", "1.5,2.5", {"1.5", "2.5"}, {"1.5", "2.5"}),
    ("group-at-end", "in 1,344, they", {"1,344"}, {"1344"}),
    ("spaced", "2 304 m", set(), {"2304"}),
    ("spaced-decimal", "2 304,5 m", set(), {"2304.5"}),
    ("spaced-negative", "-2 304 m", set(), {"-2304"}),
    ("columns", "66 900 17", {"66", "900", "17"}, {"66", "900", "17"}),
    ("spaced-identifier", "XJ-34 500", {"500"}, {"500"}),
    ("version", "1.2.3", set(), set()),
    ("dotted-date", "25.05.1977", {"25", "05", "1977"}, {"25", "5", "1977"}),
    ("slashed-date", "25/05/1977", {"25", "05", "1977"}, {"25", "5", "1977"}),
    ("half", "1/2", set(), {"0.5"}),
    ("negative-half", "-1/2", set(), {"-0.5"}),
    ("third", "1/3", set(), set()),
    ("by-zero", "1/0", set(), set()),
    ("hundredth", "1/100", {"1", "100"}, {"1", "100", "0.01"}),
    ("mixed", "2 1/2", set(), {"2.5"}),
    ("mixed-third", "2 1/3", set(), set()),
    ("vulgar-mixed-third", "2⅓", set(), set()),
    ("vulgar-alone", "½ and ⅓", set(), {"0.5"}),
    ("scientific", "1.5e3", {"1.5e3"}, {"1500"}),
    ("power", "10⁻³", set(), {"0.001"}),
    ("other-power", "2^5 and 7²", set(), set()),
    ("bold", "**34**", {"34"}, {"34"}),
    ("percent", "12%", {"12"}, {"12", "0.12"}),
    ("money", "$1.5m", set(), {"1500000"}),
    ("euro-word", "€3 million", {"3"}, {"3", "3000000"}),
    ("two-scales", "2 hundred thousand", {"2"}, {"2", "200", "200000"}),
    ("long-s", "3 thou\u017fand", {"3"}, {"3"}),
    ("dotted-i", "3 m\u0130llion", {"3"}, {"3"}),
    ("resolution", "1920x1080", {"1920", "1080"}, {"1920", "1080"}),
    ("feet", "5'11", {"5", "11"}, {"5", "11"}),
    ("clock", "10:30", {"10", "30"}, {"10", "30"}),
    ("identifier", "R2-D2, C-3PO, XJ-34, BB8, T−65, x_5, x5, 3M2", set(), set()),
    ("hexadecimal", "0x10", {"10"}, {"10"}),
    ("decade", "1970s, 20s, 35s", {"35"}, {"35"}),
    ("foreign-digits", "١٩ ３４", set(), {"19", "34"}),
    ("full-width-clause", "1977，25岁", {"1977", "25"}, {"1977", "25"}),
    ("full-width-group", "１，３４４", set(), {"1344"}),
    ("han-scale", "3万5千", set(), {"35000"}),
    ("han-scale-rest", "1万2345人", set(), {"12345"}),
    ("han-then-number", "3万 5", {"5"}, {"30000", "5"}),
    ("too-long", "9" * 401, {"9" * 401}, set()),
    ("below-zero", "零下19度", set(), {"-19"}),
    ("range", "10–15", {"10", "15"}, {"10", "15"}),
    ("signs", "-5, −6, (-7), a - 8, 9-10", {"-5", "-7", "8", "9", "10"}, {"-5", "-6", "-7", "8", "9", "10"}),
]


@pytest.mark.parametrize(
    ("text", "tokens", "values"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_text_states_its_numbers_and_no_others(text: str, tokens: set[str], values: set[str]) -> None:
    """Every number has its token where it is written plainly, and each of its readings."""
    quantities = read_quantities(text)
    assert quantities.tokens == tokens
    assert quantities.values == {Decimal(value) for value in values}


MEASURES = [
    ("space", "34.75 metres", ("34.75", "m")),
    ("attached", "34.75m", ("34.75", "m")),
    ("hyphen", "a 19-year-old", ("19", "year")),
    ("speed", "10 km/h", ("10", "km/h")),
    ("speed-words", "10 kilometres per hour", ("10", "km/h")),
    ("speed-short", "10 kph", ("10", "km/h")),
    ("area", "34 m²", ("34", "m²")),
    ("percent", "12 per cent", ("12", "%")),
    ("people", "1,344 People", ("1344", "people")),
    ("degrees", "-19 °C", ("-19", "°C")),
    ("scaled", "2 million tonnes", ("2000000", "t")),
]


@pytest.mark.parametrize(
    ("text", "measure"), [case[1:] for case in MEASURES], ids=[case[0] for case in MEASURES]
)
def test_a_unit_goes_with_its_number(text: str, measure: tuple[str, str]) -> None:
    """The unit has one name, however it is spelled."""
    assert (Decimal(measure[0]), measure[1]) in read_quantities(text).measures


@pytest.mark.parametrize("text", ["34 m2", "34 m^2", "34 m/s2", "34 square metres", "34.75 km", "m 34"])
def test_another_unit_is_another_measure(text: str) -> None:
    """A metre is no square metre."""
    assert (Decimal(34), "m") not in read_quantities(text).measures


def test_words_have_values_and_units_but_no_tokens() -> None:
    """A number in words never stands to the letter."""
    quantities = read_spelled_quantities("twelve percent of nineteen men, 三百二十 ships and 7 droids")
    assert quantities.tokens == frozenset()
    assert quantities.values == {Decimal("0.12"), Decimal(12), Decimal(19), Decimal(320)}
    assert (Decimal(19), "men") in quantities.measures


@pytest.mark.parametrize(
    ("unit", "per", "name"),
    [
        ("metres", None, "m"),
        ("Tonnes", None, "t"),
        ("km", "hour", "km/h"),
        ("MW", None, "MW"),
        ("mW", None, "mW"),
        ("Parsecs", None, "parsecs"),
    ],
)
def test_units_have_one_name(unit: str, per: str | None, name: str) -> None:
    """Words lose their case, symbols keep it."""
    assert unit_name(unit, per) == name


@pytest.mark.parametrize(
    ("letters", "number", "after", "is_unit"),
    [
        ("m", "34", " ", True),
        ("m²", "34", " ", True),
        ("rd", "3", " ", True),
        ("PO", "3", " ", False),
        ("m", "3", "2", False),
        ("s", "1970", " ", False),
        ("s", "35", " ", True),
        ("x", "1920", "1", True),
    ],
)
def test_units_are_told_from_names(letters: str, number: str, after: str, is_unit: bool) -> None:
    """Letters on a number make a measure or an identifier."""
    assert is_attached_unit(letters, number, after) is is_unit
