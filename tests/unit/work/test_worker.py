"""The worker: stopping, hanging, dying, and sharing the work with others."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from factories import HONEST, claim, count_rows, make_derivation, plan_ships, rows, run_sql, ships
from holocron.derivation.prompt import Prompt
from holocron.llm.model import Completion, OnProgress
from holocron.pipeline import Question
from holocron.store import JobPlanner, JobResult, JobStatus, Store
from holocron.testing import ScriptedModel
from holocron.work import Worker, WorkObserver, assignments, derive_evidence
from holocron.work import worker as worker_module
from holocron.work.presence import name_host
from racing import derive_forty, derive_until_told, process_context, race

_STATES = "SELECT status, failures, worker_id, lease_expires_at FROM holocron_job"


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers look at leases more often, so that short ones can be used."""
    monkeypatch.setattr(worker_module, "POLL_S", 0.05)
    monkeypatch.setattr(assignments, "POLL_S", 0.05)


def _work(
    store: Store, model: ScriptedModel, planner: JobPlanner, *, lease_s: float = 60, **options: object
) -> Worker:
    worker = Worker(store, model, lease_s=lease_s, **options)  # type: ignore[arg-type]  # the observer
    try:
        worker.work(Question.prepare(make_derivation()), planner)
    finally:
        worker.close()
    return worker


@contextmanager
def _another(
    store_url: str, model: ScriptedModel, *, lease_s: float = 60, observer: WorkObserver | None = None
) -> Iterator[threading.Thread]:
    """Work the same jobs in a thread with a store of its own; the block's end waits for it."""

    def run() -> None:
        with Store(store_url) as own:
            planner = JobPlanner(own, make_derivation(), model.identity)
            _work(own, model, planner, lease_s=lease_s, observer=observer)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(30)
        assert not thread.is_alive()


def _wait_for(condition: object, what: str) -> None:
    end = time.monotonic() + 20
    while not condition():  # type: ignore[operator]  # a function
        assert time.monotonic() < end, f"waited too long for {what}"
        time.sleep(0.01)


class _Hanging(ScriptedModel):
    """A model that makes no progress until it is let go."""

    def __init__(self, **options: object) -> None:
        super().__init__(HONEST, **options)  # type: ignore[arg-type]  # as ScriptedModel's
        self.entered, self.let_go = threading.Event(), threading.Event()

    def complete(self, prompt: Prompt, on_progress: OnProgress | None = None) -> Completion:
        """Hang, then answer."""
        self.entered.set()
        assert self.let_go.wait(30)
        return super().complete(prompt, on_progress)


class _Stopper(WorkObserver):
    """Asks the worker to stop as soon as something is committed."""

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self.finished = 0

    def on_results(self, results: Sequence[JobResult]) -> None:
        self.finished += len(results)
        assert self.worker is not None
        self.worker.stop()


def test_stop_finishes_what_is_in_flight(store: Store) -> None:
    """After stop() nothing is claimed; what the model works on is finished, what waits is given back."""
    go_on, stopper = threading.Event(), _Stopper()
    calls = iter(range(50))

    def answer(prompt: Prompt) -> str:
        if next(calls):
            go_on.wait(30)
        said = HONEST(prompt)
        assert isinstance(said, str)
        return said

    def listen(worker: Worker) -> None:
        stopper.worker = worker
        threading.Timer(2.0, go_on.set).start()

    model = ScriptedModel(answer, slots=3)
    summary = derive_evidence(store, model, make_derivation(), ships(50), observer=stopper, on_worker=listen)
    assert summary.stopped
    # one was answered, three were in the model's hands, two waited for a thread
    assert stopper.finished == model.calls == 4
    assert Counter(rows(store, "SELECT status, attempt, failures, worker_id FROM holocron_job")) == {
        ("accepted", 1, 0, None): 4,
        ("ready", 1, 0, None): 2,
        ("ready", 0, 0, None): 44,
    }
    assert summary.statuses == {JobStatus.ACCEPTED: 4, JobStatus.READY: 46}
    again = ScriptedModel(HONEST)
    assert derive_evidence(store, again, make_derivation(), ships(50)).is_clean
    assert again.calls == 46


