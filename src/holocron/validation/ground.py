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
from typing import NamedTuple

from holocron.derivation.grounding import Grounding
from holocron.derivation.shapes import ScalarShape
from holocron.validation.dates import date_stands_in, is_iso_date
from holocron.validation.normal_text import (
    SearchForms,
    drop_initial_dots,
    has_substance,
    normalise,
    search_forms,
)
from holocron.validation.quantities import read_quantities, read_spelled_quantities
from holocron.validation.units import unit_name
from holocron.validation.word_borders import stands_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """How a value is grounded, and by which quotes."""

    grounding: Grounding
    #: indexes of the quotes that hold the value at that level, in reading order; all where it is inferred
    quotes: tuple[int, ...]


class _Form(NamedTuple):
    """How one value is looked for in a quote."""

    is_verbatim: Callable[[str], bool]
    is_normalised: Callable[[str], bool]


_NOWHERE = _Form(lambda _quote: False, lambda _quote: False)

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
    """Return the strictest level at which a value occurs in its quotes, and the quotes that hold it so.

    A synonym counts as the value after normalisation. A boolean never stands in a text; it is inferred.
    With is_date the value is an ISO date or date-time, and nothing but that date supports it.
    """
    if isinstance(value, bool):
        return Support(grounding=Grounding.INFERRED, quotes=tuple(range(len(quotes))))
    form = _text_form(value, is_date=is_date) if isinstance(value, str) else _number_form(value)
    verbatim = tuple(index for index, quote in enumerate(quotes) if form.is_verbatim(quote))
    if verbatim:
        # the looser and slower look is for values that stand nowhere to the letter
        return Support(grounding=Grounding.VERBATIM, quotes=verbatim)
    forms = [form, *(_text_form(synonym, is_date=False) for synonym in synonyms)]
    normalised = tuple(
        index
        for index, quote in enumerate(quotes)
        if any(each.is_verbatim(quote) or each.is_normalised(quote) for each in forms)
    )
    if normalised:
        return Support(grounding=Grounding.NORMALIZED, quotes=normalised)
    return Support(grounding=Grounding.INFERRED, quotes=tuple(range(len(quotes))))


def ground_leaf(value: str | int | float, quotes: Sequence[str], shape: ScalarShape) -> Support:
    """Return ground_value's answer about a value that a contract's leaf of this shape has."""
    synonyms = shape.synonyms.get(value, ()) if isinstance(value, str) else ()
    return ground_value(value, quotes, synonyms=synonyms, is_date=shape.is_date)


def _text_form(value: str, *, is_date: bool) -> _Form:
    """Return how a string is looked for: to the letter, else as a number, a normal text or a date."""
    if not has_substance(value):
        return _NOWHERE
    holds: list[Callable[[str], bool]] = []
    number = None if is_date else _NUMBER_VALUE.fullmatch(value)
    if number is not None:
        holds.append(partial(_holds_number, number))
    # A short unit is a symbol, and its case counts.
    if not is_date and (number is None or len(number["unit"] or "long") > 3):
        forms = partial(search_forms, value)
        holds.append(lambda quote: _holds_text(forms(), quote))
    if is_iso_date(value):
        holds.append(partial(date_stands_in, value))
    is_bare = number is not None and not number["unit"]

    def is_verbatim(quote: str) -> bool:
        return stands_in(value, quote) or (is_bare and value in read_quantities(quote).tokens)

    return _Form(is_verbatim, lambda quote: any(hold(quote) for hold in holds))


def _number_form(value: int | float) -> _Form:
    if isinstance(value, float) and not isfinite(value):
        return _NOWHERE
    # str() refuses integers of more than 4,300 digits.
    number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    written = f"{number:f}" if isinstance(value, int) else repr(value)

    def is_verbatim(quote: str) -> bool:
        return written in quote and written in read_quantities(quote).tokens

    return _Form(is_verbatim, partial(_holds_value, number))


def _holds_text(forms: SearchForms, quote: str) -> bool:
    text = normalise(quote)
    return (
        any(stands_in(form, text.folded) for form in forms.folded)
        or any(stands_in(form, text.exact) for form in forms.exact)
        or (bool(forms.initials) and stands_in(forms.initials, drop_initial_dots(text.exact)))
    )


def _holds_value(number: Decimal, quote: str) -> bool:
    return number in read_quantities(quote).values or number in read_spelled_quantities(quote).values


def _holds_number(value: re.Match[str], quote: str) -> bool:
    number = Decimal(value["number"].replace(",", "").replace("−", "-"))
    if not value["unit"]:
        return _holds_value(number, quote)
    measure = (number, unit_name(value["unit"], value["per"]))
    return measure in read_quantities(quote).measures or measure in read_spelled_quantities(quote).measures
