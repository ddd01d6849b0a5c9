"""The pipeline: what is planned, what the model is asked, and what comes back as a result."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator

import pytest

from factories import (
    HONEST,
    MODEL,
    claim,
    make_derivation,
    plan_ships,
    ship_bundle,
    ship_text,
    ship_value,
    ships,
)
from holocron import pipeline
from holocron.derivation import Contract, Derivation, DerivationOptions, Example
from holocron.derivation.prompt import Prompt
from holocron.errors import ContractInvalid, ExampleInvalid, ModelStalled, PromptTooLong
from holocron.evidence import EvidenceBundle, EvidenceRejected, inline_bundle
from holocron.llm.model import Completion, OnProgress
from holocron.pipeline import PLAN_BATCH, Question, plan_jobs, show_segments, show_subject, work_job
from holocron.store import ClaimedJob, JobPlanner, JobResult, PlanState, Store
from holocron.testing import ScriptedModel, in_turn, lie
from holocron.validation import Outcome


def _claimed(store: Store, bundle: EvidenceBundle, derivation: Derivation | None = None) -> ClaimedJob:
    planner, _ = plan_ships(store, bundle, derivation=derivation)
    (job,) = claim(store, planner)
    return job


def _work(store: Store, model: ScriptedModel, derivation: Derivation, bundle: EvidenceBundle) -> JobResult:
    return work_job(Question.prepare(derivation), _claimed(store, bundle, derivation), model)


class _Exact(ScriptedModel):
    """An engine that counts more tokens than it estimates."""

    def __init__(self, tokens_per_character: float, **options: object) -> None:
        super().__init__(HONEST, **options)  # type: ignore[arg-type]  # as ScriptedModel's
        self._rate = tokens_per_character

    def complete(self, prompt: Prompt, on_progress: OnProgress | None = None) -> Completion:
        """Refuse what does not fit by the true count."""
        taken = int(sum(len(message.content) for message in prompt.messages) * self._rate)
        if taken > self.identity.context_tokens:
            self._calls += 1
            raise PromptTooLong(prompt_tokens=taken, context_tokens=self.identity.context_tokens)
        return super().complete(prompt, on_progress)


def test_planning_goes_in_batches(store: Store) -> None:
    """More bundles than a batch are planned while they are read, each once, in order."""
    planner = JobPlanner(store, make_derivation(), MODEL)
    read: list[int] = []

    def bundles() -> object:
        for number in range(PLAN_BATCH + 10):
            read.append(number)
            yield ship_bundle(number)

    planned = plan_jobs(planner, bundles())  # type: ignore[arg-type]  # a generator of bundles
    first = next(planned)
    assert not isinstance(first, EvidenceRejected)
    assert len(read) == PLAN_BATCH
    rest = list(planned)
    assert len(rest) == PLAN_BATCH + 9
    assert all(not isinstance(job, EvidenceRejected) and job.state is PlanState.QUEUED for job in rest)


def test_a_subject_that_stands_twice_is_said(store: Store) -> None:
    """The first of a name is derived, in this batch or an earlier one; the other is rejected by name."""
    planner = JobPlanner(store, make_derivation(), MODEL)
    found = list(plan_jobs(planner, [*ships(PLAN_BATCH), ship_bundle(0, port="Belcor")]))
    (rejected,) = [one for one in found if isinstance(one, EvidenceRejected)]
    assert "'ship 0' stands twice" in str(rejected.error)


def _named(subject: str) -> EvidenceBundle:
    return EvidenceBundle(subject=subject, items=ship_bundle(1).items)


def _sourced(**changed: str) -> EvidenceBundle:
    (item,) = ship_bundle(1).items
    return EvidenceBundle(subject="ship 1", items=(dataclasses.replace(item, **changed),))


@pytest.mark.parametrize(
    ("bundle", "said"),
    [
        pytest.param(EvidenceBundle(subject="ship 1", items=()), "has no evidence", id="no item"),
        pytest.param(_named("  "), "1 to 400 characters", id="blank"),
        pytest.param(_named("x" * 401), "1 to 400 characters", id="long"),
        pytest.param(_named("ship 1 "), "no space at its end", id="a space at the end"),
        pytest.param(_named("ship\0"), "a NUL in its text", id="NUL in the subject"),
        pytest.param(_sourced(text="x\ud800"), "half a character", id="half a character"),
        pytest.param(_sourced(source="a\ud800"), "half a character .* in a source", id="half a source"),
        pytest.param(_sourced(source="a\0b"), "a NUL in a source", id="NUL in a source"),
        pytest.param(_sourced(source_hash="a\0b"), "a NUL in a hash", id="NUL in a hash"),
    ],
)
def test_what_no_database_holds_stops_nothing_else(store: Store, bundle: EvidenceBundle, said: str) -> None:
    """It is named and left out, with what to do, in words that every terminal takes; others are planned."""
    planner = JobPlanner(store, make_derivation(), MODEL)
    rejected, planned = plan_jobs(planner, [bundle, ship_bundle(2)])
    assert isinstance(rejected, EvidenceRejected)
    assert re.search(said, str(rejected.error))
    assert rejected.error.hint
    assert f"{rejected.source}: {rejected.error}".encode()
    assert not isinstance(planned, EvidenceRejected)
    assert planned.state is PlanState.QUEUED


def test_a_batch_ends_where_it_holds_much_text(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large bundles are written a few at a time, however few they are, and each one is planned."""
    monkeypatch.setattr(pipeline, "PLAN_CHARACTERS", 300)
    read: list[int] = []

    def bundles() -> Iterator[EvidenceBundle]:
        for number in range(9):
            read.append(number)
            yield ship_bundle(number)

    planned = plan_jobs(JobPlanner(store, make_derivation(), MODEL), bundles())
    next(planned)
    assert len(ship_text(0)) * (len(read) - 1) < 300 <= len(ship_text(0)) * len(read)
    assert len(list(planned)) == 8


