"""The queue: one job, one worker, and nothing is changed by a worker that lost its lease."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import select, update

from factories import (
    MODEL,
    accept,
    claim,
    count_rows,
    finish,
    make_derivation,
    make_worker,
    plan_ships,
    reject,
    rows,
    run_sql,
    ship_bundle,
    ship_value,
    ships,
)
from holocron.store import ClaimedJob, JobPlanner, JobScope, JobStatus, Store, commit_results, tables, utc_now
from holocron.store.queue import (
    MAX_FAILURES,
    count_open,
    extend_leases,
    fail_job,
    job_statuses,
    postpone_job,
    release_jobs,
    retry_jobs,
    take_over_jobs,
)
from holocron.store.workers import forget_worker, list_workers
from racing import claim_all, race

_EXPIRE = "UPDATE holocron_job SET lease_expires_at = '2001-01-01 00:00:00.000000'"
_MAKE_AVAILABLE = "UPDATE holocron_job SET available_at = '2001-01-01 00:00:00.000000'"


def _snapshot(store: Store) -> list[tuple[object, ...]]:
    return rows(store, "SELECT * FROM holocron_job")


def _scope(planner: JobPlanner) -> JobScope:
    return JobScope(derivation_id=planner.derivation_id, model_id=planner.model_id)


def test_claims_go_by_priority_then_age(store: Store) -> None:
    """The highest priority comes first, then the oldest, within a claim and between claims."""
    planner, planned = plan_ships(store, *(ship_bundle(number) for number in range(6)))
    numbers = [job.job_id for job in planned]
    run_sql(
        store,
        f"UPDATE holocron_job SET priority = 5 WHERE id = {numbers[4]}",
        f"UPDATE holocron_job SET priority = 5 WHERE id = {numbers[5]}",
        f"UPDATE holocron_job SET priority = -1 WHERE id = {numbers[0]}",
    )
    first = [job.job_id for job in claim(store, planner, limit=3)]
    second = [job.job_id for job in claim(store, planner)]
    assert first == [numbers[4], numbers[5], numbers[1]]
    assert second == [numbers[2], numbers[3], numbers[0]]


def test_a_claim_brings_the_evidence_as_it_was_planned(store: Store) -> None:
    """A claimed job holds its bundle, with the same hash, and the numbers of its contents."""
    planner, _ = plan_ships(store, ship_bundle(7))
    (job,) = claim(store, planner)
    assert job.evidence.bundle == ship_bundle(7)
    assert rows(store, "SELECT id FROM holocron_content") == [job.evidence.content_ids]
    assert (job.attempt, job.failures) == (1, 0)


def test_a_claim_takes_its_own_scope_only(store: Store) -> None:
    """Jobs of another derivation or model are left to others."""
    ships, _ = plan_ships(store)
    ports, _ = plan_ships(store, derivation=make_derivation(name="port_facts"))
    assert len(claim(store, ports)) == 1
    assert count_open(store, _scope(ships))[0] == 1
    assert len(claim(store, ships)) == 1


def test_a_claim_is_exclusive(store: Store) -> None:
    """What one worker holds, another does not get."""
    planner, _ = plan_ships(store, *(ship_bundle(number) for number in range(5)))
    first, second = claim(store, planner, limit=3), claim(store, planner)
    assert len(first) == 3
    assert len(second) == 2
    assert not {job.job_id for job in first} & {job.job_id for job in second}
    assert claim(store, planner) == []


def test_a_claim_is_exclusive_between_processes(store: Store, store_url: str) -> None:
    """Three processes that claim as fast as they can share the jobs out without a double."""
    _, planned = plan_ships(store, *(ship_bundle(number) for number in range(60)))
    shares = race(claim_all, store_url)
    taken = [number for share in shares for number in share]  # type: ignore[attr-defined]  # lists of numbers
    assert sorted(taken) == sorted(job.job_id for job in planned)


def test_a_postponed_job_waits(store: Store) -> None:
    """A job that is given back after a failure is not claimed before its time, and keeps its error."""
    planner, _ = plan_ships(store)
    (job,) = claim(store, planner)
    postpone_job(store, job, error="no answer", delay_s=60)
    assert claim(store, planner) == []
    number, wait_s = count_open(store, _scope(planner))
    assert number == 1
    assert wait_s is not None
    assert 50 < wait_s <= 60
    run_sql(store, _MAKE_AVAILABLE)
    (again,) = claim(store, planner)
    assert (again.attempt, again.failures) == (2, 1)


def test_a_wait_goes_by_the_clock_of_the_database(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server's clock is an hour behind this machine's, a postponed job still waits its time."""
    planner, _ = plan_ships(store)
    (job,) = claim(store, planner)
    monkeypatch.setattr(store.dialect, "now", lambda _: utc_now() - dt.timedelta(hours=1))
    postpone_job(store, job, error="no answer", delay_s=60)
    _, wait_s = count_open(store, _scope(planner))
    assert wait_s is not None
    assert 50 < wait_s <= 60


