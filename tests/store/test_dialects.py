"""Dialects: the same rows on every database, and SQL that SQL Server can read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateTable, CreateView

from factories import HONEST, make_derivation, ships
from holocron.errors import StoreBusy, StoreConflict, StoreError, StoreFull, StoreUnreachable
from holocron.evidence import inline_bundle
from holocron.store import Store, tables
from holocron.store.derived import shape_tables
from holocron.store.dialects.dialect import Login
from holocron.store.dialects.mssql import MSSQLDialect, _database_statements, _server_statements
from holocron.testing import ScriptedModel
from holocron.work import derive_evidence
from schema_files import SNAPSHOTS, check_tsql, make_dialects, render_derived, rich_derivation

#: what differs between two runs of the same work
_PASSING = {"created_at", "started_at", "finished_at", "available_at", "upgraded_at", "manifest"} | {
    "prompt_ms",
    "output_ms",
    "seen_at",
}


def _read_all(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every fixed table and of the derived ones, without what only a moment knows."""
    shown = {made.view_name: made.current_rows() for made in shape_tables(make_derivation()).walk()}
    for table in tables.metadata.sorted_tables:
        columns = [column for column in table.c if column.name not in _PASSING]
        shown[table.name] = select(*columns).order_by(*table.primary_key)
    with store.reading() as connection:
        return {
            name: sorted((tuple(row) for row in connection.execute(query)), key=repr)
            for name, query in shown.items()
        }


def _derive(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Derive the same ships, one of them twice and one of them wrongly, with the same answers."""
    hard = inline_bundle(
        "Größe \U0001f680 'x", "The ship Vessel 9 was built. Nothing else is known, 海 and ẞ."
    )
    # one slot: answers come in the order of the jobs
    model = ScriptedModel(HONEST, slots=1)
    derive_evidence(store, model, make_derivation(), [*ships(4), hard])
    derive_evidence(store, model, make_derivation(instructions="Other words."), ships(2), force=True)
    return _read_all(store)


def test_every_database_ends_with_the_same_rows(store: Store, tmp_path: Path) -> None:
    """The same evidence and answers leave the same rows, numbers included, as they do in SQLite."""
    with Store(f"sqlite:///{(tmp_path / 'other.sqlite').as_posix()}") as other:
        assert _derive(store) == _derive(other)


@pytest.mark.parametrize("name", list(make_dialects()))
def test_derived_tables_have_native_types_and_comments(name: str) -> None:
    """The tables and views of a contract are the snapshots' (python tests/schema_files.py writes them)."""
    made = render_derived(make_dialects()[name])
    assert (SNAPSHOTS / f"derived.{name}.sql").read_text(encoding="utf-8") == made


def test_ddl_is_tsql() -> None:
    """What makes the fixed and the derived tables can be read as T-SQL."""
    server = make_dialects()["mssql"]
    for table in tables.metadata.sorted_tables:
        check_tsql(str(CreateTable(table).compile(dialect=server)))
    for made in shape_tables(rich_derivation()).walk():
        check_tsql(str(CreateTable(made.table).compile(dialect=server)))
        check_tsql(str(CreateView(made.current_rows(), made.view_name).compile(dialect=server)))


@pytest.mark.parametrize("skip_locked", [False, True])
def test_row_locks_are_hints_on_sql_server(skip_locked: bool) -> None:
    """The hints stand in the statement, which can be read as T-SQL, with a limit and an order too."""
    query = select(tables.job.c.id).order_by(tables.job.c.priority.desc(), tables.job.c.id).limit(5)
    locking = MSSQLDialect().lock_rows(query, tables.job, skip_locked=skip_locked)
    said = str(locking.compile(dialect=make_dialects()["mssql"], compile_kwargs={"render_postcompile": True}))
    hints = "UPDLOCK, READPAST, ROWLOCK, READCOMMITTEDLOCK" if skip_locked else "UPDLOCK, ROWLOCK"
    assert f"holocron_job WITH ({hints}" in said
    assert "TOP 5" in said
    check_tsql(said)


@pytest.mark.parametrize("name", ["facts", "fa'c]ts"])
def test_bootstrap_of_sql_server_escapes_and_can_be_read(name: str) -> None:
    """Names and passwords are quoted: CREATE LOGIN and CREATE DATABASE take no parameters."""
    login = Login(name=name, password="it's]", database=name)  # noqa: S106 - a planted password
    statements = [*_server_statements(login), *_database_statements(login)]
    for statement in statements:
        check_tsql(statement, parsed=False)
    said = "\n".join(statements)
    assert f"CREATE DATABASE [{name.replace(']', ']]')}]" in said
    assert "READ_COMMITTED_SNAPSHOT ON" in said
    assert "PASSWORD = N'it''s]'" in said
    assert "sysadmin" not in said


class _DriverError(Exception):
    """Stands for a driver's error."""


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        pytest.param(_DriverError(1205, b"deadlocked"), StoreConflict, id="pymssql deadlock"),
        pytest.param(_DriverError((1205, b"deadlocked")), StoreConflict, id="pymssql deadlock in a tuple"),
        pytest.param(_DriverError(3960, b"Snapshot"), StoreConflict, id="pymssql snapshot"),
        pytest.param(
            _DriverError("Driver Error: Serialization failure; DDBC Error: x"), StoreConflict, id="deadlock"
        ),
        pytest.param(
            _DriverError("Driver Error: Timeout expired; DDBC Error: Lock request time out"),
            StoreBusy,
            id="lock",
        ),
        pytest.param(_DriverError(9002, b"The transaction log is full"), StoreFull, id="pymssql full"),
        pytest.param(_DriverError("Could not allocate space for object"), StoreFull, id="full"),
        pytest.param(_DriverError((18456, b"Login failed for user")), StoreUnreachable, id="login"),
        pytest.param(_DriverError((20009, b"Unable to connect")), StoreUnreachable, id="pymssql no server"),
        pytest.param(_DriverError("Driver Error: Communication link failure"), StoreUnreachable, id="lost"),
        pytest.param(_DriverError(102, b"Incorrect syntax"), None, id="our fault"),
    ],
)
def test_faults_of_sql_server_have_their_own_errors(
    problem: Exception, kind: type[StoreError] | None
) -> None:
    """By number or by words, each driver's error becomes the store's; a fault of ours stays what it is."""
    translated = MSSQLDialect().translate(OperationalError("SELECT 1", {}, problem))
    assert (type(translated) if translated else None) is kind
    assert translated is None or "SELECT" not in str(translated)


