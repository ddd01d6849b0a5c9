"""Ollama as a LanguageModel: what is asked of it, and what becomes of every way in which it fails."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from holocron.errors import (
    EngineUnknown,
    EngineUnreachable,
    HolocronError,
    ModelDamaged,
    ModelError,
    ModelNotFound,
    ModelStalled,
    ModelTooLarge,
    ModelUnavailable,
    PromptTooLong,
    SchemaRefused,
    SettingsInvalid,
)
from holocron.llm import ollama
from holocron.llm.model import FinishReason
from holocron.llm.ollama import OllamaModel, parse_version, require_version, whole_name
from holocron.llm.ollama_api import OllamaApi
from holocron.llm.wire import Patience
from ollama_server import (
    Installed,
    OllamaServer,
    Pull,
    break_off,
    refuse_busy,
    refuse_memory,
)
from prompts import make_prompt
from scripted_http import Exchange, Fault, answer_page, drop_at_once, refuse, send_lines, stall_at_once

BRIEF = Patience(connect_s=5, first_s=0.5, next_s=0.5)
WINDOW = 1024


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    """Return a scripted Ollama with one model."""
    with OllamaServer() as started:
        yield started


def _open(server: OllamaServer, name: str = "tiny", **options: int) -> OllamaModel:
    return OllamaModel(OllamaApi(server.url, patience=BRIEF), name, **{"context_tokens": WINDOW, **options})


def test_nothing_is_left_to_defaults(server: OllamaServer) -> None:
    """Window, cutting, shifting, time in memory and sampling are said with every request, the same."""
    model = _open(server)
    for text in ("One.", "Two."):
        model.complete(make_prompt(text, max_output_tokens=77))
    load, first, second = server.asked("/api/generate")
    assert first["options"] == {
        "num_ctx": WINDOW,
        "num_predict": 77,
        "temperature": 0,
        "top_k": 1,
        "repeat_penalty": 1.0,
    }
    assert {key: first[key] for key in ("truncate", "shift", "keep_alive", "stream")} == {
        "truncate": False,
        "shift": False,
        "keep_alive": "15m",
        "stream": True,
    }
    assert (first["system"], first["prompt"]) == ("Answer.", "One.")
    assert "think" not in first
    assert first["options"] == second["options"] == load["options"]
    assert load["prompt"] == ""


def test_thinking_is_turned_off_where_it_can_be_on(server: OllamaServer) -> None:
    """A model that can think is told not to: its thoughts would come before the answer."""
    server.models["deep:latest"] = Installed(capabilities=("completion", "thinking"))
    _open(server, "deep").complete(make_prompt())
    assert server.asked("/api/generate")[-1]["think"] is False


def test_a_template_without_a_system_text_drops_nothing(server: OllamaServer) -> None:
    """Where the model's template has no place for it, the instruction stands before the question."""
    server.models["bare:latest"] = Installed(template="{{ .Prompt }}")
    _open(server, "bare").complete(make_prompt("One."))
    asked = server.asked("/api/generate")[-1]
    assert (asked["system"], asked["prompt"]) == ("", "Answer.\n\nOne.")


def test_the_identity_is_the_servers(server: OllamaServer) -> None:
    """Digest, version and window come from the server; what it cannot hold or tell is said."""
    identity = _open(server).identity
    assert identity.name == "ollama:tiny"
    assert identity.digest == server.digest_of("tiny")
    assert (identity.engine, identity.engine_version) == ("ollama", "0.24.0")
    assert identity.abilities.copied_pieces == 2_000
    assert not identity.abilities.knows_slots
    assert OllamaModel(OllamaApi(server.url), "tiny").identity.context_tokens == 4096


