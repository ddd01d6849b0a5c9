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
from holocron.work.worker import Worker, WorkObserver


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
    question = Question.prepare(derivation)
    planner = JobPlanner(store, question.derivation, model.identity)
    summary = DeriveSummary(derivation=derivation.name)
    opened: list[int] = []
    observer = observer or WorkObserver()
    for planned in plan_jobs(planner, bundles, force=force):
        if isinstance(planned, EvidenceRejected):
            summary.unusable.append(planned)
            observer.on_unusable(planned)
        elif planned.state is PlanState.QUEUED:
            opened.append(planned.job_id)
        else:
            summary.unchanged += 1
            summary.restored += planned.state is PlanState.RESTORED
            summary.statuses[planned.status] += 1
        observer.on_planned(summary.unchanged, len(opened))
    _work(store, model, question, planner, opened, summary, observer, on_worker)
    return summary


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
    question = Question.prepare(derivation)
    planner = JobPlanner(store, question.derivation, model.identity)
    observer = observer or WorkObserver()
    summary = DeriveSummary(derivation=derivation.name)
    opened = retry_jobs(store, planner.scope, statuses)
    observer.on_planned(0, len(opened))
    _work(store, model, question, planner, opened, summary, observer, on_worker)
    return summary


def _work(
    store: Store,
    model: LanguageModel,
    question: Question,
    planner: JobPlanner,
    opened: Sequence[int],
    summary: DeriveSummary,
    observer: WorkObserver,
    on_worker: Callable[[Worker], None] | None,
) -> None:
    """Work the opened jobs and count how they ended."""
    if not opened:
        return
    worker = Worker(store, model, observer=observer)
    if on_worker is not None:
        on_worker(worker)
    try:
        worker.work(question, planner)
    finally:
        worker.close()
    summary.stopped = worker.stopped
    summary.statuses.update(job_statuses(store, opened).values())
