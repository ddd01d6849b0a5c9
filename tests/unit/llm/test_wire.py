"""HTTP to an engine's server: connections kept, silence noticed, every failure with its own name."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from holocron.errors import (
    CompletionCancelled,
    EngineUnknown,
    EngineUnreachable,
    ModelError,
    ModelStalled,
    SettingsInvalid,
    Unreachable,
)
from holocron.llm import wire
from holocron.llm.wire import EngineAddress, EngineServer, Patience
from scripted_http import Exchange, Fault, ScriptedServer, drop_at_once, send_lines, stall_at_once

BRIEF = Patience(connect_s=5, first_s=0.5, next_s=0.5)


class _Echo(ScriptedServer):
    """Says what it was asked, with the number of the connection's port."""

    def respond(self, exchange: Exchange, path: str) -> None:
        """Answer with the request and the client's port."""
        exchange.send_json({"path": path, "body": exchange.body, "port": exchange.client_address[1]})


@pytest.fixture
def echo() -> Iterator[_Echo]:
    """Return a server that says what it was asked."""
    with _Echo() as server:
        yield server


def _open(server: ScriptedServer, path: str = "") -> EngineServer:
    return EngineServer(server.url + path, engine="the engine", patience=BRIEF)


def _read(server: EngineServer, path: str = "/x") -> bytes:
    with server.send("POST", path, {"a": "é\ud800"}) as reply:
        return reply.read()


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "made"),
    [
        ("http://localhost:11434", "localhost", 11434, "", "http://localhost:11434"),
        (" http://Ollama:11434/ ", "ollama", 11434, "", "http://ollama:11434"),
        ("https://x.org/a/v1/", "x.org", None, "/a/v1", "https://x.org/a/v1"),
        ("http://[::1]:80/v1", "::1", 80, "/v1", "http://[::1]:80/v1"),
    ],
)
def test_an_address_is_taken_apart(url: str, host: str, port: int | None, path: str, made: str) -> None:
    """Spaces and a slash at the end are nothing."""
    address = EngineAddress(url)
    assert (address.host, address.port, address.path, address.url) == (host, port, path, made)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:11434",
        "ftp://x",
        "http://",
        "http://x:99999",
        "http://me:secret@x",
        "http://a..b",
        "http://x/é",
        "http://x/a b",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """The sentence shows what was written, but no password."""
    with pytest.raises(SettingsInvalid, match="is no address of a server") as caught:
        EngineAddress(url)
    assert "secret" not in str(caught.value)


def test_a_request_carries_its_path_and_body(echo: _Echo) -> None:
    """A path in the base URL stays in front; half a character is replaced."""
    assert b'"path": "/base/x"' in _read(_open(echo, "/base"))
    assert echo.requests[-1].body == {"a": "é?"}


def test_connections_are_kept(echo: _Echo) -> None:
    """One request after the other uses one connection."""
    server = _open(echo)
    assert len({_read(server) for _ in range(5)}) == 1


def _answer_and_close(exchange: Exchange) -> None:
    """Answer as if the connection were kept, and close it."""
    exchange.send_json(None)
    exchange.drop()


def test_a_connection_that_was_closed_meanwhile_is_made_anew(echo: _Echo) -> None:
    """A server may close what it kept; that is seen before anything is sent."""
    server = _open(echo)
    echo.plant("/x", _answer_and_close)
    _read(server)
    time.sleep(0.3)
    _read(server, "/y")
    assert [request.path for request in echo.requests] == ["/x", "/y"]


def test_a_connection_that_is_being_closed_is_made_anew(echo: _Echo) -> None:
    """A server may close what it kept just as it is used; a new connection has no such excuse."""
    server = _open(echo)
    _read(server)
    echo.plant("/x", drop_at_once())
    assert b'"path": "/x"' in _read(server)
    echo.plant("/x", drop_at_once(), times=2)
    with pytest.raises(EngineUnreachable) as caught:
        _read(server)
    assert caught.value.reason is Unreachable.LOST


def test_a_request_that_the_server_took_is_not_sent_again(echo: _Echo) -> None:
    """It may have been worked, and paid for: only who counts attempts may ask again."""

    def work_and_drop(exchange: Exchange) -> None:
        time.sleep(0.4)
        exchange.drop()

    server = _open(echo)
    _read(server)
    echo.plant("/x", work_and_drop)
    with pytest.raises(EngineUnreachable) as caught:
        _read(server)
    assert caught.value.reason is Unreachable.LOST
    assert len(echo.requests) == 2


