"""The queue's own cost: claims and completions per second, and what a claim costs among finished jobs.

    python -m bench.queue --postgres postgresql://USER@HOST/DATABASE
    python -m bench.queue --postgres … --jobs 4000 --workers 1 2 4 8 --finished 1000 1000000

No model is asked. The throughput runs on PostgreSQL, beside procrastinate (pip install '.[bench]') on the
same server and in the same run; the claim's cost on SQLite and PostgreSQL. Everything is written to schemas
that are dropped at the end.
"""

# ruff: noqa: A005 - it is only ever run as bench.queue

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, event, make_url

from holocron.derivation import Contract, Derivation
from holocron.derivation.grounding import Grounding
from holocron.evidence import inline_bundle
from holocron.llm.model import Completion, FinishReason
from holocron.llm.scripted import scripted_identity
from holocron.store import ClaimedJob, JobPlanner, JobResult, Store, Turn, commit_results, utc_now
from holocron.store.agenda import load_agenda
from holocron.store.queue import claim_jobs, fail_job, release_jobs
from holocron.store.workers import register_worker
from holocron.validation.verdicts import Citation, Claim, Outcome, Verdict

BATCH = 16
DERIVATION = Derivation(
    name="ship_facts",
    version="1",
    instructions="Facts about a ship.",
    contract=Contract.parse(
        {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    ),
)
MODEL = scripted_identity()
Drain = Callable[[str], int]


@contextmanager
def schema_of(url: str) -> Iterator[str]:
    """Make a schema of its own on a server and yield the URL that works in it."""
    name = f"bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f'CREATE SCHEMA "{name}"')
        try:
            place = make_url(url).update_query_dict({"options": f"-csearch_path={name}"})
            yield place.set(drivername="postgresql").render_as_string(hide_password=False)
        finally:
            admin.execute(f'DROP SCHEMA "{name}" CASCADE')


def open_planned(url: str, jobs: int) -> None:
    """Make the schema and plan so many jobs."""
    with Store(url, any_version=True) as store:
        if not store.dialect.embedded:
            store.upgrade()
        planner = JobPlanner(store, DERIVATION, MODEL)
        for first in range(0, jobs, 500):
            planner.plan(
                [
                    inline_bundle(f"ship {n}", f"The ship {n} sailed.")
                    for n in range(first, min(jobs, first + 500))
                ]
            )


def drain_single(url: str) -> int:
    """Claim one job, end it, and so on: two transactions a job, as procrastinate does it."""
    done = 0
    with Store(url) as store:
        scope = JobPlanner(store, DERIVATION, MODEL).scope
        worker = register_worker(store, host="bench", process_id=0, process_started=0)
        while jobs := claim_jobs(store, scope, worker_id=worker, limit=1, lease_s=600):
            fail_job(store, jobs[0], error="done")
            done += 1
    return done


def drain_batches(url: str) -> int:
    """Claim jobs and commit their answers with runs, claims, citations and rows, as the worker does it."""
    done = 0
    with Store(url) as store:
        planner = JobPlanner(store, DERIVATION, MODEL)
        worker = register_worker(store, host="bench", process_id=0, process_started=0)
        while jobs := claim_jobs(store, planner.scope, worker_id=worker, limit=BATCH, lease_s=600):
            done += len(commit_results(store, planner.tables, [_answer(job) for job in jobs]))
    return done


def _answer(job: ClaimedJob) -> JobResult:
    value = {"name": job.evidence.bundle.subject}
    claim = Claim("/name", value["name"], Grounding.VERBATIM, None, (Citation(1, 0, 4, 10),))
    completion = Completion(
        text=json.dumps(value), finish_reason=FinishReason.STOP, prompt_tokens=3, output_tokens=5
    )
    verdict = Verdict(outcome=Outcome.ACCEPTED, value=value, claims=(claim,))
    now = utc_now()
    turn = Turn(completion=completion, verdict=verdict)
    return JobResult(job=job, turns=(turn,), manifest={"bench": True}, started_at=now, finished_at=now)


def open_peer(url: str, jobs: int) -> None:
    """Make procrastinate's schema and defer so many jobs."""

    async def defer() -> None:
        app, task = _peer(url)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            for _ in range(0, jobs, 500):
                await task.batch_defer_async(*[{}] * min(jobs, 500))

    asyncio.run(defer())


def drain_peer(url: str) -> int:
    """Work procrastinate's jobs, which do nothing, with its own worker."""

    async def work() -> None:
        app, _ = _peer(url)
        async with app.open_async():
            await app.run_worker_async(
                wait=False, concurrency=BATCH, listen_notify=False, install_signal_handlers=False
            )

    asyncio.run(work())
    return 0


def _peer(url: str) -> tuple[Any, Any]:
    import procrastinate

    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))

    @app.task(name="nothing")
    async def nothing() -> None:
        pass

    return app, nothing


def _run(drain: Drain, url: str, barrier: Barrier) -> None:
    # what is imported and connected before the start is no part of the figure
    _warm(drain, url)
    barrier.wait()
    drain(url)