class _Recorder:
    """Stands for a connection, and keeps what it is told to execute."""

    def __init__(self, answer: int) -> None:
        self.said: list[str] = []
        self._answer = answer

    def execute(self, statement: object, *_: object) -> _Recorder:
        self.said.append(str(statement))
        return self

    def scalar_one(self) -> int:
        return self._answer


@pytest.mark.parametrize(
    ("answer", "kind"), [(0, None), (1, None), (-1, StoreBusy), (-2, StoreConflict), (-3, StoreConflict)]
)
def test_an_application_lock_that_is_refused_is_an_error(answer: int, kind: type[StoreError] | None) -> None:
    """sp_getapplock does not raise: its answer says whether the lock is held."""
    connection = _Recorder(answer)

    def take() -> None:
        MSSQLDialect().lock(connection, "planning")  # type: ignore[arg-type]  # what stands for a connection

    if kind is None:
        take()
    else:
        with pytest.raises(kind):
            take()
    assert "sp_getapplock" in connection.said[0]


def _clock(store: Store, hours: int) -> Callable[[Connection], object]:
    now = type(store.dialect).now
    import datetime as dt

    return lambda connection: now(store.dialect, connection) + dt.timedelta(hours=hours)


def test_a_clock_that_is_set_back_stops_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that were planned an hour later than now are worked, and those of a worker that died then."""
    monkeypatch.setattr(store.dialect, "now", _clock(store, 1))
    summary = derive_evidence(store, ScriptedModel(HONEST), make_derivation(), ships(2))
    assert summary.is_clean
    monkeypatch.undo()
    summary = derive_evidence(store, ScriptedModel(HONEST), make_derivation(), ships(6))
    assert summary.is_clean
    assert summary.unchanged == 2
