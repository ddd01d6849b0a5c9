"""Rotation: which derivation a worker takes its next jobs from.

In: what may be claimed now, and the time. Out: one derivation. Never: touches the store.
"""

from __future__ import annotations

from collections.abc import Mapping

#: how long a derivation keeps its turn: its prompts begin alike, and an engine reuses what it has read
SHIFT_S = 60.0


class Rotation:
    """The highest priority first; among equals each derivation has its turn, so that none starves."""

    def __init__(self, shift_s: float = SHIFT_S) -> None:
        """Begin with nobody's turn."""
        self._shift_s = shift_s
        self._current: int | None = None
        self._since = 0.0

    def choose(self, priorities: Mapping[int, int], now: float) -> int | None:
        """Return whose turn it is, of derivations and their best priorities; None where there is none.

        now: seconds of any clock that does not go back.
        """
        if not priorities:
            return None
        best = max(priorities.values())
        waiting = sorted(number for number, priority in priorities.items() if priority == best)
        if self._current in waiting and now - self._since < self._shift_s:
            return self._current
        current = -1 if self._current is None else self._current
        # the next one in the order of the numbers, around the end
        self._current = next((number for number in waiting if number > current), waiting[0])
        self._since = now
        return self._current
