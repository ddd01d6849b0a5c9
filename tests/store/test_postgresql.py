"""PostgreSQL: what a server can do to a store: go away, give up, refuse; and who may see what.

Needs a superuser in HOLOCRON_TEST_POSTGRES_URL; every test is skipped, and said so, where there is none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import Connection, PoolProxiedConnection, event, make_url

from factories import (
    HONEST,
    accept,
    claim,
    count_rows,
    finish,
    make_derivation,
    plan_ships,
    rows,
    run_sql,
    ship_value,
    ships,
)
from holocron.checking import verify_store
from holocron.errors import (
    HolocronError,
    StoreBusy,
    StoreConflict,
    StoreError,
    StoreFull,
    StoreUnreachable,
    UsageError,
)
from holocron.store import JobStatus, Store, commit_results
from holocron.store.bootstrap import bootstrap_database
from holocron.store.control import cancel_jobs
from holocron.store.dialects import postgresql
from holocron.store.queue import retry_jobs
from holocron.store.store import retried
from holocron.testing import ScriptedModel
from holocron.work import WorkObserver, derive_evidence
from holocron.work import worker as worker_module


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    """Return an open store on PostgreSQL alone."""
    with Store(postgres_url) as opened:
        yield opened


def test_a_value_that_no_column_holds_is_a_fault_of_that_value(store: Store) -> None:
    """PostgreSQL's refusal of a value is a ValueError, by which a worker ends that job and no other."""
    planner, _ = plan_ships(store)
    (job,) = claim(store, planner)
    result = accept(job, ship_value(1))
    value = {**ship_value(1), "name": "Vessel\0"}
    turn = dataclasses.replace(
        result.turns[0], verdict=dataclasses.replace(result.verdict, value=value, claims=())
    )
    with pytest.raises(ValueError, match="NUL"):
        commit_results(store, planner.tables, [dataclasses.replace(result, turns=(turn,))])
    assert rows(store, "SELECT status FROM holocron_job") == [("claimed",)]


@pytest.fixture
def kill(postgres_url: str) -> Iterator[Callable[[Connection], None]]:
    """Return what makes the server close a connection."""
    plain = make_url(postgres_url).render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as admin:

        def close(connection: Connection) -> None:
            session = connection.connection.dbapi_connection
            assert session is not None
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", (session.info.backend_pid,))

        yield close


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO holocron_derivation",
        "CREATE TABLE",
        "CREATE VIEW",
        "INSERT INTO holocron_content",
        "INSERT INTO holocron_job",
        "INSERT INTO holocron_subject",
        "INSERT INTO holocron_worker",
        "WITH",
        "INSERT INTO holocron_run",
        "INSERT INTO holocron_citation",
        "UPDATE holocron_job",
        "UPDATE holocron_subject",
        "DELETE FROM holocron_worker",
    ],
)
def test_a_lost_connection_is_made_again(
    store: Store, kill: Callable[[Connection], None], statement: str
) -> None:
    """Whenever the server closes the connection, the transaction is run again: nothing is lost or doubled."""
    killed: list[str] = []

    def strike(conn: Connection, cursor: object, said: str, *_: object) -> None:
        if said.lstrip().startswith(statement) and not killed:
            killed.append(said)
            kill(conn)

    event.listen(store._engine, "before_cursor_execute", strike)
    summary = derive_evidence(store, ScriptedModel(HONEST), make_derivation(), ships(3))
    event.remove(store._engine, "before_cursor_execute", strike)
    assert summary.is_clean
    assert killed
    _check_ships(store, 3)


def test_a_connection_that_is_lost_at_each_commit_is_made_again(
    store: Store, kill: Callable[[Connection], None]
) -> None:
    """A commit that never reached the server is made again, whichever one it is."""
    commits: list[Connection] = []

    def strike(conn: Connection) -> None:
        commits.append(conn)
        if len(commits) % 2:
            kill(conn)

    event.listen(store._engine, "commit", strike)
    summary = derive_evidence(store, ScriptedModel(HONEST), make_derivation(), ships(3))
    event.remove(store._engine, "commit", strike)
    assert summary.is_clean
    assert len(commits) >= 8
    _check_ships(store, 3)


