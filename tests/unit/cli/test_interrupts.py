from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import cast

import pytest

from holocron.cli.interrupts import Interrupts
from holocron.cli.progress import RunDisplay
from holocron.work import Worker


@dataclass
class Listener:
    """A worker that writes down what it is told."""

    heard: list[str] = field(default_factory=list)

    def stop(self) -> None:
        """Hear the first signal."""
        self.heard.append("stop")

    def abort(self) -> None:
        """Hear the second."""
        self.heard.append("abort")


def test_the_first_signal_stops_the_second_aborts_the_third_interrupts() -> None:
    """Ctrl-C is heard by the worker twice; a third one ends the command whatever the engine does."""
    display, listener = RunDisplay("ships"), Listener()
    with Interrupts(display) as interrupts:
        interrupts.on_worker(cast(Worker, listener))
        signal.raise_signal(signal.SIGINT)
        assert display.tally.stopping
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert listener.heard == ["stop", "abort"]


def test_a_signal_before_there_is_a_worker_interrupts() -> None:
    """While evidence is still read nothing is in flight, so Ctrl-C ends it at once."""
    with Interrupts(RunDisplay("ships")), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_sigterm_is_like_ctrl_c_and_handlers_are_given_back() -> None:
    """A supervisor's SIGTERM stops the worker too; afterwards signals mean what they meant before."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    listener = Listener()
    with Interrupts(RunDisplay("ships")) as interrupts:
        interrupts.on_worker(cast(Worker, listener))
        signal.raise_signal(signal.SIGTERM)
    assert listener.heard == ["stop"]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_an_ignored_signal_stays_ignored() -> None:
    """A job in the background of a script ignores Ctrl-C, and goes on doing so."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts(RunDisplay("ships")):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
