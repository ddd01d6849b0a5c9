"""Migrations: the fixed tables from nothing, or from any earlier version, in one transaction.

In: a connection that holds the write lock. Out: the newest schema. Never: touches a database that a newer
Holocron made.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from sqlalchemy import Connection, func, insert, inspect, select

from holocron.errors import StoreTooNew
from holocron.store.tables import metadata, schema_version


def _create_tables(connection: Connection) -> None:
    metadata.create_all(connection)


#: step n brings version n to n + 1; a released step is never edited
_STEPS: tuple[Callable[[Connection], None], ...] = (_create_tables,)

VERSION = len(_STEPS)


def read_version(connection: Connection) -> int:
    """Return the schema version of a database; 0 where there is no schema yet.

    Raises: StoreTooNew where the database knows more steps than this program.
    """
    version = 0
    if inspect(connection).has_table(schema_version.name):
        version = connection.execute(select(func.max(schema_version.c.version))).scalar() or 0
    if version > VERSION:
        raise StoreTooNew(
            f"the database has schema version {version}, and this Holocron knows versions up to {VERSION}"
        )
    return version


def upgrade(connection: Connection, now: dt.datetime) -> None:
    """Run the steps that are missing; the version is read again, now that the lock is held."""
    for step in range(read_version(connection), VERSION):
        _STEPS[step](connection)
        connection.execute(insert(schema_version).values(version=step + 1, upgraded_at=now))
