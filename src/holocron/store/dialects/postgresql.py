"""PostgreSQL 13 and later, through psycopg 3.

What it lacks: NUL in a text (answers hold none; a model's raw words get a replacement character), names of
more than 63 bytes (derived names are cut to them everywhere).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Select,
    Table,
    Unicode,
    create_engine,
    func,
    literal,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateView

from holocron.errors import (
    SettingsInvalid,
    StoreBusy,
    StoreConflict,
    StoreError,
    StoreFull,
    StoreUnreachable,
    UsageError,
    ViewHeld,
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

#: classes of https://www.postgresql.org/docs/current/errcodes-appendix.html, the longest that fits counts
_KINDS: dict[str, type[StoreError]] = {
    "40001": StoreConflict,
    "40P01": StoreConflict,
    "53100": StoreFull,
    "53": StoreBusy,
    "55P03": StoreBusy,
    "57014": StoreBusy,
    "2BP01": ViewHeld,
}
#: what is said of a view that would lose a column, or its type
_OTHER_COLUMNS = "42P16"
_COLUMNS = text(
    "SELECT column_name::text FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND table_name = :view ORDER BY ordinal_position"
)
_HOLDERS = text(
    "SELECT DISTINCT format('session %s of %s%s holds %s', s.pid, s.usename,"
    " ' (' || nullif(s.application_name, '') || ')', c.relname)"
    " FROM pg_class c JOIN pg_locks l ON l.relation = c.oid AND l.granted"
    " JOIN pg_stat_activity s ON s.pid = l.pid AND s.datname = current_database()"
    " WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:views)"
    " AND s.pid <> pg_backend_pid() ORDER BY 1 LIMIT 3"
)
#: the server goes down, comes up or closed the connection
_LOST = ("08", "57P01", "57P02", "57P03", "57P05", "53300")
#: what a server says, without a code, to who may not come in
_TURNED_AWAY = ("password", "does not exist", "pg_hba.conf", "not permitted", "permission denied")
#: rights, passwords, databases and schemas that are not there, a standby, a damaged disk
_REFUSED = ("28", "3D000", "3F000", "42501", "25006", "58", "XX001", "XX002")


class PostgreSQLDialect(Dialect):
    """PostgreSQL: row locks that can be skipped, advisory locks, comments, roles."""

    title = "PostgreSQL"
    extra = "postgres"

    def connect(self, url: URL) -> Engine:
        """Return an engine at READ COMMITTED, whose session is in UTC and notices a dead network."""
        if url.drivername not in ("postgresql", "postgresql+psycopg"):
            raise SettingsInvalid(
                f"PostgreSQL is spoken through psycopg, not {url.get_driver_name()!r}",
                hint="Write its URL as postgresql://…",
            )
        given = url.query.get("options", "")
        settings = f"-c TimeZone=UTC -c lock_timeout={LOCK_TIMEOUT_S}s"
        return create_engine(
            url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
            pool_size=1,
            max_overflow=4,
            isolation_level="READ COMMITTED",
            use_native_hstore=False,
            connect_args={
                "application_name": "holocron",
                "connect_timeout": 10,
                "keepalives_idle": 30,
                "keepalives_interval": 10,
                "keepalives_count": 3,
                "tcp_user_timeout": 60_000,
                "options": f"{settings} {given}".strip(),
            },
        )

    def begin_writing(self, connection: Connection) -> None:
        """Do nothing: rows are locked one by one."""

    def lock(self, connection: Connection, name: str) -> None:
        """Take an advisory lock that belongs to this schema."""
        key = func.hashtextextended(func.concat(func.current_schema(), literal(f" {name}", Unicode())), 0)
        connection.execute(func.pg_advisory_xact_lock(key).select())

    def lock_rows(self, query: SelectT, table: Table, *, skip_locked: bool = False) -> SelectT:
        """Add FOR NO KEY UPDATE: other rows may still refer to a locked one."""
        return query.with_for_update(of=table, key_share=True, skip_locked=skip_locked)

    def now(self, connection: Connection) -> dt.datetime:
        """Return the time of the server's clock."""
        now: dt.datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return now.astimezone(dt.UTC).replace(tzinfo=None)

    def wait_briefly(self, connection: Connection) -> None:
        """Give up soon: whoever comes to read a view waits behind a swap that waits for another reader."""
        run_ddl(connection, f"SET LOCAL lock_timeout = {BRIEFLY_MS}")

    def name_holders(self, connection: Connection, views: Sequence[str]) -> str:
        """Return the sessions, their logins and programs, which every login may see."""
        return ", ".join(connection.execute(_HOLDERS, {"views": list(views)}).scalars())

    def replace_view(self, connection: Connection, name: str, query: Select[*tuple[Any, ...]]) -> None:
        """Replace a view in place if it keeps its columns: rights on it, and what is built on it, stay.

        Then the earlier columns stand first, in their order, and new ones behind, as the server demands.
        """
        older = list(connection.execute(_COLUMNS, {"view": name}).scalars())
        columns = dict(query.selected_columns.items())
        if older and columns.keys() >= {*older}:
            ordered = [columns.pop(column) for column in older] + [*columns.values()]
            replaced = CreateView(query.with_only_columns(*ordered), name, or_replace=True)
            try:
                with connection.begin_nested():
                    connection.execute(replaced)
            except DBAPIError as problem:
                if _code_of(problem) != _OTHER_COLUMNS:
                    raise
            else:
                view = quoted(connection, name)
                for column in older:
                    run_ddl(connection, f"COMMENT ON COLUMN {view}.{quoted(connection, column)} IS NULL")
                return
        super().replace_view(connection, name, query)

    def publish_view(self, connection: Connection, name: str, comments: Mapping[str, str]) -> None:
        """Comment on the columns, and let the reader's role read where bootstrap made it."""
        view = quoted(connection, name)
        for column, comment in comments.items():
            place = f"{view}.{quoted(connection, column)}"
            run_ddl(connection, f"COMMENT ON COLUMN {place} IS {_literal(comment)}")
        has_reader = text(
            "SELECT 1 FROM pg_roles WHERE rolname = :reader AND current_schema() = :schema"
        ).bindparams(reader=READER, schema=SCHEMA)
        if connection.execute(has_reader).first():
            run_ddl(connection, f"GRANT SELECT ON {view} TO {READER}")

    def bootstrap(self, admin_url: URL, url: URL) -> None:
        """Make the login, the reader's role, the database and the login's schema."""
        login = read_login(admin_url, url)
        admin = self.connect(admin_url).execution_options(isolation_level="AUTOCOMMIT")
        try:
            with admin.connect() as connection:
                _make_login(connection, login)
                _make_database(connection, login)
        finally:
            admin.dispose()
        inside = self.connect(admin_url.set(database=login.database))
        try:
            with inside.begin() as connection:
                _make_schema(connection, login)
        finally:
            inside.dispose()

    def translate(self, problem: DBAPIError) -> StoreError | None:
        """Tell by SQLSTATE a conflict, a lock, a full disk, a lost connection and a missing right apart."""
        code = _code_of(problem)
        said = first_line(problem)
        is_away = not code and any(sign in said for sign in _TURNED_AWAY)
        is_unnamed = not code and type(problem.orig).__name__ == "OperationalError"
        if not is_away and (problem.connection_invalidated or code.startswith(_LOST) or is_unnamed):
            return connection_lost(said)
        if is_away or code.startswith(_REFUSED):
            return StoreUnreachable(f"the database refused: {said}")
        for start in (code, code[:2]):
            if start in _KINDS:
                break
        else:
            return None
        if code == "2BP01":
            detail = problem.orig.diag.message_detail or said  # type: ignore[union-attr] # psycopg's own error
            return ViewHeld(
                detail.splitlines()[0], hint="Drop that; once the views are swapped, make it anew on them."
            )
        return _KINDS[start](f"the database gave up: {said}")


