"""Checking: every accepted value walked back to its evidence, without a model.

In: a store. Out: the lies in it (`verify`), or one value's whole story (`why`).
Never: trusts what it can compute again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from holocron.derivation import Grounding, derivation_from_definition
from holocron.derivation.shapes import ArrayShape, ChoiceShape, ObjectShape, Shape
from holocron.errors import EvidenceError, HolocronError, UsageError
from holocron.evidence import EvidenceBundle, MediaType, compile_patterns
from holocron.fingerprint import JSONValue, hash_text
from holocron.pipeline import Question, show_segments, show_subject
from holocron.store import JobStatus, Store
from holocron.store.audit import (
    AuditedArtifact,
    AuditedClaim,
    AuditedSubject,
    iterate_artifacts,
    iterate_bundles,
    iterate_contents,
    iterate_jobs,
    iterate_subjects,
    load_definitions,
)
from holocron.store.audit_rows import RowAudit
from holocron.store.evidence import load_bundles
from holocron.store.planning import job_key
from holocron.store.reports import StoredArtifact, StoredClaim, bundle_of, find_artifacts, load_artifact
from holocron.validation import ContractValidator, NullReason, ShownEvidence
from holocron.validation.conform import Leaf, find_leaves
from holocron.validation.parse import parse_answer
from holocron.validation.recheck import recheck_claim, recheck_content


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """Something in the store that is not true of the evidence."""

    sentence: str
    artifact_id: int | None = None
    subject: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One value's story: the claim, the artifact it belongs to, and the prompt it came from."""

    artifact: StoredArtifact
    claim: StoredClaim
    #: the prompt, rendered again from the stored evidence and question
    prompt: str
    #: whether it hashes to what the run's manifest recorded
    prompt_matches: bool


def verify_store(store: Store, on_progress: Callable[[int], None] | None = None) -> Iterator[Lie]:
    """Hash everything again, ground every claim again, compare every row, and yield what does not hold.

    on_progress: is called with the number of things checked since the last call.
    """
    note = on_progress or (lambda _number: None)
    for content_hash, text in iterate_contents(store):
        sentence = recheck_content(content_hash, text)
        if sentence:
            yield Lie(sentence=sentence)
        note(1)
    questions: dict[int, Question] = {}
    yield from _check_questions(store, questions)
    yield from _check_jobs(store, note)
    audit = RowAudit(store, {number: question.derivation for number, question in questions.items()})
    for name in audit.missing:
        yield Lie(sentence=f"the table {name} is missing")
    for batch in iterate_artifacts(store):
        yield from _check_batch(batch, questions, audit)
        note(sum(1 + len(artifact.claims) for artifact in batch))
    for artifact_id, sentence in audit.strays():
        yield Lie(sentence=sentence, artifact_id=artifact_id)
    for subject in iterate_subjects(store):
        sentence = _check_subject(subject)
        if sentence:
            yield Lie(sentence=sentence, artifact_id=subject.shown_id, subject=subject.subject)
        note(1)


def explain_claim(store: Store, subject: str, pointer: str, *, derivation: str | None = None) -> Explanation:
    """Return the story of one value of a subject's current artifact.

    pointer: a JSON pointer such as /home or /journeys/0/year; the leading slash may be left out.
    Raises: UsageError where there is no such subject, artifact or value.
    """
    pointer = pointer if pointer.startswith("/") else f"/{pointer}"
    found = find_artifacts(store, subject=subject, derivation=derivation)
    if not found:
        raise UsageError(
            f"nothing is accepted about {subject!r}",
            hint="See 'holocron jobs' for the subjects and how their jobs ended.",
        )
    artifacts = [load_artifact(store, number) for number in found]
    for artifact in artifacts:
        for claim in artifact.claims:
            if claim.pointer == pointer:
                return _explain(store, artifact, claim)
    pointers = ", ".join(claim.pointer for claim in artifacts[0].claims[:12])
    raise UsageError(f"{subject!r} has no value at {pointer}", hint=f"It has {pointers}.")