FAULTS: dict[str, tuple[Fault, type[HolocronError], str]] = {
    "queue full": (refuse_busy(), ModelUnavailable, "cannot answer now"),
    "a proxy's own page": (refuse(502, None), ModelUnavailable, "cannot answer now"),
    "no memory": (refuse_memory(), ModelTooLarge, "more system memory"),
    "model gone": (refuse(404, "model 'tiny' not found"), ModelNotFound, "has no model"),
    "file damaged": (refuse(500, "unable to load model: /blobs/x"), ModelDamaged, "cannot load"),
    "no grammar": (refuse(400, "failed to load grammar"), SchemaRefused, "cannot hold"),
    "runner died": (refuse(500, "model runner has unexpectedly stopped"), ModelUnavailable, "failed"),
    "other refusal": (refuse(400, "no"), ModelError, "refused"),
    "silence": (stall_at_once(), ModelStalled, "sent nothing"),
    "connection lost": (drop_at_once(), EngineUnreachable, "connection broke"),
    "another server": (answer_page(), ModelError, "not JSON"),
    "error in mid-stream": (break_off("a", error="boom"), ModelUnavailable, "boom"),
    "no memory in mid-stream": (break_off("a", error="CUDA error: out of memory"), ModelTooLarge, "memory"),
    "no end": (break_off("a", "b"), ModelStalled, "broke the answer off"),
    "cut": (break_off("a", then="cut"), EngineUnreachable, "connection broke"),
    "stall": (break_off("a", then="stall"), ModelStalled, "sent nothing"),
    "half a line": (send_lines(b'{"response":"a"'), ModelError, "not JSON"),
    "no object": (send_lines(b"3\n"), ModelError, "no object"),
    "unknown reason": (
        send_lines(b'{"response":"","done":true,"done_reason":"tired"}\n'),
        ModelError,
        "unknown reason",
    ),
    "no JSON though whole": (
        send_lines(b'{"response":"Sure!","done":true,"done_reason":"stop"}\n'),
        SchemaRefused,
        "did not hold",
    ),
}


