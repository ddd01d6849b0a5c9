"""Ollama's HTTP API, thinly: one method for each thing it can be asked.

In: a base URL, timeouts. Out: frozen values, progress as it comes, or an error of the ModelError family.
Never: reads the environment, retries, or judges what a model said. Facts: docs/llm/ollama.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from holocron.errors import (
    CompletionCancelled,
    EngineUnknown,
    ModelDamaged,
    ModelError,
    ModelNotFound,
    ModelStalled,
    ModelTooLarge,
    ModelUnavailable,
    PromptTooLong,
    SchemaRefused,
)
from holocron.fingerprint import JSONValue
from holocron.llm.json_fields import count_of, part_of, text_of
from holocron.llm.wire import EngineServer, KeepWaiting, Patience, Reply

#: what is asked beside a model's work is answered at once, or not at all
_BRIEF = Patience(connect_s=5.0, first_s=30.0, next_s=30.0)
#: a registry may be slow, and a large layer is hashed in silence
_PULLING = Patience(first_s=120.0, next_s=600.0)
_TOO_LONG = re.compile(r"context (length|size|window)|available context|exceed_context")
_NO_MEMORY = re.compile(r"more system memory|out of memory|cudaMalloc|not enough memory|insufficient memory")
_UNLOADABLE = re.compile(
    r"unable to load model|unknown model architecture|unsupported model|invalid file magic"
)
_NO_GRAMMAR = re.compile(r"grammar|json schema|invalid format")
_BUSY = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """A model that the server has, as /api/tags lists it."""

    name: str
    #: hex of the SHA-256 of the model's manifest
    digest: str
    size_bytes: int
    modified_at: str
    family: str
    #: e.g. `3.2B`
    parameters: str
    #: e.g. `Q4_K_M`; empty where the file does not say
    quantization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownModel:
    """What /api/show says of a model."""

    name: str
    family: str
    parameters: str
    quantization: str
    #: tokens in the window that the model was trained with; 0 where it does not say
    context_length: int
    #: e.g. `completion`, `tools`, `thinking`
    capabilities: frozenset[str]
    #: whether another machine runs it
    is_remote: bool
    #: the whole answer
    raw: Mapping[str, JSONValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model in memory, as /api/ps lists it."""

    name: str
    digest: str
    size_bytes: int
    #: of which on a graphics card
    vram_bytes: int
    #: tokens in the window of one request; 0 where the version does not say
    context_length: int
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullProgress:
    """One line of a pull."""

    #: e.g. `pulling manifest`, `pulling 6a0746a1ec1a`, `success`
    status: str
    #: of the layer; empty where the line is about none
    digest: str = ""
    total_bytes: int = 0
    completed_bytes: int = 0


