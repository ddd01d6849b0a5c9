"""Upgrading: in one transaction, under a lock, from the first released schema to the newest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, MetaData, inspect

from factories import finish, plan_ships, rows, run_sql, ship_value
from holocron.checking import verify_store
from holocron.errors import StoreTooOld
from holocron.store import Store, migrations, tables
from schema_files import FOLDER, make_dialects, render_schema

#: the files of released versions, which nobody may change any more; 0.1.0 will be the first
_RELEASED: dict[str, str] = {}


def _plant(monkeypatch: pytest.MonkeyPatch, *steps: Callable[[Connection], None]) -> None:
    monkeypatch.setattr(migrations, "_STEPS", (migrations._run_file(1), *steps))
    monkeypatch.setattr(migrations, "VERSION", 1 + len(steps))
    monkeypatch.setattr("holocron.store.store.VERSION", 1 + len(steps))


def _add_column(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE holocron_model ADD vendor VARCHAR(20)")
    connection.exec_driver_sql("UPDATE holocron_model SET vendor = 'unknown'")


def _break_half_way(connection: Connection) -> None:
    _add_column(connection)
    connection.exec_driver_sql("UPDATE holocron_model SET no_such_column = 1")


@pytest.mark.parametrize("name", list(make_dialects()))
def test_the_first_step_makes_the_tables_of_the_program(name: str) -> None:
    """While step 1 is the newest and not released, its files are what tests/schema_files.py writes."""
    assert migrations.VERSION == 1, "compare what the steps make with tables.py in another way from now on"
    made = render_schema(make_dialects()[name])
    assert (FOLDER / f"0001.{name}.sql").read_text(encoding="utf-8") == made


def test_released_steps_stay_as_they_were() -> None:
    """The file of a released step has the hash that it was released with."""
    for name, released in _RELEASED.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == released, name


def test_the_steps_make_what_the_program_reads(store: Store) -> None:
    """Every table, column, key and index of tables.py is in an upgraded database, and no other."""
    found = MetaData()
    with store.reading() as connection:
        found.reflect(connection)
    assert found.tables.keys() == tables.metadata.tables.keys()
    for name, table in tables.metadata.tables.items():
        made = found.tables[name]
        assert {(one.name, one.nullable) for one in made.c} == {(one.name, one.nullable) for one in table.c}
        assert [one.name for one in made.primary_key] == [one.name for one in table.primary_key]
        assert {one.name for one in made.indexes} >= {one.name for one in table.indexes}
        assert {key.target_fullname for key in made.foreign_keys} == {
            key.target_fullname for key in table.foreign_keys
        }


def test_an_upgrade_keeps_what_is_there(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of the first version with answers in it is brought up to date, and verifies."""
    with Store(store_url) as store:
        planner, _ = plan_ships(store)
        finish(store, planner, ship_value(1))
    _plant(monkeypatch, _add_column)
    with Store(store_url, any_version=True) as store:
        store.upgrade()
        assert store.read_version() == 2
    with Store(store_url) as store:
        assert rows(store, "SELECT vendor FROM holocron_model") == [("unknown",)]
        assert rows(store, "SELECT version FROM holocron_schema_version") == [(1,), (2,)]
        assert rows(store, "SELECT port FROM ship_facts") == [("Arven",)]
        assert list(verify_store(store)) == []


def test_who_only_looks_upgrades_nothing(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older version is seen as it is, or refused with the command that upgrades it."""
    Store(store_url).close()
    _plant(monkeypatch, _add_column)
    with pytest.raises(StoreTooOld, match="version 1, and this Holocron needs version 2") as caught:
        Store(store_url, upgrades=False)
    assert "holocron db upgrade" in caught.value.hint
    with Store(store_url, any_version=True) as store:
        assert store.read_version() == 1


def test_an_upgrade_that_breaks_leaves_nothing(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step fails half-way, the database is as it was, and the version too."""
    with Store(store_url) as store:
        plan_ships(store)
        _plant(monkeypatch, _break_half_way)
        with pytest.raises(Exception, match="no_such_column"):
            store.upgrade()
        assert rows(store, "SELECT version FROM holocron_schema_version") == [(1,)]
        with store.reading() as connection:
            columns = [column["name"] for column in inspect(connection).get_columns("holocron_model")]
        assert "vendor" not in columns


def test_a_server_is_upgraded_by_command_alone(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a server's database of an older version, or without a schema, names the command."""
    _plant(monkeypatch, _add_column)
    with pytest.raises(StoreTooOld, match="version 1, and this Holocron needs version 2") as caught:
        Store(postgres_url)
    assert "holocron db upgrade" in caught.value.hint
    with Store(postgres_url, any_version=True) as store:
        run_sql(store, *(f'DROP TABLE "{name}" CASCADE' for name in tables.metadata.tables))
    with pytest.raises(StoreTooOld, match="no Holocron schema yet") as caught:
        Store(postgres_url)
    assert "holocron db upgrade" in caught.value.hint
