"""The store: one database, opened, upgraded and written in transactions that all or nothing survive.

In: a database URL. Out: connections that read or write. Never: knows what a job or a claim is
(see queue.py, results.py, evidence.py, reports.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, ColumnElement, Connection, Row, Select, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from holocron.errors import SettingsInvalid, StoreError
from holocron.store.dialects import Dialect, dialect_for
from holocron.store.migrations import VERSION, read_version, upgrade

_EXAMPLE = "Example: sqlite:///holocron.sqlite"


def utc_now() -> dt.datetime:
    """Return the time as the store keeps it: UTC, without a zone, which not every database can hold."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


class Store:
    """An open database.

    Use it as a context manager, from one thread at a time.
    """

    def __init__(self, url: str | URL) -> None:
        """Open the database, and upgrade it where it is embedded.

        Raises: SettingsInvalid, StoreUnreachable, StoreTooNew, StoreFull, StoreBusy.
        """
        try:
            self.url = make_url(url)
            self.dialect: Dialect = dialect_for(self.url)
            self._engine = self.dialect.connect(self.url)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as problem:
            raise SettingsInvalid(
                f"HOLOCRON_DATABASE_URL cannot be used: {problem}", hint=_EXAMPLE
            ) from problem
        except ValueError:
            # what Python says of it quotes a part of the URL, which may be the password's
            raise SettingsInvalid(
                "HOLOCRON_DATABASE_URL has a port that is no number", hint=_EXAMPLE
            ) from None
        try:
            with self.reading() as connection:
                version = read_version(connection)
            if version < VERSION:
                with self.writing() as connection:
                    upgrade(connection, utc_now())
        except BaseException:
            self._engine.dispose()
            raise

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
        """Give a connection that sees committed rows; long reads hold no lock."""
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
            if translated is None:
                raise
            raise translated from problem

    def select_in(
        self,
        connection: Connection,
        query: Select[*tuple[Any, ...]],
        column: ColumnElement[Any],
        values: Sequence[object],
    ) -> Iterator[Row[*tuple[Any, ...]]]:
        """Run a select once per slice of values that the dialect's parameter limit allows."""
        size = min(self.dialect.max_parameters, 1000)
        for first in range(0, len(values), size):
            yield from connection.execute(query.where(column.in_(values[first : first + size])))


__all__ = ["Store", "StoreError", "utc_now"]
