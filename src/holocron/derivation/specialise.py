"""Specialisation: a contract made into the schema of one job's answer.

In: a contract's shape and the number of the bundle's last shown segment. Out: a decoding schema in which
every citing object begins with `cite` and nothing is unbounded. Never: loosens the contract, which is
checked in full afterwards.
"""

from __future__ import annotations

from holocron.derivation.contract import CITE, Contract
from holocron.derivation.patterns import portable_pattern
from holocron.derivation.shapes import (
    MAX_REPETITIONS,
    ArrayShape,
    ChoiceShape,
    ObjectShape,
    ScalarKind,
    ScalarShape,
    Shape,
)
from holocron.fingerprint import JSONValue, hash_json

#: the most characters of a string that the contract leaves unbounded
MAX_STRING_CHARACTERS = 400
#: the most items of an array that the contract leaves unbounded
MAX_ARRAY_ITEMS = 64
#: the largest numbers where the contract names no bounds: a decoder without bounds writes digits for ever
INTEGER_LIMIT = 10**15
NUMBER_LIMIT = 10**12
#: the segments that any object may cite; one with more values may cite one for each
MAX_CITATIONS = 8

#: formats that JSON-schema decoders write by construction; others are left to the validator
_DECODED_FORMATS = frozenset({"date", "date-time", "time", "uuid"})
_NULL: JSONValue = {"type": "null"}
#: llguidance fails to count in bounds nearer to 0 than this, and in those beyond the widest below
_LEAST_BOUND = 1e-9


class Specialiser:
    """Makes and remembers the decoding schemas of one contract, one per segment count."""

    def __init__(self, contract: Contract) -> None:
        self._shape = contract.shape
        self._made: dict[int, JSONValue] = {}
        self._hashes: dict[int, str] = {}

    def schema_for(self, last_segment: int) -> JSONValue:
        """Return the schema of an answer that may cite segments 1 to last_segment."""
        made = self._made.get(last_segment)
        if made is None:
            made = self._made[last_segment] = _object_schema(self._shape, last_segment, in_array=False)
        return made

    def hash_for(self, last_segment: int) -> str:
        """Return the SHA-256 of that schema, for the manifest."""
        made = self._hashes.get(last_segment)
        if made is None:
            made = self._hashes[last_segment] = hash_json(self.schema_for(last_segment))
        return made


def citation_limit(shape: ObjectShape) -> int:
    """Return the most segments that an object of this shape may cite."""
    leaves = sum(_count_leaves(part.shape) for part in shape.properties)
    return min(MAX_REPETITIONS, max(MAX_CITATIONS, leaves))


def string_limit(shape: ScalarShape) -> int:
    """Return the most characters that the decoder may write for a string of this shape."""
    longest = shape.max_length
    if longest is None:
        longest = max(MAX_STRING_CHARACTERS, shape.min_length or 0)
    return min(MAX_REPETITIONS, longest)


def array_limit(shape: ArrayShape) -> int:
    """Return the most items that the decoder may write for an array of this shape."""
    most = shape.max_items if shape.max_items is not None else max(MAX_ARRAY_ITEMS, shape.min_items)
    return min(MAX_REPETITIONS, most)


def is_cut_at(shape: ScalarShape | ArrayShape, length: int) -> bool:
    """Tell whether a text or list of this length ends where the decoder ends it, and not the contract."""
    if isinstance(shape, ArrayShape):
        return length >= array_limit(shape) != shape.max_items
    if shape.enum is not None or shape.format in _DECODED_FORMATS or _decoded_pattern(shape) is not None:
        return False
    return length >= string_limit(shape) != shape.max_length


def _count_leaves(shape: Shape) -> int:
    match shape:
        case ScalarShape():
            return 1
        case ArrayShape():
            return array_limit(shape) * _count_leaves(shape.items)
        case ChoiceShape():
            return max(_count_leaves(option) for option in shape.options)
        case ObjectShape():
            return 0


