"""Keywords: what the words of a merged schema say about types, values, ranges and lengths.

In: a Whole. Out: plain values, or ContractInvalid with the pointer of the word.
Never: follows a reference or reads a schema below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches

from holocron.derivation.grounding import Grounding
from holocron.derivation.merging import Whole, show_value, value_key
from holocron.derivation.shapes import MAX_INTEGER, MAX_REPETITIONS, JSONScalar, ScalarKind
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue

KINDS = {kind.value: kind for kind in ScalarKind}
_TYPES = frozenset({*KINDS, "object", "array", "null"})
# What a schema without `type` is about, told by its other words.
_OBJECT_WORDS = frozenset(
    {"properties", "required", "additionalProperties", "patternProperties", "minProperties"}
)
_ARRAY_WORDS = frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"})
_STRING_WORDS = frozenset({"minLength", "maxLength", "pattern", "format", "x-vocabulary"})
_NUMBER_WORDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
#: the fewest and the most characters of formats whose length is known
_FORMAT_LENGTHS: Mapping[str, tuple[int, float]] = {
    "date": (10, 10),
    "date-time": (20, math.inf),
    "time": (9, math.inf),
    "uuid": (36, 36),
    "ipv4": (7, 15),
}
#: how much of a misspelt word is right
_ALIKE = 0.8
_OTHER_WORDS = frozenset(
    {
        "$defs",
        "$ref",
        "allOf",
        "anyOf",
        "const",
        "description",
        "enum",
        "items",
        "oneOf",
        "properties",
        "type",
    }
)
_OWN_WORDS = ("x-ground", "x-vocabulary")
#: JSON Schema's words by how they are written without capitals, and ours
_SPELT = {
    word.lower(): word
    for words in (_OBJECT_WORDS, _ARRAY_WORDS, _STRING_WORDS, _NUMBER_WORDS, _OTHER_WORDS, _OWN_WORDS)
    for word in words
}
_QUOTE_HINT = "Without quotes, true and false are no text."


def check_spelling(whole: Whole) -> None:
    """Refuse a word that is almost one: JSON Schema ignores what it does not know.

    Raises: ContractInvalid, naming the pointer.
    """
    for word in whole.words:
        meant = _SPELT.get(word.lower(), word)
        if word.startswith("x-"):
            meant = next(iter(get_close_matches(word, _OWN_WORDS, 1, _ALIKE)), word)
        if meant != word:
            raise ContractInvalid(
                f"{show_value(word)} is no word of a contract",
                pointer=whole.place(word),
                hint=f"Did you mean {meant}?",
            )


def types_of(whole: Whole) -> tuple[str, ...]:
    """Return the JSON types that a value may have, in the contract's order; an enum leaves only its own."""
    declared = _declared_types(whole)
    values = values_of(whole)
    if values is None:
        return declared or _guessed_types(whole)
    named = tuple(dict.fromkeys(type_name(value) for value in values))
    if not declared:
        return tuple(name for name in named if not (name == "integer" and "number" in named))
    return tuple(name for name in declared if name in named or (name == "number" and "integer" in named))


def _declared_types(whole: Whole) -> tuple[str, ...]:
    if "type" not in whole.words:
        return ()
    named, place = whole.words["type"], whole.place("type")
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, (list, tuple)):
        raise ContractInvalid("type must be the name of a type, or a list of names", pointer=place)
    if not names:
        raise ContractInvalid("the list of types is empty", pointer=place)
    for name in names:
        if not isinstance(name, str) or name not in _TYPES:
            raise ContractInvalid(
                f"there is no type {show_value(name)}",
                pointer=place,
                hint="The types are string, number, integer, boolean, null, object and array.",
            )
    types = tuple(dict.fromkeys(str(name) for name in names))
    # every integer is a number: one of the two says it
    return tuple(name for name in types if not (name == "integer" and "number" in types))


def _guessed_types(whole: Whole) -> tuple[str, ...]:
    if whole.properties or _OBJECT_WORDS & whole.words.keys():
        return ("object",)
    if whole.items or whole.prefix_items or _ARRAY_WORDS & whole.words.keys():
        return ("array",)
    if _STRING_WORDS & whole.words.keys():
        return ("string",)
    if _NUMBER_WORDS & whole.words.keys():
        return ("number",)
    return ("string", "number", "boolean", "null")


