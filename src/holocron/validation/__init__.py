"""The validation room: whether an answer is believed."""

from __future__ import annotations

from holocron.validation.conform import ContractValidator
from holocron.validation.examples import work_example
from holocron.validation.judge import ShownEvidence, judge
from holocron.validation.verdicts import (
    Citation,
    Claim,
    Finding,
    FindingCode,
    NullReason,
    Outcome,
    Verdict,
)

__all__ = [
    "Citation",
    "Claim",
    "ContractValidator",
    "Finding",
    "FindingCode",
    "NullReason",
    "Outcome",
    "ShownEvidence",
    "Verdict",
    "judge",
    "work_example",
]
