"""How llama.cpp lives in this process, and how it goes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from holocron.errors import CompletionCancelled
from holocron.fingerprint import JSONValue
from holocron.llm.llamacpp import LlamaCppModel
from prompts import make_prompt

LONG: JSONValue = {"type": "string", "minLength": 3000, "maxLength": 3500}


def test_nothing_listens_on_a_port(tiny_path: Path) -> None:
    """While the model answers, this process has no socket that a network could reach."""
    before = _list_ports()
    model = LlamaCppModel(tiny_path)
    model.complete(make_prompt())
    assert _list_ports() <= before
    model.close()


def _list_ports() -> set[object]:
    connections = psutil.Process().net_connections("inet")
    return {connection.laddr for connection in connections if connection.status == psutil.CONN_LISTEN}


def test_closing_twice_and_asking_afterwards(tiny_path: Path) -> None:
    """A closed model stays closed, says so, and does not mind being closed again."""
    model = LlamaCppModel(tiny_path)
    model.complete(make_prompt())
    model.close()
    model.close()
    with pytest.raises(CompletionCancelled, match="closed"):
        model.complete(make_prompt())


def test_closing_stops_what_is_in_flight(tiny_path: Path) -> None:
    """Close ends answers that are being written, and they say why."""
    model = LlamaCppModel(tiny_path)
    begun = threading.Event()

    def note(_: int) -> bool:
        begun.set()
        return True

    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(model.complete, make_prompt(schema=LONG, max_output_tokens=3500), note)
            for _ in range(2)
        ]
        assert begun.wait(10)
        model.close()
        for call in calls:
            with pytest.raises(CompletionCancelled, match="closed"):
                call.result(10)


PREAMBLE = f"""
import contextlib, os, signal, sys, threading, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from holocron.errors import CompletionCancelled
from holocron.llm.llamacpp import LlamaCppModel
from prompts import make_prompt

model = LlamaCppModel(Path(sys.argv[1]))
long = make_prompt(schema={LONG!r}, max_output_tokens=3500)

def ask():
    with contextlib.suppress(CompletionCancelled):
        model.complete(long)

"""


def _run(program: str, path: Path) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", PREAMBLE + program, str(path)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)


ENDINGS = {
    "without close": "model.complete(make_prompt())",
    "never asked": "",
    "a daemon in flight": "threading.Thread(target=ask, daemon=True).start(); time.sleep(0.3)",
    "sys.exit": "model.complete(make_prompt()); sys.exit(0)",
}


@pytest.mark.parametrize("program", ENDINGS.values(), ids=ENDINGS.keys())
def test_a_process_ends_well_without_close(program: str, tiny_path: Path) -> None:
    """However a process ends, it neither hangs nor crashes; and the engine says nothing of its own."""
    done = _run(program, tiny_path)
    assert done.returncode == 0
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no os.kill with SIGINT")
def test_ctrl_c_stops_an_answer(tiny_path: Path) -> None:
    """An interrupt in the main thread ends the answer at once and is not swallowed by the engine."""
    program = (
        "threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
        "model.complete(make_prompt())\n"
        "try:\n    while True: model.complete(long)\n"
        "except KeyboardInterrupt: print('interrupted', model.complete(make_prompt()).finish_reason)\n"
    )
    assert _run(program, tiny_path).stdout == "interrupted stop\n"
