"""SQL Server without a server: how rows are sent, and what its drivers' errors become."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Date, Double, MetaData, Table, Unicode
from sqlalchemy.exc import OperationalError

from holocron.errors import StoreUnreachable
from holocron.store.dialects.mssql import MSSQLDialect
from holocron.store.dialects.mssql_rows import _execute_each, _with_nulls
from holocron.store.types import ID, MOMENT
from schema_files import check_tsql, make_dialects

_TABLE = Table(
    "ship 100%",
    MetaData(),
    Column("id", ID, primary_key=True),
    Column("a b]c", Unicode(20)),
    Column("weight", Double()),
    Column("old", Boolean()),
    Column("day", Date()),
    Column("at", MOMENT),
)
_ROW: dict[str, object] = {
    "id": 1,
    "a b]c": 'it\'s "海"',
    "weight": None,
    "old": True,
    "day": dt.date(2026, 1, 2),
    "at": dt.datetime(2026, 1, 2, 3, 4, 5, 6),
}


class _Server:
    """Stands for a connection, and keeps what it is told to execute."""

    dialect = make_dialects()["mssql"]

    def __init__(self) -> None:
        self.said: list[tuple[str, Any]] = []

    def exec_driver_sql(self, statement: str, values: Mapping[str, str]) -> None:
        self.said.append((statement, json.loads(values["rows"])))


@pytest.mark.parametrize(("number", "sizes"), [(1, [1]), (1000, [1000]), (2001, [1000, 1000, 1])])
def test_many_rows_are_one_statement_and_one_parameter(number: int, sizes: list[int]) -> None:
    """A thousand rows go as one JSON text that the server takes apart, types, order and NULL kept."""
    server = _Server()
    rows = [{**_ROW, "id": one} for one in range(number)]
    MSSQLDialect().insert_rows(server, _TABLE, rows)  # type: ignore[arg-type]  # what stands for a connection
    assert [len(values) for _, values in server.said] == sizes
    statement, values = server.said[0]
    assert values[0] == [0, 'it\'s "海"', None, True, "2026-01-02", "2026-01-02T03:04:05.000006", 0]
    check_tsql(statement.replace("%(rows)s", "?"), parsed=False)
    assert "INSERT INTO [ship 100%] (id, [a b]]c], weight, old, day, at)" in statement
    assert "f1 nvarchar(max) '$[1]', f2 float(53) '$[2]', f3 bit '$[3]', f4 date '$[4]'" in statement
    assert statement.endswith("place int '$[6]') ORDER BY place")


def test_rows_are_changed_in_one_statement() -> None:
    """Rows are found by their key, and the key itself is not written."""
    server = _Server()
    row = {"id": 7, "old": None, "a b]c": "x"}
    MSSQLDialect().update_rows(server, _TABLE, [row], by="id")  # type: ignore[arg-type]  # as above
    ((statement, values),) = server.said
    assert values == [[7, None, "x", 0]]
    assert statement.startswith("UPDATE [ship 100%] SET old = r.f1, [a b]]c] = r.f2 FROM OPENJSON(")
    assert statement.endswith("AS r WHERE r.f0 = [ship 100%].id")
    check_tsql(statement.replace("%(rows)s", "?"), parsed=False)


def test_a_swap_of_views_waits_for_a_moment_alone() -> None:
    """SQL Server's wait for a lock is the session's: the next transaction that writes sets it back, once."""
    said: list[str] = []
    connection: Any = SimpleNamespace(info={}, exec_driver_sql=lambda statement, **_: said.append(statement))
    dialect = MSSQLDialect()
    dialect.begin_writing(connection)
    assert said == []
    dialect.wait_briefly(connection)
    dialect.begin_writing(connection)
    dialect.begin_writing(connection)
    assert said == ["SET LOCK_TIMEOUT 500", "SET LOCK_TIMEOUT 60000"]
    for statement in said:
        check_tsql(statement)


def test_after_an_error_no_further_row_is_sent() -> None:
    """The drivers' own way of many would go on, outside the transaction that the error undid."""
    sent: list[object] = []

    def execute(_statement: str, row: Mapping[str, object]) -> None:
        sent.append(row["a"])
        if row["a"] == 2:
            raise ValueError("refused")

    cursor: Any = SimpleNamespace(execute=execute)
    context: Any = None
    with pytest.raises(ValueError, match="refused"):
        _execute_each(cursor, "UPDATE t SET b = %(a)s", [{"a": number} for number in range(5)], context)
    assert sent == [0, 1, 2]


