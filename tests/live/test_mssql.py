"""A real SQL Server: bootstrap, claims that race, deadlocks, a lost connection, the same rows as SQLite.

Needs an administrator's URL in HOLOCRON_TEST_MSSQL_URL, e.g. mssql://sa:PASSWORD@localhost/master; every
test is skipped, and said so, where there is none. Each run makes a database and a login, and drops them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import select

from factories import HONEST, accept, claim, make_derivation, plan_ships, rows, ship_bundle, ship_value, ships
from holocron.checking import verify_store
from holocron.store import Store, commit_results, tables
from holocron.store.bootstrap import bootstrap_database
from holocron.store.queue import take_over_jobs
from holocron.testing import ScriptedModel
from holocron.work import derive_evidence
from racing import claim_all, plan_fifty, race


@pytest.fixture
def url(mssql_url: str) -> str:
    """Return the URL of a database that bootstrap made, and made again."""
    admin = os.environ["HOLOCRON_TEST_MSSQL_URL"]
    for found in (0, 1):
        assert bootstrap_database(admin, mssql_url) == found
    return mssql_url


def test_the_same_evidence_leaves_the_same_answers(url: str, tmp_path: Path) -> None:
    """Deriving leaves the rows that SQLite has, they verify, and a second run asks nothing."""
    shown = {}
    for place in (url, f"sqlite:///{(tmp_path / 'other.sqlite').as_posix()}"):
        with Store(place) as store:
            assert derive_evidence(store, ScriptedModel(HONEST), make_derivation(), ships(30)).is_clean
            again = derive_evidence(store, ScriptedModel(()), make_derivation(), ships(30))
            assert again.unchanged == 30
            assert list(verify_store(store)) == []
            claims = select(tables.claim).order_by(*tables.claim.primary_key)
            with store.reading() as connection:
                shown[store.dialect.title] = [tuple(row) for row in connection.execute(claims)]
    assert shown["SQL Server"] == shown["SQLite"]


def test_racing_planners_and_workers_never_double(url: str) -> None:
    """Processes that plan the same, and then claim at once, share the jobs out without a double."""
    found = race(plan_fifty, url)
    assert found[0] == found[1] == found[2]
    shares = race(claim_all, url)
    taken = [number for share in shares for number in share]  # type: ignore[attr-defined]  # lists of numbers
    assert len(taken) == len(set(taken)) == 50


def test_a_lost_lease_writes_nothing(url: str) -> None:
    """A worker whose job was taken over commits nothing for it."""
    with Store(url) as store:
        planner, _ = plan_ships(store)
        (lost,) = claim(store, planner)
        assert take_over_jobs(store, dead_workers=[lost.worker_id]) == 1
        assert commit_results(store, planner.tables, [accept(lost, ship_value(1))]) == []
        (held,) = claim(store, planner)
        assert len(commit_results(store, planner.tables, [accept(held, ship_value(1))])) == 1
        assert rows(store, "SELECT port FROM ship_facts") == [("Arven",)]


def test_many_rows_at_once(url: str) -> None:
    """More jobs than a statement has parameters are planned, claimed and finished in single calls."""
    with Store(url) as store:
        planner, planned = plan_ships(store, *(ship_bundle(number) for number in range(2_500)))
        jobs = claim(store, planner, limit=2_500)
        assert len(jobs) == len(planned) == 2_500
        results = [accept(job, ship_value(number)) for number, job in enumerate(jobs)]
        assert len(commit_results(store, planner.tables, results)) == 2_500