@pytest.mark.parametrize("end", [fail_job, partial(postpone_job, delay_s=60)], ids=["failed", "postponed"])
@pytest.mark.parametrize(
    ("said", "kept"), [("no\0answer", "no\ufffdanswer"), ("half \ud83d", "half ?")], ids=["NUL", "half"]
)
def test_any_words_of_an_engine_can_be_kept(
    store: Store, end: Callable[..., None], said: str, kept: str
) -> None:
    """An error's text that no database holds is mended: its job would be given back uncounted for ever."""
    planner, _ = plan_ships(store)
    (job,) = claim(store, planner)
    end(store, job, error=said)
    assert rows(store, "SELECT last_error, failures FROM holocron_job") == [(kept, 1)]


def test_the_last_failure_ends_a_job(store: Store) -> None:
    """A job fails for good after MAX_FAILURES, with the last error and a time."""
    planner, (planned,) = plan_ships(store)
    for _ in range(MAX_FAILURES):
        (job,) = claim(store, planner)
        postpone_job(store, job, error="no answer", delay_s=-1)
    assert claim(store, planner) == []
    assert rows(store, "SELECT id, status, last_error, failures FROM holocron_job") == [
        (planned.job_id, "failed", "no answer", MAX_FAILURES)
    ]
    assert rows(store, "SELECT count(*) FROM holocron_job WHERE finished_at IS NULL") == [(0,)]
    assert count_open(store, _scope(planner)) == (0, None)


def _lose_to_another(store: Store, planner: JobPlanner) -> ClaimedJob:
    """Return a claim whose lease ran out and which another worker holds now."""
    (lost,) = claim(store, planner)
    run_sql(store, _EXPIRE)
    assert take_over_jobs(store) == 1
    assert len(claim(store, planner)) == 1
    return lost


def _lose_and_return(store: Store, planner: JobPlanner) -> ClaimedJob:
    """Return a claim that was taken over and now waits for anyone."""
    (lost,) = claim(store, planner)
    run_sql(store, _EXPIRE)
    assert take_over_jobs(store) == 1
    return lost


def _lose_to_itself(store: Store, planner: JobPlanner) -> ClaimedJob:
    """Return a claim that the same worker has again, under a later attempt."""
    (lost,) = claim(store, planner)
    run_sql(store, _EXPIRE)
    assert take_over_jobs(store) == 1
    assert len(claim(store, planner, worker_id=lost.worker_id)) == 1
    return lost


def _lose_to_the_end(store: Store, planner: JobPlanner) -> ClaimedJob:
    """Return a claim whose job another worker has finished."""
    (lost,) = claim(store, planner)
    run_sql(store, _EXPIRE)
    take_over_jobs(store)
    finish(store, planner, ship_value(1))
    return lost


