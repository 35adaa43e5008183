"""A database that only reads for a while, as in a failover: afterwards everything works by itself, and nothing was lost."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import platform_results as results
import psycopg
import pytest
from alembic import command
from alembic.config import Config
from api_calls import app_of, authorised, problem
from celery import Celery
from fastapi.testclient import TestClient
from places import ROOT
from platform_jobs import make_job
from sqlalchemy import select, text
from waiting import LIMIT, until

from dubbing.db.engine import AWAY, Database
from dubbing.db.models import Base, Job, JobNeed, WorkItem
from dubbing.db.roles import admit
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.work import Queue, WorkKind
from dubbing.queue.app import make_celery
from dubbing.queue.context import Context
from dubbing.queue.doorbell import Doorbell
from dubbing.queue.runner import Handlers, Runner
from dubbing.queue.sweeper import Sweeper
from dubbing.settings import DatabaseSettings, QueueSettings, RedisSettings
from services.api.bootstrap import Services
from services.stack.home import home_at
from services.stack.local import LocalStack

pytestmark = pytest.mark.stack
SETTINGS = QueueSettings(heartbeat=0.2, heartbeat_timeout=4.0, backoff=0.01, backoff_max=0.05, outage_wait=0.05)


class Server:
    """A PostgreSQL server of the test's own, and what happens to it."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        stack.start(["postgres"])
        env = stack.env()
        self.settings = DatabaseSettings(url=env["DUBLINE_DATABASE_URL"], api_url=env["DUBLINE_DATABASE_API_URL"])
        config = Config(ROOT / "alembic.ini")
        config.set_main_option("sqlalchemy.url", self.settings.url)
        command.upgrade(config, "head")
        database = Database(self.settings)
        with database.sessions().begin() as session:
            admit(session, self.settings)  # the API is ready in its own role only
        database.close()

    def run(self, *statements: str) -> Any:
        """What the last statement returns; by an administrator, who may always write."""
        address = self.settings.url.replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True, options="-c default_transaction_read_only=off") as connection:
            for statement in statements[:-1]:
                connection.execute(statement)
            found = connection.execute(statements[-1])
            return found.fetchone() if found.description else None

    @contextmanager
    def reading_sessions(self) -> Iterator[None]:
        """Every session that begins in the window only reads, and for ever: another server has the address now."""
        self.run(
            "ALTER DATABASE dubline SET default_transaction_read_only = on",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'dubline'",
        )
        try:
            yield
        finally:
            self.run("ALTER DATABASE dubline RESET default_transaction_read_only")

    @contextmanager
    def reading_server(self) -> Iterator[None]:
        """The whole server only reads, in sessions that began before, too."""
        self.run("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        try:
            yield
        finally:
            self.run("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")

    @contextmanager
    def standby(self) -> Iterator[None]:
        """The server goes away, and at its address is one in recovery, which is promoted in the end."""
        (folder,) = self.run("SHOW data_directory")
        self._stack.stop()
        (Path(folder) / "standby.signal").touch()
        self._stack.start(["postgres"])
        assert self.run("SELECT pg_is_in_recovery()") == (True,)
        try:
            yield
        finally:
            assert self.run("SELECT pg_promote()") == (True,)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    stack = LocalStack(home_at(tmp_path_factory.mktemp("failover")), owner=os.getpid())
    try:
        yield Server(stack)
    finally:
        stack.destroy()


@pytest.fixture
def failing(server: Server) -> Iterator[Database]:
    """The API's pool, which lives through it; the tables are empty, as what other jobs have analysed would be used again."""
    database = Database(server.settings)
    server.run("TRUNCATE " + ", ".join(table.name for table in Base.metadata.sorted_tables))
    yield database
    database.close()


@pytest.fixture
def app(redis_url: str) -> Celery:
    return make_celery(RedisSettings(url=redis_url), SETTINGS)


class Everybody:
    """A worker and a sweeper in threads, as their processes would run, until they are told to stop."""

    def __init__(self, server: Server, app: Celery, prepare: Callable[[Any, Context], Any]) -> None:
        self._stop, self.refused = threading.Event(), threading.Event()
        self._databases = [Database(server.settings), Database(server.settings)]
        handlers = Handlers()
        for kind in WorkKind:
            handlers.add(kind, lambda task, _, kind=kind: results.answer(kind, task))
        handlers.add("prepare", prepare)
        runner = Runner(self._databases[0], lambda _: None, handlers, SETTINGS)
        sweeper = Sweeper(self._databases[1], Doorbell(app, SETTINGS), SETTINGS, lambda *_: None, lambda _: True)
        rounds = (lambda: [runner.run_next(queue) for queue in (Queue.PREPARE, Queue.INFER, Queue.STITCH)], sweeper.sweep)
        self._threads = [threading.Thread(target=self._repeat, args=(round_,)) for round_ in rounds]

    def _repeat(self, round_: Callable[[], object]) -> None:
        while not self._stop.wait(0.1):
            try:
                round_()
            except AWAY:
                self.refused.set()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for database in self._databases:
            database.close()


def attempts(database: Database, job_id: str) -> set[tuple[str, int, int]]:
    with database.sessions()() as session:
        needed = select(WorkItem).join(JobNeed, JobNeed.work_item_id == WorkItem.id).where(JobNeed.job_id == job_id)
        return {(item.state, item.attempt - item.outages, item.leases_lost) for item in session.scalars(needed)}


@pytest.mark.parametrize("window", ["reading_sessions", "reading_server", "standby"])
def test_a_database_that_only_reads_for_a_while_costs_nothing_but_time(
    server: Server, failing: Database, app: Celery, services: Services, window: str
) -> None:
    under_way, go_on = threading.Event(), threading.Event()

    def prepare(task: Any, context: Context) -> Any:
        under_way.set()
        while not go_on.wait(0.05):
            context.progress(1, 2)
        return results.prepare(task)

    with failing.sessions().begin() as session:
        job_id = make_job(UnitOfWork(session)).id
    api = replace(services, database=failing)
    with (
        TestClient(app_of(api), raise_server_exceptions=False, headers=authorised(api)) as client,
        Everybody(server, app, prepare) as everybody,
        ExitStack() as at_the_latest,
    ):
        at_the_latest.callback(go_on.set)
        assert under_way.wait(LIMIT)
        with getattr(server, window)():
            until(lambda: client.get("/readyz").status_code == 503, "a server that only reads is called ready")
            assert not client.get("/readyz").json()["checks"]["database"]["ok"]
            answer = client.post("/v1/uploads", json={"filename": "film.mp4", "size": 1000})
            assert problem(answer, 503, "temporarily_unavailable")["retryable"] is True
            assert everybody.refused.wait(LIMIT)
            go_on.set()  # what is finished now must be written when the server takes writes again
            if window == "reading_sessions":  # for longer than a holder may be silent
                assert not threading.Event().wait(SETTINGS.heartbeat_timeout + 1.0)
        until(lambda: client.get("/readyz").status_code == 200, "the API never became ready again")
        assert client.post("/v1/uploads", json={"filename": "film.mp4", "size": 1000}).status_code == 201

        def state() -> str:
            with suppress(*AWAY), failing.sessions()() as session:
                return session.get_one(Job, job_id).state
            return "unknown"

        until(lambda: state() == "succeeded", lambda: f"the job is {state()}")
    assert attempts(failing, job_id) == {("done", 1, 0)}


def test_a_connection_that_has_come_to_a_server_that_only_reads_is_given_up(server: Server, failing: Database) -> None:
    with failing.sessions().begin() as session:
        session.execute(text("SET default_transaction_read_only = on"))
        before = session.scalar(text("SELECT pg_backend_pid()"))
    session = failing.sessions()()
    assert session.scalar(text("SELECT pg_backend_pid()")) == before
    with pytest.raises(AWAY):
        make_job(UnitOfWork(session))
    session.close()
    with failing.sessions().begin() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != before
        make_job(UnitOfWork(session))
    assert server is not None
