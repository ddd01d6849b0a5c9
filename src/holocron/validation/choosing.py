"""Choosing: which of several shapes an answer was written for, and whether a scalar has a shape's form.

In: a part of an answer, a shape. Out: an option, or yes or no. Never: reports; conforming does.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from holocron.derivation.contract import CITE
from holocron.derivation.grounding import Grounding
from holocron.derivation.shapes import (
    ArrayShape,
    ChoiceShape,
    JSONScalar,
    ObjectShape,
    ScalarKind,
    ScalarShape,
    Shape,
)
from holocron.fingerprint import JSONValue


def choose_option(answer: JSONValue, shape: ChoiceShape) -> Shape:
    """Return the option that an answer was written for.

    Of the values that it fits, the one that asks for the firmest grounding; else the first that it fits,
    or whose form it has, or the first of all.
    """
    fitting = [option for option in shape.options if _fits(answer, option)]
    values = [option for option in fitting if isinstance(option, ScalarShape)]
    for level in Grounding:
        for option in values:
            if option.ground is level:
                return option
    alike = (option for option in shape.options if _is_alike(answer, option))
    return fitting[0] if fitting else next(alike, shape.options[0])


def has_kind(value: str | int | float, shape: ScalarShape) -> bool:
    """Tell whether a scalar has one of a shape's JSON types; 3.0 is an integer."""
    if isinstance(value, str):
        return ScalarKind.STRING in shape.kinds
    if isinstance(value, bool):
        return ScalarKind.BOOLEAN in shape.kinds
    if ScalarKind.NUMBER in shape.kinds:
        return True
    return ScalarKind.INTEGER in shape.kinds and (isinstance(value, int) or value.is_integer())


def is_listed(value: JSONScalar, values: Sequence[JSONScalar]) -> bool:
    """Tell whether a value is one of several; 1 is 1.0, and not true."""
    if isinstance(value, str):
        return value in values
    return any(value == other and isinstance(value, bool) == isinstance(other, bool) for other in values)


def is_storable(value: str, shape: ScalarShape) -> bool:
    """Tell whether a date or date-time is one that the derived tables hold: a real day, year 1 to 9999."""
    try:
        if shape.format == "date":
            dt.date.fromisoformat(value)
        elif shape.format == "date-time":
            # RFC 3339 has leap seconds; the table has the second after
            moment = dt.datetime.fromisoformat(value.upper().replace(":60", ":59", 1))
            if moment.tzinfo is not None:
                moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return False
    return True


def _fits(answer: JSONValue, shape: Shape) -> bool:
    match shape:
        case ScalarShape():
            return isinstance(answer, (str, int, float)) and _fits_scalar(answer, shape)
        case ArrayShape():
            if not isinstance(answer, (list, tuple)):
                return False
            most = len(answer) if shape.max_items is None else shape.max_items
            return shape.min_items <= len(answer) <= most and all(
                _fits_nullable(item, shape.items) for item in answer
            )
        case ObjectShape():
            return _is_alike(answer, shape) and isinstance(answer, Mapping) and _fits_object(answer, shape)
        case ChoiceShape():
            return any(_fits(answer, option) for option in shape.options)


def _fits_nullable(answer: JSONValue, shape: Shape) -> bool:
    return shape.nullable if answer is None else _fits(answer, shape)


def _fits_object(answer: Mapping[str, JSONValue], shape: ObjectShape) -> bool:
    for part in shape.properties:
        held = answer.get(part.name)
        if held is not None:
            if not _fits(held, part.shape):
                return False
        elif part.required and not (part.shape.nullable and part.name in answer):
            return False
    return True


def _fits_scalar(value: str | int | float, shape: ScalarShape) -> bool:
    if not has_kind(value, shape):
        return False
    if shape.enum is not None:
        return is_listed(value, shape.enum)
    if isinstance(value, bool):
        return True
    if not isinstance(value, str):
        return (shape.minimum is None or value >= shape.minimum) and (
            shape.maximum is None or value <= shape.maximum
        )
    if len(value) < (shape.min_length or 0) or (
        shape.max_length is not None and len(value) > shape.max_length
    ):
        return False
    return is_storable(value, shape) and (shape.pattern is None or _matches(value, shape.pattern))


def _matches(value: str, pattern: str) -> bool:
    """Tell whether a pattern matches; one that only ECMA knows is left to the validator."""
    expression = _compile(pattern)
    return expression is None or expression.search(value) is not None


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None


def _is_alike(answer: JSONValue, shape: Shape) -> bool:
    """Tell whether an answer has the outer form of a shape: a list, an object with these names, a kind."""
    match shape:
        case ScalarShape():
            return isinstance(answer, (str, int, float)) and has_kind(answer, shape)
        case ArrayShape():
            return isinstance(answer, (list, tuple))
        case ObjectShape():
            names = {part.name for part in shape.properties}
            return isinstance(answer, Mapping) and answer.keys() - {CITE} <= names
        case ChoiceShape():
            return any(_is_alike(answer, option) for option in shape.options)
