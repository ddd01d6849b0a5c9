"""The service: all derivations of one model, in turn, from the store alone."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from factories import (
    HONEST,
    MODEL,
    claim,
    count_rows,
    make_derivation,
    plan_ships,
    rows,
    run_sql,
    ships,
)
from holocron.derivation.prompt import Prompt
from holocron.errors import DerivationError, ModelDamaged, StoreError, StoreTooOld, StoreUnreachable
from holocron.llm.scripted import scripted_identity
from holocron.store import JobPlanner, JobResult, Store
from holocron.store.control import cancel_jobs, pause_derivation, resume_derivation
from holocron.store.dialects.dialect import connection_lost
from holocron.testing import ScriptedModel
from holocron.work import serving
from holocron.work import worker as worker_module
from holocron.work.rotation import Rotation
from holocron.work.serving import Service, ServiceObserver, StoreWait

_STATES = "SELECT status, failures, worker_id FROM holocron_job"


class _Watching(ServiceObserver):
    """Remembers what it was told, and may act on the first results."""

    def __init__(self, act: Callable[[], object] | None = None) -> None:
        self.act = act
        self.order: list[str] = []
        self.skipped: list[str] = []
        self.losses = self.awaited = 0

    def on_results(self, results: Sequence[JobResult]) -> None:
        self.order += [str(result.manifest["derivation"]) for result in results]
        if self.act is not None:
            act, self.act = self.act, None
            act()

    def on_skipped(self, derivation: str, error: DerivationError) -> None:  # noqa: ARG002 - the observer's
        self.skipped.append(derivation)

    def on_store_awaited(self, error: StoreError) -> None:  # noqa: ARG002 - as above
        self.awaited += 1

    def on_store_lost(self, error: StoreError, delay_s: float) -> None:  # noqa: ARG002 - as above
        self.losses += 1


def _serve(store: Store, model: ScriptedModel, **options: object) -> _Watching:
    watching = _Watching()
    Service(store, model, observer=watching, until_empty=True, **options).run()  # type: ignore[arg-type]  # as Service's
    return watching


def _plan(store: Store, name: str, number: int, priority: int | None = None) -> JobPlanner:
    planner = JobPlanner(store, make_derivation(name=name), MODEL, priority=priority)
    planner.plan(ships(number))
    return planner


def test_every_derivation_is_worked_from_the_store(store: Store) -> None:
    """A service needs no derivation: it reads them, works all their jobs, and signs off."""
    for name in ("ship_facts", "port_facts"):
        _plan(store, name, 5)
    watching = _serve(store, ScriptedModel(HONEST, slots=2))
    assert Counter(watching.order) == {"ship_facts": 5, "port_facts": 5}
    assert Counter(rows(store, _STATES)) == {("accepted", 0, None): 10}
    assert len(rows(store, "SELECT port FROM port_facts")) == 5
    assert count_rows(store, ["holocron_worker", "holocron_derivation"]) == {
        "holocron_worker": 0,
        "holocron_derivation": 2,
    }


def test_jobs_of_one_derivation_run_together(store: Store) -> None:
    """In its turn a derivation's jobs follow each other; the more urgent derivation goes first."""
    _plan(store, "ship_facts", 6)
    _plan(store, "port_facts", 6)
    _plan(store, "cargo_facts", 2, priority=3)
    order = _serve(store, ScriptedModel(HONEST, slots=1)).order
    assert order == ["cargo_facts"] * 2 + ["ship_facts"] * 6 + ["port_facts"] * 6


def test_two_derivations_share_the_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where turns are short, no derivation waits for the end of another."""
    monkeypatch.setattr(serving, "Rotation", partial(Rotation, 0.0))
    _plan(store, "ship_facts", 8)
    _plan(store, "port_facts", 8)
    order = _serve(store, ScriptedModel(HONEST, slots=1)).order
    assert set(order[:6]) == {"ship_facts", "port_facts"}


def test_jobs_of_another_model_are_left_alone(store: Store) -> None:
    """Two models in one database never take each other's jobs."""
    other = ScriptedModel(HONEST, identity=scripted_identity(digest="another"))
    _plan(store, "ship_facts", 3)
    JobPlanner(store, make_derivation(), other.identity).plan(ships(5)[3:])
    assert len(_serve(store, other).order) == 2
    assert Counter(rows(store, "SELECT status FROM holocron_job")) == {("ready",): 3, ("accepted",): 2}


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE holocron_derivation SET definition = '{\"name\": 1}'", id="wrong"),
        pytest.param(
            "UPDATE holocron_derivation SET definition = replace(definition, 'Facts about', 'Lies about')",
            id="changed",
        ),
    ],
)
def test_a_bad_definition_stops_its_own_jobs_only(store: Store, statement: str) -> None:
    """A derivation that cannot be used is told once, and all it has left alone; the others are worked."""
    if store.dialect.title == "PostgreSQL":
        statement = statement.replace("replace(definition,", "replace(definition::text,").replace(
            "about')", "about')::json"
        )
    _plan(store, "ship_facts", 2)
    run_sql(store, statement)
    _plan(store, "port_facts", 2)
    watching = _serve(store, ScriptedModel(HONEST))
    assert (watching.order, watching.skipped) == (["port_facts"] * 2, ["ship_facts"])
    assert count_rows(store, ["holocron_derivation"]) == {"holocron_derivation": 2}
    assert Counter(rows(store, "SELECT status FROM holocron_job")) == {("ready",): 2, ("accepted",): 2}


