"""HTTP to an engine's server: connections that are kept, answers as they arrive, silence that is noticed.

In: a base URL and requests, from several threads at once. Out: a status and bytes, or a ModelError.
Never: reads the environment, goes through a proxy, follows a redirect, or parses what it carries.
It is http.client: 0.25 ms of CPU for a streamed request with 32 in flight, urllib3 0.65 (bench/engines.py).
"""

from __future__ import annotations

import errno
import io
import json
import socket
import ssl
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import (
    BadStatusLine,
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    IncompleteRead,
    RemoteDisconnected,
)
from typing import Any
from urllib.parse import urlsplit

from holocron.errors import (
    CompletionCancelled,
    EngineUnknown,
    EngineUnreachable,
    ModelError,
    ModelStalled,
    SettingsInvalid,
    Unreachable,
)
from holocron.fingerprint import JSONValue

#: how often a silent connection asks whether it should go on
_POLL_S = 0.25
#: a kept connection that its server is closing ends so soon after it was used
_CLOSING_S = 0.25
#: a machine that is off, or a network that is
_NO_WAY = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH})
_READ_BYTES = 65_536
#: the most that one answer may bring, or one line of a stream
MOST_BYTES = 64_000_000

#: asked while a server is silent; False gives up
KeepWaiting = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a silent server is waited for, in seconds."""

    connect_s: float = 10.0
    #: until the answer begins: it may wait in a queue, load the model and read a long prompt first
    first_s: float = 900.0
    #: from then on
    next_s: float = 120.0


class EngineAddress:
    """A base URL taken apart.

    Raises: SettingsInvalid where it is no http or https URL.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url.strip())
            self.host, self.port = parts.hostname or "", parts.port
            self.host.encode("idna")
            parts.path.encode("ascii")
        except ValueError:  # a UnicodeError is one
            parts, self.host = urlsplit(""), ""
        if (
            parts.scheme not in ("http", "https")
            or not self.host
            or parts.username is not None
            or " " in parts.path
        ):
            shown = url.rpartition("@")[2]  # what stands before it is a secret
            raise SettingsInvalid(
                f"{shown!r} is no address of a server",
                hint="Write it as http://HOST:PORT, without a user's name. See: holocron doctor",
            )
        self.is_secure = parts.scheme == "https"
        self.path = parts.path.rstrip("/")
        port = "" if self.port is None else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        self.url = f"{parts.scheme}://{host}{port}{self.path}"