def test_nothing_to_plan_is_nothing(store: Store) -> None:
    """Without bundles there are no jobs, forced or not."""
    planner = JobPlanner(store, make_derivation(), MODEL)
    assert list(plan_jobs(planner, [])) == []
    assert list(plan_jobs(planner, [], force=True)) == []


def test_a_result_has_all_that_explains_it(store: Store) -> None:
    """The manifest names question, model, evidence, prompt and schema by hash, and what was read."""
    model = ScriptedModel(HONEST, keep_prompts=1)
    derivation = make_derivation()
    result = _work(store, model, derivation, ship_bundle(1))
    assert result.verdict.outcome is Outcome.ACCEPTED
    assert result.verdict.value == ship_value(1)
    assert result.started_at <= result.finished_at
    manifest = result.manifest
    assert manifest["derivation_hash"] == derivation.derivation_hash
    assert manifest["contract_hash"] == derivation.contract_hash
    assert manifest["bundle_hash"] == ship_bundle(1).bundle_hash
    assert manifest["model"] == MODEL.to_json()
    assert manifest["prompt_hash"] == model.prompts[0].prompt_hash
    assert (manifest["segments"], manifest["segments_not_read"]) == (3, [])
    assert manifest["holocron_version"] == pipeline.HOLOCRON_VERSION


@pytest.mark.parametrize("repairs", [0, 1, 3])
def test_repairs_are_bounded(store: Store, repairs: int) -> None:
    """A model that keeps lying is asked once and then as often as the derivation says."""
    model = ScriptedModel(lie(HONEST))
    derivation = make_derivation(options=DerivationOptions(repairs=repairs))
    result = _work(store, model, derivation, ship_bundle(1))
    assert result.verdict.outcome is Outcome.REJECTED
    assert len(result.turns) == model.calls == repairs + 1


def test_every_repair_shows_its_own_findings(store: Store) -> None:
    """A repair is the first prompt, the last answer and what was wrong with it, and no earlier one."""
    model = ScriptedModel(in_turn(lie(HONEST, value="One"), lie(HONEST, value="Two"), HONEST), keep_prompts=3)
    derivation = make_derivation(options=DerivationOptions(repairs=2))
    result = _work(store, model, derivation, ship_bundle(1))
    assert result.verdict.outcome is Outcome.ACCEPTED
    first, second, third = (prompt.messages for prompt in model.prompts)
    assert second[: len(first)] == third[: len(first)] == first
    assert len(second) == len(third) == len(first) + 2
    assert "Two" in third[-1].content
    assert "One" not in third[-1].content


