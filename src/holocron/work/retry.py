"""Retry: how long to wait before a failed job is tried again, and a wait that a stop ends."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 120.0
#: how late a stop may be noticed in a rest
_NAP_S = 0.2


def backoff_s(failures: int) -> float:
    """Return the wait after the n-th failure: doubling, capped, with jitter so that workers spread out."""
    ceiling = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** max(0, failures - 1))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def rest(seconds: float, is_over: Callable[[], bool]) -> None:
    """Sleep, but not much longer than until it is over."""
    end = time.monotonic() + seconds
    while not is_over() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _NAP_S))