@contextlib.contextmanager
def _lost_answer(store: Store, statement: str) -> Iterator[None]:
    """Let the connection die once, after the server has committed a transaction with this statement."""
    dialect = store._engine.dialect
    commit = dialect.do_commit
    is_due: list[bool] = []

    def note(conn: object, cursor: object, said: str, *_: object) -> None:
        if said.lstrip().startswith(statement) and not is_due:
            is_due.append(True)

    def lose(connection: PoolProxiedConnection) -> None:
        commit(connection)
        if is_due == [True]:
            is_due.append(False)
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    event.listen(store._engine, "before_cursor_execute", note)
    dialect.do_commit = lose  # type: ignore[method-assign]  # there is no event behind a commit
    yield
    dialect.do_commit = commit  # type: ignore[method-assign]  # as above
    event.remove(store._engine, "before_cursor_execute", note)
    assert is_due == [True, False]


def test_jobs_of_a_claim_whose_answer_was_lost_are_given_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server gave to a worker that never heard of it is worked at its next look, not lease's end."""

    class Impatient(WorkObserver):
        waits = 0

        def on_waiting(self, jobs: int) -> None:
            self.waits += jobs
            assert self.waits < 100

    monkeypatch.setattr(worker_module, "_LOOK_S", 0.2)
    with _lost_answer(store, "WITH"):
        summary = derive_evidence(
            store, ScriptedModel(HONEST, slots=2), make_derivation(), ships(9), observer=Impatient()
        )
    assert summary.is_clean
    _check_ships(store, 9)
    assert rows(store, "SELECT DISTINCT failures FROM holocron_job") == [(0,)]


def test_counts_are_right_where_the_answer_to_a_commit_is_lost(store: Store) -> None:
    """Cancelling, retrying and committing tell what they did, also where they had to be run again."""
    planner, planned = plan_ships(store, *ships(3))
    with _lost_answer(store, "UPDATE holocron_job"):
        assert cancel_jobs(store) == 3
    with _lost_answer(store, "UPDATE holocron_job"):
        again = retry_jobs(store, planner.scope, [JobStatus.CANCELLED])
    assert again == [job.job_id for job in planned]
    results = [accept(job, ship_value(number)) for number, job in enumerate(claim(store, planner))]
    with _lost_answer(store, "INSERT INTO holocron_run"):
        assert commit_results(store, planner.tables, results) == results
    _check_ships(store, 3)


def _check_ships(store: Store, number: int) -> None:
    assert rows(store, "SELECT status, count(*) FROM holocron_job GROUP BY status") == [("accepted", number)]
    names = ("holocron_run", "holocron_artifact", "holocron_subject", "ship_facts")
    assert set(count_rows(store, names).values()) == {number}
    assert list(verify_store(store)) == []


