"""Any OpenAI-compatible server as a LanguageModel: vLLM, llama.cpp's own, LM Studio, a cloud.

In: prompts, from several threads at once. Out: completions, whole and with their reason, or a ModelError.
Never: shows the key in a sentence, a log or a manifest, or takes an answer without `finish_reason`.
What such servers do not tell (a digest, often the window) is declared, not guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, NoReturn

from holocron.derivation.prompt import Prompt
from holocron.errors import (
    CompletionCancelled,
    EngineUnknown,
    HolocronError,
    ModelError,
    ModelNotFound,
    ModelStalled,
    ModelUnavailable,
    PromptTooLong,
    SchemaRefused,
    SettingsInvalid,
)
from holocron.fingerprint import JSONValue, hash_json
from holocron.llm.json_fields import count_of, number_of, part_of, parts_of, text_of
from holocron.llm.model import Abilities, Completion, FinishReason, ModelIdentity, OnProgress
from holocron.llm.stream import require_json
from holocron.llm.turns import defuse_marks
from holocron.llm.window import choose_window, estimate_tokens
from holocron.llm.wire import EngineServer, KeepWaiting, Patience

ENGINE: Final = "openai"
#: the most requests that are worth trying; how many it works at once it tells no one
MOST_SLOTS = 16
#: what a model's entry in /models may call its window, the first of them counts
_WINDOWS = ("max_model_len", "max_context_length", "context_length", "context_window")
_OWN_WINDOWS = ("n_ctx", "n_ctx_train")
_DIGESTS = ("digest", "sha256")
_BRIEF = Patience(connect_s=5.0, first_s=30.0, next_s=30.0)
_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_TOO_LONG = re.compile(r"context (length|size|window)|exceed_context|too many tokens|prompt is too long")
_IN_MESSAGES = re.compile(r"\(?(\d+) (?:in|of|from) the (?:messages|prompt|input)")
_PROMPT_HAS = re.compile(
    r"(?:resulted in|contains(?: at least)?|has|your request has) (\d+) (?:input )?tokens"
)
_UNPARSED = re.compile(r"output that does not match the expected")
_NO_SCHEMA = re.compile(r"schema|grammar|response_format|guided|structured output")


class OpenAIServer:
    """An OpenAI-compatible server, thinly.

    url: where its API begins, usually with `/v1` at its end. key: sent as a bearer token; a secret.
    response_format: `json_schema`, or `json_object` or `none` for a server that cannot hold a schema.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        response_format: str = "json_schema",
        patience: Patience | None = None,
        brief: Patience | None = None,
    ) -> None:
        self._key = (key or "").strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise SettingsInvalid(
                "OPENAI_API_KEY has characters that no key has",
                hint="Copy it again, on one line: quotes and spaces inside it may be of another kind.",
            )
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._server = EngineServer(url, engine="the model's server", headers=headers, patience=patience)
        self._brief = brief or _BRIEF
        self.response_format = response_format

    @property
    def url(self) -> str:
        """Return where its API begins."""
        return self._server.url

    def close(self) -> None:
        """End what is in flight and close every connection; may be called twice."""
        self._server.close()

    def list_models(self) -> dict[str, Mapping[str, JSONValue]]:
        """Return the entries of /models by name; empty where the server has no such list.

        Raises: EngineUnreachable, EngineUnknown, SettingsInvalid where the key is refused.
        """
        with self._server.send("GET", "/models", patience=self._brief) as reply:
            content = reply.read()
        if reply.status in (404, 405, 501):
            return {}
        if reply.status != 200:
            raise self._translate(reply.status, content, {})
        try:
            entries = json.loads(content)["data"]
            return {str(entry["id"]): entry for entry in entries}
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            raise self._unknown() from problem

    def chat(self, body: Mapping[str, JSONValue], keep_waiting: KeepWaiting | None = None) -> Iterator[bytes]:
        """Yield the events of a streamed chat request in pieces as they arrive, some whole and some not."""
        with self._server.send("POST", "/chat/completions", body, keep_waiting=keep_waiting) as reply:
            if reply.status != 200:
                raise self._translate(reply.status, reply.read(), body)
            yield from reply.chunks()

    def read_answer(self, content: bytes, body: Mapping[str, JSONValue]) -> Completion:
        """Return the completion in a chat request's events.

        All events are parsed at once at the end: nothing is paid for each token.
        Raises: what an error event says, ModelStalled where the answer has no proper end.
        """
        events = [line[5:] for line in content.splitlines() if line.startswith(b"data:")]
        if events and events[-1].strip() == b"[DONE]":
            events.pop()
        try:
            entries = json.loads(b"[%s]" % b",".join(events))
        except (ValueError, RecursionError) as problem:
            raise ModelError(f"the model's server sent what is not JSON: {content[:60]!r}") from problem
        if not events and content.strip():
            self._refuse_plain(content, body)
        parts: list[str] = []
        finish = ""
        usage: Mapping[str, JSONValue] = {}
        timings: Mapping[str, JSONValue] = {}
        for entry in entries:
            if not isinstance(entry, Mapping):
                raise ModelError(f"the model's server sent what is no object: {str(entry)[:60]!r}")
            if entry.get("error"):
                raise self._translate(500, json.dumps(entry).encode(), body)
            usage = part_of(entry, "usage") or usage
            timings = part_of(entry, "timings") or timings
            for choice in parts_of(entry, "choices"):
                parts.append(text_of(part_of(choice, "delta"), "content"))
                finish = text_of(choice, "finish_reason") or finish
        if not finish:
            raise ModelStalled("the model's server ended the answer without saying why")
        if finish not in tuple(FinishReason):
            raise ModelError(f"the model's server ended the answer for another reason: {finish!r}")
        return Completion(
            text="".join(parts),
            finish_reason=FinishReason(finish),
            prompt_tokens=count_of(usage, "prompt_tokens"),
            output_tokens=count_of(usage, "completion_tokens"),
            prompt_ms=number_of(timings, "prompt_ms"),
            output_ms=number_of(timings, "predicted_ms"),
        )

    def _refuse_plain(self, content: bytes, body: Mapping[str, JSONValue]) -> NoReturn:
        try:
            entry = json.loads(content)
        except (ValueError, RecursionError) as problem:
            raise self._unknown() from problem
        if isinstance(entry, Mapping) and entry.get("error"):
            raise self._translate(500, content, body)
        raise self._unknown()

    def _translate(self, status: int, content: bytes, body: Mapping[str, JSONValue]) -> HolocronError:
        """Return the error that says what an error answer says, without the key."""
        message, details = _read_error(content)
        message = message.replace(self._key, "***") if self._key else message
        said = f"{message} {text_of(details, 'type')} {text_of(details, 'code')}".lower()
        if status in (401, 403):
            return SettingsInvalid(
                f"the server at {self.url} refuses the key", hint="Check OPENAI_API_KEY and OPENAI_BASE_URL."
            )
        if _TOO_LONG.search(said):
            return _too_long(message, details)
        if status == 404:
            if "model" in said:
                return ModelNotFound(
                    f"the server at {self.url} has no model {text_of(body, 'model')!r}",
                    hint="See what it has: holocron models list openai",
                )
            return self._unknown()
        if _UNPARSED.search(said):
            return ModelError(
                f"the server could not read its own model's answer: {message}",
                hint="llama.cpp's server does so to answers that are cut: give them more max_output_tokens.",
            )
        if status in (400, 422, 500) and _NO_SCHEMA.search(said):
            return SchemaRefused(
                f"the server cannot hold an answer to this schema: {message}",
                hint="OPENAI_RESPONSE_FORMAT=json_object, or =none, asks it for less; all is checked anyway.",
            )
        if status in _BUSY:
            return ModelUnavailable(f"the model's server cannot answer now: {message}")
        return ModelError(f"the model's server refused the request: {message}")

    def _unknown(self) -> EngineUnknown:
        return EngineUnknown(
            f"what answers at {self.url} is no OpenAI-compatible server",
            hint="The address usually ends in /v1.",
        )


