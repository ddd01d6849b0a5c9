"""What a database must say of itself before a store can rest on it, and what the servers have in common."""

from __future__ import annotations

import datetime as dt
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    Select,
    Table,
    bindparam,
    insert,
    make_url,
    update,
)
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.schema import CreateView, DropView

from holocron.errors import SettingsInvalid, StoreError, StoreUnreachable, UsageError

#: the parameter that brings a list of values (see Dialect.is_among)
AMONG = "among"
SelectT = TypeVar("SelectT", bound=Select[*tuple[object, ...]])

#: the role that may read the views and nothing else
READER = "holocron_reader"
#: how long a statement waits for a lock before it is StoreBusy
LOCK_TIMEOUT_S = 60
#: how long a swap of views waits: shorter than the second after which PostgreSQL looks for a deadlock, so
#: that a reader is never its victim
BRIEFLY_MS = 500
#: the schema that `holocron db bootstrap` makes
SCHEMA = "holocron"

_BARE_AT = re.compile(
    r"[\w+]+://[^:/]*:[^@]*@.*@|.*[?&]\w*(?:password|pwd)=[^&]*@", re.DOTALL | re.IGNORECASE
)
_ENCODING = "In a password '@' is written %40, '/' %2F and ':' %3A."
#: where a password stands: in a URL, and behind its name in a connection string
_PLACES = (
    re.compile(r"(://[^:/@\s]*:)\S*(?=@)"),
    re.compile(r"(?i)(\w*(?:password|pwd)\s*=\s*)(\{[^}]*\}|'[^']*'|\"[^\"]*\"|[^\s;&]+)"),
)
#: a word of this many letters is no driver's
_LONGEST_WORD = 15


