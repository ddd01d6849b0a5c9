"""A server that says the same to every request, after a set time: what is left is the client's own cost.

    python -m bench.instant_server PORT LATENCY_S TEXT [token-by-token]

It speaks Ollama's wire format as far as a derivation needs it, in one thread of its own process, and prints
the port it listens on. An answer goes out in one piece, or each token on its own.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import sys
from functools import partial
from typing import cast

DIGEST = "0" * 64
NAME = "instant:latest"


class _Protocol(asyncio.Protocol):
    """One kept connection."""

    def __init__(self, latency_s: float, pieces: tuple[bytes, ...]) -> None:
        self._latency_s = latency_s
        self._pieces = pieces
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way back."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, content: bytes) -> None:
        """Answer every whole request."""
        self._received += content
        head, mark, rest = self._received.partition(b"\r\n\r\n")
        if not mark:
            return
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        if len(rest) < length:
            return
        self._received = rest[length:]
        path = head.split(b" ", 2)[1]
        if path == b"/api/generate" and b'"prompt": ""' not in rest[:length]:
            asyncio.get_running_loop().call_later(self._latency_s, self._send, self._pieces)
        else:
            self._send((_render_json(path),))

    def _send(self, pieces: tuple[bytes, ...]) -> None:
        """Send the first piece, and the others after what the loop has to do besides."""
        if self._transport is not None:
            self._transport.write(pieces[0])
        if len(pieces) > 1:
            asyncio.get_running_loop().call_soon(self._send, pieces[1:])


def _render_answer(text: str) -> tuple[bytes, ...]:
    """Return the text in tokens of four characters, a piece each, as Ollama streams it."""
    lines = [
        {"model": NAME, "created_at": "2026-01-01T00:00:00Z", "response": text[at : at + 4], "done": False}
        for at in range(0, len(text), 4)
    ]
    lines.append(lines[-1] | {"response": "", "done": True, "done_reason": "stop", "eval_count": len(lines)})
    chunks = [json.dumps(line).encode() + b"\n" for line in lines]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    first, *others = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return (head + first, *others[:-1], others[-1] + b"0\r\n\r\n")


def _render_json(path: bytes) -> bytes:
    listed = {"name": NAME, "model": NAME, "digest": DIGEST, "context_length": 8192}
    said = {
        b"/api/version": {"version": "0.24.0"},
        b"/api/tags": {"models": [listed]},
        b"/api/ps": {"models": [listed]},
        b"/api/show": {
            "template": "{{ .System }}{{ .Prompt }}",
            "model_info": {"general.architecture": "llama", "llama.context_length": 8192},
            "capabilities": ["completion"],
        },
    }
    body = json.dumps(said.get(path, {"done": True, "done_reason": "load"})).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


def _make_loop() -> asyncio.AbstractEventLoop:
    """Return a loop whose timers are exact: epoll would round every answer up to the next millisecond."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


async def serve(port: int, latency_s: float, text: str, *, token_by_token: bool) -> None:
    """Answer until the process ends."""
    loop = asyncio.get_running_loop()
    pieces = _render_answer(text)
    if not token_by_token:
        pieces = (b"".join(pieces),)
    server = await loop.create_server(partial(_Protocol, latency_s, pieces), "127.0.0.1", port, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=_make_loop) as runner:
        port, latency_s, text, *how = sys.argv[1:]
        runner.run(serve(int(port), float(latency_s), text, token_by_token=bool(how)))
