"""Bootstrap: a server's database, login, schema and tables, made as its administrator.

In: the administrator's URL, the store's own. Out: a database that can be opened. Never: keeps the
administrator's rights, or lets a password into an error.
"""

from __future__ import annotations

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from holocron.errors import StoreError, StoreUnreachable
from holocron.store.dialects import dialect_for, hide_passwords, missing_driver, read_url
from holocron.store.dialects.dialect import first_line
from holocron.store.store import Store


def bootstrap_database(admin_url: str, url: str) -> int:
    """Make all that a store's URL names, bring it up to date, and return the version it had.

    May be called again: what is there is kept, and the login gets the URL's password.
    Raises: UsageError, SettingsInvalid, StoreError.
    """
    made, admin = read_url(url), read_url(admin_url, named="--admin-url")
    dialect = dialect_for(made)
    try:
        dialect.bootstrap(admin, made)
    except ImportError as problem:
        raise missing_driver(dialect, problem) from problem
    except DBAPIError as problem:
        raise _say(dialect.translate(problem), problem, admin, made) from None
    with Store(made, any_version=True) as store:
        return store.upgrade()


def _say(known: StoreError | None, problem: DBAPIError, *urls: URL) -> StoreError:
    """Return an error without the statement, in which the login's password stands."""
    said = known or StoreError(
        f"the server refused: {first_line(problem)}",
        hint="Mend that as the administrator of --admin-url, and run it again: what was made is kept.",
    )
    said.args = (hide_passwords(str(said), *urls),)
    if isinstance(said, StoreUnreachable):
        said.hint = "Check --admin-url: the server, and its administrator's name and password."
    return said
