"""Events of an answer into a completion."""

from __future__ import annotations

import json

import pytest

from holocron.errors import (
    CompletionCancelled,
    HolocronError,
    ModelError,
    ModelStalled,
    ModelUnavailable,
    PromptTooLong,
    SchemaRefused,
)
from holocron.fingerprint import JSONValue
from holocron.llm.model import Completion, FinishReason, OnProgress
from holocron.llm.stream import AnswerStream, translate_error
from prompts import closed

SCHEMA = closed(a={"type": "null"})


def _words(text: str | None, tokens: int = 1) -> JSONValue:
    return {
        "choices": [{"delta": {"content": text}, "finish_reason": None}],
        "timings": {"predicted_n": tokens, "predicted_ms": 2.5, "prompt_ms": 1.5},
    }


def _end(reason: str) -> list[JSONValue]:
    return [
        {"choices": [{"delta": {}, "finish_reason": reason}]},
        {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
    ]


def _receive(*events: JSONValue, on_progress: OnProgress | None = None) -> Completion:
    stream = AnswerStream(SCHEMA, on_progress)
    for event in events:
        if stream.receive(json.dumps(event)):
            break
    return stream.finish()


def test_an_answer_is_put_together() -> None:
    """Text, finish reason, counts and times come from the events."""
    answer = _receive(_words(None, 0), _words('{"a":'), _words("null}", 3), *_end("stop"))
    assert answer == Completion(
        text='{"a":null}',
        finish_reason=FinishReason.STOP,
        prompt_tokens=7,
        output_tokens=3,
        prompt_ms=1.5,
        output_ms=2.5,
    )


def test_a_cut_answer_says_so() -> None:
    """An answer that the limit ended is no JSON, and comes back as LENGTH."""
    assert _receive(_words('{"a'), *_end("length")).finish_reason is FinishReason.LENGTH


def test_progress_counts_the_tokens_between_calls() -> None:
    """Each call says how many tokens are new; reading the prompt says 0."""
    seen: list[int] = []

    def note(tokens: int) -> bool:
        seen.append(tokens)
        return True

    _receive(_words(None, 0), _words('{"a":', 2), _words("null}", 5), *_end("stop"), on_progress=note)
    assert seen == [0, 2, 3, 0, 0]


FAILURES: dict[str, tuple[list[JSONValue], type[HolocronError]]] = {
    "no end": ([_words('{"a":null}')], ModelStalled),
    "no event": ([], ModelStalled),
    "unknown reason": ([_words('{"a":null}'), *_end("bored")], ModelError),
    "free words": ([_words("Sure! Here is")], SchemaRefused),
    "ended without JSON": ([_words('{"a":'), *_end("stop")], SchemaRefused),
    "an error": ([{"error": {"code": 500, "message": "boom"}}], ModelError),
    "an error after words": ([_words("{"), {"error": {"code": 503, "message": "later"}}], ModelUnavailable),
}


@pytest.mark.parametrize(("events", "error"), FAILURES.values(), ids=FAILURES.keys())
def test_what_is_no_answer_is_an_error(events: list[JSONValue], error: type[HolocronError]) -> None:
    """Nothing but a whole or a cut answer becomes a completion."""
    with pytest.raises(error):
        _receive(*events)


def test_a_caller_cancels() -> None:
    """The first no of on_progress ends the answer."""
    with pytest.raises(CompletionCancelled):
        _receive(_words("{"), *_end("stop"), on_progress=lambda _: False)


def test_a_cancelled_stream_stops_at_the_next_event() -> None:
    """A cancelled answer asks the engine to stop, and says why."""
    stream = AnswerStream(SCHEMA, None)
    assert not stream.receive(json.dumps(_words("{")))
    stream.cancel("closing")
    assert stream.receive(json.dumps(_words("}")))
    with pytest.raises(CompletionCancelled, match="closing"):
        stream.finish()


@pytest.mark.parametrize("problem", [KeyError("mine"), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
def test_no_exception_is_lost_in_the_engine(problem: BaseException) -> None:
    """What on_progress raises stops the engine and comes out of finish."""
    stream = AnswerStream(SCHEMA, None)
    stream._on_progress = lambda _: (_ for _ in ()).throw(problem)
    assert stream.receive(json.dumps(_words("{")))
    with pytest.raises(type(problem)):
        stream.finish()


def test_an_event_that_is_no_json_is_an_error_of_its_own() -> None:
    """A broken event stops the engine."""
    stream = AnswerStream(SCHEMA, None)
    assert stream.receive("{")


ERRORS: dict[str, tuple[JSONValue, type[ModelError]]] = {
    "window": ({"type": "exceed_context_size_error", "n_prompt_tokens": 9, "n_ctx": 4}, PromptTooLong),
    "loading": ({"code": 503, "message": "Loading model"}, ModelUnavailable),
    "grammar": ({"code": 400, "message": "Failed to parse grammar"}, SchemaRefused),
    "other": ({"code": 400, "message": "no"}, ModelError),
    "text": ("no", ModelError),
}


@pytest.mark.parametrize(("error", "kind"), ERRORS.values(), ids=ERRORS.keys())
def test_engine_errors_are_told_apart(error: JSONValue, kind: type[ModelError]) -> None:
    """Each error of the engine becomes the most specific one of ours."""
    assert type(translate_error(error)) is kind