def _code_of(problem: DBAPIError) -> str:
    """Return the SQLSTATE; empty where the server did not say it."""
    return getattr(problem.orig, "sqlstate", None) or ""


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _make_login(connection: Connection, login: Login) -> None:
    name = quoted(connection, login.name)
    role = "SELECT rolsuper FROM pg_roles WHERE rolname = %s"
    found = connection.exec_driver_sql(role, (login.name,)).first()
    if found and found.rolsuper:
        raise UsageError(
            f"{login.name!r} is an administrator of this server",
            hint="Name another login in HOLOCRON_DATABASE_URL; it is made for you.",
        )
    secret = ""
    if login.password:
        session = connection.connection.dbapi_connection
        # the server's log shows the hash alone
        hashed = session.pgconn.encrypt_password(login.password.encode(), login.name.encode())  # type: ignore[union-attr] # psycopg's own connection
        secret = f" PASSWORD {_literal(hashed.decode())}"
    run_ddl(connection, f"{'ALTER' if found else 'CREATE'} ROLE {name} LOGIN{secret}")
    if not connection.exec_driver_sql("SELECT 1 FROM pg_roles WHERE rolname = %s", (READER,)).first():
        run_ddl(connection, f"CREATE ROLE {READER} NOLOGIN")
    is_member = "SELECT pg_has_role(current_user, %s, 'MEMBER')"
    if not connection.exec_driver_sql(is_member, (login.name,)).scalar():
        # who is no superuser makes a schema for others only as their member
        run_ddl(connection, f"GRANT {name} TO CURRENT_USER")


def _make_database(connection: Connection, login: Login) -> None:
    name, database = quoted(connection, login.name), quoted(connection, login.database)
    found = connection.exec_driver_sql(
        "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s", (login.database,)
    ).scalar()
    if found is None:
        run_ddl(connection, f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'")
        run_ddl(connection, f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    elif found != "UTF8":
        raise UsageError(
            f"the database {login.database!r} has the encoding {found}, and texts need UTF8",
            hint="Name another database in HOLOCRON_DATABASE_URL; it is made for you.",
        )
    run_ddl(connection, f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {name}")
    run_ddl(connection, f"GRANT CONNECT ON DATABASE {database} TO {READER}")


def _make_schema(connection: Connection, login: Login) -> None:
    name, database = quoted(connection, login.name), quoted(connection, login.database)
    run_ddl(connection, f"CREATE SCHEMA IF NOT EXISTS {SCHEMA} AUTHORIZATION {name}")
    run_ddl(connection, f"GRANT USAGE ON SCHEMA {SCHEMA} TO {READER}")
    run_ddl(connection, f"ALTER ROLE {name} IN DATABASE {database} SET search_path = {SCHEMA}")