def test_abort_gives_back_what_is_in_flight(store: Store) -> None:
    """After abort() the model is told to stop, and its jobs are ready again without a failure."""
    model = ScriptedModel(HONEST, latency_s=60, slots=2)
    began = time.monotonic()

    def abort_soon(worker: Worker) -> None:
        threading.Timer(0.3, worker.abort).start()

    summary = derive_evidence(store, model, make_derivation(), ships(10), on_worker=abort_soon)
    assert time.monotonic() - began < 20
    assert summary.stopped
    assert Counter(rows(store, _STATES)) == {("ready", 0, None, None): 10}
    assert count_rows(store, ["holocron_worker", "holocron_run"]) == {
        "holocron_worker": 0,
        "holocron_run": 0,
    }


def test_a_stop_before_the_start_works_nothing(store: Store) -> None:
    """A worker that is stopped already claims no job."""
    model = ScriptedModel(HONEST)
    summary = derive_evidence(store, model, make_derivation(), ships(3), on_worker=Worker.stop)
    assert (model.calls, summary.statuses) == (0, {JobStatus.READY: 3})


def test_two_processes_share_the_work(store: Store, store_url: str) -> None:
    """Every job is worked once, and both processes see all of them done."""
    plan_ships(store, *ships(40))
    shares = race(derive_forty, store_url, processes=2)
    calls = [share[0] for share in shares]  # type: ignore[index]  # pairs
    assert sum(calls) == 40
    assert min(calls) > 0
    assert all(share[1] == {JobStatus.ACCEPTED: 40} for share in shares)  # type: ignore[index]  # as above
    assert count_rows(store, ["holocron_run", "holocron_artifact", "holocron_worker"]) == {
        "holocron_run": 40,
        "holocron_artifact": 40,
        "holocron_worker": 0,
    }


def test_a_hung_job_is_taken_over(store: Store, store_url: str) -> None:
    """A job without progress loses its lease; another worker finishes it, and the late answer is dropped."""
    hanging = _Hanging(slots=1)
    planner, (job,) = plan_ships(store)
    with _another(store_url, hanging, lease_s=0.4):
        assert hanging.entered.wait(20)
        _work(store, ScriptedModel(HONEST), planner, lease_s=0.4)
        hanging.let_go.set()
    assert rows(store, "SELECT job_id, attempt, outcome FROM holocron_run") == [(job.job_id, 2, "accepted")]
    assert rows(store, "SELECT status, attempt, failures FROM holocron_job") == [("accepted", 2, 1)]
    assert hanging.calls == 1


def test_a_hung_worker_cannot_finish_twice(store: Store, store_url: str) -> None:
    """A worker whose own job was lost and claimed again by itself commits one answer."""
    hanging = _Hanging(slots=2)
    plan_ships(store)
    with _another(store_url, hanging, lease_s=0.3):
        _wait_for(lambda: rows(store, "SELECT attempt FROM holocron_job")[0][0] == 2, "a second attempt")
        hanging.let_go.set()
    assert rows(store, "SELECT attempt FROM holocron_run") == [(2,)]


def test_jobs_behind_a_model_that_hangs_are_taken_over(store: Store, store_url: str) -> None:
    """Where all slots hang, what waits for a slot or a thread loses its lease too, though threads poll."""
    hanging = _Hanging(slots=4)
    planner, _ = plan_ships(store, *ships(8))
    with _another(store_url, hanging, lease_s=0.4):
        _wait_for(lambda: rows(store, _STATES + " WHERE status <> 'claimed'") == [], "all claims")
        began = time.monotonic()
        _work(store, ScriptedModel(HONEST), planner, lease_s=0.4)
        # the model would be let go by itself after 30 s
        assert time.monotonic() - began < 20
        hanging.let_go.set()
    done = "SELECT status, attempt, count(*) FROM holocron_job GROUP BY status, attempt"
    assert rows(store, done) == [("accepted", 2, 8)]
    assert count_rows(store, ["holocron_run"]) == {"holocron_run": 8}


