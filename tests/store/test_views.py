"""Views: which contract they show, whatever stands in the way of showing another one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from factories import (
    accept,
    claim,
    finish,
    make_derivation,
    plan_ships,
    rows,
    run_sql,
    ship_bundle,
    ship_value,
)
from holocron.checking import verify_store
from holocron.errors import ViewHeld
from holocron.fingerprint import JSONValue
from holocron.store import JobPlanner, Store, commit_results

_TEXT: JSONValue = {"type": "string"}
#: a contract with two views, of which the first has not the columns of the ships' contract
_TAGGED = make_derivation(
    {"type": "object", "properties": {"name": _TEXT, "tags": {"type": "array", "items": _TEXT}}}
)
_TAGGED_VALUE: JSONValue = {"name": "Vessel 1", "tags": ["yard"]}


class _PlantedError(Exception):
    """Stands for whatever may break a statement."""


@contextmanager
def _fault_at(store: Store, statement: str) -> Iterator[None]:
    def strike(conn: object, cursor: object, said: str, *_: object) -> None:
        if said.lstrip().startswith(statement):
            raise _PlantedError

    event.listen(store._engine, "before_cursor_execute", strike)
    yield
    event.remove(store._engine, "before_cursor_execute", strike)


def _answer_tagged(store: Store) -> JobPlanner:
    """Accept an answer to another contract, and leave the views where they are."""
    planner, _ = plan_ships(store, derivation=_TAGGED)
    (job,) = claim(store, planner)
    assert commit_results(store, planner.tables, [accept(job, _TAGGED_VALUE)])
    return planner


def test_answers_are_there_before_the_views_are_swapped(store: Store) -> None:
    """The commit of a new contract's first answer touches no view, and says that they hide it."""
    finish(store, plan_ships(store)[0], ship_value(1))
    with _fault_at(store, "DROP VIEW"), _fault_at(store, "CREATE VIEW"):
        planner = _answer_tagged(store)
    assert planner.tables.is_hidden
    assert rows(store, "SELECT port FROM ship_facts") == []
    assert list(verify_store(store)) == []
    planner.swap_views()
    assert not planner.tables.is_hidden
    assert rows(store, "SELECT value FROM ship_facts_tags") == [("yard",)]


def test_a_swap_is_all_or_nothing(store: Store) -> None:
    """A swap that breaks between two views leaves the earlier ones, and the next one takes its place."""
    finish(store, plan_ships(store)[0], ship_value(1))
    planner = _answer_tagged(store)
    with _fault_at(store, "CREATE VIEW ship_facts_tags"), pytest.raises(_PlantedError):
        planner.swap_views()
    rows(store, "SELECT port FROM ship_facts")
    shown = "SELECT view_name FROM holocron_derived_table WHERE is_current = '1'"
    assert rows(store, shown) == [("ship_facts",)]
    planner.swap_views(at_once=True)
    assert rows(store, shown) == [("ship_facts",), ("ship_facts_tags",)]


def test_a_swap_that_nobody_made_is_made_at_the_next_start(store: Store) -> None:
    """A process that ended between a commit and its swap leaves it to the next one of the contract."""
    finish(store, plan_ships(store)[0], ship_value(1))
    _answer_tagged(store)
    later, _ = plan_ships(store, derivation=_TAGGED)
    assert claim(store, later) == []
    assert rows(store, "SELECT name FROM ship_facts") == [("Vessel 1",)]


def test_a_name_that_was_taken_meanwhile_holds_up_the_views_alone(store: Store) -> None:
    """Where another derivation has a view's name by now, the answers stay, and the swap says so."""
    finish(store, plan_ships(store)[0], ship_value(1))
    planner, _ = plan_ships(store, derivation=_TAGGED)
    plan_ships(store, derivation=make_derivation(name="ship_facts_tags"))
    (job,) = claim(store, planner)
    assert commit_results(store, planner.tables, [accept(job, _TAGGED_VALUE)])
    with pytest.raises(ViewHeld, match=r"'ship_facts' still show .* the derivation 'ship_facts_tags'$"):
        planner.swap_views()
    rows(store, "SELECT port FROM ship_facts")
    # it is left alone for a while
    planner.swap_views()
    assert rows(store, "SELECT status, count(*) FROM holocron_job WHERE id = 2 GROUP BY status") == [
        ("accepted", 1)
    ]


def test_a_table_in_a_views_place_holds_up_the_views_alone(store: Store) -> None:
    """Where a person made something else of a view, the answers stay, and the swap tells of it."""
    finish(store, plan_ships(store)[0], ship_value(1))
    run_sql(store, "DROP VIEW ship_facts", "CREATE TABLE ship_facts (id integer)")
    planner = _answer_tagged(store)
    with pytest.raises(ViewHeld, match="'ship_facts' still show"):
        planner.swap_views()
    run_sql(store, "DROP TABLE ship_facts")
    planner.swap_views(at_once=True)
    assert rows(store, "SELECT name FROM ship_facts") == [("Vessel 1",)]


def test_going_back_to_a_contract_whose_job_waits_shows_what_it_had(store: Store) -> None:
    """An older contract whose job was forced, and then superseded, is shown again with its earlier answer."""
    planner, _ = plan_ships(store)
    finish(store, planner, ship_value(1))
    plan_ships(store, force=True)
    newer = _answer_tagged(store)
    newer.swap_views()
    assert rows(store, "SELECT name FROM ship_facts") == [("Vessel 1",)]
    plan_ships(store)
    assert rows(store, "SELECT subject, port FROM ship_facts") == [("ship 1", "Arven")]


def test_a_commit_asks_once_which_contract_is_shown(store: Store) -> None:
    """Where the views show the contract, as they mostly do, a commit spends one look on that."""
    planner, _ = plan_ships(store, ship_bundle(1))
    (job,) = claim(store, planner)
    looks: list[str] = []

    def note(conn: object, cursor: object, said: str, *_: object) -> None:
        looks.append(said)

    event.listen(store._engine, "before_cursor_execute", note)
    commit_results(store, planner.tables, [accept(job, ship_value(1))])
    planner.swap_views()
    event.remove(store._engine, "before_cursor_execute", note)
    assert sum("holocron_derived_table" in said for said in looks) == 1
    assert "VIEW" not in "".join(looks)
