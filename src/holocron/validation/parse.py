"""Parsing: the model's words as one JSON value, strictly.

In: text. Out: a JSON value, or a finding. Never: repairs, guesses or picks JSON out of prose.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from holocron.fingerprint import JSONValue
from holocron.validation.verdicts import Finding, FindingCode

#: maps and lists that may lie inside each other; no contract goes deeper
MAX_NESTING = 150


class _LenientError(ValueError):
    """The text is JSON to a lenient reader only."""


def parse_answer(text: str) -> tuple[JSONValue, Finding | None]:
    """Return the value, or None and what is wrong.

    Duplicate keys, NaN, Infinity, numbers beyond a double, NUL and lone surrogates are refused: the
    databases and the hashes behind this point have no form for them.
    """
    try:
        value: JSONValue = _DECODER.decode(text)
        _check_text(text)
        if "\\u" in text or text.count("[") + text.count("{") >= MAX_NESTING:
            _check_parts(value)
    except RecursionError:
        return None, _finding("it is nested too deep")
    except ValueError as problem:
        return None, _finding(str(problem))
    return value, None


def _finding(what: str) -> Finding:
    return Finding("", FindingCode.NOT_JSON, f"The answer is not one JSON value: {what}.")


def _check_parts(value: JSONValue) -> None:
    """Refuse what only the parsed value shows: its depth, and what its escapes stand for."""
    level: list[JSONValue] = [value]
    for _ in range(MAX_NESTING):
        below: list[JSONValue] = []
        for part in level:
            if isinstance(part, str):
                _check_text(part)
            elif isinstance(part, Mapping):
                below.extend(part.keys())
                below.extend(part.values())
            elif isinstance(part, (list, tuple)):
                below.extend(part)
        if not below:
            return
        level = below
    raise _LenientError("it is nested too deep")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise _LenientError("a text holds a NUL")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _LenientError("a text holds half a character") from None


def _read_pairs(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _LenientError("a key stands twice in one object")
    return value


def _read_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _LenientError(f"the number {text[:40]} is out of range")
    return number


def _read_int(text: str) -> int:
    if len(text) > 40:
        raise _LenientError("a number has too many digits")
    return int(text)


def _refuse_constant(name: str) -> JSONValue:
    raise _LenientError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_read_pairs,
    parse_float=_read_float,
    parse_int=_read_int,
    parse_constant=_refuse_constant,
)
