"""Specialisation: a contract made into the schema of one job's answer.

In: a contract's shape and the number of the bundle's last shown segment. Out: a decoding schema in which
every citing object begins with `cite` and nothing is unbounded. Never: loosens the contract, which is
checked in full afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

from holocron.derivation.contract import CITE, Contract
from holocron.derivation.copying import Copied
from holocron.derivation.grounding import Grounding
from holocron.derivation.patterns import portable_pattern
from holocron.derivation.shapes import (
    MAX_REPETITIONS,
    ArrayShape,
    ChoiceShape,
    ObjectShape,
    ScalarKind,
    ScalarShape,
    Shape,
    walk_properties,
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

#: the most integers that a verbatim leaf is given to choose from; among more, grounding alone holds
MAX_INTEGERS = 256
#: the definition that verbatim strings refer to
_COPIED = "copied"
#: formats that JSON-schema decoders write by construction; others are left to the validator
_DECODED_FORMATS = frozenset({"date", "date-time", "time", "uuid"})
_NULL: JSONValue = {"type": "null"}
#: llguidance fails to count in bounds nearer to 0 than this, and in those beyond the widest below
_LEAST_BOUND = 1e-9


class Specialiser:
    """Makes and remembers the decoding schemas of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._shape = contract.shape
        self._made: dict[int, JSONValue] = {}
        self._hashes: dict[int, str] = {}
        #: whether some leaf must stand word for word, so that the evidence itself enters the schema
        self.copies = any(is_copied(shape) for _, shape in walk_properties(contract.shape))

    def schema_for(self, last_segment: int, copied: Copied | None = None) -> JSONValue:
        """Return the schema of an answer that may cite segments 1 to last_segment.

        copied: what verbatim leaves may hold; without it they are held to their type alone.
        """
        if copied is not None and self.copies:
            return _root_schema(self._shape, _Scope(last_segment, copied))
        made = self._made.get(last_segment)
        if made is None:
            made = self._made[last_segment] = _root_schema(self._shape, _Scope(last_segment, None))
        return made

    def hash_of(self, schema: JSONValue) -> str:
        """Return the SHA-256 of a schema that was made here, for the manifest."""
        if self.copies:
            return hash_json(schema)
        # those that hold no evidence are made once, and live as long as this
        made = self._hashes.get(id(schema))
        if made is None:
            made = self._hashes[id(schema)] = hash_json(schema)
        return made


@dataclass(frozen=True, slots=True)
class _Scope:
    """What of a job enters its schema."""

    last: int
    copied: Copied | None


def is_copied(shape: Shape) -> bool:
    """Tell whether a leaf is a free string or an integer that must stand in the evidence word for word."""
    if isinstance(shape, ArrayShape):
        return is_copied(shape.items)
    if isinstance(shape, ChoiceShape):
        return any(is_copied(option) for option in shape.options)
    return (
        isinstance(shape, ScalarShape)
        and shape.ground is Grounding.VERBATIM
        and shape.enum is None
        and (shape.kinds == (ScalarKind.INTEGER,) or _is_free_text(shape))
    )


def _is_free_text(shape: ScalarShape) -> bool:
    return (
        shape.kinds == (ScalarKind.STRING,)
        and shape.format is None
        and shape.pattern is None
        # longer values than a copied run can be
        and string_limit(shape) <= MAX_STRING_CHARACTERS
    )


def _root_schema(shape: ObjectShape, scope: _Scope) -> JSONValue:
    schema = _object_schema(shape, scope, in_array=False)
    if scope.copied is not None and scope.copied.pattern is not None:
        schema["$defs"] = {_COPIED: {"type": "string", "pattern": scope.copied.pattern}}
    return schema


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
    if length < MAX_STRING_CHARACTERS:  # every bound that is not the contract's own is at least this
        return False
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


def _schema(shape: Shape, scope: _Scope, *, nullable: bool, in_array: bool = False) -> JSONValue:
    match shape:
        case ScalarShape():
            return _scalar_schema(shape, scope, nullable=nullable)
        case ArrayShape():
            options = [_array_schema(shape, scope)]
        case ObjectShape():
            options = [_object_schema(shape, scope, in_array=in_array)]
        case ChoiceShape():
            options = [_schema(option, scope, nullable=False, in_array=in_array) for option in shape.options]
    return _any_of([*options, _NULL] if nullable else options)


def _any_of(options: list[JSONValue]) -> JSONValue:
    return options[0] if len(options) == 1 else {"anyOf": options}


def _object_schema(shape: ObjectShape, scope: _Scope, *, in_array: bool) -> dict[str, JSONValue]:
    properties: dict[str, JSONValue] = {}
    if shape.is_citing:
        properties[CITE] = {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": scope.last},
            "minItems": 1 if in_array or _states_something(shape) else 0,
            "maxItems": min(scope.last, citation_limit(shape)),
        }
    for part in shape.properties:
        # every key is always answered: what the contract makes optional is null here and dropped later
        nullable = part.shape.nullable or not part.required
        properties[part.name] = _schema(part.shape, scope, nullable=nullable)
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


def _array_schema(shape: ArrayShape, scope: _Scope) -> JSONValue:
    most = array_limit(shape)
    if most == 0:
        return {"type": "array", "items": _NULL, "maxItems": 0}
    return {
        "type": "array",
        "items": _schema(shape.items, scope, nullable=shape.items.nullable, in_array=True),
        "minItems": shape.min_items,
        "maxItems": most,
    }


def _copied_schema(shape: ScalarShape, copied: Copied) -> JSONValue:
    """Return the schema that only the evidence's own words or integers satisfy, where there are any."""
    if shape.kinds == (ScalarKind.STRING,):
        return {"$ref": f"#/$defs/{_COPIED}"} if copied.pattern is not None else None
    if len(copied.integers) > MAX_INTEGERS:
        return None
    low = shape.minimum if shape.minimum is not None else -INTEGER_LIMIT
    high = shape.maximum if shape.maximum is not None else INTEGER_LIMIT
    fitting = [number for number in copied.integers if low <= number <= high]
    return {"type": "integer", "enum": fitting} if fitting else None


def _scalar_schema(shape: ScalarShape, scope: _Scope, *, nullable: bool) -> JSONValue:
    copied = _copied_schema(shape, scope.copied) if scope.copied is not None and is_copied(shape) else None
    if copied is not None:
        return _any_of([copied, _NULL] if nullable else [copied])
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
