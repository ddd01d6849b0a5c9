"""The store: one database, opened, upgraded and written in transactions that all or nothing survive.

In: a database URL. Out: connections that read or write. Never: knows what a job or a claim is (see
queue.py, results.py, evidence.py, reports.py), or brings a schema up to date where it was not asked to.
"""

from __future__ import annotations

import datetime as dt
import functools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import URL, ColumnElement, Connection, Row, Select
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, NoSuchModuleError

from holocron.errors import SettingsInvalid, StoreConflict, StoreError, StoreTooOld, StoreUnreachable
from holocron.store.dialects import Dialect, dialect_for, hide_passwords, missing_driver, read_url
from holocron.store.dialects.dialect import AMONG, first_line
from holocron.store.migrations import VERSION, read_version, run_steps

_EXAMPLE = "Example: sqlite:///holocron.sqlite"
#: how often a transaction that stood in another one's way is run, and how long a lost server is waited for
MAX_RUNS = 12
PATIENCE_S = 60.0
_LONGEST_PAUSE_S = 2.0
#: values of one select: SQL Server takes 2,100 parameters in a statement
_SLICE = 1000
#: the lock under which jobs are planned, and derived tables and views are made
PLANNING = "planning"

P = ParamSpec("P")
R = TypeVar("R")


def retried(transaction: Callable[P, R]) -> Callable[P, R]:
    """Make a function whose body is one transaction run again, as a whole, where it was undone.

    That is where another transaction stood in its way, or where the server went away for a moment. All that
    Holocron writes is fenced or looked up first: what was committed before the answer got lost is found, not
    written again.
    """

    @functools.wraps(transaction)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        began = time.monotonic()
        runs = 0
        while True:
            try:
                return transaction(*args, **kwargs)
            except (StoreConflict, StoreUnreachable) as problem:
                runs += 1
                waited = time.monotonic() - began
                spent = runs >= MAX_RUNS if isinstance(problem, StoreConflict) else waited > PATIENCE_S
                if spent or not problem.retryable:
                    raise
                ceiling = min(_LONGEST_PAUSE_S, 0.01 * 2.0**runs)
                time.sleep(random.uniform(0, ceiling))  # noqa: S311 - spreads load, guards nothing

    return run


def utc_now() -> dt.datetime:
    """Return the time as the store keeps it: UTC, without a zone, which not every database can hold."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


class Store:
    """An open database.

    Use it as a context manager, from one thread at a time.
    """

    def __init__(self, url: str | URL, *, any_version: bool = False, upgrades: bool = True) -> None:
        """Open the database, and upgrade it where it is embedded.

        any_version: opens it as it is, whatever version it has, to upgrade it or to look at it.
        upgrades: False refuses an embedded one of an older version, as a server's is refused.
        Raises: SettingsInvalid, StoreUnreachable, StoreTooNew, StoreTooOld, StoreFull, StoreBusy.
        """
        self.url = read_url(url)
        self.dialect: Dialect = dialect_for(self.url)
        try:
            self._engine = self.dialect.connect(self.url)
        except (ArgumentError, NoSuchModuleError) as problem:
            raise _unusable(problem) from problem
        except ImportError as problem:
            raise missing_driver(self.dialect, problem) from problem
        try:
            version = self.read_version()
            if version < VERSION and not any_version:
                if not (upgrades and self.dialect.embedded):
                    raise self._too_old(version)
                self.upgrade()
        except BaseException:
            self._engine.dispose()
            raise

    def read_version(self) -> int:
        """Return the version of the schema; 0 where there is none yet.

        Raises: StoreTooNew.
        """
        with self.reading() as connection:
            return read_version(connection)

    def upgrade(self) -> int:
        """Bring the schema up to date in one transaction, and return the version that was found.

        Of several that upgrade at once, one does and the others wait for it.
        """
        with self.writing() as connection:
            self.dialect.lock(connection, "upgrade")
            found = run_steps(connection, utc_now())
        # a file that has become Holocron's is prepared as that by its next connection
        self._engine.dispose()
        return found

    def _too_old(self, version: int) -> StoreTooOld:
        if version:
            return StoreTooOld(
                f"the database has schema version {version}, and this Holocron needs version {VERSION}"
            )
        if not self.dialect.embedded:
            return StoreTooOld("the database has no Holocron schema yet")
        return StoreTooOld(
            f"{self.url.database} is no Holocron database",
            hint="Name another with --project or --database; 'holocron derive' would make its tables in this "
            "one.",
        )

    def __enter__(self) -> Store:
        """Return the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Let every connection go; may be called twice."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees committed rows; in SQLite the log grows behind a long read."""
        with self._translating(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose writes all become durable at the end, or none where the block raises."""
        with self._translating(), self._engine.begin() as connection:
            self.dialect.begin_writing(connection)
            yield connection

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """Turn the driver's errors into the store's; the one place where SQLAlchemy's are caught."""
        try:
            yield
        except DBAPIError as problem:
            translated = self.dialect.translate(problem)
            if translated is None and isinstance(problem, DataError):
                # the fault of one value, and of whoever brought it
                raise ValueError(first_line(problem)) from problem
            if translated is None:
                raise
            raise self._without_password(translated) from problem

    def _without_password(self, problem: StoreError) -> StoreError:
        """Take the password out of what a driver says of its connection."""
        problem.args = (hide_passwords(str(problem), self.url),)
        return problem

    def now(self, connection: Connection) -> dt.datetime:
        """Return the time of the one clock that all workers of this database share."""
        return self.dialect.now(connection)

    def select_in(
        self,
        connection: Connection,
        query: Select[*tuple[Any, ...]],
        column: ColumnElement[Any],
        values: Sequence[object],
    ) -> Iterator[Row[*tuple[Any, ...]]]:
        """Run a select once per slice of values; one that is kept by the caller is made ready once."""
        statement = _narrow(self.dialect, query, column)
        for first in range(0, len(values), _SLICE):
            among = self.dialect.bind_among(values[first : first + _SLICE])
            yield from connection.execute(statement, {AMONG: among})


@lru_cache(maxsize=64)
def _narrow(
    dialect: Dialect, query: Select[*tuple[Any, ...]], column: ColumnElement[Any]
) -> Select[*tuple[Any, ...]]:
    """Return the select with its condition; kept, for making one takes as long as running it."""
    return query.where(dialect.is_among(column))


def _unusable(problem: Exception) -> SettingsInvalid:
    return SettingsInvalid(f"HOLOCRON_DATABASE_URL cannot be used: {problem}", hint=_EXAMPLE)


__all__ = ["PLANNING", "Store", "retried", "utc_now"]