@pytest.mark.parametrize(
    "lose",
    [_lose_to_another, _lose_and_return, _lose_to_itself, _lose_to_the_end],
    ids=["another", "nobody", "itself", "finished"],
)
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda store, _, job: extend_leases(store, [job], lease_s=9e4), id="extend"),
        pytest.param(lambda store, _, job: release_jobs(store, [job]), id="release"),
        pytest.param(lambda store, _, job: postpone_job(store, job, error="late", delay_s=0), id="postpone"),
        pytest.param(lambda store, _, job: fail_job(store, job, error="late"), id="fail"),
        pytest.param(
            lambda store, planner, job: commit_results(store, planner.tables, [accept(job, ship_value(1))]),
            id="accept",
        ),
        pytest.param(
            lambda store, planner, job: commit_results(store, planner.tables, [reject(job)]), id="reject"
        ),
    ],
)
def test_a_lost_lease_changes_nothing(
    store: Store,
    lose: Callable[[Store, JobPlanner], ClaimedJob],
    act: Callable[[Store, JobPlanner, ClaimedJob], object],
) -> None:
    """Whatever a worker does with a job whose lease it lost, no row changes."""
    planner, _ = plan_ships(store)
    lost = lose(store, planner)
    names = [
        "holocron_run",
        "holocron_completion",
        "holocron_artifact",
        "holocron_claim",
        "holocron_citation",
    ]
    before = _snapshot(store), count_rows(store, names)
    act(store, planner, lost)
    assert (_snapshot(store), count_rows(store, names)) == before


def test_one_lost_lease_does_not_hold_up_the_others(store: Store) -> None:
    """Of a batch, the results that are still under their lease are committed and returned."""
    planner, _ = plan_ships(store, *(ship_bundle(number) for number in range(3)))
    jobs = claim(store, planner)
    run_sql(store, f"{_EXPIRE} WHERE id = {jobs[1].job_id}")
    take_over_jobs(store)
    results = [accept(job, ship_value(number)) for number, job in enumerate(jobs)]
    assert commit_results(store, planner.tables, results) == [results[0], results[2]]
    assert rows(store, "SELECT subject FROM ship_facts") == [("ship 0",), ("ship 2",)]


def test_two_attempts_of_one_job_in_one_commit_are_one_answer(store: Store) -> None:
    """Where a worker brings the answers of a lost claim and of the later one at once, the later counts."""
    planner, (planned,) = plan_ships(store)
    lost = _lose_to_itself(store, planner)
    again = dataclasses.replace(lost, attempt=2)
    results = [accept(lost, ship_value(1, port="Belcor")), accept(again, ship_value(1))]
    assert commit_results(store, planner.tables, results) == [results[1]]
    assert rows(store, "SELECT job_id, attempt FROM holocron_run") == [(planned.job_id, 2)]
    assert rows(store, "SELECT port FROM ship_facts") == [("Arven",)]


def test_an_extended_lease_is_not_taken_over(store: Store) -> None:
    """Renewal moves the end of a lease; without it the job goes to another."""
    planner, _ = plan_ships(store, ship_bundle(1), ship_bundle(2))
    kept, lost = claim(store, planner)
    run_sql(store, _EXPIRE)
    extend_leases(store, [kept], lease_s=60)
    assert take_over_jobs(store) == 1
    statuses = job_statuses(store, [kept.job_id, lost.job_id])
    assert statuses == {kept.job_id: JobStatus.CLAIMED, lost.job_id: JobStatus.READY}


def test_a_dead_workers_jobs_are_ready_at_once(store: Store) -> None:
    """The first loss costs no wait, and a living worker's jobs are left alone."""
    planner, _ = plan_ships(store, ship_bundle(1), ship_bundle(2))
    (dead,) = claim(store, planner, limit=1)
    (alive,) = claim(store, planner, limit=1)
    assert {worker.worker_id for worker in list_workers(store)} == {dead.worker_id, alive.worker_id}
    assert take_over_jobs(store, dead_workers=[dead.worker_id]) == 1
    (again,) = claim(store, planner)
    assert (again.job_id, again.attempt, again.failures) == (dead.job_id, 2, 1)


