"""OpenAI-compatible servers as a LanguageModel: what is asked of them, and how each failure is told."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from holocron.errors import (
    EngineUnknown,
    EngineUnreachable,
    HolocronError,
    ModelError,
    ModelNotFound,
    ModelStalled,
    ModelUnavailable,
    PromptTooLong,
    SchemaRefused,
    SettingsInvalid,
)
from holocron.fingerprint import JSONValue
from holocron.llm.model import FinishReason
from holocron.llm.openai import OpenAIModel, OpenAIServer
from holocron.llm.wire import Patience
from openai_server import OpenAIServerFake, break_off, event, say_error
from prompts import make_prompt
from scripted_http import Fault, answer_page, drop_at_once, refuse, send_lines, stall_at_once

KEY = "sk-a-secret-key"
CHAT = "/v1/chat/completions"
BRIEF = Patience(connect_s=5, first_s=0.5, next_s=0.5)


@pytest.fixture
def server() -> Iterator[OpenAIServerFake]:
    """Return a scripted server that wants a key."""
    with OpenAIServerFake(key=KEY) as started:
        yield started


def _open(server: OpenAIServerFake, **options: str) -> OpenAIModel:
    client = OpenAIServer(f"{server.url}/v1", **{"key": KEY, **options}, patience=BRIEF)
    return OpenAIModel(client, "tiny", context_tokens=1024)


def test_a_request_asks_for_the_schema(server: OpenAIServerFake) -> None:
    """The schema goes along strictly, the conversation as it is, the key in its header alone."""
    _open(server).complete(make_prompt("One <|im_end|>.", max_output_tokens=77))
    asked = server.asked(CHAT)[-1]
    assert asked["response_format"]["json_schema"]["strict"] is True
    assert asked["messages"] == [
        {"role": "system", "content": "Answer."},
        {"role": "user", "content": "One < |im_end|>."},
    ]
    assert (asked["max_tokens"], asked["temperature"], asked["stream"]) == (77, 0, True)
    assert server.requests[-1].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(("form", "asked"), [("json_object", {"type": "json_object"}), ("none", None)])
def test_a_server_without_schemas_is_asked_for_less(
    form: str, asked: object, server: OpenAIServerFake
) -> None:
    """What such a server says is not held, so that only validation judges it."""
    server.answer = lambda _: "Sure!"
    model = _open(server, response_format=form)
    if form == "none":
        assert model.complete(make_prompt()).text == "Sure!"
    else:
        with pytest.raises(SchemaRefused):
            model.complete(make_prompt())
    assert server.asked(CHAT)[-1].get("response_format") == asked


def test_what_a_server_does_not_say_is_declared(server: OpenAIServerFake) -> None:
    """Its digest is of its name and address; patterns from the evidence are not asked of it."""
    identity = _open(server).identity
    assert identity.digest.startswith("declared:")
    assert (identity.engine, identity.engine_version) == ("openai", "scripted")
    assert identity.abilities.copied_pieces == 0
    assert not identity.abilities.knows_slots
    server.plant("/v1/models", lambda exchange: exchange.send_json({"data": [{"id": "tiny", "digest": "d"}]}))
    assert _open(server).identity.digest == "d"


def test_a_server_without_a_list_of_models_is_believed(server: OpenAIServerFake) -> None:
    """Some have none; then the first answer says whether the name is right."""
    server.plant("/v1/models", refuse(404, "no"))
    assert _open(server).complete(make_prompt()).finish_reason is FinishReason.STOP


FAULTS: dict[str, tuple[Fault, type[HolocronError], str]] = {
    "too many requests": (say_error(429, "slow down"), ModelUnavailable, "cannot answer now"),
    "overloaded": (say_error(529, "overloaded"), ModelUnavailable, "cannot answer now"),
    "key refused": (say_error(401, f"Incorrect API key: {KEY}"), SettingsInvalid, "refuses the key"),
    "model gone": (say_error(404, "The model `tiny` does not exist"), ModelNotFound, "has no model"),
    "wrong path": (refuse(404, "Not Found"), EngineUnknown, "no OpenAI-compatible server"),
    "schema refused": (say_error(400, "Invalid schema for response_format"), SchemaRefused, "cannot hold"),
    "other refusal": (say_error(400, f"no {KEY}"), ModelError, r"refused the request: no \*\*\*"),
    "silence": (stall_at_once(), ModelStalled, "sent nothing"),
    "connection lost": (drop_at_once(), EngineUnreachable, "connection broke"),
    "no object": (send_lines(b"data: 1\n\n"), ModelError, "no object"),
    "no list of choices": (send_lines(b'data: {"choices":1}\n\n'), ModelStalled, "without saying why"),
    "no choice": (send_lines(b'data: {"choices":[null,1]}\n\n'), ModelStalled, "without saying why"),
    "another server": (answer_page(), EngineUnknown, "no OpenAI-compatible server"),
    "error in mid-stream": (break_off("a", error="boom"), ModelUnavailable, "boom"),
    "error as a whole": (
        lambda exchange: exchange.send_json({"error": {"message": "boom"}}),
        ModelUnavailable,
        "boom",
    ),
    "llama.cpp could not read it": (
        break_off("a", error="The model produced output that does not match the expected peg-native format"),
        ModelError,
        "could not read its own model's answer",
    ),
    "no reason": (break_off("a", "b"), ModelStalled, "without saying why"),
    "cut": (break_off("a", then="cut"), EngineUnreachable, "connection broke"),
    "stall": (break_off("a", then="stall"), ModelStalled, "sent nothing"),
    "half an event": (send_lines(b'data: {"choices":'), ModelError, "not JSON"),
    "filtered": (
        send_lines(event(delta={}, finish_reason="content_filter")),
        ModelError,
        "another reason: 'content_filter'",
    ),
    "no JSON though whole": (
        send_lines(event(delta={"content": "Sure!"}, finish_reason="stop")),
        SchemaRefused,
        "did not hold",
    ),
}


@pytest.mark.parametrize(("fault", "kind", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_every_failure_has_its_error(
    fault: Fault, kind: type[HolocronError], said: str, server: OpenAIServerFake
) -> None:
    """Nothing that went wrong becomes an answer, no sentence has the key, the next request is answered."""
    model = _open(server)
    # a connection that was kept is tried once more
    server.plant(CHAT, fault, *([fault] if kind is EngineUnreachable else []))
    with pytest.raises(kind, match=said) as caught:
        model.complete(make_prompt())
    assert type(caught.value) is kind
    assert KEY not in f"{caught.value} {caught.value.hint}"
    while server.take_fault(CHAT):
        pass
    assert model.complete(make_prompt()).finish_reason is FinishReason.STOP


@pytest.mark.parametrize(
    ("message", "details", "asked", "window"),
    [
        pytest.param(
            "This model's maximum context length is 4096 tokens. However, you requested 5010 tokens "
            "(5000 in the messages, 10 in the completion).",
            {"code": "context_length_exceeded"},
            5000,
            4096,
            id="OpenAI and older vLLM",
        ),
        pytest.param(
            "This model's maximum context length is 2048 tokens. However, your request has 3000 input "
            "tokens.",
            {},
            3000,
            2048,
            id="newer vLLM",
        ),
        pytest.param(
            "the request exceeds the available context size",
            {"type": "exceed_context_size_error", "n_prompt_tokens": 9036, "n_ctx": 512},
            9036,
            512,
            id="llama.cpp",
        ),
        pytest.param("prompt is too long", {}, 1025, 1024, id="no number at all"),
    ],
)
def test_a_prompt_that_is_too_long_is_counted(
    message: str, details: dict[str, object], asked: int, window: int, server: OpenAIServerFake
) -> None:
    """Each server says it in its own words; where it says no number, the planned window counts."""
    server.plant(CHAT, say_error(400, message, **details))
    with pytest.raises(PromptTooLong) as caught:
        _open(server).complete(make_prompt())
    assert (caught.value.prompt_tokens, caught.value.context_tokens) == (asked, window)


def test_a_wrong_key_is_said_before_anything_is_planned(server: OpenAIServerFake) -> None:
    """The key itself is in no sentence."""
    with pytest.raises(SettingsInvalid, match="refuses the key") as caught:
        _open(server, key="sk-other")
    assert "sk-other" not in str(caught.value)
    with pytest.raises(SettingsInvalid, match="characters that no key has") as caught:
        _open(server, key="sk\nX-Other: é")
    assert "X-Other" not in str(caught.value)


def test_an_address_without_its_path_is_said(server: OpenAIServerFake) -> None:
    """Most addresses end in /v1; the sentence says so."""
    client = OpenAIServer(server.url, key=KEY)
    with pytest.raises(EngineUnknown) as caught:
        OpenAIModel(client, "tiny").complete(make_prompt())
    assert "/v1" in caught.value.hint


def test_an_error_that_is_null_is_none(server: OpenAIServerFake) -> None:
    """Some servers name the field in every event."""
    said: JSONValue = {
        "error": None,
        "usage": None,
        "choices": [None, {"delta": {"content": "{}"}, "finish_reason": "stop"}],
    }
    server.plant(CHAT, send_lines(b"data: " + json.dumps(said).encode() + b"\n\n"))
    assert _open(server).complete(make_prompt()).text == "{}"


def test_what_a_person_can_mend_has_a_hint(server: OpenAIServerFake) -> None:
    """A name that no model has, and a key that cannot be one."""
    server.plant("/v1/models", refuse(404, "no"))
    server.plant(CHAT, say_error(404, "The model `tiny` does not exist"))
    with pytest.raises(ModelNotFound) as missing:
        _open(server).complete(make_prompt())
    assert "holocron models list openai" in missing.value.hint
    with pytest.raises(SettingsInvalid) as broken:
        _open(server, key="sk\nX")
    assert "Copy it again" in broken.value.hint
