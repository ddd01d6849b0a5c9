"""One suite for every engine: what a LanguageModel promises, whoever answers behind it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema_rs
import pytest

from holocron.errors import (
    CompletionCancelled,
    ModelNotFound,
    PromptTooLong,
    SettingsInvalid,
)
from holocron.fingerprint import JSONValue
from holocron.llm.catalogue import BUILTIN, open_model
from holocron.llm.llamacpp import builtin_model_path
from holocron.llm.model import FinishReason, LanguageModel
from holocron.settings import OllamaAddress, ServerSettings
from ollama_server import Installed, OllamaServer
from openai_server import SERVED_NAME, OpenAIServerFake, serve_gguf
from prompts import closed, make_prompt
from tiny_gguf import write_tiny_gguf

WINDOW = 1024
KEY = "a-secret-key"
CITE: JSONValue = {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 9}, "minItems": 1}
#: letters alone: a model of random weights says bytes that are no text, and llama.cpp's server fails on them
LONG: JSONValue = {"type": "string", "pattern": "^[a-z]{60,90}$"}
SCHEMAS: dict[str, dict[str, JSONValue]] = {
    "cited": closed(
        cite={**CITE, "maxItems": 3},
        born={"type": "integer", "minimum": 1, "maximum": 9999},
    ),
    "nullable": closed(a={"anyOf": [{"type": "string", "maxLength": 8}, {"type": "null"}]}),
    "enum": closed(kind={"type": "string", "enum": ["sloop", "brig"]}),
    "rows": closed(rows={"type": "array", "items": closed(of={"type": "boolean"}), "maxItems": 3}),
    "date": closed(on={"type": "string", "format": "date"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One engine and how its models are opened."""

    #: a model that it has, another one, and one that it lacks
    name: str
    other: str
    missing: str
    servers: ServerSettings = field(default_factory=ServerSettings)

    def open(
        self, name: str | None = None, *, slots: int | None = 4, context_tokens: int | None = WINDOW
    ) -> closing[LanguageModel]:
        """Open the engine's model, or another of its models."""
        model = open_model(
            name or self.name, slots=slots, context_tokens=context_tokens, servers=self.servers
        )
        return closing(model)


def _open_gguf(stack: ExitStack, folder: Path) -> Engine:
    tiny, other = write_tiny_gguf(folder / "a.gguf"), write_tiny_gguf(folder / "b.gguf", seed=1)
    return Engine(name=f"gguf:{tiny}", other=f"gguf:{other}", missing=f"gguf:{folder / 'none.gguf'}")


def _open_builtin(stack: ExitStack, folder: Path) -> Engine:
    other = write_tiny_gguf(folder / "b.gguf", seed=1)
    return Engine(name=BUILTIN, other=f"gguf:{other}", missing=f"gguf:{folder / 'none.gguf'}")


def _open_ollama(stack: ExitStack, folder: Path) -> Engine:
    models = {"tiny:latest": Installed(), "tiny:other": Installed(size=5)}
    server = stack.enter_context(OllamaServer(models=models, token_s=0.001))
    servers = ServerSettings(ollama=OllamaAddress(url=server.url))
    return Engine(name="ollama:tiny", other="ollama:tiny:other", missing="ollama:none", servers=servers)


def _open_openai(stack: ExitStack, folder: Path) -> Engine:
    models = {"tiny": 8192, "other": 8192}
    server = stack.enter_context(OpenAIServerFake(models=models, key=KEY, token_s=0.001))
    servers = ServerSettings(openai_url=f"{server.url}/v1", openai_key=KEY)
    return Engine(name="openai:tiny", other="openai:other", missing="openai:none", servers=servers)


def _open_llama_server(stack: ExitStack, folder: Path) -> Engine:
    path = write_tiny_gguf(folder / "a.gguf")
    url = stack.enter_context(serve_gguf(path, context_tokens=WINDOW, key=KEY))
    servers = ServerSettings(openai_url=url, openai_key=KEY)
    return Engine(name=f"openai:{SERVED_NAME}", other="", missing="openai:none", servers=servers)


ENGINES: dict[str, Callable[[ExitStack, Path], Engine]] = {
    **({"builtin": _open_builtin} if builtin_model_path() else {}),
    "gguf": _open_gguf,
    "ollama": _open_ollama,
    "openai": _open_openai,
    "openai-llama.cpp": _open_llama_server,
}


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return each engine in turn."""
    with ExitStack() as stack:
        yield ENGINES[request.param](stack, tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def model(engine: Engine) -> Iterator[LanguageModel]:
    """Return the engine's model, open."""
    with engine.open() as opened:
        yield opened


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())
def test_an_answer_is_held_to_its_schema(schema: dict[str, JSONValue], model: LanguageModel) -> None:
    """What comes is JSON that fits, with its keys in the schema's order."""
    answer = model.complete(make_prompt("Speak.", schema=schema))
    assert answer.finish_reason is FinishReason.STOP
    value = json.loads(answer.text)
    assert jsonschema_rs.validator_for(schema).is_valid(value)
    assert list(value) == list(schema["properties"])


def test_a_completion_has_its_figures(model: LanguageModel) -> None:
    """Tokens are counted by the engine, and none is missing from the progress."""
    seen: list[int] = []
    answer = model.complete(make_prompt("x" * 300), lambda tokens: seen.append(tokens) or True)
    assert answer.prompt_tokens >= 300 // 4
    assert answer.output_tokens > 0
    assert answer.prompt_ms >= 0
    assert answer.output_ms >= 0
    assert sum(seen) >= answer.output_tokens


