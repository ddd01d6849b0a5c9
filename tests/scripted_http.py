"""A small HTTP/1.1 server for tests, and the faults that any engine's server can have.

In: routes of a subclass, faults planted with `plant`. Out: answers on a loopback port, and a record of what
was asked. Never: breaks at random; a fault strikes the next requests of its path, as often as was said.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeAlias

from holocron.fingerprint import JSONValue

#: as it came, so that a test reads it without asking for its kinds
Body: TypeAlias = "dict[str, Any]"


class Exchange(BaseHTTPRequestHandler):
    """One request and what is said to it."""

    protocol_version = "HTTP/1.1"
    server: _Listener
    body: Body

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer()

    def do_DELETE(self) -> None:
        """Answer a DELETE."""
        self._answer()

    def send_json(self, value: JSONValue, *, status: int = 200) -> None:
        """Send one whole JSON body."""
        self.send_whole(json.dumps(value).encode(), status=status, kind="application/json; charset=utf-8")

    def send_whole(self, content: bytes, *, status: int = 200, kind: str = "text/html") -> None:
        """Send a body of a known length."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def begin_stream(self, kind: str = "application/x-ndjson") -> None:
        """Send the head of a chunked answer."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_chunk(self, content: bytes) -> None:
        """Send one chunk; raises OSError where the client is gone."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

    def end_stream(self) -> None:
        """End a chunked answer properly."""
        self.wfile.write(b"0\r\n\r\n")

    def drop(self) -> None:
        """Close the connection without another byte."""
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parameter's name is the library's
        """Say nothing."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        content = self.rfile.read(length)
        self.body = json.loads(content) if content else {}
        owner, path = self.server.owner, self.path.partition("?")[0]
        try:
            owner.note(self.command, path, self.body, dict(self.headers))
            fault = owner.take_fault(path)
            if fault is None:
                owner.respond(self, path)
            else:
                fault(self)
        except OSError:
            owner.broken += 1
            self.drop()


Fault: TypeAlias = Callable[[Exchange], None]


class _Listener(ThreadingHTTPServer):
    owner: ScriptedServer
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    body: Body
    headers: dict[str, str]


@dataclass
class ScriptedServer(ABC):
    """Listens between `with` and its end: on a free loopback port, unless it is told another address."""

    address: tuple[str, int] = ("127.0.0.1", 0)
    #: what it proves itself with where it speaks TLS
    tls: ssl.SSLContext | None = None
    #: everything that was asked, in order
    requests: list[Request] = field(default_factory=list)
    #: how often a client went away in the middle of an answer
    broken: int = 0

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.Lock()
        #: set when the server ends, so that what waits ends too
        self.ending = threading.Event()
        self._listener = _Listener(self.address, Exchange)
        self._listener.owner = self
        if self.tls is not None:
            self._listener.socket = self.tls.wrap_socket(self._listener.socket, server_side=True)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self.ending.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self._listener.server_address[1])

    @property
    def url(self) -> str:
        """Return its address without a path."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def plant(self, path: str, *faults: Fault, times: int = 1) -> None:
        """Let the next requests of a path meet these faults, one each, `times` over."""
        with self._lock:
            self._faults[path].extend(faults * times)

    def take_fault(self, path: str) -> Fault | None:
        """Return the fault that the next request of a path meets."""
        with self._lock:
            waiting = self._faults[path]
            return waiting.popleft() if waiting else None

    def note(self, method: str, path: str, body: Body, headers: dict[str, str]) -> None:
        """Remember a request."""
        with self._lock:
            self.requests.append(Request(method=method, path=path, body=body, headers=headers))

    def asked(self, path: str) -> list[Body]:
        """Return the bodies that were sent to a path."""
        with self._lock:
            return [request.body for request in self.requests if request.path == path]

    @abstractmethod
    def respond(self, exchange: Exchange, path: str) -> None:
        """Answer a request without a fault."""


def refuse(status: int, message: JSONValue) -> Fault:
    """Answer with an error object, as `{"error": message}`."""
    return lambda exchange: exchange.send_json({"error": message}, status=status)


def answer_page(content: bytes = b"<html><title>Welcome</title></html>") -> Fault:
    """Answer with a page, as some other server on the port would."""
    return lambda exchange: exchange.send_whole(content)


def drop_at_once() -> Fault:
    """Close the connection without an answer."""
    return lambda exchange: exchange.drop()


def stall_at_once() -> Fault:
    """Take the request and say nothing until the server ends."""

    def fault(exchange: Exchange) -> None:
        exchange.server.owner.ending.wait()
        exchange.drop()

    return fault


def send_lines(*lines: bytes, then: str = "end") -> Fault:
    """Stream these lines as chunks, then `end` properly, `cut` the connection or `stall`."""

    def fault(exchange: Exchange) -> None:
        exchange.begin_stream()
        for line in lines:
            exchange.send_chunk(line)
        if then == "end":
            exchange.end_stream()
            return
        if then == "stall":
            exchange.server.owner.ending.wait()
        exchange.drop()

    return fault


def smallest_answer(schema: Any, root: Any = None) -> JSONValue:
    """Return a small value that fits a decoding schema without patterns."""
    root = schema if root is None else root
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return smallest_answer(root["$defs"][name], root)
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return smallest_answer(schema[keyword][0], root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        parts = schema.get("properties", {})
        return {name: smallest_answer(part, root) for name, part in parts.items()}
    if kind == "array":
        return [smallest_answer(schema.get("items"), root)] * max(1, int(schema.get("minItems", 0)))
    if kind == "string" and "pattern" in schema:
        count = re.search(r"\{(\d+)", str(schema["pattern"]))
        return "x" * int(count[1] if count else 1)
    if kind == "string":
        formats = {"date": "2026-01-01", "uuid": "00000000-0000-4000-8000-000000000000"}
        return formats.get(str(schema.get("format")), "x" * max(1, int(schema.get("minLength", 1))))
    if kind in ("integer", "number"):
        return max(1, int(schema.get("minimum", 1)))
    return {"boolean": True}.get(str(kind))
