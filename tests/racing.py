"""Several processes at one database at the same moment.

In: a store's URL, one of the racers below. Out: what each process returned. Never: shares a connection.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import TYPE_CHECKING

from factories import MODEL, claim, make_derivation, ship_bundle

from holocron.store import JobPlanner, Store

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

_START_S, _END_S = 60.0, 60.0


def race(racer: Callable[[str], object], store_url: str, *, processes: int = 3) -> list[object]:
    """Run a racer in several processes that start together, and return what each returned."""
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(processes), context.Queue()
    runners = [
        context.Process(target=_run, args=(racer, store_url, barrier, answers)) for _ in range(processes)
    ]
    for runner in runners:
        runner.start()
    found = [answers.get(timeout=_START_S + _END_S) for _ in runners]
    for runner in runners:
        runner.join(_END_S)
    answers.close()
    faults = [answer for is_fault, answer in found if is_fault]
    assert not faults, faults
    return [answer for _, answer in found]


def open_store(store_url: str) -> object:
    """Open a database that may not exist yet."""
    Store(store_url).close()
    return "opened"


def plan_fifty(store_url: str) -> object:
    """Plan the same fifty bundles as every other process; return the jobs' numbers."""
    with Store(store_url) as store:
        planner = JobPlanner(store, make_derivation(), MODEL)
        return [job.job_id for job in planner.plan([ship_bundle(number) for number in range(50)])]


def claim_all(store_url: str) -> object:
    """Claim all jobs, a few at a time; return their numbers."""
    with Store(store_url) as store:
        planner = JobPlanner(store, make_derivation(), MODEL)
        taken: list[int] = []
        while jobs := claim(store, planner, limit=3):
            taken += [job.job_id for job in jobs]
        return taken


def _run(
    racer: Callable[[str], object], store_url: str, barrier: Barrier, answers: Queue[tuple[bool, object]]
) -> None:
    try:
        barrier.wait(_START_S)
        answers.put((False, racer(store_url)))
    except Exception as fault:  # noqa: BLE001 - whatever it was, the test shows it
        answers.put((True, f"{type(fault).__name__}: {fault}"))
