"""The runner, the doorbell and the sweeper on real servers."""

import errno
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import platform_results as results
import pytest
import redis as redis_client
import structlog
from celery import Celery
from platform_jobs import make_job
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker
from waiting import LIMIT, until

from dubbing import clock
from dubbing.db.engine import Database
from dubbing.db.models import Job, WorkItem
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.work import EncodeResult, Queue, Ring, WorkKind
from dubbing.errors import Cancelled, EncodeFailed, ModelBroken, ModelUnavailable, NotAVideo, OutOfMemory
from dubbing.queue.app import make_celery
from dubbing.queue.context import Context
from dubbing.queue.doorbell import Doorbell
from dubbing.queue.runner import Handlers, Runner
from dubbing.queue.sweeper import Sweeper
from dubbing.queue.tasks import add_work_task
from dubbing.settings import QueueSettings, RedisSettings
from dubbing.workflow.advance import Advancer

pytestmark = pytest.mark.stack
SETTINGS = QueueSettings(
    heartbeat=0.1, heartbeat_timeout=1.0, backoff=0.01, backoff_max=0.05, max_attempts=4, max_outages=6, outage_wait=0.05
)


@pytest.fixture
def rings() -> list[Ring]:
    return []


@pytest.fixture
def runner(database: Database, rings: list[Ring]) -> Callable[..., Runner]:
    def make(**handlers: Any) -> Runner:
        registry = Handlers()
        for kind in WorkKind:
            registry.add(kind, handlers.get(kind) or (lambda task, _, kind=kind: results.answer(kind, task)))
        return Runner(database, rings.extend, registry, SETTINGS)

    return make


@pytest.fixture
def job_id(sessions: sessionmaker[Session]) -> str:
    with sessions.begin() as session:
        return make_job(UnitOfWork(session)).id


@pytest.fixture
def app(redis_url: str) -> Celery:
    redis_client.Redis.from_url(redis_url).flushdb()
    return make_celery(RedisSettings(url=redis_url), SETTINGS)


def state(sessions: sessionmaker[Session], job_id: str) -> Job:
    with sessions() as session:
        return session.get_one(Job, job_id)


def run_all(runner: Runner, seconds: float = LIMIT) -> None:
    """Run what waits, and what waits for its retry, until nothing is left."""
    idle, end = 0, time.monotonic() + seconds
    while idle < 3 and time.monotonic() < end:
        ran = [runner.run_next(queue) for queue in (Queue.PREPARE, Queue.INFER, Queue.STITCH)]
        idle = 0 if any(ran) else idle + 1
        time.sleep(0 if any(ran) else 0.06)


def test_handlers_carry_a_job_to_its_end_and_ring_for_each_next_step(
    runner: Callable[..., Runner], sessions: sessionmaker[Session], job_id: str, rings: list[Ring]
) -> None:
    run_all(runner())
    assert state(sessions, job_id).state == "succeeded"
    assert [ring.kind for ring in rings] == ["encode_speech", "prepare", "encode_face", "infer", "infer", "infer", "stitch"]


def test_the_bell_rings_for_chunks_while_others_are_still_being_encoded(
    runner: Callable[..., Runner], sessions: sessionmaker[Session], job_id: str, rings: list[Ring]
) -> None:
    meanwhile = []

    def encode(task: Any, context: Context) -> Any:
        context.partial_result(EncodeResult(frames=1, chunks=(0, 1)))
        meanwhile.extend(ring.kind for ring in rings)
        return results.encode(task)

    run_all(runner(encode_face=encode))
    assert meanwhile == ["encode_speech", "prepare", "encode_face", "infer", "infer"]
    assert state(sessions, job_id).state == "succeeded"


def test_a_service_that_is_down_is_tried_again_and_costs_no_attempt(
    runner: Callable[..., Runner], sessions: sessionmaker[Session], job_id: str
) -> None:
    attempts = []

    def infer(task: Any, context: Context) -> Any:
        attempts.append(context.item.attempt)
        if context.item.attempt < 3:
            raise ModelUnavailable("not loaded")
        return results.infer(task)

    run_all(runner(infer=infer))
    assert state(sessions, job_id).state == "succeeded"
    assert sorted(attempts) == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    with sessions() as session:
        chunks = session.scalars(select(WorkItem).where(WorkItem.kind == WorkKind.INFER)).all()
    # What is left of an item's attempts is what was left before: an outage is no fault of the work.
    assert [(item.outages, item.max_attempts - item.attempt) for item in chunks] == [(2, SETTINGS.max_attempts - 1)] * 3


