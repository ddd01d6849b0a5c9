"""Ollama's wire format, scripted: an engine that answers by rule.

In: models, answers and faults as a test sets them. Out: what Ollama 0.24 says to the same request.
Never: runs a model, or goes to a registry. Use: `with OllamaServer() as server: ... server.url`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from holocron.fingerprint import JSONValue, hash_text
from scripted_http import Body, Exchange, Fault, ScriptedServer, refuse, send_lines, smallest_answer

TIME = "2026-01-01T00:00:00.000000000Z"
_TOO_LONG = "the input length exceeds the context length"
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A model that the server has."""

    context_length: int = 8192
    size: int = 2_019_393_189
    family: str = "llama"
    #: what /api/show says it can do; `thinking` makes it a thinking model
    capabilities: tuple[str, ...] = ("completion", "tools")
    #: bytes of it that a graphics card holds once it is loaded
    size_vram: int = 0
    parameters: str = "3.2B"
    quantization: str = "Q4_K_M"
    template: str = "{{ .System }}\n{{ .Prompt }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A model that can be pulled: its layers, and what goes wrong."""

    layers: tuple[int, ...] = (1_000_000, 400)
    #: the progress lines of each layer, and the pause before each line
    steps: int = 4
    pause_s: float = 0.0
    #: said in the middle of the first layer, under HTTP 200
    error: str = ""
    becomes: Installed = field(default_factory=Installed)


