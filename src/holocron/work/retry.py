"""Retry: how long to wait before a failed job is tried again."""

from __future__ import annotations

import random

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 120.0


def backoff_s(failures: int) -> float:
    """Return the wait after the n-th failure: doubling, capped, with jitter so that workers spread out."""
    ceiling = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** max(0, failures - 1))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
