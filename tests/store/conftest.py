"""Every statement that the store suite runs on SQLite is compiled for SQL Server and parsed too.

In: SQLAlchemy's statements. Out: an error in the test whose statement is no T-SQL. Never: a server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest
from sqlalchemy import Connection, Engine, TextClause, event
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from schema_files import check_tsql, make_dialects

_MSSQL = make_dialects()["mssql"]
_seen: set[object] = set()


def _check(
    conn: Connection,
    clauseelement: object,
    multiparams: Sequence[Mapping[str, object]],
    params: Mapping[str, object],
    execution_options: object,
) -> None:
    # a text is a dialect's own; what a server's schema is read with is SQLAlchemy's own
    if conn.dialect.name != "sqlite" or isinstance(clauseelement, TextClause):
        return
    if not isinstance(clauseelement, ClauseElement):
        return
    made = clauseelement._generate_cache_key()
    key = made.key if made else None
    if key is not None and key in _seen:
        return
    values = {**params, **(multiparams[0] if multiparams else {})}
    compiled = clauseelement.compile(dialect=_MSSQL)
    # lists of values and limits are written into the statement when it is run
    check_tsql(
        compiled.construct_expanded_state(values).statement
        if isinstance(compiled, SQLCompiler)
        else str(compiled)
    )
    if key is not None:
        _seen.add(key)


@pytest.fixture(autouse=True)
def _tsql() -> Iterator[None]:
    event.listen(Engine, "before_execute", _check)
    yield
    event.remove(Engine, "before_execute", _check)
