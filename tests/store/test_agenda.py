"""The agenda: what is open for a model, read from the store alone."""

from __future__ import annotations

import dataclasses

import pytest

from factories import MODEL, claim, make_derivation, plan_ships, reject, run_sql, ships
from holocron.errors import DerivationInvalid
from holocron.store import JobPlanner, Store, commit_results
from holocron.store.agenda import (
    AgendaEntry,
    LeftJobs,
    find_model_id,
    list_left,
    load_agenda,
    load_derivation,
)
from holocron.store.control import pause_derivation
from holocron.store.queue import postpone_job


def _entry(planner: JobPlanner, **changed: object) -> AgendaEntry:
    entry = AgendaEntry(derivation_id=planner.derivation_id, name="ship_facts", is_paused=False, priority=0)
    return dataclasses.replace(entry, **changed)  # type: ignore[arg-type]  # a field's value


def test_the_agenda_shows_each_derivation_once(store: Store) -> None:
    """Each derivation with open jobs is there with its best priority; finished ones are not."""
    ship_planner, _ = plan_ships(store, *ships(3))
    ports = make_derivation(name="port_facts")
    port_planner = JobPlanner(store, ports, MODEL, priority=7)
    port_planner.plan(ships(2))
    done, _ = plan_ships(store, derivation=make_derivation(name="cargo_facts"))
    commit_results(store, done.tables, [reject(job) for job in claim(store, done)])
    assert load_agenda(store, ship_planner.model_id) == [
        _entry(ship_planner),
        _entry(port_planner, name="port_facts", priority=7),
    ]


def test_the_agenda_of_another_model_is_empty(store: Store) -> None:
    """Jobs belong to the model that they were planned for."""
    planner, _ = plan_ships(store)
    other = dataclasses.replace(MODEL, digest="another")
    assert find_model_id(store, MODEL) == planner.model_id
    assert find_model_id(store, other) is None
    other_planner = JobPlanner(store, make_derivation(), other)
    assert load_agenda(store, other_planner.model_id) == []


def test_what_waits_is_told_with_whose_it_is(store: Store) -> None:
    """Each model and derivation with ready jobs, and whether the weights are those that are asked about."""
    planner, _ = plan_ships(store, *ships(3))
    other = dataclasses.replace(MODEL, digest="another")
    JobPlanner(store, make_derivation(name="port_facts"), other).plan(ships(2))
    ship_jobs = LeftJobs(model=MODEL.name, is_same=True, derivation="ship_facts", jobs=3)
    port_jobs = LeftJobs(model=MODEL.name, is_same=False, derivation="port_facts", jobs=2)
    assert list_left(store, MODEL) == [port_jobs, ship_jobs]
    assert [left.is_same for left in list_left(store, other)] == [True, False]
    claim(store, planner)
    assert list_left(store, MODEL) == [port_jobs]


def test_what_cannot_be_claimed_now_has_no_priority(store: Store) -> None:
    """Jobs that others hold, and jobs that wait for their time, are open and have no priority."""
    planner, _ = plan_ships(store)
    (job,) = claim(store, planner)
    assert load_agenda(store, planner.model_id) == [_entry(planner, priority=None)]
    postpone_job(store, job, error="no answer", delay_s=60)
    assert load_agenda(store, planner.model_id) == [_entry(planner, priority=None)]


@pytest.mark.parametrize("name", ["ship_facts", "*"])
def test_a_pause_is_shown(store: Store, name: str) -> None:
    """A derivation that is paused, by its name or with all, says so."""
    planner, _ = plan_ships(store)
    pause_derivation(store, name)
    assert load_agenda(store, planner.model_id) == [_entry(planner, is_paused=True)]


def test_a_definition_comes_back_as_it_was(store: Store) -> None:
    """The stored definition makes the same derivation, and the same jobs."""
    planner, _ = plan_ships(store)
    made = load_derivation(store, planner.derivation_id)
    assert made.derivation_hash == make_derivation().derivation_hash


def test_a_damaged_definition_is_refused(store: Store) -> None:
    """What is no JSON any more is told as a derivation that cannot be used."""
    planner, _ = plan_ships(store)
    if store.dialect.title != "SQLite":
        pytest.skip("THE DATABASE ITSELF refuses what is no JSON")
    run_sql(store, "UPDATE holocron_derivation SET definition = '{'")
    with pytest.raises(DerivationInvalid, match="is no JSON"):
        load_derivation(store, planner.derivation_id)
