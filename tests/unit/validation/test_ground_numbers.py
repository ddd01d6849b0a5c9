"""Numbers: what a quote supports, and the near misses that it does not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.derivation.grounding import Grounding
from holocron.validation.ground import ground_value

V, N, I = Grounding.VERBATIM, Grounding.NORMALIZED, Grounding.INFERRED  # noqa: E741 - the columns of the tables below

NUMBERS = [
    # the JSON form as a token of its own
    ("int", 34, "34 men", V),
    ("int-end", 34, "men: 34.", V),
    ("int-comma", 34, "of 34, they", V),
    ("float", 34.75, "34.75 metres", V),
    ("float-attached-unit", 34.75, "34.75m", V),
    ("float-end", 34.75, "It is 34.75.", V),
    ("negative", -19, "at -19 degrees", V),
    ("negative-float", -1.5, "(-1.5)", V),
    ("year-old", 19, "a 19-year-old", V),
    ("range-left", 10, "10-15 men", V),
    ("range-right", 15, "10-15 men", V),
    ("range-en-dash", 15, "10–15 men", V),
    ("iso-year", 1977, "1977-05-25", V),
    ("list", 2, "1,2,3", V),
    ("row", 172, "Luke,172,77", V),
    ("row-first", 172, "172,77,Luke", V),
    ("row-float", 34.75, "Falcon,34.75,1050", V),
    ("row-not-joined", 1344, "Luke,1,344,x", I),
    ("table", 77, "| Luke | 172 | 77 |", V),
    ("money", 5, "$5", V),
    ("times", 10, "10x faster", V),
    ("size", 1080, "1920x1080", V),
    ("score", 3, "3:1", V),
    ("year-span", 1977, "1977/78", V),
    ("percent", 12, "12%", V),
    ("zero", 0, "0 men", V),
    ("exponent", 1e16, "1e+16", V),
    ("plain-space-left", 66, "Yoda 66 900 17", V),
    ("before-scale-word", 10, "10 million", V),
    ("bold", 34, "**34** men", V),
    ("mid-year", 1977, "in mid-1977", V),
    ("quoted", 34, '"34"', V),
    ("after-number-sign", 5, "No.5", V),
    # inside something longer
    ("in-decimal", 34, "34.75", I),
    ("fraction-part", 75, "34.75", I),
    ("in-longer", 34, "1934", I),
    ("in-longer-right", 34, "345", I),
    ("in-grouped", 344, "1,344", I),
    ("group-head", 1, "1,344", I),
    ("identifier", 34, "an XJ-34", I),
    ("identifier-tight", 34, "an XJ34", I),
    ("identifier-digit-first", 3, "C-3PO", I),
    ("droid", 2, "R2-D2", I),
    ("droid-hyphen", 2, "R2-D2 and R5-D4", I),
    ("version", 2, "1.2.3", I),
    ("address", 168, "192.168.0.1", I),
    ("hexadecimal", 0, "0x1F", I),
    ("underscore", 34, "x_34", I),
    ("underscore-after", 34, "34_x", I),
    ("cyrillic-identifier", 62, "Ту-62", I),
    ("sign-lost", 19, "at -19 degrees", I),
    ("sign-lost-unicode", 19, "at −19 degrees", I),
    ("sign-lost-word", 19, "minus 19 degrees", I),
    ("sign-won", -19, "10-19", I),
    ("sign-won-range", -15, "10–15", I),
    ("sign-won-words", -19, "nineteen", I),
    ("decade", 1970, "the 1970s", I),
    ("twenties", 20, "in his 20s", I),
    ("attached-million", 3, "3M men", I),
    ("attached-man", 3, "3万", I),
    ("fraction-top", 1, "1/2 cup", I),
    ("fraction-bottom", 2, "1/2 cup", I),
    ("mixed-whole", 2, "2 1/2 cups", I),
    ("vulgar-whole", 2, "2½ cups", I),
    ("power-base", 10, "10^5", I),
    ("power-exponent", 5, "10^5", I),
    ("scientific-digit", 3, "3×10⁵", I),
    ("footnote", 1977, "1977²", I),
    # other forms of the same number
    ("trailing-zero", 34.5, "34.50", N),
    ("int-as-float", 34, "34.0", N),
    ("float-as-int", 34.0, "34", N),
    ("leading-zero", 5, "1977-05-25", N),
    ("leading-point", 0.5, "a .5 share", N),
    ("plus", 5, "+5", V),
    ("comma-group", 2304, "2,304 m", N),
    ("comma-groups", 1234567, "1,234,567", N),
    ("comma-groups-decimal", 1234567.5, "1,234,567.5", N),
    ("space-group", 2304, "2 304 m", N),
    ("space-groups", 1234567, "1 234 567", N),
    ("nbsp-group", 2304, "2\u00a0304 m", N),
    ("thin-space-group", 2304, "2\u2009304 m", N),
    ("narrow-nbsp-group", 2304, "2\u202f304 m", N),
    ("apostrophe-group", 2304, "2'304", N),
    ("swiss-group", 1234567, "1’234’567", N),
    ("point-group", 2304, "2.304", N),
    ("point-read-as-decimal", 2.304, "2.304", V),
    ("comma-group-no-decimal", 2.304, "2,304", I),
    ("point-groups", 1234567, "1.234.567", N),
    ("point-group-decimal", 2304.5, "2.304,5", N),
    ("decimal-comma", 34.75, "34,75 m", N),
    ("decimal-comma-zero", 0.304, "0,304", N),
    ("four-digits-point", 12345, "1.2345", I),
    ("four-digits-comma", 12345, "1,2345", I),
    ("spaced-not-joined", 66900, "Yoda 66 900 17", I),
    ("space-group-part", 304, "2 304 m", I),
    ("space-group-head", 2, "2 304 m", I),
    ("nbsp-part", 304, "2\u00a0304 m", I),
    ("indian", 1234567, "12,34,567", N),
    ("indian-long", 123456789, "12,34,56,789", N),
    ("rounding", 34.8, "34.75", I),
    ("rounding-down", 34, "34.4 m", I),
    ("close", 2305, "2,304", I),
    ("k", 1500, "1.5k", N),
    ("capital-k", 300000, "300K", N),
    ("capital-m", 1500000, "1.5M", N),
    ("bn", 2_000_000_000, "2bn", N),
    ("mn", 3_000_000, "3mn", N),
    ("metres-are-no-million", 3000000, "3m", I),
    ("metres", 3, "3m", V),
    ("money-million", 3000000, "$3m", N),
    ("money-million-digit", 3, "$3m", I),
    ("million", 1500000, "1.5 million", N),
    ("hundred-thousand", 300000, "3 hundred thousand", N),
    ("crore", 50000000, "5 crore", N),
    ("mio", 3000000, "3 Mio. Euro", N),
    ("wrong-scale", 1500, "1.5 million", I),
    ("scientific", 100000, "1e5", N),
    ("scientific-float", 0.0012, "1.2e-3", N),
    ("times-ten", 300000, "3×10^5", N),
    ("times-ten-raised", 300000, "3 × 10⁵", N),
    ("times-ten-x", 0.0003, "3 x 10^-4", N),
    ("times-ten-raised-minus", 0.0003, "3·10⁻⁴", N),
    ("power", 100000, "10^5", N),
    ("power-raised", 100000, "10⁵", N),
    ("half", 0.5, "1/2 cup", N),
    ("half-sign", 0.5, "½ cup", N),
    ("mixed", 2.5, "2 1/2 cups", N),
    ("mixed-sign", 2.5, "2½ cups", N),
    ("mixed-sign-space", 2.5, "2 ½ cups", N),
    ("third", 0.333, "1/3", I),
    ("third-sign", 0.333, "⅓", I),
    ("percent-share", 0.12, "12%", N),
    ("percent-word", 0.12, "12 per cent", N),
    ("percent-words", 0.12, "twelve percent", N),
    ("percent-space", 12.5, "12.5 %", V),
    ("percent-other", 1.2, "12%", I),
    ("minus-sign", -19, "−19 °C", N),
    ("minus-word", -19, "minus nineteen", N),
    ("minus-word-digits", -19, "minus 19", N),
    ("minus-spaced", -19, "− 19 °C", N),
    ("minus-binary", 3, "5 − 3", V),
    ("negative-money", -5, "-$5", N),
    # words
    ("nineteen", 19, "nineteen men", N),
    ("capital", 19, "Nineteen men", N),
    ("twenty-one", 21, "twenty-one", N),
    ("twenty-one-space", 21, "twenty one", N),
    ("two-hundred-and-five", 205, "two hundred and five", N),
    ("thousands", 12345, "twelve thousand three hundred and forty-five", N),
    ("a-dozen", 12, "a dozen ships", N),
    ("half-a-dozen", 6, "half a dozen ships", N),
    ("half-a-million", 500000, "half a million men", N),
    ("two-and-a-half", 2.5, "two and a half hours", N),
    ("one-and-a-half-million", 1500000, "one and a half million", N),
    ("ordinal", 3, "the third man", N),
    ("ordinal-teen", 12, "the twelfth man", N),
    ("ordinal-digits", 3, "the 3rd man", N),
    ("ordinal-compound", 21, "the twenty-first man", N),
    ("rank-second", 2, "the second Death Star", N),
    ("time-second", 2, "a second later", I),
    ("spelled-year", 1977, "in nineteen seventy-seven", N),
    ("spelled-point", 3.5, "three point five", N),
    ("word-in-word", 10, "often", I),
    ("word-in-word-nine", 9, "canine", I),
    ("word-part", 20, "twenty-one", I),
    ("word-part-one", 1, "twenty-one", I),
    ("word-part-hundred", 100, "two hundred", I),
    ("word-part-five", 5, "two hundred and five", I),
    ("several-hundred", 100, "several hundred men", I),
    ("no-one", 1, "no one came", I),
    ("hundreds", 100, "hundreds of men", I),
    ("one-third", 3, "one third of them", I),
    ("two-thirds", 2, "two thirds of them", I),
    ("a-third", 3, "a third of them", I),
    ("between", 105, "between one hundred and five hundred", I),
    ("between-left", 100, "between one hundred and five hundred", N),
    ("between-right", 500, "between one hundred and five hundred", N),
    # digits of other scripts
    ("arabic-indic", 1977, "عام ١٩٧٧", N),
    ("arabic-decimal", 34.75, "٣٤٫٧٥ متر", N),
    ("arabic-group", 2304, "٢٬٣٠٤", N),
    ("arabic-part", 97, "عام ١٩٧٧", I),
    ("arabic-conjunction", 19, "و19 رجلا", V),
    ("persian", 19, "۱۹ نفر", N),
    ("devanagari", 1977, "सन् १९७७ में", N),
    ("devanagari-lakh", 500000, "५ लाख", N),
    ("hindi-crore", 50000000, "5 करोड़ रुपये", N),
    ("full-width", 1344, "１３４４人", N),
    ("full-width-group", 1344, "１，３４４人", N),
    ("full-width-clause", 25, "1977年，25岁", V),
    ("full-width-clause-tight", 1977, "1977，25岁", V),
    ("thai-digits", 19, "๑๙ คน", N),
    ("hebrew-prefix", 1977, "ב-1977", V),
    # Chinese, Japanese and Korean numerals
    ("zh-three-hundred-twenty", 320, "三百二十人", N),
    ("zh-ten-thousand", 10000, "一万人", N),
    ("zh-nineteen", 19, "十九岁", N),
    ("zh-zero", 305, "三百零五", N),
    ("zh-ambiguous", 305, "三百五", I),
    ("zh-year", 1977, "一九七七年", N),
    ("zh-large", 123450000, "一亿二千三百四十五万", N),
    ("zh-part", 20, "三百二十人", I),
    ("zh-one-in-word", 1, "一般的船", I),
    ("zh-one-counted", 1, "一艘船", N),
    ("zh-several", 100, "数百人", I),
    ("zh-below-zero", 19, "零下19度", I),
    ("zh-minus", -19, "负十九", N),
    ("zh-third", 3, "第三个人", N),
    ("zh-in-case", 10001, "万一", I),
    ("ja-thousand", 1500, "千五百人", N),
    ("ja-place", 1000, "千葉の人", I),
    ("mixed-man", 30000, "3万人", N),
    ("mixed-man-decimal", 15000, "1.5万", N),
    ("mixed-oku", 150000000, "1.5亿元", N),
    ("mixed-sum", 35000, "3万5千", N),
    ("mixed-rest", 12345, "1万2345人", N),
    ("mixed-grouped", 12340000, "1,234万", N),
    ("ja-age", 19, "19歳", V),
    ("ko-age", 19, "19살", V),
    ("ko-man", 30000, "3만 명", N),
    ("ko-man-digit", 3, "3만 명", I),
    # German, French
    ("de", 34.75, "Es ist 34,75 m lang.", N),
    ("de-group", 2304, "2.304 Meter", N),
    ("de-million", 3500000, "3,5 Millionen", N),
    ("fr-group", 2304, "2\u202f304 mètres", N),
    # not there, not a number
    ("absent", 42, "34 men and 1,344 women", I),
    ("no-digits", 42, "no number here", I),
    ("two-digit-year", 1977, "the summer of '77", I),
    ("not-a-number", float("nan"), "nan", I),
    ("infinity", float("inf"), "inf", I),
    ("huge", 10**500, "1" + "0" * 500, V),
    ("huge-other", 10**500 + 1, "1" + "0" * 500, I),
]


@pytest.mark.parametrize(
    ("value", "quote", "level"), [case[1:] for case in NUMBERS], ids=[case[0] for case in NUMBERS]
)
def test_a_number_is_as_grounded_as_the_quote_states_it(value: float, quote: str, level: Grounding) -> None:
    """A number stands as its own token, or as another spelling of exactly the same value."""
    assert ground_value(value, [quote]).grounding is level


ONE_TO_NINETEEN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
)
ONES = ONE_TO_NINETEEN.split()
TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
HAN = "零一二三四五六七八九"


def spell(number: int) -> str:
    """Write a number below a trillion in British English."""
    for scale, name in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if number >= scale:
            rest = number % scale
            joint = " and " if 0 < rest < 100 else " "
            return f"{spell(number // scale)} {name}" + (joint + spell(rest) if rest else "")
    if number >= 100:
        rest = number % 100
        return f"{ONES[number // 100]} hundred" + (f" and {spell(rest)}" if rest else "")
    if number >= 20:
        return TENS[number // 10] + (f"-{ONES[number % 10]}" if number % 10 else "")
    return ONES[number]


def spell_han(number: int) -> str:
    """Write a number below ten thousand in Han numerals, with 零 for every gap."""
    text, gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            text += ("零" if gap and text else "") + HAN[digit] + name
        gap = not digit
    return text


integers = st.one_of(st.integers(0, 130), st.integers(0, 99_999), st.integers(0, 10**12 - 1))
WRITINGS = {
    "plain": str,
    "commas": "{:,}".format,
    "points": lambda number: f"{number:,}".replace(",", "."),
    "apostrophes": lambda number: f"{number:,}".replace(",", "’"),
    "spaces": lambda number: f"{number:,}".replace(",", " "),
    "thin-spaces": lambda number: f"{number:,}".replace(",", "\u2009"),
    "english": spell,
    "capitals": lambda number: spell(number).upper(),
    "no-and": lambda number: spell(number).replace(" and ", " "),
    "arabic": lambda number: str(number).translate({48 + digit: 0x660 + digit for digit in range(10)}),
    "devanagari": lambda number: f"{number:,}".translate({48 + digit: 0x966 + digit for digit in range(10)}),
    "full-width": lambda number: str(number).translate({48 + digit: 0xFF10 + digit for digit in range(10)}),
}


@pytest.mark.parametrize("writing", WRITINGS)
@settings(max_examples=40, deadline=None)
@given(number=integers)
def test_every_integer_is_found_in_every_writing(writing: str, number: int) -> None:
    """Writing a number and looking for it are inverse, and its neighbours are not found."""
    quote = f"There were {WRITINGS[writing](number)} of them."
    assert ground_value(number, [quote]).grounding is not I
    assert ground_value(number + 1, [quote]).grounding is I
    assert ground_value(-number - 1, [quote]).grounding is I


@settings(max_examples=80, deadline=None)
@given(number=st.integers(11, 9999))
def test_every_integer_is_found_in_han_numerals(number: int) -> None:
    """The same in Chinese."""
    quote = f"共有{spell_han(number)}人。"
    assert ground_value(number, [quote]).grounding is N
    assert ground_value(number + 1, [quote]).grounding is I


@settings(max_examples=80, deadline=None)
@given(number=st.decimals(-10_000, 10_000, places=2), other=st.decimals(-10_000, 10_000, places=2))
def test_a_decimal_number_supports_itself_alone(number: Decimal, other: Decimal) -> None:
    """Another number is not supported, however near it is."""
    quote = f"It is {number} m long."
    assert ground_value(float(number), [quote]).grounding is not I
    if other != number:
        assert ground_value(float(other), [quote]).grounding is I


@settings(max_examples=80, deadline=None)
@given(numbers=st.lists(st.integers(0, 99_999), min_size=1, max_size=6), other=st.integers(0, 99_999))
def test_a_number_that_is_not_listed_is_not_supported(numbers: list[int], other: int) -> None:
    """Neighbouring figures never make up a number that nobody wrote."""
    quote = "The crews: " + ", ".join(map(str, numbers)) + "."
    assert ground_value(numbers[0], [quote]).grounding is V
    if other not in numbers:
        assert ground_value(other, [quote]).grounding is I


@settings(max_examples=60, deadline=None)
@given(cells=st.lists(st.integers(0, 99_999), min_size=2, max_size=6))
def test_the_cells_of_a_row_are_numbers_of_their_own(cells: list[int]) -> None:
    """A CSV row that begins with a name is cells, not one grouped number."""
    row = "Luke," + ",".join(map(str, cells))
    assert all(ground_value(cell, [row]).grounding is V for cell in cells)