def test_a_repair_that_does_not_fit_ends_the_repairs(store: Store) -> None:
    """Where the first answer fitted and its repair does not, the first verdict stands."""
    derivation = make_derivation(options=DerivationOptions(max_output_tokens=16))
    base = derivation.render_prompt("ship 1", show_segments(Question.prepare(derivation), ship_bundle(1)))
    needed = sum(len(message.content) // 4 + 1 for message in base.messages)
    window = dataclasses.replace(MODEL, context_tokens=needed + 60)
    model = ScriptedModel(lie(HONEST, value="x" * 200), identity=window)
    result = _work(store, model, derivation, ship_bundle(1))
    assert result.verdict.outcome is Outcome.REJECTED
    assert (len(result.turns), model.calls) == (1, 2)


def test_an_engine_that_fails_in_a_repair_gives_no_result(store: Store) -> None:
    """A failure is a failure, whichever turn it comes in."""
    model = ScriptedModel(in_turn(lie(HONEST), lambda _: ModelStalled()))
    with pytest.raises(ModelStalled):
        _work(store, model, make_derivation(), ship_bundle(1))


def _long(sentences: int) -> EvidenceBundle:
    return inline_bundle(
        "ship 1", ship_text(1) + " Nobody has found the second log of this ship." * sentences
    )


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.9])
def test_what_the_engine_counts_decides(store: Store, rate: float) -> None:
    """Where the engine counts more tokens than were estimated, less is shown, until it fits."""
    window = dataclasses.replace(MODEL, context_tokens=2_000)
    model = _Exact(rate, identity=window, keep_prompts=1)
    derivation = make_derivation(options=DerivationOptions(max_output_tokens=64))
    result = _work(store, model, derivation, _long(300))
    assert result.verdict.outcome is Outcome.ACCEPTED
    cut = result.manifest["segments_not_read"]
    assert isinstance(cut, list)
    assert 0 < len(cut) < 303
    assert cut == list(range(cut[0], 304))
    said = model.prompts[0].messages[-1].content
    assert f"[{cut[0] - 1}] " in said
    assert f"[{cut[0]}] " not in said


def test_a_window_that_is_too_small_is_said(store: Store) -> None:
    """Where not even one segment fits, nothing is asked, and the numbers are said."""
    window = dataclasses.replace(MODEL, context_tokens=60)
    model = ScriptedModel(HONEST, identity=window)
    with pytest.raises(PromptTooLong) as caught:
        _work(store, model, make_derivation(), ship_bundle(1))
    assert caught.value.context_tokens == 60
    assert caught.value.prompt_tokens > 60
    assert model.calls == 0


def test_an_engine_that_never_has_room_is_given_up(store: Store) -> None:
    """An engine that refuses every cut is asked a few times, and its error comes out."""
    model = ScriptedModel(lambda _: PromptTooLong(prompt_tokens=9_000, context_tokens=8_192))
    with pytest.raises(PromptTooLong):
        _work(store, model, make_derivation(), _long(2_000))
    assert 1 <= model.calls <= 5


def test_hidden_text_is_taken_out_before_it_is_shown() -> None:
    """Segments and subject keep their numbers and places, and lose what the derivation hides."""
    question = Question.prepare(make_derivation(options=DerivationOptions(redact=(r"\d+",))))
    bundle = ship_bundle(17)
    shown = show_segments(question, bundle)
    assert show_subject(question, bundle) == "ship [redacted]"
    assert [segment.number for segment in shown] == [1, 2, 3]
    assert shown[0].text == "The ship Vessel [redacted] was built on the north yard."
    plain = show_segments(Question.prepare(make_derivation()), bundle)
    assert [(one.start, one.end) for one in shown] == [(one.start, one.end) for one in plain]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        pytest.param(
            lambda: make_derivation(
                {"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}}
            ),
            ContractInvalid,
            id="contract",
        ),
        pytest.param(
            lambda: Derivation(
                name="ship_facts",
                version="1",
                instructions="x",
                contract=Contract.parse(make_derivation().contract.schema),
                examples=(Example(subject="other", evidence="Nothing.", answer=ship_value(1)),),
            ),
            ExampleInvalid,
            id="example",
        ),
    ],
)
def test_a_question_is_checked_before_it_is_asked(
    make: Callable[[], Derivation], error: type[Exception]
) -> None:
    """A contract that is no schema and an example that is not true are refused."""
    with pytest.raises(error):
        Question.prepare(make())
