"""Shapes: a contract, resolved once into the few forms that can be decoded, cited and tabled.

In: nothing. Out: frozen trees that the specialiser, the prompt, grounding and the tables all read.
Never: holds a `$ref`, an `allOf` or a JSON Schema keyword that nobody below enforces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from holocron.derivation.grounding import Grounding

JSONScalar: TypeAlias = "bool | int | float | str | None"

#: the property that the specialised contract adds to every citing object
CITE = "cite"
#: what a SQL BIGINT holds, either way
MAX_INTEGER = 2**63 - 1
#: the most characters of a text and items of a list: llama.cpp's grammar converter, which Ollama uses, fails
#: or forgets the bound from 2,000 repetitions on
MAX_REPETITIONS = 1_999


class ScalarKind(StrEnum):
    """The JSON types of a leaf."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarShape:
    """A leaf: one value that is a claim."""

    kinds: tuple[ScalarKind, ...]
    nullable: bool = False
    #: the closed set of values, without null
    enum: tuple[JSONScalar, ...] | None = None
    format: str | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    #: inclusive bounds; where a number may also be an integer, those of a number
    minimum: int | float | None = None
    maximum: int | float | None = None
    #: the least support that is accepted
    ground: Grounding = Grounding.NORMALIZED
    #: other words for the values of the enum
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    description: str = ""

    @property
    def is_date(self) -> bool:
        """Tell whether values are ISO dates or date-times."""
        return self.format in ("date", "date-time")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayShape:
    """A list of one shape."""

    items: Shape
    nullable: bool = False
    min_items: int = 0
    max_items: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A named part of an object."""

    name: str
    shape: Shape
    #: whether the contract demands the key
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectShape:
    """An object with declared properties, in the contract's order."""

    properties: tuple[Property, ...]
    nullable: bool = False
    description: str = ""

    @property
    def is_citing(self) -> bool:
        """Tell whether the object holds leaves of its own and so carries `cite`."""
        return any(holds_leaves(part.shape) for part in self.properties)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceShape:
    """One of several shapes (`anyOf`, `oneOf`, or several JSON types)."""

    options: tuple[Shape, ...]
    nullable: bool = False
    description: str = ""


Shape: TypeAlias = "ScalarShape | ArrayShape | ObjectShape | ChoiceShape"


def holds_leaves(shape: Shape) -> bool:
    """Tell whether a property of this shape adds leaves to the object that has it.

    Objects cite for themselves, wherever they stand.
    """
    match shape:
        case ScalarShape():
            return True
        case ArrayShape():
            return holds_leaves(shape.items)
        case ObjectShape():
            return False
        case ChoiceShape():
            return any(holds_leaves(option) for option in shape.options)


def walk_properties(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Shape]]:
    """Yield every property below a shape with its path of names, parents first, in order."""
    match shape:
        case ObjectShape():
            for part in shape.properties:
                yield (*path, part.name), part.shape
                yield from walk_properties(part.shape, (*path, part.name))
        case ArrayShape():
            yield from walk_properties(shape.items, path)
        case ChoiceShape():
            for option in shape.options:
                yield from walk_properties(option, path)
        case ScalarShape():
            return
