from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Connection, create_engine, text

from compose_stack import HERE, HOST_DATABASE, PASSWORDS, PROJECT, Stack, say, wait_until

pytestmark = pytest.mark.compose

#: a contract that lets a model with random weights say nothing but what every log says
DERIVATION = """\
name: lamps
version: 1
instructions: What does the log say about the lamp?
contract:
  type: object
  required: [colour, height_m]
  properties:
    colour: {type: string, enum: [green], x-ground: verbatim}
    height_m: {type: integer, enum: [12], x-ground: verbatim}
evidence: ["evidence/*.txt"]
"""
LOG = "Lamp {number} is green and stands at 12 m. Its glass is green too, on a mast of 12 m.\n"
_numbers = count(1)


def add_evidence(stack: Stack, size: int) -> set[str]:
    """Write some new logs into the project and return their subjects."""
    (stack.folder / "derivations" / "lamps.yaml").write_text(DERIVATION, encoding="utf-8")
    subjects = set()
    for number in (next(_numbers) for _ in range(size)):
        path = stack.folder / "evidence" / f"lamp-{number:04}.txt"
        path.write_text(LOG.format(number=number), encoding="utf-8")
        subjects.add(f"evidence/{path.name}")
    return subjects


@contextmanager
def database() -> Iterator[Connection]:
    """Open the stack's database as the runner's login, from the host."""
    engine = create_engine(HOST_DATABASE)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def count_rows(query: str) -> int:
    """Return the number that a query counts."""
    with database() as connection:
        return int(connection.execute(text(query)).scalar_one())


def count_accepted() -> int:
    """Return how many jobs have been accepted."""
    return count_rows("SELECT count(*) FROM holocron_job WHERE status = 'accepted'")


def enqueue(stack: Stack) -> None:
    """Put the project's evidence into the queue, from the host."""
    said = stack.holocron("enqueue")
    assert said.code == 0, said.err


def finish(stack: Stack, *, timeout_s: float = 120) -> None:
    """Wait until no job is open, and check that each was done once and is true."""
    open_jobs = "SELECT count(*) FROM holocron_job WHERE status IN ('ready', 'claimed')"
    wait_until("no job is open", lambda: count_rows(open_jobs) == 0, timeout_s=timeout_s)
    subjects = len(list((stack.folder / "evidence").iterdir()))
    assert count_accepted() == subjects
    assert count_rows("SELECT count(*) FROM holocron_artifact") == subjects
    assert count_rows("SELECT count(*) FROM lamps WHERE colour = 'green' AND height_m = 12") == subjects
    verified = stack.holocron("verify")
    assert verified.code == 0, verified.out


@contextmanager
def in_the_middle(stack: Stack, size: int = 40) -> Iterator[None]:
    """Put new jobs into the queue, let something be done halfway, and see each of them done once."""
    add_evidence(stack, size)
    before = count_accepted()
    enqueue(stack)
    wait_until("some jobs are done", lambda: count_accepted() > before + 2)
    yield
    finish(stack)
    assert count_accepted() == before + size


def test_rows_and_citations_of_what_the_host_enqueued(stack: Stack) -> None:
    """The host enqueues, the runner derives, and the host sees rows and the lines they came from."""
    subjects = add_evidence(stack, 6)
    enqueue(stack)
    finish(stack)
    shown = stack.holocron("show", min(subjects), "--json")
    claims = shown.document[0]["claims"]  # type: ignore[index,call-overload] # JSON
    for claim in claims:
        for citation in claim["citations"]:
            assert "green" in citation["quote"]
    assert {claim["pointer"] for claim in claims if claim["citations"]} == {"/colour", "/height_m"}


def test_inside_and_on_the_host_it_is_the_same(stack: Stack) -> None:
    """What was enqueued inside is unchanged for the host: the same evidence, question and model."""
    add_evidence(stack, 2)
    inside = stack.must("run", "--rm", "-T", "runner", "holocron", "enqueue", "--json")
    assert json.loads(inside)["derivations"][0]["queued"] >= 2
    finish(stack)
    outside = stack.holocron("enqueue", "--json")
    assert outside.document["derivations"][0]["queued"] == 0  # type: ignore[index,call-overload] # JSON
    derived = stack.holocron("derive", "--json")
    assert derived.code == 0, derived.err


def test_each_side_finds_ollama_by_itself(stack: Stack) -> None:
    """With both variables set, and with none, `doctor` goes to the service inside and to the port outside."""
    inside = stack.must("run", "--rm", "-T", "runner", "holocron", "doctor", "--json")
    both = {"OLLAMA_BASE_URL": "http://ollama:11434", "OLLAMA_HOST_BASE_URL": "http://localhost:11434"}
    on_host = [stack.holocron("doctor", "--json", settings=settings).out for settings in ({}, both)]
    assert "http://ollama:11434" in inside
    assert all("http://localhost:11434" in said and "http://ollama" not in said for said in on_host)
    for said in (inside, *on_host):
        assert [check for check in json.loads(said)["checks"] if check["health"] == "error"] == []
        assert not any(password in said for password in PASSWORDS.values())