def test_a_deadlock_is_run_again(store: Store, postgres_url: str) -> None:
    """Two transactions that wait for each other both end well: one is undone and run again as a whole."""
    run_sql(
        store,
        "CREATE TABLE pair (id integer PRIMARY KEY, hits integer)",
        "INSERT INTO pair VALUES (1, 0), (2, 0)",
    )
    meet = threading.Barrier(2, timeout=20)
    runs: list[int] = []

    @retried
    def hit(own: Store, first: int, second: int) -> None:
        with own.writing() as connection:
            runs.append(first)
            connection.exec_driver_sql(f"UPDATE pair SET hits = hits + 1 WHERE id = {first}")
            with contextlib.suppress(threading.BrokenBarrierError):
                if len(runs) <= 2:
                    meet.wait()
            connection.exec_driver_sql(f"UPDATE pair SET hits = hits + 1 WHERE id = {second}")

    with Store(postgres_url) as other:
        threads = [
            threading.Thread(target=hit, args=(store, 1, 2)),
            threading.Thread(target=hit, args=(other, 2, 1)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(runs) == 3
    assert rows(store, "SELECT hits FROM pair") == [(2,), (2,)]


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        ("40001", StoreConflict, True),
        ("40P01", StoreConflict, True),
        ("53100", StoreFull, False),
        ("53200", StoreBusy, True),
        ("53300", StoreUnreachable, True),
        ("55P03", StoreBusy, True),
        ("57014", StoreBusy, True),
        ("57P01", StoreUnreachable, True),
        ("57P03", StoreUnreachable, True),
        ("08006", StoreUnreachable, True),
        ("25006", StoreUnreachable, False),
        ("42501", StoreUnreachable, False),
        ("58030", StoreUnreachable, False),
    ],
)
def test_a_fault_of_the_server_has_its_own_error(
    store: Store, code: str, kind: type[StoreError], retryable: bool
) -> None:
    """Each of the server's codes becomes the store's error, which knows whether trying again may help."""
    with pytest.raises(kind) as caught:
        run_sql(store, f"DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{code}'; END $$")
    assert type(caught.value) is kind
    assert caught.value.retryable is retryable
    assert "planted" in str(caught.value)


def test_a_full_disk_loses_nothing(store: Store) -> None:
    """Where no room is left, the batch leaves nothing behind, and the same call works once there is room."""
    planner, _ = plan_ships(store)
    names = ["holocron_job", "holocron_content", "holocron_subject"]
    before = count_rows(store, names)
    run_sql(
        store,
        "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER fill BEFORE INSERT ON holocron_subject EXECUTE FUNCTION fill()",
    )
    with pytest.raises(StoreFull):
        planner.plan(ships(20))
    assert count_rows(store, names) == before
    run_sql(store, "DROP TRIGGER fill ON holocron_subject")
    assert len(planner.plan(ships(20))) == 20


