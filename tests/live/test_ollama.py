"""A real Ollama, where OLLAMA_HOST_BASE_URL names one: run with `pytest tests/live`.

In: a server; HOLOCRON_LIVE_GGUF may name another model file. Out: what the engine and its
client do with it. Never: touches a model that these tests did not create.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema_rs
import pytest

from cli_calls import end_process, start_process
from holocron.cli.exits import Exit
from holocron.derivation.copying import copy_evidence
from holocron.errors import (
    CompletionCancelled,
    HolocronError,
    ModelNotFound,
    ModelUnavailable,
    PromptTooLong,
    SettingsInvalid,
)
from holocron.evidence import inline_bundle, number_segments
from holocron.fingerprint import JSONValue
from holocron.llm.llamacpp import builtin_model_path
from holocron.llm.model import FinishReason
from holocron.llm.ollama import OllamaModel
from holocron.llm.ollama_api import OllamaApi
from prompts import closed, make_prompt
from tiny_gguf import write_tiny_gguf

URL = os.environ.get("OLLAMA_HOST_BASE_URL", "")
#: its own for each run, so that two of them do not delete each other's model
NAME = f"holocron-live-{os.getpid()}"
WINDOW = 2048
#: another model than the built-in one; how many of its answers hold is its own affair
GIVEN = os.environ.get("HOLOCRON_LIVE_GGUF")
#: of the demo
SUBJECTS, LEAST_ACCEPTED = 42, 38
NULL: JSONValue = {"type": "null"}
CITE: JSONValue = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1, "maximum": 37},
    "minItems": 1,
    "maxItems": 3,
}
#: long answers in which no word follows itself: Ollama would break those off
QUESTIONS, FIELDS = 12, 24
LONG = closed(**{f"number_{n}": {"type": "integer", "minimum": 100, "maximum": 999} for n in range(FIELDS)})
LETTERS: JSONValue = {"type": "string", "pattern": "^[a-z]{40}$"}


def _find_reason_to_skip() -> str:
    if not URL:
        return "OLLAMA_HOST_BASE_URL IS NOT SET: NOTHING WAS TRIED AGAINST A REAL OLLAMA"
    try:
        OllamaApi(URL).version()
    except HolocronError as problem:
        return f"NO OLLAMA ANSWERS: {problem}"
    return ""


_REASON = _find_reason_to_skip()
pytestmark = pytest.mark.skipif(bool(_REASON), reason=_REASON)


@pytest.fixture(scope="module")
def api() -> Iterator[OllamaApi]:
    """Return a client of the server."""
    opened = OllamaApi(URL)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def created(api: OllamaApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Create a model in the server from a file, and delete it in the end."""
    path = Path(GIVEN) if GIVEN else builtin_model_path()
    path = path or write_tiny_gguf(tmp_path_factory.mktemp("live") / "tiny.gguf")
    content = path.read_bytes()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    _post(f"/api/blobs/{digest}", content)
    # threads that wait for each other make a small model many times slower
    request = {"model": NAME, "files": {path.name: digest}, "parameters": {"num_thread": 1}, "stream": False}
    assert b'"success"' in _post("/api/create", json.dumps(request).encode())
    yield NAME
    api.delete(NAME)
    assert NAME not in {model.name.partition(":")[0] for model in api.list_models()}


@pytest.fixture(scope="module")
def model(api: OllamaApi, created: str) -> OllamaModel:
    """Return the created model."""
    return OllamaModel(api, created, slots=4, context_tokens=WINDOW)


def _post(path: str, content: bytes) -> bytes:
    parts = urlsplit(URL)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=120)
    connection.request("POST", path, body=content)
    reply = connection.getresponse().read()
    connection.close()
    return reply


def test_what_is_created_is_listed_and_shown(api: OllamaApi, created: str, model: OllamaModel) -> None:
    """The digest is the one of the list, the window that of the model."""
    listed = {entry.name: entry for entry in api.list_models()}[f"{created}:latest"]
    assert listed.digest == model.identity.digest
    assert len(listed.digest) == 64
    shown = api.show(created)
    assert shown.context_length >= WINDOW
    assert "completion" in shown.capabilities
    assert model.identity.engine_version == api.version()