def _explain(store: Store, artifact: StoredArtifact, claim: StoredClaim) -> Explanation:
    definition, bundle_id = bundle_of(store, artifact.artifact_id)
    with store.reading() as connection:
        bundle = load_bundles(store, connection, [bundle_id])[bundle_id].bundle
    question = Question.prepare(derivation_from_definition(json.loads(definition)))
    cut = _segments_not_read(artifact.manifest)
    shown = [segment for segment in show_segments(question, bundle) if segment.number not in cut]
    prompt = question.derivation.render_prompt(show_subject(question, bundle), shown)
    return Explanation(
        artifact=artifact,
        claim=claim,
        prompt="\n\n".join(f"{message.role}:\n{message.content}" for message in prompt.messages),
        prompt_matches=prompt.prompt_hash == artifact.manifest.get("prompt_hash"),
    )


def _check_questions(store: Store, questions: dict[int, Question]) -> Iterator[Lie]:
    """Hash every stored question again, and fill in those that can be read, without their worked examples."""
    for number, (name, stored_hash, definition) in load_definitions(store).items():
        try:
            derivation = derivation_from_definition(json.loads(definition))
            questions[number] = Question(
                derivation=derivation,
                validator=ContractValidator(derivation.contract),
                redact=compile_patterns(derivation.options.redact),
            )
        except (ValueError, RecursionError, HolocronError):
            yield Lie(sentence=f"the stored derivation {name!r} cannot be read")
            continue
        if (derivation.name, derivation.derivation_hash) != (name, stored_hash):
            yield Lie(sentence=f"the stored derivation {name!r} does not have its hash")


def _check_jobs(store: Store, note: Callable[[int], None]) -> Iterator[Lie]:
    """Hash every bundle, and every job's key, again."""
    for bundle_hash, bundle in iterate_bundles(store):
        if bundle.bundle_hash != bundle_hash:
            yield Lie(sentence="the bundle does not have its hash", subject=bundle.subject)
        note(1)
    for job in iterate_jobs(store):
        if job_key(job.derivation_hash, job.bundle_hash, job.model_fingerprint) != job.job_key:
            sentence = "a job does not have the key of its derivation, evidence and model"
            yield Lie(sentence=sentence, subject=job.subject)


def _check_subject(subject: AuditedSubject) -> str | None:
    """Return what is wrong with what a subject wants and shows."""
    named = (subject.derivation, subject.subject)
    if subject.wanted != named:
        return "the subject wants another subject's job"
    if subject.shown_id is not None and subject.shown != named:
        return "the subject shows another subject's answer, or one that is not there"
    if subject.status == JobStatus.ACCEPTED and subject.newest_id is None:
        return "the subject's job is accepted and has no answer"
    if subject.status == JobStatus.ACCEPTED and subject.shown_id != subject.newest_id:
        return "the subject does not show the answer that was accepted last"
    return None


def _check_batch(
    batch: list[AuditedArtifact], questions: Mapping[int, Question], audit: RowAudit
) -> Iterator[Lie]:
    values: dict[int, dict[int, JSONValue]] = {}
    subjects = {artifact.artifact_id: artifact.subject for artifact in batch}
    for artifact in batch:
        question = questions.get(artifact.derivation_id)
        if question is None:
            continue
        lies = list(_check_artifact(artifact, question))
        yield from lies
        if not lies:
            values.setdefault(artifact.derivation_id, {})[artifact.artifact_id] = json.loads(artifact.value)
    for number, answers in values.items():
        for artifact_id, sentence in audit.compare(number, answers):
            yield Lie(sentence=sentence, artifact_id=artifact_id, subject=subjects[artifact_id])


def _check_artifact(artifact: AuditedArtifact, question: Question) -> Iterator[Lie]:
    shape = question.derivation.contract.shape

    def lie(sentence: str, pointer: str = "") -> Lie:
        return Lie(
            sentence=sentence, artifact_id=artifact.artifact_id, subject=artifact.subject, pointer=pointer
        )

    if hash_text(artifact.value) != artifact.value_hash:
        yield lie("the artifact's value does not have its hash")
    value, problem = parse_answer(artifact.value)
    if problem is not None:
        yield lie(f"the artifact cannot be read: {problem.message}")
        return
    try:
        not_read = _segments_not_read(json.loads(artifact.manifest))
    except (ValueError, RecursionError):
        yield lie("the manifest of the artifact's run cannot be read")
        return
    seen = _Seen.of(question, artifact.bundle, not_read)
    for finding in question.validator.conform(value, 0).findings:
        yield lie(f"the artifact breaks its contract: {finding.message}", finding.pointer)
    leaves = {leaf.pointer: leaf for leaf in find_leaves(value, shape)}
    claimed: set[str] = set()
    for claim in artifact.claims:
        leaf = leaves.get(claim.pointer)
        if claim.pointer in claimed:
            yield lie("the value has two claims", claim.pointer)
        elif leaf is None and (claim.value != "null" or _is_one_form(shape)):
            yield lie(f"the claim says {claim.value} and the artifact has nothing there", claim.pointer)
        elif sentence := _check_claim(claim, leaf, seen):
            yield lie(sentence, claim.pointer)
        claimed.add(claim.pointer)
    for pointer, leaf in leaves.items():
        if pointer not in claimed and (leaf.value is not None or _is_one_form(shape)):
            yield lie(f"{leaf.value!r} has no claim", pointer)


