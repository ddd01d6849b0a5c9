from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli_calls import call, end_process, make_project, start_process, write_script
from demo_answers import ANSWERS_FILE, WRONG

#: signals that a test can send to one process alone
SIGNALS = [pytest.param(signal.SIGTERM, id="sigterm"), pytest.param(signal.SIGINT, id="ctrl-c")]
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to one process")


def count_rows(project: Path, query: str) -> int:
    """Return the one number that a query of the project's database gives."""
    connection = sqlite3.connect(project / ".holocron" / "holocron.sqlite")
    try:
        (number,) = connection.execute(query).fetchone()
    finally:
        connection.close()
    return int(number)


def wait_for_artifacts(project: Path, number: int) -> None:
    """Wait until another process has accepted that many answers."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if count_rows(project, "SELECT count(*) FROM holocron_artifact") >= number:
                return
        except sqlite3.OperationalError:
            pass  # the tables are not there yet
        time.sleep(0.05)
    raise AssertionError("nothing was accepted in time")


def test_the_demo_runs_from_a_shell(tmp_path: Path) -> None:
    """The whole demo in a process of its own: rows on standard output, progress on standard error."""
    process = start_process("demo", "--model", f"scripted:{ANSWERS_FILE}", cwd=tmp_path)
    done = end_process(process)
    assert done.code == 3
    assert "Mara Veen" in done.out
    assert f"42 of 42 done, {42 - len(WRONG)} accepted, {len(WRONG)} rejected" in done.err
    assert "Traceback" not in done.err


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """`python -m holocron` is `holocron`, with its exit codes, where the script is not on the PATH."""
    for arguments, code in (["--version"], 0), (["nope"], 2):
        command = [sys.executable, "-m", "holocron", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done
        assert "holocron" in done.stdout + done.stderr


def test_output_survives_a_poor_terminal(tmp_path: Path) -> None:
    """Letters that a terminal's encoding lacks are written out, and nothing breaks."""
    process = start_process(
        "demo", "--model", f"scripted:{ANSWERS_FILE}", cwd=tmp_path, PYTHONIOENCODING="cp1252", PYTHONUTF8="0"
    )
    done = end_process(process)
    assert done.code == 3
    assert "Zofia D\\u0119bska" in done.out


@needs_signals
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_a_run_and_nothing_is_lost(tmp_path: Path, number: signal.Signals) -> None:
    """A stopped run finishes what is in flight, says so, ends with 130; the next one does only the rest."""
    make_project(tmp_path, ships=40)
    write_script(tmp_path / "script.json", latency_s=0.4, slots=2)
    process = start_process("derive", cwd=tmp_path)
    wait_for_artifacts(tmp_path, 2)
    process.send_signal(number)
    done = end_process(process)
    assert done.code == 130
    assert "stopping: what is in flight is finished" in done.err
    assert "goes on from here" in done.out
    accepted = count_rows(tmp_path, "SELECT count(*) FROM holocron_job WHERE status = 'accepted'")
    assert 2 <= accepted < 40
    assert count_rows(tmp_path, "SELECT count(*) FROM holocron_job WHERE status = 'claimed'") == 0
    write_script(tmp_path / "script.json")
    rest = call("--project", tmp_path, "derive", "--json")
    assert rest.code == 0
    assert rest.document["derivations"][0]["unchanged"] == accepted
    assert count_rows(tmp_path, "SELECT count(*) FROM holocron_run") == 40


@needs_signals
def test_a_second_signal_aborts_at_once(tmp_path: Path) -> None:
    """Who asks twice does not wait for a slow answer; its job goes back into the queue."""
    make_project(tmp_path, ships=2)
    write_script(tmp_path / "script.json", latency_s=300, slots=2)
    process = start_process("derive", cwd=tmp_path)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if count_rows(tmp_path, "SELECT count(*) FROM holocron_job WHERE status = 'claimed'"):
                break
        except sqlite3.OperationalError:
            pass  # the tables are not there yet
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    done = end_process(process, timeout_s=30)
    assert done.code == 130
    assert count_rows(tmp_path, "SELECT count(*) FROM holocron_job WHERE status = 'ready'") == 2


def test_two_processes_share_the_work(tmp_path: Path) -> None:
    """Two at once at one project both end well, and every job is done once."""
    make_project(tmp_path, ships=20)
    write_script(tmp_path / "script.json", latency_s=0.05, slots=2)
    processes = [start_process("derive", cwd=tmp_path) for _ in range(2)]
    ended = [end_process(process) for process in processes]
    assert [done.code for done in ended] == [0, 0], ended
    assert count_rows(tmp_path, "SELECT count(*) FROM holocron_run") == 20
    assert count_rows(tmp_path, "SELECT count(*) FROM ship_facts") == 20
    assert call("--project", tmp_path, "verify").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows reports a closed pipe in another way")
def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    """`holocron export … | head` ends quietly."""
    make_project(tmp_path, ships=3)
    assert call("--project", tmp_path, "derive").code == 0
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = start_process("export", "ship_facts", cwd=tmp_path, stdout=write_end)
    os.close(write_end)
    done = end_process(process)
    assert done.err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell closes the streams")
def test_closed_streams_stop_no_work(tmp_path: Path) -> None:
    """A service manager or a cron job may start it without standard output and standard error."""
    make_project(tmp_path, ships=3)
    for words in ("derive", "status", "jobs"):
        shell = f'"{sys.executable}" -m holocron.cli.main {words} >&- 2>&-'
        assert subprocess.run(["/bin/sh", "-c", shell], cwd=tmp_path, check=False).returncode == 0
    assert count_rows(tmp_path, "SELECT count(*) FROM ship_facts") == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_the_output_is_named(tmp_path: Path) -> None:
    """What cannot be written is one sentence, and no fault of Holocron."""
    make_project(tmp_path, ships=1)
    assert call("--project", tmp_path, "derive").code == 0
    with Path("/dev/full").open("wb") as full:
        done = end_process(start_process("jobs", "--json", cwd=tmp_path, stdout=full.fileno()))
    assert done.code == 1
    assert "cannot be used: No space left" in done.err
    assert "a fault in Holocron" not in done.err
