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
    def document(self) -> Any:  # noqa: ANN401 - whatever JSON the command prints
        """Return standard output as JSON."""
        return json.loads(self.out)


def call(*arguments: str | Path) -> Call:
    """Call the command line in this process."""
    out, err = _stream(), _stream()
    with redirect_stdout(out), redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    return Call(code, _text(out), _text(err))


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def start_process(
    *arguments: str | Path, cwd: Path, **environment: str
) -> subprocess.Popen[bytes]:
    """Start the command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "holocron.cli.main", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def end_process(process: subprocess.Popen[bytes], timeout_s: float = 60) -> Call:
    """Wait for a process and return what it printed."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Call(process.returncode, out.decode(), err.decode())


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
    contract: Mapping[str, JSONValue] | None = None,
    **keys: object,
) -> Path:
    """Write a derivation about ships; keys are added to it, or taken out where they are None."""
    entry: dict[str, object] = {
        "name": name,
        "instructions": "Facts about a ship.",
        "contract": dict(contract or SHIP_CONTRACT),
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
