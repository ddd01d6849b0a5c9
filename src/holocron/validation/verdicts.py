"""Verdicts: what became of an answer, and why.

In: nothing. Out: the frozen types that the judge makes and the store keeps.
Never: holds an accepted value without its claims.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from holocron.derivation.grounding import Grounding
from holocron.derivation.shapes import JSONScalar
from holocron.fingerprint import JSONValue


class Outcome(StrEnum):
    """Whether an answer is believed."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class FindingCode(StrEnum):
    """What can be wrong with an answer."""

    #: the text is not one JSON value
    NOT_JSON = "not_json"
    #: the value breaks the contract
    CONTRACT_BROKEN = "contract_broken"
    #: the answer was cut by the output limit or the window
    ANSWER_TRUNCATED = "answer_truncated"
    #: a value is as long as the decoder lets it grow, and may be cut
    BOUND_REACHED = "bound_reached"
    #: a value is stated and no line is cited for it
    CITATION_MISSING = "citation_missing"
    #: a citation names a line that was not shown
    CITATION_FOREIGN = "citation_foreign"
    #: a value does not stand in the lines that are cited for it
    UNSUPPORTED = "unsupported"


class NullReason(StrEnum):
    """Why a leaf is null."""

    #: all the evidence was read, and the model found nothing
    NOT_IN_EVIDENCE = "not_in_evidence"
    #: the budget cut segments off; the run's manifest names them
    EVIDENCE_NOT_READ = "evidence_not_read"
    #: parts of the evidence were hidden from the model
    REDACTED = "redacted"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where, in a sentence that a model can act on."""

    pointer: str
    code: FindingCode
    message: str

    def __str__(self) -> str:
        """Return place and sentence in one line."""
        return f"{self.pointer or '/'}: {self.message}"

    def to_json(self) -> dict[str, JSONValue]:
        """Return the finding as the store keeps it."""
        return {"pointer": self.pointer, "code": str(self.code), "message": self.message}


@dataclass(frozen=True, slots=True)
class Citation:
    """The place that a claim rests on: a span of an item of the job's bundle."""

    #: the segment's number, as the model wrote it
    segment: int
    #: index of the item in the bundle, from 0
    position: int
    #: code-point offsets into the item's text
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One leaf of an artifact, with its support or the reason of its absence."""

    pointer: str
    value: JSONScalar
    #: None for a null
    grounding: Grounding | None
    null_reason: NullReason | None
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Accepted with a value and its claims, or rejected with findings."""

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    value: JSONValue = None
    claims: tuple[Claim, ...] = ()
