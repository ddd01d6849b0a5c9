"""Planning: every subject has one wanted job, and the same work is never queued twice."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from factories import (
    MODEL,
    accept,
    claim,
    count_rows,
    finish,
    make_derivation,
    plan_ships,
    reject,
    rows,
    ship_bundle,
    ship_text,
    ship_value,
    ships,
)
from holocron.evidence import EvidenceBundle, EvidenceItem, MediaType, inline_bundle
from holocron.store import JobPlanner, JobStatus, PlanState, Store, commit_results
from holocron.store.reports import find_artifacts, load_artifact
from racing import plan_fifty, race

_STATUSES = "SELECT j.id, j.status FROM holocron_job j"
_WANTED = "SELECT s.subject, s.job_id FROM holocron_subject s"


def _current_value(store: Store) -> object:
    (number,) = find_artifacts(store)
    return load_artifact(store, number).value


def test_content_is_stored_once_per_hash(store: Store) -> None:
    """Two subjects with the same text share one content; a bundle that repeats a text does too."""
    text = ship_text(1)
    item = EvidenceItem(text=text, media_type=MediaType.TEXT, source="a.txt")
    plan_ships(
        store,
        inline_bundle("one", text),
        inline_bundle("two", text),
        EvidenceBundle(subject="three", items=(item, item)),
    )
    counts = count_rows(
        store, ("holocron_content", "holocron_bundle", "holocron_bundle_item", "holocron_job")
    )
    assert counts == {
        "holocron_content": 1,
        "holocron_bundle": 3,
        "holocron_bundle_item": 4,
        "holocron_job": 3,
    }


def test_the_same_work_is_queued_once(store: Store) -> None:
    """Planning again, from the same or a new planner, finds the waiting job and makes no other."""
    _, first = plan_ships(store)
    _, second = plan_ships(store)
    assert first == second
    assert first[0].state is PlanState.QUEUED
    assert count_rows(store, ["holocron_job", "holocron_derivation", "holocron_model"]) == {
        "holocron_job": 1,
        "holocron_derivation": 1,
        "holocron_model": 1,
    }


def test_a_bundle_that_stands_twice_in_a_batch_is_one_job(store: Store) -> None:
    """The same bundle twice in one batch makes one job and one subject."""
    _, planned = plan_ships(store, ship_bundle(1), ship_bundle(1))
    assert planned[0] == planned[1]
    assert count_rows(store, ["holocron_job", "holocron_subject"]) == {
        "holocron_job": 1,
        "holocron_subject": 1,
    }


def test_another_source_of_the_same_text_is_no_new_work(store: Store) -> None:
    """Where a text was read from does not enter its job's key."""
    _, first = plan_ships(store, inline_bundle("s", ship_text(1), source="here"))
    _, second = plan_ships(store, inline_bundle("s", ship_text(1), source="there"))
    assert first[0].job_id == second[0].job_id


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(
            lambda: (make_derivation(instructions="Other words."), MODEL, ship_bundle(1)), id="derivation"
        ),
        pytest.param(
            lambda: (make_derivation(), dataclasses.replace(MODEL, digest="2"), ship_bundle(1)), id="model"
        ),
        pytest.param(lambda: (make_derivation(), MODEL, ship_bundle(1, port="Belcor")), id="evidence"),
    ],
)
def test_each_of_the_three_contents_makes_a_new_job(store: Store, changed: object) -> None:
    """A changed derivation, model or evidence is new work; the older waiting job is superseded."""
    _, (first,) = plan_ships(store)
    derivation, model, bundle = changed()  # type: ignore[operator]  # a lambda of the table above
    (second,) = JobPlanner(store, derivation, model).plan([bundle])
    assert rows(store, _STATUSES) == [(first.job_id, "superseded"), (second.job_id, "ready")]
    assert rows(store, _WANTED) == [("ship 1", second.job_id)]


def test_an_engine_version_is_no_new_work(store: Store) -> None:
    """The same weights under a newer engine keep their answers."""
    _, (first,) = plan_ships(store)
    newer = dataclasses.replace(MODEL, engine_version="2", context_tokens=1)
    (second,) = JobPlanner(store, make_derivation(), newer).plan([ship_bundle(1)])
    assert first.job_id == second.job_id