def test_down_and_up_keep_everything(stack: Stack) -> None:
    """`down` and `up` keep jobs, rows and models; `down -v` removes them, and `up` begins from nothing."""
    add_evidence(stack, 3)
    enqueue(stack)
    finish(stack)
    before = count_accepted()
    stack.must("down")
    assert say("docker", "ps", "--all", "--quiet", "--filter", f"name={PROJECT}").out == ""
    stack.up()
    assert count_accepted() == before
    assert "llama3.2" in stack.must("exec", "-T", "ollama", "ollama", "list")
    # it was there, so nothing was pulled
    assert stack.must("logs", "--no-log-prefix", "ollama-pull") == ""
    stack.must("down", "-v")
    assert say("docker", "volume", "ls", "--quiet", "--filter", f"name={PROJECT}").out == ""
    stack.up()
    assert count_rows("SELECT count(*) FROM holocron_job") == 0
    for path in (stack.folder / "evidence").iterdir():
        path.unlink()


def test_ports_answer_on_loopback_alone(stack: Stack) -> None:
    """The published ports answer on loopback and are refused on every other address of this machine."""
    ports = [
        int(stack.must("port", *of).rpartition(":")[2]) for of in (("ollama", "11434"), ("postgres", "5432"))
    ]
    others = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
    assert others
    for port in ports:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        for address in others:
            with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
                socket.create_connection((address, port), timeout=5)


def test_services_find_each_other_by_name(stack: Stack) -> None:
    """In the runner the names of the other services are addresses, and their ports answer."""
    for place in (("ollama", 11434), ("postgres", 5432)):
        script = f"import socket; socket.create_connection({place}, 5)"
        stack.must("exec", "-T", "runner", "python3", "-c", script)


def test_the_runner_may_do_little(stack: Stack) -> None:
    """It is no root on a read-only disk, without capabilities, compiler or the administrator's password."""
    (runner,) = stack.containers("runner")
    seen = say("docker", "inspect", runner).out + stack.must("exec", "-T", "runner", "env")
    assert PASSWORDS["HOLOCRON_DB_PASSWORD"] in seen
    assert PASSWORDS["POSTGRES_PASSWORD"] not in seen
    assert stack.must("exec", "-T", "runner", "id", "-u").strip() == "10001"
    status = stack.must("exec", "-T", "runner", "cat", "/proc/1/status")
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    for place in ("/opt/holocron/x", "/project/x", "/project/evidence/x"):
        said = stack.compose("exec", "-T", "runner", "touch", place)
        assert "Read-only file system" in said.err
    for program in ("cc", "gcc", "c++", "make", "pip"):
        assert stack.compose("exec", "-T", "runner", "which", program).code == 1


def test_no_image_holds_a_secret(stack: Stack, tmp_path: Path) -> None:
    """No layer, no setting and no line of the history of the runner's image holds a password or a .env."""
    image = "holocron-analytics:local"
    said = say("docker", "history", "--no-trunc", image).out + say("docker", "inspect", image).out
    saved = tmp_path / "image.tar"
    assert say("docker", "save", "--output", str(saved), image).code == 0
    content = saved.read_bytes()
    for password in PASSWORDS.values():
        assert password not in said
        assert password.encode() not in content
    assert b"/.env" not in content
    assert "_PASSWORD" not in said


def test_the_runner_is_killed_in_the_middle(stack: Stack) -> None:
    """Its process is killed while jobs are in flight: it comes back, and every job is done once."""
    (runner,) = stack.containers("runner")
    with in_the_middle(stack):
        stack.kill_process(runner)
    assert stack.containers("runner") == [runner]
    assert say("docker", "inspect", "--format", "{{.RestartCount}}", runner).out.strip() != "0"


def test_ollama_is_killed_in_the_middle(stack: Stack) -> None:
    """Its process is killed while it answers: it comes back with its models, and every job is done once."""
    with in_the_middle(stack):
        stack.kill_process("holocron-ollama")
    assert "llama3.2" in stack.must("exec", "-T", "ollama", "ollama", "list")


def test_the_engine_is_restarted_in_the_middle(stack: Stack) -> None:
    """The whole Docker engine goes down and comes back, the stack with it, and every job is done once."""
    engine = str(HERE / "engine.sh")
    if say(engine, "ours").code != 0:
        pytest.skip("THE ENGINE IS NOT RESTARTED: it was running before these tests")
    with in_the_middle(stack):
        assert say(engine, "stop").code == 0
        assert say(engine, "start").code == 0
        wait_until("the database is back", lambda: stack.holocron("status").code == 0)


def test_four_runners_share_the_work(stack: Stack) -> None:
    """All four take part, every job is done once, and SIGTERM ends each of them with 0."""
    stack.up("--scale", "runner=4")
    try:
        with in_the_middle(stack, 60):
            pass
        runners = stack.containers("runner")
        assert len(runners) == 4
        stack.must("stop", "runner")
        for runner in runners:
            assert say("docker", "inspect", "--format", "{{.State.ExitCode}}", runner).out.strip() == "0"
            log = say("docker", "logs", runner)
            assert re.search(r"ended; [1-9]\d* accepted", log.out + log.err), log.err
    finally:
        stack.up("--scale", "runner=1")