def refused_by_the_encoder() -> None:
    raise EncodeFailed("Frame 7 could not be encoded") from OSError(errno.ENOSPC, "No space left on device")


def refused_by_the_system() -> None:
    raise OSError(errno.EDQUOT, "Disk quota exceeded")


@pytest.mark.parametrize("refused", [refused_by_the_encoder, refused_by_the_system])
def test_a_workers_disk_that_is_full_is_waited_for_and_costs_no_attempt(
    runner: Callable[..., Runner], sessions: sessionmaker[Session], job_id: str, refused: Callable[[], None]
) -> None:
    noted = []

    def stitch(task: Any, context: Context) -> Any:
        with sessions() as session:
            noted.append(session.get_one(WorkItem, context.item.id).error)
        if len(noted) <= SETTINGS.max_attempts:
            refused()
        return results.stitch(task)

    run_all(runner(stitch=stitch))
    assert state(sessions, job_id).state == "succeeded"
    with sessions() as session:
        item = session.scalars(select(WorkItem).where(WorkItem.kind == WorkKind.STITCH)).one()
    assert (item.outages, item.max_attempts - item.attempt) == (SETTINGS.max_attempts, SETTINGS.max_attempts - 1)
    assert {error["code"] for error in noted[1:]} == {"disk_full"}


@pytest.mark.parametrize(
    "case",
    [
        (NotAVideo("It is a letter.", where={"pointer": "/video"}), 1, "not_a_video"),
        (OutOfMemory("no room"), 4, "out_of_memory"),
        (ModelUnavailable("gone"), 6 + 4, "model_unavailable"),
        (ModelBroken("it dies of this"), 4 + 4, "model_broken"),
        (KeyError("bug"), 3, "internal_error"),
    ],
)
def test_an_error_ends_the_job_with_its_code_after_as_many_tries_as_it_deserves(
    runner: Callable[..., Runner],
    sessions: sessionmaker[Session],
    job_id: str,
    case: tuple[Exception, int, str],
) -> None:
    error, tries, code = case
    seen = []

    def prepare(_: Any, context: Context) -> Any:
        seen.append(context.item.attempt)
        raise error

    run_all(runner(prepare=prepare))
    job = state(sessions, job_id)
    assert len(seen) == tries
    assert job.state == "failed"
    assert job.error is not None
    assert job.error["code"] == code


def test_a_result_that_the_flow_cannot_read_fails_the_job_instead_of_hanging_it(
    runner: Callable[..., Runner], sessions: sessionmaker[Session], job_id: str
) -> None:
    run_all(runner(prepare=lambda task, _: results.encode(task)))
    assert state(sessions, job_id).state == "failed"


def test_the_keeper_shows_life_and_progress_reaches_the_jobs_events(
    runner: Callable[..., Runner], sessions: sessionmaker[Session], job_id: str
) -> None:
    beats, took = set(), 0.0

    def prepare(task: Any, context: Context) -> Any:
        nonlocal took
        began = time.monotonic()
        for done in range(5):
            until, seen = time.monotonic() + 0.3, len(beats)
            while len(beats) == seen or time.monotonic() < until:
                context.progress(done * 50, 250)
                time.sleep(0.02)
                with sessions() as session:
                    beats.add(session.get_one(WorkItem, context.item.id).heartbeat_at)
        took = time.monotonic() - began
        return results.prepare(task)

    run_all(runner(prepare=prepare))
    with sessions() as session:
        events = [event for event in UnitOfWork(session).jobs.events_after(job_id, 0) if event.type == "job.progress"]
    assert len(beats) >= 5
    assert [event.data["total"] for event in events] == [250] * len(events)
    assert 2 <= len(events) <= 2 + took / 0.5  # not every report: two a second, the first and the last


def test_a_handler_learns_of_cancellation_and_the_job_ends_canceled(
    runner: Callable[..., Runner], sessions: sessionmaker[Session], job_id: str
) -> None:
    raised: list[Exception] = []

    def infer(_: Any, context: Context) -> Any:
        with sessions.begin() as session:
            work = UnitOfWork(session)
            work.jobs.request_cancel(work.jobs.lock(job_id))
            Advancer(work, 4).advance(job_id)
        try:
            until(context.raise_if_canceled, "it is never told")
        except Cancelled as error:
            raised.append(error)
            raise

    run_all(runner(infer=infer))
    assert len(raised) == 1
    assert state(sessions, job_id).state == "canceled"


