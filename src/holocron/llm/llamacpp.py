"""The engine inside this process: llama.cpp, from the xllamacpp wheel, over one GGUF file.

In: prompts, from several threads at once. Out: completions that the schema's grammar held.
Never: opens a network port where Unix sockets exist, cuts or shifts a prompt, or prints.
The weights are loaded by the first completion: work that is already done needs none.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import tempfile
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Protocol

from holocron.derivation.prompt import Prompt
from holocron.errors import CompletionCancelled, ModelDamaged, ModelError, SettingsInvalid
from holocron.llm.cores import count_cores
from holocron.llm.gguf import hash_model, read_gguf
from holocron.llm.guidance import render_grammar
from holocron.llm.model import Completion, ModelIdentity, OnProgress
from holocron.llm.stream import AnswerStream
from holocron.llm.window import choose_window, estimate_tokens

#: more requests at once gain nothing on two cores, and each costs a window of memory
DEFAULT_SLOTS = 4
_SMALL_MODEL_BYTES = 32_000_000
_CHAT_MARK = r"<\|[A-Za-z0-9_]+\|>"
_WAIT_S = 0.2
_CLOSE_WAIT_S = 30.0


class _Server(Protocol):
    def handle_chat_completions(self, prompt: str, callback: Callable[[str], bool]) -> None: ...


def builtin_model_path() -> Path | None:
    """Return the model that ships inside this package, or None where none does."""
    path = Path(__file__).with_name("builtin.gguf")
    return path if path.is_file() else None


def load_library() -> str:
    """Load llama.cpp and return its version. Raises: ModelError where this machine cannot."""
    # Read by the library as it is loaded: threads that wait for each other sleep instead of spinning, which
    # makes answers ten times slower as soon as another process wants the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import xllamacpp  # noqa: F401 - 100 MB of library: loaded only where a model is
    except (ImportError, OSError) as problem:
        raise ModelError(
            f"the engine in this process cannot be loaded: {problem}",
            hint="Install it again: pip install --force-reinstall xllamacpp. Bare Linux needs libgomp1.",
        ) from problem
    return _engine_version()


class LlamaCppModel:
    """A GGUF file as a LanguageModel.

    path: the file. name: how the user named it, `gguf:PATH` where left out. slots: requests at once.
    context_tokens: the window of each request, rounded down to a multiple of 256.
    Raises: ModelNotFound, ModelDamaged, SettingsInvalid.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str | None = None,
        slots: int | None = None,
        context_tokens: int | None = None,
    ) -> None:
        header = read_gguf(path)
        self._slots = DEFAULT_SLOTS if slots is None else slots
        if self._slots < 1:
            raise SettingsInvalid(f"a model cannot work with {self._slots} slots", hint="Use 1 or more.")
        context = choose_window(header.context_length, context_tokens)
        self._vocabulary_size = header.vocabulary_size
        self._marks = _compile_marks(header.control_tokens)
        self._engine = _Engine(partial(_start_server, path, self._slots, context))
        self._close = weakref.finalize(self, self._engine.close)
        self._identity = ModelIdentity(
            name=name or f"gguf:{path}",
            digest=hash_model(path),
            engine="llama.cpp",
            engine_version=_engine_version(),
            context_tokens=context,
        )

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""
        return self._identity

    @property
    def slots(self) -> int:
        """How many requests in flight are worth having."""
        return self._slots

    def estimate_tokens(self, text: str) -> int:
        """Return about how many tokens a text takes."""
        return estimate_tokens(text, self._vocabulary_size)

    def complete(self, prompt: Prompt, on_progress: OnProgress | None = None) -> Completion:
        """Answer a prompt under its schema.

        on_progress may be called from another thread, with 0 while the prompt is being read.
        Raises: PromptTooLong, SchemaRefused, CompletionCancelled, ModelDamaged, ModelError.
        """
        request = self._render_request(prompt)
        stream = AnswerStream(prompt.schema, on_progress)
        if threading.current_thread() is threading.main_thread():
            _call_off_main_thread(self._engine, request, stream)
        else:
            self._engine.call(request, stream)
        return stream.finish()

    def close(self) -> None:
        """Stop what is in flight and free the weights; may be called twice."""
        self._close()

    def _render_request(self, prompt: Prompt) -> str:
        return json.dumps(
            {
                "messages": [
                    {"role": message.role.value, "content": self._defuse(message.content)}
                    for message in prompt.messages
                ],
                "grammar": render_grammar(prompt.schema),
                "max_tokens": prompt.max_output_tokens,
                "temperature": 0,
                "samplers": ["top_k"],
                "top_k": 1,
                "stream": True,
                "stream_options": {"include_usage": True},
                "return_progress": True,
            }
        )

    def _defuse(self, text: str) -> str:
        """Break what would end a turn of the conversation if a document said it; replace lone surrogates."""
        marked = self._marks.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)
        return marked.encode("utf-8", "replace").decode()