@pytest.mark.parametrize(("fault", "kind", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_every_failure_has_its_error(
    fault: Fault, kind: type[HolocronError], said: str, server: OllamaServer
) -> None:
    """Nothing that went wrong becomes an answer, and the next request is answered."""
    model = _open(server)
    assert model.complete(make_prompt()).finish_reason is FinishReason.STOP
    # a connection that was kept is tried once more
    server.plant("/api/generate", fault, *([fault] if kind is EngineUnreachable else []))
    with pytest.raises(kind, match=said) as caught:
        model.complete(make_prompt())
    assert type(caught.value) is kind
    while server.take_fault("/api/generate"):
        pass
    assert model.complete(make_prompt()).finish_reason is FinishReason.STOP


@pytest.mark.parametrize("is_first", [True, False], ids=["before the first load", "later"])
def test_a_window_of_somebody_else_is_given_up(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch, *, is_first: bool
) -> None:
    """Ollama can leave a request that wants another window until `keep_alive` is over; it is helped out."""
    monkeypatch.setattr(ollama, "_LOOK_EVERY_S", 0.01)
    model = OllamaModel(OllamaApi(server.url, patience=Patience(first_s=30)), "tiny", context_tokens=WINDOW)
    if not is_first:
        model.complete(make_prompt())

    def wait_for_unload(exchange: Exchange) -> None:
        while "tiny:latest" in server.loaded:
            time.sleep(0.01)
        server.respond(exchange, "/api/generate")

    server.loaded["tiny:latest"] = 2 * WINDOW
    server.plant("/api/generate", wait_for_unload)
    # the request for the unload is not held up by the one that waits
    server.plant("/api/generate", lambda exchange: server.respond(exchange, "/api/generate"))
    assert model.complete(make_prompt()).finish_reason is FinishReason.STOP
    assert server.loaded == {"tiny:latest": WINDOW}


def test_a_long_wait_for_the_own_window_unloads_nothing(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads a long prompt is silent too; looking at it, also where no look succeeds, changes nothing."""
    monkeypatch.setattr(ollama, "_LOOK_EVERY_S", 0.01)
    model = OllamaModel(OllamaApi(server.url, patience=Patience(first_s=30)), "tiny", context_tokens=WINDOW)
    model.complete(make_prompt())

    def read_for_long(exchange: Exchange) -> None:
        time.sleep(1)
        server.respond(exchange, "/api/generate")

    server.plant("/api/generate", read_for_long)
    server.plant("/api/ps", refuse(500, "not now"))
    assert model.complete(make_prompt()).finish_reason is FinishReason.STOP
    assert len(server.asked("/api/ps")) >= 2
    assert [body for body in server.asked("/api/generate") if body.get("keep_alive") == 0] == []


def test_a_loop_is_a_cut_answer(server: OllamaServer) -> None:
    """Ollama ends a model that says one token over and over without a word; its words are kept as cut."""
    model = _open(server)
    model.complete(make_prompt())
    server.plant("/api/generate", break_off('{"a":"', *[" x"] * 31))
    answer = model.complete(make_prompt())
    assert answer.finish_reason is FinishReason.LENGTH
    assert answer.text == '{"a":"' + " x" * 31


def test_a_long_prompt_is_counted_and_refused(server: OllamaServer) -> None:
    """Ollama says no number; a sample of the prompt is counted once, and later estimates know it."""
    model = _open(server)
    before = model.estimate_tokens("x" * 3000)
    with pytest.raises(PromptTooLong) as caught:
        model.complete(make_prompt("y" * 8000))
    assert caught.value.context_tokens == WINDOW
    assert 2000 <= caught.value.prompt_tokens <= 2100
    assert model.estimate_tokens("x" * 3000) >= before


def test_a_window_that_shrank_is_refused(server: OllamaServer) -> None:
    """What was loaded is compared with what was planned before any answer is believed."""
    server.loaded_context = 512
    with pytest.raises(SettingsInvalid, match="a window of 512 tokens instead of 1024") as caught:
        _open(server).complete(make_prompt())
    assert "HOLOCRON_CONTEXT_TOKENS=512" in caught.value.hint


def test_a_window_that_shrank_at_a_later_load_is_refused(server: OllamaServer) -> None:
    """An answer that had to wait for its model may have met another window: its words are not believed."""
    model = _open(server)
    model.complete(make_prompt())
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 1}
    reloaded = send_lines(json.dumps({"response": "{}", "load_duration": 3_000_000_000, **end}).encode())
    server.plant("/api/generate", reloaded)
    assert model.complete(make_prompt()).text == "{}"
    server.loaded_context = 512
    server.plant("/api/generate", reloaded)
    with pytest.raises(SettingsInvalid, match="a window of 512 tokens instead of 1024"):
        model.complete(make_prompt())


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        (Installed(capabilities=("embedding",)), "writes no text"),
        (Installed(context_length=128), "too small"),
    ],
)
def test_what_cannot_work_is_refused_at_once(installed: Installed, said: str, server: OllamaServer) -> None:
    """Nothing is planned for a model that cannot answer."""
    server.models["odd:latest"] = installed
    with pytest.raises(SettingsInvalid, match=said):
        OllamaModel(OllamaApi(server.url), "odd")


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("0.24.0", (0, 24, 0)), ("0.33.0-rc2", (0, 33, 0)), ("v0.5.1", (0, 5, 1)), ("dev", (0, 0, 0))],
)
def test_versions_are_read(version: str, numbers: tuple[int, ...]) -> None:
    """What is no version is a build of one's own."""
    assert parse_version(version) == numbers


def test_a_version_that_cuts_in_silence_is_refused(server: OllamaServer) -> None:
    """Before 0.12.4 nothing kept Ollama from shortening a prompt."""
    server.version = "0.12.3"
    with pytest.raises(SettingsInvalid, match="cuts long prompts in silence"):
        _open(server)
    require_version("0.0.0")
    require_version("0.12.4")


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("llama3.2", "llama3.2:latest"),
        ("llama3.2:1b", "llama3.2:1b"),
        ("hf.co/Some/Model", "hf.co/some/model:latest"),
        ("host:5000/some/model", "host:5000/some/model:latest"),
    ],
)
def test_a_name_without_a_tag_is_the_latest(name: str, whole: str) -> None:
    """A port in a registry's address is no tag."""
    assert whole_name(name) == whole


def test_what_is_no_ollama_is_said(server: OllamaServer) -> None:
    """A page, or a path that is not there, is something else on the port, whatever was asked."""
    api = OllamaApi(server.url)
    for fault in (
        answer_page(),
        lambda exchange: exchange.send_json({"detail": "Not Found"}, status=404),
        lambda exchange: exchange.send_json({"error": {"message": "File Not Found"}}, status=404),
        lambda exchange: exchange.send_json({"detail": "Method Not Allowed"}, status=405),
    ):
        for path in ("/api/version", "/api/tags", "/api/show"):
            server.plant(path, fault)
        for ask in (api.version, api.list_models, lambda: api.show("tiny")):
            with pytest.raises(EngineUnknown):
                ask()
    server.plant("/api/pull", refuse(405, None))
    with pytest.raises(EngineUnknown):
        list(api.pull("tiny"))
    server.plant("/api/tags", refuse(404, "not found"))
    with pytest.raises(EngineUnknown):
        api.list_models()


def test_a_pull_tells_of_every_layer(server: OllamaServer) -> None:
    """Progress is counted by layer; what was pulled can be used."""
    server.pullable["new:latest"] = Pull(layers=(1000, 10))
    lines = list(OllamaApi(server.url).pull("new"))
    assert [lines[0].status, lines[-1].status] == ["pulling manifest", "success"]
    assert len({line.digest for line in lines if line.digest}) == 2
    assert max(line.completed_bytes for line in lines) == 1000
    assert _open(server, "new").complete(make_prompt()).text


@pytest.mark.parametrize(
    ("pull", "kind"),
    [
        (None, ModelNotFound),
        (Pull(error="no space left on device"), ModelError),
        (Pull(error="dial tcp: lookup registry.example: no such host"), ModelUnavailable),
    ],
)
def test_a_failed_pull_is_an_error(pull: Pull | None, kind: type[ModelError], server: OllamaServer) -> None:
    """The failure comes as a line under HTTP 200."""
    if pull:
        server.pullable["new:latest"] = pull
    with pytest.raises(kind):
        list(OllamaApi(server.url).pull("new"))


def test_a_pull_goes_on_from_where_it_was(server: OllamaServer) -> None:
    """Cancelling a pull loses nothing; one that ends early is an error."""
    server.pullable["new:latest"] = Pull(layers=(1000,), pause_s=0.01)
    api = OllamaApi(server.url)
    for line in (pulling := api.pull("new")):
        if line.completed_bytes >= 500:
            break
    pulling.close()
    assert next(line.completed_bytes for line in api.pull("new") if line.digest) >= 500
    server.plant("/api/pull", send_lines(b'{"status":"pulling manifest"}\n'))
    with pytest.raises(ModelUnavailable, match="ended early"):
        list(api.pull("new"))


def test_a_free_answer_comes_word_by_word(server: OllamaServer) -> None:
    """Chatting is for trying a model out; an error in the middle is one."""
    api = OllamaApi(server.url)
    words = list(api.chat("tiny", [{"role": "user", "content": "Hello"}]))
    assert len(words) > 3
    assert "".join(words) == "Hello, I am a scripted model."
    server.plant("/api/chat", send_lines(b'{"message":{"content":"a"}}\n', b'{"error":"boom"}\n'))
    with pytest.raises(ModelUnavailable, match="boom"):
        list(api.chat("tiny", [{"role": "user", "content": "Hello"}]))


def test_models_are_unloaded_and_deleted(server: OllamaServer) -> None:
    """Unloading frees the memory, deleting the disk."""
    api = OllamaApi(server.url)
    _open(server).complete(make_prompt())
    assert [model.context_length for model in api.list_loaded()] == [WINDOW]
    api.unload("tiny")
    assert api.list_loaded() == ()
    api.delete("tiny")
    assert api.list_models() == ()
    with pytest.raises(ModelNotFound):
        api.delete("tiny")
    with pytest.raises(ModelNotFound):
        api.unload("tiny")


def test_requests_are_json_that_ollama_takes(server: OllamaServer) -> None:
    """A body is one JSON object, with its schema's keys in their order."""
    schema = {"type": "object", "properties": {"z": {"type": "null"}, "a": {"type": "null"}}}
    _open(server).complete(make_prompt(schema=schema))
    asked = json.dumps(server.asked("/api/generate")[-1]["format"])
    assert asked.index('"z"') < asked.index('"a"')
