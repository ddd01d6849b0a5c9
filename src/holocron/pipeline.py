"""The story on one screen. READ FIRST.

    evidence -> bundles -> plan_jobs ---------------> jobs in the store
    a claimed job -> show_evidence -> render_prompt -> model.complete -> judge -> repair -> JobResult
    JobResult -> store.commit_results: artifact, claims, citations, rows and the job's end, or nothing

In: rooms. Out: the few functions that every surface calls. Never: a second path around them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import count

from holocron.derivation import Derivation
from holocron.derivation.fitting import FittedPrompt, Window, fit_prompt
from holocron.derivation.prompt import render_repair
from holocron.errors import EvidenceError, EvidenceUnreadable, PromptTooLong
from holocron.evidence import (
    CUT_RULE,
    EvidenceBundle,
    EvidenceRejected,
    MediaType,
    Segment,
    check_bundle,
    compile_patterns,
    number_segments,
    redact,
)
from holocron.fingerprint import JSONValue
from holocron.llm.model import Completion, LanguageModel, OnProgress
from holocron.store import ClaimedJob, JobPlanner, JobResult, PlannedJob, Turn, utc_now
from holocron.store.tables import SUBJECT_CHARACTERS
from holocron.store.types import storable
from holocron.validation import ContractValidator, Outcome, ShownEvidence, judge, work_example

HOLOCRON_VERSION = version("holocron-analytics")

#: bundles that are looked up, or written, in one transaction, and after how much text it is closed sooner
PLAN_BATCH = 500
PLAN_CHARACTERS = 32_000_000
#: how often a prompt is cut again after the engine has counted it
_MAX_REFITS = 5


@dataclass(frozen=True)
class Question:
    """A derivation that has been checked and is ready to be asked: examples worked, validator compiled."""

    derivation: Derivation
    validator: ContractValidator
    redact: tuple[re.Pattern[str], ...]

    @classmethod
    def prepare(cls, derivation: Derivation) -> Question:
        """Check a derivation before any run.

        Raises: ContractInvalid, ExampleInvalid.
        """
        validator = ContractValidator(derivation.contract)
        shape = derivation.contract.shape
        examples = tuple(work_example(example, shape, validator) for example in derivation.examples)
        return cls(
            derivation=dataclasses.replace(derivation, worked_examples=examples),
            validator=validator,
            redact=compile_patterns(derivation.options.redact),
        )

    @cached_property
    def manifest(self) -> dict[str, JSONValue]:
        """Return the part of every run's manifest that the question fixes."""
        derivation = self.derivation
        return {
            "holocron_version": HOLOCRON_VERSION,
            "derivation": derivation.name,
            "derivation_version": derivation.version,
            "derivation_hash": derivation.derivation_hash,
            "contract_hash": derivation.contract_hash,
            "max_output_tokens": derivation.options.max_output_tokens,
            "repairs": derivation.options.repairs,
            "temperature": 0,
            "cut_rule": CUT_RULE,
        }


def plan_jobs(
    planner: JobPlanner, bundles: Iterable[EvidenceBundle | EvidenceRejected], *, force: bool = False
) -> Iterator[PlannedJob | EvidenceRejected]:
    """Give every bundle its job, in batches; what cannot be used is yielded as it came, and stops nothing."""
    subjects: set[int] = set()
    for batch in _batch(bundles):
        usable: list[EvidenceBundle] = []
        for bundle in batch:
            if isinstance(bundle, EvidenceRejected):
                yield bundle
            elif fault := _find_fault(bundle, subjects):
                source = bundle.items[0].source if bundle.items else bundle.subject
                yield EvidenceRejected(storable(source), fault)
            else:
                subjects.add(hash(bundle.subject))
                usable.append(bundle)
        unreadable = _find_unreadable(planner, usable)
        yield from unreadable.values()
        readable = [bundle for bundle in usable if bundle.subject not in unreadable]
        yield from planner.plan(readable, force=force)


def _batch(
    bundles: Iterable[EvidenceBundle | EvidenceRejected],
) -> Iterator[list[EvidenceBundle | EvidenceRejected]]:
    """Yield the bundles in batches, none of which holds much more text than fits any memory."""
    batch: list[EvidenceBundle | EvidenceRejected] = []
    characters = 0
    for bundle in bundles:
        batch.append(bundle)
        if isinstance(bundle, EvidenceBundle):
            characters += sum(len(item.text) for item in bundle.items)
        if len(batch) == PLAN_BATCH or characters >= PLAN_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _find_unreadable(planner: JobPlanner, bundles: Sequence[EvidenceBundle]) -> dict[str, EvidenceRejected]:
    """Return by subject what cannot be cut; plain text always can, and what is known was cut before."""
    formatted = [
        bundle for bundle in bundles if any(item.media_type is not MediaType.TEXT for item in bundle.items)
    ]
    unreadable: dict[str, EvidenceRejected] = {}
    for bundle in planner.find_new(formatted) if formatted else ():
        try:
            check_bundle(bundle)
        except EvidenceError as problem:
            unreadable[bundle.subject] = EvidenceRejected(bundle.items[0].source, problem)
    return unreadable