def test_a_prompt_over_the_window_is_refused(model: LanguageModel) -> None:
    """Nothing is cut from a prompt; the numbers say by how much it is too long."""
    with pytest.raises(PromptTooLong) as caught:
        model.complete(make_prompt("x" * 40_000))
    assert caught.value.prompt_tokens > caught.value.context_tokens
    assert model.complete(make_prompt()).finish_reason is FinishReason.STOP


def test_a_cut_answer_says_so(model: LanguageModel) -> None:
    """The output limit ends an answer as LENGTH, never as a whole one."""
    answer = model.complete(make_prompt(schema=closed(a=LONG), max_output_tokens=5))
    assert answer.finish_reason is FinishReason.LENGTH
    assert answer.output_tokens == 5


def test_a_no_stops_the_answer(engine: Engine) -> None:
    """Where the caller no longer wants it the answer ends, and its slot is free for the next one."""
    with engine.open(slots=1) as model:
        calls: list[int] = []

        def stop_soon(tokens: int) -> bool:
            calls.append(tokens)
            return sum(calls) < 10

        with pytest.raises(CompletionCancelled):
            model.complete(make_prompt(schema=closed(a=LONG)), stop_soon)
        assert model.complete(make_prompt()).finish_reason is FinishReason.STOP


def test_requests_of_several_threads_are_answered_together(model: LanguageModel) -> None:
    """Four answers in flight have all begun before any of them has ended."""
    together = threading.Barrier(4, timeout=30)

    def ask(number: int) -> FinishReason:
        begun = False

        def note(tokens: int) -> bool:
            nonlocal begun
            if tokens and not begun:
                begun = True
                together.wait()
            return True

        prompt = make_prompt(f"Question {number}", schema=closed(a=LONG), max_output_tokens=800)
        return model.complete(prompt, note).finish_reason

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [FinishReason.STOP] * 4


def test_more_requests_than_slots_wait_their_turn(model: LanguageModel) -> None:
    """Requests beyond the slots are queued, not refused."""
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda number: model.complete(make_prompt(f"Q{number}")), range(24)))
    assert all(answer.finish_reason is FinishReason.STOP for answer in answers)


def test_the_same_model_has_the_same_digest(engine: Engine, model: LanguageModel) -> None:
    """Its name is as it was typed, its digest that of its weights: another model has another one."""
    identity = model.identity
    assert identity.name == engine.name
    assert identity.digest
    assert identity.engine_version
    assert identity.context_tokens == WINDOW
    with engine.open(context_tokens=512) as again:
        assert again.identity.fingerprint == identity.fingerprint
        assert again.identity.context_tokens == 512
    if engine.other:
        with engine.open(engine.other) as other:
            assert other.identity.fingerprint != identity.fingerprint


def test_a_manifest_holds_no_secret(model: LanguageModel) -> None:
    """The key is in nothing that is written down."""
    assert KEY not in repr(model.identity)
    assert KEY not in json.dumps(model.identity.to_json())


def test_a_model_that_is_not_there_is_said(engine: Engine) -> None:
    """A missing model is one error, with what to do."""
    with pytest.raises(ModelNotFound) as caught:
        engine.open(engine.missing)
    assert caught.value.hint
    assert not caught.value.retryable


def test_a_window_over_the_models_own_is_refused(engine: Engine) -> None:
    """Nothing is asked for that the model was not made for."""
    with pytest.raises(SettingsInvalid, match="more than the model's own"):
        engine.open(context_tokens=1_000_000)
    with pytest.raises(SettingsInvalid, match="too small"):
        engine.open(context_tokens=10)


def test_slots_are_those_asked_for(engine: Engine) -> None:
    """A person's number counts; without one the engine says, or names the most that are worth trying."""
    with engine.open(slots=3) as model:
        assert model.slots == 3
        assert model.identity.abilities.knows_slots
    with engine.open(slots=None) as model:
        assert model.slots >= 1


def test_estimates_grow_with_the_text(model: LanguageModel) -> None:
    """An estimate is a whole number that grows with the text, whatever is in it."""
    short, long = model.estimate_tokens("word"), model.estimate_tokens("word " * 100 + "日本\ud800")
    assert 0 < short < long


def test_lone_surrogates_do_not_break_a_request(model: LanguageModel) -> None:
    """Half a character in the evidence is replaced, not passed on."""
    assert model.complete(make_prompt("half \ud800 a character")).finish_reason is FinishReason.STOP


def test_a_closed_model_answers_no_more(engine: Engine) -> None:
    """Closing twice is closing; what is asked afterwards is cancelled."""
    with engine.open() as model:
        model.close()
        with pytest.raises(CompletionCancelled):
            model.complete(make_prompt())


def test_closing_ends_what_is_in_flight(engine: Engine) -> None:
    """An answer in another thread ends as cancelled when its model is closed."""
    begun = threading.Event()

    def note(tokens: int) -> bool:
        if tokens:
            begun.set()
        return True

    with engine.open(slots=1) as model, ThreadPoolExecutor(1) as pool:
        schema = closed(a={"type": "string", "pattern": "^[a-z]{900}$"})
        call = pool.submit(model.complete, make_prompt(schema=schema, max_output_tokens=900), note)
        assert begun.wait(30)
        model.close()
        with pytest.raises(CompletionCancelled):
            call.result(timeout=30)