class OpenAIModel:
    """A model of an OpenAI-compatible server.

    server: it is closed with the model. model: its name there. slots: the most requests at once.
    context_tokens: the window of each request, where the server does not say it.
    Raises: ModelNotFound, EngineUnreachable, EngineUnknown, SettingsInvalid.
    """

    def __init__(
        self,
        server: OpenAIServer,
        model: str,
        *,
        slots: int | None = None,
        context_tokens: int | None = None,
    ) -> None:
        listed = server.list_models()
        if listed and model not in listed:
            raise ModelNotFound(
                f"the server at {server.url} has no model {model!r}",
                hint=f"It has: {', '.join(sorted(listed)[:8])}.",
            )
        entry = listed.get(model, {})
        self._server = server
        self._model = model
        self._slots = slots or MOST_SLOTS
        self._vocabulary_size = find_vocabulary_size(entry)
        self._identity = ModelIdentity(
            name=f"{ENGINE}:{model}",
            digest=_find_digest(entry) or _declare_digest(server.url, model, entry),
            engine=ENGINE,
            engine_version=text_of(entry, "owned_by") or "unknown",
            context_tokens=choose_window(find_window(entry), context_tokens),
            abilities=Abilities(copied_pieces=0, knows_slots=slots is not None),
        )

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is; a digest that begins with `declared:` is of its name and address alone."""
        return self._identity

    @property
    def slots(self) -> int:
        """How many requests in flight are worth trying."""
        return self._slots

    def estimate_tokens(self, text: str) -> int:
        """Return about how many tokens a text takes."""
        return estimate_tokens(text, self._vocabulary_size)

    def complete(self, prompt: Prompt, on_progress: OnProgress | None = None) -> Completion:
        """Answer a prompt under its schema.

        Raises: PromptTooLong, SchemaRefused, CompletionCancelled, ModelStalled, ModelUnavailable, ModelError.
        """
        note = on_progress or (lambda _: True)
        body = self._render_request(prompt)
        pieces: list[bytes] = []
        arrived = 0
        try:
            for piece in self._server.chat(body, keep_waiting=lambda: note(0)):
                pieces.append(piece)
                arrived += (events := piece.count(b"data:"))
                if not note(events):
                    raise CompletionCancelled
        except PromptTooLong as problem:
            window = problem.context_tokens or self._identity.context_tokens
            raise PromptTooLong(
                prompt_tokens=max(problem.prompt_tokens, window + 1), context_tokens=window
            ) from problem
        completion = self._server.read_answer(b"".join(pieces), body)
        note(max(0, completion.output_tokens - arrived))  # tokens that made no event of their own
        if completion.finish_reason is FinishReason.STOP and "response_format" in body:
            require_json(completion.text)
        return completion

    def close(self) -> None:
        """Stop what is in flight and close the connections."""
        self._server.close()

    def _render_request(self, prompt: Prompt) -> dict[str, JSONValue]:
        body: dict[str, JSONValue] = {
            "model": self._model,
            "messages": [
                {"role": message.role.value, "content": defuse_marks(message.content)}
                for message in prompt.messages
            ],
            "max_tokens": prompt.max_output_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._server.response_format == "json_schema":
            answer: JSONValue = {"name": "answer", "strict": True, "schema": prompt.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": answer}
        elif self._server.response_format == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body


def find_window(entry: Mapping[str, JSONValue]) -> int:
    """Return the window that a model's entry in /models names; 0 where it names none."""
    meta = part_of(entry, "meta")
    found = [number_of(entry, key) for key in _WINDOWS] + [number_of(meta, key) for key in _OWN_WINDOWS]
    return int(next((number for number in found if number > 0), 0))