def test_an_answer_is_held_to_its_schema(model: OllamaModel) -> None:
    """Keys come in the schema's order, `cite` first, whatever the alphabet says."""
    schema = closed(
        zulu=NULL, cite=CITE, alpha={"type": "integer", "enum": list(range(1000, 1300))}, on={"type": "null"}
    )
    answer = model.complete(make_prompt(schema=schema))
    value = json.loads(answer.text)
    assert jsonschema_rs.validator_for(schema).is_valid(value)
    assert list(value) == ["zulu", "cite", "alpha", "on"]
    assert answer.prompt_tokens > 0
    assert answer.output_ms > 0


def test_verbatim_values_are_held_to_the_evidence(model: OllamaModel) -> None:
    """Whatever signs are in a line, what is copied from it stands in it, and the server lives on."""
    lines = [
        'Say "hi there" now',
        "C:\\temp and y\\z",
        "a-b (c/d) [e] {f} $5 ^x *y +z ?q |w",
        "тест 日本 é 3.5",
    ]
    for line in lines:
        copied = copy_evidence(number_segments(inline_bundle("line", line)))
        schema = {"$defs": {"copied": {"type": "string", "pattern": copied.pattern}}} | closed(
            **{name: {"$ref": "#/$defs/copied"} for name in "abc"}
        )
        value = json.loads(model.complete(make_prompt(schema=schema)).text)
        assert all(text in line for text in value.values())


def test_a_prompt_over_the_window_is_refused(model: OllamaModel) -> None:
    """Ollama cuts such a prompt in silence unless it is told not to; the count is close to the truth."""
    with pytest.raises(PromptTooLong) as caught:
        model.complete(make_prompt("many words " * 3000))
    assert caught.value.prompt_tokens > caught.value.context_tokens == WINDOW
    assert model.complete(make_prompt()).finish_reason is FinishReason.STOP


def test_answers_that_do_not_end_are_cut(model: OllamaModel) -> None:
    """The output limit says so; a loop, which Ollama breaks off without a word, is found."""
    cut = model.complete(make_prompt(schema=closed(a=LETTERS), max_output_tokens=5))
    assert (cut.finish_reason, cut.output_tokens) == (FinishReason.LENGTH, 5)
    schema = closed(a={"type": "string", "pattern": "^(no ){60}$"})
    looped = model.complete(make_prompt(schema=schema))
    assert looped.finish_reason in (FinishReason.LENGTH, FinishReason.STOP)


def test_a_no_stops_the_answer(model: OllamaModel) -> None:
    """The next answer does not wait for the one that was stopped."""
    with pytest.raises(CompletionCancelled):
        model.complete(make_prompt(schema=closed(a=LETTERS)), lambda tokens: not tokens)
    assert model.complete(make_prompt()).finish_reason is FinishReason.STOP


def test_parallel_requests_are_answered_together(model: OllamaModel, created: str) -> None:
    """As many answers are written at once as the server writes for anyone who asks it plainly."""
    model.complete(make_prompt())  # it is loaded
    plain = _most_at_once(lambda number, heard: _ask_plainly(created, number, heard))
    if plain == 1:
        pytest.skip("THIS OLLAMA HAS ONE SLOT: PARALLEL REQUESTS WERE NOT TRIED; set OLLAMA_NUM_PARALLEL=4")

    def ask(number: int, heard: Callable[[], None]) -> None:
        def note(tokens: int) -> bool:
            if tokens:
                heard()
            return True

        answer = model.complete(make_prompt(f"Question {number}", schema=LONG), note)
        assert answer.finish_reason is FinishReason.STOP

    assert _most_at_once(ask) == plain


