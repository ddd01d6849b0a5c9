"""Retry: how long a failed job waits."""

from __future__ import annotations

import pytest

from holocron.work.retry import FIRST_DELAY_S, LONGEST_DELAY_S, backoff_s


@pytest.mark.parametrize("failures", range(1, 12))
def test_waits_double_up_to_a_limit(failures: int) -> None:
    """Each failure waits up to twice as long as the one before, never under half of that."""
    ceiling = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (failures - 1))
    waits = [backoff_s(failures) for _ in range(200)]
    assert all(ceiling / 2 <= wait <= ceiling for wait in waits)


def test_waits_differ() -> None:
    """Workers that fail together do not come back together."""
    assert len({backoff_s(3) for _ in range(20)}) > 1
