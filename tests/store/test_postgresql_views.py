"""Views on PostgreSQL, where a reader's lock lasts as long as its transaction, and people build on views.

Needs HOLOCRON_TEST_POSTGRES_URL; every test is skipped, and said so, where there is none.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from factories import (
    HONEST,
    accept,
    claim,
    finish,
    make_derivation,
    plan_ships,
    rows,
    run_sql,
    ship_value,
    ships,
)
from holocron.derivation import Derivation
from holocron.errors import ViewHeld
from holocron.fingerprint import JSONValue
from holocron.store import Store, commit_results
from holocron.testing import ScriptedModel
from holocron.work import WorkObserver, derive_evidence

_TEXT: JSONValue = {"type": "string"}


def _contract(**properties: JSONValue) -> Derivation:
    return make_derivation({"type": "object", "properties": properties})


_NAME_ALONE = _contract(name=_TEXT)


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    """Return an open store on PostgreSQL alone, with one answer about ship 1."""
    with Store(postgres_url) as opened:
        finish(opened, plan_ships(opened)[0], ship_value(1))
        yield opened


@pytest.fixture
def reader(postgres_url: str) -> Iterator[psycopg.Connection]:
    """Return a person's session that has read the view, and stays in its transaction."""
    plain = make_url(postgres_url).render_as_string(hide_password=False)
    with psycopg.connect(plain, application_name="a report") as session:
        session.execute("SELECT * FROM ship_facts")
        yield session


class _Told(WorkObserver):
    def __init__(self) -> None:
        self.held: list[str] = []

    def on_view_held(self, error: ViewHeld) -> None:
        self.held.append(str(error))


def test_a_reader_in_a_transaction_holds_up_no_answer(store: Store, reader: psycopg.Connection) -> None:
    """The answer is committed; the swap gives up soon, names the reader, and works once it is gone."""
    planner, _ = plan_ships(store, derivation=_NAME_ALONE)
    (job,) = claim(store, planner)
    began = time.monotonic()
    assert commit_results(store, planner.tables, [accept(job, {"name": "Vessel 1"})])
    with pytest.raises(ViewHeld) as caught:
        planner.swap_views()
    assert time.monotonic() - began < 20
    said = f"session {reader.info.backend_pid} of {reader.info.user} (a report) holds ship_facts"
    assert str(caught.value) == f"the views of 'ship_facts' still show the earlier contract: {said}"
    reader.rollback()
    # not at once again, but as soon as it is asked to
    planner.swap_views()
    assert planner.tables.is_hidden
    planner.swap_views(at_once=True)
    assert rows(store, "SELECT name FROM ship_facts") == [("Vessel 1",)]


def test_a_run_beside_a_reader_ends_well(store: Store, reader: psycopg.Connection) -> None:
    """A run whose views cannot be swapped answers all, says so, and leaves the swap to the next one."""
    told = _Told()
    model = ScriptedModel(lambda _: '{"name": null}')
    assert derive_evidence(store, model, _NAME_ALONE, ships(3), observer=told).is_clean
    assert f"session {reader.info.backend_pid} of {reader.info.user} (a report)" in told.held[0]
    reader.rollback()
    again = derive_evidence(store, ScriptedModel(()), _NAME_ALONE, ships(3))
    assert again.unchanged == 3
    assert rows(store, "SELECT count(name), count(*) FROM ship_facts") == [(0, 3)]


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        pytest.param(
            {"name": {**_TEXT, "minLength": 1}, "port": _TEXT, "launched": {"type": "integer"}},
            {},
            id="the same columns",
        ),
        pytest.param(
            {"crew": {"type": "integer"}, "name": _TEXT, "port": _TEXT, "launched": {"type": "integer"}},
            {"crew": 12},
            id="one more",
        ),
        pytest.param({"launched": {"type": "integer"}, "port": _TEXT, "name": _TEXT}, {}, id="another order"),
    ],
)
def test_what_was_built_on_a_view_lives_on_where_its_columns_do(
    store: Store, changed: dict[str, JSONValue], value: dict[str, JSONValue]
) -> None:
    """A view keeps its rights and what was built on it, and shows the new contract with its comments."""
    run_sql(
        store,
        "CREATE VIEW report AS SELECT port FROM ship_facts",
        "GRANT SELECT ON ship_facts TO pg_monitor",
        "COMMENT ON COLUMN ship_facts.port IS 'an earlier one'",
    )
    changed["name"] = {**_TEXT, "description": "what it's called"}
    newer, _ = plan_ships(store, derivation=_contract(**changed))
    finish(store, newer, {**ship_value(1, port="Belcor"), **value})
    assert rows(store, "SELECT port FROM report") == [("Belcor",)]
    assert rows(store, "SELECT subject, name, launched FROM ship_facts") == [("ship 1", "Vessel 1", 1801)]
    comment = "SELECT attname::text, col_description(attrelid, attnum) FROM pg_attribute"
    assert rows(
        store, f"{comment} WHERE attrelid = 'ship_facts'::regclass AND attname IN ('name', 'port')"
    ) == [
        ("name", "what it's called"),
        ("port", None),
    ]
    assert rows(store, "SELECT has_table_privilege('pg_monitor', 'ship_facts', 'SELECT')") == [(True,)]


@pytest.mark.parametrize(
    "changed", [{"name": _TEXT}, {"name": _TEXT, "port": {"type": "integer"}}], ids=["dropped", "other type"]
)
def test_a_view_that_something_was_built_on_is_said(store: Store, changed: dict[str, JSONValue]) -> None:
    """A person's view that needs a column which goes away holds up the views, is named, and loses nothing."""
    run_sql(store, "CREATE VIEW report AS SELECT port FROM ship_facts")
    newer, _ = plan_ships(store, derivation=_contract(**changed))
    (job,) = claim(store, newer)
    assert commit_results(store, newer.tables, [accept(job, {"name": "Vessel 1", "port": None})])
    with pytest.raises(ViewHeld, match=r"view report depends on view ship_facts$") as caught:
        newer.swap_views()
    assert "Drop that" in caught.value.hint
    rows(store, "SELECT port FROM report")
    run_sql(store, "DROP VIEW report")
    newer.swap_views(at_once=True)
    assert rows(store, "SELECT name FROM ship_facts") == [("Vessel 1",)]


def test_a_worker_goes_on_beside_a_view_that_cannot_be_had(store: Store) -> None:
    """What holds the views is told, and the jobs are worked to the end."""
    run_sql(store, "CREATE VIEW report AS SELECT port FROM ship_facts")
    told = _Told()
    contract = _contract(name=_TEXT, launched={"type": "integer"})
    assert derive_evidence(store, ScriptedModel(HONEST), contract, ships(20), observer=told).is_clean
    assert "view report depends on view ship_facts" in told.held[0]
    assert rows(store, "SELECT count(*) FROM holocron_artifact") == [(21,)]
