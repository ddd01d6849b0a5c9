from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compose_stack import PASSWORDS, Stack, say
from tiny_gguf import write_tiny_gguf

pytestmark = pytest.mark.compose


@pytest.fixture(autouse=True)
def _take_away(engine: None, empty_project: Path) -> Iterator[None]:
    """Leave nothing of a stack, whichever files it was of."""
    yield
    everything = Stack(folder=empty_project, overrides=("postgres", "builtin"))
    everything.compose("--profile", "*", "down", "-v", "--remove-orphans")
    Stack(folder=empty_project).compose("down", "-v", "--remove-orphans")


def list_running(stack: Stack) -> dict[str, str]:
    """Return the state of each container of a stack, by its service."""
    rows = stack.must("ps", "--all", "--format", "{{.Service}} {{.State}}").splitlines()
    return dict(row.split(" ", 1) for row in rows)


def test_ollama_starts_alone_and_asks_for_no_password(empty_project: Path) -> None:
    """`up -d ollama` without a .env starts Ollama and nothing else."""
    stack = Stack(folder=empty_project)
    stack.up("ollama")
    assert list_running(stack) == {"ollama": "running"}


@pytest.mark.parametrize(
    ("overrides", "missing"),
    [
        ((), "MSSQL_SA_PASSWORD"),
        ((), "HOLOCRON_DB_PASSWORD"),
        (("postgres",), "POSTGRES_PASSWORD"),
        (("postgres", "builtin"), "HOLOCRON_DB_PASSWORD"),
    ],
)
def test_a_missing_password_stops_with_a_sentence(
    empty_project: Path, overrides: tuple[str, ...], missing: str
) -> None:
    """The sentence names the password and the file to write it into, and nothing has been started."""
    given = {name: password for name, password in PASSWORDS.items() if name != missing}
    stack = Stack(folder=empty_project, overrides=overrides, passwords=given)
    said = stack.compose("up", "-d")
    assert said.code != 0
    last = said.err.strip().splitlines()[-1]
    assert missing in last
    assert "copy .env.example to .env and fill in its passwords" in last
    assert "running" not in list_running(stack).values()


def test_the_database_comes_first_and_gets_its_own_password(empty_project: Path) -> None:
    """db-init speaks TDS to SQL Server's stand-in once sa can log in; then no runner starts."""
    stack = Stack(folder=empty_project, passwords=PASSWORDS)
    said = stack.compose("up", "-d", "--wait")
    assert said.code != 0, "a stand-in answers no query"
    assert "db-init" in said.err
    states = list_running(stack)
    assert (states["sqlserver"], states["db-init"], states["runner"]) == ("running", "exited", "created")
    assert "sent PRELOGIN" in stack.must("logs", "--no-color", "sqlserver")
    complaint = stack.must("logs", "--no-color", "db-init")
    assert "holocron: " in complaint
    assert not any(password in complaint for password in PASSWORDS.values())


def test_a_weak_password_is_told_in_the_log(empty_project: Path) -> None:
    """SQL Server's rule for passwords, as its stand-in has it: the start fails and the log says why."""
    stack = Stack(folder=empty_project, passwords={**PASSWORDS, "MSSQL_SA_PASSWORD": "weak"})
    said = stack.compose("up", "-d", "--wait", "sqlserver")
    assert said.code != 0
    assert "Password validation failed" in stack.must("logs", "--no-color", "sqlserver")


def test_the_built_in_engine_needs_no_ollama(empty_project: Path) -> None:
    """With both overrides there are a database and a runner, and the runner answers with a GGUF file."""
    write_tiny_gguf(empty_project / "models" / "tiny.gguf")
    stack = Stack(
        folder=empty_project,
        overrides=("postgres", "builtin"),
        passwords=PASSWORDS,
        settings={"HOLOCRON_MODEL": "gguf:models/tiny.gguf"},
    )
    stack.up()
    assert list_running(stack) == {"postgres": "running", "db-init": "exited", "runner": "running"}
    said = stack.compose("run", "--rm", "-T", "runner", "holocron", "doctor", "--load", "--json")
    checks = said.document["checks"]  # type: ignore[index,call-overload] # JSON
    wrong = {check["check"] for check in checks if check["health"] == "error"}
    assert wrong <= {"project"}, said.out


def test_a_gpu_that_is_not_there_is_named(empty_project: Path) -> None:
    """Without NVIDIA's driver the override stops `up` with the words that the documents explain."""
    if "nvidia" in say("docker", "info", "--format", "{{.Runtimes}}").out:
        pytest.skip("A GPU CANNOT BE MISSED HERE: this engine has NVIDIA's runtime")
    said = Stack(folder=empty_project, overrides=("gpu",)).compose("up", "-d", "ollama")
    assert said.code != 0
    assert 'could not select device driver "nvidia"' in said.err
