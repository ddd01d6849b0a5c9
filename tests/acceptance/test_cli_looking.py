"""Commands that only look: what they leave as it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from cli_calls import call, make_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project from which nothing was derived yet, entered."""
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [["jobs"], ["show", "x"], ["why", "x", "/y"], ["verify"], ["export", "ship_facts"], ["retry"]],
    ids=lambda arguments: arguments[0],
)
def test_reading_makes_no_database(project: Path, arguments: list[str]) -> None:
    """Where nothing was derived, commands that read say so and leave the folder as it is."""
    done = call(*arguments)
    assert done.code == 1
    assert "no database" in done.err
    assert "holocron derive" in done.err
    assert not (project / ".holocron").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["jobs"],
        ["show", "x"],
        ["why", "x", "/y"],
        ["verify"],
        ["export", "ship_facts"],
        ["status"],
        ["workers"],
        ["pause"],
        ["cancel", "ship_facts"],
        ["retry"],
        ["doctor"],
        ["db", "status"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_looking_changes_no_other_database(project: Path, arguments: list[str]) -> None:
    """A SQLite file of another program is called that, and keeps every byte."""
    file = project / "mine.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = file.read_bytes()
    done = call("--database", file, *arguments)
    assert done.code == 1
    assert ("is no Holocron database" in done.out + done.err) == (arguments[0] != "db")
    assert file.read_bytes() == before
