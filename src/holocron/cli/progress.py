"""Progress: what a run does, counted and shown while it goes on.

In: the worker's notices, from several threads. Out: a bar on a terminal, plain lines elsewhere, both on
standard error. Never: decides anything about a job.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from holocron.cli.terminal import note, one_line
from holocron.errors import EngineUnreachable, HolocronError, ViewHeld
from holocron.evidence import EvidenceRejected
from holocron.store import ClaimedJob, JobResult, JobStatus
from holocron.validation import Outcome
from holocron.work import WorkObserver

#: unusable files and troubled subjects that are named one by one
MAX_UNUSABLE_SHOWN = 20
MAX_TROUBLES_KEPT = 10
_LINE_EVERY_S = 5.0
_LINE_EVERY_SHARE = 0.1
_REDRAW_EVERY_S = 0.1

STOPPING = "stopping: what is in flight is finished; once more aborts it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A subject whose job did not end well, and the first reason."""

    subject: str
    status: JobStatus
    reason: str


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run has done so far."""

    read: int = 0
    queued: int = 0
    accepted: int = 0
    rejected: int = 0
    failed: int = 0
    #: attempts that failed and are tried again later
    postponed: int = 0
    tokens: int = 0
    unusable: int = 0
    #: jobs that other processes hold
    elsewhere: int = 0
    stopping: bool = False
    troubles: list[Trouble] = field(default_factory=list)
    #: when the work began; planning moves it forward
    began: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """Return how many jobs came to an end in this run."""
        return self.accepted + self.rejected + self.failed

    @property
    def elapsed_s(self) -> float:
        """Return how long the work has gone on."""
        return max(time.monotonic() - self.began, 1e-3)

    def describe(self) -> str:
        """Return the tally in one line."""
        parts = [f"{self.done:,} of {self.queued:,} done", f"{self.accepted:,} accepted"]
        if self.rejected:
            parts.append(f"{self.rejected:,} rejected")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if self.postponed:
            parts.append(f"{self.postponed:,} tried again")
        if self.tokens:
            parts.append(f"{self.tokens / self.elapsed_s:,.0f} tokens/s")
        left = self.queued - self.done
        if self.stopping and left:
            parts.append("stopping")
        elif self.elsewhere:
            parts.append(f"{self.elsewhere:,} held by other processes")
        elif self.done and left > 0:
            parts.append(f"{show_duration(self.elapsed_s / self.done * left)} left")
        return ", ".join(parts)


def show_duration(seconds: float) -> str:
    """Return a duration as people say it: `40 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class RunDisplay(WorkObserver):
    """Counts a run and shows it; use it as a context manager around the work."""

    def __init__(self, title: str) -> None:
        """Begin with nothing done."""
        self.title = title
        self.tally = Tally()
        self._held: set[str] = set()
        # tokens arrive in the model's threads
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Begin to show."""
        return self

    def __exit__(self, *_: object) -> None:
        """Say how many unusable files were not named."""
        more = self.tally.unusable - MAX_UNUSABLE_SHOWN
        if more > 0:
            self.write(f"… and {more:,} more cannot be used")

    def write(self, line: str) -> None:
        """Show a line of its own."""
        note(line)

    def refresh(self, *, force: bool = False) -> None:
        """Show the tally again where it is time."""

    def announce_stop(self) -> None:
        """Say that the run is stopping; called in a signal handler, so that it may not wait for a lock."""
        self.tally.stopping = True
        with suppress(OSError):
            os.write(2, f"holocron: {STOPPING}\n".encode())

    def on_unusable(self, rejected: EvidenceRejected) -> None:
        """Name the first files that cannot be used and count the others."""
        self.tally.unusable += 1
        if self.tally.unusable <= MAX_UNUSABLE_SHOWN:
            hint = f". {rejected.error.hint}" if rejected.error.hint else ""
            self.write(one_line(f"cannot be used: {rejected.error}{hint}"))

    def on_planned(self, unchanged: int, queued: int) -> None:
        """Take the numbers of the plan so far."""
        self.tally.read = unchanged + queued
        self.tally.queued = queued
        self.tally.began = time.monotonic()
        self.refresh()

    def on_results(self, results: Sequence[JobResult]) -> None:
        """Count verdicts and keep the first rejections."""
        tally = self.tally
        tally.elsewhere = 0
        for result in results:
            if result.verdict.outcome is Outcome.ACCEPTED:
                tally.accepted += 1
                continue
            tally.rejected += 1
            findings = result.verdict.findings
            self._keep_trouble(
                result.job.evidence.bundle.subject, JobStatus.REJECTED, str(findings[0]) if findings else ""
            )
        self.refresh()

    def on_failure(self, job: ClaimedJob, error: HolocronError, *, retried: bool) -> None:
        """Count a failed attempt, or a job that ended as failed."""
        if retried:
            self.tally.postponed += 1
        else:
            self.tally.failed += 1
            self._keep_trouble(job.evidence.bundle.subject, JobStatus.FAILED, str(error))
        self.refresh()

    def on_tokens(self, number: int) -> None:
        """Count tokens."""
        with self._lock:
            self.tally.tokens += number
        self.refresh()

    def on_waiting(self, jobs: int) -> None:
        """Remember how many jobs others hold."""
        self.tally.elsewhere = jobs
        self.refresh()

    def on_engine_lost(self, error: EngineUnreachable, delay_s: float) -> None:
        """Say that the engine does not answer."""
        self.write(one_line(f"{error}; asked again in {delay_s:.0f} s"))

    def on_view_held(self, error: ViewHeld) -> None:
        """Say who holds a view; the same is not said twice."""
        if str(error) not in self._held:
            self._held.add(str(error))
            self.write(one_line(f"{error}. {error.hint}"))

    def _keep_trouble(self, subject: str, status: JobStatus, reason: str) -> None:
        if len(self.tally.troubles) < MAX_TROUBLES_KEPT:
            self.tally.troubles.append(Trouble(subject=subject, status=status, reason=reason))


class LineDisplay(RunDisplay):
    """Plain lines: one every few seconds or every tenth of the work, and one at the end."""

    def __init__(self, title: str) -> None:
        """Begin with nothing shown."""
        super().__init__(title)
        self._shown_at = time.monotonic()
        self._shown_done = 0

    def __exit__(self, *details: object) -> None:
        """Show the last line."""
        super().__exit__(*details)
        if self.tally.queued:
            self.refresh(force=True)

    def refresh(self, *, force: bool = False) -> None:
        """Show a line where it is time, from whichever thread finds it so."""
        tally, now = self.tally, time.monotonic()
        step = max(1, round(tally.queued * _LINE_EVERY_SHARE))
        # a burst of quick answers is one line, a slow model a line every few seconds
        due = now - self._shown_at >= _LINE_EVERY_S or (
            tally.done - self._shown_done >= step and now - self._shown_at >= 1.0
        )
        if not (due or force) or not self._lock.acquire(blocking=force):
            return
        try:
            self._shown_at, self._shown_done = now, tally.done
            text = tally.describe() if tally.done or tally.tokens else f"{tally.read:,} read"
            self.write(f"{self.title}: {text}")
        finally:
            self._lock.release()


class _TallyColumn(ProgressColumn):
    def __init__(self, tally: Tally) -> None:
        super().__init__(Column(no_wrap=True, overflow="ellipsis"))
        self._tally = tally

    def render(self, task: Task) -> Text:
        """Return the tally, or how much evidence was read so far."""
        if self._tally.stopping:
            return Text(STOPPING)
        return Text(f"{self._tally.read:,} read" if task.total is None else self._tally.describe())


class BarDisplay(RunDisplay):
    """A bar for a person at a terminal; it is gone when the work is done."""

    def __init__(self, title: str) -> None:
        """Prepare the bar."""
        super().__init__(title)
        console = Console(stderr=True, markup=False, highlight=False, emoji=False)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            _TallyColumn(self.tally),
            console=console,
            transient=True,
            refresh_per_second=5,
        )
        self._task = self._progress.add_task(title, total=None)
        self._drawn_at = 0.0

    def __enter__(self) -> Self:
        """Draw the bar."""
        self._progress.start()
        return self

    def __exit__(self, *details: object) -> None:
        """Take the bar away."""
        super().__exit__(*details)
        self._progress.stop()

    def write(self, line: str) -> None:
        """Show a line above the bar."""
        self._progress.console.print(Text(one_line(line)))

    def refresh(self, *, force: bool = False) -> None:
        """Move the bar; rich's own thread draws it."""
        now = time.monotonic()
        if force or now - self._drawn_at >= _REDRAW_EVERY_S:
            self._drawn_at = now
            self._progress.update(
                self._task, completed=self.tally.done, total=self.tally.queued if self.tally.queued else None
            )

    def announce_stop(self) -> None:
        """Let the bar say that the run is stopping."""
        self.tally.stopping = True


def open_display(title: str) -> RunDisplay:
    """Return the display that fits where standard error goes."""
    # rich knows terminals that cannot move the cursor
    can_draw = sys.stderr.isatty() and Console(stderr=True).is_interactive
    return BarDisplay(title) if can_draw else LineDisplay(title)
