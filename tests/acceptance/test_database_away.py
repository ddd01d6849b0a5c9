"""Commands that are called while a server's database is away: a worker waits for it, the others say so."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_calls import call, make_project, start_process
from postgres_server import PostgresServer, find_programs, postgres_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="NO SIGNALS to one process on Windows"),
]


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server of this test's own, bring its schema up to date, and stop it."""
    programs = find_programs()
    if programs is None:
        pytest.skip("POSTGRESQL IS NOT STOPPED: no initdb here, or nobody but root to run it")
    with postgres_server(programs) as running:
        assert call("--database", running.url, "db", "upgrade").code == 0
        running.stop()
        yield running


class _Worker:
    """A worker's process, and what it said so far."""

    def __init__(self, project: Path, *arguments: str) -> None:
        self.said: list[str] = []
        self.process = start_process(*arguments, cwd=project, stdout=subprocess.DEVNULL)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            self.said.extend(line.decode() for line in stream)

    def wait_for(self, words: str) -> None:
        end = time.monotonic() + 60
        while not any(words in line for line in [*self.said]):
            assert time.monotonic() < end, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.05)

    def end(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self._reader.join()
        return code


def test_a_worker_waits_for_its_database(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that starts before its database says so once, and goes on when it is there."""
    monkeypatch.chdir(make_project(tmp_path))
    worker = _Worker(tmp_path, "--database", server.url, "worker")
    worker.wait_for("waiting for the database")
    time.sleep(3)
    server.start()
    worker.wait_for("jobs of postgresql://")
    assert sum("waiting" in line for line in worker.said) == 1
    assert call("--database", server.url, "derive").code == 0
    assert worker.end() == 0


def test_a_worker_that_waits_can_be_stopped(server: PostgresServer, tmp_path: Path) -> None:
    """SIGTERM ends the wait, with 0 as it does any worker."""
    worker = _Worker(make_project(tmp_path), "--database", server.url, "worker")
    worker.wait_for("waiting for the database")
    assert worker.end() == 0


def test_what_a_person_waits_for_fails_at_once(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`worker --until-empty`, `derive` and `enqueue` do not wait for a server that is not there."""
    monkeypatch.chdir(make_project(tmp_path))
    for command in (["worker", "--until-empty"], ["derive"], ["enqueue"]):
        refused = call("--database", server.url, *command)
        assert (refused.code, "does not answer" in refused.err) == (1, True)


def test_what_waiting_does_not_mend_ends_a_worker(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that the server does not have, and one without a schema, are said at once."""
    monkeypatch.chdir(make_project(tmp_path))
    server.start()
    unknown = call("--database", server.url.replace("/postgres", "/no_such_database"), "worker")
    assert (unknown.code, "no_such_database" in unknown.err) == (1, True)
    bare = call("--database", server.url.replace("/postgres", "/template1"), "worker")
    assert (bare.code, "holocron db upgrade" in bare.err) == (1, True)
