"""Service lines: what a worker says while it goes on, for a terminal, a log file or a log collector.

In: a service's notices, from several threads. Out: one line now and then on standard error, or as JSON on
standard output. Never: a line for every job.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Sequence, Set
from contextlib import suppress
from typing import Self

import click

from holocron.cli.terminal import note, one_line, quote_word, show_count
from holocron.errors import DerivationError, EngineUnreachable, HolocronError, StoreError, ViewHeld
from holocron.fingerprint import JSONValue
from holocron.store import ClaimedJob, JobResult
from holocron.store.agenda import LeftJobs
from holocron.store.control import resuming
from holocron.store.tables import EVERY_DERIVATION
from holocron.work.serving import ServiceObserver

#: how often progress is told, where there is any
_LINE_EVERY_S = 10.0
_STOPPING = "holocron worker: stopping: what is in flight is finished; once more gives it back at once\n"


class ServiceLines(ServiceObserver):
    """Counts what a service does and tells it; use it as a context manager around the service."""

    def __init__(self, *, as_json: bool) -> None:
        """Begin with nothing done."""
        self._as_json = as_json
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._told_at = time.monotonic()
        #: names of derivations that cannot be worked here
        self.skipped: list[str] = []

    def __enter__(self) -> Self:
        """Begin to tell."""
        return self

    def __exit__(self, *_: object) -> None:
        """Tell what was done in all."""
        counts = self._counts
        self._write("ended", f"ended; {_describe(counts)} in all", **counts)

    def announce_start(self, *, model: str, slots: int, database: str) -> None:
        """Say what is worked, and where."""
        self._write(
            "started",
            f"{model}, {slots} at a time, jobs of {database}",
            model=model,
            slots=slots,
            database=database,
            process=os.getpid(),
        )

    def announce_left(self, left: Sequence[LeftJobs], pauses: Set[str], model: str) -> None:
        """Say which jobs still wait, and what to type. pauses: what is paused; model: the one that worked."""
        for entry in left:
            paused = sorted(pauses & {entry.derivation, EVERY_DERIVATION})
            if not entry.is_same and entry.model != model:
                state = f"wait for {entry.model}: holocron worker --model {quote_word(entry.model)}"
            elif not entry.is_same:
                state = (
                    f"wait for other weights, or another address, of {model}; "
                    f"asked anew by: holocron enqueue {entry.derivation}"
                )
            elif paused:
                state = f"are paused: {resuming(paused[0])}"
            else:
                continue
            self._write(
                "left",
                f"{show_count(entry.jobs, 'job')} of {entry.derivation} {state}",
                derivation=entry.derivation,
                model=entry.model,
                jobs=entry.jobs,
            )

    def announce_stop(self) -> None:
        """Say that it is stopping; called in a signal handler, so that it may not wait for a lock."""
        with suppress(OSError):
            os.write(2, _STOPPING.encode())

    def on_results(self, results: Sequence[JobResult]) -> None:
        """Count verdicts."""
        for result in results:
            self._counts[str(result.verdict.outcome)] += 1
        self._tell()

    def on_failure(self, job: ClaimedJob, error: HolocronError, *, retried: bool) -> None:
        """Tell of a job that failed for good; count an attempt that is tried again."""
        self._counts["tried again" if retried else "failed"] += 1
        if not retried:
            subject = job.evidence.bundle.subject
            self._write("failed", f"failed: {one_line(subject)}: {error}", subject=subject, reason=str(error))
        self._tell()

    def on_tokens(self, number: int) -> None:
        """Count tokens."""
        with self._lock:
            self._counts["tokens"] += number

    def on_concurrency(self, slots: int) -> None:
        """Say how many requests in flight were found to pay."""
        self._write("settled", f"{slots} at a time pay with this engine", slots=slots)

    def on_engine_lost(self, error: EngineUnreachable, delay_s: float) -> None:
        """Say that the engine does not answer."""
        self._write(
            "engine_lost",
            f"{error}; asked again in {delay_s:.0f} s",
            reason=str(error),
            seconds=round(delay_s, 1),
        )

    def on_skipped(self, derivation: str, error: DerivationError) -> None:
        """Name a derivation that cannot be worked here."""
        self.skipped.append(derivation)
        self._write(
            "skipped",
            f"{derivation} cannot be worked here, its jobs are left alone: {error}",
            derivation=derivation,
            reason=str(error),
        )

    def on_view_held(self, error: ViewHeld) -> None:
        """Say who holds a view."""
        self._write("view_held", f"{error}. {error.hint}", reason=str(error))

    def on_store_awaited(self, error: StoreError) -> None:
        """Say that the work begins when the database answers."""
        self._write("store_awaited", f"waiting for the database: {error}", reason=str(error))

    def on_store_lost(self, error: StoreError, delay_s: float) -> None:
        """Say that the database does not answer."""
        self._write(
            "store_lost",
            f"the database does not answer, again in {delay_s:.0f} s: {error}",
            reason=str(error),
            seconds=round(delay_s, 1),
        )

    def _tell(self) -> None:
        now = time.monotonic()
        elapsed = now - self._told_at
        if elapsed < _LINE_EVERY_S:
            return
        done = self._counts - self._told
        self._told, self._told_at = self._counts.copy(), now
        rate = done["tokens"] / elapsed
        self._write(
            "progress",
            f"{_describe(done)} in {elapsed:.0f} s" + (f", {rate:,.0f} tokens/s" if rate else ""),
            seconds=round(elapsed, 1),
            **done,
        )

    def _write(self, event: str, text: str, **fields: JSONValue) -> None:
        if self._as_json:
            named = {name.replace(" ", "_"): value for name, value in fields.items()}
            click.echo(json.dumps({"event": event, **named}))
        else:
            note(one_line(f"holocron worker: {text}"))


def _describe(counts: Counter[str]) -> str:
    parts = [f"{number:,} {name}" for name, number in sorted(counts.items()) if number and name != "tokens"]
    return ", ".join(parts) or "nothing done"