class Reply:
    """A server's answer: its status, and its body as it arrives."""

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response
        self.status = response.status

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives.

        Raises: EngineUnreachable where it is cut, ModelError where it has no end.
        """
        total = 0
        for chunk in self._receive():
            total = _limit(total + len(chunk))
            yield chunk

    def lines(self) -> Iterator[bytes]:
        """Yield the body's lines as each one is complete; there may be any number of them.

        Raises: EngineUnreachable where it is cut, ModelError where a line has no end.
        """
        rest = b""
        for chunk in self._receive():
            *whole, rest = (rest + chunk).split(b"\n")
            _limit(len(rest))
            yield from whole
        if rest:
            yield rest

    def read(self) -> bytes:
        """Return the whole body."""
        return b"".join(self.chunks())

    def _receive(self) -> Iterator[bytes]:
        while chunk := self._response.read1(_READ_BYTES):
            yield chunk
        if self._response.length:
            raise IncompleteRead(b"", self._response.length)


class EngineServer:
    """One engine's server.

    url: where its API begins. engine: what it is called in sentences. headers: sent with every request.
    """

    def __init__(
        self,
        url: str,
        *,
        engine: str,
        headers: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.address = EngineAddress(url)
        self.engine = engine
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._patience = patience or Patience()
        self._idle: deque[_Connection] = deque()
        self._tls = ssl.create_default_context() if self.address.is_secure else None
        self._closed = False
        # a server that nobody closed leaves no open socket behind
        self._drop_idle = weakref.finalize(self, _close_all, self._idle)

    @property
    def url(self) -> str:
        """Return where its API begins."""
        return self.address.url

    @contextmanager
    def send(
        self,
        method: str,
        path: str,
        body: JSONValue = None,
        *,
        keep_waiting: KeepWaiting | None = None,
        patience: Patience | None = None,
    ) -> Iterator[Reply]:
        """Send a request and give its reply; a body that is not read to its end costs the connection.

        Raises: EngineUnreachable, EngineUnknown, ModelStalled, CompletionCancelled (keep_waiting said no).
        """
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        silence = _Silence(self, patience or self._patience, keep_waiting)
        with self._translate():
            connection, response = self._request(method, self.address.path + path, content, silence)
            try:
                yield Reply(response)
            except BaseException:
                # the server learns that nobody listens any more, and stops working
                connection.close()
                raise
            finally:
                is_whole = response.isclosed() or response.length == 0
                response.close()
            if is_whole and not self._closed:
                connection.idle_since = time.monotonic()
                self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """End what is in flight and close every connection; may be called twice."""
        self._closed = True
        _close_all(self._idle)

    @property
    def is_closed(self) -> bool:
        """Tell whether it was closed."""
        return self._closed

    def _request(
        self, method: str, path: str, content: bytes | None, silence: _Silence
    ) -> tuple[_Connection, HTTPResponse]:
        while True:
            connection = self._take()
            was_kept, begun = connection.sock is not None, time.monotonic()
            try:
                connection.timeout = silence.patience.connect_s
                if connection.sock is None:
                    connection.connect()
                sock: socket.socket = connection.sock
                sock.settimeout(silence.patience.connect_s)
                connection.request(method, path, body=content, headers=self._headers)
                sock.sendall(connection.take_unsent())
                sock.settimeout(_POLL_S)
                connection.response_class = silence.read_from  # type: ignore[assignment]  # it makes one
                return connection, connection.getresponse()
            except (RemoteDisconnected, ConnectionError, ssl.SSLEOFError):
                connection.close()
                # a kept connection that ends at once was being closed; after that the request may be worked
                if not was_kept or time.monotonic() - begun > _CLOSING_S:
                    raise
            except BaseException:
                connection.close()
                raise

    def _take(self) -> _Connection:
        """Return a kept connection that its server has not closed meanwhile, or one still to be made."""
        if self._closed:
            raise CompletionCancelled("the model is closed")
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            # one that was just used is not looked at, for that costs a tenth of a request
            if time.monotonic() - connection.idle_since < _CLOSING_S or connection.is_silent():
                return connection
            connection.close()
        host, port = self.address.host, self.address.port
        if self._tls is not None:
            return _SecureConnection(host, port, context=self._tls)
        return _Connection(host, port)

    @contextmanager
    def _translate(self) -> Iterator[None]:
        """Give every error of sockets and HTTP its name in this family."""
        try:
            yield
        except socket.gaierror as problem:
            raise self._unreachable(
                Unreachable.NAME, f"the name {self.address.host!r} is not known here"
            ) from problem
        except ConnectionRefusedError as problem:
            raise self._unreachable(Unreachable.REFUSED, "nothing listens there") from problem
        except ssl.SSLCertVerificationError as problem:
            raise self._unreachable(
                Unreachable.TLS,
                f"its certificate is not trusted: {problem.verify_message}",
                hint="Set SSL_CERT_FILE to the certificate of the authority that issued it",
            ) from problem
        except (RemoteDisconnected, IncompleteRead, ssl.SSLEOFError) as problem:
            raise self._unreachable(Unreachable.LOST, "the connection broke") from problem
        except ssl.SSLError as problem:
            raise self._unreachable(Unreachable.TLS, f"TLS failed: {problem.reason}") from problem
        except TimeoutError as problem:
            raise self._unreachable(Unreachable.TIMEOUT, "it did not answer in time") from problem
        except (BadStatusLine, HTTPException) as problem:
            raise EngineUnknown(f"what answers at {self.url} does not speak HTTP") from problem
        except OSError as problem:
            said = problem.strerror or str(problem)
            if problem.errno in _NO_WAY:
                raise self._unreachable(Unreachable.TIMEOUT, f"no network leads there: {said}") from problem
            raise self._unreachable(Unreachable.LOST, f"the connection broke: {said}") from problem

    def _unreachable(
        self,
        reason: Unreachable,
        why: str,
        hint: str = "Check that it runs and that the address is right: holocron doctor",
    ) -> EngineUnreachable:
        return EngineUnreachable(
            f"{self.engine} at {self.url} cannot be reached: {why}",
            reason=reason,
            address=self.url,
            hint=hint,
        )


def _limit(size_bytes: int) -> int:
    if size_bytes > MOST_BYTES:
        raise ModelError(
            f"the answer is longer than {MOST_BYTES:,} bytes",
            hint="No answer of a model is: check what listens there. See: holocron doctor",
        )
    return size_bytes


def _close_all(connections: deque[_Connection]) -> None:
    while connections:
        connections.pop().close()


class _Connection(HTTPConnection):
    """A connection that keeps what it renders: http.client would send a head and its body one by one."""

    def __init__(self, host: str, port: int | None, **options: Any) -> None:
        super().__init__(host, port, **options)
        self._unsent: list[bytes] = []
        #: the time of its last answer's end
        self.idle_since = 0.0

    def send(self, data: bytes) -> None:  # type: ignore[override]  # files and iterables are never sent here
        """Keep a part of a request."""
        self._unsent.append(data)

    def is_silent(self) -> bool:
        """Tell whether nothing has come since the last answer; a connection's end is something."""
        try:
            self.sock.settimeout(0)
            self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            pass
        return False

    def take_unsent(self) -> bytes:
        """Return the request."""
        content = b"".join(self._unsent)
        self._unsent.clear()
        return content


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Silence:
    """Watches one answer: how long it has been silent, and whether anyone still wants it."""

    def __init__(self, server: EngineServer, patience: Patience, keep_waiting: KeepWaiting | None) -> None:
        self.patience = patience
        self._server = server
        self._keep_waiting = keep_waiting
        self._limit_s = patience.first_s
        self._since = time.monotonic()

    def read_from(self, sock: socket.socket, **options: object) -> HTTPResponse:
        """Return the response that is read from a socket under this watch."""
        return HTTPResponse(_Watched(sock, self), **options)  # type: ignore[arg-type]  # it only calls makefile

    def break_off(self) -> None:
        """Note that bytes came. Raises: CompletionCancelled where the server was closed meanwhile."""
        if self._server.is_closed:
            raise CompletionCancelled("the model was closed")
        self._limit_s = self.patience.next_s
        self._since = time.monotonic()

    def endure(self) -> None:
        """Go on waiting, or raise: ModelStalled, CompletionCancelled."""
        if self._server.is_closed:
            raise CompletionCancelled("the model was closed")
        if self._keep_waiting is not None and not self._keep_waiting():
            raise CompletionCancelled
        if time.monotonic() - self._since > self._limit_s:
            raise ModelStalled(
                f"{self._server.engine} at {self._server.url} has sent nothing for {self._limit_s:g} s"
            )


class _Watched(io.RawIOBase):
    """A socket's bytes; http.client's own reader cannot go on after a timeout."""

    def __init__(self, sock: socket.socket, silence: _Silence) -> None:
        self._sock = sock
        self._silence = silence
        # keeps the socket open when the connection lets go of it before the body has come
        self._hold = sock.makefile("rb", buffering=0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, _READ_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the buffer that BufferedReader gives
        while True:
            try:
                number = self._sock.recv_into(buffer)
            except TimeoutError:
                self._silence.endure()
            else:
                self._silence.break_off()
                return number

    def close(self) -> None:
        if not self.closed:
            self._hold.close()
        super().close()