def _find_fault(bundle: EvidenceBundle, subjects: set[int]) -> EvidenceUnreadable | None:
    """Return what keeps a bundle out of every database, whoever made it."""
    subject = bundle.subject
    fault = hint = ""
    if hash(subject) in subjects:
        fault, hint = "stands twice in this evidence", "Name one of them otherwise, or make them one bundle."
    elif not bundle.items:
        fault, hint = "has no evidence", "Give it at least one text."
    elif not subject.strip() or len(subject) > SUBJECT_CHARACTERS or subject.endswith(" "):
        fault = f"must have 1 to {SUBJECT_CHARACTERS} characters, and no space at its end"
        hint = "Name it otherwise; some databases take names for equal that differ by such a space."
    else:
        for place, texts in (
            ("its text", [subject, *(item.text for item in bundle.items)]),
            ("a source's name", [item.source for item in bundle.items]),
            ("a hash", [name for item in bundle.items for name in (item.source_hash, item.content_hash)]),
        ):
            if unfit := _find_unfit(texts):
                fault, hint = f"has {unfit} in {place}", "Take it out, or leave this subject out."
    return EvidenceUnreadable(f"the subject {subject!r} {fault}", hint=hint) if fault else None


def _find_unfit(texts: Iterable[str]) -> str | None:
    """Return which sign in one of these texts no database holds."""
    for text in texts:
        if "\x00" in text:
            return "a NUL"
        try:
            text.encode()
        except UnicodeEncodeError:
            return "half a character (a lone surrogate)"
    return None


def work_job(
    question: Question, job: ClaimedJob, model: LanguageModel, on_progress: OnProgress | None = None
) -> JobResult:
    """Ask the model about one claimed job until its answer is believed or the repairs are used up.

    Raises: ModelError where the model gives no answer, EvidenceError where the evidence cannot be read.
    """
    started_at = utc_now()
    bundle, derivation = job.evidence.bundle, question.derivation
    segments = show_segments(question, bundle)
    fitted, completion = _ask(question, show_subject(question, bundle), segments, model, on_progress)
    shown = ShownEvidence(
        bundle=bundle, segments=fitted.shown, not_read=fitted.not_read, redact=question.redact
    )
    limit = derivation.options.max_output_tokens
    verdict = judge(completion, question.validator, shown, limit_tokens=limit)
    turns = [Turn(completion=completion, verdict=verdict)]
    while turns[-1].verdict.outcome is Outcome.REJECTED and len(turns) <= derivation.options.repairs:
        repair = render_repair(
            fitted.prompt,
            turns[-1].completion.text,
            [str(finding) for finding in turns[-1].verdict.findings],
        )
        try:
            completion = model.complete(repair, on_progress)
        except PromptTooLong:
            # the first answer fitted and its repair does not: the first verdict stands
            break
        verdict = judge(completion, question.validator, shown, limit_tokens=limit)
        turns.append(Turn(completion=completion, verdict=verdict))
    return JobResult(
        job=job,
        turns=tuple(turns),
        manifest=question.manifest
        | {
            "model": model.identity.to_json(),
            "bundle_hash": bundle.bundle_hash,
            "prompt_hash": fitted.prompt.prompt_hash,
            "schema_hash": derivation.specialiser.hash_of(fitted.prompt.schema),
            "segments": len(segments),
            "segments_not_read": list(fitted.not_read),
        },
        started_at=started_at,
        finished_at=utc_now(),
    )


def show_subject(question: Question, bundle: EvidenceBundle) -> str:
    """Return a bundle's subject as the model may see it."""
    return redact(bundle.subject, question.redact) if question.redact else bundle.subject


def show_segments(question: Question, bundle: EvidenceBundle) -> tuple[Segment, ...]:
    """Return a bundle's segments as the model may see them, with what the derivation hides taken out."""
    if not question.redact:
        return number_segments(bundle)
    return number_segments(bundle, lambda text: redact(text, question.redact))


def _ask(
    question: Question,
    subject: str,
    segments: tuple[Segment, ...],
    model: LanguageModel,
    on_progress: OnProgress | None,
) -> tuple[FittedPrompt, Completion]:
    """Ask for the first answer; where the engine counts more tokens than estimated, cut by its count."""
    window = Window(
        tokens=model.identity.context_tokens,
        estimate=model.estimate_tokens,
        copied_pieces=model.identity.abilities.copied_pieces,
    )
    correction = 1.0
    for attempt in count(1):
        fitted = fit_prompt(
            question.derivation,
            subject,
            segments,
            window,
            correction=correction,
        )
        try:
            return fitted, model.complete(fitted.prompt, on_progress)
        except PromptTooLong as problem:
            if attempt == _MAX_REFITS:
                raise
            correction = max(correction * 1.1, 1.05 * problem.prompt_tokens / fitted.estimated_tokens)
    raise AssertionError("the loop returns or raises")