def _most_at_once(ask: Callable[[int, Callable[[], None]], None]) -> int:
    """Return how many answers at most were being written at one moment, of those to twelve threads.

    ask: asks the question of a number, and calls what it is given whenever words of the answer come.
    """
    heard: list[list[float]] = [[] for _ in range(QUESTIONS)]
    with ThreadPoolExecutor(QUESTIONS) as pool:
        list(pool.map(lambda n: ask(n, lambda: heard[n].append(time.monotonic())), range(QUESTIONS)))
    assert all(len(times) > FIELDS for times in heard)
    # the ends of answers may be heard late: with one slot none of these may seem to overlap
    spans = [(times[len(times) // 8], times[-len(times) // 8]) for times in heard]
    return max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)


def _ask_plainly(name: str, number: int, heard: Callable[[], None]) -> None:
    """Ask without the client that is tested here."""
    body = {"model": name, "prompt": f"Question {number}", "format": LONG, "options": {"num_ctx": WINDOW}}
    parts = urlsplit(URL)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=120)
    connection.request("POST", "/api/generate", body=json.dumps(body).encode())
    for line in connection.getresponse():
        assert "error" not in json.loads(line)
        heard()
    connection.close()


def test_what_is_loaded_is_listed_until_it_is_stopped(api: OllamaApi, model: OllamaModel) -> None:
    """/api/ps tells the window that was asked for; stopping frees the memory, and the model stays."""
    model.complete(make_prompt())
    loaded = next(entry for entry in api.list_loaded() if entry.digest == model.identity.digest)
    assert loaded.context_length == WINDOW
    api.unload(NAME)
    until = time.monotonic() + 20
    while any(entry.digest == model.identity.digest for entry in api.list_loaded()):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert model.complete(make_prompt()).finish_reason is FinishReason.STOP


def test_a_window_that_is_too_small_or_too_large_is_said(api: OllamaApi, created: str) -> None:
    """More than the model's own is refused at once; a prompt that a small one cannot hold is refused too."""
    with pytest.raises(SettingsInvalid, match="more than the model's own"):
        OllamaModel(api, created, context_tokens=10_000_000)
    small = OllamaModel(api, created, context_tokens=256)
    with pytest.raises(PromptTooLong) as caught:
        small.complete(make_prompt("many words " * 300))
    assert caught.value.context_tokens == 256


def test_what_is_not_there_is_said(api: OllamaApi) -> None:
    """A missing model is named with the way to get it; a pull that fails is an error, under HTTP 200."""
    with pytest.raises(ModelNotFound, match="no-such-model") as caught:
        OllamaModel(api, "no-such-model")
    assert "models pull no-such-model" in caught.value.hint
    with pytest.raises((ModelNotFound, ModelUnavailable)):
        list(api.pull("no-such-model-of-holocron"))
    with pytest.raises(ModelNotFound):
        api.delete("no-such-model")


@pytest.mark.parametrize("slots", ["4", ""], ids=["four-slots", "slots-found-out"])
def test_the_demo_is_derived(
    slots: str, created: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every subject's job ends, nearly all with an answer that holds, and nothing in the store is a lie."""
    monkeypatch.delenv("HOLOCRON_SLOTS", raising=False)
    settings = {
        "HOLOCRON_IN_CONTAINER": "0",
        "HOLOCRON_CONTEXT_TOKENS": "4096",
        "HOLOCRON_MODEL": f"ollama:{created}",
        **({"HOLOCRON_SLOTS": slots} if slots else {}),
    }
    done = end_process(start_process("demo", "demo", "--json", cwd=tmp_path, **settings), timeout_s=1200)
    assert done.code in (Exit.DONE, Exit.INCOMPLETE), done.err
    (outcome,) = done.document["derivations"]
    assert (outcome["failed"], outcome["open"]) == (0, 0), outcome
    assert outcome["accepted"] + outcome["rejected"] == outcome["subjects"] == SUBJECTS, outcome
    if GIVEN is None:
        assert outcome["accepted"] >= LEAST_ACCEPTED, outcome
    verified = end_process(start_process("--project", "demo", "verify", cwd=tmp_path))
    assert verified.code == Exit.DONE, verified.out + verified.err
