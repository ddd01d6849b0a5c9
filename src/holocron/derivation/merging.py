"""Merging: schemas that must all hold for one value (`$ref`, its siblings, `allOf`, outer words) as one.

In: parts of a contract. Out: a whole, as tight as all of them where the shape needs it.
Never: decides what an answer is worth; the validator checks the contract as it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from holocron.derivation.grounding import Grounding
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue

Schema: TypeAlias = Mapping[str, JSONValue]


class Unsatisfiable(Exception):
    """Two parts leave no value over."""

    def __init__(self, reason: str, pointer: str) -> None:
        self.reason = reason
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Part:
    """A schema and the place where the contract has it."""

    schema: JSONValue
    pointer: str
    #: the references that were followed to come here from the value's own place
    opened: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlatPart:
    """A schema without `$ref` and `allOf`."""

    schema: Schema
    pointer: str
    opened: tuple[str, ...]

    def under(self, *keys: str | int) -> Part:
        """Return the schema below these keys as a part of its own; a value inside begins a new trail."""
        below: JSONValue = self.schema
        for key in keys:
            below = below[key]  # type: ignore[index]  # the caller has looked
        return Part(below, self.pointer + "".join(f"/{escape_pointer(str(key))}" for key in keys))


@dataclass(slots=True)
class Whole:
    """All that the contract says of one value."""

    pointer: str
    #: every keyword, but those that have schemas of other values below them
    words: dict[str, JSONValue] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    properties: dict[str, list[Part]] = field(default_factory=dict)
    items: list[Part] = field(default_factory=list)
    prefix_items: list[list[Part]] = field(default_factory=list)

    def place(self, keyword: str) -> str:
        """Return the pointer of a keyword, in the part that had it last."""
        return f"{self.places.get(keyword, self.pointer)}/{keyword}"


def merge_parts(parts: Sequence[FlatPart]) -> Whole:
    """Return what all the parts say together; a later part's words win where both cannot hold as one.

    Raises: Unsatisfiable where no value is left over, ContractInvalid where a property can never be stated.
    """
    whole = Whole(pointer=parts[0].pointer if parts else "")
    for part in parts:
        _take_children(part, whole)
        for keyword, value in part.schema.items():
            if keyword in ("properties", "items", "prefixItems"):
                continue
            place = f"{part.pointer}/{keyword}"
            if keyword in whole.words:
                value = _merge_keyword(keyword, whole.words[keyword], value, place)
            whole.words[keyword] = value
            whole.places[keyword] = part.pointer
    for part in parts:
        _check_closed(part, whole)
    return whole


def _take_children(part: FlatPart, whole: Whole) -> None:
    for name in _declared(part):
        whole.properties.setdefault(name, []).append(part.under("properties", name))
    first = part.schema.get("prefixItems", [])
    if not isinstance(first, (list, tuple)) or ("prefixItems" in part.schema and not first):
        raise ContractInvalid(
            "prefixItems must be a list with something in it", pointer=f"{part.pointer}/prefixItems"
        )
    for index in range(len(first)):
        if index == len(whole.prefix_items):
            whole.prefix_items.append([])
        whole.prefix_items[index].append(part.under("prefixItems", index))
    items = part.schema.get("items", True)
    if items is False:
        _merge_word(whole, "maxItems", len(first), part.pointer)
    elif "items" in part.schema:
        if isinstance(items, (list, tuple)):
            raise ContractInvalid(
                "items must be one schema",
                pointer=f"{part.pointer}/items",
                hint="A list goes under prefixItems.",
            )
        whole.items.append(part.under("items"))


def _declared(part: FlatPart) -> Schema:
    declared = part.schema.get("properties", {})
    if not isinstance(declared, Mapping):
        raise ContractInvalid("properties must be a map of schemas", pointer=f"{part.pointer}/properties")
    return declared


def _merge_word(whole: Whole, keyword: str, value: JSONValue, pointer: str) -> None:
    if keyword in whole.words:
        value = _merge_keyword(keyword, whole.words[keyword], value, pointer)
    whole.words[keyword] = value
    whole.places[keyword] = pointer


def _check_closed(part: FlatPart, whole: Whole) -> None:
    """Refuse a property that another part's `additionalProperties: false` forbids."""
    if part.schema.get("additionalProperties") is not False or "patternProperties" in part.schema:
        return
    for name, found in whole.properties.items():
        if name not in _declared(part):
            raise ContractInvalid(
                f"{name!r} can never be stated: {part.pointer or 'the root'} has additionalProperties false",
                pointer=found[0].pointer,
                hint="Where schemas are combined, close the outer one with unevaluatedProperties: false.",
            )


def _merge_keyword(keyword: str, held: JSONValue, value: JSONValue, place: str) -> JSONValue:
    if keyword in _HIGHEST:
        return _pick(max, held, value)
    if keyword in _LOWEST:
        return _pick(min, held, value)
    if keyword == "required":
        lists = isinstance(held, (list, tuple)) and isinstance(value, (list, tuple))
        return [*_as_list(held), *_as_list(value)] if lists else value
    if keyword in ("type", "enum"):
        both = _both_types(held, value) if keyword == "type" else _both_values(held, value)
        if not both:
            raise Unsatisfiable(
                f"no {keyword} satisfies both {show_value(held)} and {show_value(value)}", place
            )
        return both
    if keyword == "const" and not _both_values([held], [value]):
        raise Unsatisfiable(f"nothing is both {show_value(held)} and {show_value(value)}", place)
    if keyword == "x-ground" and held in _STRICTEST and value in _STRICTEST:
        return min(held, value, key=_STRICTEST.index)
    return value


_HIGHEST = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_LOWEST = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_STRICTEST: list[JSONValue] = [str(level) for level in Grounding]


def _pick(choose: Callable[..., JSONValue], held: JSONValue, value: JSONValue) -> JSONValue:
    if isinstance(held, (int, float)) and isinstance(value, (int, float)):
        return choose(held, value)
    return value


def _both_types(held: JSONValue, value: JSONValue) -> list[JSONValue]:
    first, second = _as_list(held), _as_list(value)
    both = [name for name in first if name in second or (name == "integer" and "number" in second)]
    return both + ["integer"] * ("integer" in second and "number" in first and "integer" not in both)


def _both_values(held: JSONValue, value: JSONValue) -> list[JSONValue]:
    keys = {value_key(entry) for entry in _as_list(value)}
    return [entry for entry in _as_list(held) if value_key(entry) in keys]


def value_key(value: JSONValue) -> object:
    """Return what is equal for values that JSON Schema calls equal: 1 and 1.0, but not 1 and true."""
    if isinstance(value, Mapping):
        return frozenset((name, value_key(entry)) for name, entry in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(value_key(entry) for entry in value)
    return isinstance(value, bool), value


def escape_pointer(name: str) -> str:
    """Return a name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def show_value(value: JSONValue, limit: int = 80) -> str:
    """Return a value for a sentence, cut to `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _as_list(value: JSONValue) -> list[JSONValue]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
