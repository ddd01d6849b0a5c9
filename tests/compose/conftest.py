"""Fixtures of the stack: an engine with its images, and the stack on it, started from nothing.

In: a machine that has a Docker engine or may install one. Out: a running stack.
Never: passes where no engine can be had: it skips, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compose_stack import HERE, PASSWORDS, Stack, say


@pytest.fixture(scope="session")
def engine() -> None:
    """Make sure of an engine and of every image that the stack names."""
    started = say(str(HERE / "engine.sh"), "start", timeout_s=600)
    if started.code == 3:
        pytest.skip(started.err.strip())
    assert started.code == 0, started.err
    made = say(str(HERE / "images.sh"), timeout_s=900)
    assert made.code == 0, made.err


@pytest.fixture(scope="module")
def stack(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return the stack with PostgreSQL, started from nothing; it is taken away at the end."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("evidence", "derivations"):
        (folder / name).mkdir()
    made = Stack(folder=folder, overrides=("postgres",), passwords=PASSWORDS)
    made.compose("down", "-v", "--remove-orphans")
    try:
        made.up()
        yield made
    finally:
        made.compose("down", "-v", "--remove-orphans")


@pytest.fixture
def empty_project(tmp_path: Path) -> Path:
    """Return a folder with nothing to derive."""
    for name in ("evidence", "derivations", "models"):
        (tmp_path / name).mkdir()
    return tmp_path
