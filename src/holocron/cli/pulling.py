"""Pulling shown: a bar per layer on a terminal, plain lines elsewhere, both on standard error.

In: the lines of a pull. Out: what a person sees. Never: decides whether a pull went well.
"""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from holocron.cli.terminal import note, one_line
from holocron.doctor.diagnosis import show_size
from holocron.llm.ollama_api import PullProgress

_LINE_EVERY_S = 5.0


class PullDisplay(AbstractContextManager["PullDisplay"], Protocol):
    """Shows a pull while it goes on."""

    def show(self, progress: PullProgress) -> None:
        """Show one line of the pull."""


class PullLines:
    """A line for each step and each layer, and one every few seconds of a long layer."""

    def __init__(self) -> None:
        self._said = ""
        self._whole: set[str] = set()
        self._said_at = time.monotonic()

    def __enter__(self) -> Self:
        """Begin to show."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def show(self, progress: PullProgress) -> None:
        """Say what is new."""
        status = one_line(progress.status)
        if not progress.digest:
            if status != self._said:
                note(status)
            self._said = status
            return
        is_whole = 0 < progress.total_bytes <= progress.completed_bytes
        now = time.monotonic()
        is_new = status != self._said
        if progress.digest in self._whole or not (is_new or is_whole or now - self._said_at > _LINE_EVERY_S):
            return
        self._said, self._said_at = status, now
        share = progress.completed_bytes / progress.total_bytes if progress.total_bytes else 0
        note(f"{status}: {share:.0%} of {show_size(progress.total_bytes)}")
        if is_whole:
            self._whole.add(progress.digest)


class PullBars:
    """A bar for each layer; steps without one are lines above them."""

    def __init__(self) -> None:
        self._bars: dict[str, TaskID] = {}
        self._said = ""
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=Console(stderr=True, markup=False, highlight=False, emoji=False),
            refresh_per_second=5,
        )

    def __enter__(self) -> Self:
        """Draw."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bars as they are."""
        self._progress.stop()

    def show(self, progress: PullProgress) -> None:
        """Move the layer's bar."""
        status = one_line(progress.status)
        if not progress.digest:
            if status != self._said:
                self._progress.console.print(status)
            self._said = status
            return
        if progress.digest not in self._bars:
            self._bars[progress.digest] = self._progress.add_task(status, total=progress.total_bytes or None)
        self._progress.update(self._bars[progress.digest], completed=progress.completed_bytes)


def open_pull_display() -> PullDisplay:
    """Return the display that fits where standard error goes."""
    can_draw = sys.stderr.isatty() and Console(stderr=True).is_interactive
    return PullBars() if can_draw else PullLines()
