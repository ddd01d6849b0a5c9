"""Reaching an engine's server: why there is no connection, told apart, and what to do about each.

In: a server's place and what was raised there. Out: diagnoses. Never: tries a second time.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from dataclasses import dataclass

from holocron.doctor.diagnosis import Cause, Diagnosis, fail
from holocron.errors import (
    EngineUnknown,
    EngineUnreachable,
    HolocronError,
    ModelStalled,
    SettingsInvalid,
    Unreachable,
)
from holocron.llm.wire import EngineAddress, Patience

#: what a server that works needs to answer. Windows knocks three times at a closed port and calls it refused
#: after 2.0 s; two such addresses (::1 and 127.0.0.1) and the look-up of their name fit into one round.
QUICK = Patience(connect_s=2.5, first_s=3.0, next_s=3.0)
_NAME_LIMIT_S = 2.5
#: a name of Docker Desktop's, known inside its containers
_DOCKER_HOST = "host.docker.internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlace:
    """Where an engine's server is looked for, and from where."""

    url: str
    #: what the server is called in sentences
    engine: str
    #: the variable that says the address
    variable: str
    in_container: bool = False
    #: why this address counts, in a sentence
    reason: str = ""
    #: what OLLAMA_HOST holds here; empty where it is not set
    ollama_host: str = ""


def find_addresses(host: str, limit_s: float = _NAME_LIMIT_S) -> tuple[str, ...]:
    """Return the addresses of a host's name; none where it is not known or no name server answers in time."""
    found: queue.SimpleQueue[tuple[str, ...]] = queue.SimpleQueue()
    # no name server can be made to hurry; the thread ends with the process
    threading.Thread(target=lambda: found.put(_look_up(host)), daemon=True).start()
    try:
        return found.get(timeout=limit_s)
    except queue.Empty:
        return ()


def _look_up(host: str) -> tuple[str, ...]:
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in entries))


def is_loopback(address: str) -> bool:
    """Tell whether an address means the machine itself."""
    return ipaddress.ip_address(address).is_loopback


def diagnose_name(place: ServerPlace, address: EngineAddress) -> Diagnosis:
    """Return why a server's name is not known here."""
    said = f"the name {address.host!r} in {place.url} is not known here"
    if not place.in_container and ("." not in address.host or address.host == _DOCKER_HOST):
        mend = f"On the host set {place.variable} to the published port"
        if place.variable.startswith("OLLAMA"):
            mend += ", usually http://localhost:11434; OLLAMA_BASE_URL is for containers"
        return fail(
            "server",
            Cause.CONTAINER_ADDRESS,
            f"{said}: names like it are known inside containers only",
            f"{mend}.",
        )
    mend = (
        "Both containers must be in the same Compose stack: docker network ls, docker network inspect "
        f"NETWORK. Outside of Compose set {place.variable} to where the server is."
        if place.in_container
        else f"Check the name in {place.variable}, or write the address in numbers."
    )
    return fail("server", Cause.NAME_UNKNOWN, said, mend)


def diagnose_failure(place: ServerPlace, problem: HolocronError) -> Diagnosis:
    """Return what it means that a server cannot be talked to."""
    if isinstance(problem, EngineUnreachable):
        return _diagnose_silence(place, problem.reason, str(problem))
    if isinstance(problem, ModelStalled):
        return _diagnose_silence(place, Unreachable.TIMEOUT, str(problem))
    if isinstance(problem, EngineUnknown):
        mend = f"Another program has the port, or {place.variable} names another one. {problem.hint}"
        return fail("server", Cause.OTHER_SERVER, str(problem), mend.strip())
    if isinstance(problem, SettingsInvalid):
        return fail("server", Cause.KEY_REFUSED, str(problem), problem.hint)
    return fail(
        "server",
        Cause.SERVER_FAILS,
        str(problem),
        problem.hint or "Look into its log: docker compose logs ollama.",
    )


def _diagnose_silence(place: ServerPlace, reason: Unreachable, said: str) -> Diagnosis:
    address = EngineAddress(place.url)
    if reason is Unreachable.NAME:
        return diagnose_name(place, address)
    loopback = address.host == "localhost" or (_is_numeric(address.host) and is_loopback(address.host))
    if place.in_container and loopback:
        return fail(
            "server",
            Cause.HOST_ADDRESS,
            f"{said}; inside a container {address.host} is the container itself",
            f"Set {place.variable} to the service's name, usually http://ollama:11434, in the same "
            f"Compose stack.",
        )
    port = address.port or (443 if address.is_secure else 80)
    if reason is Unreachable.REFUSED:
        return fail("server", Cause.REFUSED, said, _mend_refused(place, port))
    if reason is Unreachable.TIMEOUT:
        return fail(
            "server",
            Cause.TIMEOUT,
            said,
            "It hangs, or a firewall swallows what is sent: docker compose logs ollama, docker compose "
            "restart ollama.",
        )
    return fail(
        "server",
        Cause.CONNECTION_BROKEN,
        said,
        f"Something ends the connection: a proxy, a server that is just starting, or https where the server "
        f"speaks http. Check {place.variable} and the server's log.",
    )


def _mend_refused(place: ServerPlace, port: int) -> str:
    if place.engine != "Ollama":
        return f"Start the server, or correct {place.variable}."
    if place.in_container:
        return "Start it: docker compose up -d ollama. See docker compose ps and docker compose logs ollama."
    mend = (
        "Start it: docker compose up -d ollama, or ollama serve. Where it runs: docker compose ps, docker "
        "compose logs ollama, docker compose port ollama 11434."
    )
    if place.ollama_host and str(port) not in place.ollama_host:
        mend += f" OLLAMA_HOST={place.ollama_host} here, so a server may listen elsewhere than port {port}."
    return mend


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
