"""Interrupts: Ctrl-C and SIGTERM end a run without losing anything.

In: signals. Out: a worker that stops at the first and aborts at the second.
Never: ends the process itself, but for a third signal.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Protocol, Self

#: SIGTERM is what a supervisor sends, SIGBREAK what Windows sends for Ctrl-Break; neither is everywhere
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))


class Stoppable(Protocol):
    """What works until it is stopped: a worker, or a service."""

    def stop(self) -> None:
        """Claim no more and finish what is in flight."""

    def abort(self) -> None:
        """Give back what is in flight."""


class StopDisplay(Protocol):
    """Where it is said that the work is stopping."""

    def announce_stop(self) -> None:
        """Say so, without waiting for a lock."""


class Interrupts:
    """Catches signals while it is entered; on_worker tells it whom to stop."""

    def __init__(self, display: StopDisplay) -> None:
        """Remember where to say that the run is stopping."""
        self._display = display
        self._worker: Stoppable | None = None
        self._asked = 0
        self._before: dict[int, object] = {}

    def on_worker(self, worker: Stoppable) -> None:
        """Take the worker that signals are for from now on."""
        self._worker = worker

    def __enter__(self) -> Self:
        """Catch signals, where this is the thread that may."""
        if threading.current_thread() is threading.main_thread():
            # a shell that starts a job in the background has it ignore SIGINT
            caught = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._handle) for number in caught}
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned
        self._before.clear()

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1
        if self._worker is None or self._asked > 2:
            # nothing is in flight yet, or the engine does not let go
            raise KeyboardInterrupt
        if self._asked == 1:
            self._worker.stop()
            self._display.announce_stop()
        else:
            self._worker.abort()
