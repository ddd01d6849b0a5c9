"""The worker and its engine: how many requests pay, and an engine that goes away."""

from __future__ import annotations

import dataclasses
import threading
import time
from functools import partial

import pytest

from factories import HONEST, make_derivation, plan_ships, rows, ships
from holocron.derivation.prompt import Prompt
from holocron.errors import EngineUnreachable, Unreachable
from holocron.llm.model import Abilities, Completion, OnProgress
from holocron.llm.scripted import scripted_identity
from holocron.store import JobStatus, Store
from holocron.store.queue import MAX_FAILURES
from holocron.testing import ScriptedModel
from holocron.work import WorkObserver, derive_evidence
from holocron.work import worker as worker_module
from holocron.work.concurrency import Concurrency
from holocron.work.serving import Service, ServiceObserver
from holocron.work.worker import MOST_OUTAGES


class _Remote(ScriptedModel):
    """An engine elsewhere that answers a few requests at once and lets the others wait."""

    def __init__(self, *, at_once: int, upper: int) -> None:
        identity = dataclasses.replace(scripted_identity(), abilities=Abilities(knows_slots=False))
        super().__init__(HONEST, identity=identity, slots=upper)
        self._places = threading.Semaphore(at_once)
        self._inside = 0
        self.most = 0

    def complete(self, prompt: Prompt, on_progress: OnProgress | None = None) -> Completion:
        """Wait for a place, then answer."""
        self._inside += 1
        self.most = max(self.most, self._inside)
        try:
            with self._places:
                time.sleep(0.05)
                return super().complete(prompt, on_progress)
        finally:
            self._inside -= 1


class _Settling(WorkObserver):
    settled: int | None = None

    def on_concurrency(self, slots: int) -> None:
        self.settled = slots


def test_requests_in_flight_are_found_out(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of an engine that does not know its slots settles where more are no gain."""
    monkeypatch.setattr(worker_module, "Concurrency", partial(Concurrency, trial_s=0.3))
    model, observer = _Remote(at_once=1, upper=16), _Settling()
    with Store(sqlite_url) as store:
        summary = derive_evidence(store, model, make_derivation(), ships(60), observer=observer)
    assert summary.is_clean
    # a busy machine may make two look better than one
    assert observer.settled in (1, 2, 4)
    assert model.most <= 8


def test_requests_in_flight_grow_where_that_pays(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that answers many at once gets many, and no more than its upper bound."""
    monkeypatch.setattr(worker_module, "Concurrency", partial(Concurrency, trial_s=0.3))
    model, observer = _Remote(at_once=99, upper=4), _Settling()
    with Store(sqlite_url) as store:
        assert derive_evidence(store, model, make_derivation(), ships(120), observer=observer).is_clean
    assert model.most in (2, 3, 4)


def test_an_engine_that_goes_away_costs_few_attempts(sqlite_url: str) -> None:
    """While an engine cannot be reached, one job at a time finds that out; the others wait."""
    calls: list[float] = []

    def answer(prompt: Prompt) -> str | Exception:
        calls.append(time.monotonic())
        # for two seconds after the fifth call
        if len(calls) > 5 and calls[-1] - calls[4] < 2.0:
            return EngineUnreachable("nobody listens")
        said = HONEST(prompt)
        assert isinstance(said, str)
        return said

    with Store(sqlite_url) as store:
        model = ScriptedModel(answer, slots=4, latency_s=0.02)
        assert derive_evidence(store, model, make_derivation(), ships(120)).is_clean
        ((failures,),) = rows(store, "SELECT sum(failures) FROM holocron_job")
    # what was claimed when it went away, and one for each try
    assert isinstance(failures, int)
    assert 1 <= failures <= 40


def test_an_answer_from_before_tells_nothing_of_the_engine_now(sqlite_url: str) -> None:
    """What was asked before the engine went away, and answered after, lets no other job be tried sooner."""
    began: list[float] = []
    first = threading.Lock()

    def answer(prompt: Prompt) -> str | Exception:
        is_first = first.acquire(blocking=False)
        began.append(time.monotonic())
        if is_first:
            time.sleep(0.1)
        elif time.monotonic() - began[0] < 1.0:
            return EngineUnreachable("nobody listens")
        said = HONEST(prompt)
        assert isinstance(said, str)
        return said

    with Store(sqlite_url) as store:
        assert derive_evidence(store, ScriptedModel(answer, slots=4), make_derivation(), ships(300)).is_clean
        ((failures,),) = rows(store, "SELECT sum(failures) FROM holocron_job")
    # what was claimed at first, and one for each try
    assert isinstance(failures, int)
    assert 1 <= failures <= 40


class _Away:
    """A script that fails to reach its engine a number of times, for one reason, and then answers."""

    def __init__(self, times: int, reason: Unreachable) -> None:
        self._left, self._reason = times, reason
        self.asked = 0

    def __call__(self, prompt: Prompt) -> str | Exception:
        self.asked += 1
        if self.asked <= self._left:
            return EngineUnreachable("the engine cannot be reached", reason=self._reason)
        said = HONEST(prompt)
        assert isinstance(said, str)
        return said


class _Losses(ServiceObserver):
    losses = 0

    def on_engine_lost(self, error: EngineUnreachable, delay_s: float) -> None:
        assert delay_s > 0
        assert error.reason is not Unreachable.LOST
        self.losses += 1


@pytest.fixture
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "backoff_s", lambda _: 0.01)
    monkeypatch.setattr(worker_module, "POLL_S", 0.01)


