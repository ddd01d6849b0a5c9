"""Serving: the open jobs of one model, whatever their derivation, from the store alone.

In: a store and a model. Out: finished jobs, until told to stop. Never: reads a derivation's file, takes a
job of another model, or lets one bad definition or a database that restarts end it.
"""

from __future__ import annotations

import logging
import random
import time

from holocron.errors import DerivationError, StoreError, StoreUnreachable
from holocron.llm.model import LanguageModel
from holocron.pipeline import Question
from holocron.store import JobPlanner, Store
from holocron.store.agenda import AgendaEntry, find_model_id, load_agenda, load_derivation
from holocron.work.assignments import Assignment
from holocron.work.observers import WorkObserver
from holocron.work.retry import backoff_s, rest
from holocron.work.rotation import Rotation
from holocron.work.worker import LEASE_S, Worker

log = logging.getLogger(__name__)

#: how old an agenda may be: a job of a higher priority waits so long at most
_AGENDA_S = 1.0
#: an idle worker looks again after a while that grows from the first to the second
_FIRST_REST_S, _LONGEST_REST_S = 0.2, 3.0
#: who worked so long before the database was lost is not in a row of losses; longer than one is waited for
_STEADY_S = 300.0
#: a database that is not there at the start is looked for at least so often
_LONGEST_WAIT_S = 10.0
#: where there is something to claim that another worker was about to take
_SHORT_REST_S = 0.01


class ServiceObserver(WorkObserver):
    """What a surface may watch of a service, beside the work itself."""

    def on_started(self, worker_id: int) -> None:
        """Learn the number under which the worker signed on."""

    def on_skipped(self, derivation: str, error: DerivationError) -> None:
        """Learn that a derivation cannot be worked here; its jobs are left alone."""

    def on_store_awaited(self, error: StoreError) -> None:
        """Learn, once, that the database is not there yet; the service begins when it is."""

    def on_store_lost(self, error: StoreError, delay_s: float) -> None:
        """Learn that the database does not answer; it is tried again after a while."""


class Agenda:
    """A JobSource: what is open for one model, each derivation in its turn."""

    def __init__(
        self,
        store: Store,
        model: LanguageModel,
        *,
        observer: ServiceObserver,
        rotation: Rotation,
        until_empty: bool,
    ) -> None:
        """Begin with nothing known."""
        self._store, self._model = store, model
        self._observer = observer
        self._rotation = rotation
        self._until_empty = until_empty
        self._model_id: int | None = None
        #: None stands for a derivation that cannot be worked here
        self._assignments: dict[int, Assignment | None] = {}
        self._entries: list[AgendaEntry] = []
        self._loaded_at = float("-inf")
        #: derivations whose last claim got less than it asked for, since the agenda was read
        self._spent: set[int] = set()
        self._current: int | None = None
        self._rest_s = _FIRST_REST_S

    def next(self) -> Assignment | None:
        """Return the derivation whose turn it is; None where nothing can be claimed now."""
        now = time.monotonic()
        if now - self._loaded_at > _AGENDA_S:
            self._load(now)
        while True:
            ready = {
                entry.derivation_id: entry.priority
                for entry in self._entries
                if entry.priority is not None
                and not entry.is_paused
                and entry.derivation_id not in self._spent
            }
            self._current = self._rotation.choose(ready, now)
            if self._current is None:
                return None
            assignment = self._prepare(self._current)
            if assignment is not None:
                return assignment
            self._spent.add(self._current)

    def took(self, asked: int, got: int) -> None:
        """Look at the other derivations where this one gave less than it was asked for."""
        if got:
            self._rest_s = _FIRST_REST_S
        if got < asked and self._current is not None:
            self._spent.add(self._current)

    def rest(self) -> float | None:
        """Wait a moment that grows while nothing comes, with jitter so that workers spread out."""
        self._load(time.monotonic())
        workable = [entry for entry in self._entries if self._is_workable(entry)]
        if self._until_empty and not workable:
            return None
        if any(entry.priority is not None for entry in workable):
            return _SHORT_REST_S
        rest_s, self._rest_s = self._rest_s, min(_LONGEST_REST_S, self._rest_s * 1.5)
        return rest_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing

    def _is_workable(self, entry: AgendaEntry) -> bool:
        return not entry.is_paused and self._prepare(entry.derivation_id) is not None

    def _load(self, now: float) -> None:
        if self._model_id is None:
            self._model_id = find_model_id(self._store, self._model.identity)
        self._entries = [] if self._model_id is None else load_agenda(self._store, self._model_id)
        self._loaded_at = now
        self._spent.clear()

    def _prepare(self, derivation_id: int) -> Assignment | None:
        """Return a derivation ready to be asked, prepared once; None where that cannot be."""
        if derivation_id in self._assignments:
            return self._assignments[derivation_id]
        assignment: Assignment | None = None
        try:
            assignment = self._read(derivation_id)
        except DerivationError as error:
            log.warning(
                "derivation skipped",
                exc_info=True,
                extra={"action": "derivation_skipped", "derivation_id": derivation_id},
            )
            names = [entry.name for entry in self._entries if entry.derivation_id == derivation_id]
            self._observer.on_skipped(names[0] if names else str(derivation_id), error)
        self._assignments[derivation_id] = assignment
        return assignment

    def _read(self, derivation_id: int) -> Assignment:
        question = Question.prepare(load_derivation(self._store, derivation_id))
        return Assignment(question, JobPlanner(self._store, question.derivation, self._model.identity))