def type_name(value: JSONScalar) -> str:
    """Return the narrowest JSON type of a scalar."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case _:
            return "string"


def values_of(whole: Whole) -> tuple[JSONScalar, ...] | None:
    """Return the closed set of values, null among them where it may be, or None where the set is open."""
    keyword = "const" if "const" in whole.words else "enum"
    if keyword not in whole.words:
        return None
    place = whole.place(keyword)
    listed = [whole.words["const"]] if keyword == "const" else word_list(whole, "enum")
    allowed = _declared_types(whole)
    fitting: dict[object, JSONScalar] = {}
    for value in listed:
        if not (value is None or isinstance(value, (bool, int, float, str))):
            raise ContractInvalid(
                "only scalars can be enumerated",
                pointer=place,
                hint="List texts, numbers, true, false or null; anyOf lists forms of objects.",
            )
        name = type_name(value)
        if name == "integer" and not -MAX_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]  # a number
            raise ContractInvalid(f"{show_value(value)} does not fit a 64-bit integer", pointer=place)
        if not allowed or name in allowed or (name == "integer" and "number" in allowed):
            fitting[value_key(value)] = int(value) if name == "integer" else value  # type: ignore[arg-type]  # a number
        elif whole.places[keyword] == whole.places["type"]:
            hint = _QUOTE_HINT if isinstance(value, bool) else None
            raise ContractInvalid(
                f"{show_value(value)} does not have the declared type", pointer=place, hint=hint
            )
    if keyword == "const" and "enum" in whole.words:
        known = {value_key(value) for value in word_list(whole, "enum")}
        fitting = {key: value for key, value in fitting.items() if key in known}
    if not fitting:
        raise ContractInvalid(
            "no enumerated value has the declared type",
            pointer=place,
            hint="Correct the type, or the values that are listed.",
        )
    names = {type_name(value) for value in fitting.values()}
    if {"boolean", "string"} <= names:
        raise ContractInvalid("text and true or false stand in one enum", pointer=place, hint=_QUOTE_HINT)
    return tuple(fitting.values())


def integer_range(whole: Whole) -> tuple[int | None, int | None]:
    """Return the least and the greatest integer that the bounds allow, within 64 bits."""
    bounds = _bounds(whole)
    lows = [math.ceil(bounds["minimum"])] if "minimum" in bounds else []
    highs = [math.floor(bounds["maximum"])] if "maximum" in bounds else []
    if "exclusiveMinimum" in bounds:
        lows.append(math.floor(bounds["exclusiveMinimum"]) + 1)
    if "exclusiveMaximum" in bounds:
        highs.append(math.ceil(bounds["exclusiveMaximum"]) - 1)
    least, most = max([-MAX_INTEGER, *lows]), min([MAX_INTEGER, *highs])
    if least > most:
        raise ContractInvalid("no 64-bit integer lies between the bounds", pointer=whole.pointer)
    return least if lows else None, most if highs else None


def number_range(whole: Whole) -> tuple[float | None, float | None]:
    """Return the bounds of a number; exclusive ones as if they were inclusive."""
    bounds = _bounds(whole)
    lows = [bounds[name] for name in ("minimum", "exclusiveMinimum") if name in bounds]
    highs = [bounds[name] for name in ("maximum", "exclusiveMaximum") if name in bounds]
    if lows and highs:
        least, most = max(lows), min(highs)
        touching = bounds.get("exclusiveMinimum") == least or bounds.get("exclusiveMaximum") == most
        if least > most or (least == most and touching):
            raise ContractInvalid(f"no number lies between {least} and {most}", pointer=whole.pointer)
    return max(lows, default=None), min(highs, default=None)


def _bounds(whole: Whole) -> dict[str, float]:
    bounds: dict[str, float] = {}
    for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        value = whole.words.get(keyword, 0)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ContractInvalid(f"{keyword} must be a number", pointer=whole.place(keyword))
        if keyword in whole.words:
            bounds[keyword] = value
    return bounds


def text_lengths(whole: Whole) -> tuple[int | None, int | None]:
    """Return minLength and maxLength.

    Raises: ContractInvalid where no text, or none of the declared format, has such a length.
    """
    least, most = count_range(whole, "minLength", "maxLength")
    fewest, longest = _FORMAT_LENGTHS.get(word_text(whole, "format"), (0, math.inf))
    if (least or 0) > longest or (most is not None and most < fewest):
        keyword = "minLength" if (least or 0) > longest else "maxLength"
        raise ContractInvalid(f"no {whole.words['format']} has such a length", pointer=whole.place(keyword))
    return least, most


def count_range(whole: Whole, low: str, high: str) -> tuple[int | None, int | None]:
    """Return a lower and an upper count, each as the contract has it.

    Raises: ContractInvalid where they cross, or ask for more than a decoder writes.
    """
    least, most = count_of(whole, low), count_of(whole, high)
    if least is not None and most is not None and least > most:
        raise ContractInvalid(f"{low} {least} is over {high} {most}", pointer=whole.place(low))
    if least is not None and least > MAX_REPETITIONS:
        raise ContractInvalid(
            f"{low} {least} is over the {MAX_REPETITIONS} that an answer can hold", pointer=whole.place(low)
        )
    return least, most


def count_of(whole: Whole, keyword: str) -> int | None:
    """Return a keyword that counts something."""
    if keyword not in whole.words:
        return None
    value = whole.words[keyword]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0 or value != int(value):
        raise ContractInvalid(f"{keyword} must be a count", pointer=whole.place(keyword))
    return int(value)


def least_grounding(whole: Whole, *, closed: bool, is_boolean: bool) -> Grounding:
    """Return the least support that the contract accepts; closed sets and booleans may be inferred."""
    if "x-ground" not in whole.words:
        return Grounding.INFERRED if closed or is_boolean else Grounding.NORMALIZED
    named, place = whole.words["x-ground"], whole.place("x-ground")
    if not isinstance(named, str) or named not in set(Grounding):
        raise ContractInvalid(
            f"x-ground is {show_value(named)}", pointer=place, hint="Use verbatim, normalized or inferred."
        )
    level = Grounding(named)
    if is_boolean and level is not Grounding.INFERRED:
        raise ContractInvalid(
            f"true and false never stand in a text, so x-ground {named} is never met",
            pointer=place,
            hint="Use x-ground inferred, or an enum of words.",
        )
    return level


def word_list(whole: Whole, keyword: str) -> list[JSONValue] | tuple[JSONValue, ...]:
    """Return a keyword's list, which may not be empty."""
    value = whole.words[keyword]
    if not isinstance(value, (list, tuple)) or not value:
        raise ContractInvalid(f"{keyword} must be a list with something in it", pointer=whole.place(keyword))
    return value


def word_text(whole: Whole, keyword: str) -> str:
    """Return a keyword's text, empty where it is missing."""
    value = whole.words.get(keyword, "")
    if not isinstance(value, str):
        raise ContractInvalid(f"{keyword} must be text", pointer=whole.place(keyword))
    return value