def test_planners_in_threads_never_double(store_url: str) -> None:
    """Four planners of the same bundles in four threads end with one job for each."""
    Store(store_url).close()
    barrier, found = threading.Barrier(4), []

    def plan() -> None:
        with Store(store_url) as own:
            barrier.wait()
            found.append(plan_ships(own, *(ship_bundle(number) for number in range(100)))[1])

    threads = [threading.Thread(target=plan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(planned == found[0] for planned in found)
    with Store(store_url) as own:
        assert count_rows(own, ["holocron_job", "holocron_subject", "holocron_content"]) == {
            "holocron_job": 100,
            "holocron_subject": 100,
            "holocron_content": 100,
        }


def test_planners_in_processes_never_double(store_url: str) -> None:
    """Three processes that plan the same bundles, on a database that none has made yet, agree."""
    found = race(plan_fifty, store_url)
    assert found[0] == found[1] == found[2]
    with Store(store_url) as own:
        assert count_rows(own, ["holocron_job", "holocron_derivation", "holocron_derived_table"]) == {
            "holocron_job": 50,
            "holocron_derivation": 1,
            "holocron_derived_table": 1,
        }


def test_changed_evidence_supersedes_its_own_subject_only(store: Store) -> None:
    """A changed bundle gets a new job; the other subject and all older rows stay."""
    planner, _ = plan_ships(store, ship_bundle(1), ship_bundle(2))
    commit_results(
        store,
        planner.tables,
        [accept(job, ship_value(number)) for number, job in enumerate(claim(store, planner), start=1)],
    )
    _, planned = plan_ships(store, ship_bundle(1, port="Belcor"), ship_bundle(2))
    assert [job.state for job in planned] == [PlanState.QUEUED, PlanState.UNCHANGED]
    assert rows(store, "SELECT subject, port FROM ship_facts") == [("ship 1", "Arven"), ("ship 2", "Arven")]
    finish(store, planner, ship_value(1, port="Belcor"))
    assert rows(store, "SELECT subject, port FROM ship_facts") == [("ship 1", "Belcor"), ("ship 2", "Arven")]
    assert count_rows(store, ["holocron_artifact", planner.tables.table.name]) == {
        "holocron_artifact": 3,
        planner.tables.table.name: 3,
    }


def test_going_back_to_old_content_restores_without_a_job(store: Store) -> None:
    """An answer that this content had before is current again at once."""
    planner, _ = plan_ships(store)
    finish(store, planner, ship_value(1))
    plan_ships(store, ship_bundle(1, port="Belcor"))
    finish(store, planner, ship_value(1, port="Belcor"))
    _, (restored,) = plan_ships(store)
    assert restored.state is PlanState.RESTORED
    assert restored.status is JobStatus.ACCEPTED
    assert _current_value(store) == ship_value(1)
    assert claim(store, planner) == []


def test_going_back_before_the_new_job_was_worked(store: Store) -> None:
    """The waiting job of the content that is gone again is superseded, and comes back with its content."""
    planner, _ = plan_ships(store)
    finish(store, planner, ship_value(1))
    _, (new,) = plan_ships(store, ship_bundle(1, port="Belcor"))
    plan_ships(store)
    assert claim(store, planner) == []
    _, (again,) = plan_ships(store, ship_bundle(1, port="Belcor"))
    assert (again.job_id, again.state) == (new.job_id, PlanState.QUEUED)
    assert [job.job_id for job in claim(store, planner)] == [new.job_id]


def test_going_back_to_rejected_content_restores_nothing(store: Store) -> None:
    """Content whose answer was rejected is unchanged work, not a restored answer; the accepted one stays."""
    planner, _ = plan_ships(store)
    finish(store, planner, ship_value(1))
    plan_ships(store, ship_bundle(1, port="Belcor"))
    (job,) = claim(store, planner)
    commit_results(store, planner.tables, [reject(job)])
    plan_ships(store)
    _, (again,) = plan_ships(store, ship_bundle(1, port="Belcor"))
    assert (again.state, again.status) == (PlanState.UNCHANGED, JobStatus.REJECTED)
    assert _current_value(store) == ship_value(1)


def test_a_late_finish_of_an_old_job_does_not_become_current(store: Store) -> None:
    """A job that was superseded while it was worked keeps its answer and shows nothing."""
    planner, (old,) = plan_ships(store)
    (held,) = claim(store, planner)
    _, (new,) = plan_ships(store, ship_bundle(1, port="Belcor"))
    assert commit_results(store, planner.tables, [accept(held, ship_value(1))])
    assert rows(store, "SELECT subject FROM ship_facts") == []
    assert rows(store, _STATUSES) == [(old.job_id, "accepted"), (new.job_id, "ready")]
    finish(store, planner, ship_value(1, port="Belcor"))
    assert rows(store, "SELECT port FROM ship_facts") == [("Belcor",)]


def test_content_that_comes_back_while_its_job_is_worked(store: Store) -> None:
    """The job in flight is wanted again, and its answer becomes current."""
    planner, (old,) = plan_ships(store)
    (held,) = claim(store, planner)
    plan_ships(store, ship_bundle(1, port="Belcor"))
    _, (again,) = plan_ships(store)
    assert (again.job_id, again.status, again.state) == (old.job_id, JobStatus.CLAIMED, PlanState.QUEUED)
    commit_results(store, planner.tables, [accept(held, ship_value(1))])
    assert _current_value(store) == ship_value(1)
    assert claim(store, planner) == []


@pytest.mark.parametrize("outcome", ["accepted", "rejected"])
def test_force_queues_finished_work_again(store: Store, outcome: str) -> None:
    """Force puts a finished job back; the older answer is shown until the new one is accepted."""
    planner, (first,) = plan_ships(store)
    (job,) = claim(store, planner)
    result = accept(job, ship_value(1)) if outcome == "accepted" else reject(job)
    commit_results(store, planner.tables, [result])
    _, (forced,) = plan_ships(store, force=True)
    assert (forced.job_id, forced.state, forced.status) == (first.job_id, PlanState.QUEUED, JobStatus.READY)
    assert len(find_artifacts(store)) == (outcome == "accepted")
    finish(store, planner, ship_value(1))
    (number,) = find_artifacts(store)
    assert rows(store, "SELECT max(id) FROM holocron_run") == [(number,)]
    assert rows(store, "SELECT count(*) FROM ship_facts") == [(1,)]


def test_force_leaves_work_in_flight_alone(store: Store) -> None:
    """A job that a worker holds is not queued a second time by force."""
    planner, _ = plan_ships(store)
    (held,) = claim(store, planner)
    plan_ships(store, force=True)
    assert claim(store, planner) == []
    assert commit_results(store, planner.tables, [accept(held, ship_value(1))])


@pytest.mark.parametrize("outcome", ["accepted", "rejected"])
def test_finished_work_is_left_alone(store: Store, outcome: str) -> None:
    """Planning a finished subject again writes nothing, whatever its end was."""
    planner, _ = plan_ships(store)
    (job,) = claim(store, planner)
    commit_results(
        store, planner.tables, [accept(job, ship_value(1)) if outcome == "accepted" else reject(job)]
    )
    _, (again,) = plan_ships(store)
    assert (again.state, again.status) == (PlanState.UNCHANGED, JobStatus(outcome))
    assert claim(store, planner) == []


def test_two_derivations_keep_their_subjects_apart(store: Store) -> None:
    """The same evidence under two derivations is two jobs with two current answers."""
    ships, _ = plan_ships(store)
    ports, _ = plan_ships(store, derivation=make_derivation(name="port_facts"))
    finish(store, ships, ship_value(1))
    assert rows(store, "SELECT subject FROM ship_facts") == [("ship 1",)]
    assert rows(store, "SELECT subject FROM port_facts") == []
    finish(store, ports, ship_value(1))
    assert rows(store, "SELECT subject FROM port_facts") == [("ship 1",)]


def test_a_new_version_of_the_question_keeps_showing_old_answers(store: Store) -> None:
    """With the same contract, the answers to older words are shown until new ones are accepted."""
    planner, _ = plan_ships(store)
    finish(store, planner, ship_value(1))
    newer, _ = plan_ships(store, derivation=make_derivation(instructions="Other words."))
    assert rows(store, "SELECT subject FROM ship_facts") == [("ship 1",)]
    finish(store, newer, ship_value(1))
    assert rows(store, "SELECT count(*) FROM ship_facts") == [(1,)]


def test_a_priority_is_given_to_what_waits(store: Store) -> None:
    """New jobs and jobs that wait get the priority; without one they keep what they have."""
    plan_ships(store, *ships(2))
    urgent = JobPlanner(store, make_derivation(), MODEL, priority=5)
    urgent.plan(ships(3)[1:])
    plan_ships(store, *ships(3))
    assert rows(store, "SELECT priority FROM holocron_job ORDER BY id") == [(0,), (5,), (5,)]


def test_a_priority_leaves_finished_jobs_alone(store: Store) -> None:
    """What is finished is not asked again for a priority's sake."""
    planner, _ = plan_ships(store)
    finish(store, planner, ship_value(1))
    (planned,) = JobPlanner(store, make_derivation(), MODEL, priority=5).plan([ship_bundle(1)])
    assert planned.state is PlanState.UNCHANGED
    assert rows(store, "SELECT priority FROM holocron_job") == [(0,)]
