"""How many requests a model has in flight, and that the next ones are ready beside them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from holocron.derivation.prompt import Message, Prompt, Role
from holocron.errors import CompletionCancelled
from holocron.llm.model import Completion, FinishReason, OnProgress
from holocron.llm.scripted import ScriptedModel
from holocron.work.pace import Pace
from holocron.work.slots import SlottedModel

PROMPT = Prompt(messages=(Message(Role.USER, "x"),), schema={}, max_output_tokens=8)
_DONE = Completion(text="1", finish_reason=FinishReason.STOP, prompt_tokens=1, output_tokens=1)


class _Held(ScriptedModel):
    """Answers when it is told to, and remembers how many it was asked at once."""

    def __init__(self) -> None:
        super().__init__([])
        self.may_answer = threading.Event()
        self.asked = 0
        self.most = 0
        self._counting = threading.Lock()

    def complete(self, prompt: Prompt, on_progress: OnProgress | None = None) -> Completion:  # noqa: ARG002 - the protocol
        with self._counting:
            self.asked += 1
            self.most = max(self.most, self.asked)
        try:
            assert self.may_answer.wait(30)
            return _DONE
        finally:
            with self._counting:
                self.asked -= 1


def _start(number: int, work: Callable[[], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("slots", [1, 3])
def test_no_more_requests_are_let_through_than_there_are_slots(slots: int) -> None:
    """Of six callers as many ask at once as there are slots; the others ask when one of them is answered."""
    held = _Held()
    model = SlottedModel(held, slots)
    answers: list[Completion] = []
    threads = _start(6, lambda: answers.append(model.complete(PROMPT)))
    _wait_until(lambda: held.asked == slots)
    held.may_answer.set()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 6
    assert held.most == slots


def test_more_slots_let_waiting_callers_through_at_once() -> None:
    """A model that is found to be worth more requests gets them without waiting for an answer."""
    held = _Held()
    model = SlottedModel(held, 1)
    threads = _start(3, lambda: model.complete(PROMPT))
    _wait_until(lambda: held.asked == 1)
    model.resize(2)
    _wait_until(lambda: held.asked == 2)
    held.may_answer.set()
    for thread in threads:
        thread.join(30)
    assert (held.most, model.slots) == (2, 2)


def test_a_caller_that_is_not_wanted_any_more_does_not_wait_on() -> None:
    """A caller that waits for a slot is asked whether it goes on, and leaves without asking the model."""
    held = _Held()
    model = SlottedModel(held, 1)
    threads = _start(1, lambda: model.complete(PROMPT))
    _wait_until(lambda: held.asked == 1)
    with pytest.raises(CompletionCancelled):
        model.complete(PROMPT, lambda _tokens: False)
    held.may_answer.set()
    threads[0].join(30)
    assert held.most == 1


def test_a_failed_answer_frees_its_slot() -> None:
    """A model that raises leaves its slot to the next caller."""
    model = SlottedModel(ScriptedModel([ValueError("no"), "1"]), 1)
    with pytest.raises(ValueError, match="no"):
        model.complete(PROMPT)
    assert model.complete(PROMPT).text == "1"


@pytest.mark.parametrize(("slots", "threads"), [(1, 1), (4, 5), (16, 20)])
def test_a_quarter_more_threads_than_slots_have_the_next_prompts_ready(slots: int, threads: int) -> None:
    """One slot needs no second thread; many slots have some threads that cut, render and judge meanwhile."""
    assert Pace(slots=slots).threads == threads
