"""Deriving end to end with a scripted model: what each kind of answer makes of its job."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import pytest
from sqlalchemy import event

from factories import HONEST, count_rows, make_derivation, rows, ship_bundle, ship_text, ship_value, ships
from holocron.derivation import DerivationOptions
from holocron.errors import (
    EvidenceUnreadable,
    HolocronError,
    ModelDamaged,
    ModelNotFound,
    ModelStalled,
    ModelUnavailable,
    StoreFull,
)
from holocron.evidence import EvidenceBundle, EvidenceItem, EvidenceRejected, MediaType, inline_bundle
from holocron.llm.scripted import scripted_identity
from holocron.store import ClaimedJob, JobResult, JobStatus, Store
from holocron.store.queue import MAX_FAILURES
from holocron.store.reports import find_artifacts, list_jobs, load_artifact
from holocron.testing import (
    ScriptedModel,
    break_json,
    cite_foreign,
    in_turn,
    lie,
    loop,
    mistype,
    stall,
    unavailable,
)
from holocron.work import DeriveSummary, WorkObserver, derive_evidence, retry
from holocron.work.deriving import retry_derivation


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker try again at once."""
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)
    monkeypatch.setattr(retry, "LONGEST_DELAY_S", 0.01)


def _derive(store: Store, model: ScriptedModel, *bundles: EvidenceBundle | EvidenceRejected) -> DeriveSummary:
    return derive_evidence(store, model, make_derivation(), bundles or ships(1))


def _turns(store: Store) -> list[tuple[object, ...]]:
    """Return every turn's number and the codes of its findings."""
    found = rows(store, "SELECT turn, findings FROM holocron_completion")
    return [(turn, *(entry["code"] for entry in json.loads(str(findings)))) for turn, findings in found]


def test_true_answers_are_accepted(store: Store) -> None:
    """Every subject is asked about once and has its row."""
    model = ScriptedModel(HONEST)
    summary = _derive(store, model, *ships(20))
    assert (summary.subjects, summary.unchanged, summary.is_clean) == (20, 0, True)
    assert summary.statuses == {JobStatus.ACCEPTED: 20}
    assert model.calls == 20
    assert rows(store, "SELECT name, port, launched FROM ship_facts WHERE subject = 'ship 7'") == [
        tuple(ship_value(7).values())
    ]