class Dialect(ABC):
    """One database's ways, where they differ."""

    #: how people call it
    title: str
    #: the extra that brings its driver; empty where none is needed
    extra: str = ""
    #: whether the database belongs to this program alone and is upgraded when it is opened
    embedded: bool = False
    #: whether several transactions write at once, so that rows must be locked before they are judged
    has_row_locks: bool = True

    @abstractmethod
    def connect(self, url: URL) -> Engine:
        """Return an engine whose transactions are durable; it connects when it is used."""

    @abstractmethod
    def begin_writing(self, connection: Connection) -> None:
        """Begin a transaction that will write: where one writes at a time, wait for the turn now."""

    @abstractmethod
    def lock(self, connection: Connection, name: str) -> None:
        """Let no other transaction have the lock of this name until this one ends."""

    @abstractmethod
    def lock_rows(self, query: SelectT, table: Table, *, skip_locked: bool = False) -> SelectT:
        """Return a select that locks the rows it finds; rows that others hold are waited for, or skipped."""

    @abstractmethod
    def now(self, connection: Connection) -> dt.datetime:
        """Return the time in UTC, without a zone, of the one clock that all workers of the database share."""

    def wait_briefly(self, connection: Connection) -> None:  # noqa: B027 - there may be nothing to do
        """Let this transaction give up on a lock after a moment, where readers keep theirs to their end."""

    def name_holders(self, connection: Connection, views: Sequence[str]) -> str:  # noqa: ARG002 - for one that can tell
        """Return in words who has one of these views locked; nothing where the database does not tell."""
        return ""

    def replace_view(self, connection: Connection, name: str, query: Select[*tuple[Any, ...]]) -> None:
        """Make a view, in the place of the one of that name where there is one."""
        connection.execute(DropView(Table(name, MetaData()), if_exists=True))
        connection.execute(CreateView(query, name))

    @abstractmethod
    def publish_view(self, connection: Connection, name: str, comments: Mapping[str, str]) -> None:
        """Let readers see a new view, and say there what its columns mean."""

    @abstractmethod
    def bootstrap(self, admin_url: URL, url: URL) -> None:
        """Make the database, the login and the schema of a URL as an administrator; may be called again.

        Raises: UsageError, StoreError.
        """

    def insert_rows(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows that all have the same columns."""
        connection.execute(insert(table), rows)

    def update_rows(
        self, connection: Connection, table: Table, rows: Sequence[Mapping[str, object]], *, by: str
    ) -> None:
        """Change rows that are found by one column; all have the same columns, that one among them."""
        names = [name for name in rows[0] if name != by]
        changed = update(table).where(table.c[by] == bindparam(f"b_{by}"))
        connection.execute(
            changed.values({name: bindparam(f"b_{name}") for name in names}),
            [{f"b_{name}": value for name, value in row.items()} for row in rows],
        )

    def is_among(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the condition that a column holds one of the texts or numbers of the parameter AMONG."""
        return column.in_(bindparam(AMONG, expanding=True))

    def bind_among(self, values: Sequence[object]) -> object:
        """Return what the parameter AMONG takes for these values."""
        return list(values)

    @abstractmethod
    def translate(self, problem: DBAPIError) -> StoreError | None:
        """Return the store's own error for the driver's, or None where it is a fault of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What bootstrap makes."""

    name: str
    password: str
    database: str


def read_login(admin_url: URL, url: URL) -> Login:
    """Return the login and the database that a store's URL names.

    Raises: UsageError where it names none, or the administrator.
    """
    if admin_url.get_backend_name() != url.get_backend_name():
        raise UsageError(
            "--admin-url and HOLOCRON_DATABASE_URL name two kinds of database",
            hint="Both must name the same server.",
        )
    if not url.username or not url.database:
        raise UsageError(
            "HOLOCRON_DATABASE_URL names no login or no database",
            hint="It says what to make: KIND://LOGIN:PASSWORD@HOST/DATABASE.",
        )
    if url.username == admin_url.username:
        raise UsageError(
            f"HOLOCRON_DATABASE_URL names the administrator {url.username!r}",
            hint="Name another login there; it is made for you.",
        )
    return Login(name=url.username, password=str(url.password or ""), database=url.database)


def run_ddl(connection: Connection, statement: str) -> None:
    """Run a statement as it stands: no sign in it is a parameter's."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def quoted(connection: Connection, name: str) -> str:
    """Return a name as run_ddl needs it; SQLAlchemy's own way doubles a '%' for most drivers."""
    preparer = connection.dialect.identifier_preparer
    end = preparer.final_quote
    return f"{preparer.initial_quote}{name.replace(end, 2 * end)}{end}"


def first_line(problem: DBAPIError) -> str:
    """Return what the driver said, without the statement and its values."""
    return (str(problem.orig).strip().splitlines() or [type(problem.orig).__name__])[0]


def read_url(said: str | URL, *, named: str = "HOLOCRON_DATABASE_URL") -> URL:
    """Return a database URL taken apart.

    named: the setting or option that holds it, as errors call it. Raises: SettingsInvalid, quoting nothing.
    """
    if isinstance(said, str) and _BARE_AT.match(said):
        # the rest of a password would be taken for the host, and told by whoever looks for that
        raise SettingsInvalid(f"{named} has an '@' in a password", hint=_ENCODING)
    try:
        return make_url(said)
    except ArgumentError as problem:
        hint = f"Write it as sqlite:///PATH or KIND://LOGIN:PASSWORD@HOST/DATABASE. {_ENCODING}"
        raise SettingsInvalid(f"{named} is no database URL", hint=hint) from problem
    except ValueError:
        # what Python says of it quotes a part of the URL, which may be the password's
        raise SettingsInvalid(f"{named} has a port that is no number", hint=_ENCODING) from None


def show_url(said: str) -> str:
    """Return a database URL without login, password and options."""
    try:
        url = read_url(said)
    except SettingsInvalid:
        # where its parts end is not known, and one of them is a password
        return f"{said.partition('://')[0]}://…"
    shown = URL.create(url.drivername, host=url.host, port=url.port, database=url.database)
    return unquote(shown.render_as_string())


def hide_passwords(said: str, *urls: URL) -> str:
    """Return what a driver said without passwords: none of these URLs', and none that stands where one does.

    A password that might be a word of the driver's own is hidden in quotation marks alone: to blot out every
    'a' or 'server' would spoil the sentence, and tell the password.
    """
    for place in _PLACES:
        said = place.sub(r"\1***", said)
    for url in urls:
        shown = (url.username, url.host, url.database, str(url.port or ""))
        for secret in filter(None, _list_passwords(url)):
            if secret not in shown:
                said = _pattern_of(secret).sub("***", said)
    return said


def _list_passwords(url: URL) -> list[str]:
    found = [str(url.password or "")]
    for name, value in url.query.items():
        if "password" in name.lower() or "pwd" in name.lower():
            found += [value] if isinstance(value, str) else value
    return found


def _pattern_of(secret: str) -> re.Pattern[str]:
    """Return where a password is one for sure: in quotation marks, and where no driver has such a word."""
    value = re.escape(secret)
    quoted = rf"(?<=['\"`]){value}(?=['\"`])"
    is_word = secret.isdigit() or (secret.isalpha() and len(secret) <= _LONGEST_WORD) or len(secret) < 3
    return re.compile(quoted if is_word else rf"{quoted}|(?<!\w){value}(?!\w)")


def missing_driver(dialect: Dialect, problem: ImportError) -> SettingsInvalid:
    """Return the error of a database whose driver is not installed."""
    return SettingsInvalid(
        f"{dialect.title} needs a driver that is not installed: {problem}",
        hint=f"pip install 'holocron-analytics[{dialect.extra}]'",
    )


def connection_lost(said: str) -> StoreUnreachable:
    """Return the error of a server that is not there, which may come back."""
    made = StoreUnreachable(
        f"the database does not answer: {said}",
        hint="Check that the server runs and what HOLOCRON_DATABASE_URL names; what was committed stays.",
    )
    made.retryable = True
    return made
