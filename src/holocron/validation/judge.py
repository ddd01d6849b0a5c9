"""The judge: whether to believe an answer.

In: a completion, the contract, the evidence that was shown. Out: a verdict, with claims or findings.
Never: lets through a value that the evidence does not support as the contract asks, or mends an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from holocron.derivation.grounding import Grounding
from holocron.derivation.merging import show_value
from holocron.derivation.specialise import MAX_CITATIONS
from holocron.evidence import REDACTED, EvidenceBundle, Segment, read_quote, redact
from holocron.llm.model import Completion, FinishReason
from holocron.validation.conform import MAX_FINDINGS, ContractValidator, Leaf
from holocron.validation.ground import ground_leaf
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

#: lines in which a value that was not found is looked for, to say where it stands
_MAX_SEARCHED = 1_000
#: characters of what an answer may repeat, and of the repetition that is one
_LONGEST_UNIT = 200
_LEAST_LOOP = 30
#: characters of a value that a finding shows
_MAX_SHOWN = 120


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
        """Return the text that grounding compares with: one segment, decoded, as the model could see it.

        What is hidden is a NUL here: no value holds one, so none is grounded on the word that hides it.
        """
        quote = self._quotes.get(number)
        if quote is None:
            quote = self.full_quote(number)
            if self.redact:
                quote = redact(quote, self.redact).replace(REDACTED, "\0")
            self._quotes[number] = quote
        return quote

    def full_quote(self, number: int) -> str:
        """Return one segment, decoded, with what the derivation hides."""
        segment = self.segments[number - 1]
        item = self.bundle.items[segment.position]
        return read_quote(item.text[segment.start : segment.end], item.media_type, item.text)

    def null_reason(self) -> NullReason:
        """Return why a leaf may be null: the system's reason, the model is not asked."""
        if self.not_read:
            return NullReason.EVIDENCE_NOT_READ
        if self.redact and any(REDACTED in segment.text for segment in self.segments):
            return NullReason.REDACTED
        return NullReason.NOT_IN_EVIDENCE


def judge(
    completion: Completion, validator: ContractValidator, shown: ShownEvidence, *, limit_tokens: int = 0
) -> Verdict:
    """Return the verdict over one completion.

    limit_tokens: the most that its answer could have; 0 where that is not known.
    """
    if completion.finish_reason is FinishReason.LENGTH:
        message = _describe_cut(completion, limit_tokens)
        return _reject([Finding("", FindingCode.ANSWER_TRUNCATED, message)])
    answer, problem = parse_answer(completion.text)
    if problem is not None:
        return _reject([problem])
    conformed = validator.conform(answer, len(shown.segments))
    findings = conformed.findings
    claims: list[Claim] = []
    null_reason = shown.null_reason()
    for leaf in conformed.leaves:
        value = leaf.value
        if value is None:
            claims.append(Claim(leaf.pointer, None, None, null_reason, ()))
            continue
        claim = _claim(leaf, value, shown)
        if not isinstance(claim, Finding):
            claims.append(claim)
        elif len(findings) < MAX_FINDINGS:
            findings.append(claim)
        else:
            break
    if findings:
        return _reject(findings)
    return Verdict(outcome=Outcome.ACCEPTED, value=conformed.value, claims=tuple(claims))


def _reject(findings: Iterable[Finding]) -> Verdict:
    return Verdict(outcome=Outcome.REJECTED, findings=tuple(findings)[:MAX_FINDINGS])


def _describe_cut(completion: Completion, limit_tokens: int) -> str:
    """Return what ended an answer that was cut, and what to do otherwise."""
    repeats = _ends_repeating(completion.text)
    said = "The answer repeated itself and was cut" if repeats else "The answer was cut"
    said += f" after {completion.output_tokens} tokens"
    if 0 < limit_tokens <= completion.output_tokens:
        said += ", its max_output_tokens"
    elif limit_tokens:
        # some engines break a repetition off by themselves
        ended = "the engine ended it" if repeats else "the window was full"
        said += f" of its {limit_tokens}: {ended}"
    return f"{said}; {'say each thing once' if repeats else 'answer more briefly'}."


def _ends_repeating(text: str) -> bool:
    """Tell whether a text ends with the same few words four times or more."""
    for unit in range(1, min(_LONGEST_UNIT, len(text) // 4) + 1):
        tail = text[-max(4 * unit, _LEAST_LOOP) :]
        if len(tail) >= _LEAST_LOOP and tail[unit:] == tail[:-unit]:
            return True
    return False


def _claim(leaf: Leaf, value: str | int | float, shown: ShownEvidence) -> Claim | Finding:
    if not leaf.cite:
        message = f"No line is cited for {show_value(value, _MAX_SHOWN)}."
        return Finding(leaf.pointer, FindingCode.CITATION_MISSING, message)
    level, found = _support(leaf, value, leaf.cite, shown)
    # true and false never stand in a text
    least = Grounding.INFERRED if isinstance(value, bool) else leaf.shape.ground
    if not level.satisfies(least):
        return Finding(leaf.pointer, FindingCode.UNSUPPORTED, _unsupported(leaf, value, level, shown))
    return Claim(leaf.pointer, value, level, None, tuple(_citation(number, shown) for number in found))


def _support(
    leaf: Leaf, value: str | int | float, numbers: Sequence[int], shown: ShownEvidence
) -> tuple[Grounding, tuple[int, ...]]:
    """Return the level at which lines support a leaf's value, and the numbers of those that do."""
    support = ground_leaf(value, [shown.quote(number) for number in numbers], leaf.shape)
    level, lines = support.grounding, tuple(numbers[index] for index in support.quotes)
    if shown.redact and level is not Grounding.INFERRED:
        # verify reads the whole quote, where a word may go on behind what is hidden
        support = ground_leaf(value, [shown.full_quote(number) for number in lines], leaf.shape)
        level = level if support.grounding.satisfies(level) else support.grounding
        lines = tuple(lines[index] for index in support.quotes)
    return level, lines


def _citation(number: int, shown: ShownEvidence) -> Citation:
    segment = shown.segments[number - 1]
    return Citation(number, segment.position, segment.start, segment.end)


def _unsupported(leaf: Leaf, value: str | int | float, level: Grounding, shown: ShownEvidence) -> str:
    numbers = ", ".join(map(str, leaf.cite[:MAX_CITATIONS])) + (
        ", …" if len(leaf.cite) > MAX_CITATIONS else ""
    )
    lines = f"line {numbers}" if len(leaf.cite) == 1 else f"lines {numbers}"
    letter = "" if level is Grounding.INFERRED else " word for word"
    missing = f"{show_value(value, _MAX_SHOWN)} does not stand{letter} in {lines}"
    for segment in shown.segments[:_MAX_SEARCHED]:
        if segment.number not in leaf.cite:
            found, _ = _support(leaf, value, (segment.number,), shown)
            if found.satisfies(leaf.shape.ground):
                return f"{missing}; it stands in line {segment.number}."
    return f"{missing}."
