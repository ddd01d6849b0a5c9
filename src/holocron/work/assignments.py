"""Assignments: where a worker's jobs come from.

In: a prepared question, or anything that names one after another. Out: what to claim next, when to stop, and
the views of what was answered. Never: claims a job.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from holocron.errors import ViewHeld
from holocron.pipeline import Question
from holocron.store import JobPlanner, Store
from holocron.store.control import list_pauses
from holocron.store.queue import count_open
from holocron.store.tables import EVERY_DERIVATION
from holocron.work.observers import WorkObserver

#: the longest wait for jobs that others hold, or whose time has not come
POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Assignment:
    """One derivation's jobs: the question, ready to be asked, and its place in the store."""

    question: Question
    planner: JobPlanner


def show_answers(planner: JobPlanner, observer: WorkObserver, *, at_once: bool = False) -> None:
    """Swap the views to a contract whose answers they hide, or tell who holds them.

    at_once: as JobPlanner.swap_views.
    """
    try:
        planner.swap_views(at_once=at_once)
    except ViewHeld as error:
        observer.on_view_held(error)


class JobSource(Protocol):
    """Says what a worker claims; asked from the worker's own thread."""

    def next(self) -> Assignment | None:
        """Return whose jobs to claim now; None where there is nothing to claim for the moment."""

    def took(self, asked: int, got: int) -> None:
        """Learn how many jobs the last claim asked for and got."""

    def rest(self) -> float | None:
        """Return how many seconds to wait, now that nothing is in flight; None to end the work."""


class OneQuestion:
    """The jobs of one question, until none is open or it is paused."""

    def __init__(self, store: Store, assignment: Assignment, observer: WorkObserver) -> None:
        """Begin with jobs to claim."""
        self._store = store
        self._assignment = assignment
        self._observer = observer
        self._is_spent = False

    def next(self) -> Assignment | None:
        """Return the question, unless its last claim took all there was; then once None."""
        is_spent, self._is_spent = self._is_spent, False
        return None if is_spent else self._assignment

    def took(self, asked: int, got: int) -> None:
        """Remember whether there may be more."""
        self._is_spent = got < asked

    def rest(self) -> float | None:
        """Wait a moment where jobs are open that cannot be claimed now."""
        number, wait_s = count_open(self._store, self._assignment.planner.scope)
        if not number:
            return None
        pauses = list_pauses(self._store)
        if EVERY_DERIVATION in pauses or self._assignment.question.derivation.name in pauses:
            return None
        if wait_s is None:
            self._observer.on_waiting(number)
            return POLL_S
        return min(POLL_S, max(0.01, wait_s))
