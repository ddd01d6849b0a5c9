"""Workers are killed again and again, and the server under them is stopped: nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil
import pytest

from factories import make_derivation, rows, ships
from holocron.store import Store
from holocron.store.queue import MAX_FAILURES
from holocron.store.store import retried
from holocron.testing import ScriptedModel
from holocron.work import derive_evidence, enqueue_evidence
from postgres_server import PostgresServer, find_programs, postgres_server
from racing import process_context, serve_counted
from whole_store import check_all_done_once

_SEED = 20261122
_JOBS, _KILLS = 2_000, 200
_ANSWER_S = 0.06
#: answers that one death can cost: the one in flight, and those on their way to a commit
_LOST_AT_MOST = 5
#: a worker begins fewer answers than this before it is killed; what is left in the end is for quick workers
_MOST_ANSWERS = 11

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT KILLED HERE: without fork, starts take minutes"),
]


@retried
def _most_failures(store: Store, process_id: int) -> int | None:
    """Return how often the unluckiest job was lost that a process holds; None where it holds none."""
    held = (
        "SELECT max(failures) FROM holocron_job WHERE worker_id IN"
        f" (SELECT id FROM holocron_worker WHERE process_id = {process_id})"
    )
    ((failures,),) = rows(store, held)
    assert failures is None or isinstance(failures, int)
    return failures


class _Runner:
    """A worker's process, and how many answers it may begin before it is killed."""

    def __init__(self, store_url: str, calls: Path, goal: int, answer_s: float) -> None:
        self.calls, self.goal = calls, goal
        self.process: BaseProcess = process_context().Process(
            target=serve_counted, args=(store_url, calls, answer_s)
        )
        self.process.start()

    @property
    def begun(self) -> int:
        """Return how often its model was asked."""
        return self.calls.stat().st_size if self.calls.exists() else 0

    def kill_at_work(self, store: Store) -> bool:
        """Stop it, look at the jobs it holds, and kill it if there are any; it goes on otherwise.

        It goes on too where one of them was lost so often that one loss more ends it as failed, by design.
        """
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        stopped = psutil.Process(self.process.pid)
        while stopped.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
            time.sleep(0.001)
        failures = _most_failures(store, self.process.pid)
        if failures is None or failures + 1 >= MAX_FAILURES:
            os.kill(self.process.pid, signal.SIGCONT)
            return False
        self.process.kill()
        self.process.join()
        return True


class _Crowd:
    """Workers of one store, of which one after another is killed at its work."""

    def __init__(self, store: Store, calls: Path, size: int) -> None:
        self._store, self._calls = store, calls
        self._rng = random.Random(_SEED)
        self._started: list[_Runner] = []
        self._runners = [self._start() for _ in range(size)]

    def _start(self, answer_s: float = _ANSWER_S) -> _Runner:
        url = self._store.url.render_as_string(hide_password=False)
        goal = self._rng.randrange(1, _MOST_ANSWERS)
        self._started.append(_Runner(url, self._calls / str(len(self._started)), goal, answer_s))
        return self._started[-1]

    @property
    def answered(self) -> int:
        """Return how often the models were asked."""
        return sum(runner.begun for runner in self._started)

    def kill_one(self) -> None:
        """Kill a worker that has begun the answers it was given, and start another."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            time.sleep(self._rng.uniform(0, _ANSWER_S))
            for index, runner in enumerate(self._runners):
                is_hit = runner.begun >= runner.goal and runner.kill_at_work(self._store)
                if is_hit or runner.process.exitcode is not None:
                    self._runners[index] = self._start()
                if is_hit:
                    return
        raise AssertionError(f"nobody was at work: {self.answered} answers")

    def finish(self) -> None:
        """Kill all, and let quick workers come to the end of the queue; who gives up is started again."""
        self.end()
        self._runners = [self._start(answer_s=0) for _ in self._runners]
        end = time.monotonic() + 300
        while any(runner.process.exitcode != 0 for runner in self._runners):
            assert time.monotonic() < end, [runner.process.exitcode for runner in self._runners]
            for index, runner in enumerate(self._runners):
                runner.process.join(0.2)
                if runner.process.exitcode not in (None, 0):
                    self._runners[index] = self._start(answer_s=0)

    def end(self) -> None:
        """Kill all."""
        for runner in self._runners:
            runner.process.kill()
            runner.process.join()


def _kill_workers(
    store_url: str, calls: Path, *, workers: int, disturb: Callable[[int], None] = lambda _: None
) -> None:
    """Enqueue jobs, kill workers until it is enough, let the rest end, and look at everything."""
    calls.mkdir()
    model = ScriptedModel(())
    with Store(store_url) as store:
        assert enqueue_evidence(store, model, make_derivation(), ships(_JOBS)).subjects == _JOBS
        crowd = _Crowd(store, calls, workers)
        try:
            for killed in range(_KILLS):
                crowd.kill_one()
                disturb(killed + 1)
            crowd.finish()
        finally:
            crowd.end()
        check_all_done_once(store, _JOBS)
        assert rows(store, "SELECT count(*) FROM holocron_job WHERE attempt > 1") != [(0,)]
        summary = derive_evidence(store, model, make_derivation(), ships(_JOBS))
        assert (summary.unchanged, model.calls) == (_JOBS, 0)
    assert _JOBS <= crowd.answered <= _JOBS + (_KILLS + workers) * _LOST_AT_MOST


def test_three_workers_on_sqlite(sqlite_url: str, tmp_path: Path) -> None:
    """2,000 jobs, three workers, and 200 times one of them is killed while it holds jobs: all done once."""
    _kill_workers(sqlite_url, tmp_path / "calls", workers=3)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server of this test's own."""
    programs = find_programs()
    if programs is None:
        pytest.skip("POSTGRESQL IS NOT KILLED: no initdb here, or nobody but root to run it")
    with postgres_server(programs) as running:
        yield running


def test_four_workers_on_postgresql_that_restarts(server: PostgresServer, tmp_path: Path) -> None:
    """2,000 jobs, 200 killed workers and five stops of the server, three of them crashes: all done once."""
    with Store(server.url, any_version=True) as store:
        store.upgrade()
    modes = iter(["fast", "immediate", "immediate", "fast", "immediate"])
    due = iter([30, 65, 100, 135, 170, 10_000])
    next_at = next(due)

    def disturb(killed: int) -> None:
        nonlocal next_at
        if killed >= next_at:
            next_at = next(due)
            server.restart(next(modes))

    _kill_workers(server.url, tmp_path / "calls", workers=4, disturb=disturb)
    assert next(modes, None) is None
