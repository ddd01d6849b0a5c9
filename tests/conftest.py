"""Fixtures for every room: a store on each database that this machine has.

In: pytest's own fixtures; HOLOCRON_TEST_POSTGRES_URL, a server where schemas may be made, and
HOLOCRON_TEST_MSSQL_URL, one where databases may. Out: an empty database's URL, an open store.
Never: a database, or a server's schema, shared by two tests.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from holocron.store import Store
from holocron.store.dialects import dialect_for

POSTGRES, MSSQL = "HOLOCRON_TEST_POSTGRES_URL", "HOLOCRON_TEST_MSSQL_URL"


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{(folder / 'store.sqlite').as_posix()}"


@contextmanager
def _postgresql(_folder: Path) -> Iterator[str]:
    import psycopg

    url = make_url(os.environ[POSTGRES]).set(drivername="postgresql")
    schema = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute(f'CREATE SCHEMA "{schema}"')
        yield url.update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(
            hide_password=False
        )
        admin.execute("SET lock_timeout = '10s'")
        admin.execute(f'DROP SCHEMA "{schema}" CASCADE')


@contextmanager
def _mssql(_folder: Path) -> Iterator[str]:
    admin = make_url(os.environ[MSSQL])
    name = f"test_{uuid.uuid4().hex[:16]}"
    url = admin.set(username=name, password=f"It's-{uuid.uuid4().hex}-9A", database=name)
    dialect = dialect_for(admin)
    dialect.bootstrap(admin, url)
    yield url.render_as_string(hide_password=False)
    engine = dialect.connect(admin)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for statement in (
            f"ALTER DATABASE [{name}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE",
            f"DROP DATABASE [{name}]",
            f"DROP LOGIN [{name}]",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()


#: every database makes an empty one of its own for a test and says its URL; a server's joins here
DATABASES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mssql": _mssql,
}
_SERVERS = {"postgresql": POSTGRES, "mssql": MSSQL}


def _available() -> list[str]:
    return [name for name in DATABASES if name not in _SERVERS or os.environ.get(_SERVERS[name])]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end, once, which databases were not there."""
    for title, variable in (("POSTGRESQL", POSTGRES), ("SQL SERVER", MSSQL)):
        if not os.environ.get(variable):
            said = f"{title} WAS NOT TESTED: {variable} names no server"
            terminalreporter.write_line(said, red=True, bold=True)


@pytest.fixture(params=_available())
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty database without a schema, once for every database."""
    with DATABASES[request.param](tmp_path) as url:
        yield url


@pytest.fixture
def store_url(empty_url: str) -> str:
    """Return the URL of a database that can be opened, once for every database."""
    with Store(empty_url, any_version=True) as store:
        store.upgrade()
    return empty_url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty embedded database."""
    with _sqlite(tmp_path) as url:
        yield url


@pytest.fixture
def postgres_url(tmp_path: Path) -> Iterator[str]:
    """Return the URL of a PostgreSQL database that can be opened."""
    if not os.environ.get(POSTGRES):
        pytest.skip(f"POSTGRESQL IS NOT TESTED: {POSTGRES} names no server")
    with _postgresql(tmp_path) as url:
        with Store(url, any_version=True) as store:
            store.upgrade()
        yield url


@pytest.fixture
def mssql_url(tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty SQL Server database without a schema."""
    if not os.environ.get(MSSQL):
        pytest.skip(f"SQL SERVER IS NOT TESTED: {MSSQL} names no server")
    with _mssql(tmp_path) as url:
        yield url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Return an open store."""
    with Store(store_url) as opened:
        yield opened
