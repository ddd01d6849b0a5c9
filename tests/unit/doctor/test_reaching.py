"""Faults of real sockets, each told apart from the others, from the host and from inside a container."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from holocron.cli.commands import doctor
from holocron.doctor import Cause, Diagnosis, Health, ollama, reaching
from holocron.doctor.loading import WantedModel
from holocron.doctor.machine import Machine
from holocron.doctor.ollama import examine_ollama
from holocron.doctor.openai import examine_openai
from holocron.doctor.reaching import ServerPlace, diagnose_failure, find_addresses
from holocron.errors import EngineUnreachable, HolocronError, ModelUnavailable, Unreachable
from holocron.llm.wire import Patience
from ollama_server import OllamaServer
from scripted_http import answer_page, drop_at_once, refuse, stall_at_once

HOST, CONTAINER = "OLLAMA_HOST_BASE_URL", "OLLAMA_BASE_URL"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less than a person would."""
    brief = Patience(connect_s=0.5, first_s=0.5, next_s=0.5)
    monkeypatch.setattr(ollama, "QUICK", brief)


def place_of(url: str, *, in_container: bool = False, ollama_host: str = "") -> ServerPlace:
    """Return a place of Ollama's."""
    return ServerPlace(
        url=url,
        engine="Ollama",
        variable=CONTAINER if in_container else HOST,
        in_container=in_container,
        reason="it is a test",
        ollama_host=ollama_host,
    )


def examine(place: ServerPlace) -> Diagnosis:
    """Return the last thing that the doctor says of a place."""
    return list(examine_ollama(place, WantedModel(name="tiny"), Machine()))[-1]


