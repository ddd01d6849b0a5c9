from __future__ import annotations

import subprocess
import sys

import click
import pytest

from cli_calls import call
from holocron.cli import main
from holocron.cli.main import SUMMARIES, cli
from holocron.errors import HolocronError, UsageError


def get_command(name: str) -> click.Command:
    """Return a command as click finds it."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_has_help_with_an_example(name: str) -> None:
    """Each listed command can be imported, says what it does, explains its options and shows an example."""
    done = call(name, "--help")
    assert done.code == 0
    assert f"holocron {name}" in done.out
    command = get_command(name)
    assert f"\n  holocron {name}" in (command.epilog or "")
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_help_imports_no_heavy_library() -> None:
    """`holocron --help` lists the commands without importing them or what they need."""
    program = (
        "import sys; from holocron.cli.main import run; code = run(['--help']);"
        "heavy = {'sqlalchemy', 'pydantic', 'yaml', 'rich', 'holocron.store', 'importlib.metadata'};"
        "sys.exit(' '.join(heavy & sys.modules.keys()) or code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in SUMMARIES)


def test_the_version_is_one_line() -> None:
    """`holocron --version` names the program and its version."""
    done = call("--version")
    assert done.code == 0
    assert done.out.startswith("holocron ")
    assert len(done.out.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        pytest.param(["--nonsense"], "--nonsense", id="option"),
        pytest.param(["frobnicate"], "frobnicate", id="command"),
        pytest.param(["statu"], "Did you mean 'status'?", id="command that is near another"),
        pytest.param(["jobs", "--limit", "9" * 30], "--limit", id="number that no database takes"),
        pytest.param(["worker", "--concurrency", "99999"], "1024", id="more threads than there can be"),
        pytest.param(["export", "x", "--output", ""], "it is empty", id="output that is no name"),
        pytest.param(["jobs", "--status", "lost"], "lost", id="choice"),
        pytest.param(["show"], "SUBJECT", id="argument"),
        pytest.param(["--project", "/nowhere/at/all", "status"], "/nowhere/at/all", id="folder"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_exit_code_2(arguments: list[str], word: str) -> None:
    """Usage errors read like every other error, name the thing and point to the help."""
    done = call(*arguments)
    lines = done.err.splitlines()
    assert done.code == 2
    assert lines[0].startswith("holocron: ")
    assert word in lines[0]
    assert "--help" in lines[1]
    assert len(lines) == 2


@pytest.mark.parametrize("arguments", [[], ["models"], ["db"]])
def test_a_group_without_a_command_shows_its_help(arguments: list[str]) -> None:
    """The help is shown as it is, and not as the sentence of an error."""
    done = call(*arguments)
    lines = (done.out + done.err).splitlines()
    assert lines[0] == " ".join(["Usage: holocron", *arguments, "[OPTIONS] COMMAND [ARGS]..."])
    assert "Commands:" in lines


class _Raising(click.Command):
    def __init__(self, error: BaseException) -> None:
        super().__init__("raise")
        self._error = error

    def invoke(self, _ctx: click.Context) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        pytest.param(
            HolocronError("it is\x1b[2J away", hint="Look for it."),
            1,
            ["holocron: it is\\x1b[2J away", "  Look for it."],
            id="holocron-error",
        ),
        pytest.param(UsageError("no such thing"), 2, ["holocron: no such thing"], id="usage-error"),
        pytest.param(
            KeyboardInterrupt(),
            130,
            ["", "holocron: interrupted; what was committed stays, and the next run goes on from there"],
            id="ctrl-c",
        ),
        pytest.param(
            PermissionError(13, "Permission denied", "x.toml"),
            1,
            [
                "holocron: x.toml cannot be used: Permission denied",
                "  Check that it is there, that you may use it, and that its disk has room.",
            ],
            id="what the system refuses",
        ),
        pytest.param(
            ZeroDivisionError("by zero"),
            1,
            [
                "holocron: a fault in Holocron: ZeroDivisionError: by zero",
                "  Set HOLOCRON_TRACEBACK=1 to see where, and report it; nothing that was committed is lost.",
            ],
            id="fault",
        ),
    ],
)
def test_errors_end_at_the_border(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: list[str]
) -> None:
    """Whatever a command raises, a person gets a sentence and a mend, and a script gets an exit code."""
    monkeypatch.setattr(main, "cli", _Raising(error))
    monkeypatch.delenv("HOLOCRON_TRACEBACK", raising=False)
    done = call()
    assert (done.code, done.out, done.err.splitlines()) == (code, "", said)


def test_a_traceback_is_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """HOLOCRON_TRACEBACK=1 shows where a fault happened."""
    monkeypatch.setattr(main, "cli", _Raising(ZeroDivisionError("by zero")))
    monkeypatch.setenv("HOLOCRON_TRACEBACK", "1")
    assert "Traceback" in call().err
