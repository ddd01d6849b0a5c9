"""The wire format of OpenAI-compatible servers, scripted; and a real one, llama.cpp's own.

In: answers and faults as a test sets them, or a GGUF file. Out: what such a server says, event by event.
Never: listens beyond loopback. Use: `with OpenAIServerFake() as server: ... server.url + "/v1"`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from holocron.fingerprint import JSONValue
from scripted_http import Body, Exchange, Fault, ScriptedServer, send_lines, smallest_answer

_CHARACTERS_PER_TOKEN = 4
#: what llama.cpp's own server calls its model here
SERVED_NAME = "served"


@dataclass
class OpenAIServerFake(ScriptedServer):
    """A server that answers by rule."""

    #: name -> window
    models: dict[str, int] = field(default_factory=lambda: {"tiny": 8192})
    #: the bearer token it wants; empty for none
    key: str = ""
    answer: Callable[[Body], str] | None = None
    slots: int = 4
    token_s: float = 0.0

    def __post_init__(self) -> None:
        """Make the slots."""
        self._slots = threading.Semaphore(self.slots)

    def respond(self, exchange: Exchange, path: str) -> None:
        """Answer as vLLM does."""
        if self.key and exchange.headers.get("Authorization") != f"Bearer {self.key}":
            sent = exchange.headers.get("Authorization", "").removeprefix("Bearer ")
            say_error(401, f"Incorrect API key provided: {sent}")(exchange)
        elif path == "/v1/models":
            exchange.send_json(
                {
                    "object": "list",
                    "data": [
                        {"id": name, "object": "model", "owned_by": "scripted", "max_model_len": window}
                        for name, window in self.models.items()
                    ],
                }
            )
        elif path == "/v1/chat/completions":
            self._chat(exchange)
        else:
            exchange.send_json({"detail": "Not Found"}, status=404)

    def _chat(self, exchange: Exchange) -> None:
        body = exchange.body
        name, messages = str(body.get("model")), body.get("messages")
        if name not in self.models:
            say_error(404, f"The model `{name}` does not exist.")(exchange)
            return
        texts = [str(message["content"]) for message in messages]
        asked, window = sum(map(len, texts)) // _CHARACTERS_PER_TOKEN + 1, self.models[name]
        if asked > window:
            say_error(
                400,
                f"This model's maximum context length is {window} tokens. However, you requested "
                f"{asked + 10} tokens ({asked} in the messages, 10 in the completion).",
            )(exchange)
            return
        form = body.get("response_format")
        schema: JSONValue = None
        if isinstance(form, dict) and form.get("type") == "json_schema":
            schema = form["json_schema"]["schema"]
        text = self.answer(body) if self.answer else json.dumps(smallest_answer(schema or {"type": "object"}))
        with self._slots:
            self._speak(exchange, text, asked, int(body.get("max_tokens", 4096)))

    def _speak(self, exchange: Exchange, text: str, asked: int, limit: int) -> None:
        tokens = [
            text[place : place + _CHARACTERS_PER_TOKEN]
            for place in range(0, len(text), _CHARACTERS_PER_TOKEN)
        ]
        exchange.begin_stream("text/event-stream")
        for token in tokens[:limit]:
            time.sleep(self.token_s)
            exchange.send_chunk(event(delta={"content": token}))
        exchange.send_chunk(event(delta={}, finish_reason="length" if limit < len(tokens) else "stop"))
        usage: Body = {"prompt_tokens": asked, "completion_tokens": min(limit, len(tokens))}
        exchange.send_chunk(_render_event({"object": "chat.completion.chunk", "choices": [], "usage": usage}))
        exchange.send_chunk(b"data: [DONE]\n\n")
        exchange.end_stream()


def event(**choice: JSONValue) -> bytes:
    """Return one event of a streamed answer."""
    return _render_event({"object": "chat.completion.chunk", "choices": [{"index": 0, **choice}]})


def say_error(status: int, message: str, **details: JSONValue) -> Fault:
    """Answer with an error object."""
    error: JSONValue = {"message": message, "code": status, **details}
    return lambda exchange: exchange.send_json({"error": error}, status=status)


def break_off(*texts: str, then: str = "end", error: str = "") -> Fault:
    """Say these tokens, then perhaps an error event, and `end` without a reason, `cut` or `stall`."""
    lines = [event(delta={"content": text}) for text in texts]
    if error:
        lines.append(_render_event({"error": {"message": error}}))
    return send_lines(*lines, then=then)


@contextmanager
def serve_gguf(path: Path, *, slots: int = 4, context_tokens: int = 1024, key: str = "") -> Iterator[str]:
    """Run llama.cpp's own OpenAI-compatible server over a file and give its base URL."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {SERVED_NAME}
    params.n_parallel, params.n_ctx = slots, slots * context_tokens
    params.ctx_shift = params.fit_params = params.warmup = params.ui = False
    params.verbosity = -1
    params.enable_reasoning = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_threads_http = slots + 2
    params.hostnames, params.port = ["127.0.0.1"], 0
    if key:
        params.api_keys = [key]
    server = xllamacpp.Server(params)
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server


def _render_event(value: Body) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"