@contextmanager
def listen(greeting: bytes | None) -> Iterator[str]:
    """Listen as no HTTP server does: with a greeting, or with silence and no accept."""
    with socket.create_server(("127.0.0.1", 0), backlog=4) as server:

        def greet() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.sendall(greeting or b"")
                    connection.recv(4096)
                    connection.close()

        if greeting is not None:
            threading.Thread(target=greet, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_refused_connection_from_the_host_says_how_to_start_it() -> None:
    """The mend has the three commands of the troubleshooting page."""
    found = examine(place_of(f"http://127.0.0.1:{closed_port()}"))
    assert (found.health, found.cause) == (Health.ERROR, Cause.REFUSED)
    for words in ("up -d ollama", "compose ps", "compose logs ollama", "compose port ollama 11434"):
        assert words in found.mend


def test_another_port_in_ollama_host_is_pointed_out() -> None:
    """Where OLLAMA_HOST moves the server, a refused connection says so."""
    found = examine(place_of(f"http://127.0.0.1:{closed_port()}", ollama_host="127.0.0.1:1"))
    assert "OLLAMA_HOST=127.0.0.1:1" in found.mend


def test_localhost_inside_a_container_is_the_container() -> None:
    """A refused connection from another container: the service's name is right, not localhost."""
    found = examine(place_of(f"http://127.0.0.1:{closed_port()}", in_container=True))
    assert (found.health, found.cause) == (Health.ERROR, Cause.HOST_ADDRESS)
    assert "http://ollama:11434" in found.mend
    assert "same Compose stack" in found.mend


@pytest.mark.parametrize(
    ("url", "in_container", "cause", "words"),
    [
        ("http://ollama:11434", False, Cause.CONTAINER_ADDRESS, "http://localhost:11434"),
        ("http://host.docker.internal:11434", False, Cause.CONTAINER_ADDRESS, HOST),
        ("http://olama.example.invalid:11434", False, Cause.NAME_UNKNOWN, HOST),
        ("http://ollama:11434", True, Cause.NAME_UNKNOWN, "docker network inspect"),
    ],
)
def test_a_name_that_is_not_known(
    monkeypatch: pytest.MonkeyPatch, url: str, in_container: bool, cause: Cause, words: str
) -> None:
    """The container's name on the host, a slip of the pen, and another stack are told apart."""

    def look_up(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    found = examine(place_of(url, in_container=in_container))
    assert (found.health, found.cause) == (Health.ERROR, cause)
    assert words in found.mend


def test_a_name_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up has a limit of its own: nothing else can end it."""
    never = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        never.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    began = time.monotonic()
    assert find_addresses("ollama", limit_s=0.1) == ()
    never.set()
    assert time.monotonic() - began < 2


def test_silence_is_a_timeout() -> None:
    """A port that takes connections and says nothing is told in bounded time."""
    began = time.monotonic()
    with listen(None) as url:
        found = examine(place_of(url))
    assert (found.health, found.cause) == (Health.ERROR, Cause.TIMEOUT)
    assert "docker compose restart ollama" in found.mend
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00\x01\x02\xff" * 20])
def test_what_speaks_no_http_is_another_server(greeting: bytes) -> None:
    """A greeting of another protocol is not taken for a broken Ollama."""
    with listen(greeting) as url:
        found = examine(place_of(url))
    assert (found.health, found.cause) == (Health.ERROR, Cause.OTHER_SERVER)
    assert HOST in found.mend


def test_a_web_server_on_the_port_is_another_server() -> None:
    """A page in place of an answer is told."""
    with OllamaServer() as server:
        server.plant("/api/version", answer_page())
        assert examine(place_of(server.url)).cause is Cause.OTHER_SERVER


def test_a_dropped_connection_is_broken() -> None:
    """A server that hangs up at once is neither refused nor silent."""
    with OllamaServer() as server:
        server.plant("/api/version", drop_at_once())
        assert examine(place_of(server.url)).cause is Cause.CONNECTION_BROKEN


def test_a_server_that_stops_half_way_is_told() -> None:
    """A version and then silence: what was found stays, and the silence is told."""
    with OllamaServer() as server:
        server.plant("/api/tags", stall_at_once())
        found = list(examine_ollama(place_of(server.url), WantedModel(name="tiny"), Machine()))
    assert [one.check for one in found][:2] == ["address", "server"]
    assert found[-1].cause is Cause.TIMEOUT


def test_a_server_that_says_503_fails() -> None:
    """An engine that is there and cannot work now is told apart from one that is away."""
    with OllamaServer() as server:
        server.plant("/api/tags", refuse(503, "server busy"))
        found = examine(place_of(server.url))
    assert (found.health, found.cause) == (Health.ERROR, Cause.SERVER_FAILS)
    assert "server busy" in found.sentence


@pytest.mark.parametrize("url", ["localhost:11434", "ftp://localhost", "http://", "http://me:secret@h:1"])
def test_an_address_that_is_no_url_is_told_without_its_secret(url: str) -> None:
    """What cannot be an address is a setting to correct."""
    found = examine(place_of(url))
    assert (found.health, found.cause) == (Health.ERROR, Cause.ADDRESS_INVALID)
    assert HOST in found.sentence
    assert "secret" not in found.sentence + found.mend


@pytest.mark.parametrize(
    ("problem", "cause"),
    [
        (EngineUnreachable("it is gone", reason=Unreachable.NAME), Cause.NAME_UNKNOWN),
        (EngineUnreachable("TLS failed", reason=Unreachable.TLS), Cause.CONNECTION_BROKEN),
        (EngineUnreachable("it is slow", reason=Unreachable.TIMEOUT), Cause.TIMEOUT),
        (ModelUnavailable("it is busy"), Cause.SERVER_FAILS),
    ],
)
def test_other_failures_have_their_cause(problem: HolocronError, cause: Cause) -> None:
    """TLS, a slow connection and a busy server are told apart."""
    assert diagnose_failure(place_of("https://127.0.0.1:1"), problem).cause is cause


def test_a_name_that_another_server_needs_is_said_with_its_own_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An OpenAI-compatible server's mend names its own variable, and no command of Ollama's."""
    monkeypatch.setattr(reaching, "_look_up", lambda _: ())
    place = ServerPlace(url="http://vllm:8000/v1", engine="the model's server", variable="OPENAI_BASE_URL")
    found = list(examine_openai(place, WantedModel(name="x"), None))[-1]
    assert found.cause is Cause.CONTAINER_ADDRESS
    assert "OPENAI_BASE_URL" in found.mend
    assert "OLLAMA" not in found.mend


def test_a_port_that_refuses_slowly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows says it after 2.0 s: until then the doctor waits, and does not call it a timeout."""

    def connect(_: object, timeout: float, *__: object) -> None:
        raise ConnectionRefusedError if timeout > 2.2 else TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    place = ServerPlace(url="http://127.0.0.1:1/v1", engine="the model's server", variable="OPENAI_BASE_URL")
    assert list(examine_openai(place, WantedModel(name="x"), None))[-1].cause is Cause.REFUSED


def test_two_addresses_that_refuse_slowly_fit_a_round() -> None:
    """The look-up of a name and both of its addresses are through before the round is called too slow."""
    assert reaching._NAME_LIMIT_S + 2 * reaching.QUICK.connect_s < doctor._LIMIT_S
