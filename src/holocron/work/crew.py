"""The crew: threads that have claimed jobs answered, one each at a time.

In: flights. Out: the same flights, landed, with a result or an error. Never: touches the store, or takes
up a second job before the first has landed.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from queue import Empty, PriorityQueue

from holocron.errors import HolocronError, ModelError
from holocron.llm.model import OnProgress
from holocron.store import ClaimedJob, JobResult

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Flight:
    """One job between its claim and its end."""

    job: ClaimedJob
    #: rises when a thread takes the job up, with every token, and while it waits for a slot or for a server,
    #: whose own patience ends that wait
    progress: int = 0
    #: the progress that the last heartbeat saw; it renews a lease only where there was some since
    renewed_at_progress: int = 0
    #: whether it made no progress between the last two heartbeats
    is_silent: bool = False
    #: whether its lease is gone, so that nobody wants its answer
    is_lost: bool = False
    #: one of them is set when it lands
    result: JobResult | None = None
    error: HolocronError | None = None


class Crew:
    """Threads that take up the next job by themselves: handing each over costs more than a fast answer.

    answer: has one job answered. on_progress: is told of every job's tokens. Both are called in the threads.
    """

    def __init__(
        self,
        size: int,
        answer: Callable[[ClaimedJob, OnProgress], JobResult],
        on_progress: OnProgress,
    ) -> None:
        """Start the threads; they wait for jobs."""
        self._answer = answer
        self._on_progress = on_progress
        #: the smallest goes first: its failures below zero, its number among all, and the flight; None sends
        #: the thread that takes it home
        self._waiting: PriorityQueue[tuple[int, int, Flight | None]] = PriorityQueue()
        self._numbers = count()
        self._landed: deque[Flight] = deque()
        self._arrived = threading.Event()
        #: how many landed flights the store's thread waits for
        self._expected = 1
        self._is_urgent = False
        self._may_begin = threading.Event()
        self._may_begin.set()
        self._threads: list[threading.Thread] = []
        self._size = 0
        try:
            self.resize(size)
        except RuntimeError:
            # the system gives no more threads; those that wait would keep the process from ending
            self.close()
            raise

    def resize(self, size: int) -> None:
        """Have so many threads; those that are too many go home after what waits before they are told."""
        while self._size < size:
            thread = threading.Thread(target=self._serve, name=f"holocron-{self._size + 1}")
            thread.start()
            self._threads.append(thread)
            self._size += 1
        while self._size > size:
            self._size -= 1
            self._put(None)

    def add(self, flights: Iterable[Flight]) -> None:
        """Let the threads take these up, in their order, but those first that failed most often.

        Behind the others an innocent one would be lost with worker after worker, until it is given up.
        """
        for flight in flights:
            self._put(flight)

    def _put(self, flight: Flight | None) -> None:
        failures = flight.job.failures if flight is not None else 0
        self._waiting.put((-failures, next(self._numbers), flight))

    def take_back(self) -> list[Flight]:
        """Return what no thread has taken up; none will."""
        flights: list[Flight] = []
        sent_home = 0
        try:
            while True:
                _, _, flight = self._waiting.get_nowait()
                if flight is None:
                    sent_home += 1
                else:
                    flights.append(flight)
        except Empty:
            for _ in range(sent_home):
                self._put(None)
            return flights

    def gather(self, expected: int, wait_s: float) -> list[Flight]:
        """Return what has landed, as soon as so many have, or an urgent one, or after a while.

        The caller sleeps until then: waking for each would take the interpreter from the threads. Urgent is
        an error, which may be the first of many, and the answer to a job that failed before or lost its
        worker: it is not put at risk again for a shared commit.
        """
        self._expected = expected
        if not self._is_due():
            self._arrived.clear()
            # one may have landed before the flag was cleared
            if not self._is_due():
                self._arrived.wait(wait_s)
        self._is_urgent = False
        return [self._landed.popleft() for _ in range(len(self._landed))]

    @contextmanager
    def pausing(self, *, is_fast: bool) -> Iterator[None]:
        """Let no thread take up a job while the caller reads or writes many rows, where jobs end fast.

        Only one thread runs Python at a time, and SQLite gives the turn away at every row: among threads that
        compute, each row would wait for its turn. Threads that wait for a slow model disturb nobody, and its
        next request must not wait for a disk.
        """
        if is_fast:
            self._may_begin.clear()
        try:
            yield
        finally:
            self._may_begin.set()

    def close(self) -> None:
        """Wait for the threads to end what they do, and send them home."""
        self._may_begin.set()
        for _ in self._threads:
            self._put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while (flight := self._waiting.get()[2]) is not None:
            if not self._may_begin.is_set():
                self._may_begin.wait()
            try:
                self._fly(flight)
            finally:
                self._landed.append(flight)
                if flight.error is not None or flight.job.failures:
                    self._is_urgent = True
                if self._is_due():
                    self._arrived.set()

    def _is_due(self) -> bool:
        return self._is_urgent or len(self._landed) >= self._expected

    def _fly(self, flight: Flight) -> None:
        def on_progress(tokens: int) -> bool:
            flight.progress += 1
            return self._on_progress(tokens) and not flight.is_lost

        flight.progress += 1
        try:
            flight.result = self._answer(flight.job, on_progress)
        except HolocronError as error:
            flight.error = error
        # the job boundary: a fault of ours, or a panic in a library, ends its job and not the thread
        except BaseException as error:
            log.exception("job fault", extra={"action": "job_fault", "job_id": flight.job.job_id})
            flight.error = ModelError(f"a fault in Holocron: {type(error).__name__}: {error}")