def _check_claim(claim: AuditedClaim, leaf: Leaf | None, seen: _Seen) -> str | None:
    """Return what is wrong with a claim; without a leaf it is a null's that the answer leaves out."""
    if leaf is not None and claim.value != json.dumps(leaf.value, ensure_ascii=False):
        return f"the claim says {claim.value} and the artifact {leaf.value!r}"
    reason = seen.null_reason if leaf is None or leaf.value is None else None
    if claim.null_reason != reason:
        return f"the claim's reason for a null is recorded as {claim.null_reason} and is {reason}"
    return None if leaf is None else _check_support(claim, leaf, seen)


def _check_support(claim: AuditedClaim, leaf: Leaf, seen: _Seen) -> str | None:
    quotes: list[tuple[str, MediaType, str]] = []
    misnumbered: str | None = None
    for span in claim.spans:
        if span.media_type is None:
            return f"{leaf.value!r} cites a text that is not the item's"
        number = seen.numbers.get((span.position, span.start, span.end))
        if number is None:
            return f"{leaf.value!r} cites a span that is no segment of its text"
        if span.segment != number:
            misnumbered = f"{leaf.value!r} cites line {number} and is recorded to cite line {span.segment}"
        quotes.append((span.quote, span.media_type, span.text))
    sentence = recheck_claim(leaf.value, claim.grounding, quotes, leaf.shape) or misnumbered
    if sentence is not None or leaf.value is None or claim.grounding is None:
        return sentence
    if claim.grounding != Grounding.INFERRED and len(quotes) > 1:
        for quote in quotes:
            if recheck_claim(leaf.value, Grounding.NORMALIZED, [quote], leaf.shape) is not None:
                return f"{leaf.value!r} has a citation that does not hold it"
    least = Grounding.INFERRED if isinstance(leaf.value, bool) else leaf.shape.ground
    if not Grounding(claim.grounding).satisfies(least):
        return f"{leaf.value!r} is {claim.grounding} and the contract asks for {least}"
    return None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a run saw of its evidence, as far as its claims tell of it."""

    #: the number of each segment, by its item's position and its span
    numbers: Mapping[tuple[int, int, int], int]
    null_reason: NullReason

    @classmethod
    def of(cls, question: Question, bundle: EvidenceBundle, not_read: frozenset[int]) -> _Seen:
        try:
            segments = show_segments(question, bundle)
        except EvidenceError:
            segments = ()
        shown = ShownEvidence(
            bundle=bundle, segments=segments, not_read=tuple(not_read), redact=question.redact
        )
        numbers = {(segment.position, segment.start, segment.end): segment.number for segment in segments}
        return cls(numbers, shown.null_reason())


def _segments_not_read(manifest: JSONValue) -> frozenset[int]:
    """Return the numbers of the segments that a run's manifest says were cut."""
    listed = manifest.get("segments_not_read") if isinstance(manifest, Mapping) else None
    numbers = listed if isinstance(listed, (list, tuple)) else ()
    return frozenset(number for number in numbers if isinstance(number, int))


def _is_one_form(shape: Shape) -> bool:
    """Tell whether a value's shape follows from it: among several objects, nulls that were dropped decide."""
    match shape:
        case ChoiceShape():
            return not any(isinstance(option, ObjectShape) for option in shape.options)
        case ArrayShape():
            return _is_one_form(shape.items)
        case ObjectShape():
            return all(_is_one_form(part.shape) for part in shape.properties)
        case _:
            return True