def test_a_paused_derivation_waits(store: Store) -> None:
    """Paused jobs are left alone by a service that ends when there is nothing to do."""
    _plan(store, "ship_facts", 2)
    _plan(store, "port_facts", 2)
    pause_derivation(store, "ship_facts")
    assert _serve(store, ScriptedModel(HONEST)).order == ["port_facts"] * 2
    resume_derivation(store, "ship_facts")
    assert _serve(store, ScriptedModel(HONEST)).order == ["ship_facts"] * 2


def test_a_service_waits_for_jobs(store: Store, store_url: str) -> None:
    """Without an end a service goes on: jobs that come later, even for a new derivation, are worked."""
    model = ScriptedModel(HONEST)

    def plan_more() -> None:
        with Store(store_url) as own:
            _plan(own, "ship_facts", 2)

    watching = _Watching()
    service = Service(store, model, observer=watching)
    watching.act = service.stop
    later = threading.Timer(0.5, plan_more)
    later.start()
    service.run()
    later.join()
    assert watching.order == ["ship_facts"] * 2
    assert count_rows(store, ["holocron_worker"]) == {"holocron_worker": 0}


def test_an_idle_service_asks_seldom(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service without jobs looks a few times a second at first, and less and less often."""
    looks: list[float] = []
    load = serving.load_agenda

    def note(store: Store, model_id: int) -> object:
        looks.append(time.monotonic())
        return load(store, model_id)

    monkeypatch.setattr(serving, "load_agenda", note)
    planner, _ = plan_ships(store)
    cancel_jobs(store)
    assert planner.model_id
    service = Service(store, ScriptedModel(HONEST))
    threading.Timer(3.0, service.stop).start()
    service.run()
    # each wake looks at most twice: for the rest, and for the claim after it
    assert 2 <= len(looks) <= 2 * 12


def test_a_stop_gives_back_what_takes_too_long(store: Store) -> None:
    """After the grace, what is in flight is cancelled and ready again without a failure."""
    _plan(store, "ship_facts", 5)
    service = Service(store, ScriptedModel(HONEST, latency_s=60, slots=2), grace_s=0.5)
    threading.Timer(0.5, service.stop).start()
    began = time.monotonic()
    service.run()
    assert time.monotonic() - began < 20
    assert Counter(rows(store, _STATES)) == {("ready", 0, None): 5}


def test_a_stop_before_the_start_works_nothing(store: Store) -> None:
    """A signal that comes before there is a worker is not forgotten."""
    _plan(store, "ship_facts", 2)
    service = Service(store, ScriptedModel(HONEST))
    service.stop()
    service.run()
    assert Counter(rows(store, _STATES)) == {("ready", 0, None): 2}


def test_a_cancelled_job_frees_its_slot(store: Store, store_url: str) -> None:
    """A worker that holds a cancelled job tells the engine to stop, and goes on with the next."""
    answered: list[Prompt] = []

    def answer(prompt: Prompt) -> str:
        answered.append(prompt)
        said = HONEST(prompt)
        assert isinstance(said, str)
        return said

    planner = _plan(store, "ship_facts", 1)
    _plan(store, "port_facts", 1)
    slow = ScriptedModel(answer, latency_s=3.0, slots=1)

    def cancel() -> None:
        while not slow.calls:
            time.sleep(0.01)
        with Store(store_url) as own:
            assert cancel_jobs(own, derivation="ship_facts") == 1

    canceller = threading.Thread(target=cancel)
    canceller.start()
    watching = _serve(store, slow, lease_s=1.0)
    canceller.join()
    assert watching.order == ["port_facts"]
    assert (slow.calls, len(answered)) == (2, 1)
    assert Counter(rows(store, _STATES)) == {("cancelled", 0, None): 1, ("accepted", 0, None): 1}
    assert claim(store, planner) == []


def test_a_lost_database_is_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database goes away in the middle of the work, the service tries again and ends it."""
    _plan(store, "ship_facts", 6)
    faults = iter([connection_lost("gone"), connection_lost("still gone")])
    commit = worker_module.commit_results

    def break_twice(*arguments: object) -> object:
        fault = next(faults, None)
        if fault is not None:
            raise fault
        return commit(*arguments)  # type: ignore[arg-type]  # as commit_results'

    monkeypatch.setattr(worker_module, "commit_results", break_twice)
    watching = _serve(store, ScriptedModel(HONEST, slots=2))
    assert watching.losses == 2
    assert len(watching.order) == 6
    assert Counter(rows(store, "SELECT status, worker_id FROM holocron_job")) == {("accepted", None): 6}


def test_a_database_that_no_wait_mends_ends_the_service(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is gone, damage, or a right that was taken away is raised, and no wait for it is told."""
    _plan(store, "ship_facts", 6)

    def refuse(*_: object) -> object:
        raise StoreUnreachable("the database was taken away")

    monkeypatch.setattr(worker_module, "commit_results", refuse)
    watching = _Watching()
    service = Service(store, ScriptedModel(HONEST), observer=watching)
    with pytest.raises(StoreUnreachable, match="taken away"):
        service.run()
    assert watching.losses == 0
    assert Counter(rows(store, _STATES)) == {("ready", 0, None): 6}


def _plant_faults(monkeypatch: pytest.MonkeyPatch, *faults: StoreError) -> None:
    """Let a store that is opened fail with each of these, and then open."""
    planted = iter(faults)

    def open_store(url: str) -> Store:
        fault = next(planted, None)
        if fault is not None:
            raise fault
        return Store(url)

    monkeypatch.setattr(serving, "Store", open_store)
    monkeypatch.setattr(serving, "backoff_s", lambda _: 0.0)


def test_a_database_that_is_not_there_yet_is_waited_for(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once that the database does not answer; the store is opened when it does."""
    _plant_faults(monkeypatch, connection_lost("refused"), connection_lost("starting"))
    watching = _Watching()
    opened = StoreWait(store_url, watching).open()
    assert opened is not None
    opened.close()
    assert watching.awaited == 1


@pytest.mark.parametrize("fault", [StoreUnreachable("wrong password"), StoreTooOld("old")], ids=str)
def test_what_waiting_does_not_mend_is_raised(
    store_url: str, monkeypatch: pytest.MonkeyPatch, fault: StoreError
) -> None:
    """A wrong password, or an older schema, ends the wait at once."""
    _plant_faults(monkeypatch, fault)
    with pytest.raises(type(fault)):
        StoreWait(store_url, _Watching()).open()


def test_a_wait_for_a_database_can_be_stopped(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop ends the wait without a store."""
    watching = _Watching()
    waiting = StoreWait(store_url, watching)
    watching.on_store_awaited = lambda _: waiting.stop()  # type: ignore[method-assign]  # acts on the notice
    _plant_faults(monkeypatch, connection_lost("refused"))
    assert waiting.open() is None


@pytest.mark.parametrize(
    ("worked_s", "losses"), [(1.0, [1, 2, 3]), (3600.0, [1, 1, 1])], ids=["row", "apart"]
)
def test_losses_that_lie_apart_are_each_the_first(
    store: Store, monkeypatch: pytest.MonkeyPatch, worked_s: float, losses: list[int]
) -> None:
    """The wait for a lost database grows from loss to loss, but not where the work went well in between."""
    clock, asked = [0.0], list[int]()
    service = Service(store, ScriptedModel(HONEST))

    def lose() -> None:
        clock[0] += worked_s
        if len(asked) == len(losses):
            return
        raise connection_lost("gone")

    def backoff_s(failures: int) -> float:
        asked.append(failures)
        return 0.0

    monkeypatch.setattr(service, "_work", lose)
    monkeypatch.setattr(serving, "backoff_s", backoff_s)
    monkeypatch.setattr(serving.time, "monotonic", lambda: clock[0])
    service.run()
    assert asked == losses


def test_a_damaged_model_ends_the_service(store: Store) -> None:
    """What no retry can mend is raised, and the jobs are ready for another worker."""
    _plan(store, "ship_facts", 3)

    def answer(_: Prompt) -> str:
        raise ModelDamaged("the file is cut")

    with pytest.raises(ModelDamaged):
        _serve(store, ScriptedModel(answer))
    assert Counter(rows(store, _STATES)) == {("ready", 0, None): 3}
