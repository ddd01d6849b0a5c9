from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert

from factories import MODEL, plan_ships, ship_bundle
from holocron.doctor import Cause, Health, storage
from holocron.doctor.storage import check_database, check_disk, examine_storage
from holocron.errors import StoreBusy, StoreError, StoreFull, StoreTooOld, StoreUnreachable
from holocron.store import Store, utc_now
from holocron.store.control import pause_derivation
from holocron.store.migrations import VERSION
from holocron.store.tables import EVERY_DERIVATION, schema_version


def url_of(file: Path) -> str:
    """Return the URL of a database file."""
    return f"sqlite:///{file.as_posix()}"


def test_a_database_that_is_not_made_yet_is_well(tmp_path: Path) -> None:
    """The first derive makes it; the doctor does not."""
    file = tmp_path / "sub" / "x.sqlite"
    found = list(examine_storage(url_of(file), shown=str(file), file=file, model="x"))
    assert [(one.check, one.health) for one in found] == [("database", Health.OK), ("disk", Health.OK)]
    assert not file.parent.exists()


def test_an_open_database_is_named_with_its_version(tmp_path: Path) -> None:
    """What kind it is and its schema's version are said."""
    file = tmp_path / "x.sqlite"
    Store(url_of(file)).close()
    found = check_database(url_of(file), shown="here", file=file)
    assert found.health is Health.OK
    assert f"SQLite at here answers and has schema version {VERSION}" in found.sentence


def test_a_database_of_a_newer_holocron_is_an_error(tmp_path: Path) -> None:
    """A version that this program does not know is told apart from a broken file."""
    file = tmp_path / "x.sqlite"
    with Store(url_of(file)) as store, store.writing() as connection:
        connection.execute(insert(schema_version).values(version=VERSION + 1, upgraded_at=utc_now()))
    found = check_database(url_of(file), shown="here", file=file)
    assert (found.health, found.cause) == (Health.ERROR, Cause.DATABASE_NEW)
    assert "pip install --upgrade" in found.mend


def test_another_programs_database_is_left_as_it_is(tmp_path: Path) -> None:
    """A SQLite file without Holocron's tables gets none from the doctor, and is called what it is."""
    file = tmp_path / "x.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE mine (x)")
    before = file.read_bytes()
    found = next(examine_storage(url_of(file), shown=str(file), file=file, model="x"))
    assert (found.health, found.cause) == (Health.ERROR, Cause.DATABASE_OLD)
    assert found.sentence == f"{file} is no Holocron database"
    assert "--database" in found.mend
    assert file.read_bytes() == before


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    """Another program's file is refused in words."""
    file = tmp_path / "x.sqlite"
    file.write_bytes(b"This is a letter. " * 100)
    found = check_database(url_of(file), shown="here", file=file)
    assert (found.health, found.cause) == (Health.ERROR, Cause.DATABASE_UNREACHABLE)
    assert found.mend


def test_a_damaged_table_of_versions_is_an_error(tmp_path: Path) -> None:
    """A database whose version cannot be read is none that can be used."""
    file = tmp_path / "x.sqlite"
    Store(url_of(file)).close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET sql='nonsense' WHERE type='table'")
    assert check_database(url_of(file), shown="here", file=file).cause is Cause.DATABASE_UNREACHABLE


def test_a_folder_that_takes_no_file_is_an_error(tmp_path: Path) -> None:
    """A place below a file can never hold a database."""
    (tmp_path / "letter").write_text("x")
    file = tmp_path / "letter" / "x.sqlite"
    found = check_database(url_of(file), shown="here", file=file)
    assert (found.health, found.cause) == (Health.ERROR, Cause.DATABASE_UNREACHABLE)


