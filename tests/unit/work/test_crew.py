"""The crew: what its threads take up, leave alone and survive."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest

from holocron.errors import HolocronError, ModelError, ModelStalled
from holocron.llm.model import OnProgress
from holocron.store import ClaimedJob, JobResult
from holocron.work.crew import Crew, Flight


class _Panic(BaseException):
    """What a library in another language raises when it breaks."""


class _Job:
    """A job as far as a crew looks at it."""

    def __init__(self, number: int, fault: BaseException | None = None, failures: int = 0) -> None:
        self.job_id, self.fault, self.failures = number, fault, failures


def _answer(job: ClaimedJob, on_progress: OnProgress) -> JobResult:
    fault = cast("_Job", job).fault
    if fault is not None:
        raise fault
    return cast("JobResult", f"{job.job_id} goes on: {on_progress(1)}")


def _flight(number: int, fault: BaseException | None = None, *, failures: int = 0) -> Flight:
    return Flight(job=cast("ClaimedJob", _Job(number, fault, failures)))


@pytest.fixture
def crew() -> Iterator[Crew]:
    """Return a crew of one thread."""
    with closing(Crew(1, _answer, lambda _tokens: True)) as made:
        yield made


def test_all_that_is_added_lands_in_its_order(crew: Crew) -> None:
    """One thread answers one job after another, and counts its progress."""
    flights = [_flight(number) for number in range(20)]
    crew.add(flights)
    assert crew.gather(20, 10) == flights
    assert [flight.result for flight in flights] == [f"{number} goes on: True" for number in range(20)]
    assert {flight.progress for flight in flights} == {2}


def test_who_was_lost_before_goes_first() -> None:
    """A job that a dead worker held in vain does not wait behind new ones, to be lost once more."""
    entered, let_go = threading.Event(), threading.Event()

    def wait(_tokens: int) -> bool:
        entered.set()
        return let_go.wait(10)

    new = [_flight(number) for number in range(3)]
    lost, lost_twice = _flight(3, failures=1), _flight(4, failures=2)
    with closing(Crew(1, _answer, wait)) as crew:
        crew.add(new)
        assert entered.wait(10)
        crew.add([lost, lost_twice])
        let_go.set()
        landed = crew.gather(5, 10)
        while len(landed) < 5:
            landed += crew.gather(5 - len(landed), 10)
    assert landed == [new[0], lost_twice, lost, *new[1:]]


@pytest.mark.parametrize(
    ("fault", "error"),
    [(ModelStalled(), ModelStalled), (ZeroDivisionError(), ModelError), (_Panic(), ModelError)],
    ids=["known", "a bug", "a panic"],
)
def test_a_fault_ends_its_job_and_not_the_thread(
    crew: Crew, fault: BaseException, error: type[HolocronError]
) -> None:
    """The job lands with an error, and the thread takes up the next one."""
    first, second = _flight(1, fault), _flight(2)
    crew.add([first, second])
    landed = crew.gather(2, 10)
    while len(landed) < 2:
        landed += crew.gather(2 - len(landed), 10)
    assert landed == [first, second]
    assert type(first.error) is error
    assert first.result is None
    assert second.result is not None


def test_an_error_is_handed_over_at_once() -> None:
    """Whoever waits for many answers hears of an error before the others come: the rest may fail like it."""
    may_end = threading.Event()
    failed, held = _flight(1, ModelStalled()), _flight(2)

    def hold(_tokens: int) -> bool:
        return may_end.wait(30)

    with closing(Crew(1, _answer, hold)) as waiting:
        waiting.add([failed, held])
        assert waiting.gather(2, 30) == [failed]
        may_end.set()
        assert waiting.gather(1, 30) == [held]


def test_what_failed_before_is_handed_over_at_once() -> None:
    """Its answer does not wait for others that would share its commit: that wait could cost it once more."""
    may_end = threading.Event()
    lost, held = _flight(1, failures=1), _flight(2)

    def hold(_tokens: int) -> bool:
        return may_end.wait(30)

    def answer(job: ClaimedJob, on_progress: OnProgress) -> JobResult:
        return _answer(job, on_progress if job is held.job else lambda _tokens: True)

    with closing(Crew(1, answer, hold)) as waiting:
        waiting.add([lost, held])
        assert waiting.gather(2, 30) == [lost]
        may_end.set()
        assert waiting.gather(1, 30) == [held]


def test_a_crew_that_cannot_be_complete_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system gives no more threads, those that were started go home: the process can end."""
    start, started = threading.Thread.start, list[threading.Thread]()

    def start_two(thread: threading.Thread) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        start(thread)
        started.append(thread)

    monkeypatch.setattr(threading.Thread, "start", start_two)
    with pytest.raises(RuntimeError, match="new thread"):
        Crew(3, _answer, lambda _tokens: True)
    assert [thread.is_alive() for thread in started] == [False, False]


def test_nothing_is_begun_in_a_pause(crew: Crew) -> None:
    """Jobs that are added while the store is used wait for its end."""
    with crew.pausing(is_fast=True):
        crew.add([_flight(1), _flight(2)])
        assert crew.gather(1, 0.05) == []
    assert len(crew.gather(2, 10)) == 2


def test_what_is_taken_back_is_never_begun() -> None:
    """Each job is either taken up or given back, also when threads take jobs up at the same time."""
    entered, let_go = threading.Event(), threading.Event()

    def hang(_job: ClaimedJob, _on_progress: OnProgress) -> JobResult:
        entered.set()
        let_go.wait(10)
        return cast("JobResult", "answered")

    with closing(Crew(1, hang, lambda _tokens: True)) as crew:
        flights = [_flight(number) for number in range(3)]
        crew.add(flights)
        assert entered.wait(10)
        assert crew.take_back() == flights[1:]
        let_go.set()
        assert crew.gather(1, 10) == flights[:1]
    assert [flight.progress for flight in flights] == [1, 0, 0]