def _warm(drain: Drain, url: str) -> None:
    if drain is drain_peer:
        import procrastinate  # noqa: F401 - imported for its time
    else:
        Store(url).close()


def measure(drain: Drain, url: str, workers: int, jobs: int) -> float:
    """Return jobs per second of so many processes that empty a queue together."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(workers + 1)
    processes = [context.Process(target=_run, args=(drain, url, barrier)) for _ in range(workers)]
    for process in processes:
        process.start()
    barrier.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    elapsed = time.perf_counter() - began
    if any(process.exitcode for process in processes):
        raise SystemExit("a worker of the benchmark broke off")
    return jobs / elapsed


def compare(url: str, workers: Sequence[int], jobs: int) -> None:
    """Print jobs per second by the number of workers, the three ways in turn."""
    ways: dict[str, tuple[Callable[[str, int], None], Drain]] = {
        "one by one": (open_planned, drain_single),
        f"{BATCH} at a time, with answers": (open_planned, drain_batches),
        "procrastinate": (open_peer, drain_peer),
    }
    print(f"claims and completions per second on PostgreSQL, {jobs:,} jobs")
    print("workers  " + "  ".join(f"{name:>28}" for name in ways))
    for number in workers:
        rates = []
        for prepare, drain in ways.values():
            with schema_of(url) as place:
                prepare(place, jobs)
                rates.append(measure(drain, place, number, jobs))
        print(f"{number:>7}  " + "  ".join(f"{rate:>28,.0f}" for rate in rates), flush=True)


_FILL = {
    "SQLite": "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) ",
    "PostgreSQL": "WITH n(i) AS (SELECT generate_series({first}, {last})) ",
}
#: derived from one planned job, whose other columns are the same for all
_COPIES = (
    "INSERT INTO holocron_job (job_key, derivation_id, bundle_id, model_id, status, priority, available_at, "
    "attempt, failures, created_at, finished_at) {fill} SELECT 'bench' || n.i, j.derivation_id, j.bundle_id, "
    "j.model_id, 'accepted', 0, j.available_at, 1, 0, j.created_at, j.created_at FROM n, holocron_job j "
    "WHERE j.id = (SELECT min(id) FROM holocron_job)"
)


def weigh_claims(url: str, finished: Sequence[int]) -> None:
    """Print what a claim and a look at the agenda cost, by the number of finished jobs in the table."""
    open_planned(url, 200)
    with Store(url) as store:
        planner = JobPlanner(store, DERIVATION, MODEL)
        worker = register_worker(store, host="bench", process_id=0, process_started=0)
        title = store.dialect.title
        held = 0
        print(f"\nmedian cost on {title}, 200 jobs ready")
        print("  finished jobs  claim of 8 and release, ms  agenda, ms")
        for number in finished:
            _add_finished(store, held, number)
            held = number
            claims = [_time(lambda: _claim_and_release(store, planner, worker)) for _ in range(30)]
            looks = [_time(lambda: load_agenda(store, planner.model_id)) for _ in range(30)]
            print(f"  {number:>13,}  {statistics.median(claims):>26.2f}  {statistics.median(looks):>10.2f}")
        print(f"  plan of the claim among {held:,} finished jobs:")
        for line in _explain(store, planner, worker):
            print(f"    {line}")


def _add_finished(store: Store, first: int, last: int) -> None:
    fill = _FILL[store.dialect.title].format(first=first, last=last - 1)
    with store.writing() as connection:
        connection.exec_driver_sql(_COPIES.format(fill=fill))
    with store.writing() as connection:
        connection.exec_driver_sql("ANALYZE holocron_job")


def _claim_and_release(store: Store, planner: JobPlanner, worker: int) -> None:
    jobs = claim_jobs(store, planner.scope, worker_id=worker, limit=8, lease_s=600)
    release_jobs(store, jobs)


def _time(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def _explain(store: Store, planner: JobPlanner, worker: int) -> list[str]:
    statements: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        statements.append((statement, values))

    event.listen(Engine, "before_cursor_execute", note)
    _claim_and_release(store, planner, worker)
    event.remove(Engine, "before_cursor_execute", note)
    claim, values = next((text, values) for text, values in statements if "lease_expires_at" in text)
    words = "EXPLAIN QUERY PLAN " if store.dialect.embedded else "EXPLAIN (COSTS OFF) "
    with store.reading() as connection:
        return [str(row[-1]) for row in connection.exec_driver_sql(words + claim, values)]


def main() -> None:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--postgres", metavar="URL", help="a server where schemas may be made and dropped")
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--finished", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    asked = parser.parse_args()
    if asked.postgres:
        compare(asked.postgres, asked.workers, asked.jobs)
        with schema_of(asked.postgres) as place:
            weigh_claims(place, asked.finished)
    with tempfile.TemporaryDirectory() as folder:
        weigh_claims(f"sqlite:///{(Path(folder) / 'queue.sqlite').as_posix()}", asked.finished)


if __name__ == "__main__":
    main()
