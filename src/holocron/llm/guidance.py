"""From a decoding schema to the grammar that holds llama.cpp's answer to it.

In: a JSON Schema. Out: a grammar for llguidance, or SchemaRefused with the pointer of what it cannot hold.
Never: judges an answer. llama.cpp writes freely when llguidance cannot compile a schema, and tells no one;
so what is known to stop it is refused here. What it merely ignores (`not`, `uniqueItems`, …) passes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from holocron.errors import SchemaRefused
from holocron.fingerprint import JSONValue

_TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})
_BOUNDS = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minimum", "maximum"),
)
_COUNTS = frozenset(name for pair in _BOUNDS[:3] for name in pair)
#: a bound of this size or more makes no finite automaton
_GREATEST_NUMBER = 10**19
_UNSUPPORTED_PATTERN = re.compile(r"\(\?<?[=!]|(?<!\\)(?:\\\\)*\\[1-9bB]")
_BRANCHES = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "$defs", "definitions")
_SINGLE = ("items", "additionalProperties")
#: compact JSON (free white space lets a model loop in it), and keywords it lacks are ignored, not fatal
_OPTIONS = {"whitespace_flexible": False, "lenient": True, "coerce_one_of": True}


def render_grammar(schema: JSONValue) -> str:
    """Return the grammar of a schema; properties come out in the order in which the schema names them.

    Raises: SchemaRefused.
    """
    if not isinstance(schema, Mapping):
        raise _refuse("", "a decoding schema is an object")
    _check(schema, "")
    text = json.dumps({**schema, "x-guidance": _OPTIONS}, ensure_ascii=False)
    return f"%llguidance {{}}\nstart: %json {text}"


def _check(schema: JSONValue, pointer: str) -> None:
    if not isinstance(schema, Mapping):
        return
    for reason in _find_faults(schema):
        raise _refuse(pointer, reason)
    for place, part in _list_parts(schema):
        _check(part, f"{pointer}/{place}")


def _list_parts(schema: Mapping[str, JSONValue]) -> Iterator[tuple[str, JSONValue]]:
    for keyword in _SINGLE:
        if keyword in schema:
            yield keyword, schema[keyword]
    for keyword in _BRANCHES:
        branches = schema.get(keyword)
        if isinstance(branches, Sequence) and not isinstance(branches, str):
            yield from ((f"{keyword}/{number}", branch) for number, branch in enumerate(branches))
    for keyword in _NAMED:
        named = schema.get(keyword)
        if isinstance(named, Mapping):
            for name, part in named.items():
                yield f"{keyword}/{name.replace('~', '~0').replace('/', '~1')}", part


def _find_faults(schema: Mapping[str, JSONValue]) -> Iterator[str]:
    names = schema.get("type", "null")
    for name in [names] if isinstance(names, str) or not isinstance(names, Sequence) else names or [None]:
        if name not in _TYPES:
            yield f"{name!r} is no type"
    yield from _find_bound_faults(schema)
    if schema.get("enum") == []:
        yield "an empty enum allows nothing"
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and _UNSUPPORTED_PATTERN.search(pattern):
        yield f"the pattern {pattern!r} looks around, refers back or asks for a word boundary"
    reference = schema.get("$ref", "#")
    if not (isinstance(reference, str) and reference.startswith("#")):
        yield f"the reference {reference!r} leaves the schema"
    properties, required = schema.get("properties"), schema.get("required")
    if schema.get("additionalProperties") is False and "patternProperties" not in schema:
        known = properties if isinstance(properties, Mapping) else {}
        for name in required if isinstance(required, Sequence) else ():
            if name not in known:
                yield f"it requires {name!r}, which it does not allow"


def _find_bound_faults(schema: Mapping[str, JSONValue]) -> Iterator[str]:
    for pair in _BOUNDS:
        numbers = []
        for name in pair:
            number = schema.get(name)
            if number is None:
                continue
            if isinstance(number, bool) or not isinstance(number, int | float):
                yield f"{name} is {number!r}, not a number"
            elif name in _COUNTS and (isinstance(number, float) or number < 0):
                yield f"{name} is {number!r}, not a count"
            elif abs(number) >= _GREATEST_NUMBER:
                yield f"{name} is {number!r}, beyond what a grammar can hold"
            else:
                numbers.append(number)
        if len(numbers) == 2 and numbers[0] > numbers[1]:
            yield f"{pair[0]} {numbers[0]} is greater than {pair[1]} {numbers[1]}"


def _refuse(pointer: str, reason: str) -> SchemaRefused:
    place = f"at {pointer}" if pointer else "at its root"
    return SchemaRefused(
        f"llama.cpp cannot hold an answer to this schema: {place}, {reason}",
        hint="Loosen that part of the contract; the full contract is checked after decoding in any case.",
    )