@pytest.mark.parametrize(
    ("statement", "row", "said", "held"),
    [
        pytest.param("SET a = %(a)s", {"a": 1}, "SET a = %(a)s", {"a": 1}, id="a value"),
        pytest.param("SET a = %(a)s", {"a": None}, "SET a = NULL", {}, id="none"),
        pytest.param(
            "SET a = %(a)s, b = %(ab)s, c = %(a)s",
            {"a": None, "ab": 0},
            "SET a = NULL, b = %(ab)s, c = NULL",
            {"ab": 0},
            id="one of two, used twice",
        ),
        pytest.param("LIKE '%%(a)s' OR %(a)s", {"a": None}, "LIKE '%%(a)s' OR NULL", {}, id="a text"),
    ],
)
def test_a_null_is_a_word(
    statement: str, row: Mapping[str, object], said: str, held: Mapping[str, object]
) -> None:
    """For a parameter without a value the driver would ask the server what it is."""
    assert _with_nulls(statement, row) == (said, held)


class _DriverError(Exception):
    """Stands for a driver's error."""


_NO_SERVER = (
    b"DB-Lib error message 20009, severity 9:\nUnable to connect: TDS server is unavailable or does not exist"
    b" (db)\nNet-Lib error during Connection refused (111)\n"
)
_TURNED_AWAY = (
    b"Login failed for user 'ann'.DB-Lib error message 20018, severity 14:\nGeneral SQL Server error: Check"
    b" messages from the SQL Server\nDB-Lib error message 20002, severity 9:\nTDS server connection failed\n"
)
_GONE = b"DB-Lib error message 20047, severity 9:\nDBPROCESS is dead or not enabled\n"


@pytest.mark.parametrize(
    ("problem", "comes_back", "said"),
    [
        pytest.param(_DriverError(33557097, _NO_SERVER), True, "TDS server is unavailable", id="no server"),
        pytest.param(_DriverError((20009, _NO_SERVER)), True, "Unable to connect", id="no server, a tuple"),
        pytest.param(_DriverError(18456, _TURNED_AWAY), False, "Login failed for user 'ann'", id="password"),
        pytest.param(_DriverError(33557097, _TURNED_AWAY), False, "Login failed", id="password, no number"),
        pytest.param(_DriverError(20047, _GONE), True, "DBPROCESS is dead", id="lost"),
        pytest.param(
            _DriverError(f"Cannot commit transaction: {(20047, _GONE)}"), True, "Cannot commit", id="commit"
        ),
        pytest.param(
            _DriverError((4060, b'Cannot open database "facts" requested by the login. The login failed.')),
            True,
            "refused: Cannot open database",
            id="no database, or not yet",
        ),
        pytest.param(
            _DriverError(
                "Driver Error: x; DDBC Error: SHUTDOWN is in progress. Login failed for user 'ann'."
            ),
            True,
            "SHUTDOWN",
            id="going down",
        ),
        pytest.param(
            _DriverError("Driver Error: Client unable to establish connection; DDBC Error: TCP Provider: x"),
            True,
            "TCP Provider",
            id="mssql-python, no server",
        ),
    ],
)
def test_who_may_not_come_in_does_not_wait(problem: Exception, comes_back: bool, said: str) -> None:
    """A server that is away or starts may come back, a refusal stays one; both are told in its own words."""
    translated = MSSQLDialect().translate(OperationalError("SELECT 1", {}, problem))
    assert isinstance(translated, StoreUnreachable)
    assert translated.retryable is comes_back
    assert said in str(translated)
