"""Rows on their way to SQL Server: many of them in one statement, never in the drivers' own way of many.

In: a connection, a table, rows. Out: rows that were all written, or an error. Never: an array of parameters,
of which the drivers go on sending the rest after an error, outside the transaction that it undid.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, Connection, Date, DateTime, Engine, Float, Integer, Table, event
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
from sqlalchemy.types import TypeEngine

#: locks of so many rows never become the lock of a whole table, which takes 5,000
_SLICE = 1000
#: what JSON is read as; every text has no limit here, for one that is too long shall be refused, not cut
_TYPES: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (Boolean, "bit"),
    (Integer, "bigint"),
    (Float, "float(53)"),
    (DateTime, "datetime2(7)"),
    (Date, "date"),
)
_TEXT = "nvarchar(max)"
#: a parameter in a statement, and no text that looks like one
_PARAMETER = re.compile(r"(?<!%)%\((\w+)\)s")


def send_singly(engine: Engine) -> None:
    """Make an engine send one row after the other, and a NULL as the word.

    For a parameter that is NULL mssql-python asks the server for its type, and hides an error of that, which
    may have undone the transaction.
    """
    event.listen(engine, "do_executemany", _execute_each)
    event.listen(engine, "before_cursor_execute", _write_nulls, retval=True)


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows that all have the same columns; the server takes them apart, and numbers them in order."""
    names = tuple(rows[0])
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, names))
    fields = ", ".join(f"f{place}" for place in range(len(names)))
    statement = (
        f"INSERT INTO {quote(table.name)} ({columns})"
        f" SELECT {fields} FROM OPENJSON(%(rows)s) WITH ({_fields_of(table, names)}) ORDER BY place"
    )
    _execute_slices(connection, statement, rows)


def update_rows(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, object]], *, by: str
) -> None:
    """Change rows that are found by one column, each once; all have the same columns, that one among them."""
    names = tuple(rows[0])
    quote = connection.dialect.identifier_preparer.quote
    changed = quote(table.name)
    changes = ", ".join(f"{quote(name)} = r.f{place}" for place, name in enumerate(names) if name != by)
    statement = (
        f"UPDATE {changed} SET {changes} FROM OPENJSON(%(rows)s) WITH ({_fields_of(table, names)}) AS r"
        f" WHERE r.f{names.index(by)} = {changed}.{quote(by)}"
    )
    _execute_slices(connection, statement, rows)


@lru_cache(maxsize=64)
def _fields_of(table: Table, names: tuple[str, ...]) -> str:
    """Return the types and places of a row's values."""
    types = (
        next((said for kind, said in _TYPES if isinstance(table.c[name].type, kind)), _TEXT) for name in names
    )
    fields = [f"f{place} {said} '$[{place}]'" for place, said in enumerate(types)]
    return ", ".join([*fields, f"place int '$[{len(names)}]'"])


def _execute_slices(connection: Connection, statement: str, rows: Sequence[Mapping[str, object]]) -> None:
    for document in _documents(rows):
        connection.exec_driver_sql(statement, {"rows": document})


def _documents(rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Yield the values of a thousand rows each, and each row's place, as arrays in an array."""
    for first in range(0, len(rows), _SLICE):
        slice_ = rows[first : first + _SLICE]
        values = [[*(row[name] for name in rows[0]), place] for place, row in enumerate(slice_)]
        yield json.dumps(values, ensure_ascii=False, default=_write_moment)


def _write_moment(value: dt.date) -> str:
    return value.isoformat()


def _execute_each(
    cursor: DBAPICursor,
    statement: str,
    parameters: Sequence[Mapping[str, object]],
    context: ExecutionContext,  # noqa: ARG001 - SQLAlchemy's signature
) -> bool:
    for row in parameters:
        cursor.execute(*_with_nulls(statement, row))
    return True


def _write_nulls(
    connection: Connection,  # noqa: ARG001 - as above
    cursor: DBAPICursor,  # noqa: ARG001 - as above
    statement: str,
    parameters: Any,
    context: ExecutionContext | None,  # noqa: ARG001 - as above
    executemany: object,  # noqa: ARG001 - as above
) -> tuple[str, Any]:
    return _with_nulls(statement, parameters) if isinstance(parameters, Mapping) else (statement, parameters)


def _with_nulls(statement: str, row: Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    """Return a statement with the word NULL for each parameter that is none, and the others."""
    held = {name: value for name, value in row.items() if value is not None}
    if len(held) == len(row):
        return statement, row
    return _PARAMETER.sub(lambda found: found[0] if found[1] in held else "NULL", statement), held
