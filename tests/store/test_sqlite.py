"""SQLite: what a file, its folder and its log can do to a store; a server has none of them.

The same faults of a server (locked, full, refused, gone) stand in test_postgresql.py.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from factories import count_rows, plan_ships, rows, ship_bundle
from holocron.errors import (
    HolocronError,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreTooOld,
    StoreUnreachable,
)
from holocron.store import Store
from holocron.store.dialects import sqlite
from holocron.store.migrations import VERSION

_AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """Return an open store on SQLite alone."""
    with Store(sqlite_url) as opened:
        yield opened


def test_a_new_database_is_made_with_its_folder(tmp_path: Path) -> None:
    """The file and the folders above it are made, and the schema is the newest."""
    place = tmp_path / "a b" / "ü" / "store.sqlite"
    with Store(f"sqlite:///{place.as_posix()}") as store:
        assert rows(store, "SELECT version FROM holocron_schema_version") == [(VERSION,)]
    assert place.is_file()


def _not_a_database(folder: Path) -> Path:
    place = folder / "store.sqlite"
    place.write_text("This is a letter, not a database. " * 100)
    return place


def _cut_short(folder: Path) -> Path:
    place = folder / "store.sqlite"
    with Store(f"sqlite:///{place.as_posix()}") as store:
        plan_ships(store, *(ship_bundle(number) for number in range(50)))
        with store._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(place.read_bytes())
    content[200:] = b"\xff" * (len(content) - 200)
    place.write_bytes(content)
    return place


def _folder_in_its_place(folder: Path) -> Path:
    place = folder / "store.sqlite"
    place.mkdir()
    return place


def _file_in_the_folders_place(folder: Path) -> Path:
    (folder / "sub").write_text("a file")
    return folder / "sub" / "store.sqlite"


@pytest.mark.parametrize(
    "make",
    [_not_a_database, _cut_short, _folder_in_its_place, _file_in_the_folders_place],
    ids=["a letter", "damaged", "a folder", "a file for a folder"],
)
def test_what_is_no_database_is_said(tmp_path: Path, make: object) -> None:
    """A file or folder that cannot be a database gets one sentence and a mend."""
    place: Path = make(tmp_path)  # type: ignore[operator]  # a function of the table above
    with pytest.raises(StoreUnreachable) as caught, Store(f"sqlite:///{place.as_posix()}") as store:
        plan_ships(store)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with a database in it, neither of which may be written."""
    if _AS_ROOT or os.name == "nt":
        pytest.skip("RIGHTS ARE NOT TESTED: they do not bind root, and mean something else on Windows")
    place = tmp_path / "sealed" / "store.sqlite"
    Store(f"sqlite:///{place.as_posix()}").close()
    place.chmod(stat.S_IRUSR)
    place.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    yield place
    place.parent.chmod(stat.S_IRWXU)
    place.chmod(stat.S_IRWXU)


def test_a_read_only_folder_is_said(read_only: Path) -> None:
    """A database that may not be written is unreachable, and so is one that may not be made."""
    for name in (read_only, read_only.with_name("new.sqlite")):
        with pytest.raises(StoreUnreachable), Store(f"sqlite:///{name.as_posix()}") as store:
            plan_ships(store)


