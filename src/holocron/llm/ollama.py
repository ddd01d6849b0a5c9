"""Ollama as a LanguageModel: what it would do in silence, done in the open or refused.

In: prompts, from several threads at once. Out: completions that Ollama's grammar held, every one whole.
Never: lets a prompt be cut or a window be shifted, takes an answer without `done`, or runs a model elsewhere.
/api/generate and not /api/chat: chat hands a schema's properties over by alphabet (0.30 and later, so that
`cite` no longer comes first) and drops the schema for models that can think. Facts: docs/llm/ollama.md.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Final

from holocron.derivation.prompt import Prompt
from holocron.errors import (
    CompletionCancelled,
    ModelError,
    ModelNotFound,
    ModelStalled,
    PromptTooLong,
    SettingsInvalid,
)
from holocron.fingerprint import JSONValue
from holocron.llm.json_fields import count_of, number_of
from holocron.llm.model import Abilities, Completion, FinishReason, ModelIdentity, OnProgress
from holocron.llm.ollama_api import ListedModel, LoadedModel, OllamaApi, ShownModel, translate_error
from holocron.llm.ollama_format import COPIED_PIECES, render_format
from holocron.llm.stream import require_json
from holocron.llm.turns import flatten_turns
from holocron.llm.window import BYTES_PER_TOKEN, choose_window
from holocron.llm.wire import KeepWaiting

log = logging.getLogger(__name__)

ENGINE: Final = "ollama"
#: the most requests that are worth trying; how many it works at once it tells no one
MOST_SLOTS = 16
#: how long the weights stay in memory after an answer; a number would be seconds
KEEP_ALIVE = "15m"
#: the first that takes `truncate` and `shift`; older ones cut long prompts whatever is asked
LEAST_VERSION = (0, 12, 4)
#: a load that took this long may have been another one, with another window
_RELOAD_NS = 500_000_000
#: how long an answer is silent before, and between, looks at why it does not begin
_LOOK_EVERY_S = 10.0
#: tokens of one text, white space aside, after which Ollama breaks an answer off
_LOOP_TOKENS = 30
_UNBUILT_VERSION = (0, 0, 0)
_SAMPLE_CHARACTERS = 1500


class OllamaModel:
    """A model of an Ollama server.

    api: the server; it is closed with the model. model: NAME or NAME:TAG. slots: the most requests at once.
    context_tokens: the window of each request.
    Raises: ModelNotFound, EngineUnreachable, EngineUnknown, SettingsInvalid.
    """

    def __init__(
        self, api: OllamaApi, model: str, *, slots: int | None = None, context_tokens: int | None = None
    ) -> None:
        version = api.version()
        require_version(version)
        listed = find_model(api.list_models(), model)
        if listed is None:
            raise missing_model(api.url, model)
        shown = api.show(model)
        require_text_model(shown)
        self._api = api
        self._model = listed.name
        self._slots = slots or MOST_SLOTS
        self._identity = ModelIdentity(
            name=f"{ENGINE}:{model}",
            digest=listed.digest,
            engine=ENGINE,
            engine_version=version,
            context_tokens=choose_window(shown.context_length, context_tokens),
            abilities=Abilities(copied_pieces=COPIED_PIECES, knows_slots=slots is not None),
        )
        self._can_think = "thinking" in shown.capabilities
        self._shows_system = shows_system(shown)
        self._tokens_per_byte = 1 / BYTES_PER_TOKEN
        self._loading = threading.Lock()
        self._is_loaded = False
        #: what /api/ps says of the window when the model is loaded as it is asked for here
        self._own_window = self._identity.context_tokens
        self._look_from = 0.0

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""
        return self._identity

    @property
    def slots(self) -> int:
        """How many requests in flight are worth trying."""
        return self._slots

    def estimate_tokens(self, text: str) -> int:
        """Return about how many tokens a text takes: a third of its UTF-8 bytes, until it is known better."""
        return int(len(text.encode("utf-8", "replace")) * self._tokens_per_byte) + 1

    def complete(self, prompt: Prompt, on_progress: OnProgress | None = None) -> Completion:
        """Answer a prompt under its schema.

        Raises: PromptTooLong, SchemaRefused, CompletionCancelled, ModelStalled, ModelUnavailable,
        ModelTooLarge; SettingsInvalid where the loaded window is smaller than the planned one.
        """
        note = on_progress or (lambda _: True)
        body = self._render_request(prompt)
        keep_waiting = self._watch(note)
        self._ensure_loaded(body, keep_waiting)
        pieces: list[bytes] = []
        arrived = 0
        try:
            for piece in self._api.generate(body, keep_waiting=keep_waiting):
                pieces.append(piece)
                arrived += (lines := piece.count(b"\n"))
                if not note(lines):
                    raise CompletionCancelled
        except PromptTooLong as problem:
            raise self._measure(body, problem) from problem
        completion, load_ns = read_answer(b"".join(pieces), body)
        note(max(0, completion.output_tokens - arrived))  # tokens that made no line of their own
        if load_ns > _RELOAD_NS:
            self._require_window()
        if completion.finish_reason is FinishReason.STOP:
            require_json(completion.text)
        return completion

    def close(self) -> None:
        """Stop what is in flight and close the connections; the weights stay for `keep_alive`."""
        self._api.close()

    def _render_request(self, prompt: Prompt) -> dict[str, JSONValue]:
        system, question = flatten_turns(prompt.messages)
        if not self._shows_system:
            system, question = "", f"{system}\n\n{question}"
        body: dict[str, JSONValue] = {
            "model": self._model,
            "system": system,
            "prompt": question,
            "format": render_format(prompt.schema),
            "truncate": False,
            "shift": False,
            "keep_alive": KEEP_ALIVE,
            "options": {
                "num_ctx": self._identity.context_tokens,
                "num_predict": prompt.max_output_tokens,
                "temperature": 0,
                "top_k": 1,
                "repeat_penalty": 1.0,
            },
        }
        if self._can_think:
            body["think"] = False
        return body

    def _watch(self, note: OnProgress) -> KeepWaiting:
        """Return what is asked while the server is silent: it sees to it that the wait can come to an end."""
        self._look_from = time.monotonic() + _LOOK_EVERY_S

        def keep_waiting() -> bool:
            if time.monotonic() >= self._look_from:
                self._look_from = time.monotonic() + _LOOK_EVERY_S
                self._end_other_window()
            return note(0)

        return keep_waiting

    def _end_other_window(self) -> None:
        """Let the server give up a window that somebody else's request had it load the model with.

        Until 0.24 at least it can forget, when the last of those requests ends, that others wait for another
        window, and leaves them until `keep_alive` is over. What is being answered is answered first.
        """
        try:
            found = self._find_loaded()
            if found is not None and found.context_length not in (0, self._own_window):
                log.info(
                    "another window is loaded", extra={"action": "unload", "window": found.context_length}
                )
                self._api.unload(self._model)
        except ModelError:
            log.info("nothing is known of the window", exc_info=True, extra={"action": "look_failed"})

    def _ensure_loaded(self, body: Mapping[str, JSONValue], keep_waiting: KeepWaiting) -> None:
        """Load the model with this window and see that it got it, once."""
        if self._is_loaded:
            return
        while not self._loading.acquire(timeout=0.25):
            if not keep_waiting():
                raise CompletionCancelled
        try:
            if not self._is_loaded:
                self._api.load(body, keep_waiting=keep_waiting)
                self._require_window()
                self._is_loaded = True
        finally:
            self._loading.release()

    def _require_window(self) -> None:
        found = self._find_loaded()
        require_window(found, self._identity)
        if found is not None and found.context_length:
            self._own_window = found.context_length

    def _find_loaded(self) -> LoadedModel | None:
        loaded = self._api.list_loaded()
        return next((model for model in loaded if model.digest == self._identity.digest), None)

    def _measure(self, body: Mapping[str, JSONValue], problem: PromptTooLong) -> PromptTooLong:
        """Return the error with a count of tokens: Ollama says none, and counts only what it answers."""
        prompt = f"{body['system']}{body['prompt']}"
        sample = prompt[-_SAMPLE_CHARACTERS:]
        options = body["options"]
        asked: dict[str, JSONValue] = {
            **{key: body[key] for key in ("model", "truncate", "shift", "keep_alive")},
            "prompt": sample,
            "raw": True,
            "options": {**options, "num_predict": 1} if isinstance(options, Mapping) else {},
        }
        try:
            answered, _ = read_answer(b"".join(self._api.generate(asked)), asked)
        except PromptTooLong:
            return problem
        ratio = answered.prompt_tokens / len(sample.encode("utf-8", "replace"))
        self._tokens_per_byte = max(self._tokens_per_byte, ratio)
        counted = int(ratio * len(prompt.encode("utf-8", "replace")))
        return PromptTooLong(
            prompt_tokens=max(counted, problem.prompt_tokens), context_tokens=problem.context_tokens
        )


def read_answer(content: bytes, body: Mapping[str, JSONValue]) -> tuple[Completion, int]:
    """Return the completion in a generate request's lines, and the nanoseconds that loading took.

    All lines are parsed at once at the end: nothing is paid for each token.
    Raises: what an error line says, ModelStalled where the answer has no proper end.
    """
    lines = [line for line in content.split(b"\n") if line.strip()]
    try:
        entries = json.loads(b"[%s]" % b",".join(lines))
    except (ValueError, RecursionError) as problem:
        raise ModelError(f"Ollama sent what is not JSON: {content[:60]!r}") from problem
    parts: list[str] = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise ModelError(f"Ollama sent what is no object: {str(entry)[:60]!r}")
        if "error" in entry:
            raise translate_error(int(number_of(entry, "status") or 500), str(entry["error"]), body)
        parts.append(str(entry.get("response", "")))
    end = entries[-1] if entries else {}
    if end.get("done") is not True and _is_loop(parts):
        # Ollama ends such an answer without a word; asking again would loop again
        end = {"done_reason": FinishReason.LENGTH.value, "eval_count": len(parts)}
    elif end.get("done") is not True:
        raise ModelStalled("Ollama broke the answer off without an end")
    try:
        reason = FinishReason(str(end.get("done_reason")))
    except ValueError as problem:
        raise ModelError(
            f"Ollama ended the answer for an unknown reason: {end.get('done_reason')!r}"
        ) from problem
    completion = Completion(
        text="".join(parts),
        finish_reason=reason,
        prompt_tokens=count_of(end, "prompt_eval_count"),
        output_tokens=count_of(end, "eval_count"),
        prompt_ms=number_of(end, "prompt_eval_duration") / 1e6,
        output_ms=number_of(end, "eval_duration") / 1e6,
    )
    return completion, count_of(end, "load_duration")


def _is_loop(parts: list[str]) -> bool:
    """Tell whether the answer ends with one token over and over, as Ollama itself looks for it."""
    last = {part.strip() for part in parts[-_LOOP_TOKENS:]}
    return len(parts) >= _LOOP_TOKENS and len(last) == 1


def find_model(models: Iterable[ListedModel], name: str) -> ListedModel | None:
    """Return the listed model that a name means; without a tag it means `latest`."""
    wanted = whole_name(name)
    return next((model for model in models if whole_name(model.name) == wanted), None)


def whole_name(name: str) -> str:
    """Return a model's name with its tag, in lower case, as Ollama compares them."""
    last = name.rpartition("/")[2]
    return (name if ":" in last else f"{name}:latest").lower()


