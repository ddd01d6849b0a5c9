"""Observers: what a surface may watch while jobs are worked.

In: the worker's notices. Out: nothing. Never: decides what becomes of a job.
"""

from __future__ import annotations

from collections.abc import Sequence

from holocron.errors import EngineUnreachable, HolocronError, ViewHeld
from holocron.evidence import EvidenceRejected
from holocron.store import ClaimedJob, JobResult


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

    def on_engine_lost(self, error: EngineUnreachable, delay_s: float) -> None:
        """Learn that the engine cannot be reached; one job tries it again after a while."""

    def on_tokens(self, number: int) -> None:
        """Tokens arrived, in some thread."""

    def on_waiting(self, jobs: int) -> None:
        """Other processes hold this many jobs."""

    def on_concurrency(self, slots: int) -> None:
        """Learn how many requests in flight pay, where that had to be found out."""

    def on_view_held(self, error: ViewHeld) -> None:
        """Learn that views still show an earlier contract, and who holds them; it is tried again."""
