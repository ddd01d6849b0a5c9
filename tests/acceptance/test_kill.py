"""A process that derives is killed again and again: nothing is lost, doubled or half done."""

from __future__ import annotations

import os
import random
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from factories import make_derivation, ships
from holocron.store import Store
from holocron.testing import ScriptedModel
from holocron.work import derive_evidence
from racing import derive_counted, process_context
from whole_store import check_all_done_once

_SUBJECTS, _KILLS = 300, 50
_SEED = 20261122
#: answers that one death can cost: those in flight, and those that were on their way to a commit
_LOST_AT_MOST = 16


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _start_and_kill(store_url: str, calls: Path, rng: random.Random) -> int:
    """Start a process, or two, and kill it, before its first call or after some; count those that lived."""
    processes = [_start(store_url, calls) for _ in range(rng.choice((1, 1, 1, 2)))]
    goal = _size(calls) + rng.choice((0, rng.randint(0, 12)))
    end = time.monotonic() + 20
    while _size(calls) < goal and processes[0].is_alive() and time.monotonic() < end:
        time.sleep(0.002)
    lived = 0
    for process in processes:
        time.sleep(rng.uniform(0, 0.15))
        lived += process.is_alive()
        process.kill()
        process.join()
    return lived


def _start(store_url: str, calls: Path) -> BaseProcess:
    process = process_context().Process(target=derive_counted, args=(store_url, calls, _SUBJECTS))
    process.start()
    return process


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT KILLED HERE: without fork, 50 starts take minutes")
def test_fifty_kills_lose_and_double_nothing(store_url: str, tmp_path: Path) -> None:
    """After at least fifty SIGKILLs at random moments, every job is done exactly once."""
    rng = random.Random(_SEED)
    calls = tmp_path / "calls"
    kills = 0
    while kills < _KILLS:
        kills += _start_and_kill(store_url, calls, rng)
    process = _start(store_url, calls)
    process.join(120)
    assert process.exitcode == 0
    with Store(store_url) as store:
        check_all_done_once(store, _SUBJECTS)
        idle = ScriptedModel(())
        summary = derive_evidence(store, idle, make_derivation(), ships(_SUBJECTS))
        assert (summary.unchanged, idle.calls, summary.is_clean) == (_SUBJECTS, 0, True)
    assert _SUBJECTS <= _size(calls) <= _SUBJECTS + kills * _LOST_AT_MOST
