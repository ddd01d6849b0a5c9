"""Grounding: how firmly one value stands on the text that it cites.

In: a leaf value and the quotes of its citations. Out: the strictest level at which a quote holds it,
and which quotes do.
Never: rounds, translates or guesses; support that is missed costs a question, false support is a lie.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from math import isfinite

from holocron.derivation.grounding import Grounding
from holocron.validation.dates import date_stands_in, is_iso_date
from holocron.validation.normal_text import (
    SearchForms,
    drop_initial_dots,
    has_substance,
    normalise,
    search_forms,
)
from holocron.validation.quantities import read_quantities
from holocron.validation.units import unit_name
from holocron.validation.word_borders import stands_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """How a value is grounded, and by which quotes."""

    grounding: Grounding
    #: indexes of the quotes that hold the value, the strictest first, then in reading order;
    #: all of them where it is inferred
    quotes: tuple[int, ...]


_Judge = Callable[[str], Grounding | None]

_NUMBER_VALUE = re.compile(
    r"(?P<number>[-+−]?(?:[1-9]\d{0,2}(?:,\d{3})+|0|[1-9]\d{0,40})(?:\.\d{1,40})?)"
    r"(?:[ \u00a0-]?(?P<unit>[^\W\d_]+|°[CFK]?|%)(?: ?(?:/|per ) ?(?P<per>[^\W\d_]+))?)?"
)


def ground_value(
    value: str | int | float | bool,  # noqa: FBT001 -- a leaf of JSON, not a switch
    quotes: Sequence[str],
    *,
    synonyms: Sequence[str] = (),
    is_date: bool = False,
) -> Support:
    """Return the strictest level at which a value occurs in its quotes, and the quotes that hold it.

    A synonym counts as the value after normalisation. A boolean never stands in a text; it is inferred.
    With is_date the value is an ISO date or date-time, and nothing but that date supports it.
    """
    if isinstance(value, bool):
        return Support(grounding=Grounding.INFERRED, quotes=tuple(range(len(quotes))))
    judge = _judge_text(value, is_date=is_date) if isinstance(value, str) else _judge_number(value)
    others = [_judge_text(synonym, is_date=False) for synonym in synonyms]
    verbatim: list[int] = []
    normalised: list[int] = []
    for index, quote in enumerate(quotes):
        level = judge(quote)
        if level is Grounding.VERBATIM:
            verbatim.append(index)
        elif level is not None or any(other(quote) is not None for other in others):
            normalised.append(index)
    if verbatim:
        return Support(grounding=Grounding.VERBATIM, quotes=(*verbatim, *normalised))
    if normalised:
        return Support(grounding=Grounding.NORMALIZED, quotes=tuple(normalised))
    return Support(grounding=Grounding.INFERRED, quotes=tuple(range(len(quotes))))


def _judge_text(value: str, *, is_date: bool) -> _Judge:
    """Return the judge of a string: to the letter, else as a number, a normal text or a date."""
    if not has_substance(value):
        return _deny
    holds: list[Callable[[str], bool]] = []
    number = None if is_date else _NUMBER_VALUE.fullmatch(value)
    if number is not None:
        holds.append(partial(_holds_number, number))
    # A short unit is a symbol, and its case counts.
    if not is_date and (number is None or len(number["unit"] or "long") > 3):
        holds.append(partial(_holds_text, search_forms(value)))
    if is_iso_date(value):
        holds.append(partial(date_stands_in, value))
    is_bare = number is not None and not number["unit"]

    def judge(quote: str) -> Grounding | None:
        if stands_in(value, quote) or (is_bare and value in read_quantities(quote).tokens):
            return Grounding.VERBATIM
        return Grounding.NORMALIZED if any(hold(quote) for hold in holds) else None

    return judge


def _judge_number(value: int | float) -> _Judge:
    if isinstance(value, float) and not isfinite(value):
        return _deny
    # str() refuses integers of more than 4,300 digits.
    number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    written = f"{number:f}" if isinstance(value, int) else repr(value)

    def judge(quote: str) -> Grounding | None:
        quantities = read_quantities(quote)
        if written in quantities.tokens:
            return Grounding.VERBATIM
        return Grounding.NORMALIZED if number in quantities.values else None

    return judge


def _deny(_quote: str) -> None:
    return None


def _holds_text(forms: SearchForms, quote: str) -> bool:
    text = normalise(quote)
    return (
        any(stands_in(form, text.folded) for form in forms.folded)
        or any(stands_in(form, text.exact) for form in forms.exact)
        or (bool(forms.initials) and stands_in(forms.initials, drop_initial_dots(text.exact)))
    )


def _holds_number(value: re.Match[str], quote: str) -> bool:
    number = Decimal(value["number"].replace(",", "").replace("−", "-"))
    quantities = read_quantities(quote)
    if not value["unit"]:
        return number in quantities.values
    return (number, unit_name(value["unit"], value["per"])) in quantities.measures
