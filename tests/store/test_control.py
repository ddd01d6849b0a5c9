"""Control: cancelling, pausing, and who works."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from factories import (
    accept,
    claim,
    count_rows,
    make_derivation,
    make_worker,
    plan_ships,
    rows,
    run_sql,
    ship_bundle,
    ship_value,
    ships,
)
from holocron.errors import WorkerForgotten
from holocron.store import PlanState, Store, commit_results
from holocron.store.control import (
    cancel_jobs,
    list_derivations,
    list_pauses,
    pause_derivation,
    resume_derivation,
)
from holocron.store.queue import extend_leases, list_held, release_jobs, retry_jobs, take_over_jobs
from holocron.store.tables import EVERY_DERIVATION, JobStatus
from holocron.store.workers import list_worker_rows, see_worker

_STATES = "SELECT status, worker_id, lease_expires_at FROM holocron_job"


def test_cancelled_jobs_are_not_claimed(store: Store) -> None:
    """Open jobs that are cancelled are nobody's to claim; finished ones stay what they are."""
    planner, _ = plan_ships(store, *ships(3))
    (done,) = claim(store, planner, limit=1)
    commit_results(store, planner.tables, [accept(done, ship_value(0))])
    assert cancel_jobs(store) == 2
    assert claim(store, planner) == []
    assert Counter(rows(store, "SELECT status FROM holocron_job")) == {("accepted",): 1, ("cancelled",): 2}
    assert rows(store, "SELECT id FROM holocron_job WHERE finished_at IS NULL") == []
    assert cancel_jobs(store) == 0


def test_a_cancelled_job_in_flight_loses_its_lease(store: Store) -> None:
    """The worker that holds it can renew, give back and finish nothing, and learns that it is lost."""
    planner, _ = plan_ships(store, *ships(2))
    held, kept = claim(store, planner)
    assert cancel_jobs(store, subject="ship 0") == 1
    assert list_held(store, held.worker_id) == {kept.lease}
    extend_leases(store, [held], lease_s=60)
    release_jobs(store, [held])
    assert commit_results(store, planner.tables, [accept(held, ship_value(0))]) == []
    assert rows(store, f"{_STATES} WHERE status = 'cancelled'") == [("cancelled", None, None)]
    assert count_rows(store, ["holocron_run"]) == {"holocron_run": 0}
    assert len(commit_results(store, planner.tables, [accept(kept, ship_value(1))])) == 1


@pytest.mark.parametrize(
    ("derivation", "subject", "number"),
    [
        pytest.param("ship_facts", None, 3, id="a derivation"),
        pytest.param("port_facts", "ship 1", 1, id="a subject of a derivation"),
        pytest.param(None, "ship 1", 2, id="a subject"),
        pytest.param("port_facts", "ship 9", 0, id="an unknown subject"),
        pytest.param("cargo_facts", None, 0, id="an unknown derivation"),
    ],
)
def test_cancel_takes_what_was_named(
    store: Store, derivation: str | None, subject: str | None, number: int
) -> None:
    """Only the jobs of the derivation and the subject that were named are cancelled."""
    plan_ships(store, *ships(3))
    plan_ships(store, *ships(3), derivation=make_derivation(name="port_facts"))
    assert cancel_jobs(store, derivation=derivation, subject=subject) == number
    assert len(rows(store, "SELECT id FROM holocron_job WHERE status = 'cancelled'")) == number


def test_asking_again_queues_a_cancelled_job(store: Store) -> None:
    """A cancelled job is queued again by the next plan, and by a retry of cancelled jobs."""
    planner, _ = plan_ships(store)
    cancel_jobs(store)
    _, (again,) = plan_ships(store)
    assert (again.state, again.status) == (PlanState.QUEUED, JobStatus.READY)
    cancel_jobs(store)
    assert retry_jobs(store, planner.scope, [JobStatus.REJECTED, JobStatus.FAILED]) == []
    assert retry_jobs(store, planner.scope, [JobStatus.CANCELLED]) == [again.job_id]
    assert len(claim(store, planner)) == 1


def test_a_cancelled_job_keeps_the_answer_it_had(store: Store) -> None:
    """Where a subject is asked anew and that is cancelled, the views show the earlier answer."""
    planner, _ = plan_ships(store)
    (job,) = claim(store, planner)
    commit_results(store, planner.tables, [accept(job, ship_value(1))])
    plan_ships(store, ship_bundle(1, port="Belcor"))
    assert cancel_jobs(store) == 1
    assert rows(store, "SELECT port FROM ship_facts") == [("Arven",)]


@pytest.mark.parametrize("name", ["ship_facts", EVERY_DERIVATION])
def test_what_is_paused_is_not_claimed(store: Store, name: str) -> None:
    """A pause keeps jobs from being claimed until it is taken back; other derivations go on."""
    planner, _ = plan_ships(store)
    other, _ = plan_ships(store, derivation=make_derivation(name="port_facts"))
    assert pause_derivation(store, name)
    assert not pause_derivation(store, name)
    assert set(list_pauses(store)) == {name}
    assert claim(store, planner) == []
    assert len(claim(store, other)) == (name != EVERY_DERIVATION)
    assert resume_derivation(store, name)
    assert not resume_derivation(store, name)
    assert len(claim(store, planner)) == 1