def test_what_comes_without_a_question_is_no_answer(echo: _Echo) -> None:
    """A server that says more than it was asked is asked over another connection."""

    def say_more(exchange: Exchange) -> None:
        exchange.send_json("asked")
        exchange.send_json("not asked")

    server = _open(echo)
    echo.plant("/x", say_more)
    assert _read(server) == b'"asked"'
    time.sleep(0.3)
    assert b'"path": "/x"' in _read(server)


def test_silence_before_an_answer_is_noticed(echo: _Echo) -> None:
    """A server that says nothing is given up after its time."""
    echo.plant("/x", stall_at_once())
    begun = time.monotonic()
    with pytest.raises(ModelStalled, match=r"the engine at .* has sent nothing for 0.5 s"):
        _read(_open(echo))
    assert time.monotonic() - begun < 5


def test_silence_within_an_answer_is_told_from_slow_work(echo: _Echo) -> None:
    """Each token starts the time anew; only its absence ends the answer."""

    def slowly(exchange: Exchange) -> None:
        exchange.begin_stream()
        for _ in range(6):
            time.sleep(0.2)
            exchange.send_chunk(b"token\n")
        exchange.end_stream()

    echo.plant("/x", slowly)
    assert _read(_open(echo)) == b"token\n" * 6
    echo.plant("/x", send_lines(b"token\n", then="stall"))
    with pytest.raises(ModelStalled):
        _read(_open(echo))


@pytest.mark.parametrize(
    ("fault", "patience"),
    [
        (stall_at_once(), Patience(first_s=0.5, next_s=10)),
        (send_lines(b"token\n", then="stall"), Patience(first_s=10, next_s=0.5)),
    ],
    ids=["before", "within"],
)
def test_each_silence_has_its_own_limit(fault: Fault, patience: Patience, echo: _Echo) -> None:
    """A model that loads is waited for long, one that stops in mid-answer is not."""
    echo.plant("/x", fault)
    with pytest.raises(ModelStalled, match=r"sent nothing for 0\.5 s"):
        _read(EngineServer(echo.url, engine="the engine", patience=patience))


