"""Several processes at one database at the same moment.

In: a store's URL, one of the racers below. Out: what each process returned. Never: shares a connection.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from factories import HONEST, MODEL, claim, make_derivation, ship_bundle, ships
from holocron.derivation.prompt import Prompt
from holocron.store import JobPlanner, JobResult, Store
from holocron.testing import ScriptedModel
from holocron.work import Worker, WorkObserver, derive_evidence
from holocron.work.serving import Service

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

_START_S, _END_S = 60.0, 60.0


def race(racer: Callable[[str], object], store_url: str, *, processes: int = 3) -> list[object]:
    """Run a racer in several processes that start together, and return what each returned."""
    context = process_context()
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


def process_context() -> multiprocessing.context.BaseContext:
    """Return the quickest way to a clean process: forked from one that has imported all, or spawned."""
    quick = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if quick else "spawn")
    context.set_forkserver_preload(["holocron.work.serving", "holocron.testing", "holocron.checking"])
    return context


def open_store(store_url: str) -> object:
    """Open a database that may have no schema yet, and bring it up to date."""
    with Store(store_url, any_version=True) as store:
        store.upgrade()
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


def derive_forty(store_url: str) -> object:
    """Derive forty ships with a model that takes its time; return how often it was asked."""
    model = ScriptedModel(HONEST, latency_s=0.1, slots=2)
    with Store(store_url) as store:
        summary = derive_evidence(store, model, make_derivation(), ships(40))
    return model.calls, dict(summary.statuses)


def derive_counted(store_url: str, calls: Path, subjects: int) -> None:
    """Derive ships with a model that takes a moment, and leave a byte in a file for every call."""
    with calls.open("ab", buffering=0) as tally:

        def answer(prompt: Prompt) -> str:
            tally.write(b".")
            time.sleep(0.1)
            said = HONEST(prompt)
            assert isinstance(said, str)
            return said

        with Store(store_url) as store:
            derive_evidence(store, ScriptedModel(answer, slots=4), make_derivation(), ships(subjects))


def serve_counted(store_url: str, calls: Path, answer_s: float) -> None:
    """Work a queue to its end, one answer at a time, and leave a byte in a file for every call."""
    with calls.open("ab", buffering=0) as tally:

        def answer(prompt: Prompt) -> str:
            tally.write(b".")
            time.sleep(answer_s)
            said = HONEST(prompt)
            assert isinstance(said, str)
            return said

        with Store(store_url) as store:
            Service(store, ScriptedModel(answer, slots=1), until_empty=True).run()


def derive_until_told(store_url: str, sender: Connection, *, is_asked: bool) -> None:
    """Derive slowly until a signal comes, which asks the worker to stop, or is a raw KeyboardInterrupt."""

    class Reporter(WorkObserver):
        def on_results(self, results: Sequence[JobResult]) -> None:
            sender.send(len(results))

    def listen(worker: Worker) -> None:
        if is_asked:
            signal.signal(signal.SIGINT, lambda *_: worker.stop())

    model = ScriptedModel(HONEST, latency_s=0.1, slots=3)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Store(store_url) as store:
        try:
            summary = derive_evidence(
                store, model, make_derivation(), ships(300), observer=Reporter(), on_worker=listen
            )
            sender.send("stopped" if summary.stopped else "finished")
        except KeyboardInterrupt:
            sender.send("interrupted")


def _run(
    racer: Callable[[str], object], store_url: str, barrier: Barrier, answers: Queue[tuple[bool, object]]
) -> None:
    try:
        barrier.wait(_START_S)
        answers.put((False, racer(store_url)))
    except Exception as fault:  # noqa: BLE001 - whatever it was, the test shows it
        answers.put((True, f"{type(fault).__name__}: {fault}"))
