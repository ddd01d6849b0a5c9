"""Dates and times: how texts write them, and the dates that they are not."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.derivation.grounding import Grounding
from holocron.validation.dates import date_stands_in, is_iso_date, read_dates
from holocron.validation.ground import ground_value

V, N, I = Grounding.VERBATIM, Grounding.NORMALIZED, Grounding.INFERRED  # noqa: E741 - the columns of the tables below

DATES = [
    ("iso", "1977-05-25", "on 1977-05-25.", V),
    ("iso-in-row", "1977-05-25", "4,1977-05-25,32", V),
    ("iso-in-moment", "1977-05-25", "1977-05-25T10:30:00Z", N),
    ("iso-en-dash", "1977-05-25", "1977–05–25", N),
    ("iso-slashes", "1977-05-25", "1977/05/25", N),
    ("iso-short", "1977-05-05", "1977-5-5", N),
    ("iso-longer", "1977-05-25", "1977-05-251", I),
    ("day-first", "1977-05-25", "on 25 May 1977", N),
    ("day-first-abbreviated", "1977-05-25", "on 25 Apr 1977 and 25 May 1977", N),
    ("september", "1977-09-03", "3 Sept. 1977", N),
    ("ordinal", "1977-05-25", "the 25th of May, 1977", N),
    ("ordinal-no-of", "1977-05-01", "1st May 1977", N),
    ("month-first", "1977-05-25", "on May 25, 1977", N),
    ("month-first-ordinal", "1977-05-25", "May 25th, 1977", N),
    ("month-first-the", "1977-05-25", "May the 25th, 1977", N),
    ("month-first-no-comma", "1977-05-25", "MAY 25 1977", N),
    ("hyphens", "1977-05-25", "25-May-1977", N),
    ("dots", "1977-05-25", "25.05.1977", N),
    ("dots-spaces", "1977-05-25", "25. 5. 1977", N),
    ("slashes-day-first", "1977-05-25", "25/05/1977", N),
    ("slashes-month-first", "1977-05-25", "05/25/1977", N),
    ("slashes-either", "1977-06-05", "05/06/1977", N),
    ("slashes-or", "1977-05-06", "05/06/1977", N),
    ("dots-day-first-only", "1977-05-06", "05.06.1977", I),
    ("line-break", "1977-05-25", "25 May\n1977", N),
    ("row", "1977-05-25", "Luke,25 May 1977,32", N),
    ("chinese", "1977-05-25", "1977年5月25日上映", N),
    ("chinese-hao", "1977-05-25", "1977年5月25号", N),
    ("chinese-numerals", "1977-05-25", "一九七七年五月二十五日", N),
    ("japanese-full-width", "1977-05-25", "１９７７年５月２５日", N),
    ("korean", "1977-05-25", "1977년 5월 25일", N),
    ("german", "1977-05-25", "am 25. Mai 1977", N),
    ("german-march", "1977-03-01", "1. März 1977", N),
    ("german-month-decomposed", "1977-03-01", "1. Ma\u0308rz 1977", N),
    ("french", "1977-08-01", "le 1er août 1977", N),
    ("spanish", "1977-05-25", "el 25 de mayo de 1977", N),
    ("italian", "1977-05-25", "25 maggio 1977", N),
    ("portuguese", "1977-03-25", "25 de março de 1977", N),
    ("dutch", "1977-03-25", "25 maart 1977", N),
    ("arabic", "1977-05-25", "٢٥ مايو ١٩٧٧", N),
    ("hindi", "1977-05-25", "२५ मई १९७७", N),
    ("hindi-nukta", "1977-02-25", "25 फ़रवरी 1977", N),
    # near misses
    ("other-day", "1977-05-24", "25 May 1977", I),
    ("other-month", "1977-06-25", "25 May 1977", I),
    ("other-year", "1978-05-25", "25 May 1977", I),
    ("no-year", "1977-05-25", "on 25 May", I),
    ("two-digit-year", "1977-05-25", "25 May 77", I),
    ("month-only", "1977-05-25", "in May 1977", I),
    ("year-only", "1977-05-25", "in 1977", I),
    ("day-tail", "1977-05-05", "25 May 1977", I),
    ("day-tail-month-first", "1977-05-05", "May 25, 1977", I),
    ("longer-year", "1977-05-25", "25 May 19771", I),
    ("no-month-word", "1977-05-25", "25 men 1977", I),
    ("far-apart", "1977-05-25", "25 May. It was 1977.", I),
    ("thirteenth-month", "1977-13-25", "25.13.1977", I),
    ("spread", "1977-05-25", "1977: on the 25th, in May", I),
    ("not-a-date", "soon", "25 May 1977", I),
    ("not-a-date-verbatim", "soon", "very soon", V),
    ("not-a-date-case", "Soon", "very soon", I),
    # date-times
    ("moment", "1977-05-25T10:30:00Z", "at 1977-05-25T10:30:00Z", V),
    ("moment-text", "1977-05-25T10:30:00Z", "25 May 1977, 10:30", N),
    ("moment-space", "1977-05-25 10:30", "25 May 1977 at 10:30:12", N),
    ("moment-offset", "1977-05-25T10:30:00+02:00", "25 May 1977, 10:30 Uhr", N),
    ("moment-pm", "1977-05-25T22:30:00", "10:30 p.m. on 25 May 1977", N),
    ("moment-midnight", "1977-05-25T00:05:00", "12:05 am, 25 May 1977", N),
    ("moment-noon", "1977-05-25T12:05:00", "12:05 PM, 25 May 1977", N),
    ("moment-no-zero", "1977-05-25T09:05:00", "25 May 1977, 9:05", N),
    ("moment-am-not-pm", "1977-05-25T10:30:00", "10:30 pm on 25 May 1977", I),
    ("moment-no-time", "1977-05-25T00:00:00", "25 May 1977", I),
    ("moment-other-time", "1977-05-25T10:31:00", "25 May 1977, 10:30", I),
    ("moment-other-day", "1977-05-26T10:30:00", "25 May 1977, 10:30", I),
    ("moment-tail", "1977-05-25T00:30:00", "25 May 1977, 10:30", I),
]


@pytest.mark.parametrize(
    ("value", "quote", "level"), [case[1:] for case in DATES], ids=[case[0] for case in DATES]
)
def test_a_date_is_as_grounded_as_the_quote_dates_it(value: str, quote: str, level: Grounding) -> None:
    """The ISO text is verbatim; the same day in any spelling is normalised; a part of a date is neither."""
    assert ground_value(value, [quote], is_date=True).grounding is level


PLAIN = [
    ("day", "1977-05-25", "25 May 1977", N),
    ("month", "1977-05", "May 1977", N),
    ("month-of-day", "1977-05", "on 25 May 1977", N),
    ("month-spanish", "1977-05", "mayo de 1977", N),
    ("month-chinese", "1977-05", "1977年5月", N),
    ("month-other", "1977-06", "May 1977", I),
    ("year", "1977", "in 1977", V),
    ("year-of-dots", "1977", "25.05.1977", V),
    ("year-chinese-numerals", "1977", "一九七七年", N),
    ("year-other", "1977", "in 1978", I),
    ("year-not-decade", "1970", "the 1970s", I),
]


@pytest.mark.parametrize(
    ("value", "quote", "level"), [case[1:] for case in PLAIN], ids=[case[0] for case in PLAIN]
)
def test_a_plain_string_that_reads_as_a_date_is_one(value: str, quote: str, level: Grounding) -> None:
    """Without a format, ISO dates, months and years are looked for as dates too."""
    assert ground_value(value, [quote]).grounding is level


@pytest.mark.parametrize(
    ("value", "is_date"),
    [
        ("1977", True),
        ("1977-05", True),
        ("1977-05-25", True),
        ("1977-05-25T10:30Z", True),
        ("1977-5-25", False),
        ("25 May 1977", False),
        ("١٩٧٧", False),
        ("", False),
    ],
)
def test_iso_values_are_told_from_other_text(value: str, is_date: bool) -> None:
    """Only ISO 8601's extended form is taken for a date."""
    assert is_iso_date(value) is is_date