def test_a_database_that_refuses_writes_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only connection stands for missing rights where rights do not bind."""
    prepare = sqlite._prepare

    def open_read_only(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        prepare(connection, entry)
        connection.execute("PRAGMA query_only = ON")

    monkeypatch.setattr(sqlite, "_prepare", open_read_only)
    with Store(store.url) as sealed, pytest.raises(StoreUnreachable):
        plan_ships(sealed)


def test_a_full_disk_loses_nothing(store: Store) -> None:
    """Where no room is left, the batch leaves nothing behind, and the same call works once there is room."""
    planner, _ = plan_ships(store, ship_bundle(1))
    names = ["holocron_job", "holocron_content", "holocron_subject"]
    before = count_rows(store, names)
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    bundles = [ship_bundle(number) for number in range(2_000)]
    with pytest.raises(StoreFull) as caught:
        planner.plan(bundles)
    assert "nothing that was committed is lost" in caught.value.hint
    assert count_rows(store, names) == before
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert len(planner.plan(bundles)) == 2_000


def test_a_database_that_stays_locked_is_said(
    store: Store, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that waits too long gets StoreBusy, which may be tried again; readers do not wait."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    with store.writing(), Store(sqlite_url) as other:
        assert rows(other, "SELECT count(*) FROM holocron_job") == [(0,)]
        with pytest.raises(StoreBusy) as caught:
            plan_ships(other)
    assert caught.value.retryable
    assert isinstance(caught.value, HolocronError)
    with Store(sqlite_url) as other:
        assert len(plan_ships(other)[1]) == 1


def test_a_new_file_that_is_busy_is_waited_for(tmp_path: Path) -> None:
    """An opening that meets another one, before the file has its log, waits for it."""
    place = tmp_path / "store.sqlite"
    other = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("CREATE TABLE something (id INTEGER)")
    release = threading.Timer(0.3, other.execute, ["COMMIT"])
    release.start()
    with Store(f"sqlite:///{place.as_posix()}") as store:
        assert rows(store, "SELECT count(*) FROM holocron_job") == [(0,)]
    release.join()
    other.close()


def test_another_programs_file_is_changed_by_who_writes_alone(tmp_path: Path) -> None:
    """Who looks at a file without Holocron's tables leaves every byte; who works in it makes them."""
    place = tmp_path / "mine.sqlite"
    with sqlite3.connect(place) as made:
        made.execute("CREATE TABLE mine (id INTEGER)")
    made.close()
    before, url = place.read_bytes(), f"sqlite:///{place.as_posix()}"
    with Store(url, any_version=True) as store:
        assert store.read_version() == 0
    with pytest.raises(StoreTooOld, match=r"mine\.sqlite is no Holocron database") as caught:
        Store(url, upgrades=False)
    assert "--database" in caught.value.hint
    assert place.read_bytes() == before
    with Store(url) as store:
        assert len(plan_ships(store)[1]) == 1
        assert rows(store, "PRAGMA journal_mode") == [("wal",)]
        assert rows(store, "SELECT * FROM mine") == []


def test_commits_are_durable(store: Store) -> None:
    """Every connection keeps a log that is synced at each commit, and holds to the foreign keys."""
    with store.reading() as first, store.reading() as second:
        for connection in (first, second):
            found = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
            assert found == ["wal", 2, 1]


def test_a_relative_place_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that was opened by a relative path is the same after the working folder has changed."""
    monkeypatch.chdir(tmp_path)
    with Store("sqlite:///here.sqlite") as store:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert len(plan_ships(store)[1]) == 1
        with store.reading(), store.reading():
            assert count_rows(store, ["holocron_job"]) == {"holocron_job": 1}
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_database_that_is_taken_away_is_said(tmp_path: Path) -> None:
    """A file that is removed while it is open is missed at the next write, and not written into nothing."""
    if os.name == "nt":
        pytest.skip("AN OPEN FILE CANNOT BE REMOVED on Windows")
    place = tmp_path / "store.sqlite"
    with Store(f"sqlite:///{place.as_posix()}") as store:
        plan_ships(store)
        place.unlink()
        with pytest.raises(StoreUnreachable, match="taken away"):
            plan_ships(store, ship_bundle(2))


def test_a_database_that_was_replaced_is_said(tmp_path: Path) -> None:
    """A file that another process removed and made anew is not taken for the one that is open."""
    if os.name == "nt":
        pytest.skip("AN OPEN FILE CANNOT BE REMOVED on Windows")
    place = tmp_path / "store.sqlite"
    url = f"sqlite:///{place.as_posix()}"
    with Store(url) as store, store.reading():
        plan_ships(store)
        for name in tmp_path.glob("store.sqlite*"):
            name.rename(name.with_name(f"earlier {name.name}"))
        with Store(url) as other:
            plan_ships(other)
            with pytest.raises(StoreUnreachable, match="replaced") as caught:
                plan_ships(store, ship_bundle(2))
            assert not caught.value.retryable
            assert count_rows(other, ["holocron_job"]) == {"holocron_job": 1}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        pytest.param(sqlite3.SQLITE_FULL, StoreFull, id="full"),
        pytest.param(sqlite3.SQLITE_IOERR_SHMSIZE, StoreFull, id="no room for the index of the log"),
        pytest.param(sqlite3.SQLITE_IOERR_FSYNC, StoreUnreachable, id="a disk that does not sync"),
        pytest.param(sqlite3.SQLITE_IOERR_READ, StoreUnreachable, id="a disk that cannot be read"),
    ],
)
def test_a_disk_that_fails_is_not_called_full(code: int, kind: type[StoreError]) -> None:
    """Only where no room is left is a disk full; of its other faults the sentence says what SQLite said."""
    problem = sqlite3.OperationalError("disk I/O error")
    problem.sqlite_errorcode = code
    translated = sqlite.SQLiteDialect().translate(DBAPIError("COMMIT", {}, problem))
    assert type(translated) is kind
    assert translated.hint
    if kind is StoreUnreachable:
        assert "disk I/O error" in str(translated)