@pytest.mark.usefixtures("_short_waits")
@pytest.mark.parametrize("reason", [reason for reason in Unreachable if reason is not Unreachable.LOST])
def test_a_service_waits_for_its_engine_as_long_as_it_takes(sqlite_url: str, reason: Unreachable) -> None:
    """An engine that no request reaches costs a job nothing, however often one tries; each try is told."""
    away, watching = _Away(3 * MAX_FAILURES, reason), _Losses()
    with Store(sqlite_url) as store:
        plan_ships(store)
        Service(store, ScriptedModel(away), observer=watching, until_empty=True).run()
        assert rows(store, "SELECT status, failures, last_error FROM holocron_job") == [("accepted", 0, None)]
    assert (away.asked, watching.losses) == (3 * MAX_FAILURES + 1, 3 * MAX_FAILURES)


@pytest.mark.usefixtures("_short_waits")
def test_a_run_gives_up_an_engine_that_stays_away(sqlite_url: str) -> None:
    """After some tries a run ends with the engine's error; its jobs are as they were, and can go on."""
    away = _Away(10_000, Unreachable.REFUSED)
    with Store(sqlite_url) as store:
        with pytest.raises(EngineUnreachable, match="cannot be reached") as caught:
            derive_evidence(store, ScriptedModel(away, slots=4), make_derivation(), ships(300))
        assert caught.value.reason is Unreachable.REFUSED
        # what was claimed at first, and one for each try
        assert MOST_OUTAGES <= away.asked <= 20
        waiting = "SELECT status, failures, worker_id, count(*) FROM holocron_job GROUP BY 1, 2, 3"
        assert rows(store, waiting) == [("ready", 0, None, 300)]
        assert derive_evidence(store, ScriptedModel(HONEST, slots=4), make_derivation(), ships(300)).is_clean


@pytest.mark.usefixtures("_short_waits")
def test_a_job_that_breaks_its_connection_fails_in_the_end(sqlite_url: str) -> None:
    """It may be what ends the engine: each time counts, and the run goes on without it."""
    away = _Away(10_000, Unreachable.LOST)
    with Store(sqlite_url) as store:
        summary = derive_evidence(store, ScriptedModel(away), make_derivation(), ships(1))
    assert summary.statuses == {JobStatus.FAILED: 1}
    assert away.asked == MAX_FAILURES