def test_a_second_run_asks_nothing(store: Store) -> None:
    """Unchanged subjects cost no call, whether they were accepted or rejected; a changed one costs one."""
    model = ScriptedModel(HONEST)
    liar = inline_bundle("no ship", "Nothing is said of any ship here.")
    _derive(store, model, *ships(5), liar)
    calls = model.calls
    again = _derive(store, model, *ships(5), liar)
    assert (again.unchanged, model.calls) == (6, calls)
    assert again.statuses == {JobStatus.ACCEPTED: 5, JobStatus.REJECTED: 1}
    assert not again.is_clean
    changed = _derive(store, model, ship_bundle(3, port="Belcor"), *ships(3))
    assert (changed.unchanged, changed.statuses[JobStatus.ACCEPTED], model.calls) == (3, 4, calls + 1)
    back = _derive(store, model, ship_bundle(3))
    assert (back.restored, back.unchanged, model.calls) == (1, 1, calls + 1)


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        pytest.param(lie(HONEST), ["unsupported"] * 3, id="lie"),
        pytest.param(loop(HONEST), ["answer_truncated"], id="loop"),
        pytest.param(break_json(HONEST), ["not_json"], id="broken JSON"),
        pytest.param(cite_foreign(HONEST), ["citation_foreign"], id="foreign citation"),
        pytest.param(mistype(HONEST), ["contract_broken"] * 3, id="wrong type"),
    ],
)
class TestUntrueAnswers:
    """What happens to answers that cannot be believed."""

    def test_they_are_rejected_after_the_repairs(
        self, store: Store, fault: object, codes: Sequence[str]
    ) -> None:
        """The model is asked again as often as the derivation says, and its words are kept."""
        model = ScriptedModel(fault)  # type: ignore[arg-type]  # a script of the table above
        derivation = make_derivation(options=DerivationOptions(repairs=2))
        summary = derive_evidence(store, model, derivation, ships(1))
        assert summary.statuses == {JobStatus.REJECTED: 1}
        assert model.calls == 3
        assert [turn[0] for turn in _turns(store)] == [0, 1, 2]
        assert all(set(codes) <= set(turn[1:]) for turn in _turns(store))
        assert find_artifacts(store) == []
        assert count_rows(store, ["ship_facts", "holocron_artifact", "holocron_run"]) == {
            "ship_facts": 0,
            "holocron_artifact": 0,
            "holocron_run": 1,
        }

    def test_a_right_repair_is_accepted(self, store: Store, fault: object, codes: Sequence[str]) -> None:
        """Both turns are stored, the first with its findings, and the model was shown what was wrong."""
        model = ScriptedModel(in_turn(fault, HONEST), keep_prompts=2)  # type: ignore[arg-type]  # as above
        assert _derive(store, model).is_clean
        first, second = _turns(store)
        assert set(codes) <= set(first[1:])
        assert second == (1,)
        asked = model.prompts[1].messages[-1].content
        assert "not accepted" in asked
        (number,) = find_artifacts(store)
        assert load_artifact(store, number).value == ship_value(0)

    def test_they_are_not_asked_again_by_a_later_run(
        self,
        store: Store,
        fault: object,
        codes: Sequence[str],  # noqa: ARG002 - the class's table gives both
    ) -> None:
        """A rejected job is unchanged work until someone retries it."""
        model = ScriptedModel(fault)  # type: ignore[arg-type]  # as above
        _derive(store, model)
        calls = model.calls
        assert _derive(store, model).statuses == {JobStatus.REJECTED: 1}
        assert model.calls == calls
        summary = retry_derivation(store, ScriptedModel(HONEST), make_derivation(), [JobStatus.REJECTED])
        assert summary.is_clean
        assert summary.subjects == 1


@pytest.mark.parametrize(
    ("script", "calls"),
    [
        # made for each database: a script counts its calls
        pytest.param(lambda: unavailable(5, HONEST), 6, id="unavailable"),
        pytest.param(lambda: in_turn(stall(), stall(), HONEST), 3, id="stalled"),
        pytest.param(lambda: in_turn(lie(HONEST), stall(), HONEST), 3, id="stalled in the repair"),
    ],
)
def test_an_engine_that_comes_back_costs_no_job(store: Store, script: object, calls: int) -> None:
    """Failures that may pass are tried again until the answer comes; no half run is kept."""
    model = ScriptedModel(script())  # type: ignore[operator]  # a lambda of the table above
    assert _derive(store, model).is_clean
    assert model.calls == calls
    ((attempt,),) = rows(store, "SELECT attempt FROM holocron_job WHERE last_error IS NULL")
    assert rows(store, "SELECT outcome, attempt FROM holocron_run") == [("accepted", attempt)]


@pytest.mark.parametrize("error", [ModelStalled, ModelUnavailable])
def test_an_engine_that_does_not_come_back_fails_its_job(store: Store, error: type[HolocronError]) -> None:
    """After MAX_FAILURES the job has failed, with the engine's sentence; the other jobs are done."""
    model = ScriptedModel(
        lambda prompt: error("gone") if "Vessel 1 " in _evidence(prompt) else HONEST(prompt)
    )
    summary = _derive(store, model, *ships(4))
    assert summary.statuses == {JobStatus.ACCEPTED: 3, JobStatus.FAILED: 1}
    assert model.calls == 3 + MAX_FAILURES
    (failed,) = list_jobs(store, status=JobStatus.FAILED)
    assert (failed.subject, failed.last_error) == ("ship 1", "gone")


def _evidence(prompt: object) -> str:
    return prompt.messages[-1].content  # type: ignore[attr-defined,no-any-return]  # a Prompt


