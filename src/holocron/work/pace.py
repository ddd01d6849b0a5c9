"""Pace: how many jobs a worker holds, so that a commit never leaves its engine idle.

In: how many jobs were finished. Out: a number of jobs. Never: claims one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

#: claimed jobs beyond the slots are this much work ahead, so that a commit never leaves the model idle
_AHEAD_S = 0.5
_MOST_AHEAD = 512
_FIRST_MOMENT_S = 0.02
_LONGEST_MOMENT_S = 0.25
#: from so many jobs a second on, the threads compute more than they wait for the model
_FAST_JOBS_S = 200


@dataclass(slots=True)
class Pace:
    """How many jobs to hold: the slots, and what is worked in a moment."""

    slots: int
    finished: int = 0
    since: float = field(default_factory=time.monotonic)
    ahead: int = 0
    #: how long is measured; at first briefly, so that a fast model does not wait for its pace to be known
    moment_s: float = _FIRST_MOMENT_S

    def note(self, finished: int) -> None:
        """Count finished jobs, and every moment set how far to claim ahead."""
        self.finished += finished
        elapsed = time.monotonic() - self.since
        if elapsed >= self.moment_s:
            self.ahead = min(_MOST_AHEAD, round(self.finished / elapsed * _AHEAD_S))
            self.moment_s = min(_LONGEST_MOMENT_S, 2 * self.moment_s)
            self.finished, self.since = 0, time.monotonic()

    @property
    def threads(self) -> int:
        """Return how many threads keep the slots busy: some cut, render and judge while the others wait."""
        return self.slots + self.slots // 4

    @property
    def is_fast(self) -> bool:
        """Tell whether the threads are held up by computing, and not by the model."""
        return self.ahead >= _FAST_JOBS_S * _AHEAD_S

    @property
    def shared(self) -> int:
        """Return how many answers are worth one commit."""
        return max(1, self.ahead // 2)

    def room(self, held: int) -> int:
        """Return how many jobs to claim where so many are held.

        None as long as half of what is worth having ahead is there: fewer transactions than one per finished
        job, and enough for all slots that end together.
        """
        ahead = max(self.slots, self.ahead)
        return self.slots + ahead - held if held <= self.slots + ahead // 2 else 0