def find_vocabulary_size(entry: Mapping[str, JSONValue]) -> int:
    """Return the tokens that a model's entry in /models says it knows; 0 where it does not say."""
    return count_of(part_of(entry, "meta"), "n_vocab")


def _find_digest(entry: Mapping[str, JSONValue]) -> str:
    return next((text_of(entry, key) for key in _DIGESTS if text_of(entry, key)), "")


def _declare_digest(url: str, model: str, entry: Mapping[str, JSONValue]) -> str:
    """Return what stands for a digest: a hash of the address, the name and what the server tells beside."""
    told = {key: value for key, value in part_of(entry, "meta").items() if key != "n_ctx"}
    return f"declared:{hash_json([url, model, text_of(entry, 'root'), told])}"


def _read_error(content: bytes) -> tuple[str, Mapping[str, JSONValue]]:
    """Return the sentence of an error answer and its details."""
    try:
        entry = json.loads(content)
    except (ValueError, RecursionError):
        return content[:200].decode("utf-8", "replace").strip() or "no message", {}
    details = entry.get("error", entry) if isinstance(entry, Mapping) else entry
    if isinstance(details, Mapping):
        return text_of(details, "message") or text_of(details, "detail") or "no message", details
    return str(details), {}


def _too_long(message: str, details: Mapping[str, JSONValue]) -> PromptTooLong:
    window = count_of(details, "n_ctx")
    asked = count_of(details, "n_prompt_tokens")
    if not window:
        found = re.search(r"(?:context (?:length|size|window)(?: is|:)?(?: of)?|limit of) (\d+)", message)
        window = int(found[1]) if found else 0
    if not asked:
        counted = _IN_MESSAGES.search(message) or _PROMPT_HAS.search(message)
        asked = int(counted[1]) if counted else window + 1
    return PromptTooLong(prompt_tokens=asked, context_tokens=window)
