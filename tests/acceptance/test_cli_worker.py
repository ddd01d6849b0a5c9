"""The queue from the command line: enqueue in one process, workers in others, signals in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli_calls import (
    Call,
    call,
    end_process,
    make_project,
    start_process,
    write_derivation,
    write_script,
    write_ship,
)

_NEEDS_SIGNALS = pytest.mark.skipif(os.name == "nt", reason="NO SIGNALS to one process on Windows")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project of six ships, and stand in it."""
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path, ships=6)


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(project: Path) -> Iterator[Start]:
    """Start workers of the project; those that are still there at the end of the test are killed."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str) -> subprocess.Popen[bytes]:
        started.append(start_process("worker", *arguments, cwd=project))
        return started[-1]

    yield begin
    for process in started:
        if process.returncode is None:
            process.kill()
            end_process(process)


def _counts() -> dict[str, int]:
    """Return how many jobs of ship_facts stand where."""
    found = call("status", "--json").document["derivations"]["ship_facts"]
    return {status: number for status, number in found.items() if number}


def _wait_for_claim(worker: subprocess.Popen[bytes]) -> None:
    """Wait until a worker holds jobs."""
    end = time.monotonic() + 120
    while not _counts().get("claimed"):
        assert worker.poll() is None, end_process(worker)
        assert time.monotonic() < end, "waited too long for a claim"
        time.sleep(0.1)


def _slow_down(project: Path, latency_s: float, **settings: object) -> None:
    write_script(project / "script.json", latency_s=latency_s, **settings)


def test_a_worker_makes_no_database(project: Path) -> None:
    """Without a database file, as in a wrong folder, a worker says so and waits for nothing."""
    refused = call("worker")
    assert (refused.code, refused.out) == (1, "")
    assert "there is no database at" in refused.err
    assert "holocron enqueue" in refused.err
    assert not (project / ".holocron").exists()


def test_an_empty_queue_says_what_waits_for_others(project: Path) -> None:
    """--until-empty names the jobs of other models, of other weights and of pauses, and what to type."""
    write_script(project / "other.json", digest="other")
    call("enqueue", "--model", "scripted:other.json")
    done = call("worker", "--until-empty")
    assert done.code == 0
    told = "6 jobs of ship_facts wait for scripted:other.json: holocron worker --model scripted:other.json"
    assert told in done.err
    write_script(project / "other.json", digest="yet another")
    done = call("worker", "--until-empty", "--model", "scripted:other.json")
    assert "ship_facts wait for other weights, or another address, of scripted:other.json" in done.err
    assert "holocron enqueue ship_facts" in done.err
    call("enqueue")
    call("pause")
    done = call("worker", "--until-empty", "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    own = f"scripted:{(project / 'script.json').as_posix()}"
    left = {"event": "left", "derivation": "ship_facts", "model": own, "jobs": 6}
    assert [event for event in events if event["event"] == "left"] == [left]
    assert "6 jobs of ship_facts are paused: holocron pause --off" in call("worker", "--until-empty").err
    call("pause", "--off")
    assert "wait" not in call("worker", "--until-empty").err


def test_enqueue_loads_and_works_nothing(project: Path) -> None:
    """`enqueue` plans what `derive` would work, says so, and leaves it to workers."""
    made = call("enqueue")
    assert (made.code, _counts()) == (0, {"ready": 6})
    assert "6 in the queue, 0 unchanged" in made.out
    assert "holocron worker" in made.out
    document = call("enqueue", "ship_facts", "ships/1.txt", "--json").document
    assert document["derivations"][0] == {
        "derivation": "ship_facts",
        "subjects": 1,
        "queued": 1,
        "unchanged": 0,
        "unusable": [],
    }
    assert project.is_dir()


@pytest.mark.usefixtures("project")
def test_enqueue_and_derive_mean_the_same_jobs() -> None:
    """What was derived is not queued again, unless it is forced to be."""
    assert call("derive").code == 0
    assert "0 in the queue, 6 unchanged" in call("enqueue").out
    assert "6 in the queue" in call("enqueue", "--force", "--priority", "3").out


def test_unusable_evidence_is_told(project: Path) -> None:
    """`enqueue` names what cannot be used and ends with 3; with 1 where nothing can."""
    (project / "ships" / "x.txt").write_bytes(b"\xff\xfe\xff")
    mixed = call("enqueue")
    assert (mixed.code, _counts()) == (3, {"ready": 6})
    assert "x.txt" in mixed.err
    none = call("enqueue", "ship_facts", "ships/x.txt")
    assert none.code == 1
    assert "1 of 1 pieces of evidence" in none.err
    assert "Evidence is UTF-8 text" in none.err
    assert none.err.splitlines()[-2:] == call("derive", "ship_facts", "ships/x.txt").err.splitlines()[-2:]


def test_a_worker_needs_nothing_but_the_database(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In a folder without derivations or evidence, a worker with the same model works the queue."""
    write_derivation(project, "port_facts")
    assert call("enqueue").code == 0
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    database = f"sqlite:///{(project / '.holocron' / 'holocron.sqlite').as_posix()}"
    model = f"scripted:{(project / 'script.json').as_posix()}"
    done = end_process(
        start_process(
            *("--database", database, "worker", "--model", model, "--until-empty", "--json"), cwd=elsewhere
        )
    )
    assert done.code == 0
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["event"] for line in lines] == ["started", "ended"]
    assert lines[1]["accepted"] == 12
    assert _counts() == {"accepted": 6}
    assert list(elsewhere.iterdir()) == []


