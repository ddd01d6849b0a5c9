"""What a database must say of itself before a store can rest on it, and what the servers have in common."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import URL, ColumnElement, Connection, Engine, Select, Table, bindparam, insert, update
from sqlalchemy.exc import DBAPIError

from holocron.errors import StoreError, StoreUnreachable, UsageError

SelectT = TypeVar("SelectT", bound=Select[*tuple[object, ...]])

#: the role that may read the views and nothing else
READER = "holocron_reader"
#: how long a statement waits for a lock before it is StoreBusy
LOCK_TIMEOUT_S = 60
#: the schema that `holocron db bootstrap` makes
SCHEMA = "holocron"


class Dialect(ABC):
    """One database's ways, where they differ."""

    #: how people call it
    title: str
    #: the extra that brings its driver; empty where none is needed
    extra: str = ""
    #: whether the database belongs to this program alone and is upgraded when it is opened
    embedded: bool = False
    #: whether several transactions write at once, so that rows must be locked before they are judged
    has_row_locks: bool = True
    #: the most bound parameters of one statement
    max_parameters: int = 2000

    @abstractmethod
    def connect(self, url: URL) -> Engine:
        """Return an engine whose transactions are durable and, when they write, locked from the start."""

    @abstractmethod
    def begin_writing(self, connection: Connection) -> None:
        """Begin a transaction that will write, so that it cannot fail on a lock half-way."""

    @abstractmethod
    def lock(self, connection: Connection, name: str) -> None:
        """Let no other transaction have the lock of this name until this one ends."""

    @abstractmethod
    def lock_rows(self, query: SelectT, table: Table, *, skip_locked: bool = False) -> SelectT:
        """Return a select that locks the rows it finds; rows that others hold are waited for, or skipped."""

    @abstractmethod
    def now(self, connection: Connection) -> dt.datetime:
        """Return the time in UTC, without a zone, of the one clock that all workers of the database share."""

    @abstractmethod
    def publish_view(self, connection: Connection, name: str, comments: Mapping[str, str]) -> None:
        """Let readers see a new view, and say there what its columns mean."""

    @abstractmethod
    def bootstrap(self, admin_url: URL, url: URL) -> None:
        """Make the database, the login and the schema of a URL as an administrator; may be called again.

        Raises: UsageError, StoreError.
        """

    def insert_rows(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows that all have the same columns."""
        connection.execute(insert(table), rows)

    def update_rows(
        self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]], *, by: str
    ) -> None:
        """Change rows that are found by one column; all have the same columns, that one among them."""
        names = [name for name in rows[0] if name != by]
        changed = update(table).where(table.c[by] == bindparam(f"b_{by}"))
        connection.execute(
            changed.values({name: bindparam(f"b_{name}") for name in names}),
            [{f"b_{name}": value for name, value in row.items()} for row in rows],
        )

    def is_among(self, column: ColumnElement[Any], values: Sequence[object]) -> ColumnElement[bool]:
        """Return the condition that a column holds one of these texts or numbers."""
        return column.in_(values)

    @abstractmethod
    def translate(self, problem: DBAPIError) -> StoreError | None:
        """Return the store's own error for the driver's, or None where it is a fault of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What bootstrap makes."""

    name: str
    password: str
    database: str


def read_login(admin_url: URL, url: URL) -> Login:
    """Return the login and the database that a store's URL names.

    Raises: UsageError where it names none, or the administrator.
    """
    if admin_url.get_backend_name() != url.get_backend_name():
        raise UsageError(
            "--admin-url and HOLOCRON_DATABASE_URL name two kinds of database",
            hint="Both must name the same server.",
        )
    if not url.username or not url.database:
        raise UsageError(
            "HOLOCRON_DATABASE_URL names no login or no database",
            hint="It says what to make: KIND://LOGIN:PASSWORD@HOST/DATABASE.",
        )
    if url.username == admin_url.username:
        raise UsageError(
            f"HOLOCRON_DATABASE_URL names the administrator {url.username!r}",
            hint="Name another login there; it is made for you.",
        )
    return Login(name=url.username, password=str(url.password or ""), database=url.database)


def run_ddl(connection: Connection, statement: str) -> None:
    """Run a statement as it stands: no sign in it is a parameter's."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def first_line(problem: DBAPIError) -> str:
    """Return what the driver said, without the statement and its values."""
    return (str(problem.orig).strip().splitlines() or [type(problem.orig).__name__])[0]


def hide_passwords(said: str, *urls: URL) -> str:
    """Return what a driver said without the passwords of these URLs, wherever in them they stand."""
    for url in urls:
        for secret in (url.password, *(url.query.get(name) for name in ("password", "pwd", "PWD"))):
            if secret:
                said = said.replace(str(secret), "***")
    return said


def connection_lost(said: str) -> StoreUnreachable:
    """Return the error of a server that is not there, which may come back."""
    made = StoreUnreachable(
        f"the database does not answer: {said}",
        hint="Check that the server runs and what HOLOCRON_DATABASE_URL names; what was committed stays.",
    )
    made.retryable = True
    return made
