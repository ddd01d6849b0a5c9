"""What a database must say of itself before a store can rest on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from sqlalchemy import URL, Connection, Engine, Table, insert
from sqlalchemy.exc import DBAPIError

from holocron.errors import StoreError


class Dialect(ABC):
    """One database's ways, where they differ."""

    #: whether the database belongs to this program alone and is upgraded when it is opened
    embedded: bool = False
    #: the most bound parameters of one statement
    max_parameters: int = 2000

    @abstractmethod
    def connect(self, url: URL) -> Engine:
        """Return an engine whose transactions are durable and, when they write, locked from the start."""

    @abstractmethod
    def begin_writing(self, connection: Connection) -> None:
        """Begin a transaction that will write, so that it cannot fail on a lock half-way."""

    def insert_rows(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows that all have the same columns."""
        connection.execute(insert(table), rows)

    @abstractmethod
    def translate(self, problem: DBAPIError) -> StoreError | None:
        """Return the store's own error for the driver's, or None where it is a fault of ours."""