@pytest.mark.parametrize(
    "fault", [ZeroDivisionError("x"), KeyError("y"), RecursionError(), AssertionError("z")], ids=repr
)
def test_a_bug_in_a_model_ends_its_job_only(store: Store, fault: Exception) -> None:
    """An exception that nobody planned fails the job it came from; the others go on."""
    model = ScriptedModel(lambda prompt: fault if "Vessel 2 " in _evidence(prompt) else HONEST(prompt))
    summary = _derive(store, model, *ships(6))
    assert summary.statuses == {JobStatus.ACCEPTED: 5, JobStatus.FAILED: 1}
    (failed,) = list_jobs(store, status=JobStatus.FAILED)
    assert failed.subject == "ship 2"
    assert type(fault).__name__ in str(failed.last_error)


def test_an_answer_that_no_database_holds_ends_its_job_only(store: Store) -> None:
    """Words that cannot be written end the job they came for; the others of the same commit are kept."""
    half = "half a character: \ud800"
    model = ScriptedModel(
        lambda prompt: half if "Vessel 2 " in str(prompt.messages) else HONEST(prompt),
    )
    summary = _derive(store, model, *ships(6))
    assert summary.statuses[JobStatus.ACCEPTED] == 5
    (other,) = [job for job in list_jobs(store) if job.status is not JobStatus.ACCEPTED]
    assert other.subject == "ship 2"
    assert other.status in (JobStatus.REJECTED, JobStatus.FAILED)


@pytest.mark.parametrize("error", [ModelNotFound("no weights"), ModelDamaged("cut short")], ids=repr)
def test_a_model_that_is_not_there_stops_the_run(store: Store, error: HolocronError) -> None:
    """The error comes out, what was finished stays, and everything else is given back unharmed."""
    model = ScriptedModel(
        lambda prompt: error if "Vessel 5 " in _evidence(prompt) else HONEST(prompt), slots=1
    )
    with pytest.raises(type(error), match=str(error)):
        _derive(store, model, *ships(10))
    states = Counter(rows(store, "SELECT status, failures, worker_id, lease_expires_at FROM holocron_job"))
    assert states.keys() == {("accepted", 0, None, None), ("ready", 0, None, None)}
    assert count_rows(store, ["holocron_worker"]) == {"holocron_worker": 0}
    assert _derive(store, ScriptedModel(HONEST), *ships(10)).statuses == {JobStatus.ACCEPTED: 10}


def _unusable() -> list[EvidenceBundle | EvidenceRejected]:
    def one(subject: str, text: str) -> EvidenceBundle:
        item = EvidenceItem(text=text, media_type=MediaType.TEXT, source="made.txt")
        return EvidenceBundle(subject=subject, items=(item,))

    return [
        EvidenceRejected("bad.txt", EvidenceUnreadable("bad.txt is not UTF-8")),
        EvidenceBundle(subject="empty", items=()),
        one("half", "half a character: \ud800"),
        one("half\udc00", ship_text(1)),
        one("nul", "A NUL \x00."),
        one("x" * 401, ship_text(1)),
        one("  ", ship_text(1)),
        ship_bundle(0, port="Belcor"),
    ]


def test_bad_evidence_stops_no_other(store: Store) -> None:
    """What cannot be used is named with its place, and the rest is derived."""
    seen: list[EvidenceRejected] = []

    class Observer(WorkObserver):
        def on_unusable(self, rejected: EvidenceRejected) -> None:
            seen.append(rejected)

    summary = derive_evidence(
        store,
        ScriptedModel(HONEST),
        make_derivation(),
        [*ships(2), *_unusable(), ship_bundle(2)],
        observer=Observer(),
    )
    assert summary.statuses == {JobStatus.ACCEPTED: 3}
    assert not summary.is_clean
    assert seen == summary.unusable
    assert [rejected.source for rejected in seen] == ["bad.txt", "empty", *["made.txt"] * 5, "inline"]
    assert "stands twice" in str(seen[-1].error)


def test_evidence_without_anything_to_cite_fails_its_job_only(store: Store) -> None:
    """A text that has no line to cite is a failed job with a sentence that names it."""
    blank = EvidenceBundle(
        subject="blank", items=(EvidenceItem(text=" \n ", media_type=MediaType.TEXT, source="blank.txt"),)
    )
    summary = _derive(store, ScriptedModel(HONEST), *ships(2), blank)
    assert summary.statuses == {JobStatus.ACCEPTED: 2, JobStatus.FAILED: 1}
    (failed,) = list_jobs(store, status=JobStatus.FAILED)
    assert "blank.txt" in str(failed.last_error)


