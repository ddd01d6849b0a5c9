"""Checking: every accepted value walked back to its evidence, without a model.

In: a store. Out: the lies in it (`verify`), or one value's whole story (`why`).
Never: trusts what it can compute again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from holocron.derivation import derivation_from_definition
from holocron.derivation.shapes import ArrayShape, ChoiceShape, JSONScalar, ObjectShape, ScalarShape, Shape
from holocron.errors import UsageError
from holocron.fingerprint import JSONValue, hash_text
from holocron.pipeline import Question, show_segments, show_subject
from holocron.store import Store
from holocron.store.audit import AuditedArtifact, iterate_artifacts, iterate_contents, load_definitions
from holocron.store.evidence import load_bundles
from holocron.store.reports import StoredArtifact, StoredClaim, bundle_of, find_artifacts, load_artifact
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
    """Hash every content and ground every claim again, yielding what does not hold.

    on_progress: is called with the number of things checked since the last call.
    """
    note = on_progress or (lambda _number: None)
    for content_hash, text in iterate_contents(store):
        sentence = recheck_content(content_hash, text)
        if sentence:
            yield Lie(sentence=sentence)
        note(1)
    shapes = {
        number: derivation_from_definition(json.loads(text)).contract.shape
        for number, text in load_definitions(store).items()
    }
    for artifact in iterate_artifacts(store):
        yield from _check_artifact(artifact, shapes[artifact.derivation_id])
        note(1 + len(artifact.claims))


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
    cut = artifact.manifest.get("segments_not_read", [])
    assert isinstance(cut, list)
    shown = [segment for segment in show_segments(question, bundle) if segment.number not in cut]
    prompt = question.derivation.render_prompt(show_subject(question, bundle), shown)
    return Explanation(
        artifact=artifact,
        claim=claim,
        prompt="\n\n".join(f"{message.role}:\n{message.content}" for message in prompt.messages),
        prompt_matches=prompt.prompt_hash == artifact.manifest.get("prompt_hash"),
    )


def _check_artifact(artifact: AuditedArtifact, shape: ObjectShape) -> Iterator[Lie]:
    def lie(sentence: str, pointer: str = "") -> Lie:
        return Lie(
            sentence=sentence, artifact_id=artifact.artifact_id, subject=artifact.subject, pointer=pointer
        )

    if hash_text(artifact.value) != artifact.value_hash:
        yield lie("the artifact's value does not have its hash")
    leaves = dict(_leaves(json.loads(artifact.value), ""))
    for claim in artifact.claims:
        value: JSONScalar = json.loads(claim.value)
        held = leaves.pop(claim.pointer, None)
        if held != value or type(held) is not type(value):
            yield lie(f"the claim says {value!r} and the artifact {held!r}", claim.pointer)
            continue
        leaf = _leaf_shape(shape, claim.pointer.split("/")[1:])
        synonyms = leaf.synonyms.get(value, ()) if leaf and isinstance(value, str) else ()
        sentence = recheck_claim(
            value,
            claim.grounding,
            [(span.quote, span.media_type) for span in claim.spans],
            synonyms=synonyms,
            is_date=bool(leaf and leaf.is_date),
        )
        if sentence:
            yield lie(sentence, claim.pointer)
    for pointer, value in leaves.items():
        if value is not None:
            yield lie(f"{value!r} has no claim", pointer)


def _leaves(value: JSONValue, pointer: str) -> Iterator[tuple[str, JSONScalar]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from _leaves(part, f"{pointer}/{index}")
    elif value is None or isinstance(value, (str, int, float)):
        yield pointer, value


def _leaf_shape(shape: Shape, path: list[str]) -> ScalarShape | None:
    match shape:
        case ScalarShape():
            return shape if not path else None
        case ArrayShape():
            return _leaf_shape(shape.items, path[1:]) if path else None
        case ObjectShape():
            name = path[0].replace("~1", "/").replace("~0", "~") if path else None
            for part in shape.properties:
                if part.name == name:
                    return _leaf_shape(part.shape, path[1:])
            return None
        case ChoiceShape():
            found = (_leaf_shape(option, path) for option in shape.options)
            return next((leaf for leaf in found if leaf is not None), None)
