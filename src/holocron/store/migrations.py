"""Migrations: the fixed tables from nothing, or from any earlier version, in one transaction.

In: a connection that holds the lock. Out: the newest schema. Never: touches a database that a newer
Holocron made, or follows tables.py: the statements of a released step stand in schema/ as they were.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from importlib import resources

from sqlalchemy import Connection, func, insert, inspect, select

from holocron.errors import StoreTooNew
from holocron.store.tables import schema_version

#: stands between two statements of a file in schema/
SEPARATOR = ";\n\n"


def _run_file(number: int) -> Callable[[Connection], None]:
    """Return a step that runs a file of statements, of which there is one for each database."""

    def run(connection: Connection) -> None:
        name = f"{number:04}.{connection.dialect.name}.sql"
        text = (resources.files("holocron.store") / "schema" / name).read_text(encoding="utf-8")
        for statement in text.strip().removesuffix(";").split(SEPARATOR):
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    return run


#: step n brings version n to n + 1; a released step is never edited
_STEPS: tuple[Callable[[Connection], None], ...] = (_run_file(1),)

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


def run_steps(connection: Connection, now: dt.datetime) -> int:
    """Run the steps that are missing, and return the version that was found.

    It is read again, now that the lock is held.
    """
    found = read_version(connection)
    for step in range(found, VERSION):
        _STEPS[step](connection)
        connection.execute(insert(schema_version).values(version=step + 1, upgraded_at=now))
    return found
