"""Every statement that the store suite runs on SQLite is compiled for SQL Server and parsed too.

In: SQLAlchemy's statements. Out: an error in the test whose statement is no T-SQL. Never: a server.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, TextClause, event
from sqlalchemy.sql import ClauseElement

from schema_files import check_tsql, make_dialects

_MSSQL = make_dialects()["mssql"]
_seen: set[object] = set()


def _check(
    conn: Connection, clauseelement: object, multiparams: object, params: object, execution_options: object
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
    check_tsql(str(clauseelement.compile(dialect=_MSSQL, compile_kwargs={"render_postcompile": True})))
    if key is not None:
        _seen.add(key)


@pytest.fixture(autouse=True)
def _tsql() -> Iterator[None]:
    event.listen(Engine, "before_execute", _check)
    yield
    event.remove(Engine, "before_execute", _check)
