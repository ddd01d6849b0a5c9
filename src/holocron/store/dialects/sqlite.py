"""SQLite: the embedded database of one machine, WAL and durable.

What it lacks: row locks (one writer at a time), comments, users and their rights, several hosts.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Engine,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from holocron.errors import (
    SettingsInvalid,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUnreachable,
    UsageError,
)
from holocron.store import tables
from holocron.store.dialects.dialect import AMONG, Dialect, SelectT

#: how long a writer waits for another one
BUSY_TIMEOUT_MS = 60_000
CACHE_KIB = 32 * 1024

#: primary result codes of https://sqlite.org/rescode.html
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
#: no room for the log's index; for the file and the log it is SQLITE_FULL
_FULL = frozenset({sqlite3.SQLITE_IOERR_SHMSIZE})
_UNREACHABLE = frozenset(
    {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
)
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
#: under which a connection keeps the path of its file, and what tells that file from every other
_FILE = "holocron_file"


class SQLiteDialect(Dialect):
    """SQLite 3.35 and later, through the standard library."""

    title = "SQLite"
    embedded = True
    has_row_locks = False
    #: where the file lies, as a sentence goes on with it; empty for a URI
    _place = ""

    def connect(self, url: URL) -> Engine:
        """Open or make the database file; its folder is made too."""
        if not url.database or ":memory:" in url.database or url.query.get("mode") == "memory":
            raise SettingsInvalid(
                "a database in memory is another one for every connection",
                hint="Name a file: HOLOCRON_DATABASE_URL=sqlite:///PATH.",
            )
        if not url.database.startswith("file:"):
            place = Path(url.database).resolve()
            # a relative place would be another one once the working folder has changed
            url = url.set(database=str(place))
            self._place = f" {place}"
            if place.is_dir():
                raise StoreUnreachable(
                    f"{place} is a folder, and a database is a file", hint="Name a file in it."
                )
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
            except OSError as problem:
                raise StoreUnreachable(
                    f"the folder {place.parent} cannot be made: {problem.strerror}",
                    hint="Choose another place with HOLOCRON_DATABASE_URL=sqlite:///PATH.",
                ) from problem
        engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=4)
        event.listen(engine, "connect", _note_file)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _leave_begin_to_us)
        return engine

    def begin_writing(self, connection: Connection) -> None:
        """Take the write lock at once: a deferred transaction fails on upgrade in spite of the timeout."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        place, opened = connection.info[_FILE]
        # SQLite goes on writing to a file that lost its name, and all of it would be lost
        if _identify(place) != opened:
            raise StoreUnreachable(
                f"the database {place} was taken away, or replaced, while it was open",
                hint="Start again with the file that is there, or put the earlier one back first.",
            )

    def lock(self, connection: Connection, name: str) -> None:
        """Do nothing: whoever writes has locked the whole database."""

    def lock_rows(self, query: SelectT, table: Table, *, skip_locked: bool = False) -> SelectT:  # noqa: ARG002 - the dialects' signature
        """Return the select as it is: whoever writes has locked the whole database."""
        return query

    def now(self, connection: Connection) -> dt.datetime:  # noqa: ARG002 - as above
        """Return the time of this machine's clock, which is every worker's."""
        return dt.datetime.now(dt.UTC).replace(tzinfo=None)

    def publish_view(self, connection: Connection, name: str, comments: Mapping[str, str]) -> None:
        """Do nothing: there are neither comments nor users."""

    def bootstrap(self, admin_url: URL, url: URL) -> None:  # noqa: ARG002 - the dialects' signature
        """Refuse: a file needs no administrator."""
        raise UsageError(
            "SQLite needs no bootstrap",
            hint="Its file is made by itself. For a server's set HOLOCRON_DATABASE_URL.",
        )

    def insert_rows(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows through the driver's own named parameters.

        SQLAlchemy prepares every value of every row; for the narrow rows of an answer that took twice as long
        as SQLite itself (bench/pipeline.py). Only dates need it here.
        """
        names = list(rows[0])
        if not all(_PARAMETER.fullmatch(name) for name in names):
            super().insert_rows(connection, table, rows)
            return
        quote = connection.dialect.identifier_preparer.quote
        columns = ", ".join(map(quote, names))
        values = ", ".join(f":{name}" for name in names)
        statement = f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({values})"
        connection.exec_driver_sql(statement, _plain_rows(table, rows))

    def update_rows(
        self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]], *, by: str
    ) -> None:
        """Change rows through the driver's own named parameters, as insert_rows."""
        quote = connection.dialect.identifier_preparer.quote
        changes = ", ".join(f"{quote(name)} = :{name}" for name in rows[0] if name != by)
        statement = f"UPDATE {quote(table.name)} SET {changes} WHERE {quote(by)} = :{by}"
        connection.exec_driver_sql(statement, _plain_rows(table, rows))

    def is_among(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the condition with all values in one parameter.

        SQLAlchemy takes longer to write a list of parameters than SQLite takes to look the rows up.
        """
        listed = func.json_each(bindparam(AMONG)).table_valued("value")
        return column.in_(select(listed.c.value))

    def bind_among(self, values: Sequence[object]) -> object:
        """Return the values as a JSON array."""
        return json.dumps(list(values), ensure_ascii=False)

    def translate(self, problem: DBAPIError) -> StoreError | None:
        """Tell a full disk, a lock, a missing right and damage apart."""
        origin = problem.orig
        code = getattr(origin, "sqlite_errorcode", None)
        if not isinstance(origin, sqlite3.Error) or code is None:
            return None
        if code in _FULL:
            return StoreFull("the disk under the database is full")
        match code & 0xFF:
            case sqlite3.SQLITE_FULL:
                return StoreFull("the disk under the database is full")
            case sqlite3.SQLITE_IOERR:
                return StoreUnreachable(
                    f"the database{self._place} cannot be written or read: {origin}",
                    hint="Check the disk under it, which must be this machine's; what was committed stays.",
                )
            case primary if primary in _BUSY:
                return StoreBusy("another process holds the database")
            case primary if primary in _UNREACHABLE:
                return StoreUnreachable(
                    f"the database{self._place} cannot be opened or written: {origin}",
                    hint="Check the rights on the file and its folder, or set HOLOCRON_DATABASE_URL.",
                )
            case primary if primary in _DAMAGED:
                return StoreUnreachable(
                    f"the database{self._place} is damaged or is no SQLite file: {origin}",
                    hint="Restore it from a backup, or move it away: evidence can be derived again.",
                )
        return None


def _plain_rows(table: Table, rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Return rows whose dates are texts; the driver takes everything else as it is."""
    dated = [name for name in rows[0] if isinstance(table.c[name].type, (Date, DateTime))]
    return [{**row, **{name: _to_text(row[name]) for name in dated}} for row in rows]


def _to_text(value: object) -> object:
    """Return a date or a date-time as SQLAlchemy's types write and read it."""
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "microseconds")
    return value.isoformat() if isinstance(value, dt.date) else value


def _note_file(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    (_, _, place), *_others = connection.execute("PRAGMA database_list")
    entry.info[_FILE] = (place, _identify(place))


def _identify(place: str) -> tuple[int, int] | None:
    """Return what tells the file of this name from any other that has had it; None where there is none."""
    try:
        found = Path(place).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # transactions are begun by us: the driver's own BEGIN comes too late and is deferred
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    _use_log(connection)
    for pragma in (
        # FULL syncs the log at every commit: what was committed survives a power cut
        "synchronous = FULL",
        "foreign_keys = ON",
        f"cache_size = -{CACHE_KIB}",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _use_log(connection: sqlite3.Connection) -> None:
    """Switch the file to a write-ahead log, where it is Holocron's and has none yet.

    SQLite does not wait here: of processes that open a new file at once, some are told that it is busy.
    """
    query = "SELECT 1 FROM sqlite_master WHERE name = ?"
    if not connection.execute(query, (tables.schema_version.name,)).fetchone():
        return
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF not in _BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _leave_begin_to_us(_connection: Connection) -> None:
    """Keep SQLAlchemy from beginning anything; Store.reading and Store.writing do."""