def _schema(shape: Shape, last: int, *, nullable: bool, in_array: bool = False) -> JSONValue:
    match shape:
        case ScalarShape():
            return _scalar_schema(shape, nullable=nullable)
        case ArrayShape():
            options = [_array_schema(shape, last)]
        case ObjectShape():
            options = [_object_schema(shape, last, in_array=in_array)]
        case ChoiceShape():
            options = [_schema(option, last, nullable=False, in_array=in_array) for option in shape.options]
    return _any_of([*options, _NULL] if nullable else options)


def _any_of(options: list[JSONValue]) -> JSONValue:
    return options[0] if len(options) == 1 else {"anyOf": options}


def _object_schema(shape: ObjectShape, last: int, *, in_array: bool) -> JSONValue:
    properties: dict[str, JSONValue] = {}
    if shape.is_citing:
        properties[CITE] = {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": last},
            "minItems": 1 if in_array or _states_something(shape) else 0,
            "maxItems": min(last, citation_limit(shape)),
        }
    for part in shape.properties:
        # every key is always answered: what the contract makes optional is null here and dropped later
        nullable = part.shape.nullable or not part.required
        properties[part.name] = _schema(part.shape, last, nullable=nullable)
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _states_something(shape: Shape) -> bool:
    """Tell whether a value of this shape always states something for the object that has it."""
    match shape:
        case ScalarShape():
            return not shape.nullable
        case ArrayShape():
            return shape.min_items > 0 and not shape.nullable and _states_something(shape.items)
        case ChoiceShape():
            return not shape.nullable and all(_states_something(option) for option in shape.options)
        case ObjectShape():
            return any(
                part.required and not isinstance(part.shape, ObjectShape) and _states_something(part.shape)
                for part in shape.properties
            )


def _array_schema(shape: ArrayShape, last: int) -> JSONValue:
    most = array_limit(shape)
    if most == 0:
        return {"type": "array", "items": _NULL, "maxItems": 0}
    return {
        "type": "array",
        "items": _schema(shape.items, last, nullable=shape.items.nullable, in_array=True),
        "minItems": shape.min_items,
        "maxItems": most,
    }


def _scalar_schema(shape: ScalarShape, *, nullable: bool) -> JSONValue:
    types: list[JSONValue] = [str(kind) for kind in shape.kinds]
    if nullable:
        types.append("null")
    if shape.enum is not None:
        values = [*shape.enum, None] if nullable else list(shape.enum)
        return {"type": types[0] if len(types) == 1 else types, "enum": values}
    options = [_kind_schema(shape, kind) for kind in shape.kinds]
    return _any_of([*options, _NULL] if nullable else options)


def _kind_schema(shape: ScalarShape, kind: ScalarKind) -> JSONValue:
    match kind:
        case ScalarKind.INTEGER:
            return {"type": "integer"} | _range(shape, INTEGER_LIMIT, 10**17)
        case ScalarKind.NUMBER:
            return {"type": "number"} | _range(shape, NUMBER_LIMIT, 10**15)
        case ScalarKind.BOOLEAN:
            return {"type": "boolean"}
        case ScalarKind.STRING:
            return {"type": "string"} | _text_words(shape)


def _range(shape: ScalarShape, usual: int, widest: int) -> dict[str, JSONValue]:
    """Return the contract's bounds where a decoder can count to them; the usual ones where it has none."""
    low, high = shape.minimum, shape.maximum
    if low is None and (high is None or high > -usual):
        low = -usual
    if high is None and (shape.minimum is None or shape.minimum < usual):
        high = usual
    return {
        name: bound
        for name, bound in (("minimum", low), ("maximum", high))
        if bound is not None and (bound == 0 or _LEAST_BOUND <= abs(bound) <= widest)
    }


def _text_words(shape: ScalarShape) -> dict[str, JSONValue]:
    if shape.format in _DECODED_FORMATS:
        return {"format": shape.format}
    pattern = _decoded_pattern(shape)
    if pattern is not None:
        return {"pattern": pattern}
    longest = string_limit(shape)
    return {"minLength": min(longest, shape.min_length or 1), "maxLength": longest}


def _decoded_pattern(shape: ScalarShape) -> str | None:
    return None if shape.pattern is None else portable_pattern(shape.pattern)
