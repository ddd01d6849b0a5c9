"""Slots: as many requests in flight as the model has places for, and the next ones ready beside them.

In: a model, and how many requests it is to have at once. Out: a model that lets no more through.
Never: lets a place stand empty while a prompt is ready, or keeps a cancelled job waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from holocron.derivation.prompt import Prompt
from holocron.errors import CompletionCancelled
from holocron.llm.model import Completion, LanguageModel, ModelIdentity, OnProgress

#: how often one that waits for a place asks whether it is still wanted
_POLL_S = 0.25
#: long enough for a thread to wake up, and short beside any answer that someone waits for
_GIVE_WAY_S = 0.0001


class SlottedModel:
    """A LanguageModel whose callers wait, with their prompts ready, where all of its slots are taken.

    More threads than slots can share it: what they do before and after an answer costs its slot nothing.
    """

    def __init__(self, model: LanguageModel, slots: int) -> None:
        self._model = model
        self._slots = slots
        self._taken = 0
        self._waiting = 0
        self._changed = threading.Condition()

    @property
    def identity(self) -> ModelIdentity:
        """The model's."""
        return self._model.identity

    @property
    def slots(self) -> int:
        """How many requests are let through at once."""
        return self._slots

    def resize(self, slots: int) -> None:
        """Let so many through from now on; what is in flight goes on."""
        with self._changed:
            self._slots = slots
            self._changed.notify_all()

    def estimate_tokens(self, text: str) -> int:
        """Estimate as the model does."""
        return self._model.estimate_tokens(text)

    def complete(self, prompt: Prompt, on_progress: OnProgress | None = None) -> Completion:
        """Ask the model as soon as a slot is free.

        Raises: as the model; CompletionCancelled where on_progress said no to one that waits.
        """
        with self._slot(on_progress):
            return self._model.complete(prompt, on_progress)

    def close(self) -> None:
        """Close the model."""
        self._model.close()

    @contextmanager
    def _slot(self, on_progress: OnProgress | None) -> Iterator[None]:
        while not self._take():
            if on_progress is not None and not on_progress(0):
                raise CompletionCancelled
        try:
            yield
        finally:
            with self._changed:
                self._taken -= 1
                self._changed.notify()
                is_waited_for = self._waiting > 0
            if is_waited_for:
                # else the one that waits gets the interpreter only after the answer has been judged
                time.sleep(_GIVE_WAY_S)

    def _take(self) -> bool:
        """Take a slot, after a moment where none is free; tell whether there was one."""
        with self._changed:
            self._waiting += 1
            try:
                is_free = self._changed.wait_for(lambda: self._taken < self._slots, _POLL_S)
            finally:
                self._waiting -= 1
            self._taken += is_free
            return is_free
