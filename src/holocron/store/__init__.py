"""The store room: where evidence, jobs and answers rest."""

from __future__ import annotations

from holocron.store.planning import JobPlanner, PlannedJob, PlanState
from holocron.store.queue import ClaimedJob, JobScope
from holocron.store.results import JobResult, Turn, commit_results
from holocron.store.store import Store, utc_now
from holocron.store.tables import JobStatus

__all__ = [
    "ClaimedJob",
    "JobPlanner",
    "JobResult",
    "JobScope",
    "JobStatus",
    "PlanState",
    "PlannedJob",
    "Store",
    "Turn",
    "commit_results",
    "utc_now",
]