def test_three_workers_share_a_queue(project: Path, start: Start) -> None:
    """Three processes on one SQLite work every job once, and all end when there is none."""
    make_project_larger(project, 40)
    _slow_down(project, 0.05, slots=2)
    assert call("enqueue").code == 0
    workers = [start("--until-empty") for _ in range(3)]
    ended = [end_process(worker) for worker in workers]
    assert [worker.code for worker in ended] == [0, 0, 0], ended
    assert _counts() == {"accepted": 40}
    assert call("workers", "--json").document == []
    assert all(job["attempts"] == 1 for job in call("jobs", "--json").document)
    assert call("verify").code == 0


def make_project_larger(project: Path, ships: int) -> None:
    """Add ships up to a number."""
    for number in range(7, ships + 1):
        write_ship(project, number)


@_NEEDS_SIGNALS
def test_sigterm_finishes_what_is_in_flight(project: Path, start: Start) -> None:
    """A worker that is told to stop ends with 0, having finished what it was at and given back the rest."""
    _slow_down(project, 1.0, slots=2)
    call("enqueue")
    worker = start()
    _wait_for_claim(worker)
    (row,) = call("workers", "--json").document
    assert (row["process"], row["state"], row["slots"]) == (worker.pid, "alive", 2)
    assert row["jobs"] > 0
    assert str(worker.pid) in call("workers").out
    worker.send_signal(signal.SIGTERM)
    ended = end_process(worker)
    assert ended.code == 0
    assert "stopping" in ended.err
    counts = _counts()
    assert counts["accepted"] >= 2
    assert counts["accepted"] + counts.get("ready", 0) == 6
    assert call("workers").out.startswith("There is no worker")


@_NEEDS_SIGNALS
def test_sigterm_gives_back_what_takes_too_long(project: Path, start: Start) -> None:
    """After the grace a stopping worker gives back what it has, and still ends with 0."""
    _slow_down(project, 300.0)
    call("enqueue")
    worker = start("--grace", "0.5")
    _wait_for_claim(worker)
    worker.send_signal(signal.SIGTERM)
    assert end_process(worker, 30).code == 0
    assert _counts() == {"ready": 6}


@_NEEDS_SIGNALS
def test_a_second_signal_ends_at_once(project: Path, start: Start) -> None:
    """The second signal does not wait for answers; the jobs are ready for others."""
    _slow_down(project, 300.0)
    call("enqueue")
    worker = start()
    _wait_for_claim(worker)
    worker.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    worker.send_signal(signal.SIGINT)
    assert end_process(worker, 30).code == 130
    assert _counts() == {"ready": 6}


@_NEEDS_SIGNALS
def test_a_killed_worker_is_marked_dead(project: Path, start: Start) -> None:
    """A worker that was killed stands in the list as dead, and the next one takes its jobs."""
    _slow_down(project, 300.0)
    call("enqueue")
    worker = start()
    _wait_for_claim(worker)
    worker.kill()
    end_process(worker)
    (row,) = call("workers", "--json").document
    assert row["state"] == "dead"
    _slow_down(project, 0.0)
    assert end_process(start("--until-empty")).code == 0
    assert _counts() == {"accepted": 6}


def test_cancel_while_running(project: Path, start: Start) -> None:
    """What a worker has in hand is cancelled with the rest; it goes on, and keeps no late answer."""
    _slow_down(project, 300.0)
    call("enqueue")
    worker = start("--until-empty")
    _wait_for_claim(worker)
    assert call("cancel", "ship_facts", "ships/6.txt").out == "1 open job cancelled.\n"
    assert call("cancel", "ship_facts", "--json").document == {"cancelled": 5}
    ended = end_process(worker)
    assert (ended.code, _counts()) == (0, {"cancelled": 6})
    shown = call("status").out
    assert "cancelled" in shown
    _slow_down(project, 0.0)
    assert call("retry", "--status", "cancelled").code == 0
    assert _counts() == {"accepted": 6}
    assert "cancelled" not in call("status").out


@pytest.mark.usefixtures("project")
def test_pause_and_go_on() -> None:
    """A paused derivation is left alone by workers and by `derive`, until the pause is taken back."""
    call("enqueue")
    assert "is paused" in call("pause", "ship_facts").out
    assert "was paused already" in call("pause", "ship_facts").out
    assert "ship_facts is paused" in call("status").out
    assert call("worker", "--until-empty").code == 0
    derived = call("derive")
    assert (derived.code, _counts()) == (3, {"ready": 6})
    assert "6 still open" in derived.out
    assert "is paused" in call("enqueue").out
    assert "goes on" in call("pause", "ship_facts", "--off").out
    assert call("pause", "--json").document == {"changed": True, "paused": ["*"]}
    assert call("worker", "--until-empty").code == 0
    assert _counts() == {"ready": 6}
    assert "still paused" in call("pause", "ship_facts", "--off").out
    call("pause", "--off")
    assert call("worker", "--until-empty").code == 0
    assert _counts() == {"accepted": 6}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["cancel"], id="cancel without a name"),
        pytest.param(["cancel", "ship_facts", "--all"], id="cancel one and all"),
        pytest.param(["cancel", "nope"], id="cancel an unknown one"),
        pytest.param(["pause", "nope"], id="pause an unknown one"),
        pytest.param(["enqueue", "nope"], id="enqueue an unknown one"),
        pytest.param(["enqueue", "--priority", "high"], id="a priority that is no number"),
        pytest.param(["worker", "--concurrency", "0"], id="no requests at all"),
    ],
)
def test_what_is_not_there_is_refused(arguments: list[str]) -> None:
    """A call that names nothing, or what is not there, ends with 2 and changes nothing."""
    call("enqueue")
    refused: Call = call(*arguments)
    assert refused.code == 2, refused
    assert _counts() == {"ready": 6}