def test_a_text_without_a_year_has_no_dates() -> None:
    """A day without its year is not a date."""
    assert read_dates("on 25 May, 12/25, 25.05.") == frozenset()


SPELLINGS = [
    "{d.day} {d:%B} {d.year:04}",
    "{d:%B} {d.day}, {d.year:04}",
    "{d:%b} {d.day} {d.year:04}",
    "{d.day}. {d:%B} {d.year:04}",
    "{d.day}.{d.month}.{d.year:04}",
    "{d.month}/{d.day}/{d.year:04}",
    "{d.year:04}/{d.month:02}/{d.day:02}",
    "{d.year:04}年{d.month}月{d.day}日",
    "{d.year:04}년 {d.month}월 {d.day}일",
]
dates = st.dates(date(1000, 1, 1), date(2999, 12, 31))


@settings(max_examples=60, deadline=None)
@given(day=dates, spelling=st.sampled_from(SPELLINGS))
def test_every_day_is_found_in_every_spelling(day: date, spelling: str) -> None:
    """Formatting a date and looking for it are inverse."""
    assert date_stands_in(day.isoformat(), f"It was on {spelling.format(d=day)}, they say.")


@settings(max_examples=60, deadline=None)
@given(day=dates, other=dates, spelling=st.sampled_from(SPELLINGS))
def test_no_other_day_is_found(day: date, other: date, spelling: str) -> None:
    """Another day is not supported, but for the one that swaps day and month between slashes."""
    swapped = (day.year, day.day, day.month)
    if other != day and (other.year, other.month, other.day) != swapped:
        assert not date_stands_in(other.isoformat(), f"It was on {spelling.format(d=day)}, they say.")
