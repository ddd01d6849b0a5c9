"""Derivations: versioned questions, ready to be asked.

In: a definition's parts. Out: a frozen Derivation with its hash, schemas and static prompt.
Never: reads files (see catalogue.py) or meets evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from holocron.derivation.contract import Contract, Vocabulary
from holocron.derivation.copying import copy_evidence
from holocron.derivation.prompt import (
    Prompt,
    WorkedExample,
    number_lines,
    render_instructions,
    render_messages,
)
from holocron.derivation.specialise import Specialiser
from holocron.errors import DerivationInvalid
from holocron.evidence import compile_patterns
from holocron.evidence.segments import Segment
from holocron.fingerprint import JSONValue, canonical_json, hash_json

#: what max_output_tokens and repairs may be
OUTPUT_TOKENS = range(16, 32_769)
REPAIRS = range(6)
#: letters, digits, spaces and signs in all neighbourhoods; short, for a pattern may take exponential time
_NEIGHBOURS = "aB 1_2., \n-x"
_PATTERN_HINT = "Write a pattern of Python's re module that takes up a character at least."

#: names become table and view names in every database, with room for a child's suffix
NAME_PATTERN = re.compile(r"(?!holocron_|sqlite_)[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivationOptions:
    """How a derivation is worked."""

    #: tokens that one answer may take
    max_output_tokens: int = 1024
    #: how often the model is asked again with the findings
    repairs: int = 1
    #: regular expressions whose matches the model never sees
    redact: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what a stored definition, a run or a redaction could not use."""
        for name, allowed in (("max_output_tokens", OUTPUT_TOKENS), ("repairs", REPAIRS)):
            value = getattr(self, name)
            if type(value) is not int or value not in allowed:
                raise DerivationInvalid(
                    f"options.{name} must be a whole number from {allowed[0]} to {allowed[-1]}"
                )
        redact: object = self.redact
        if not isinstance(redact, (list, tuple)) or not all(isinstance(pattern, str) for pattern in redact):
            raise DerivationInvalid("options.redact must be a list of regular expressions")
        try:
            expressions = compile_patterns(self.redact)
        except ValueError as problem:
            raise DerivationInvalid(f"options.redact: {problem}", hint=_PATTERN_HINT) from problem
        for expression in expressions:
            if not all(match[0] for match in expression.finditer(_NEIGHBOURS)):
                raise DerivationInvalid(
                    f"options.redact: the redaction pattern {expression.pattern!r} matches where no text is",
                    hint=_PATTERN_HINT,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A worked example as its author wrote it."""

    subject: str
    evidence: str
    answer: Mapping[str, JSONValue]


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """A versioned question: instructions, contract, options."""

    name: str
    version: str
    instructions: str
    contract: Contract
    vocabulary: Vocabulary = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    options: DerivationOptions = field(default_factory=DerivationOptions)
    #: globs, relative to the project, of the evidence that is meant; not part of the question's hash
    evidence: tuple[str, ...] = ()
    #: set by the pipeline once the examples have been checked
    worked_examples: tuple[WorkedExample, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a name that cannot name a table, and words that cannot be kept."""
        if not NAME_PATTERN.fullmatch(self.name):
            raise DerivationInvalid(
                f"a derivation cannot be called {self.name!r}",
                hint="Use at most 40 lower-case letters, digits and _; begin with a letter, not holocron_.",
            )
        try:
            canonical_json(self.definition).encode()
        except (TypeError, ValueError, RecursionError) as problem:
            raise DerivationInvalid(
                f"{self.name!r} cannot be kept as JSON: {problem}",
                hint="Use whole characters, finite numbers, true, false, null, and lists and maps of these.",
            ) from problem

    @cached_property
    def definition(self) -> dict[str, JSONValue]:
        """Return all that the question consists of, as the store keeps it."""
        return {
            "name": self.name,
            "version": self.version,
            "instructions": self.instructions,
            "contract": self.contract.schema,
            "vocabulary": {
                name: {value: list(words) for value, words in entries.items()}
                for name, entries in self.vocabulary.items()
            },
            "examples": [
                {"subject": example.subject, "evidence": example.evidence, "answer": example.answer}
                for example in self.examples
            ],
            "options": {
                "max_output_tokens": self.options.max_output_tokens,
                "repairs": self.options.repairs,
                "redact": list(self.options.redact),
            },
        }

    @cached_property
    def derivation_hash(self) -> str:
        """Return the SHA-256 of the definition; the order of the contract's properties counts."""
        return hash_json([self.definition, _key_order(self.contract.schema)])

    @cached_property
    def contract_hash(self) -> str:
        """Return the SHA-256 of the contract, vocabulary and property order: what the tables depend on."""
        order = _key_order(self.contract.schema)
        return hash_json([self.definition["contract"], self.definition["vocabulary"], order])

    @cached_property
    def system_message(self) -> str:
        """Return the static message that every prompt of this derivation begins with."""
        return render_instructions(self.instructions, self.contract.shape)

    @cached_property
    def specialiser(self) -> Specialiser:
        """Return the maker of this contract's decoding schemas."""
        return Specialiser(self.contract)

    def render_prompt(
        self, subject: str, segments: Sequence[Segment], *, copied_pieces: int | None = None
    ) -> Prompt:
        """Return the prompt over the segments that are shown; they are numbered from 1 without a gap.

        copied_pieces: the most pieces that the pattern of what may be copied has; None is as many as needed.
        """
        return Prompt(
            messages=render_messages(
                self.system_message, self.worked_examples, subject, number_lines(segments)
            ),
            schema=self.specialiser.schema_for(
                segments[-1].number if segments else 1,
                copy_evidence(segments, copied_pieces) if self.specialiser.copies and segments else None,
            ),
            max_output_tokens=self.options.max_output_tokens,
        )


def _key_order(schema: JSONValue) -> list[JSONValue]:
    """Return the property names of a schema in the order of their writing, depth first.

    Canonical JSON sorts keys; the order in which a model is asked is part of the question, and the order of
    every other map is not.
    """
    order: list[JSONValue] = []
    if isinstance(schema, Mapping):
        for key in sorted(schema):
            below = schema[key]
            if key == "properties" and isinstance(below, Mapping):
                order.append(list(below))
                below = list(below.values())
            order.extend(_key_order(below))
    elif isinstance(schema, (list, tuple)):
        for value in schema:
            order.extend(_key_order(value))
    return order