def test_a_folder_that_may_not_be_entered_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether there is a database in it cannot be seen; the other checks go on."""

    def look(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "x.sqlite"
    monkeypatch.setattr(Path, "exists", look)
    (found,) = examine_storage(url_of(file), shown="here", file=file, model="builtin")
    assert (found.health, found.cause) == (Health.ERROR, Cause.DATABASE_UNREACHABLE)
    assert "Permission denied" in found.sentence
    assert found.mend


@pytest.mark.parametrize(
    "url", ["oracle://x/y", "postgresql+psycopg://u:secret@h:port/d", "no url at all ://"]
)
def test_a_url_that_cannot_be_used_is_an_error_without_its_password(url: str) -> None:
    """A wrong URL is told, and no secret of it."""
    found = check_database(url, shown="here", file=None)
    assert (found.health, found.cause) == (Health.ERROR, Cause.SETTING_INVALID)
    assert "secret" not in found.sentence + found.mend


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (StoreTooOld("the database has no Holocron schema yet"), Cause.DATABASE_OLD),
        (StoreBusy(), Cause.DATABASE_BUSY),
        (StoreFull(), Cause.DISK_LOW),
        (StoreUnreachable("the database does not answer"), Cause.DATABASE_UNREACHABLE),
    ],
)
def test_what_a_server_says_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, error: StoreError, cause: Cause
) -> None:
    """Too old, held, full and not there have a cause and a mend of their own."""

    def open_store(_url: str, *, upgrades: bool) -> Store:
        assert not upgrades
        raise error

    monkeypatch.setattr(storage, "Store", open_store)
    found = check_database("postgresql+psycopg://h/d", shown="here", file=None)
    assert (found.health, found.cause) == (Health.ERROR, cause)
    assert found.mend


@pytest.mark.parametrize(
    ("free", "health"),
    [(50_000_000, Health.ERROR), (1_000_000_000, Health.WARNING), (5_000_000_000, Health.OK)],
)
def test_little_disk_is_told(tmp_path: Path, free: int, health: Health) -> None:
    """Under 2 GB is a warning, under 100 MB an error."""
    found = check_disk(tmp_path, "the database", lambda _: free)
    assert (found.health, found.cause) == (health, None if health is Health.OK else Cause.DISK_LOW)
    assert str(tmp_path) in found.sentence


def test_a_disk_that_cannot_be_asked_is_an_error(tmp_path: Path) -> None:
    """A mount that is gone is told."""

    def find_free(_: Path) -> int:
        raise OSError(5, "Input/output error")

    assert check_disk(tmp_path, "the database", find_free).health is Health.ERROR


def examine_queue(file: Path, model: str) -> list[tuple[Health, Cause | None, str]]:
    """Return what is said of the queue."""
    found = examine_storage(url_of(file), shown="here", file=file, model=model)
    return [(one.health, one.cause, one.sentence) for one in found if one.check == "queue"]


def test_jobs_for_a_model_that_nobody_has_are_told(tmp_path: Path) -> None:
    """A worker with another model does nothing about them, and says so nowhere else."""
    file = tmp_path / "x.sqlite"
    with Store(url_of(file)) as store:
        plan_ships(store, ship_bundle(1), ship_bundle(2))
        name = MODEL.name
    ((health, cause, sentence),) = examine_queue(file, "ollama:llama3.2")
    assert (health, cause) == (Health.WARNING, Cause.QUEUE_WAITING)
    assert f"2 jobs wait for the model {name!r}" in sentence
    assert examine_queue(file, name) == [(Health.OK, None, "2 jobs wait for a worker")]


@pytest.mark.parametrize("name", [EVERY_DERIVATION, "ship_facts"])
def test_a_pause_is_told(tmp_path: Path, name: str) -> None:
    """What a person has paused explains why nothing is worked."""
    file = tmp_path / "x.sqlite"
    with Store(url_of(file)) as store:
        pause_derivation(store, name)
    ((health, cause, _),) = examine_queue(file, "x")
    assert (health, cause) == (Health.WARNING, Cause.QUEUE_PAUSED)
