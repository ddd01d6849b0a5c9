"""Checking: every accepted value walked back to its evidence, without a model.

In: a store. Out: the lies in it (`verify`), or one value's whole story (`why`).
Never: trusts what it can compute again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from holocron.derivation import Contract, Derivation, Grounding, derivation_from_definition
from holocron.derivation.shapes import ArrayShape, ChoiceShape, ObjectShape, Shape
from holocron.errors import EvidenceError, HolocronError, UsageError
from holocron.evidence import MediaType, cut_text
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
from holocron.validation.conform import ContractValidator, Leaf, find_leaves
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
    derivations: dict[int, Derivation] = {}
    yield from _check_questions(store, derivations)
    yield from _check_jobs(store, note)
    audit = RowAudit(store, derivations)
    for name in audit.missing:
        yield Lie(sentence=f"the table {name} is missing")
    for batch in iterate_artifacts(store):
        yield from _check_batch(batch, derivations, audit)
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
    listed = artifact.manifest.get("segments_not_read")
    cut = set(listed) if isinstance(listed, list) else set()
    shown = [segment for segment in show_segments(question, bundle) if segment.number not in cut]
    prompt = question.derivation.render_prompt(show_subject(question, bundle), shown)
    return Explanation(
        artifact=artifact,
        claim=claim,
        prompt="\n\n".join(f"{message.role}:\n{message.content}" for message in prompt.messages),
        prompt_matches=prompt.prompt_hash == artifact.manifest.get("prompt_hash"),
    )


def _check_questions(store: Store, derivations: dict[int, Derivation]) -> Iterator[Lie]:
    """Hash every stored question again, and fill in those that can be read."""
    for number, (name, stored_hash, definition) in load_definitions(store).items():
        try:
            derivation = derivation_from_definition(json.loads(definition))
        except (ValueError, HolocronError):
            yield Lie(sentence=f"the stored derivation {name!r} cannot be read")
            continue
        derivations[number] = derivation
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
    batch: list[AuditedArtifact], derivations: Mapping[int, Derivation], audit: RowAudit
) -> Iterator[Lie]:
    values: dict[int, dict[int, JSONValue]] = {}
    validators: dict[int, ContractValidator] = {}
    subjects = {artifact.artifact_id: artifact.subject for artifact in batch}
    for artifact in batch:
        derivation = derivations.get(artifact.derivation_id)
        if derivation is None:
            continue
        if artifact.derivation_id not in validators:
            validators[artifact.derivation_id] = ContractValidator(derivation.contract)
        lies = list(_check_artifact(artifact, derivation.contract, validators[artifact.derivation_id]))
        yield from lies
        if not lies:
            values.setdefault(artifact.derivation_id, {})[artifact.artifact_id] = json.loads(artifact.value)
    for number, answers in values.items():
        for artifact_id, sentence in audit.compare(number, answers):
            yield Lie(sentence=sentence, artifact_id=artifact_id, subject=subjects[artifact_id])


def _check_artifact(
    artifact: AuditedArtifact, contract: Contract, validator: ContractValidator
) -> Iterator[Lie]:
    shape = contract.shape

    def lie(sentence: str, pointer: str = "") -> Lie:
        return Lie(
            sentence=sentence, artifact_id=artifact.artifact_id, subject=artifact.subject, pointer=pointer
        )

    if hash_text(artifact.value) != artifact.value_hash:
        yield lie("the artifact's value does not have its hash")
    try:
        value: JSONValue = json.loads(artifact.value)
    except ValueError:
        yield lie("the artifact's value is not JSON")
        return
    for finding in validator.conform(value, 0).findings:
        yield lie(f"the artifact breaks its contract: {finding.message}", finding.pointer)
    leaves = {leaf.pointer: leaf for leaf in find_leaves(value, shape)}
    claimed: set[str] = set()
    for claim in artifact.claims:
        leaf = leaves.get(claim.pointer)
        if claim.pointer in claimed:
            yield lie("the value has two claims", claim.pointer)
        elif leaf is None and (claim.value != "null" or _is_one_form(shape)):
            yield lie(f"the claim says {claim.value} and the artifact has nothing there", claim.pointer)
        elif leaf is not None and (sentence := _check_claim(claim, leaf)):
            yield lie(sentence, claim.pointer)
        claimed.add(claim.pointer)
    for pointer, leaf in leaves.items():
        if pointer not in claimed and (leaf.value is not None or _is_one_form(shape)):
            yield lie(f"{leaf.value!r} has no claim", pointer)


def _check_claim(claim: AuditedClaim, leaf: Leaf) -> str | None:
    if claim.value != json.dumps(leaf.value, ensure_ascii=False):
        return f"the claim says {claim.value} and the artifact {leaf.value!r}"
    quotes: list[tuple[str, MediaType]] = []
    for span in claim.spans:
        if span.media_type is None:
            return f"{leaf.value!r} cites a text that is not the item's"
        if (span.start, span.end) not in _cut_spans(span.text, span.media_type):
            return f"{leaf.value!r} cites a span that is no segment of its text"
        quotes.append((span.quote, span.media_type))
    synonyms = leaf.shape.synonyms.get(leaf.value, ()) if isinstance(leaf.value, str) else ()
    sentence = recheck_claim(
        leaf.value, claim.grounding, quotes, synonyms=synonyms, is_date=leaf.shape.is_date
    )
    if sentence is not None or leaf.value is None or claim.grounding is None:
        return sentence
    if claim.grounding != Grounding.INFERRED and len(quotes) > 1:
        for quote in quotes:
            alone = recheck_claim(
                leaf.value, Grounding.NORMALIZED, [quote], synonyms=synonyms, is_date=leaf.shape.is_date
            )
            if alone is not None:
                return f"{leaf.value!r} has a citation that does not hold it"
    least = Grounding.INFERRED if isinstance(leaf.value, bool) else leaf.shape.ground
    if not Grounding(claim.grounding).satisfies(least):
        return f"{leaf.value!r} is {claim.grounding} and the contract asks for {least}"
    return None


@lru_cache(maxsize=32)
def _cut_spans(text: str, media_type: MediaType) -> frozenset[tuple[int, int]]:
    """Return the spans that can be cited of a text; the claims of one answer share a few texts."""
    try:
        return frozenset((piece.start, piece.end) for piece in cut_text(text, media_type))
    except EvidenceError:
        return frozenset()


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
