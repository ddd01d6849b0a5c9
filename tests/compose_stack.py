"""The stack under test: `docker compose` over the production files, and `holocron` on the host beside it.

In: a folder for a project and passwords; an engine that runs. Out: what the commands say.
Never: edits a production file, or stops a container that is not of this project.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from holocron.fingerprint import JSONValue

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent / "compose"
PROJECT = "holocron-analytics"
OVERRIDES = ("gpu", "postgres", "builtin")
#: with the signs that a URL gives a meaning to, but for @ and %, which .env.example rules out
PASSWORDS = {
    "MSSQL_SA_PASSWORD": "Adm-1n:of/sql#Server",
    "POSTGRES_PASSWORD": "Adm-1n:of/Postgre?SQL",
    "HOLOCRON_DB_PASSWORD": "Runner-4_only:pass/word",
}
#: Debian's own PostgreSQL, which other tests may have installed, takes the usual one
POSTGRES_PORT = "54387"
HOST_DATABASE = (
    f"postgresql+psycopg://holocron:{PASSWORDS['HOLOCRON_DB_PASSWORD']}@localhost:{POSTGRES_PORT}/holocron"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> JSONValue:
        """Return the JSON that it printed."""
        document: JSONValue = json.loads(self.out)
        return document


def say(
    *words: str, environment: Mapping[str, str] | None = None, folder: Path = ROOT, timeout_s: float = 180
) -> Said:
    """Run a command without a terminal and return what it said."""
    done = subprocess.run(
        words,
        env=dict(os.environ) if environment is None else dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=timeout_s,
    )
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would tell compose or holocron anything."""
    told = ("HOLOCRON_", "OLLAMA_", "MSSQL_", "POSTGRES_", "COMPOSE_", "OPENAI_")
    return {name: value for name, value in os.environ.items() if not name.startswith(told)}


def name_files(overrides: Sequence[str]) -> str:
    """Return the value of COMPOSE_FILE for the main file and some overrides."""
    return os.pathsep.join(["docker-compose.yml", *(f"compose.{one}.yaml" for one in overrides)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The production files with some overrides, over the project in a folder."""

    folder: Path
    overrides: tuple[str, ...] = ()
    passwords: Mapping[str, str] | None = None
    settings: Mapping[str, str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Return what compose is told."""
        return {
            **clean_environment(),
            "COMPOSE_FILE": name_files(self.overrides),
            "HOLOCRON_PROJECT_DIR": str(self.folder),
            "POSTGRES_PORT": POSTGRES_PORT,
            **(self.passwords or {}),
            **(self.settings or {}),
        }

    def compose(self, *words: str, timeout_s: float = 180) -> Said:
        """Run `docker compose`."""
        return say("docker", "compose", *words, environment=self.environment, timeout_s=timeout_s)

    def must(self, *words: str, timeout_s: float = 180) -> str:
        """Run `docker compose`, which must succeed, and return what it printed."""
        said = self.compose(*words, timeout_s=timeout_s)
        assert said.code == 0, (words, said.err, self.compose("logs", "--no-color", "--tail", "20").out)
        return said.out

    def up(self, *words: str) -> None:
        """Start the stack and wait until it is ready."""
        self.must("up", "-d", "--wait", "--wait-timeout", "150", *words)

    def containers(self, service: str) -> list[str]:
        """Return the numbers of a service's containers."""
        return self.must("ps", "--all", "--quiet", service).split()

    def kill_process(self, container: str) -> None:
        """Kill a container's first process from outside, as the machine's out-of-memory killer does."""
        found = say("docker", "inspect", "--format", "{{.State.Pid}}", container).out.strip()
        assert int(found) > 1
        os.kill(int(found), 9)

    def holocron(self, *words: str, settings: Mapping[str, str] | None = None) -> Said:
        """Run `holocron` on the host, in the project's folder, against the published ports."""
        environment = {
            **clean_environment(),
            "HOLOCRON_DATABASE_URL": HOST_DATABASE,
            "HOLOCRON_MODEL": "ollama:llama3.2",
            "HOLOCRON_TRACEBACK": "1",
            # the machine that runs the tests may be a container itself
            **({"HOLOCRON_IN_CONTAINER": "0"} if Path("/.dockerenv").exists() else {}),
            **(settings or {}),
        }
        program = Path(sysconfig.get_path("scripts")) / "holocron"
        return say(str(program), *words, environment=environment, folder=self.folder)


def wait_until(
    what: str, is_true: Callable[[], object], *, timeout_s: float = 90, every_s: float = 0.3
) -> None:
    """Wait until something is true; fails with its name where it never is."""
    end = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < end, f"not in {timeout_s:.0f} s: {what}"
        time.sleep(every_s)
