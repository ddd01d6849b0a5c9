"""Opening: what a database must be, and one clear sentence where it is not."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

import holocron.store
from factories import rows, run_sql
from holocron.errors import SettingsInvalid, StoreTooNew
from holocron.store import Store
from holocron.store.bootstrap import bootstrap_database
from holocron.store.migrations import VERSION
from racing import open_store, race


def test_opening_again_changes_nothing(store: Store, store_url: str) -> None:
    """A second opening upgrades nothing."""
    before = rows(store, "SELECT * FROM holocron_schema_version")
    with Store(store_url) as again:
        assert rows(again, "SELECT * FROM holocron_schema_version") == before


def test_processes_that_open_a_new_database_at_once_agree(empty_url: str) -> None:
    """Several first openings, or upgrades of a server's database, make one schema."""
    assert race(open_store, empty_url, processes=4) == ["opened"] * 4
    with Store(empty_url) as store:
        assert rows(store, "SELECT version FROM holocron_schema_version") == [(VERSION,)]


def test_a_newer_database_is_refused(store: Store, store_url: str) -> None:
    """A database of a newer Holocron is named as that, and not touched."""
    run_sql(
        store, f"INSERT INTO holocron_schema_version VALUES ({VERSION + 1}, '2030-01-01 00:00:00.000000')"
    )
    with pytest.raises(StoreTooNew, match=f"version {VERSION + 1}.*up to {VERSION}") as caught:
        Store(store_url)
    assert "Upgrade" in caught.value.hint
    assert rows(store, "SELECT count(*) FROM holocron_schema_version") == [(VERSION + 1,)]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://scott:secret@localhost/x", "mysql"),
        ("oracle+nothing://scott:secret@localhost/x", "oracle"),
        ("holocron.sqlite", "HOLOCRON_DATABASE_URL"),
        ("", "HOLOCRON_DATABASE_URL"),
        ("sqlite+nothing:///x", "nothing"),
        ("postgresql+psycopg2://scott:secret@localhost/x", "psycopg2"),
        ("mssql+pyodbc://scott:secret@localhost/x", "pyodbc"),
        ("postgresql://scott:secret@localhost:port/x", "HOLOCRON_DATABASE_URL"),
        ("sqlite://", "memory"),
        ("sqlite:///:memory:", "memory"),
        ("sqlite:///file:x?mode=memory&uri=true", "memory"),
    ],
)
def test_a_url_that_is_no_store_is_refused(url: str, said: str) -> None:
    """An unknown database, driver or form is a setting that cannot be used; a password is never shown."""
    with pytest.raises(SettingsInvalid, match=said) as caught:
        Store(url)
    assert "secret" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.hint


def test_a_closed_store_can_be_closed_again(store_url: str) -> None:
    """Closing twice is no fault."""
    store = Store(store_url)
    store.close()
    store.close()


def test_a_fault_in_our_sql_is_not_dressed_up(store: Store) -> None:
    """An error that is no state of the database comes through as it is."""
    with pytest.raises(DBAPIError, match="missing"):
        rows(store, "SELECT * FROM missing")


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [
        ("postgresql://scott:secret@localhost/x", "psycopg", "postgres"),
        ("postgresql+psycopg://scott:secret@localhost/x", "psycopg", "postgres"),
        ("mssql://scott:secret@localhost/x", "mssql_python", "mssql"),
        ("mssql+pymssql://scott:secret@localhost/x", "pymssql", "mssql"),
    ],
)
def test_a_missing_driver_is_named_with_its_extra(
    url: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the driver is not installed, one sentence says what to install."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingsInvalid, match="driver that is not installed") as caught:
        Store(url)
    assert caught.value.hint == f"pip install 'holocron-analytics[{extra}]'"
    assert "secret" not in str(caught.value)
    with pytest.raises(SettingsInvalid, match="driver that is not installed"):
        bootstrap_database(url.replace("scott", "admin"), url)


def _writers(path: Path) -> Iterator[ast.FunctionDef]:
    """Yield the functions of a file in which a transaction that writes begins."""
    for found in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(found, ast.FunctionDef) and any(
            isinstance(node, ast.Attribute) and node.attr == "writing" for node in ast.walk(found)
        ):
            yield found


def test_every_transaction_that_writes_can_be_run_again() -> None:
    """Whoever begins to write is @retried, or is called by someone who is; the store itself is neither."""
    called_by_retried = {"_change", "upgrade"}
    folder = Path(holocron.store.__file__).parent
    bare = {
        f"{path.name}:{writer.name}"
        for path in folder.rglob("*.py")
        for writer in _writers(path)
        if writer.name not in called_by_retried
        and not any(isinstance(mark, ast.Name) and mark.id == "retried" for mark in writer.decorator_list)
    }
    assert bare == set()
