"""Asked: a question's fields with what they mean, and the contract that they make.

In: fields. Out: the product's own Derivation. Never: renders a prompt; the product does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from models.builtin.world import Kind

from holocron.derivation.contract import Contract
from holocron.derivation.derivations import Derivation
from holocron.fingerprint import JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One field of a contract and what it means."""

    name: str
    #: name, kind, value, date, goods, list or column
    means: str
    #: the attribute or list, by kind
    keys: dict[str, str] = field(default_factory=dict)
    #: for lists: the field's name of each part
    parts: dict[str, str] = field(default_factory=dict)
    schema: JSONValue = None
    nullable: bool = True


@dataclass(frozen=True)
class Question:
    """A contract with its meaning."""

    kinds: tuple[Kind, ...]
    asked: tuple[Asked, ...]
    instructions: str
    optional: bool
    #: the nouns that an enum allows; empty if any
    nouns: tuple[str, ...] = ()
    #: attributes whose field has an unknown word for a name, with that word
    strange: dict[str, str] = field(default_factory=dict)
    #: the name of the array, where the question asks for every entity
    every: str = ""

    @cached_property
    def derivation(self) -> Derivation:
        """Return the question as the product knows it."""
        schema = object_of(
            {one.name: one.schema for one in self.asked},
            [one.name for one in self.asked if not (self.optional and one.nullable)],
        )
        if self.every:
            schema = object_of({self.every: {"type": "array", "items": schema}}, [self.every])
        return Derivation(
            name="facts", version="1", instructions=self.instructions, contract=Contract.parse(schema)
        )


def object_of(properties: dict[str, JSONValue], required: list[str]) -> dict[str, JSONValue]:
    """Return the schema of an object with these fields and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
