"""The worker: claims jobs, has them answered in threads, commits what comes back.

In: a store, a model, a prepared question. Out: finished jobs. One thread owns the store; the others wait for
the model. Never: commits a job whose lease was lost, or loses one that it gives up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from holocron.errors import (
    CompletionCancelled,
    EvidenceError,
    HolocronError,
    ModelError,
    PromptTooLong,
    SchemaRefused,
    StoreError,
)
from holocron.evidence import EvidenceRejected
from holocron.llm.model import LanguageModel
from holocron.pipeline import Question, work_job
from holocron.store import ClaimedJob, JobPlanner, JobResult, JobScope, Store, commit_results, utc_now
from holocron.store.queue import (
    MAX_FAILURES,
    claim_jobs,
    count_open,
    extend_leases,
    fail_job,
    list_workers,
    postpone_job,
    release_jobs,
    take_over_jobs,
)
from holocron.work.presence import find_dead, sign_off, sign_on
from holocron.work.retry import backoff_s

log = logging.getLogger(__name__)

#: a lease outlives the longest silence of a slow engine that reads a long prompt
LEASE_S = 600.0
#: claimed jobs beyond the slots are this much work ahead, so that a commit never leaves the model idle
_AHEAD_S = 0.25
_MOST_AHEAD = 256
_POLL_S = 0.5
#: how often the leases are looked at
_LOOK_S = 5.0
#: how long a finished answer waits for others that share its commit
_LINGER_S = 0.05


class WorkObserver:
    """What a surface may watch; every method does nothing unless it is overridden."""

    def on_unusable(self, rejected: EvidenceRejected) -> None:
        """Learn that a file or a bundle line cannot be used."""

    def on_planned(self, unchanged: int, queued: int) -> None:
        """So many subjects were found unchanged, so many have an open job."""

    def on_results(self, results: Sequence[JobResult]) -> None:
        """Results were committed."""

    def on_failure(self, job: ClaimedJob, error: HolocronError, *, retried: bool) -> None:
        """Learn that an attempt failed; it is tried again later, or the job ended as failed."""

    def on_tokens(self, number: int) -> None:
        """Tokens arrived, in some thread."""

    def on_waiting(self, jobs: int) -> None:
        """Other processes hold this many jobs."""


@dataclass(slots=True, eq=False)
class _Flight:
    """One job between its claim and its end."""

    job: ClaimedJob
    future: Future[None] | None = None
    #: rises with every token; the heartbeat renews a lease only when it has risen
    progress: int = 0
    renewed_at_progress: int = 0
    #: whether it made no progress between the last two heartbeats
    is_silent: bool = False


@dataclass(slots=True)
class _Landed:
    flight: _Flight
    result: JobResult | None = None
    error: HolocronError | None = None


@dataclass(slots=True)
class _Pace:
    """How many jobs to hold: the slots, and what is worked in a moment."""

    slots: int
    finished: int = 0
    since: float = field(default_factory=time.monotonic)
    ahead: int = 0

    def note(self, finished: int) -> None:
        """Count finished jobs, and every moment set how far to claim ahead."""
        self.finished += finished
        elapsed = time.monotonic() - self.since
        if elapsed >= _AHEAD_S:
            self.ahead = min(_MOST_AHEAD, round(self.finished / elapsed * _AHEAD_S))
            self.finished, self.since = 0, time.monotonic()

    @property
    def held(self) -> int:
        """Return how many claimed jobs are worth holding."""
        return self.slots + max(self.slots, self.ahead)


class Worker:
    """Works the jobs of one question with one model."""

    def __init__(
        self,
        store: Store,
        model: LanguageModel,
        *,
        observer: WorkObserver | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        """Record this process as a worker."""
        self._store = store
        self._model = model
        self._observer = observer or WorkObserver()
        self._lease_s = lease_s
        #: committed jobs whose evidence did not all fit the model's window
        self.partly_read = 0
        self._stopping = threading.Event()
        self._aborting = threading.Event()
        self._landed: deque[_Landed] = deque()
        self._arrived = threading.Event()
        #: how many answers this thread waits for
        self._expected = 1
        self._flights: set[_Flight] = set()
        self._looked_at = 0.0
        self._worker_id = sign_on(store)
        self._store_is_idle = threading.Event()
        self._store_is_idle.set()

    def stop(self) -> None:
        """Claim no more; finish what is in flight. Safe in a signal handler."""
        self._stopping.set()

    def abort(self) -> None:
        """Cancel what is in flight and give it back. Safe in a signal handler."""
        self._stopping.set()
        self._aborting.set()

    @property
    def stopped(self) -> bool:
        """Tell whether someone asked to stop."""
        return self._stopping.is_set()

    def work(self, question: Question, planner: JobPlanner) -> None:
        """Work until no job of this question and model is open, or until stopped.

        Raises: ModelError that no retry can mend, StoreError; what was in flight is given back first.
        """
        scope = planner.scope
        pace = _Pace(slots=max(1, self._model.slots))
        with ThreadPoolExecutor(pace.slots, thread_name_prefix="holocron-model") as pool:
            try:
                while True:
                    self._look_around()
                    if not self._stopping.is_set():
                        self._claim(question, scope, pool, pace)
                    elif self._flights:
                        self._give_back_waiting()
                    if self._flights:
                        pace.note(self._land(planner, pace))
                    elif self._stopping.is_set() or not self._wait_for_work(scope):
                        return
            finally:
                self._abandon()

    def close(self) -> None:
        """Sign off; may be called twice."""
        try:
            sign_off(self._store, self._worker_id)
        except StoreError:
            log.warning("worker not signed off", exc_info=True, extra={"action": "sign_off_failed"})

    def _claim(self, question: Question, scope: JobScope, pool: ThreadPoolExecutor, pace: _Pace) -> None:
        # half a hold at a time: fewer transactions than one per finished job
        if len(self._flights) > pace.held // 2:
            return
        # jobs behind threads that all hang would only lose their leases too
        if sum(flight.is_silent for flight in self._flights) >= pace.slots:
            return
        with self._using_store():
            jobs = claim_jobs(
                self._store,
                scope,
                worker_id=self._worker_id,
                limit=pace.held - len(self._flights),
                lease_s=self._lease_s,
            )
        for job in jobs:
            flight = _Flight(job=job)
            self._flights.add(flight)
            flight.future = pool.submit(self._fly, question, flight)

    @contextmanager
    def _using_store(self) -> Iterator[None]:
        """Let no thread begin a job while this one reads or writes many rows.

        Only one thread runs Python at a time, and SQLite gives the turn away at every row: among threads that
        compute, each row would wait for its turn. That cost a third of the CPU time in bench/pipeline.py.
        """
        self._store_is_idle.clear()
        try:
            yield
        finally:
            self._store_is_idle.set()

    def _fly(self, question: Question, flight: _Flight) -> None:
        """Have one job answered, in a thread of the pool."""

        def on_progress(tokens: int) -> bool:
            flight.progress += 1
            self._observer.on_tokens(tokens)
            return not self._aborting.is_set()

        # what stands where the thread itself is torn down, as by a panic in a library
        landed = _Landed(flight, error=ModelError("the attempt broke off"))
        flight.progress += 1
        try:
            self._store_is_idle.wait()
            landed.result = work_job(question, flight.job, self._model, on_progress)
            landed.error = None
        except HolocronError as error:
            landed.error = error
        # the job boundary: a fault of ours ends its job, not the run
        except Exception as error:
            log.exception("job fault", extra={"action": "job_fault", "job_id": flight.job.job_id})
            landed.error = ModelError(f"a fault in Holocron: {type(error).__name__}: {error}")
        finally:
            self._landed.append(landed)
            if len(self._landed) >= self._expected:
                self._arrived.set()

    def _gather(self, most: int) -> list[_Landed]:
        """Wait for an answer, or a moment for several where they come fast: they share a durable commit.

        This thread sleeps until they are there: waking for each would take the interpreter from the threads
        that compute.
        """
        self._expected = min(most, len(self._flights))
        if len(self._landed) < self._expected:
            self._arrived.clear()
            # one may have landed before the flag was cleared
            if len(self._landed) < self._expected:
                self._arrived.wait(_POLL_S if self._expected == 1 else _LINGER_S)
        return [self._landed.popleft() for _ in range(len(self._landed))]

    def _land(self, planner: JobPlanner, pace: _Pace) -> int:
        """Wait for answers, commit all that have come, and return how many."""
        landed = self._gather(most=max(1, pace.ahead // 2))
        results = [entry.result for entry in landed if entry.result is not None]
        if results:
            with self._using_store():
                kept = self._commit(planner, results)
            self.partly_read += sum(bool(result.manifest["segments_not_read"]) for result in kept)
            self._observer.on_results(kept)
        for entry in landed:
            if entry.error is not None:
                self._fail(entry.flight.job, entry.error)
            self._flights.discard(entry.flight)
        return len(landed)

    def _commit(self, planner: JobPlanner, results: Sequence[JobResult]) -> list[JobResult]:
        """Commit results together; one that no database can hold ends its own job and no other."""
        try:
            return commit_results(self._store, planner.tables, results)
        except (ValueError, TypeError, ArithmeticError) as error:
            if len(results) > 1:
                return [kept for result in results for kept in self._commit(planner, [result])]
            log.exception("result fault", extra={"action": "result_fault", "job_id": results[0].job.job_id})
            self._fail(
                results[0].job, ModelError(f"the answer cannot be stored: {type(error).__name__}: {error}")
            )
            return []

    def _fail(self, job: ClaimedJob, error: HolocronError) -> None:
        """Decide by the error what becomes of its job."""
        if isinstance(error, CompletionCancelled):
            release_jobs(self._store, [job])
        elif error.retryable:
            retried = job.failures + 1 < MAX_FAILURES
            postpone_job(self._store, job, error=str(error), delay_s=backoff_s(job.failures + 1))
            self._observer.on_failure(job, error, retried=retried)
        elif isinstance(error, (EvidenceError, PromptTooLong, SchemaRefused)) or type(error) is ModelError:
            fail_job(self._store, job, error=str(error))
            self._observer.on_failure(job, error, retried=False)
        else:
            # the model itself is missing or damaged: every other job would fail the same way
            raise error

    def _give_back_waiting(self) -> None:
        """Return the claimed jobs that no thread has begun."""
        waiting = [flight for flight in self._flights if flight.future and flight.future.cancel()]
        if waiting:
            release_jobs(self._store, [flight.job for flight in waiting])
            self._flights.difference_update(waiting)

    def _abandon(self) -> None:
        """Give back everything that is still in flight; what is already dead is taken over by its lease."""
        if not self._flights:
            return
        self.abort()
        flights = list(self._flights)
        for flight in flights:
            if flight.future:
                flight.future.cancel()
        self._flights.clear()
        try:
            release_jobs(self._store, [flight.job for flight in flights])
        except StoreError:
            # the error that brought us here is the one to tell; these jobs are taken over
            log.warning("jobs not released", exc_info=True, extra={"action": "release_failed"})

    def _look_around(self) -> None:
        """Now and then renew leases that made progress, and take over jobs whose worker is gone."""
        now = time.monotonic()
        if now - self._looked_at >= min(_LOOK_S, self._lease_s / 4):
            self._looked_at = now
            # before the take-over: this process may have slept through its own leases
            begun = [flight for flight in self._flights if flight.progress]
            for flight in begun:
                flight.is_silent = flight.progress == flight.renewed_at_progress
                flight.renewed_at_progress = flight.progress
            moved = [flight for flight in begun if not flight.is_silent]
            if moved:
                # what waits for a thread is as alive as the threads are
                moved += [flight for flight in self._flights if not flight.progress]
            extend_leases(self._store, [flight.job for flight in moved], lease_s=self._lease_s)
            others = [worker for worker in list_workers(self._store) if worker.worker_id != self._worker_id]
            take_over_jobs(self._store, dead_workers=find_dead(self._store, others))

    def _wait_for_work(self, scope: JobScope) -> bool:
        """Wait a moment where jobs are open that cannot be claimed now; return False where none is open."""
        number, available_at = count_open(self._store, scope)
        if not number:
            return False
        pause_s = _POLL_S
        if available_at is not None:
            pause_s = min(pause_s, max(0.01, (available_at - utc_now()).total_seconds()))
        else:
            self._observer.on_waiting(number)
        self._stopping.wait(pause_s)
        return True