def test_progress_renews_a_lease(store: Store, store_url: str) -> None:
    """A slow job that makes progress outlives its lease many times, and nobody takes it."""
    slow, idle = ScriptedModel(HONEST, latency_s=2.5, slots=1), ScriptedModel(HONEST)
    planner, _ = plan_ships(store)
    with _another(store_url, slow, lease_s=1.0):
        _wait_for(lambda: slow.calls, "the first call")
        _work(store, idle, planner, lease_s=1.0)
    assert idle.calls == 0
    assert rows(store, "SELECT status, attempt, failures FROM holocron_job") == [("accepted", 1, 0)]


def test_a_job_that_waits_behind_a_slow_one_keeps_its_lease(store: Store, store_url: str) -> None:
    """Claimed jobs that no thread has begun stay with their worker while it makes progress."""
    slow, idle = ScriptedModel(HONEST, latency_s=1.6, slots=1), ScriptedModel(HONEST)
    planner, _ = plan_ships(store, *ships(2))
    with _another(store_url, slow, lease_s=1.0):
        _wait_for(lambda: rows(store, _STATES + " WHERE status <> 'claimed'") == [], "both claims")
        _work(store, idle, planner, lease_s=1.0)
    assert idle.calls == 0
    assert Counter(rows(store, "SELECT status, attempt FROM holocron_job")) == {("accepted", 1): 2}


def test_a_dead_processes_jobs_are_taken_at_once(store: Store) -> None:
    """Jobs of a process of this host that is gone do not wait for their lease."""
    planner, _ = plan_ships(store, *ships(3))
    dead = claim(store, planner, lease_s=9_000)[0].worker_id
    run_sql(store, f"UPDATE holocron_worker SET host = '{name_host()}' WHERE id = {dead}")
    model = ScriptedModel(HONEST)
    _work(store, model, planner)
    assert model.calls == 3
    assert Counter(rows(store, "SELECT status, attempt FROM holocron_job")) == {("accepted", 2): 3}


def test_another_hosts_jobs_wait_for_their_lease(store: Store) -> None:
    """What runs elsewhere cannot be looked at; its jobs are waited for."""

    class Waiting(WorkObserver):
        worker: Worker | None = None
        jobs = 0

        def on_waiting(self, jobs: int) -> None:
            self.jobs = jobs
            assert self.worker is not None
            self.worker.stop()

    planner, _ = plan_ships(store, *ships(2))
    claim(store, planner, lease_s=9_000)
    waiting, model = Waiting(), ScriptedModel(HONEST)
    waiting.worker = worker = Worker(store, model, observer=waiting)
    worker.work(Question.prepare(make_derivation()), planner)
    worker.close()
    assert (waiting.jobs, model.calls) == (2, 0)


def test_a_forgotten_worker_signs_on_again(store: Store) -> None:
    """A worker whose record someone deleted makes another one, and works all jobs."""
    planner, _ = plan_ships(store, *ships(3))
    model = ScriptedModel(HONEST)
    worker = Worker(store, model)
    run_sql(store, "DELETE FROM holocron_worker")
    worker.work(Question.prepare(make_derivation()), planner)
    worker.close()
    assert Counter(rows(store, _STATES)) == {("accepted", 0, None, None): 3}
    assert count_rows(store, ["holocron_worker"]) == {"holocron_worker": 0}


@pytest.mark.skipif(os.name == "nt", reason="SIGINT CANNOT BE SENT to one process on Windows")
@pytest.mark.parametrize(
    ("is_asked", "said"), [(True, "stopped"), (False, "interrupted")], ids=["handled", "raw"]
)
def test_ctrl_c_loses_nothing(store: Store, store_url: str, is_asked: bool, said: str) -> None:
    """A process that is interrupted gives its jobs back before it ends, and the rest can be done at once."""
    context = process_context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=derive_until_told, args=(store_url, sender), kwargs={"is_asked": is_asked}
    )
    process.start()
    assert receiver.poll(60)
    receiver.recv()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    messages: list[object] = [1]
    while isinstance(messages[-1], int):
        assert receiver.poll(60)
        messages.append(receiver.recv())
    process.join(30)
    assert messages[-1] == said
    states = Counter(rows(store, _STATES))
    assert set(states) == {("accepted", 0, None, None), ("ready", 0, None, None)}
    assert states["accepted", 0, None, None] < 200
    assert count_rows(store, ["holocron_worker"]) == {"holocron_worker": 0}
    assert derive_evidence(store, ScriptedModel(HONEST), make_derivation(), ships(300)).is_clean