def test_a_dead_worker_is_forgotten_with_its_jobs(store: Store) -> None:
    """A worker that is known to be dead leaves no row behind."""
    planner, _ = plan_ships(store)
    (dead,) = claim(store, planner)
    take_over_jobs(store, dead_workers=[dead.worker_id])
    assert count_rows(store, ["holocron_worker"]) == {"holocron_worker": 0}


def test_a_job_that_keeps_losing_its_workers_waits_longer_and_fails(store: Store) -> None:
    """Each further loss doubles the wait, so that other jobs go first; after MAX_FAILURES the job fails."""
    planner, (planned,) = plan_ships(store)
    waits: list[float] = []
    for _ in range(MAX_FAILURES):
        run_sql(store, _MAKE_AVAILABLE)
        (job,) = claim(store, planner)
        before = utc_now()
        take_over_jobs(store, dead_workers=[job.worker_id])
        with store.reading() as connection:
            available_at = connection.execute(select(tables.job.c.available_at)).scalar_one()
        waits.append((available_at - before).total_seconds())
    assert waits[0] < 0.5
    # the last loss ends the job
    for losses, wait in enumerate(waits[1:-1], start=2):
        assert 0.5 <= wait / (0.25 * 2**losses) < 2
    assert job_statuses(store, [planned.job_id]) == {planned.job_id: JobStatus.FAILED}
    ((error, finished_at),) = rows(store, "SELECT last_error, finished_at FROM holocron_job")
    assert f"{MAX_FAILURES} times" in str(error)
    assert finished_at is not None


def test_jobs_that_were_lost_together_come_back_apart(store: Store) -> None:
    """What was claimed beside a job that ends its workers is not claimed with it each time."""
    planner, _ = plan_ships(store, *ships(6))
    for _ in range(2):
        take_over_jobs(store, dead_workers=[claim(store, planner)[0].worker_id])
    assert len({*rows(store, "SELECT available_at FROM holocron_job")}) == 6


@pytest.mark.parametrize(
    "give_back",
    [
        pytest.param(lambda store, job: release_jobs(store, [job]), id="release"),
        pytest.param(
            lambda store, job: postpone_job(store, job, error="no answer", delay_s=-1), id="postpone"
        ),
        pytest.param(lambda store, job: take_over_jobs(store, dead_workers=[job.worker_id]), id="takeover"),
    ],
)
def test_a_job_that_its_subject_left_behind_is_not_worked_again(
    store: Store, give_back: Callable[[Store, ClaimedJob], object]
) -> None:
    """A job in flight whose evidence changed is superseded when it is given back; it returns with it."""
    planner, (old,) = plan_ships(store)
    (held,) = claim(store, planner)
    _, (new,) = plan_ships(store, ship_bundle(1, port="Belcor"))
    give_back(store, held)
    assert [job.job_id for job in claim(store, planner)] == [new.job_id]
    assert job_statuses(store, [old.job_id]) == {old.job_id: JobStatus.SUPERSEDED}
    plan_ships(store)
    assert [job.job_id for job in claim(store, planner)] == [old.job_id]


def test_released_jobs_are_ready_without_a_failure(store: Store) -> None:
    """A job that is given back unworked counts no failure and can be claimed at once."""
    planner, _ = plan_ships(store)
    release_jobs(store, claim(store, planner))
    (again,) = claim(store, planner)
    assert (again.attempt, again.failures) == (2, 0)