class StoreWait:
    """Opens a server's database that may not be there yet: a machine starts its services in any order."""

    def __init__(self, url: str, observer: ServiceObserver) -> None:
        """Prepare to open it."""
        self._url, self._observer = url, observer
        # a plain flag, as the worker's
        self._is_stopping = False

    def stop(self) -> None:
        """Wait no longer. Safe in a signal handler."""
        self._is_stopping = True

    abort = stop

    def open(self) -> Store | None:
        """Return the open store; None where a stop came first.

        Raises: what Store raises, where waiting would mend nothing.
        """
        tries = 0
        while not self._is_stopping:
            try:
                return Store(self._url)
            except StoreUnreachable as error:
                if not error.retryable:
                    raise
                if not tries:
                    self._observer.on_store_awaited(error)
                tries += 1
                rest(min(_LONGEST_WAIT_S, backoff_s(tries)), lambda: self._is_stopping)
        return None


class Service:
    """A worker that goes on: it waits for jobs, and for a database that went away."""

    def __init__(
        self,
        store: Store,
        model: LanguageModel,
        *,
        observer: ServiceObserver | None = None,
        until_empty: bool = False,
        grace_s: float = 30.0,
        lease_s: float = LEASE_S,
    ) -> None:
        """Prepare to serve.

        until_empty: end when no job of this model is open. grace_s: how long a stop waits for answers.
        """
        self._store, self._model = store, model
        self._observer = observer or ServiceObserver()
        self._grace_s, self._lease_s = grace_s, lease_s
        self._source = Agenda(
            store, model, observer=self._observer, rotation=Rotation(), until_empty=until_empty
        )
        self._worker: Worker | None = None
        # plain flags, as the worker's
        self._is_stopping = self._is_aborting = False
        self._losses = 0

    def stop(self) -> None:
        """Claim no more; finish what is in flight, or give it back in time. Safe in a signal handler."""
        self._is_stopping = True
        if self._worker is not None:
            self._worker.stop(self._grace_s)

    def abort(self) -> None:
        """Give back what is in flight at once. Safe in a signal handler."""
        self._is_stopping = True
        self._is_aborting = True
        if self._worker is not None:
            self._worker.abort()

    def run(self) -> None:
        """Work until stopped, or until the queue is empty where that was asked for.

        Raises: ModelError that no retry can mend, StoreUnreachable where waiting mends nothing either: a file
        that is gone or damaged, a right that was taken away. What was in flight is given back first.
        """
        while not self._is_stopping:
            began = time.monotonic()
            try:
                self._work()
            except StoreError as error:
                if isinstance(error, StoreUnreachable) and not error.retryable:
                    raise
                # what was answered in the meantime is lost and asked again: its leases are taken over
                self._losses = 1 if time.monotonic() - began > _STEADY_S else self._losses + 1
                delay_s = backoff_s(self._losses)
                self._observer.on_store_lost(error, delay_s)
                rest(delay_s, lambda: self._is_stopping)
            else:
                return

    def _work(self) -> None:
        self._worker = worker = Worker(
            self._store, self._model, observer=self._observer, lease_s=self._lease_s
        )
        # a signal may have come before there was a worker to tell
        if self._is_stopping:
            self.stop()
        if self._is_aborting:
            self.abort()
        try:
            self._observer.on_started(worker.worker_id)
            worker.serve(self._source)
        finally:
            worker.close()
