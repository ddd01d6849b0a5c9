"""Conforming: an answer taken apart into the contract's value and its cited leaves.

In: a parsed answer, the contract. Out: the value without `cite`, every leaf with the lines cited for it,
and findings for all that breaks the contract. Never: compares a value with the evidence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jsonschema_rs

from holocron.derivation.contract import CITE, Contract
from holocron.derivation.shapes import (
    ArrayShape,
    ChoiceShape,
    JSONScalar,
    ObjectShape,
    ScalarKind,
    ScalarShape,
    Shape,
    holds_leaves,
)
from holocron.derivation.specialise import MAX_ARRAY_ITEMS, string_limit
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue
from holocron.validation.verdicts import Finding, FindingCode

#: what a SQL BIGINT holds
MAX_INTEGER = 2**63 - 1
#: findings beyond these help neither the model nor a person
MAX_FINDINGS = 20

_UNANSWERED = ScalarShape(kinds=(), nullable=True)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One scalar of the answer, where it stands, and the lines that its object cites."""

    pointer: str
    value: JSONScalar
    shape: ScalarShape
    cite: tuple[int, ...]


@dataclass(slots=True)
class Conformed:
    """An answer taken apart."""

    value: JSONValue
    leaves: list[Leaf] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class ContractValidator:
    """Checks answers against one contract, in full: every keyword of JSON Schema 2020-12 counts."""

    def __init__(self, contract: Contract) -> None:
        """Compile the contract.

        Raises: ContractInvalid, naming the pointer, where it is no JSON Schema.
        """
        self._shape = contract.shape
        try:
            jsonschema_rs.meta.validate(contract.schema)
            self._validator = jsonschema_rs.Draft202012Validator(
                contract.schema, validate_formats=True, retriever=_refuse_retrieval
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as problem:
            path = getattr(problem, "instance_path", [])
            raise ContractInvalid(
                getattr(problem, "message", str(problem)), pointer=_pointer(path)
            ) from problem

    def conform(self, answer: JSONValue, last_segment: int) -> Conformed:
        """Take an answer apart that may cite the segments 1 to last_segment."""
        taken = _Taking(last_segment=last_segment)
        value = taken.take(answer, self._shape, "", ())
        findings = taken.findings
        for error in self._validator.iter_errors(value):
            findings.append(
                Finding(_pointer(error.instance_path), FindingCode.CONTRACT_BROKEN, _sentence(error.message))
            )
            if len(findings) >= MAX_FINDINGS:
                break
        return Conformed(value=value, leaves=taken.leaves, findings=findings)


def _refuse_retrieval(uri: str) -> JSONValue:
    """Keep the validator off the network and the disk: a contract is whole in itself."""
    raise ValueError(f"$ref {uri!r} leaves the contract")


def _pointer(path: Sequence[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _sentence(message: str) -> str:
    text = message if len(message) <= 300 else message[:300] + "…"
    return text.rstrip(".") + "."


@dataclass(slots=True)
class _Taking:
    last_segment: int
    leaves: list[Leaf] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def take(self, answer: JSONValue, shape: Shape, pointer: str, cite: tuple[int, ...]) -> JSONValue:
        """Return the answer without `cite`, noting its leaves; what does not fit the shape is kept as it is.

        The validator reports what does not fit, so nothing is reported twice here.
        """
        if isinstance(shape, ChoiceShape):
            shape = _choose(answer, shape)
        if isinstance(shape, ObjectShape) and isinstance(answer, Mapping):
            return self._take_object(answer, shape, pointer)
        if isinstance(shape, ArrayShape) and isinstance(answer, (list, tuple)):
            if shape.max_items is None and len(answer) >= max(MAX_ARRAY_ITEMS, shape.min_items):
                self._find(pointer, FindingCode.BOUND_REACHED, f"The list is cut at {len(answer)} items.")
            return [
                self.take(item, shape.items, f"{pointer}/{index}", cite) for index, item in enumerate(answer)
            ]
        if isinstance(shape, ScalarShape) and (
            answer is None or isinstance(answer, (str, int, float, bool))
        ):
            self._take_scalar(answer, shape, pointer, cite)
        elif answer is None and holds_leaves(shape):
            self.leaves.append(Leaf(pointer, None, _UNANSWERED, cite))
        return answer

    def _take_object(self, answer: Mapping[str, JSONValue], shape: ObjectShape, pointer: str) -> JSONValue:
        cite = self._take_cite(answer, pointer) if shape.is_citing else ()
        value: dict[str, JSONValue] = {}
        declared = {part.name for part in shape.properties}
        for name in answer:
            if name not in declared and not (name == CITE and shape.is_citing):
                place = pointer + _pointer([name])
                self._find(place, FindingCode.CONTRACT_BROKEN, f"{name!r} is not a property of the contract.")
        for part in shape.properties:
            place = pointer + _pointer([part.name])
            held = answer.get(part.name)
            taken = self.take(held, part.shape, place, cite)
            if part.name in answer and (held is not None or part.required or part.shape.nullable):
                value[part.name] = taken
        return value

    def _take_cite(self, answer: Mapping[str, JSONValue], pointer: str) -> tuple[int, ...]:
        cited = answer.get(CITE, [])
        numbers: list[int] = []
        for number in cited if isinstance(cited, (list, tuple)) else [cited]:
            if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= self.last_segment:
                self._find(
                    f"{pointer}/{CITE}",
                    FindingCode.CITATION_FOREIGN,
                    f"There is no line {str(number)[:40]}; the lines are 1 to {self.last_segment}.",
                )
            elif number not in numbers:
                numbers.append(number)
        return tuple(numbers)

    def _take_scalar(self, value: JSONScalar, shape: ScalarShape, pointer: str, cite: tuple[int, ...]) -> None:
        self.leaves.append(Leaf(pointer, value, shape, cite))
        if isinstance(value, str):
            self._check_text(value, shape, pointer)
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_INTEGER:
            self._find(pointer, FindingCode.CONTRACT_BROKEN, f"{value} does not fit a 64-bit integer.")

    def _check_text(self, value: str, shape: ScalarShape, pointer: str) -> None:
        if shape.max_length is None and shape.enum is None and len(value) >= string_limit(shape):
            self._find(pointer, FindingCode.BOUND_REACHED, f"The text is cut at {len(value)} characters.")
        if not value.isprintable() and any(ch == "\x00" or "\ud800" <= ch <= "\udfff" for ch in value):
            self._find(pointer, FindingCode.CONTRACT_BROKEN, "The text holds a NUL or half a character.")
        if shape.format == "date" and ScalarKind.STRING in shape.kinds:
            try:
                dt.date.fromisoformat(value)
            except ValueError:
                self._find(pointer, FindingCode.CONTRACT_BROKEN, f"{value[:40]!r} is not a calendar date.")

    def _find(self, pointer: str, code: FindingCode, message: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(pointer, code, message))


def _choose(answer: JSONValue, shape: ChoiceShape) -> Shape:
    """Return the option that an answer was written for: the first whose form it has."""
    for option in shape.options:
        match option:
            case ObjectShape() if isinstance(answer, Mapping):
                names = {part.name for part in option.properties}
                if answer.keys() - {CITE} <= names:
                    return option
            case ArrayShape() if isinstance(answer, (list, tuple)):
                return option
            case ScalarShape() if isinstance(answer, (str, int, float)) and _has_kind(answer, option):
                return option
            case ChoiceShape():
                return _choose(answer, option)
            case _:
                continue
    return shape.options[0]


def _has_kind(value: str | int | float, shape: ScalarShape) -> bool:
    if shape.enum is not None:
        return value in shape.enum
    if isinstance(value, bool):
        return ScalarKind.BOOLEAN in shape.kinds
    if isinstance(value, str):
        return ScalarKind.STRING in shape.kinds
    if isinstance(value, int):
        return ScalarKind.INTEGER in shape.kinds or ScalarKind.NUMBER in shape.kinds
    return ScalarKind.NUMBER in shape.kinds