def test_a_row_that_stays_locked_is_said(
    store: Store, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that waits too long gets StoreBusy; readers do not wait."""
    monkeypatch.setattr(postgresql, "LOCK_TIMEOUT_S", 1)
    plan_ships(store)
    with store.writing() as connection, Store(postgres_url) as other:
        connection.exec_driver_sql("LOCK TABLE holocron_subject IN EXCLUSIVE MODE")
        assert len(rows(other, "SELECT subject FROM holocron_subject")) == 1
        with pytest.raises(StoreBusy):
            plan_ships(other, *ships(3))


@pytest.mark.parametrize(
    "changed",
    [
        {"port": 1},
        {"host": "no-such-host.invalid"},
        {"database": "no_such_database"},
        {"username": "nobody", "password": "s3cret"},
    ],
    ids=str,
)
def test_a_server_that_cannot_be_had_is_said_at_once(postgres_url: str, changed: dict[str, object]) -> None:
    """A wrong port, host, database or login is one sentence without the password."""
    url = make_url(postgres_url).set(**changed)  # type: ignore[arg-type]  # a table of URL's own parts
    with pytest.raises(StoreUnreachable) as caught:
        Store(url)
    assert caught.value.hint
    assert "s3cret" not in f"{caught.value}"
    assert "\n" not in str(caught.value)


@pytest.fixture
def fresh(postgres_url: str) -> Iterator[tuple[str, str]]:
    """Return an administrator's URL, and that of a login and a database that are not there yet."""
    name = f"t {uuid.uuid4().hex[:12]}'\""
    admin = make_url(os.environ["HOLOCRON_TEST_POSTGRES_URL"]).set(drivername="postgresql")
    made_up = "p%'w:/@\"d"
    url = admin.set(username=name, password=made_up, database=f"{name} db")
    plain = admin.render_as_string(hide_password=False)
    yield plain, url.render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        quoted = '"' + name.replace('"', '""') + '"'
        database = '"' + f"{name} db".replace('"', '""') + '"'
        connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")  # type: ignore[arg-type] # planted names
        connection.execute(f"DROP ROLE IF EXISTS {quoted}")  # type: ignore[arg-type] # as above


def test_bootstrap_makes_everything_and_may_be_run_again(fresh: tuple[str, str]) -> None:
    """Database, login and schema are made; the login is no administrator; a second run changes nothing."""
    admin, url = fresh
    assert bootstrap_database(admin, url) == 0
    with Store(url) as store:
        planner, _ = plan_ships(store)
        finish(store, planner, ship_value(1))
        found = rows(
            store, "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
        assert found == [(False, False, False)]
        assert rows(store, "SELECT current_schema()::text") == [("holocron",)]
    assert bootstrap_database(admin, url) == 1
    with Store(url) as store:
        assert rows(store, "SELECT port FROM ship_facts") == [("Arven",)]
    with psycopg.connect(admin) as connection:
        (stored,) = connection.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname = %s", (make_url(url).username,)
        ).fetchone() or ("",)
    assert stored.startswith("SCRAM-SHA-256$")


def test_a_reader_sees_the_views_alone(fresh: tuple[str, str]) -> None:
    """Who has the reader's role reads the views, new ones too, with their columns' comments, and no table."""
    admin, url = fresh
    bootstrap_database(admin, url)
    contract = {
        "type": "object",
        "properties": {"name": {"type": "string", "description": "100% it's :its name"}},
    }
    with Store(url) as store:
        planner, _ = plan_ships(store, derivation=make_derivation(contract))
        finish(store, planner, {"name": "Vessel 1"})
    with psycopg.connect(admin, dbname=str(make_url(url).database)) as connection:
        connection.execute("SET ROLE holocron_reader")
        assert connection.execute("SELECT name FROM holocron.ship_facts").fetchall() == [("Vessel 1",)]
        comment = "SELECT col_description('holocron.ship_facts'::regclass, 2)"
        assert connection.execute(comment).fetchall() == [("100% it's :its name",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM holocron.holocron_job")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda _, url: (url, url), "the administrator", id="same login"),
        pytest.param(lambda _, url: ("mssql://sa:s3cret@x/y", url), "two kinds", id="other kind"),
        pytest.param(lambda admin, _: (admin, "sqlite:///x.sqlite"), "two kinds|no bootstrap", id="a file"),
        pytest.param(lambda _, url: ("s3cret", url), "no database URL", id="no URL"),
        pytest.param(lambda admin, _: (admin, "postgresql://localhost/x"), "no login", id="no login"),
    ],
)
def test_bootstrap_refuses_what_makes_no_sense(
    fresh: tuple[str, str], change: Callable[[str, str], tuple[str, str]], said: str
) -> None:
    """One sentence, without a password, where the two URLs do not go together."""
    with pytest.raises(HolocronError, match=said) as caught:
        bootstrap_database(*change(*fresh))
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("changed", [{"password": "s3cret"}, {"port": 1}], ids=str)
def test_bootstrap_that_cannot_come_in_speaks_of_its_own_option(
    fresh: tuple[str, str], changed: dict[str, str | int]
) -> None:
    """A wrong administrator's password or address is mended in --admin-url, not in the store's URL."""
    admin, url = fresh
    wrong = make_url(admin).set(**changed)  # type: ignore[arg-type]  # a table of URL's own parts
    with pytest.raises(StoreUnreachable) as caught:
        bootstrap_database(wrong.render_as_string(hide_password=False), url)
    assert "--admin-url" in caught.value.hint
    assert "HOLOCRON_DATABASE_URL" not in caught.value.hint
    assert "s3cret" not in str(caught.value)


def test_bootstrap_never_makes_an_administrator_the_login(fresh: tuple[str, str]) -> None:
    """A login that is a superuser is refused by name."""
    admin, url = fresh
    name = make_url(url).username
    quoted = '"' + str(name).replace('"', '""') + '"'
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {quoted} SUPERUSER")  # type: ignore[arg-type] # a planted name
    with pytest.raises(UsageError, match="is an administrator"):
        bootstrap_database(admin, url)
