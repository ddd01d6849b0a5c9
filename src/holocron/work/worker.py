"""The worker: claims jobs, has them answered in threads, commits what comes back.

In: a store, a model, a source of jobs. Out: finished jobs. One thread owns the store; the others wait for
the model. Never: commits a job whose lease was lost, or loses one that it gives up.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import closing

from holocron.errors import (
    CompletionCancelled,
    EngineUnreachable,
    EvidenceError,
    HolocronError,
    ModelError,
    PromptTooLong,
    SchemaRefused,
    StoreError,
    Unreachable,
    WorkerForgotten,
)
from holocron.llm.model import LanguageModel, OnProgress
from holocron.pipeline import Question, work_job
from holocron.store import ClaimedJob, JobPlanner, JobResult, Store, commit_results
from holocron.store.queue import (
    MAX_FAILURES,
    claim_jobs,
    extend_leases,
    fail_job,
    list_held,
    postpone_job,
    release_jobs,
    release_leases,
    take_over_jobs,
)
from holocron.store.workers import SEEN_EVERY_S, list_workers, see_worker
from holocron.work.assignments import POLL_S, Assignment, JobSource, OneQuestion, show_answers
from holocron.work.concurrency import Concurrency
from holocron.work.crew import Crew, Flight
from holocron.work.observers import WorkObserver
from holocron.work.pace import Pace
from holocron.work.presence import look_at, sign_off, sign_on
from holocron.work.retry import backoff_s, rest
from holocron.work.slots import SlottedModel

log = logging.getLogger(__name__)

#: a lease outlives the longest silence of an engine in this process; while a server is silent it is renewed
LEASE_S = 600.0
#: how often the leases are looked at
_LOOK_S = 5.0
#: how long a finished answer waits for others that share its commit
_LINGER_S = 0.25
#: how long cancelled answers may take to land before their jobs are given back without them
_LET_GO_S = 2.0
#: an engine that cannot be reached is tried again at least so often
_LONGEST_OUTAGE_S = 30.0
#: how often in turn it is tried for somebody who waits for the end: about a minute
MOST_OUTAGES = 8


class Worker:
    """Works jobs with one model."""

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
        self._model = SlottedModel(model, max(1, model.slots))
        self._observer = observer or WorkObserver()
        self._lease_s = lease_s
        #: committed jobs whose evidence did not all fit the model's window
        self.partly_read = 0
        # plain flags: a signal handler that set an Event could wait for the lock that it interrupted
        self._is_stopping = self._is_aborting = False
        self._flights: set[Flight] = set()
        is_known = model.identity.abilities.knows_slots
        self._concurrency = None if is_known else Concurrency(model.slots)
        #: how often in turn the engine could not be reached, and until when it is left alone
        self._outages = 0
        self._claim_from = 0.0
        self._most_outages: int | None = None
        #: by the number of their derivation
        self._assignments: dict[int, Assignment] = {}
        self._looked_at = 0.0
        #: when to abort after a stop; when the abort began
        self._abort_at: float | None = None
        self._aborted_at: float | None = None
        self._worker_id = self._sign_on()
        if self._concurrency is not None:
            self._model.resize(self._concurrency.slots)

    def stop(self, grace_s: float | None = None) -> None:
        """Claim no more; finish what is in flight. Safe in a signal handler.

        grace_s: abort after so long; None waits for all of it.
        """
        if grace_s is not None and self._abort_at is None:
            self._abort_at = time.monotonic() + grace_s
        self._is_stopping = True

    def abort(self) -> None:
        """Cancel what is in flight and give it back. Safe in a signal handler."""
        self._is_stopping = True
        self._is_aborting = True

    @property
    def stopped(self) -> bool:
        """Tell whether someone asked to stop."""
        return self._is_stopping

    @property
    def worker_id(self) -> int:
        """Return this worker's number in the store."""
        return self._worker_id

    def work(self, question: Question, planner: JobPlanner) -> None:
        """Work until no job of this question and model is open, or until it is paused, or stopped.

        Raises: as serve; EngineUnreachable where the engine stays away for MOST_OUTAGES tries.
        """
        assignment = Assignment(question, planner)
        self.serve(OneQuestion(self._store, assignment, self._observer), most_outages=MOST_OUTAGES)

    def serve(self, source: JobSource, *, most_outages: int | None = None) -> None:
        """Work what a source names until it ends, or until stopped.

        most_outages: after so many tries in turn an engine that is away is given up; None waits for it.
        Raises: ModelError that no retry can mend, StoreError; what was in flight is given back first.
        """
        self._most_outages = most_outages
        pace = Pace(slots=self._model.slots)
        with closing(Crew(pace.threads, self._answer, self._on_progress)) as crew:
            try:
                while True:
                    self._look_around()
                    if not self._is_stopping:
                        self._claim(source, crew, pace)
                    elif self._flights:
                        self._give_back_waiting(crew)
                    if self._flights:
                        if self._is_out_of_time():
                            break
                        pace.note(self._land(crew, pace))
                    elif not self._is_stopping and time.monotonic() < self._claim_from:
                        rest(POLL_S, lambda: self._is_stopping)
                    elif self._is_stopping or (rest_s := source.rest()) is None:
                        break
                    else:
                        rest(rest_s, lambda: self._is_stopping)
            finally:
                self._abandon(crew)
        self._show_answers(at_once=not self._is_aborting)

    def close(self) -> None:
        """Sign off; may be called twice."""
        try:
            sign_off(self._store, self._worker_id)
        except StoreError:
            log.warning("worker not signed off", exc_info=True, extra={"action": "sign_off_failed"})

    def _sign_on(self) -> int:
        self._seen_at = time.time()
        return sign_on(self._store, model=self._model.identity.name, slots=max(1, self._model.slots))

    def _is_out_of_time(self) -> bool:
        """Abort where the time after a stop is over; tell whether the engine had time enough to let go."""
        now = time.monotonic()
        if self._abort_at is not None and now >= self._abort_at:
            self.abort()
        if not self._is_aborting:
            return False
        self._aborted_at = self._aborted_at or now
        return now - self._aborted_at > _LET_GO_S

    def _answer(self, job: ClaimedJob, on_progress: OnProgress) -> JobResult:
        return work_job(self._assignments[job.derivation_id].question, job, self._model, on_progress)

    def _on_progress(self, tokens: int) -> bool:
        self._observer.on_tokens(tokens)
        return not self._is_aborting

    def _room(self, pace: Pace) -> int:
        """Return how many jobs to claim."""
        if self._outages:
            # one job finds out whether the engine is back
            return 0 if self._flights or time.monotonic() < self._claim_from else 1
        # jobs behind slots that all hang would only lose their leases too
        return 0 if self._is_hanging() else pace.room(len(self._flights))

    def _is_hanging(self) -> bool:
        """Tell whether every slot is silent; a thread that waits for one tells nothing of the model."""
        return sum(flight.is_silent for flight in self._flights) >= self._model.slots

    def _claim(self, source: JobSource, crew: Crew, pace: Pace) -> None:
        while (room := self._room(pace)) and (assignment := source.next()):
            self._assignments[assignment.planner.derivation_id] = assignment
            with crew.pausing(is_fast=pace.is_fast):
                try:
                    jobs = claim_jobs(
                        self._store,
                        assignment.planner.scope,
                        worker_id=self._worker_id,
                        limit=room,
                        lease_s=self._lease_s,
                    )
                except WorkerForgotten:
                    self._worker_id = self._sign_on()
                    return
            source.took(asked=room, got=len(jobs))
            flights = [Flight(job=job) for job in jobs]
            self._flights.update(flights)
            crew.add(flights)

    def _land(self, crew: Crew, pace: Pace) -> int:
        """Wait for an answer, or a moment for several where they come fast, and commit what has come."""
        is_full = len(self._flights) >= pace.slots
        expected = min(pace.shared, len(self._flights))
        landed = crew.gather(expected, POLL_S if expected == 1 else _LINGER_S)
        results = [flight.result for flight in landed if flight.result is not None]
        if results:
            with crew.pausing(is_fast=pace.is_fast):
                kept = self._commit_all(results)
            self.partly_read += sum(bool(result.manifest["segments_not_read"]) for result in kept)
            self._observer.on_results(kept)
            if time.monotonic() >= self._claim_from:
                # an answer that came sooner was asked for before the engine went away
                self._outages = 0
        for flight in landed:
            if flight.error is not None:
                self._fail(flight.job, flight.error)
            self._flights.discard(flight)
        if self._outages:
            self._give_back_waiting(crew)
        self._adapt(crew, pace, results, is_full=is_full)
        return len(landed)

    def _adapt(self, crew: Crew, pace: Pace, results: Sequence[JobResult], *, is_full: bool) -> None:
        """Find out how many requests in flight pay, where the engine does not know."""
        concurrency = self._concurrency
        if concurrency is None or concurrency.is_settled:
            return
        tokens = sum(turn.completion.output_tokens for result in results for turn in result.turns)
        is_found = concurrency.note(time.monotonic(), tokens=tokens, answers=len(results), is_full=is_full)
        if concurrency.slots != pace.slots:
            pace.slots = concurrency.slots
            self._model.resize(pace.slots)
            crew.resize(pace.threads)
        if is_found:
            self._observer.on_concurrency(pace.slots)

    def _commit_all(self, results: Sequence[JobResult]) -> list[JobResult]:
        """Commit results, those of one derivation together."""
        by_derivation: dict[int, list[JobResult]] = {}
        for result in results:
            by_derivation.setdefault(result.job.derivation_id, []).append(result)
        return [
            kept
            for number, some in by_derivation.items()
            for kept in self._commit(self._assignments[number].planner, some)
        ]

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
        if isinstance(error, EngineUnreachable):
            self._note_outage(error)
        if isinstance(error, CompletionCancelled):
            release_jobs(self._store, [job])
        elif isinstance(error, EngineUnreachable) and error.reason is not Unreachable.LOST:
            # no server was asked, so that it tells nothing of the job
            release_jobs(self._store, [job])
            self._observer.on_failure(job, error, retried=True)
            if self._most_outages is not None and self._outages >= self._most_outages:
                raise error
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

    def _note_outage(self, error: EngineUnreachable) -> None:
        """Leave an engine that is away alone for a while that grows; of many failures together one counts."""
        now = time.monotonic()
        if now >= self._claim_from:
            self._outages += 1
            delay_s = min(_LONGEST_OUTAGE_S, backoff_s(self._outages))
            self._claim_from = now + delay_s
            self._observer.on_engine_lost(error, delay_s)

    def _give_back_waiting(self, crew: Crew) -> None:
        """Return the claimed jobs that no thread has begun."""
        waiting = crew.take_back()
        if waiting:
            release_jobs(self._store, [flight.job for flight in waiting])
            self._flights.difference_update(waiting)

    def _abandon(self, crew: Crew) -> None:
        """Give back everything that is still in flight; what is already dead is taken over by its lease."""
        if not self._flights:
            return
        self.abort()
        crew.take_back()
        flights = list(self._flights)
        self._flights.clear()
        try:
            release_jobs(self._store, [flight.job for flight in flights])
        except StoreError:
            # the error that brought us here is the one to tell; these jobs are taken over
            log.warning("jobs not released", exc_info=True, extra={"action": "release_failed"})

    def _show_answers(self, *, at_once: bool = False) -> None:
        for assignment in self._assignments.values():
            show_answers(assignment.planner, self._observer, at_once=at_once)

    def _look_around(self) -> None:
        """Now and then renew leases that made progress, and take over jobs whose worker is gone."""
        self._show_answers()
        # by the wall: a machine that slept has to say at once that it is there
        if abs(time.time() - self._seen_at) >= SEEN_EVERY_S:
            self._seen_at = time.time()
            if not see_worker(self._store, self._worker_id):
                self._worker_id = self._sign_on()
        now = time.monotonic()
        if now - self._looked_at >= min(_LOOK_S, self._lease_s / 4):
            self._looked_at = now
            # before the take-over: this process may have slept through its own leases
            self._renew_leases()
            lives = look_at(self._store, list_workers(self._store))
            take_over_jobs(
                self._store,
                dead_workers=[number for number in lives if not lives[number]],
                living_workers=[number for number in lives if lives[number]],
            )

    def _renew_leases(self) -> None:
        begun = [flight for flight in self._flights if flight.progress]
        for flight in begun:
            flight.is_silent = flight.progress == flight.renewed_at_progress
            flight.renewed_at_progress = flight.progress
        moved = [flight for flight in begun if not flight.is_silent]
        if moved and not self._is_hanging():
            # what waits for a thread is as alive as the threads are
            moved += [flight for flight in self._flights if not flight.progress]
            extend_leases(self._store, [flight.job for flight in moved], lease_s=self._lease_s)
        held = list_held(self._store, self._worker_id)
        for flight in self._flights:
            # a cancelled job's answer would be thrown away: the engine is told to stop
            flight.is_lost = flight.is_lost or flight.job.lease not in held
        # jobs of a claim that was committed, and whose answer never came back: nobody here works them
        release_leases(self._store, held - {flight.job.lease for flight in self._flights})
