"""The work room: threads, signals and the patience to try again."""

from __future__ import annotations

from holocron.work.deriving import DeriveSummary, derive_evidence, retry_derivation
from holocron.work.worker import Worker, WorkObserver

__all__ = ["DeriveSummary", "WorkObserver", "Worker", "derive_evidence", "retry_derivation"]