def missing_model(url: str, name: str) -> ModelNotFound:
    """Return the error of a model that the server does not have."""
    return ModelNotFound(
        f"Ollama at {url} has no model {name!r}", hint=f"Pull it with: holocron models pull {name}"
    )


def parse_version(version: str) -> tuple[int, ...]:
    """Return a version's numbers: `0.33.0-rc2` is (0, 33, 0)."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else _UNBUILT_VERSION


def require_version(version: str) -> None:
    """Refuse a server that cuts prompts in silence. Raises: SettingsInvalid."""
    numbers = parse_version(version)
    if _UNBUILT_VERSION != numbers < LEAST_VERSION:
        least = ".".join(map(str, LEAST_VERSION))
        raise SettingsInvalid(
            f"Ollama {version} cuts long prompts in silence, whatever it is asked",
            hint=f"Upgrade it to {least} or later.",
        )


def require_text_model(shown: ShownModel) -> None:
    """Refuse what runs on another machine and what writes no text. Raises: SettingsInvalid."""
    if shown.is_remote:
        raise SettingsInvalid(
            f"{shown.name!r} runs on another machine: the evidence would leave this one",
            hint="Choose a model without '-cloud' in its tag.",
        )
    if shown.capabilities and "completion" not in shown.capabilities:
        raise SettingsInvalid(f"{shown.name!r} writes no text", hint="Choose a model that can chat.")


def shows_system(shown: ShownModel) -> bool:
    """Tell whether a model's template has a place for the system text; without one Ollama drops it."""
    template = shown.raw.get("template")
    if not isinstance(template, str) or not template.strip():
        return True
    return ".System" in template or ".Messages" in template or "messages" in template


def require_window(found: LoadedModel | None, identity: ModelIdentity) -> None:
    """See that a model was loaded with the window that was planned. Raises: SettingsInvalid."""
    if found is None or not found.context_length:
        return  # another request has pushed it out already, or the server is too old to say
    if found.context_length < identity.context_tokens:
        raise SettingsInvalid(
            f"Ollama loaded {found.name!r} with a window of {found.context_length} tokens instead of "
            f"{identity.context_tokens}",
            hint=f"Set HOLOCRON_CONTEXT_TOKENS={found.context_length}, or give it more memory.",
        )
