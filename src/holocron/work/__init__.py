"""The work room: threads that have jobs answered, and the patience to try again."""

from __future__ import annotations

from holocron.work.deriving import DeriveSummary, derive_evidence, enqueue_evidence, retry_derivation
from holocron.work.observers import WorkObserver
from holocron.work.worker import Worker

__all__ = [
    "DeriveSummary",
    "WorkObserver",
    "Worker",
    "derive_evidence",
    "enqueue_evidence",
    "retry_derivation",
]