class OllamaApi:
    """An Ollama server; any number of threads may use it at once.

    patience: with a model's work. brief: with all that is asked beside it.
    """

    def __init__(self, url: str, *, patience: Patience | None = None, brief: Patience | None = None) -> None:
        self._server = EngineServer(url, engine="Ollama", patience=patience)
        self._brief = brief or _BRIEF

    @property
    def url(self) -> str:
        """Return the server's base URL."""
        return self._server.url

    def close(self) -> None:
        """End what is in flight and close every connection; may be called twice."""
        self._server.close()

    def version(self) -> str:
        """Return the server's version. Raises: EngineUnknown where it is no Ollama."""
        return text_of(self._ask("GET", "/api/version"), "version") or self._raise_unknown()

    def list_models(self) -> tuple[ListedModel, ...]:
        """Return the models that the server has."""
        return tuple(
            ListedModel(
                name=text_of(entry, "name"),
                digest=text_of(entry, "digest"),
                size_bytes=count_of(entry, "size"),
                modified_at=text_of(entry, "modified_at"),
                family=text_of(part_of(entry, "details"), "family"),
                parameters=text_of(part_of(entry, "details"), "parameter_size"),
                quantization=_quantization(part_of(entry, "details")),
            )
            for entry in self._entries("/api/tags")
        )

    def list_loaded(self) -> tuple[LoadedModel, ...]:
        """Return the models that are in memory."""
        return tuple(
            LoadedModel(
                name=text_of(entry, "name"),
                digest=text_of(entry, "digest"),
                size_bytes=count_of(entry, "size"),
                vram_bytes=count_of(entry, "size_vram"),
                context_length=count_of(entry, "context_length"),
                expires_at=text_of(entry, "expires_at"),
            )
            for entry in self._entries("/api/ps")
        )

    def show(self, name: str) -> ShownModel:
        """Return what the server knows of a model. Raises: ModelNotFound."""
        raw = self._ask("POST", "/api/show", {"model": name})
        details, facts = part_of(raw, "details"), part_of(raw, "model_info")
        architecture = text_of(facts, "general.architecture")
        capabilities = raw.get("capabilities")
        return ShownModel(
            name=name,
            family=text_of(details, "family"),
            parameters=text_of(details, "parameter_size"),
            quantization=_quantization(details),
            context_length=count_of(facts, f"{architecture}.context_length"),
            capabilities=frozenset(map(str, capabilities if isinstance(capabilities, list) else ())),
            is_remote=bool(text_of(raw, "remote_host")),
            raw=raw,
        )

    def delete(self, name: str) -> None:
        """Delete a model from the server. Raises: ModelNotFound."""
        request: dict[str, JSONValue] = {"model": name}
        with self._server.send("DELETE", "/api/delete", request, patience=self._brief) as reply:
            self._refuse_failure(reply, request)
            reply.read()

    def unload(self, name: str) -> None:
        """Take a model out of the server's memory; it stays on its disk. Raises: ModelNotFound."""
        self._ask("POST", "/api/generate", {"model": name, "keep_alive": 0})

    def load(self, body: Mapping[str, JSONValue], keep_waiting: KeepWaiting | None = None) -> None:
        """Load the model of a generate request with its options; takes as long as its weights are large.

        Raises: ModelNotFound, ModelTooLarge, ModelDamaged.
        """
        with self._open("/api/generate", {**body, "prompt": "", "stream": False}, keep_waiting) as reply:
            _read_json(reply.read())

    def pull(self, name: str) -> Generator[PullProgress, None, None]:
        """Pull a model, yielding each line of progress; what was pulled before is kept, and gone on from.

        Closing the iterator cancels. Raises: ModelNotFound, ModelUnavailable, ModelError.
        """
        request: dict[str, JSONValue] = {"model": name, "stream": True}
        is_done = False
        with self._server.send("POST", "/api/pull", request, patience=_PULLING) as reply:
            self._refuse_failure(reply, request)
            for line in filter(bytes.strip, reply.lines()):
                entry = _read_json(line)
                if "error" in entry:
                    raise _translate_pull(name, text_of(entry, "error"))
                is_done = is_done or entry.get("status") == "success"
                yield PullProgress(
                    status=text_of(entry, "status"),
                    digest=text_of(entry, "digest"),
                    total_bytes=count_of(entry, "total"),
                    completed_bytes=count_of(entry, "completed"),
                )
        if not is_done:
            raise ModelUnavailable(
                f"the pull of {name!r} ended early", hint="Pull it again: it goes on from where it was."
            )

    def generate(
        self, body: Mapping[str, JSONValue], keep_waiting: KeepWaiting | None = None
    ) -> Iterator[bytes]:
        """Yield a generate request's lines in pieces as they arrive, some whole and some not.

        An error line is raised where the pieces are parsed: see read_answer. Raises: what an engine raises.
        """
        with self._open("/api/generate", {**body, "stream": True}, keep_waiting) as reply:
            yield from reply.chunks()

    def chat(
        self,
        name: str,
        messages: Sequence[Mapping[str, str]],
        *,
        options: Mapping[str, JSONValue] | None = None,
    ) -> Iterator[str]:
        """Yield a free answer to a conversation as it arrives; messages: `{"role": …, "content": …}` each."""
        body: dict[str, JSONValue] = {"model": name, "messages": [dict(message) for message in messages]}
        if options:
            body["options"] = dict(options)
        entry: Mapping[str, JSONValue] = {}
        with self._open("/api/chat", body) as reply:
            for line in filter(bytes.strip, reply.lines()):
                entry = _read_json(line)
                if "error" in entry:
                    raise translate_error(500, text_of(entry, "error"), body)
                yield text_of(part_of(entry, "message"), "content")
        if entry.get("done") is not True:
            raise ModelStalled("Ollama broke the answer off")

    @contextmanager
    def _open(
        self, path: str, body: Mapping[str, JSONValue], keep_waiting: KeepWaiting | None = None
    ) -> Iterator[Reply]:
        with self._server.send("POST", path, body, keep_waiting=keep_waiting) as reply:
            self._refuse_failure(reply, body)
            yield reply

    def _ask(
        self, method: str, path: str, body: Mapping[str, JSONValue] | None = None
    ) -> Mapping[str, JSONValue]:
        with self._server.send(method, path, body, patience=self._brief) as reply:
            self._refuse_failure(reply, body or {})
            content = reply.read()
        try:
            return _read_json(content)
        except ModelError:
            return self._raise_unknown()

    def _entries(self, path: str) -> list[Mapping[str, JSONValue]]:
        entries = self._ask("GET", path).get("models", ())
        if not isinstance(entries, list):
            return self._raise_unknown()
        return [entry for entry in entries if isinstance(entry, Mapping)]

    def _refuse_failure(self, reply: Reply, body: Mapping[str, JSONValue]) -> None:
        if reply.status == 200:
            return
        message = self._read_error(reply)
        # Ollama says it of a model alone, and always in a sentence
        if reply.status in (404, 405) and not (message and "model" in body):
            raise self._unknown()
        raise translate_error(reply.status, message, body)

    def _read_error(self, reply: Reply) -> str:
        content = reply.read()
        try:
            return text_of(_read_json(content), "error")
        except ModelError as problem:
            if reply.status in _BUSY:  # a proxy in front of it says so in its own words
                return f"HTTP {reply.status}"
            raise self._unknown() from problem

    def _raise_unknown(self) -> NoReturn:
        raise self._unknown()

    def _unknown(self) -> EngineUnknown:
        return EngineUnknown(
            f"what answers at {self.url} is not Ollama",
            hint="Check the port, and that no path stands behind it.",
        )


