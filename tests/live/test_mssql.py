"""A server that speaks T-SQL: bootstrap, claims that race, errors and deadlocks, the same rows as SQLite.

Needs an administrator's URL in HOLOCRON_TEST_MSSQL_URL, e.g. mssql://sa:PASSWORD@localhost/master; every
test is skipped, and said so, where there is none. Each makes a database and a login, and drops them.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from factories import HONEST, accept, claim, make_derivation, plan_ships, rows, ship_bundle, ship_value, ships
from holocron.checking import verify_store
from holocron.store import Store, commit_results, tables
from holocron.store.bootstrap import bootstrap_database
from holocron.store.control import pause_derivation
from holocron.store.queue import take_over_jobs
from holocron.store.store import retried
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
            # one slot: answers come in the order of the jobs
            model = ScriptedModel(HONEST, slots=1)
            assert derive_evidence(store, model, make_derivation(), ships(30)).is_clean
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


@pytest.mark.parametrize("is_whole", [True, False], ids=["one statement", "one by one"])
def test_an_error_among_many_rows_leaves_nothing(url: str, *, is_whole: bool) -> None:
    """What came before the row, and what comes after it, is undone with it."""
    versions = [{"version": number, "upgraded_at": dt.datetime(2026, 1, 1)} for number in (2, 3, 1, 4, 5)]

    def write(store: Store) -> None:
        with store.writing() as connection:
            if is_whole:
                store.dialect.insert_rows(connection, tables.schema_version, versions)
            else:
                connection.execute(insert(tables.schema_version), versions)

    with Store(url) as store:
        with pytest.raises(IntegrityError):
            write(store)
        assert rows(store, "SELECT version FROM holocron_schema_version") == [(1,)]


def test_who_loses_a_deadlock_runs_again(url: str) -> None:
    """Of two transactions that wait for each other one is undone as a whole, and then comes through."""
    both_hold_one, runs = threading.Barrier(2), [0, 0]

    def swap(me: int, *names: str) -> None:
        with Store(url) as store:
            update_both(store, me, names)

    @retried
    def update_both(store: Store, me: int, names: tuple[str, ...]) -> None:
        runs[me] += 1
        with store.writing() as connection:
            for place, name in enumerate(names):
                pause = tables.pause.c.derivation_name == name
                connection.execute(update(tables.pause).where(pause).values(paused_at=store.now(connection)))
                if not place and runs[me] == 1:
                    both_hold_one.wait(30)

    with Store(url) as store:
        pause_derivation(store, "left")
        pause_derivation(store, "right")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(swap, (0, 1), ("left", "right"), ("right", "left")))
    assert sorted(runs) == [1, 2]
