"""Workers are killed again and again, and the server under them is stopped: nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from factories import make_derivation, rows, ships
from holocron.store import Store
from holocron.testing import ScriptedModel
from holocron.work import derive_evidence, enqueue_evidence
from postgres_server import PostgresServer, find_programs, postgres_server
from racing import process_context, serve_counted
from whole_store import check_all_done_once

_SEED = 20261122
#: answers that one death can cost: the one in flight, and those on their way to a commit
_LOST_AT_MOST = 4

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT KILLED HERE: without fork, starts take minutes"),
]


class _Crowd:
    """Workers of one store, of which one after another is killed."""

    def __init__(self, store_url: str, calls: Path, size: int) -> None:
        self._store_url, self._calls = store_url, calls
        self._rng = random.Random(_SEED)
        self._workers = [self._start() for _ in range(size)]

    def _start(self) -> BaseProcess:
        process = process_context().Process(target=serve_counted, args=(self._store_url, self._calls))
        process.start()
        return process

    @property
    def answered(self) -> int:
        """Return how often the models were asked."""
        return self._calls.stat().st_size if self._calls.exists() else 0

    def kill_one(self, most_answers: int) -> bool:
        """Wait for a few answers, kill one worker and start another; tell whether it was alive."""
        goal = self.answered + self._rng.randint(0, most_answers)
        end = time.monotonic() + 10
        while self.answered < goal and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(self._rng.uniform(0, 0.05))
        index = self._rng.randrange(len(self._workers))
        victim = self._workers[index]
        lived = victim.is_alive()
        victim.kill()
        victim.join()
        self._workers[index] = self._start()
        return lived

    def finish(self) -> None:
        """Let one worker after another come to the end of the queue; those that gave up are started again."""
        end = time.monotonic() + 300
        while any(worker.exitcode != 0 for worker in self._workers):
            assert time.monotonic() < end, [worker.exitcode for worker in self._workers]
            for index, worker in enumerate(self._workers):
                worker.join(0.2)
                if worker.exitcode not in (None, 0):
                    self._workers[index] = self._start()

    def end(self) -> None:
        """Kill all."""
        for worker in self._workers:
            worker.kill()
            worker.join()


def _kill_workers(
    store_url: str,
    calls: Path,
    *,
    workers: int,
    jobs: int,
    kills: int,
    disturb: Callable[[int], None] = lambda _: None,
) -> None:
    """Enqueue jobs, kill workers until it is enough, let the rest end, and look at everything."""
    model = ScriptedModel(())
    with Store(store_url) as store:
        assert enqueue_evidence(store, model, make_derivation(), ships(jobs)).subjects == jobs
    crowd = _Crowd(store_url, calls, workers)
    try:
        killed = 0
        while killed < kills:
            left = max(0, jobs - crowd.answered)
            # so that the jobs last as long as the kills
            killed += crowd.kill_one(left // (kills - killed))
            disturb(killed)
        crowd.finish()
    finally:
        crowd.end()
    with Store(store_url) as store:
        # a worker that ended just after its last look may have left its row to nobody
        check_all_done_once(store, jobs)
        assert rows(store, "SELECT count(*) FROM holocron_job WHERE attempt > 1") != [(0,)]
        summary = derive_evidence(store, model, make_derivation(), ships(jobs))
        assert (summary.unchanged, model.calls) == (jobs, 0)
    assert jobs <= crowd.answered <= jobs + kills * _LOST_AT_MOST


def test_three_workers_on_sqlite(sqlite_url: str, tmp_path: Path) -> None:
    """Three workers, and one of them killed a hundred times: every job is done once."""
    _kill_workers(sqlite_url, tmp_path / "calls", workers=3, jobs=600, kills=100)


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

    _kill_workers(server.url, tmp_path / "calls", workers=4, jobs=2_000, kills=200, disturb=disturb)
    assert next(modes, None) is None
