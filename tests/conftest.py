"""Fixtures for every room: a store on each database that this machine has.

In: pytest's own fixtures. Out: an empty database's URL, an open store. Never: a database shared by two tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holocron.store import Store


def _sqlite(folder: Path) -> str:
    return f"sqlite:///{(folder / 'store.sqlite').as_posix()}"


#: every database makes an empty one of its own for a test and says its URL; a server's joins here
DATABASES: dict[str, Callable[[Path], str]] = {"sqlite": _sqlite}


@pytest.fixture(params=sorted(DATABASES))
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, once for every database."""
    return DATABASES[request.param](tmp_path)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Return an open store."""
    with Store(store_url) as opened:
        yield opened