def test_a_worker_that_was_taken_over_drops_what_it_made(
    runner: Callable[..., Runner], sessions: sessionmaker[Session], job_id: str
) -> None:
    made = []

    def stitch(task: Any, context: Context) -> Any:
        made.append(context.item.attempt)
        if context.item.attempt == 1:  # asleep for so long that the sweeper took the item back
            with sessions.begin() as session:
                session.execute(update(WorkItem).where(WorkItem.id == context.item.id).values(lease_expires_at=clock.now()))
                assert UnitOfWork(session).items.expired(60)
            return results.stitch(task).model_copy(update={"output_filename": "stale.mp4"})
        return results.stitch(task)

    run_all(runner(stitch=stitch))
    job = state(sessions, job_id)
    assert made == [1, 2]
    assert job.state == "succeeded"
    assert job.output is not None
    assert job.output["output_filename"] == "film.pt.mp4"


def test_two_workers_complete_at_once_without_deadlock(
    runner: Callable[..., Runner], sessions: sessionmaker[Session], database: Database
) -> None:
    with sessions.begin() as session:
        ids = [make_job(UnitOfWork(session)).id for _ in range(6)]
    threads = [threading.Thread(target=run_all, args=(runner(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {state(sessions, job_id).state for job_id in ids} == {"succeeded"}
    assert database.sessions() is not None


def test_a_broker_that_is_down_costs_a_warning_and_little_time(sessions: sessionmaker[Session]) -> None:
    app = make_celery(RedisSettings(url="redis://127.0.0.1:1/0"), SETTINGS)
    began = time.monotonic()
    with unit_of_work(sessions, Doorbell(app, SETTINGS).ring) as work:
        job_id = make_job(work).id
    assert time.monotonic() - began < 60  # Celery's own patience has no end
    assert state(sessions, job_id).state == "queued"


def test_the_sweeper_rings_for_what_nobody_was_told_about_and_only_once(app: Celery, database: Database, job_id: str) -> None:
    doorbell = Doorbell(app, SETTINGS)
    sweeper = Sweeper(database, doorbell, SETTINGS, lambda *_: None, lambda _: True)
    assert doorbell.backlog(Queue.PREPARE) == 0
    for _ in range(3):
        sweeper.sweep()
    assert doorbell.backlog(Queue.PREPARE) == 2
    assert job_id


def test_the_sweeper_takes_back_what_a_dead_worker_held(app: Celery, database: Database, job_id: str) -> None:
    doorbell = Doorbell(app, SETTINGS)
    with database.sessions().begin() as session:
        item = UnitOfWork(session).items.claim([WorkKind.PROBE], "dead", 60)
        assert item is not None
        session.execute(update(WorkItem).where(WorkItem.id == item.id).values(heartbeat_at=clock.now() - timedelta(seconds=2)))
    Sweeper(database, doorbell, SETTINGS, lambda *_: None, lambda _: True).sweep()
    with database.sessions().begin() as session:
        again = UnitOfWork(session).items.claim([WorkKind.PROBE], "alive", 60)
    assert again is not None
    assert (again.id, again.attempt) == (item.id, 2)
    assert doorbell.backlog(Queue.PREPARE) == 2
    assert job_id


def test_a_real_worker_answers_the_doorbell_and_knows_who_rang(
    app: Celery, runner: Callable[..., Runner], sessions: sessionmaker[Session]
) -> None:
    heard: list[dict[str, Any]] = []

    def probe(task: Any, _: Context) -> Any:
        heard.append(structlog.contextvars.get_contextvars())
        return results.probe(task)

    app.conf.broker_transport_options["polling_interval"] = 0.2
    add_work_task(app, runner(probe=probe))
    worker = app.Worker(pool="solo", queues=["prepare"], hostname="t@h", without_gossip=True, without_mingle=True)
    thread = threading.Thread(target=worker.start, daemon=True)
    thread.start()
    with (
        structlog.contextvars.bound_contextvars(request_id="req_1"),
        unit_of_work(sessions, Doorbell(app, SETTINGS).ring) as work,
    ):
        make_job(work)
    until(lambda: len(heard) == 2, lambda: heard)
    worker.stop()
    assert heard[0]["request_id"] == "req_1"
    assert heard[0]["kind"] == "probe"