class _Engine:
    """One server inside this process: starts at the first call, and ends every call before it goes."""

    def __init__(self, start: Callable[[], _Server]) -> None:
        self._start = start
        self._server: _Server | None = None
        self._closed = False
        self._streams: set[AnswerStream] = set()
        self._changed = threading.Condition()

    def call(self, request: str, stream: AnswerStream) -> None:
        with self._changed:
            if self._closed:
                raise CompletionCancelled("the model is closed")
            self._server = self._server or self._start()
            server = self._server
            self._streams.add(stream)
        try:
            server.handle_chat_completions(request, stream.receive)
        except (RuntimeError, ValueError) as problem:
            raise ModelError(f"llama.cpp refused the request: {problem}") from problem
        finally:
            with self._changed:
                self._streams.discard(stream)
                self._changed.notify_all()

    def close(self) -> None:
        # At exit this runs before Python stops its threads; one that is stopped inside llama.cpp
        # would take the process down with it.
        with self._changed:
            self._closed = True
            for stream in self._streams:
                stream.cancel("the model was closed")
            self._changed.wait_for(lambda: not self._streams, timeout=_CLOSE_WAIT_S)
            self._server = None


def _call_off_main_thread(engine: _Engine, request: str, stream: AnswerStream) -> None:
    """Keep the main thread in Python, where Ctrl-C arrives: inside llama.cpp's callback it would be lost."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="holocron-llm") as pool:
        call = pool.submit(engine.call, request, stream)
        try:
            while not call.done():
                wait([call], timeout=_WAIT_S)  # Windows lets no Ctrl-C into a wait without end
        except BaseException:
            stream.cancel("interrupted")
            raise
        call.result()


def _start_server(path: Path, slots: int, context_tokens: int) -> _Server:
    load_library()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = slots
    params.n_ctx = slots * context_tokens
    params.n_batch = params.n_ubatch = 512  # also how often a long prompt reports progress
    params.ctx_shift = False
    params.fit_params = False
    params.warmup = False
    params.cache_ram_mib = 0
    params.prefill_assistant = False
    # The chat parser would hold the answer to a grammar of its own, and fail on cut answers.
    params.force_pure_content_parser = True
    params.enable_reasoning = 0
    params.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    params.verbosity = -1
    params.n_threads_http = 1
    params.ui = False
    # Threads that wait for each other cost a small model more than they bring: 25 times on a busy machine.
    small = path.stat().st_size < _SMALL_MODEL_BYTES
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1 if small else count_cores()
    try:
        with tempfile.TemporaryDirectory(prefix="holocron-") as folder:
            _hide_server(params, Path(folder))
            server: _Server = xllamacpp.Server(params)
            return server
    except RuntimeError as problem:
        raise ModelDamaged(
            f"llama.cpp cannot load {path}",
            hint="It may be damaged, of a newer kind than this xllamacpp knows, or too large for the memory; "
            "try another file, fewer slots or a smaller window.",
        ) from problem


class _Addressed(Protocol):
    hostnames: list[str]
    port: int
    api_keys: list[str]


def _hide_server(params: _Addressed, folder: Path) -> None:
    """Keep others away from the HTTP server that llama.cpp always starts.

    It gets a socket file in a folder that only this user may enter and that is deleted as soon as the server
    is up; where there are no such sockets, a loopback port that takes a random key.
    """
    address = str(folder / "s.sock")
    if hasattr(socket, "AF_UNIX") and len(address) < 100:
        params.hostnames = [address]
    else:
        params.hostnames = ["127.0.0.1"]
        params.port = 0
    params.api_keys = [secrets.token_hex(32)]


def _compile_marks(control_tokens: tuple[str, ...]) -> re.Pattern[str]:
    named = sorted((re.escape(token) for token in control_tokens if len(token) > 2), key=len, reverse=True)
    return re.compile("|".join([_CHAT_MARK, *named]))


def _engine_version() -> str:
    from importlib.metadata import version

    return f"xllamacpp {version('xllamacpp')}"
