"""Calls of the command line, in this process or in one of its own, and small projects to call it in.

In: arguments, texts. Out: exit code, standard output and standard error. Never: a real model.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factories import SHIP_CONTRACT, SHIP_FACTS, ship_text
from holocron.cli.main import run
from holocron.fingerprint import JSONValue


@dataclass(frozen=True, slots=True)
class Call:
    """How a call ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Return standard output as JSON."""
        return json.loads(self.out)


class _Stream(io.TextIOWrapper):
    """A standard stream that remembers, and may play a terminal."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """Tell whether it plays a terminal."""
        return self._is_terminal

    @property
    def text(self) -> str:
        """Return what was written."""
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


def call(*arguments: str | Path, terminal: bool = False) -> Call:
    """Call the command line in this process; `terminal` plays one at both standard streams."""
    out, err = _Stream(is_terminal=terminal), _Stream(is_terminal=terminal)
    with redirect_stdout(out), redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    return Call(code, out.text, err.text)


def start_process(
    *arguments: str | Path, cwd: Path, stdout: int = subprocess.PIPE, **environment: str
) -> subprocess.Popen[bytes]:
    """Start the command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "holocron.cli.main", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def end_process(process: subprocess.Popen[bytes], timeout_s: float = 60) -> Call:
    """Wait for a process and return what it printed."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Call(process.returncode, (out or b"").decode(errors="replace"), err.decode(errors="replace"))


def write_script(path: Path, answers: Mapping[str, object] | None = None, **settings: object) -> Path:
    """Write a script for `scripted:`; without answers it reads the evidence about ships.

    settings: latency_s, slots, digest.
    """
    script = {f"${name}": value for name, value in settings.items()}
    script |= {"$patterns": SHIP_FACTS} if answers is None else answers
    path.write_text(json.dumps(script), encoding="utf-8")
    return path


def write_derivation(
    project: Path,
    name: str = "ship_facts",
    contract: Mapping[str, JSONValue] | str = SHIP_CONTRACT,
    **keys: object,
) -> Path:
    """Write a derivation about ships; keys are added to it, or taken out where they are None."""
    entry: dict[str, object] = {
        "name": name,
        "instructions": "Facts about a ship.",
        "contract": contract,
        "options": {"repairs": 0},
        "evidence": ["ships/*"],
    } | keys
    path = project / "derivations" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    # JSON is YAML
    path.write_text(json.dumps({key: value for key, value in entry.items() if value is not None}))
    return path


def make_project(folder: Path, *, ships: int = 3, answers: Mapping[str, object] | None = None) -> Path:
    """Make a project with a derivation, some ships, and a model that answers about them."""
    script = write_script(folder / "script.json", answers)
    (folder / "holocron.toml").write_text(f"model = {json.dumps(f'scripted:{script.as_posix()}')}\n")
    write_derivation(folder)
    (folder / "ships").mkdir()
    for number in range(1, ships + 1):
        write_ship(folder, number)
    return folder


def write_ship(project: Path, number: int, *, port: str = "Arven") -> Path:
    """Write the evidence about one ship."""
    path = project / "ships" / f"{number}.txt"
    path.write_text(ship_text(number, port=port), encoding="utf-8")
    return path