def translate_error(status: int, message: str, body: Mapping[str, JSONValue]) -> ModelError:
    """Return the error of this family that says what an error of Ollama says."""
    name, said = text_of(body, "model"), message.lower()
    if status == 404:
        return ModelNotFound(
            f"Ollama has no model {name!r}", hint=f"Pull it with: holocron models pull {name}"
        )
    if "invalid model name" in said:
        return _misnamed(name)
    if status == 499:
        return CompletionCancelled(f"Ollama stopped the answer: {message}")
    if status in _BUSY:
        return ModelUnavailable(f"Ollama cannot answer now: {message}")
    if _NO_MEMORY.search(said):
        return ModelTooLarge(f"Ollama cannot load {name!r}: {message}")
    if _TOO_LONG.search(said):
        window = count_of(part_of(body, "options"), "num_ctx")
        return PromptTooLong(prompt_tokens=window + 1, context_tokens=window)
    if _UNLOADABLE.search(said):
        return ModelDamaged(f"Ollama cannot load {name!r}: {message}", hint="Pull or create it again.")
    if _NO_GRAMMAR.search(said):
        return SchemaRefused(f"Ollama cannot hold an answer to this schema: {message}")
    if status >= 500:
        return ModelUnavailable(f"Ollama failed: {message}")
    return ModelError(f"Ollama refused the request: {message}")


def _misnamed(name: str) -> ModelNotFound:
    return ModelNotFound(
        f"{name!r} is no name that a model can have",
        hint="Write it as NAME or NAME:TAG, for example llama3.2:1b, without spaces.",
    )


def _translate_pull(name: str, message: str) -> ModelError:
    said = message.lower()
    if "file does not exist" in said or "not found" in said:
        return ModelNotFound(
            f"the registry has no model {name!r}",
            hint="See Ollama's library of models for the names and their tags.",
        )
    if "invalid model name" in said:
        return _misnamed(name)
    if "no space left" in said:
        return ModelError(
            f"there is no room for {name!r} on the server's disk", hint="holocron models rm NAME frees some."
        )
    return ModelUnavailable(
        f"the pull of {name!r} failed: {message}",
        hint="Check the server's internet connection and its disk; pulled again, it goes on from there.",
    )


def _quantization(details: Mapping[str, JSONValue]) -> str:
    said = text_of(details, "quantization_level")
    return "" if said == "unknown" else said


def _read_json(content: bytes) -> Mapping[str, JSONValue]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as problem:
        raise ModelError(f"Ollama sent what is not JSON: {content[:60]!r}") from problem
    if not isinstance(value, dict):
        raise ModelError(f"Ollama sent what is no object: {content[:60]!r}")
    return value