@dataclass
class OllamaServer(ScriptedServer):
    """An Ollama that answers by rule."""

    models: dict[str, Installed] = field(default_factory=lambda: {"tiny:latest": Installed()})
    pullable: dict[str, Pull] = field(default_factory=dict)
    version: str = "0.24.0"
    #: returns the answer's text to the body of a generate or chat request
    answer: Callable[[Body], str] | None = None
    #: requests that are worked at once; more of them wait in silence
    slots: int = 4
    token_s: float = 0.0
    #: what /api/ps says the window is, where it is not what was asked for
    loaded_context: int | None = None
    #: name -> the window it was loaded with
    loaded: dict[str, int] = field(default_factory=dict)
    #: layer -> bytes that earlier pulls have left
    downloaded: dict[str, int] = field(default_factory=dict)
    #: the most requests that were being answered at one time
    most_at_once: int = 0

    def __post_init__(self) -> None:
        """Make the slots."""
        self._slots = threading.Semaphore(self.slots)
        self._counting = threading.Lock()
        self._busy = 0

    def digest_of(self, name: str) -> str:
        """Return the digest under which /api/tags and /api/ps list a model."""
        return hash_text(f"{_whole_name(name)} {self.models[_whole_name(name)]}")

    def respond(self, exchange: Exchange, path: str) -> None:
        """Answer as Ollama does."""
        route = {
            "/": lambda exchange: exchange.send_whole(b"Ollama is running", kind="text/plain"),
            "/api/version": lambda exchange: exchange.send_json({"version": self.version}),
            "/api/tags": self._list_models,
            "/api/ps": self._list_loaded,
            "/api/show": self._show,
            "/api/pull": self._pull,
            "/api/delete": self._delete,
            "/api/generate": self._generate,
            "/api/chat": self._generate,
        }.get(path)
        if route is None:
            exchange.send_whole(b"404 page not found", status=404, kind="text/plain")
        else:
            route(exchange)

    def _details(self, model: Installed) -> dict[str, JSONValue]:
        return {
            "parent_model": "",
            "format": "gguf",
            "family": model.family,
            "families": [model.family],
            "parameter_size": model.parameters,
            "quantization_level": model.quantization,
        }

    def _list_models(self, exchange: Exchange) -> None:
        exchange.send_json(
            {
                "models": [
                    {
                        "name": name,
                        "model": name,
                        "modified_at": TIME,
                        "size": model.size,
                        "digest": self.digest_of(name),
                        "details": self._details(model),
                    }
                    for name, model in self.models.items()
                ]
            }
        )

    def _list_loaded(self, exchange: Exchange) -> None:
        exchange.send_json(
            {
                "models": [
                    {
                        "name": name,
                        "model": name,
                        "size": self.models[name].size,
                        "digest": self.digest_of(name),
                        "details": self._details(self.models[name]),
                        "expires_at": "2026-01-01T00:05:00Z",
                        "size_vram": self.models[name].size_vram,
                        "context_length": window if self.loaded_context is None else self.loaded_context,
                    }
                    for name, window in self.loaded.items()
                    if name in self.models
                ]
            }
        )

    def _find(self, exchange: Exchange) -> str | None:
        asked = str(exchange.body.get("model") or exchange.body.get("name") or "")
        if _whole_name(asked) in self.models:
            return _whole_name(asked)
        exchange.send_json({"error": f"model '{asked}' not found"}, status=404)
        return None

    def _show(self, exchange: Exchange) -> None:
        name = self._find(exchange)
        if name is None:
            return
        model = self.models[name]
        exchange.send_json(
            {
                "modelfile": f"FROM {name}",
                "parameters": 'stop    "<|im_end|>"',
                "template": model.template,
                "details": self._details(model),
                "model_info": {
                    "general.architecture": model.family,
                    f"{model.family}.context_length": model.context_length,
                    "tokenizer.ggml.tokens": None,
                },
                "capabilities": list(model.capabilities),
                "modified_at": TIME,
            }
        )

    def _delete(self, exchange: Exchange) -> None:
        name = self._find(exchange)
        if name is not None:
            del self.models[name]
            self.loaded.pop(name, None)
            exchange.send_whole(b"")

    def _pull(self, exchange: Exchange) -> None:
        name = _whole_name(str(exchange.body.get("model") or exchange.body.get("name") or ""))
        exchange.begin_stream()
        _send_line(exchange, {"status": "pulling manifest"})
        pull = self.pullable.get(name)
        if pull is None:
            _send_line(exchange, {"error": "pull model manifest: file does not exist"})
        else:
            for line in self._pull_layers(name, pull):
                _send_line(exchange, line)
                time.sleep(pull.pause_s)
        exchange.end_stream()

    def _pull_layers(self, name: str, pull: Pull) -> Iterator[Body]:
        for number, total in enumerate(pull.layers):
            digest = f"sha256:{hash_text(f'{name} {number}')}"
            for step in range(pull.steps + 1):
                done = max(self.downloaded.get(digest, 0), total * step // pull.steps)
                self.downloaded[digest] = done
                yield {
                    "status": f"pulling {digest[7:19]}",
                    "digest": digest,
                    "total": total,
                    **({"completed": done} if done else {}),
                }
                if pull.error and step == pull.steps // 2:
                    yield {"error": pull.error}
                    return
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            yield {"status": status}
        self.models[name] = pull.becomes

    def _generate(self, exchange: Exchange) -> None:
        name = self._find(exchange)
        if name is None:
            return
        body, model = exchange.body, self.models[name]
        is_empty = not body.get("prompt") and not body.get("messages")
        options = body.get("options")
        options = options if isinstance(options, dict) else {}
        if isinstance(body.get("keep_alive"), str) and str(body["keep_alive"]).lstrip("-").isdigit():
            exchange.send_json({"error": "time: missing unit in duration"}, status=400)
        elif body.get("think") is True and "thinking" not in model.capabilities:
            exchange.send_json({"error": f'"{name}" does not support thinking'}, status=400)
        elif is_empty and body.get("keep_alive") == 0:
            self.loaded.pop(name, None)
            self._end(exchange, body, {"done_reason": "unload"})
        else:
            window = min(int(options.get("num_ctx", 4096)), model.context_length)
            self.loaded[name] = window
            asked = _count_tokens(body)
            if is_empty:
                self._end(exchange, body, {"done_reason": "load"})
            elif asked > window and body.get("truncate") is False:
                exchange.send_json({"error": _TOO_LONG}, status=400)
            else:
                self._speak(exchange, min(asked, window), int(options.get("num_predict", -1)))

    def _end(self, exchange: Exchange, body: Body, end: Body) -> None:
        exchange.send_json(
            {"model": body.get("model"), "created_at": TIME, "response": "", "done": True, **end}
        )

    def _speak(self, exchange: Exchange, prompt_tokens: int, limit: int) -> None:
        body = exchange.body
        text = self.answer(body) if self.answer else default_answer(body)
        tokens = [
            text[place : place + _CHARACTERS_PER_TOKEN]
            for place in range(0, len(text), _CHARACTERS_PER_TOKEN)
        ]
        is_cut = 0 <= limit < len(tokens)
        said = limit if is_cut else len(tokens)
        with self._slots:
            with self._counting:
                self._busy += 1
                self.most_at_once = max(self.most_at_once, self._busy)
            try:
                exchange.begin_stream()
                for token in tokens[:said]:
                    if self.token_s:
                        time.sleep(self.token_s)
                    _send_line(exchange, token_line(body, token))
                _send_line(exchange, end_line(body, prompt_tokens, said, "length" if is_cut else "stop"))
                exchange.end_stream()
            finally:
                with self._counting:
                    self._busy -= 1


def default_answer(body: Body) -> str:
    """Return the smallest answer that the request's format lets pass, or a few words without a format."""
    schema = body.get("format")
    if not schema:
        return "Hello, I am a scripted model."
    return json.dumps(smallest_answer(schema), separators=(",", ":"))


def token_line(body: Body, text: str) -> Body:
    """Return the line of one token, in the form of the endpoint that was asked."""
    said: Body = (
        {"message": {"role": "assistant", "content": text}} if "messages" in body else {"response": text}
    )
    return {"model": body.get("model"), "created_at": TIME, **said, "done": False}


def end_line(body: Body, prompt_tokens: int, output_tokens: int, reason: str) -> Body:
    """Return the last line of an answer."""
    return token_line(body, "") | {
        "done": True,
        "done_reason": reason,
        "total_duration": 5_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": prompt_tokens,
        "prompt_eval_duration": 2_000_000,
        "eval_count": output_tokens,
        "eval_duration": 1_500_000,
    }


def break_off(*texts: str, then: str = "end", error: str = "") -> Fault:
    """Say these tokens, then perhaps an error line, and `end` without `done`, `cut` or `stall`."""
    lines = [_line({"model": "m", "created_at": TIME, "response": text, "done": False}) for text in texts]
    if error:
        lines.append(_line({"error": error}))
    return send_lines(*lines, then=then)


def refuse_busy() -> Fault:
    """Answer 503, as when the queue is full."""
    return refuse(503, "server busy, please try again.  maximum pending requests exceeded")


def refuse_memory() -> Fault:
    """Answer as when the model does not fit the memory at load."""
    return refuse(500, "model requires more system memory (12.4 GiB) than is available (7.1 GiB)")


def send_huge_line(length: int = 70_000_000) -> Fault:
    """Send one line without an end."""
    return send_lines(*[b'{"response":"' + b"x" * 1_000_000] + [b"x" * 1_000_000] * (length // 1_000_000))


def _count_tokens(body: Body) -> int:
    texts = [str(body.get("system") or ""), str(body.get("prompt") or "")]
    messages = body.get("messages")
    if isinstance(messages, list):
        texts.extend(str(message.get("content")) for message in messages if isinstance(message, dict))
    return sum(len(text) for text in texts) // _CHARACTERS_PER_TOKEN + 1


def _whole_name(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


def _send_line(exchange: Exchange, line: Body) -> None:
    exchange.send_chunk(_line(line))


def _line(value: Body) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
