"""Contracts: the JSON Schema of an answer, read once into a shape or refused by name and pointer.

In: a JSON Schema (2020-12) and a vocabulary. Out: a Contract. Never: calls a model or validates answers;
keywords without a place in the shape are left to the validator that checks every answer in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from holocron.derivation.merging import Part, Schema, Unsatisfiable, escape_pointer
from holocron.derivation.reader import MAX_RECURSION, Endless, Reader, Vocabulary
from holocron.derivation.shapes import CITE, ObjectShape
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue

__all__ = ["CITE", "MAX_RECURSION", "Contract", "Schema", "Vocabulary"]

#: maps and lists that may lie inside each other in a contract's text
MAX_NESTING = 120
#: values in a contract's text
MAX_VALUES = 200_000
#: numbers in a contract's text
MAX_NUMBER = 10**300

_SIZE_HINT = "Put fewer maps and lists inside each other, and let no alias or $ref lead back to itself."


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The schema of an answer, and the shape that was read from it."""

    schema: Schema
    shape: ObjectShape

    @classmethod
    def parse(cls, schema: JSONValue, vocabulary: Vocabulary | None = None) -> Contract:
        """Read a schema; its root must be an object with declared properties.

        Raises: ContractInvalid, naming the pointer, for what can never be satisfied or rendered.
        """
        if not isinstance(schema, Mapping):
            raise ContractInvalid(
                "a JSON Schema object was expected", hint="Write {type: object, properties: …}."
            )
        check_values(schema)
        try:
            shape = Reader(root=schema, vocabulary=vocabulary or {}).read([Part(schema, "")])
        except Endless as endless:
            raise ContractInvalid(
                "the schema contains itself without end",
                pointer=endless.pointer,
                hint="Do not require the property that leads back, or let it be null or an empty list.",
            ) from None
        except Unsatisfiable as problem:
            raise ContractInvalid(
                problem.reason, pointer=problem.pointer, hint="Take one of the two out."
            ) from None
        except RecursionError:
            raise ContractInvalid("the schema is nested too deep", hint=_SIZE_HINT) from None
        if not isinstance(shape, ObjectShape):
            raise ContractInvalid(
                "the answer must be an object",
                hint="Wrap it: an object with one property that holds the value or the array.",
            )
        return cls(schema=schema, shape=replace(shape, nullable=False))


def check_values(schema: JSONValue) -> None:
    """Refuse what is no JSON, or what a database and a model have no form for.

    Raises: ContractInvalid, naming the pointer.
    """
    left: list[tuple[object, str, int]] = [(schema, "", 0)]
    seen = 0
    while left:
        value, pointer, depth = left.pop()
        seen += 1
        if depth > MAX_NESTING or seen > MAX_VALUES:
            what = "nested too deep" if depth > MAX_NESTING else f"larger than {MAX_VALUES:,} values"
            raise ContractInvalid(f"it is {what}", pointer="/".join(pointer.split("/")[:8]), hint=_SIZE_HINT)
        match value:
            case str():
                _check_text(value, pointer)
            case Mapping():
                for name, part in value.items():
                    if not isinstance(name, str):
                        raise ContractInvalid(
                            f"the key {name!r} is not text", pointer=pointer, hint="Quote it."
                        )
                    _check_text(name, pointer)
                    left.append((part, f"{pointer}/{escape_pointer(name)}", depth + 1))
            case list() | tuple():
                left.extend((part, f"{pointer}/{index}", depth + 1) for index, part in enumerate(value))
            case int() | float():
                if not -MAX_NUMBER <= value <= MAX_NUMBER:
                    raise ContractInvalid("a number is out of range", pointer=pointer)
            case None:
                pass
            case _:
                what = f"{str(value)[:80]} is a {type(value).__name__}, not JSON"
                raise ContractInvalid(what, pointer=pointer, hint="Write it as text, in quotes.")


def _check_text(text: str, pointer: str) -> None:
    if not text.isprintable() and any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text):
        raise ContractInvalid("a text holds a NUL or half a character", pointer=pointer)
