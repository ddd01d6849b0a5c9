"""Deriving: plan the jobs of one derivation over some evidence, then work them until they are done.

In: a store, a model, a derivation, bundles. Out: a summary of what became of every subject.
Never: has a path of its own; `holocron derive`, `demo` and the Python API all come through here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from holocron.derivation import Derivation
from holocron.evidence import EvidenceBundle, EvidenceRejected
from holocron.llm.model import LanguageModel
from holocron.pipeline import Question, plan_jobs
from holocron.store import JobPlanner, JobStatus, PlanState, Store
from holocron.store.queue import job_statuses, retry_jobs
from holocron.work.assignments import show_answers
from holocron.work.observers import WorkObserver
from holocron.work.worker import Worker


@dataclass(slots=True, kw_only=True)
class DeriveSummary:
    """What became of the evidence of one derivation."""

    derivation: str
    #: subjects whose job was finished before: no model was called for them
    unchanged: int = 0
    #: of those, subjects whose earlier answer was made current again
    restored: int = 0
    #: where all jobs of this run stand at its end, the unchanged ones included
    statuses: Counter[JobStatus] = field(default_factory=Counter)
    #: files and bundle lines that could not be used
    unusable: list[EvidenceRejected] = field(default_factory=list)
    #: jobs of this run whose evidence did not all fit the model's window; their manifests name what was cut
    partly_read: int = 0
    #: whether someone stopped the run before its end
    stopped: bool = False

    @property
    def subjects(self) -> int:
        """Return how many subjects have a job."""
        return sum(self.statuses.values())

    @property
    def is_clean(self) -> bool:
        """Tell whether everything was usable and every job was accepted."""
        return not self.unusable and self.statuses[JobStatus.ACCEPTED] == self.subjects


def derive_evidence(
    store: Store,
    model: LanguageModel,
    derivation: Derivation,
    bundles: Iterable[EvidenceBundle | EvidenceRejected],
    *,
    force: bool = False,
    observer: WorkObserver | None = None,
    on_worker: Callable[[Worker], None] | None = None,
) -> DeriveSummary:
    """Derive one derivation over bundles, each subject once, and return what became of them.

    on_worker: is given the worker before it begins, so that a signal can stop it.
    Raises: DerivationError before any call, ModelError and StoreError that no retry can mend.
    """
    run = _Run(store, model, derivation, observer, on_worker)
    run.work(run.plan(bundles, force=force))
    return run.summary


def enqueue_evidence(
    store: Store,
    model: LanguageModel,
    derivation: Derivation,
    bundles: Iterable[EvidenceBundle | EvidenceRejected],
    *,
    force: bool = False,
    priority: int | None = None,
    observer: WorkObserver | None = None,
) -> DeriveSummary:
    """Put the jobs of one derivation over bundles into the queue, and return where they stand now.

    model: is asked who it is, and nothing else. priority: of the jobs that wait; None leaves theirs.
    Raises: DerivationError, StoreError.
    """
    run = _Run(store, model, derivation, observer, priority=priority)
    opened = run.plan(bundles, force=force)
    run.summary.statuses.update(job_statuses(store, opened).values())
    return run.summary


def retry_derivation(
    store: Store,
    model: LanguageModel,
    derivation: Derivation,
    statuses: Sequence[JobStatus],
    *,
    observer: WorkObserver | None = None,
    on_worker: Callable[[Worker], None] | None = None,
) -> DeriveSummary:
    """Put the wanted jobs of this question and model that ended in `statuses` back, and work them.

    Raises: as derive_evidence.
    """
    run = _Run(store, model, derivation, observer, on_worker)
    opened = retry_jobs(store, run.planner.scope, statuses)
    run.observer.on_planned(0, len(opened))
    run.work(opened)
    return run.summary


class _Run:
    """One derivation over one store and model: its question, its planner and what became of its jobs."""

    def __init__(
        self,
        store: Store,
        model: LanguageModel,
        derivation: Derivation,
        observer: WorkObserver | None,
        on_worker: Callable[[Worker], None] | None = None,
        *,
        priority: int | None = None,
    ) -> None:
        self.store, self.model = store, model
        self.question = Question.prepare(derivation)
        self.planner = JobPlanner(store, self.question.derivation, model.identity, priority=priority)
        self.observer = observer or WorkObserver()
        self.on_worker = on_worker
        self.summary = DeriveSummary(derivation=derivation.name)

    def plan(self, bundles: Iterable[EvidenceBundle | EvidenceRejected], *, force: bool = False) -> list[int]:
        """Give every bundle its job, count what is finished, and return the numbers of those that wait."""
        summary = self.summary
        opened: list[int] = []
        for planned in plan_jobs(self.planner, bundles, force=force):
            if isinstance(planned, EvidenceRejected):
                summary.unusable.append(planned)
                self.observer.on_unusable(planned)
            elif planned.state is PlanState.QUEUED:
                opened.append(planned.job_id)
            else:
                summary.unchanged += 1
                summary.restored += planned.state is PlanState.RESTORED
                summary.statuses[planned.status] += 1
            self.observer.on_planned(summary.unchanged, len(opened))
            # planning may have made earlier answers current again
            show_answers(self.planner, self.observer)
        return opened

    def work(self, opened: Sequence[int]) -> None:
        """Work the opened jobs and count how they ended."""
        if not opened:
            return
        worker = Worker(self.store, self.model, observer=self.observer)
        if self.on_worker is not None:
            self.on_worker(worker)
        try:
            worker.work(self.question, self.planner)
        finally:
            worker.close()
        self.summary.partly_read = worker.partly_read
        self.summary.stopped = worker.stopped
        self.summary.statuses.update(job_statuses(self.store, opened).values())
