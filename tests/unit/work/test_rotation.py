"""Rotation: priority first, turns among equals."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.work.rotation import Rotation


def test_nothing_to_claim_is_nobodys_turn() -> None:
    """Where no derivation has a job, none is chosen."""
    assert Rotation().choose({}, 0.0) is None


def test_a_derivation_keeps_its_turn() -> None:
    """Jobs of one derivation run together until its turn is over, then the next in order has one."""
    rotation = Rotation(shift_s=10)
    equals = {1: 0, 2: 0, 5: 0}
    assert [rotation.choose(equals, now) for now in (0, 9.9, 10, 19.9, 20, 30)] == [1, 1, 2, 2, 5, 1]


def test_a_higher_priority_goes_first_at_once() -> None:
    """A derivation whose best job is more urgent is chosen in the middle of another's turn."""
    rotation = Rotation(shift_s=10)
    assert rotation.choose({1: 0, 2: 0}, 0) == 1
    assert rotation.choose({1: 0, 2: 3}, 1) == 2
    assert rotation.choose({1: 0, 2: -1}, 2) == 1


def test_a_derivation_without_jobs_gives_its_turn_away() -> None:
    """A turn ends with the jobs, and the derivation alone in the queue has turn after turn."""
    rotation = Rotation(shift_s=10)
    assert rotation.choose({1: 0, 2: 0}, 0) == 1
    assert rotation.choose({2: 0}, 1) == 2
    assert rotation.choose({2: 0}, 50) == 2


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.integers(1, 9), st.integers(-2, 2), min_size=1), st.integers(1, 9))
def test_every_equal_has_its_turn(priorities: dict[int, int], shift_s: int) -> None:
    """Over as many turns as there are derivations, each of the most urgent ones is chosen once."""
    best = max(priorities.values())
    equals = sorted(number for number, priority in priorities.items() if priority == best)
    rotation = Rotation(shift_s=shift_s)
    chosen = [rotation.choose(priorities, turn * shift_s) for turn in range(len(equals))]
    assert sorted(number for number in chosen if number) == equals
