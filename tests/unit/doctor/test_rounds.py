from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from holocron.doctor import Cause, Diagnosis
from holocron.doctor.diagnosis import well
from holocron.doctor.rounds import Round, make_rounds


def say(*sentences: str) -> Iterator[Diagnosis]:
    """Find that all is well, a few times."""
    for sentence in sentences:
        yield well("test", sentence)


def test_groups_are_told_in_their_order_though_they_run_at_once() -> None:
    """What the first group finds comes first, even where the second was faster."""
    meeting = threading.Barrier(2, timeout=10)

    def meet(sentence: str) -> Iterator[Diagnosis]:
        meeting.wait()
        yield from say(sentence, f"{sentence} again")

    rounds = [Round(name=name, checks=lambda name=name: meet(name), limit_s=10) for name in ("a", "b")]
    assert [found.sentence for found in make_rounds(rounds)] == ["a", "a again", "b", "b again"]


def test_a_group_that_hangs_is_left_and_named() -> None:
    """Past its limit a group ends with a diagnosis; what it had found is kept, and the others go on."""
    never = threading.Event()

    def hang() -> Iterator[Diagnosis]:
        yield from say("it began")
        never.wait()

    began = time.monotonic()
    found = list(
        make_rounds(
            [
                Round(name="engine", checks=hang, limit_s=0.3),
                Round(name="disk", checks=lambda: say("it is there"), limit_s=10),
            ]
        )
    )
    never.set()
    assert time.monotonic() - began < 5
    assert [one.sentence for one in found][::2] == ["it began", "it is there"]
    assert found[1].cause is Cause.CHECK_SLOW
    assert "engine" in found[1].sentence


def test_a_fault_of_ours_is_raised_in_the_callers_thread() -> None:
    """A check that breaks is no diagnosis: the border of the command line says so."""

    def fall() -> Iterator[Diagnosis]:
        yield from say("it began")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(make_rounds([Round(name="test", checks=fall, limit_s=10)]))
