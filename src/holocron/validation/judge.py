"""The judge: whether to believe an answer.

In: a completion, the contract, the evidence that was shown. Out: a verdict, with claims or findings.
Never: lets through a value that the evidence does not support as the contract asks, or mends an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from holocron.derivation.grounding import Grounding
from holocron.derivation.shapes import JSONScalar
from holocron.evidence import EvidenceBundle, Segment, read_quote, redact
from holocron.llm.model import Completion, FinishReason
from holocron.validation.conform import MAX_FINDINGS, ContractValidator, Leaf
from holocron.validation.ground import ground_value
from holocron.validation.parse import parse_answer
from holocron.validation.verdicts import (
    Citation,
    Claim,
    Finding,
    FindingCode,
    NullReason,
    Outcome,
    Verdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEvidence:
    """What the model was shown of a bundle: segments 1 to n, and what was kept from it."""

    bundle: EvidenceBundle
    segments: tuple[Segment, ...]
    #: numbers of the segments that the budget cut
    not_read: tuple[int, ...] = ()
    #: what the derivation hides
    redact: tuple[re.Pattern[str], ...] = ()
    #: quotes that were asked for before; several leaves cite the same segment
    _quotes: dict[int, str] = field(default_factory=dict, repr=False, compare=False)

    def quote(self, number: int) -> str:
        """Return the text that grounding compares with: one segment, decoded, as the model could see it."""
        quote = self._quotes.get(number)
        if quote is None:
            segment = self.segments[number - 1]
            item = self.bundle.items[segment.position]
            quote = read_quote(item.text[segment.start : segment.end], item.media_type)
            quote = self._quotes[number] = redact(quote, self.redact) if self.redact else quote
        return quote

    def null_reason(self) -> NullReason:
        """Return why a leaf may be null: the system's reason, the model is not asked."""
        if self.not_read:
            return NullReason.EVIDENCE_NOT_READ
        if self.redact and any("[redacted]" in segment.text for segment in self.segments):
            return NullReason.REDACTED
        return NullReason.NOT_IN_EVIDENCE


def judge(completion: Completion, validator: ContractValidator, shown: ShownEvidence) -> Verdict:
    """Return the verdict over one completion."""
    if completion.finish_reason is FinishReason.LENGTH:
        message = f"The answer was cut after {completion.output_tokens} tokens; answer more briefly."
        return _reject([Finding("", FindingCode.ANSWER_TRUNCATED, message)])
    answer, problem = parse_answer(completion.text)
    if problem is not None:
        return _reject([problem])
    conformed = validator.conform(answer, len(shown.segments))
    findings = conformed.findings
    claims: list[Claim] = []
    for leaf in conformed.leaves:
        claim = _claim(leaf, shown)
        if isinstance(claim, Finding):
            findings.append(claim)
        else:
            claims.append(claim)
    if findings:
        return _reject(findings)
    return Verdict(outcome=Outcome.ACCEPTED, value=conformed.value, claims=tuple(claims))


def support_of(
    value: JSONScalar, quotes: Sequence[str], *, synonyms: Sequence[str], is_date: bool
) -> tuple[Grounding, tuple[int, ...]]:
    """Return the level at which quotes support a value, and the indexes of those that do."""
    assert value is not None
    support = ground_value(value, quotes, synonyms=synonyms, is_date=is_date)
    return support.grounding, support.quotes


def _reject(findings: Iterable[Finding]) -> Verdict:
    return Verdict(outcome=Outcome.REJECTED, findings=tuple(findings)[:MAX_FINDINGS])


def _claim(leaf: Leaf, shown: ShownEvidence) -> Claim | Finding:
    if leaf.value is None:
        return Claim(leaf.pointer, None, None, shown.null_reason(), ())
    if not leaf.cite:
        return Finding(
            leaf.pointer, FindingCode.CITATION_MISSING, f"No line is cited for {_show(leaf.value)}."
        )
    synonyms = leaf.shape.synonyms.get(leaf.value, ()) if isinstance(leaf.value, str) else ()
    quotes = [shown.quote(number) for number in leaf.cite]
    level, found = support_of(leaf.value, quotes, synonyms=synonyms, is_date=leaf.shape.is_date)
    if not level.satisfies(leaf.shape.ground):
        return Finding(leaf.pointer, FindingCode.UNSUPPORTED, _unsupported(leaf, level, synonyms, shown))
    citations = tuple(_citation(leaf.cite[index], shown) for index in found)
    return Claim(leaf.pointer, leaf.value, level, None, citations)


def _citation(number: int, shown: ShownEvidence) -> Citation:
    segment = shown.segments[number - 1]
    return Citation(number, segment.position, segment.start, segment.end)


def _unsupported(leaf: Leaf, level: Grounding, synonyms: Sequence[str], shown: ShownEvidence) -> str:
    cited = ", ".join(map(str, leaf.cite))
    lines = f"line {cited}" if len(leaf.cite) == 1 else f"lines {cited}"
    if level is not Grounding.INFERRED:
        return f"{_show(leaf.value)} does not stand word for word in {lines}."
    others = [segment.number for segment in shown.segments if segment.number not in leaf.cite]
    quotes = [shown.quote(number) for number in others]
    level, found = support_of(leaf.value, quotes, synonyms=synonyms, is_date=leaf.shape.is_date)
    place = ""
    if found and level.satisfies(leaf.shape.ground):
        place = f"; it stands in line {others[found[0]]}"
    return f"{_show(leaf.value)} does not stand in {lines}{place}."


def _show(value: JSONScalar) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 120 else text[:119] + "…"