def test_a_cut_answer_is_an_error(echo: _Echo) -> None:
    """Chunks that never end, and fewer bytes than were promised, are no answer."""
    echo.plant("/x", send_lines(b"token\n", then="cut"))
    with pytest.raises(EngineUnreachable):
        _read(_open(echo))

    def promise(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("Content-Length", "100")
        exchange.end_headers()
        exchange.wfile.write(b"few")
        exchange.drop()

    echo.plant("/x", promise)
    with pytest.raises(EngineUnreachable):
        _read(_open(echo))


def test_an_answer_without_end_is_refused(echo: _Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is not for a server to fill, whether it is read as a whole or by lines."""
    monkeypatch.setattr(wire, "MOST_BYTES", 100_000)
    echo.plant("/x", send_lines(*[b"x" * 60_000] * 4), times=2)
    with pytest.raises(ModelError, match="longer than"):
        _read(_open(echo))
    with _open(echo).send("POST", "/x", {}) as reply, pytest.raises(ModelError, match="longer than"):
        list(reply.lines())


def test_a_stream_has_as_many_lines_as_it_takes(echo: _Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The progress of a long download is longer than any answer."""
    monkeypatch.setattr(wire, "MOST_BYTES", 100_000)
    echo.plant("/x", send_lines(*[b"x" * 60_000 + b"\n"] * 4))
    with _open(echo).send("POST", "/x", {}) as reply:
        assert len(list(reply.lines())) == 4


def test_waiting_is_given_up_on_request(echo: _Echo) -> None:
    """A caller that says no is heard within a moment, and the server learns of it."""
    echo.plant("/x", stall_at_once())
    server = EngineServer(echo.url, engine="the engine")
    with pytest.raises(CompletionCancelled), server.send("POST", "/x", {}, keep_waiting=lambda: False):
        pass


def test_closing_ends_what_waits(echo: _Echo) -> None:
    """A thread in the middle of a silence is freed when the server is closed."""
    echo.plant("/x", stall_at_once())
    server = EngineServer(echo.url, engine="the engine")
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            _read(server)
        except CompletionCancelled as problem:
            caught.append(problem)

    thread = threading.Thread(target=wait)
    thread.start()
    while not echo.requests:
        time.sleep(0.01)
    server.close()
    thread.join(10)
    assert len(caught) == 1
    with pytest.raises(CompletionCancelled):
        _read(server)


def test_lines_are_whole(echo: _Echo) -> None:
    """A line that comes in pieces is given once, and a last one without an end too."""
    echo.plant("/x", send_lines(b"one\ntw", b"o", b"\nthree"))
    with _open(echo).send("POST", "/x", {}) as reply:
        assert list(reply.lines()) == [b"one", b"two", b"three"]


def test_each_failure_to_connect_has_its_reason() -> None:
    """A name that means nothing is told from a port where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        refused = EngineServer(f"http://127.0.0.1:{port}", engine="the engine")
    with pytest.raises(EngineUnreachable) as caught:
        _read(refused)
    assert caught.value.reason is Unreachable.REFUSED
    assert caught.value.address == f"http://127.0.0.1:{port}"
    assert caught.value.retryable
    unnamed = EngineServer("http://no-such-host.invalid:1", engine="the engine")
    with pytest.raises(EngineUnreachable, match=r"'no-such-host\.invalid' is not known") as caught:
        _read(unnamed)
    assert caught.value.reason is Unreachable.NAME


def test_a_machine_that_is_off_is_not_a_connection_that_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no network leads, no request was sent, and no job is to blame."""

    def fail(_connection: wire._Connection) -> None:
        raise OSError(errno.EHOSTUNREACH, "No route to host")

    monkeypatch.setattr(wire._Connection, "connect", fail)
    with pytest.raises(EngineUnreachable, match="no network leads there: No route to host") as caught:
        _read(EngineServer("http://192.0.2.1:1", engine="the engine"))
    assert caught.value.reason is Unreachable.TIMEOUT


def test_what_speaks_no_http_is_something_else(echo: _Echo) -> None:
    """A server of another protocol is told from one that is not there."""

    def speak(exchange: Exchange) -> None:
        exchange.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        exchange.drop()

    echo.plant("/x", speak)
    with pytest.raises(EngineUnknown, match="does not speak HTTP"):
        _read(_open(echo))
    secure = EngineServer(echo.url.replace("http:", "https:"), engine="the engine", patience=BRIEF)
    with pytest.raises(EngineUnreachable) as caught:
        _read(secure)
    assert caught.value.reason is Unreachable.TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return an authority that nobody trusts yet."""
    return trustme.CA()


@pytest.fixture
def secure_echo(authority: trustme.CA) -> Iterator[_Echo]:
    """Return the same server over TLS, with a certificate of the authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with _Echo(tls=context) as server:
        yield server


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process trust the authority, as a user would."""
    certificate = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.mark.usefixtures("trusted")
def test_a_trusted_server_is_asked_over_tls(secure_echo: _Echo) -> None:
    """Requests, kept connections and streams are those of plain HTTP."""
    server = _open(secure_echo)
    assert server.url.startswith("https:")
    assert len({_read(server) for _ in range(5)}) == 1
    secure_echo.plant("/x", send_lines(b"token\n" * 20_000, b"the end"))
    assert _read(server).endswith(b"token\nthe end")


def test_an_untrusted_server_is_sent_nothing(secure_echo: _Echo) -> None:
    """The certificate is checked before the first byte of a request; the mend names the variable."""
    with pytest.raises(EngineUnreachable, match="its certificate is not trusted") as caught:
        _read(_open(secure_echo))
    assert caught.value.reason is Unreachable.TLS
    assert "SSL_CERT_FILE" in str(caught.value.hint)
    assert secure_echo.requests == []


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name_is_refused(secure_echo: _Echo) -> None:
    """Whoever can take over an address cannot take over its name."""
    server = EngineServer(f"https://localhost:{secure_echo.port}", engine="the engine", patience=BRIEF)
    with pytest.raises(EngineUnreachable, match="not valid for 'localhost'"):
        _read(server)
    assert secure_echo.requests == []


@pytest.mark.usefixtures("trusted")
def test_a_tls_connection_that_was_closed_meanwhile_is_made_anew(secure_echo: _Echo) -> None:
    """The end of a TLS connection is seen as that of a plain one."""
    server = _open(secure_echo)
    secure_echo.plant("/x", _answer_and_close)
    _read(server)
    time.sleep(0.3)
    _read(server, "/y")
    assert [request.path for request in secure_echo.requests] == ["/x", "/y"]


def test_the_environment_is_not_asked(echo: _Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for the internet is none for the machine itself."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert b"/x" in _read(_open(echo))