def test_a_pause_finishes_what_is_in_flight(store: Store) -> None:
    """Jobs that were claimed before a pause are committed in it."""
    planner, _ = plan_ships(store)
    (job,) = claim(store, planner)
    pause_derivation(store)
    assert len(commit_results(store, planner.tables, [accept(job, ship_value(1))])) == 1


def test_a_pause_is_of_every_version(store: Store) -> None:
    """A derivation is paused by name: a changed question of the same name is too."""
    plan_ships(store)
    pause_derivation(store, "ship_facts")
    changed, _ = plan_ships(store, ship_bundle(2), derivation=make_derivation(instructions="Other words."))
    assert claim(store, changed) == []
    assert list_derivations(store) == ["ship_facts"]


def test_workers_are_listed_with_what_they_hold(store: Store) -> None:
    """Every worker that has not signed off stands there, with its jobs."""
    planner, _ = plan_ships(store, *ships(3))
    idle = make_worker(store)
    busy = claim(store, planner, limit=2)[0].worker_id
    found = {row.process.worker_id: row for row in list_worker_rows(store)}
    assert {number: row.held for number, row in found.items()} == {idle: 0, busy: 2}
    assert found[idle].seen_at == found[idle].started_at


def test_a_worker_is_seen(store: Store) -> None:
    """Seeing a worker moves its time; one that is not there has to register again."""
    worker = make_worker(store)
    run_sql(store, "UPDATE holocron_worker SET seen_at = started_at, started_at = '2001-01-01 00:00:00'")
    (before,) = list_worker_rows(store)
    assert see_worker(store, worker)
    (after,) = list_worker_rows(store)
    assert after.seen_at >= before.seen_at
    assert not see_worker(store, worker + 1)


def test_workers_that_went_without_a_word_are_forgotten(store: Store) -> None:
    """After a week without a sign a worker is taken off the list, unless it holds jobs."""
    planner, _ = plan_ships(store)
    gone = make_worker(store)
    holding = claim(store, planner)[0].worker_id
    run_sql(store, "UPDATE holocron_worker SET seen_at = '2001-01-01 00:00:00'")
    seen = make_worker(store)
    assert see_worker(store, seen)
    listed = {row.process.worker_id for row in list_worker_rows(store)}
    assert listed == {holding, seen}
    assert gone not in listed


def test_a_silent_workers_jobs_are_taken_over(store: Store) -> None:
    """A worker that says nothing for some minutes loses its jobs before its leases end, and not sooner."""
    planner, _ = plan_ships(store, *ships(2))
    (lost,), (kept,) = claim(store, planner, limit=1, lease_s=600), claim(store, planner, lease_s=600)
    assert take_over_jobs(store) == 0
    run_sql(store, f"UPDATE holocron_worker SET seen_at = '2001-01-01 00:00:00' WHERE id = {lost.worker_id}")
    silent = {row.process.worker_id: row.is_silent for row in list_worker_rows(store)}
    assert silent == {lost.worker_id: True, kept.worker_id: False}
    # its machine may have slept, where one can see that its process is there
    assert take_over_jobs(store, living_workers=[lost.worker_id]) == 0
    assert take_over_jobs(store) == 1
    assert rows(store, "SELECT id, status, failures FROM holocron_job") == [
        (lost.job_id, "ready", 1),
        (kept.job_id, "claimed", 0),
    ]
    # one that was silent and lives says that it is there, and brings its answer in vain
    assert commit_results(store, planner.tables, [accept(lost, ship_value(0))]) == []
    assert see_worker(store, lost.worker_id)
    (again,) = claim(store, planner, worker_id=lost.worker_id)
    assert take_over_jobs(store) == 0
    assert commit_results(store, planner.tables, [accept(again, ship_value(0))])


@pytest.mark.parametrize("seconds", [-3600, 3600], ids=["behind", "ahead"])
def test_the_clock_of_a_machine_makes_nobody_silent(
    store: Store, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """How long a worker was silent is told by one clock, where workers share a server's."""
    planner, _ = plan_ships(store)
    claim(store, planner)
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall + seconds)
    assert take_over_jobs(store) == 0
    (row,) = list_worker_rows(store)
    assert not row.is_silent


def test_a_worker_that_was_forgotten_claims_nothing(store: Store) -> None:
    """A claim in the name of a worker that is not on the list any more is refused in a sentence."""
    planner, _ = plan_ships(store)
    gone = make_worker(store)
    run_sql(store, "DELETE FROM holocron_worker")
    with pytest.raises(WorkerForgotten, match=f"worker {gone} is not on the list"):
        claim(store, planner, worker_id=gone)
    assert len(claim(store, planner)) == 1