def test_retry_puts_wanted_jobs_back(store: Store) -> None:
    """Rejected and failed jobs are ready again with a clean count; superseded ones are not wanted."""
    planner, planned = plan_ships(store, *(ship_bundle(number) for number in range(4)))
    jobs = claim(store, planner)
    commit_results(store, planner.tables, [reject(jobs[0]), reject(jobs[1]), accept(jobs[2], ship_value(2))])
    fail_job(store, jobs[3], error="no answer")
    plan_ships(store, ship_bundle(1, port="Belcor"))
    wanted = [planned[0].job_id, planned[3].job_id]
    assert retry_jobs(store, _scope(planner), [JobStatus.REJECTED, JobStatus.FAILED]) == wanted
    statuses = job_statuses(store, [job.job_id for job in planned])
    assert [statuses[job.job_id] for job in planned] == ["ready", "rejected", "accepted", "ready"]
    assert {job.failures for job in claim(store, planner)} == {0}


def test_retry_leaves_other_scopes_alone(store: Store) -> None:
    """Only jobs of the scope's derivation and model are put back."""
    for name in ("ship_facts", "port_facts"):
        planner, _ = plan_ships(store, derivation=make_derivation(name=name))
        commit_results(store, planner.tables, [reject(job) for job in claim(store, planner)])
    assert len(retry_jobs(store, _scope(planner), [JobStatus.REJECTED])) == 1
    ready = "SELECT d.name FROM holocron_job j JOIN holocron_derivation d ON d.id = j.derivation_id"
    assert rows(store, f"{ready} WHERE j.status = 'ready'") == [("port_facts",)]


def test_a_worker_signs_off(store: Store) -> None:
    """A worker without jobs leaves no row; one that holds a job, or finished one, breaks nothing."""
    planner, _ = plan_ships(store, ship_bundle(1), ship_bundle(2))
    idle = make_worker(store)
    forget_worker(store, idle)
    done, held = claim(store, planner)
    commit_results(store, planner.tables, [accept(done, ship_value(1))])
    forget_worker(store, done.worker_id)
    assert [worker.worker_id for worker in list_workers(store)] == [held.worker_id]
    release_jobs(store, [held])
    forget_worker(store, held.worker_id)
    forget_worker(store, held.worker_id)
    assert count_rows(store, ["holocron_worker"]) == {"holocron_worker": 0}


def test_many_jobs_at_once(store: Store) -> None:
    """More jobs than one statement takes are planned, claimed, asked for and finished in single calls."""
    planner, planned = plan_ships(store, *(ship_bundle(number) for number in range(1_100)))
    jobs = claim(store, planner, limit=2_000)
    assert len(jobs) == len(planned) == 1_100
    results = [accept(job, ship_value(number)) for number, job in enumerate(jobs)]
    assert len(commit_results(store, planner.tables, results)) == 1_100
    assert len(job_statuses(store, [job.job_id for job in planned])) == 1_100
    assert MODEL.fingerprint in rows(store, "SELECT fingerprint FROM holocron_model")[0]


def test_a_clock_that_went_back_holds_nothing_up(store: Store) -> None:
    """After an hour back, jobs are claimed, live leases stand, and those of the dead are taken over."""
    planner, _ = plan_ships(store, *(ship_bundle(number) for number in range(3)))
    live, dead = claim(store, planner, limit=1), claim(store, planner, limit=1)
    # what an hour's move of the clock makes of the times that stand there
    with store.writing() as connection:
        hour = dt.timedelta(hours=1)
        for row in connection.execute(select(tables.job)).all():
            connection.execute(
                update(tables.job)
                .where(tables.job.c.id == row.id)
                .values(
                    available_at=row.available_at + hour,
                    lease_expires_at=row.lease_expires_at and row.lease_expires_at + hour,
                )
            )
    assert len(claim(store, planner)) == 1
    assert take_over_jobs(store) == 0
    extend_leases(store, live, lease_s=60)
    assert take_over_jobs(store, dead_workers=[dead[0].worker_id]) == 1
    assert [job.job_id for job in claim(store, planner)] == [dead[0].job_id]
    assert len(commit_results(store, planner.tables, [accept(live[0], ship_value(0))])) == 1
