"""The dialects: one file per database, each saying what it lacks and how it locks.

In: a database URL. Out: the dialect that speaks it. Never: an `if` on a dialect's name elsewhere.
"""

from __future__ import annotations

from sqlalchemy import URL

from holocron.errors import SettingsInvalid
from holocron.store.dialects.dialect import Dialect, hide_passwords, missing_driver, read_url, show_url
from holocron.store.dialects.mssql import MSSQLDialect
from holocron.store.dialects.postgresql import PostgreSQLDialect
from holocron.store.dialects.sqlite import SQLiteDialect

__all__ = ["Dialect", "dialect_for", "hide_passwords", "missing_driver", "read_url", "show_url"]

_DIALECTS: dict[str, type[Dialect]] = {
    "sqlite": SQLiteDialect,
    "postgresql": PostgreSQLDialect,
    "mssql": MSSQLDialect,
}


def dialect_for(url: URL) -> Dialect:
    """Return the dialect of a database URL.

    Raises: SettingsInvalid for a database that Holocron does not speak.
    """
    made = _DIALECTS.get(url.get_backend_name())
    if made is None:
        raise SettingsInvalid(
            f"there is no store on {url.get_backend_name()!r}",
            hint="Write the URL as sqlite:///PATH, postgresql://… or mssql://….",
        )
    return made()
