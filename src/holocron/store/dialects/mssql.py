"""SQL Server 2022 and later, through mssql-python; pymssql works too, and cuts times to milliseconds.

What it lacks: names that differ only in spaces at their end (it takes them for equal), more than 2,100
parameters in a statement, a row lock in the words of the standard (hints lock instead).
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Mapping, Sequence

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from holocron.errors import (
    SettingsInvalid,
    StoreBusy,
    StoreConflict,
    StoreError,
    StoreFull,
    StoreUnreachable,
    UsageError,
)
from holocron.store.dialects.dialect import (
    BRIEFLY_MS,
    LOCK_TIMEOUT_S,
    READER,
    SCHEMA,
    Dialect,
    Login,
    SelectT,
    connection_lost,
    first_line,
    quoted,
    read_login,
    run_ddl,
)
from holocron.store.dialects.mssql_rows import insert_rows, send_singly, update_rows

_DRIVERS = {
    "mssql": "mssql+mssqlpython",
    "mssql+mssqlpython": "mssql+mssqlpython",
    "mssql+pymssql": "mssql+pymssql",
}
#: pymssql says the number of https://learn.microsoft.com/sql/relational-databases/errors-events, where there
#: is one; mssql-python only the sentence, or its own words for the SQLSTATE
_SIGNS: tuple[tuple[type[StoreError], frozenset[int], tuple[str, ...]], ...] = (
    (StoreConflict, frozenset({1205, 3960}), ("Serialization failure", "deadlock victim")),
    (StoreBusy, frozenset({1222}), ("Lock request time out", "Timeout expired")),
    (
        StoreFull,
        frozenset({1101, 1105, 9002}),
        ("Could not allocate", "transaction log for database", "disk space"),
    ),
)
#: a server that goes down or comes up turns everyone away for a moment; one that recovers a database says the
#: same as of a database that is not there
_PASSING_NUMBERS = frozenset({922, 4060, 6005, 17142, 18401, 18451})
_PASSING_WORDS = (
    "SHUTDOWN is in progress",
    "Only administrator",
    "has been paused",
    "being recovered",
    "Cannot open database",
    "Server rejected the connection",
)
_REFUSED_NUMBERS = frozenset({229, 262, 300, 3906, 18452, 18456})
_REFUSED_WORDS = ("permission was denied", "permission denied", "Login failed", "read-only")
_LOST_NUMBERS = frozenset({20002, 20003, 20004, 20006, 20009, 20017, 20047, 596})
_LOST_WORDS = (
    "Communication link failure",
    "Connection failure",
    "Connection not open",
    "unable to establish connection",
    "Connection timeout expired",
    "Disconnect error",
    "TCP Provider",
    # pymssql's
    "Unable to connect",
    "server connection failed",
    "Net-Lib error",
    "from the server failed",
    "to the server failed",
    "Unexpected EOF from the server",
    "DBPROCESS is dead",
    "Not connected to any MS SQL server",
)
_POOL = "holocron"
#: under which a connection notes that it does not wait for locks as long as ever
_BRIEF = "holocron_brief"
_DB_LIB = re.compile(r"DB-Lib error message \d+, severity \d+:(?:\s*General SQL Server error: .*)?")


class MSSQLDialect(Dialect):
    """SQL Server: lock hints, application locks, extended properties, database roles."""

    title = "SQL Server"
    extra = "mssql"

    def connect(self, url: URL) -> Engine:
        """Return an engine at READ COMMITTED, which the hints need, that gives up on a lock in the end."""
        if url.drivername not in _DRIVERS:
            raise SettingsInvalid(
                f"SQL Server is spoken through mssql-python or pymssql, not {url.get_driver_name()!r}",
                hint="Write its URL as mssql://… or mssql+pymssql://….",
            )
        engine = create_engine(
            url.set(drivername=_DRIVERS[url.drivername]),
            pool_size=1,
            max_overflow=4,
            isolation_level="READ COMMITTED",
            use_insertmanyvalues=False,
            pool_logging_name=_POOL,
        )
        # of a lost connection mssql-python cannot even be rid quietly; the loss itself is told elsewhere
        logging.getLogger(f"sqlalchemy.pool.impl.QueuePool.{_POOL}").setLevel(logging.CRITICAL)
        event.listen(engine, "connect", _prepare)
        send_singly(engine)
        return engine

    def begin_writing(self, connection: Connection) -> None:
        """Be patient again after wait_briefly; rows are locked one by one."""
        if connection.info.pop(_BRIEF, False):
            run_ddl(connection, _patience(LOCK_TIMEOUT_S * 1000))

    def wait_briefly(self, connection: Connection) -> None:
        """Give up soon: whoever comes to read a view waits behind a swap that waits for another reader."""
        connection.info[_BRIEF] = True
        run_ddl(connection, _patience(BRIEFLY_MS))

    def lock(self, connection: Connection, name: str) -> None:
        """Take an application lock; its answer is below 0 where a deadlock or the time ended the wait."""
        taken = text(
            "DECLARE @taken int, @name nvarchar(255) = CONCAT(SCHEMA_NAME(), N' ', :name);"
            " EXEC @taken = sp_getapplock @Resource = @name, @LockMode = 'Exclusive',"
            f" @LockOwner = 'Transaction', @LockTimeout = {LOCK_TIMEOUT_S * 1000};"
            " SELECT @taken"
        ).bindparams(name=name)
        answer = connection.execute(taken).scalar_one()
        if answer == -1:
            raise StoreBusy(f"another process holds the lock {name!r}")
        if answer < 0:
            raise StoreConflict(f"another transaction holds the lock {name!r}")

    def lock_rows(self, query: SelectT, table: Table, *, skip_locked: bool = False) -> SelectT:
        """Add hints; READCOMMITTEDLOCK reads the rows that stand there, not an earlier version of them."""
        skips = "READPAST, " if skip_locked else ""
        return query.with_hint(table, f"WITH (UPDLOCK, {skips}ROWLOCK, READCOMMITTEDLOCK)", "mssql")

    def now(self, connection: Connection) -> dt.datetime:
        """Return the time of the server's clock."""
        now: dt.datetime = connection.exec_driver_sql("SELECT SYSUTCDATETIME()").scalar_one()
        return now

    def publish_view(self, connection: Connection, name: str, comments: Mapping[str, str]) -> None:
        """Describe the columns, and let the reader's role read where bootstrap made it."""
        describe = text(
            "DECLARE @schema sysname = SCHEMA_NAME();"
            " EXEC sp_addextendedproperty @name = N'MS_Description', @value = :comment,"
            " @level0type = N'SCHEMA', @level0name = @schema, @level1type = N'VIEW', @level1name = :view,"
            " @level2type = N'COLUMN', @level2name = :column"
        )
        for column, comment in comments.items():
            connection.execute(describe, {"comment": comment, "view": name, "column": column})
        if connection.execute(text("SELECT DATABASE_PRINCIPAL_ID(:role)"), {"role": READER}).scalar():
            run_ddl(connection, f"GRANT SELECT ON {quoted(connection, name)} TO {READER}")

    def insert_rows(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows in one statement per thousand."""
        insert_rows(connection, table, rows)

    def update_rows(
        self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]], *, by: str
    ) -> None:
        """Change rows in one statement per thousand."""
        update_rows(connection, table, rows, by=by)

    def bootstrap(self, admin_url: URL, url: URL) -> None:
        """Make the database with row versioning on, the login, its user and schema, and the reader's role."""
        login = read_login(admin_url, url)
        for database, statements in (
            (admin_url.database or "master", _server_statements(login)),
            (login.database, _database_statements(login)),
        ):
            engine = self.connect(admin_url.set(database=database))
            try:
                with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                    is_admin = text("SELECT IS_SRVROLEMEMBER('sysadmin', :login)")
                    if connection.execute(is_admin, {"login": login.name}).scalar():
                        raise UsageError(
                            f"{login.name!r} is an administrator of this server",
                            hint="Name another login in HOLOCRON_DATABASE_URL; it is made for you.",
                        )
                    for statement in statements:
                        run_ddl(connection, statement)
            finally:
                engine.dispose()

    def translate(self, problem: DBAPIError) -> StoreError | None:
        """Tell by the error's number or words a conflict, a lock, a full disk and a lost connection apart."""
        said = _read_sentence(problem)
        number, words = _read_number(problem.orig), str(problem.orig)
        passes = number in _PASSING_NUMBERS or any(sign in words for sign in _PASSING_WORDS)
        # of whoever may not come in it is said as well that the connection failed
        if passes or number in _REFUSED_NUMBERS or any(sign in words for sign in _REFUSED_WORDS):
            refused = StoreUnreachable(f"the database refused: {said}")
            refused.retryable = passes
            return refused
        if (
            problem.connection_invalidated
            or number in _LOST_NUMBERS
            or any(sign in words for sign in _LOST_WORDS)
        ):
            return connection_lost(said)
        for kind, numbers, signs in _SIGNS:
            if number in numbers or any(sign in words for sign in signs):
                return kind(f"the database gave up: {said}")
        return None


def _read_number(problem: BaseException | None) -> int | None:
    """Return pymssql's error number, which it hands over by itself or with the sentence."""
    first = problem.args[0] if problem is not None and problem.args else None
    number = first[0] if isinstance(first, tuple) and first else first
    return number if isinstance(number, int) else None


def _read_sentence(problem: DBAPIError) -> str:
    """Return what the driver said; pymssql's own message numbers stand around the server's sentence."""
    parts = _DB_LIB.split(next((said.decode(errors="replace") for said in _read_bytes(problem.orig)), ""))
    return next((part.strip().splitlines()[0] for part in parts if part.strip()), first_line(problem))


def _read_bytes(problem: BaseException | None) -> list[bytes]:
    """Return pymssql's messages."""
    given = problem.args if problem is not None else ()
    given = given[0] if len(given) == 1 and isinstance(given[0], tuple) else given
    return [said for said in given if isinstance(said, bytes)]


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(_patience(LOCK_TIMEOUT_S * 1000))
    # an error that a driver hides must not undo what came before it; whatever it shows ends in a rollback
    cursor.execute("SET XACT_ABORT OFF")
    cursor.close()
    connection.commit()


def _patience(lock_ms: int) -> str:
    """Return what sets how long the session, and not a transaction alone, waits for a lock."""
    return f"SET LOCK_TIMEOUT {lock_ms}"


def _server_statements(login: Login) -> list[str]:
    """Return what makes the database and the login; neither takes a parameter."""
    database, name = _quoted(login.database), _quoted(login.name)
    made = f"CREATE LOGIN {name} WITH PASSWORD = {_literal(login.password)}, DEFAULT_DATABASE = {database}"
    changed = f"ALTER LOGIN {name} WITH PASSWORD = {_literal(login.password)}"
    versioned = f"ALTER DATABASE {database} SET READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE"
    unversioned = (
        f"SELECT 1 FROM sys.databases WHERE name = {_literal(login.database)}"
        " AND is_read_committed_snapshot_on = 0"
    )
    return [
        f"IF DB_ID({_literal(login.database)}) IS NULL CREATE DATABASE {database}",
        f"IF EXISTS ({unversioned}) {versioned}",
        f"IF SUSER_ID({_literal(login.name)}) IS NULL {made} ELSE {changed}",
    ]


def _database_statements(login: Login) -> list[str]:
    """Return what makes the user, its schema and rights, and the reader's role."""
    name, literal = _quoted(login.name), _literal(login.name)
    make_schema = _literal(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {name}")
    return [
        f"IF USER_ID({literal}) IS NULL CREATE USER {name} FOR LOGIN {name}",
        # CREATE SCHEMA must stand alone in its batch
        f"IF SCHEMA_ID(N'{SCHEMA}') IS NULL EXEC({make_schema})",
        f"ALTER USER {name} WITH DEFAULT_SCHEMA = {SCHEMA}",
        f"GRANT CREATE TABLE, CREATE VIEW TO {name}",
        f"IF DATABASE_PRINCIPAL_ID(N'{READER}') IS NULL CREATE ROLE {READER}",
    ]


def _quoted(name: str) -> str:
    return "[" + name.replace("]", "]]") + "]"


def _literal(value: str) -> str:
    return "N'" + value.replace("'", "''") + "'"
