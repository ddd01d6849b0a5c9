"""`holocron db`: what a person and a script learn about a database's schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli_calls import call
from holocron.cli.exits import Exit
from holocron.store import Store
from holocron.store.migrations import VERSION


def test_a_database_is_upgraded_and_says_so(empty_url: str, tmp_path: Path) -> None:
    """An empty database is refused by commands that only look, and not changed, until it is upgraded."""
    chosen = ("--project", tmp_path, "--database", empty_url)
    with Store(empty_url, any_version=True) as store:
        embedded = store.dialect.embedded
    before = call(*chosen, "db", "status", "--json")
    assert before.code == Exit.CANNOT_RUN
    assert (before.document["version"], before.document["is_ready"]) == (0, False)
    assert "Type: holocron db upgrade" in call(*chosen, "db", "status").out
    for arguments in (["status"], ["jobs"], ["pause"], ["verify"]):
        refused = call(*chosen, *arguments)
        assert refused.code == Exit.CANNOT_RUN
        assert ("is no Holocron database" if embedded else "no Holocron schema yet") in refused.err
        assert ("holocron derive" if embedded else "holocron db upgrade") in refused.err
    assert f"from schema version 0 to {VERSION}" in call(*chosen, "db", "upgrade").out
    assert f"version {VERSION} already" in call(*chosen, "db", "upgrade").out
    after = call(*chosen, "db", "status", "--json")
    assert after.code == Exit.DONE
    assert (after.document["version"], after.document["needed"]) == (VERSION, VERSION)
    assert "the newest" in call(*chosen, "db", "status").out
    assert call(*chosen, "status").code == Exit.DONE


@pytest.mark.parametrize("arguments", [("status",), ("upgrade",)])
def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Asking about a SQLite file makes none."""
    place = tmp_path / "none.sqlite"
    ended = call("--project", tmp_path, "--database", f"sqlite:///{place.as_posix()}", "db", *arguments)
    assert ended.code == Exit.USAGE
    assert "no database" in ended.err
    assert not place.exists()


def test_a_file_needs_no_bootstrap(tmp_path: Path) -> None:
    """Bootstrap is for servers, and says so."""
    ended = call("--project", tmp_path, "db", "bootstrap", "--admin-url", "sqlite:///x.sqlite")
    assert ended.code == Exit.USAGE
    assert "SQLite needs no bootstrap" in ended.err
    assert "set HOLOCRON_DATABASE_URL" in ended.err
