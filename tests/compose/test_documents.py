from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest

from compose_stack import PASSWORDS, ROOT, Said, Stack, name_files, say, wait_until
from documents import read_document

pytestmark = pytest.mark.compose

RUNBOOK = "docs/runbooks/docker_local_dev.md"
OLLAMA = "docs/llm/ollama-docker.md"
#: for a person at a terminal
INTERACTIVE = re.compile(r"docker exec -it|logs -f")
DERIVATION = """\
name: lamps
version: 1
instructions: What does the log say about the lamp?
contract:
  {type: object, required: [colour], properties: {colour: {type: string, enum: [green]}}}
evidence: ["evidence/*.txt"]
"""


@pytest.fixture(scope="module")
def documented(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return a stack that is not up, over a project with one piece of evidence."""
    folder = tmp_path_factory.mktemp("documented")
    for place, text in {
        "evidence/lamp.txt": "The lamp is green.\n",
        "derivations/lamps.yaml": DERIVATION,
    }.items():
        (folder / place).parent.mkdir()
        (folder / place).write_text(text, encoding="utf-8")
    stack = Stack(folder=folder, overrides=("postgres",), passwords=PASSWORDS)
    yield stack
    stack.compose("down", "-v", "--remove-orphans")


def type_line(stack: Stack, line: str) -> Said:
    """Run a documented line in bash, in the project's folder; PostgreSQL's volume stands for SQL Server's."""
    files = [str(ROOT / name) for name in name_files(stack.overrides).split(os.pathsep)]
    environment = {**stack.environment, "COMPOSE_FILE": os.pathsep.join(files)}
    line = line.replace("mssql_data", "postgres_data")
    return say("bash", "-euo", "pipefail", "-c", line, environment=environment, folder=stack.folder)


def read_table(name: str) -> list[str]:
    """Return the commands of a page's table of tasks."""
    rows = re.findall(r"^\| [^|]+ \| (`.+`) \|$", read_document(name).text.partition("## Commands")[2], re.M)
    return [command for row in rows for command in re.findall(r"`([^`]+)`", row)]


def type_lines(stack: Stack, lines: list[str]) -> None:
    """Run documented lines; each must succeed."""
    for line in lines:
        if INTERACTIVE.search(line) or (line.startswith("curl") and shutil.which("curl") is None):
            continue
        said = type_line(stack, line)
        assert said.code == 0, (line, said.out, said.err)


def test_the_documented_commands_work(documented: Stack) -> None:
    """Every bash line of the runbook, then of Ollama's page, then of their tables works as it stands.

    On the way the runbook's backup is made and restored: what was derived before is there again, and true.
    """
    blocks = read_document(RUNBOOK).blocks_of("bash")
    (backup, restore) = [block for block in blocks if block.section == "Back up and restore"]
    for block in blocks[:-2]:
        type_lines(documented, block.text.splitlines())
    inside = ("exec", "-T", "runner", "holocron")
    show = (*inside, "show", "evidence/lamp.txt", "--json")
    wait_until("the evidence is derived", lambda: documented.compose(*show).code == 0)
    before = documented.must(*show)
    type_lines(documented, backup.text.splitlines())
    type_lines(documented, restore.text.splitlines())
    assert documented.must(*show) == before
    documented.must(*inside, "verify")
    lines = [line for block in read_document(OLLAMA).blocks_of("bash") for line in block.text.splitlines()]
    tables = [line for name in (OLLAMA, RUNBOOK) for line in read_table(name)]
    assert len(lines) > 10
    assert len(tables) > 25
    type_lines(documented, [*lines, *tables])