def test_a_derivation_is_refused_before_any_call(store: Store) -> None:
    """A contract that is no schema stops the run before a job is queued."""
    broken = make_derivation({"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}})
    model = ScriptedModel(HONEST)
    with pytest.raises(HolocronError):
        derive_evidence(store, model, broken, ships(1))
    assert model.calls == 0
    assert count_rows(store, ["holocron_job"]) == {"holocron_job": 0}


def test_an_observer_sees_the_run(store: Store) -> None:
    """Planned numbers, committed results, failures and tokens are all told."""

    class Observer(WorkObserver):
        planned: tuple[int, int] = (0, 0)
        tokens = 0

        def __init__(self) -> None:
            self.results: list[JobResult] = []
            self.failures: list[tuple[str, str, bool]] = []

        def on_planned(self, unchanged: int, queued: int) -> None:
            self.planned = (unchanged, queued)

        def on_results(self, results: Sequence[JobResult]) -> None:
            self.results += results

        def on_failure(self, job: ClaimedJob, error: HolocronError, *, retried: bool) -> None:
            self.failures.append((job.evidence.bundle.subject, str(error), retried))

        def on_tokens(self, number: int) -> None:
            self.tokens += number

    observer = Observer()
    _derive(store, ScriptedModel(HONEST), *ships(2))
    model = ScriptedModel(in_turn(lambda _: ModelStalled("asleep"), HONEST), slots=1)
    derive_evidence(store, model, make_derivation(), ships(5), observer=observer)
    assert observer.planned == (2, 3)
    assert len(observer.results) == 3
    assert observer.failures == [(f"ship {number}", "asleep", True) for number in (2, 3, 4)]
    assert observer.tokens > 0


def test_force_asks_again(store: Store) -> None:
    """A forced run asks about every subject once more."""
    model = ScriptedModel(HONEST)
    _derive(store, model, *ships(3))
    summary = derive_evidence(store, model, make_derivation(), ships(3), force=True)
    assert (summary.statuses, summary.unchanged, model.calls) == ({JobStatus.ACCEPTED: 3}, 0, 6)


def test_a_retry_works_its_own_question_only(store: Store) -> None:
    """Retrying puts back what this derivation and model left, and nothing of another model's."""
    _derive(store, ScriptedModel(lie(HONEST)), *ships(2))
    other = ScriptedModel(HONEST, identity=scripted_identity("other", "other"))
    summary = retry_derivation(store, other, make_derivation(), [JobStatus.REJECTED])
    assert (summary.subjects, other.calls) == (0, 0)
    summary = retry_derivation(store, ScriptedModel(HONEST), make_derivation(), [JobStatus.FAILED])
    assert summary.subjects == 0


def test_a_full_disk_stops_the_run_and_loses_nothing(store: Store) -> None:
    """The run ends with StoreFull; once there is room, the next one in the same process goes on at once."""

    class Filler(WorkObserver):
        is_full = False

        def on_results(self, results: Sequence[JobResult]) -> None:
            self.is_full = bool(results)

        def check(self, _c: object, _cursor: object, statement: str, *_: object) -> None:
            if self.is_full and not statement.startswith(("SELECT", "PRAGMA", "BEGIN")):
                raise StoreFull

    filler = Filler()
    event.listen(store._engine, "before_cursor_execute", filler.check)
    # slow enough for some jobs to be claimed and unanswered when the first answers are committed
    model = ScriptedModel(HONEST, latency_s=0.02)
    with pytest.raises(StoreFull):
        derive_evidence(store, model, make_derivation(), ships(300), observer=filler)
    filler.is_full = False
    assert Counter(row[0] for row in rows(store, "SELECT status FROM holocron_job"))["claimed"] > 0
    model = ScriptedModel(HONEST)
    assert derive_evidence(store, model, make_derivation(), ships(300)).is_clean
    assert count_rows(store, ["holocron_run", "holocron_artifact", "holocron_worker"]) == {
        "holocron_run": 300,
        "holocron_artifact": 300,
        "holocron_worker": 0,
    }
