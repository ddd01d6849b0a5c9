"""Parsing: the model's words as one JSON value, strictly.

In: text. Out: a JSON value, or a finding. Never: repairs, guesses or picks JSON out of prose.
"""

from __future__ import annotations

import json
import math

from holocron.fingerprint import JSONValue
from holocron.validation.verdicts import Finding, FindingCode


class _NotStrict(ValueError):
    """The text is JSON to a lenient reader only."""


def parse_answer(text: str) -> tuple[JSONValue, Finding | None]:
    """Return the value, or None and what is wrong.

    Duplicate keys, NaN, Infinity, numbers beyond a double and lone surrogates are refused: the databases
    and the hashes behind this point have no form for them.
    """
    try:
        value: JSONValue = _DECODER.decode(text)
    except RecursionError:
        return None, _finding("it is nested too deep")
    except ValueError as problem:
        return None, _finding(str(problem))
    return value, None


def _finding(what: str) -> Finding:
    return Finding("", FindingCode.NOT_JSON, f"The answer is not one JSON value: {what}.")


def _read_pairs(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotStrict("a key stands twice in one object")
    return value


def _read_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _NotStrict(f"the number {text[:40]} is out of range")
    return number


def _read_int(text: str) -> int:
    if len(text) > 40:
        raise _NotStrict("a number has too many digits")
    return int(text)


def _refuse_constant(name: str) -> JSONValue:
    raise _NotStrict(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_read_pairs,
    parse_float=_read_float,
    parse_int=_read_int,
    parse_constant=_refuse_constant,
)
