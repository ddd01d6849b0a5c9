"""Bootstrap: a server's database, login, schema and tables, made as its administrator.

In: the administrator's URL, the store's own. Out: a database that can be opened. Never: keeps the
administrator's rights, or lets a password into an error.
"""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from holocron.errors import SettingsInvalid, StoreError
from holocron.store.dialects import dialect_for, hide_passwords
from holocron.store.store import Store


def bootstrap_database(admin_url: str, url: str) -> int:
    """Make all that a store's URL names, bring it up to date, and return the version it had.

    May be called again: what is there is kept, and the login gets the URL's password.
    Raises: UsageError, SettingsInvalid, StoreError.
    """
    made, admin = make_url(url), _read_admin_url(admin_url)
    dialect = dialect_for(made)
    try:
        dialect.bootstrap(admin, made)
    except DBAPIError as problem:
        raise _say(dialect.translate(problem), problem, admin, made) from None
    with Store(made, any_version=True) as store:
        return store.upgrade()


def _read_admin_url(admin_url: str) -> URL:
    try:
        return make_url(admin_url)
    except (ArgumentError, ValueError):
        # what is said of it may quote the password
        raise SettingsInvalid(
            "--admin-url is no database URL",
            hint="Example: postgresql://postgres:PASSWORD@db.example/postgres",
        ) from None


def _say(known: StoreError | None, problem: DBAPIError, *urls: URL) -> StoreError:
    """Return an error without the statement, in which the login's password stands."""
    said = known or StoreError(f"the server refused: {str(problem.orig).strip().splitlines()[0]}")
    said.args = (hide_passwords(str(said), *urls),)
    return said
