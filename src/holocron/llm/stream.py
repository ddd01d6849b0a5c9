"""A chat answer as it arrives, event by event, in the form that OpenAI's chat endpoint gave its name to.

In: the JSON text of each event, from the thread that the engine calls on. Out: a Completion or a ModelError.
Never: talks to an engine, or lets an exception out into it: engines lose those.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from holocron.errors import (
    CompletionCancelled,
    ModelError,
    ModelStalled,
    ModelUnavailable,
    PromptTooLong,
    SchemaRefused,
)
from holocron.fingerprint import JSONValue
from holocron.llm.json_fields import count_of, number_of
from holocron.llm.model import Completion, FinishReason, OnProgress

_OPENINGS = {"object": "{", "array": "["}
_UNAVAILABLE_CODES = frozenset({429, 502, 503, 504})


class AnswerStream:
    """Collects one answer; `receive` is what the engine calls."""

    def __init__(self, schema: JSONValue, on_progress: OnProgress | None) -> None:
        root_type = schema.get("type") if isinstance(schema, Mapping) else None
        self._opening = _OPENINGS.get(root_type, "") if isinstance(root_type, str) else ""
        self._on_progress = on_progress
        self._parts: list[str] = []
        self._finish: str | None = None
        self._usage: Mapping[str, JSONValue] = {}
        self._timings: Mapping[str, JSONValue] = {}
        #: tokens that on_progress was told of
        self._arrived = 0
        self._problem: BaseException | None = None

    def cancel(self, reason: str) -> None:
        """End the answer at its next event, from any thread."""
        self._problem = self._problem or CompletionCancelled(f"the answer was stopped: {reason}")

    def receive(self, event: str) -> bool:
        """Take in one event and return whether the engine should stop; never raises."""
        if self._problem is None:
            try:
                self._read(json.loads(event))
            except BaseException as problem:  # noqa: BLE001  # raised again in finish(), in the caller's frame
                self._problem = problem
        return self._problem is not None

    def finish(self) -> Completion:
        """Return the whole answer, or raise what stopped it."""
        if self._problem is not None:
            raise self._problem
        if self._finish is None:
            raise ModelStalled("the engine ended the answer without saying why")
        try:
            reason = FinishReason(self._finish)
        except ValueError as problem:
            raise ModelError(
                f"the engine ended the answer for an unknown reason: {self._finish!r}"
            ) from problem
        text = "".join(self._parts)
        if reason is FinishReason.STOP:
            require_json(text)
        return Completion(
            text=text,
            finish_reason=reason,
            prompt_tokens=count_of(self._usage, "prompt_tokens"),
            output_tokens=count_of(self._usage, "completion_tokens"),
            prompt_ms=number_of(self._timings, "prompt_ms"),
            output_ms=number_of(self._timings, "predicted_ms"),
        )

    def _read(self, event: Mapping[str, JSONValue]) -> None:
        if "error" in event:
            raise translate_error(event["error"])
        usage, timings, choices = event.get("usage"), event.get("timings"), event.get("choices")
        if isinstance(usage, Mapping):
            self._usage = usage
        arrived = sum(map(self._take, choices)) if isinstance(choices, list) else 0
        if isinstance(timings, Mapping):
            # the exact number: an event may bring several tokens
            arrived = max(0, count_of(timings, "predicted_n") - self._arrived)
            self._timings = timings
        self._arrived += arrived
        if self._on_progress is not None and not self._on_progress(arrived):
            raise CompletionCancelled

    def _take(self, choice: Mapping[str, JSONValue]) -> bool:
        """Keep what a choice brings; tell whether it is a piece of the answer."""
        delta, finish = choice.get("delta"), choice.get("finish_reason")
        text = delta.get("content") if isinstance(delta, Mapping) else None
        if isinstance(finish, str):
            self._finish = finish
        if not isinstance(text, str) or not text:
            return False
        if not self._parts and not text.startswith(self._opening):
            raise _not_held(text)
        self._parts.append(text)
        return True


def translate_error(error: JSONValue) -> ModelError:
    """Return the error of this family that says what an engine's error object says."""
    if not isinstance(error, Mapping):
        return ModelError(f"the engine answered with an error: {error}")
    message = str(error.get("message", "no message"))
    if error.get("type") == "exceed_context_size_error":
        return PromptTooLong(
            prompt_tokens=count_of(error, "n_prompt_tokens"), context_tokens=count_of(error, "n_ctx")
        )
    if error.get("code") in _UNAVAILABLE_CODES:
        return ModelUnavailable(f"the engine does not answer now: {message}")
    if "grammar" in message.lower():
        return SchemaRefused(f"the engine cannot hold an answer to this schema: {message}")
    return ModelError(f"the engine refused the request: {message}")


def require_json(text: str) -> None:
    """Refuse an answer that calls itself whole and is no JSON. Raises: SchemaRefused."""
    try:
        json.loads(text)
    except ValueError as problem:
        raise _not_held(text) from problem


def _not_held(text: str) -> SchemaRefused:
    return SchemaRefused(
        f"the engine did not hold the answer to its schema: it wrote {text[:40]!r}",
        hint="Some part of the contract makes no grammar; remove unusual patterns and formats to find it.",
    )
