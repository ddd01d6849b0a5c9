"""Concurrency: the requests in flight that pay, found by trying."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from holocron.work.concurrency import Concurrency


def _run(concurrency: Concurrency, rate: Callable[[int], float], *, seconds: int = 400) -> list[int]:
    """Feed a second at a time what an engine of this rate does; return the numbers that were tried."""
    tried = [concurrency.slots]
    for now in range(seconds):
        slots = concurrency.slots
        concurrency.note(float(now), tokens=round(rate(slots)), answers=slots)
        if concurrency.slots != tried[-1]:
            tried.append(concurrency.slots)
    return tried


@pytest.mark.parametrize(
    ("rate", "upper", "tried"),
    [
        pytest.param(lambda _: 100, 32, [1, 2, 1], id="one at a time"),
        pytest.param(lambda slots: 100 * slots, 32, [1, 2, 4, 8, 16, 32], id="all that is allowed"),
        pytest.param(lambda slots: 100 * min(slots, 4), 32, [1, 2, 4, 8, 4], id="four at once"),
        pytest.param(lambda slots: 100 * slots**0.2, 32, [1, 2, 4, 8, 16, 32], id="15 % each"),
        pytest.param(lambda slots: 100 * slots**0.1, 32, [1, 2, 1], id="7 % each"),
        pytest.param(lambda slots: 100 * slots if slots < 5 else 10, 6, [1, 2, 4, 6, 4], id="too many"),
        pytest.param(lambda slots: 100 * slots, 1, [1], id="no choice"),
    ],
)
def test_it_settles_where_more_does_not_pay(
    rate: Callable[[int], float], upper: int, tried: list[int]
) -> None:
    """The number doubles while tokens per second rise by a tenth, and never passes the upper bound."""
    concurrency = Concurrency(upper)
    assert _run(concurrency, rate) == tried
    assert concurrency.is_settled
    assert concurrency.slots == tried[-1]


def test_slack_measures_nothing() -> None:
    """Time in which there were fewer jobs than slots changes nothing, however long it lasts."""
    concurrency = Concurrency(8)
    for now in range(100):
        concurrency.note(float(now), tokens=10, answers=1, is_full=now % 3 > 0)
    assert (concurrency.slots, concurrency.is_settled) == (1, False)


def test_a_trial_sees_enough_answers() -> None:
    """A slow engine is not judged by the clock alone: two answers per slot belong to a trial."""
    concurrency = Concurrency(8, trial_s=1.0, trial_answers=2)
    for now in range(20):
        concurrency.note(float(now), tokens=50)
    assert concurrency.slots == 1
    concurrency.note(21.0, answers=2)
    assert concurrency.slots == 2
