"""Dates and times of day, however a text writes them.

In: an ISO value, or text. Out: whether the value's date, and its time where it has one, stands in the text.
Never: completes a date; a day needs day, month and four-digit year in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from holocron.validation.normal_text import cache_by_text, fold_digits, normalise
from holocron.validation.number_words import parse_cjk_number

#: year, month, day; 0 where the text does not say
Day = tuple[int, int, int]

_ISO_VALUE = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})"
    r"(?:[Tt ](\d{2}):(\d{2})(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:?\d{2})?)?)?)?",
    re.ASCII,
)

# One line for each language, one word for each month, other spellings after a bar.
_MONTH_NAMES = """
january|jan february|feb march|mar april|apr may june|jun july|jul august|aug september|sep|sept october|oct november|nov december|dec
januar|jänner februar märz|mrz april mai juni juli august september oktober|okt november dezember|dez
janvier|janv février|févr mars avril|avr mai juin juillet|juil août|aout septembre octobre novembre décembre|déc
enero|ene febrero marzo abril|abr mayo junio julio agosto|ago septiembre|setiembre octubre noviembre diciembre|dic
gennaio|gen febbraio marzo aprile maggio|mag giugno|giu luglio|lug agosto settembre|set ottobre|ott novembre dicembre
janeiro fevereiro|fev março abril maio|mai junho julho agosto setembro outubro|out novembro dezembro
januari februari maart|mrt april mei juni juli augustus september oktober november december
يناير فبراير مارس أبريل|ابريل مايو يونيو يوليو أغسطس|اغسطس سبتمبر أكتوبر|اكتوبر نوفمبر ديسمبر
जनवरी फ़रवरी|फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर|सितम्बर अक्टूबर|अक्तूबर नवंबर|नवम्बर दिसंबर|दिसम्बर
"""  # noqa: E501 -- a line for each language
_MONTHS = {
    name: month
    for line in _MONTH_NAMES.strip().split("\n")
    for month, names in enumerate(normalise(line).folded.split(), 1)
    for name in names.split("|")
}

_HAS_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)|[年년]")
_MONTH = r"(?P<month>[^\W\d_][^\s\d,.;:()/-]{1,14})"
_OF = r"(?:(?:of|de|del|di|do) |d')?"
_YEAR = r"(?P<year>\d{4})"
_YEAR_FIRST = re.compile(rf"(?<!\d){_YEAR}(?P<sep>[-/.])(?P<month>\d{{1,2}})(?P=sep)(?P<day>\d{{1,2}})(?!\d)")
_YEAR_LAST = re.compile(rf"(?<!\d)(?P<a>\d{{1,2}})(?P<sep>[-/.]) ?(?P<b>\d{{1,2}})(?P=sep) ?{_YEAR}(?!\d)")
_ENDING = r"(?:st|nd|rd|th|er|[.ºª°])?"
_WITH_MONTH_NAME = re.compile(
    rf"(?<!\w)(?:(?P<day>\d{{1,2}}){_ENDING}[ /-]?{_OF})?{_MONTH}"
    rf"[.,]?(?:[ -](?:the )?(?P<later>\d{{1,2}}){_ENDING},?)?[ /-]{{0,2}}{_OF}{_YEAR}(?!\d)"
)
_HAN = "〇零一二三四五六七八九十"
_EAST_ASIAN = re.compile(
    rf"(?P<year>(?<!\d)\d{{4}}|[{_HAN}]{{4}}) ?[年년]"
    rf"(?: ?(?P<month>\d{{1,2}}|[{_HAN}]{{1,2}}) ?[月월]"
    rf"(?: ?(?P<day>\d{{1,2}}|[{_HAN}]{{1,3}}) ?[日号號일])?)?"
)
_TIME = re.compile(r"(?<![\d:.,])(\d{1,2}):(\d{2})(?::\d{2})?(?!\d)(?: ?([ap])\.?m\b)?")


def is_iso_date(value: str) -> bool:
    """Tell whether a value is a year, a month, a day or a moment in ISO 8601's extended form."""
    return _ISO_VALUE.fullmatch(value) is not None


def date_stands_in(value: str, text: str) -> bool:
    """Tell whether an ISO value's date is one of the text's dates, and its time one of the text's times.

    05/06/1977 may be in May or in June. Seconds and offsets are not compared.
    """
    match = _ISO_VALUE.fullmatch(value)
    if match is None:
        return False
    year, month, day, hour, minute = (int(part or 0) for part in match.groups())
    if (year, month, day) not in read_dates(text):
        return False
    return match[4] is None or hour * 60 + minute in _read_times(text)


@cache_by_text
def read_dates(text: str) -> frozenset[Day]:
    """Return the dates of a text; each also as its month and its year, with 0 for what is left out."""
    folded = fold_digits(normalise(text).folded)
    if _HAS_YEAR.search(folded) is None:
        return frozenset()
    found: set[Day] = set()
    for year, month, day in _find_days(folded):
        if 1 <= month <= 12 and day <= 31:
            found.update(((year, month, day), (year, month, 0), (year, 0, 0)))
        elif not month:
            found.add((year, 0, 0))
    return frozenset(found)


def _find_days(text: str) -> Iterator[Day]:
    for match in _YEAR_FIRST.finditer(text):
        yield int(match["year"]), int(match["month"]), int(match["day"])
    for match in _YEAR_LAST.finditer(text):
        year, first, second = int(match["year"]), int(match["a"]), int(match["b"])
        yield year, second, first
        if match["sep"] != ".":
            yield year, first, second
    for match in _WITH_MONTH_NAME.finditer(text):
        month = _MONTHS.get(match["month"])
        if month is not None:
            yield int(match["year"]), month, int(match["day"] or match["later"] or 0)
    for match in _EAST_ASIAN.finditer(text):
        yield _number(match["year"]), _number(match["month"]), _number(match["day"])


def _number(digits: str | None) -> int:
    if not digits:
        return 0
    return int(digits) if digits.isdecimal() else parse_cjk_number(digits) or 0


@cache_by_text
def _read_times(text: str) -> frozenset[int]:
    """Return the times of day of a text in minutes after midnight."""
    found = set()
    for match in _TIME.finditer(fold_digits(normalise(text).folded)):
        hour, minute = int(match[1]), int(match[2])
        if match[3] and 1 <= hour <= 12:
            hour = hour % 12 + (12 if match[3] == "p" else 0)
        if hour < 24 and minute < 60:
            found.add(hour * 60 + minute)
    return frozenset(found)
