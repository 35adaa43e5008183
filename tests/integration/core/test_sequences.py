"""Sequences that a holder left open on the inference server are ended by whoever takes its item over."""

from collections.abc import Callable
from typing import Any

import platform_results as results
import pytest
from celery import Celery
from platform_jobs import make_job
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from dubbing.db.engine import Database
from dubbing.db.models import WorkItem
from dubbing.db.times import ago
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.work import OpenSequence, Queue, WorkKind
from dubbing.errors import LeaseLost, ModelBroken
from dubbing.queue.app import make_celery
from dubbing.queue.context import Context
from dubbing.queue.doorbell import Doorbell
from dubbing.queue.runner import Handlers, Runner
from dubbing.queue.sweeper import Sweeper
from dubbing.settings import QueueSettings, RedisSettings

pytestmark = pytest.mark.stack
SETTINGS = QueueSettings(heartbeat=0.1, heartbeat_timeout=60.0, backoff=0.0, outage_wait=0.0)
PROBE = [WorkKind.PROBE]


def drawn() -> OpenSequence:
    return OpenSequence.drawn("lip_student_tiny", 1)


@pytest.fixture
def app(redis_url: str) -> Celery:
    return make_celery(RedisSettings(url=redis_url), SETTINGS)


@pytest.fixture
def sweep(app: Celery, database: Database) -> Callable[[Callable[[OpenSequence], bool]], None]:
    def round_(end: Callable[[OpenSequence], bool]) -> None:
        Sweeper(database, Doorbell(app, SETTINGS), SETTINGS, lambda *_: None, end).sweep()

    return round_


@pytest.fixture
def held(sessions: sessionmaker[Session]) -> tuple[str, OpenSequence]:
    """An item whose holder has opened a sequence."""
    sequence = drawn()
    with sessions.begin() as session:
        work = UnitOfWork(session)
        make_job(work)
        item = work.items.claim(PROBE, "holder", 3600)
        assert item is not None
        work.items.opens(item, sequence)
    return item.id, sequence


def noted(sessions: sessionmaker[Session], item_id: str) -> dict[str, Any] | None:
    with sessions() as session:
        return session.get_one(WorkItem, item_id).sequence


def fall_silent(sessions: sessionmaker[Session], item_id: str) -> None:
    with sessions.begin() as session:
        session.execute(update(WorkItem).where(WorkItem.id == item_id).values(heartbeat_at=ago(3600)))


def test_what_a_holder_that_lives_has_open_is_not_touched(
    sessions: sessionmaker[Session], held: tuple[str, OpenSequence], sweep: Callable[..., None]
) -> None:
    asked: list[OpenSequence] = []
    sweep(lambda sequence: asked.append(sequence) or True)
    assert asked == []
    assert noted(sessions, held[0]) == held[1].model_dump()


def test_the_sweeper_ends_what_a_dead_holder_had_open_and_once(
    sessions: sessionmaker[Session], held: tuple[str, OpenSequence], sweep: Callable[..., None]
) -> None:
    fall_silent(sessions, held[0])
    asked: list[OpenSequence] = []
    for _ in range(2):
        sweep(lambda sequence: asked.append(sequence) or True)
    assert asked == [held[1]]
    assert noted(sessions, held[0]) is None


def test_a_server_that_does_not_answer_is_asked_again_until_it_must_have_dropped_the_sequence(
    sessions: sessionmaker[Session], held: tuple[str, OpenSequence], sweep: Callable[..., None]
) -> None:
    fall_silent(sessions, held[0])
    asked: list[OpenSequence] = []
    for _ in range(3):
        sweep(lambda sequence: asked.append(sequence) is not None)
    assert asked == [held[1]] * 3
    with sessions.begin() as session:
        session.execute(update(WorkItem).where(WorkItem.id == held[0]).values(updated_at=ago(3600)))
    sweep(lambda sequence: asked.append(sequence) is not None)
    assert asked == [held[1]] * 3
    assert noted(sessions, held[0]) is None


def test_the_next_holder_learns_of_it_and_the_sweeper_does_not_forget_what_that_one_opens(
    sessions: sessionmaker[Session], held: tuple[str, OpenSequence], sweep: Callable[..., None]
) -> None:
    fall_silent(sessions, held[0])
    following = drawn()

    def end(_: OpenSequence) -> bool:
        """While the sweeper ends the old one, somebody takes the item and opens another."""
        with sessions.begin() as session:
            work = UnitOfWork(session)
            item = work.items.claim(PROBE, "next", 3600)
            assert item is not None
            assert (item.id, item.sequence) == held
            work.items.opens(item, following)
        return True

    sweep(end)
    assert noted(sessions, held[0]) == following.model_dump()


def test_a_holder_that_was_taken_over_opens_nothing(work: UnitOfWork) -> None:
    make_job(work)
    stale = work.items.claim(PROBE, "same-name", 0)
    assert stale is not None
    work.items.expired(heartbeat_timeout=20)
    fresh = work.items.claim(PROBE, "same-name", 60)
    assert fresh is not None
    assert fresh.id == stale.id
    with pytest.raises(LeaseLost):
        work.items.opens(stale, drawn())


def test_a_chunk_that_was_broken_leaves_its_sequence_on_the_row_and_one_that_is_done_none(
    database: Database, sessions: sessionmaker[Session]
) -> None:
    found: list[OpenSequence | None] = []
    opened: list[OpenSequence] = []

    def infer(task: Any, context: Context) -> Any:
        found.append(context.item.sequence)
        opened.append(drawn())
        context.opens(opened[-1])
        if context.item.attempt == 1:
            raise ModelBroken("its process died")
        return results.infer(task)

    with sessions.begin() as session:
        make_job(UnitOfWork(session))
    handlers = Handlers()
    for kind in WorkKind:
        handlers.add(kind, lambda task, _, kind=kind: results.answer(kind, task))
    handlers.add("infer", infer)
    runner = Runner(database, lambda _: None, handlers, SETTINGS)
    while any(runner.run_next(queue) for queue in (Queue.PREPARE, Queue.INFER, Queue.STITCH)):
        pass
    assert len(opened) == 6
    assert found.count(None) == 3
    assert {one.id for one in found if one is not None} < {one.id for one in opened}
    with sessions() as session:
        assert [item.sequence for item in session.scalars(select(WorkItem)) if item.sequence is not None] == []
