"""Conforming: an answer taken apart into the contract's value and its cited leaves.

In: a parsed answer, the contract. Out: the value without `cite`, every leaf with the lines cited for it,
and findings for all that breaks the contract. Never: compares a value with the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jsonschema_rs

from holocron.derivation.contract import CITE, Contract
from holocron.derivation.copying import may_be_cut
from holocron.derivation.merging import escape_pointer, show_value
from holocron.derivation.shapes import (
    MAX_INTEGER,
    NOTHING,
    ChoiceShape,
    JSONScalar,
    ObjectShape,
    ScalarKind,
    ScalarShape,
    Shape,
)
from holocron.derivation.specialise import MAX_CITATIONS, citation_limit, is_copied, is_cut_at
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue
from holocron.validation.choosing import choose_option, has_kind, is_listed, is_storable
from holocron.validation.verdicts import Finding, FindingCode

__all__ = ["MAX_FINDINGS", "Conformed", "ContractValidator", "Leaf", "find_leaves"]

#: findings beyond these help neither the model nor a person
MAX_FINDINGS = 20
_MAX_POINTER = 200
_MAX_MESSAGE = 300


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
            self._validator = jsonschema_rs.Draft202012Validator(
                dict(contract.schema), validate_formats=True, retriever=_refuse_retrieval
            )
        except (ValueError, jsonschema_rs.ReferencingError) as problem:
            message = str(getattr(problem, "message", problem)).partition("\n")[0]
            pointer = _pointer(getattr(problem, "instance_path", []))
            raise ContractInvalid(message[:_MAX_MESSAGE], pointer=pointer) from problem

    def conform(self, answer: JSONValue, last_segment: int) -> Conformed:
        """Take an answer apart that may cite the segments 1 to last_segment."""
        taken = _Taking(last_segment=last_segment)
        value = taken.take(answer, self._shape, "", ())
        findings = taken.findings
        known = {finding.pointer for finding in findings}
        for error in self._validator.iter_errors(value):
            if len(findings) >= MAX_FINDINGS:
                break
            for one in _nearest_errors(error):
                pointer = _pointer(one.instance_path)
                if pointer not in known and len(findings) < MAX_FINDINGS:
                    findings.append(Finding(pointer, FindingCode.CONTRACT_BROKEN, _sentence(one.message)))
        return Conformed(value=value, leaves=taken.leaves, findings=findings)


def find_leaves(value: JSONValue, shape: Shape) -> list[Leaf]:
    """Return the leaves of an accepted value, each with the shape that it was judged by; nothing is cited."""
    taken = _Taking(last_segment=0)
    taken.take(value, shape, "", ())
    return taken.leaves


def _nearest_errors(error: jsonschema_rs.ValidationError) -> Sequence[jsonschema_rs.ValidationError]:
    """Return what is wrong in the one branch of a choice that is for values of this type, or the error.

    "abc is not valid under any of the schemas" tells a model nothing.
    """
    place = list(error.instance_path)
    near = [
        errors
        for errors in getattr(error.kind, "context", None) or ()
        if not any(one.kind.name == "type" and list(one.instance_path) == place for one in errors)
    ]
    return near[0] if len(near) == 1 and near[0] else (error,)


def _refuse_retrieval(uri: str) -> dict[str, object]:
    """Keep the validator off the network and the disk: a contract is whole in itself."""
    raise ValueError(f"$ref {uri!r} leaves the contract")


def _pointer(path: Sequence[str | int]) -> str:
    return _short("".join(f"/{escape_pointer(str(part))}" for part in path))


def _short(pointer: str) -> str:
    return pointer if len(pointer) <= _MAX_POINTER else pointer[: _MAX_POINTER - 1] + "…"


def _sentence(message: str) -> str:
    text = message if len(message) <= _MAX_MESSAGE else message[: _MAX_MESSAGE - 1] + "…"
    return text.rstrip(".") + "."


@dataclass(slots=True)
class _Taking:
    last_segment: int
    leaves: list[Leaf] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def take(self, answer: JSONValue, shape: Shape, pointer: str, cite: tuple[int, ...]) -> JSONValue:
        """Return the answer without `cite`, noting its leaves and what has another form than the shape.

        The shape counts even where the schema would let more pass: what has no leaves cannot be grounded.
        """
        if isinstance(shape, ScalarShape):
            return self._take_scalar(answer, shape, pointer, cite)
        if answer is None and pointer:
            self.leaves.append(Leaf(pointer, None, NOTHING, cite))
            return None
        if isinstance(shape, ChoiceShape):
            return self.take(answer, choose_option(answer, shape), pointer, cite)
        if isinstance(shape, ObjectShape):
            if isinstance(answer, Mapping):
                return self._take_object(answer, shape, pointer)
            return self._refuse(answer, pointer, "An object was expected.")
        if not isinstance(answer, (list, tuple)):
            return self._refuse(answer, pointer, "A list was expected.")
        if is_cut_at(shape, len(answer)):
            self._find(pointer, FindingCode.BOUND_REACHED, f"The list is cut at {len(answer)} items.")
        return [self.take(item, shape.items, f"{pointer}/{index}", cite) for index, item in enumerate(answer)]

    def _take_object(self, answer: Mapping[str, JSONValue], shape: ObjectShape, pointer: str) -> JSONValue:
        cite = self._take_cite(answer, shape, pointer) if shape.is_citing else ()
        value: dict[str, JSONValue] = {}
        known = 1 if CITE in answer and shape.is_citing else 0
        for part in shape.properties:
            name = part.name
            held = answer.get(name)
            taken = self.take(held, part.shape, f"{pointer}/{escape_pointer(name)}", cite)
            if name in answer:
                known += 1
                if held is not None or part.required or part.shape.nullable:
                    value[name] = taken
        if known != len(answer):
            self._find_unknown(answer, shape, pointer)
        return value

    def _find_unknown(self, answer: Mapping[str, JSONValue], shape: ObjectShape, pointer: str) -> None:
        declared = {part.name for part in shape.properties}
        for name in answer:
            if name not in declared and not (name == CITE and shape.is_citing):
                place = f"{pointer}/{escape_pointer(name)}"
                message = f"{name[:80]!r} is not a property of the contract."
                self._find(place, FindingCode.CONTRACT_BROKEN, message)

    def _take_cite(
        self, answer: Mapping[str, JSONValue], shape: ObjectShape, pointer: str
    ) -> tuple[int, ...]:
        cited = answer.get(CITE, [])
        numbers: dict[int, None] = {}
        for number in cited if isinstance(cited, (list, tuple)) else [cited]:
            if type(number) is int and 1 <= number <= self.last_segment:
                numbers[number] = None
            else:
                message = f"There is no line {str(number)[:40]}; the lines are 1 to {self.last_segment}."
                self._find(f"{pointer}/{CITE}", FindingCode.CITATION_FOREIGN, message)
        if len(numbers) > MAX_CITATIONS and len(numbers) > (most := citation_limit(shape)):
            message = f"{len(numbers)} lines are cited; cite at most {most}, those that state the values."
            self._find(f"{pointer}/{CITE}", FindingCode.CONTRACT_BROKEN, message)
        return tuple(numbers)

    def _take_scalar(
        self, value: JSONValue, shape: ScalarShape, pointer: str, cite: tuple[int, ...]
    ) -> JSONValue:
        if value is None:
            self.leaves.append(Leaf(pointer, None, shape, cite))
            return None
        if not isinstance(value, (str, int, float)) or not has_kind(value, shape):
            kinds = " or ".join(shape.kinds) or "null"
            return self._refuse(value, pointer, f"A value of the type {kinds} was expected.")
        if isinstance(value, float) and ScalarKind.NUMBER not in shape.kinds:
            # 3.0 is an integer to JSON Schema; it has one form from here on
            value = int(value)
        self.leaves.append(Leaf(pointer, value, shape, cite))
        if isinstance(value, str):
            self._check_text(value, shape, pointer)
        elif isinstance(value, int) and not -MAX_INTEGER <= value <= MAX_INTEGER:
            message = f"{str(value)[:40]} does not fit a 64-bit integer."
            self._find(pointer, FindingCode.CONTRACT_BROKEN, message)
        if shape.enum is not None and not is_listed(value, shape.enum):
            message = f"{show_value(value)} is none of the values that the contract allows."
            self._find(pointer, FindingCode.CONTRACT_BROKEN, message)
        return value

    def _check_text(self, value: str, shape: ScalarShape, pointer: str) -> None:
        if is_cut_at(shape, len(value)) or (is_copied(shape) and may_be_cut(value)):
            self._find(pointer, FindingCode.BOUND_REACHED, f"The text is cut at {len(value)} characters.")
        if shape.is_date and not is_storable(value, shape):
            message = f"{show_value(value)} is no {shape.format} that a database can hold."
            self._find(pointer, FindingCode.CONTRACT_BROKEN, message)

    def _refuse(self, answer: JSONValue, pointer: str, message: str) -> JSONValue:
        self._find(pointer, FindingCode.CONTRACT_BROKEN, message)
        return answer

    def _find(self, pointer: str, code: FindingCode, message: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(_short(pointer), code, message))
