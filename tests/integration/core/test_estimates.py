"""When jobs begin and end is told from what work took here, from what is known and from what is served before."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import platform_results as results
import pytest
from api_calls import work_through
from fastapi.testclient import TestClient
from platform_jobs import do, fresh, make_job
from sqlalchemy import Engine, event, func, insert, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from dubbing import ids
from dubbing.db.engine import Database
from dubbing.db.models import Asset, Job, WorkItem, WorkPace
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import JobState, Phase
from dubbing.domain.paces import KEPT, Measure, PaceKey
from dubbing.domain.work import ProbeTask, WorkKind
from dubbing.queue.runner import Handlers, Runner
from dubbing.settings import QueueSettings
from dubbing.workflow.estimates import Estimate, Estimates, PlannedDub, size_of_dub
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack


def estimate(work: UnitOfWork, job: Job) -> Estimate:
    return Estimates(work).of([job])[job.id]


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_1: Any, _2: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_job_that_waits_begins_when_those_before_it_leave_room_and_a_more_urgent_one_goes_first(work: UnitOfWork) -> None:
    jobs = [make_job(work) for _ in range(5)]
    do(work, WorkKind.PROBE)
    found = Estimates(work).of(jobs)
    ends = [found[job.id].seconds for job in jobs]
    assert ends == sorted(set(ends))
    urgent = make_job(work, deadline=work.now() + timedelta(hours=1))
    assert estimate(work, urgent).seconds < estimate(work, jobs[-1]).seconds
    assert estimate(work, jobs[-1]).seconds > ends[-1]


def test_another_organisations_many_jobs_are_no_queue_for_ones_first(work: UnitOfWork) -> None:
    for _ in range(20):
        make_job(work, organisation_id="big")
    last, mine = make_job(work, organisation_id="big"), make_job(work, organisation_id="small")
    assert estimate(work, mine).seconds < estimate(work, last).seconds / 4


def test_what_is_left_shrinks_as_work_is_done_and_is_nothing_at_the_end(work: UnitOfWork) -> None:
    job = make_job(work)
    seen = []
    while job.state in (JobState.QUEUED, JobState.RUNNING):
        seen.append(estimate(work, job).seconds)
        for kind in WorkKind:
            if do(work, kind):
                break
        work.session.refresh(job)
    assert seen[1:] == sorted(seen[1:], reverse=True)  # the first is a guess at the length of a file that nobody has read
    assert min(seen) > 0
    assert Estimates(work).of([job]) == {}


def test_a_known_picture_is_not_analysed_again_and_its_faces_are_not_encoded_again(work: UnitOfWork) -> None:
    first = make_job(work)
    do(work, WorkKind.PROBE)
    cold = estimate(work, first)
    do(work, *WorkKind)
    assert fresh(work, first).state.startswith("succeeded")
    asset = work.session.get_one(Asset, first.video_asset)
    other = make_job(work, video=asset)
    assert not estimate(work, other).measured or estimate(work, other).seconds < cold.seconds
    for kind in (WorkKind.PREPARE, WorkKind.ENCODE_FACE):
        work.session.execute(update(WorkItem).where(WorkItem.kind == kind).values(state="pending", units_done=0))
    assert estimate(work, other).seconds > cold.seconds * 0.9


def test_a_job_is_told_the_same_alone_and_in_a_list(work: UnitOfWork) -> None:
    first = make_job(work)
    do(work, *WorkKind)
    known = work.session.get_one(Asset, first.video_asset)
    jobs = [make_job(work, video=known if number % 2 else None) for number in range(6)]
    do(work, WorkKind.PROBE)
    together = Estimates(work).of(jobs)
    assert [estimate(work, job).seconds for job in jobs] == pytest.approx([together[job.id].seconds for job in jobs], rel=0.2)


def test_an_estimate_of_a_planned_job_is_that_of_the_job(work: UnitOfWork) -> None:
    job = make_job(work)
    do(work, WorkKind.PROBE)
    real = estimate(work, job)
    work.session.execute(update(Job).values(state="canceled"))
    planned = Estimates(work).planned(PlannedDub("default", size_of_dub(results.VIDEO, "tiny", 20)))
    assert planned is not None
    assert planned.measured
    probes = planned.seconds - real.seconds  # of the real one these are done
    assert 0 < probes < 2
    assert planned.gpu_seconds == pytest.approx(real.gpu_seconds, rel=0.05)


def test_what_finished_items_took_is_learned_and_one_that_was_odd_changes_nothing(work: UnitOfWork) -> None:
    job = make_job(work)
    do(work, WorkKind.PROBE)
    before = estimate(work, job).seconds
    item = work.session.scalars(select(WorkItem.id)).first()
    assert item is not None
    key = PaceKey("stitch", "", -2)

    def learn(pace: float, times: int = 1) -> float:
        for _ in range(times):
            work.forecasts.learn(item, WorkKind.STITCH, [Measure(key, pace)])
        return estimate(work, job).seconds

    assert learn(1.0, 5) == pytest.approx(before, rel=0.05)
    assert learn(50.0) == pytest.approx(before, rel=0.05)
    assert learn(10.0, 12) > 2 * before
    (row,) = work.session.execute(select(WorkPace.paces, WorkPace.workers)).all()
    assert row.paces == [10.0] * 12 + [50.0, 1.0, 1.0]
    assert len(row.paces) == len(row.workers) == KEPT


def test_a_worker_keeps_how_long_its_items_took(database: Database, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_job(UnitOfWork(session))
    handlers = Handlers()
    handlers.add("probe", lambda task, _: results.probe(ProbeTask.model_validate(task)))
    runner = Runner(database, lambda _: None, handlers, QueueSettings())
    assert runner.run_next("prepare") is not None
    assert runner.run_next("prepare") is not None
    with sessions() as session:
        rows = session.scalars(select(WorkPace).order_by(WorkPace.kind)).all()
        assert [(row.organisation_id, row.kind, len(row.paces)) for row in rows] == [
            ("default", "length", 1),
            ("default", "length", 1),
            ("default", "probe", 2),
        ]
        assert rows[2].workers == [1, 1]


def test_nothing_is_promised_while_nobody_serves_a_queue(client: TestClient, services: Services, body: dict[str, Any]) -> None:
    job = client.post("/v1/lipsyncs", json=body).json()
    assert job["progress"]["eta_seconds"] > 0
    assert job["created_at"] <= job["estimated_start_at"] < job["estimated_finish_at"]
    with services.database.sessions().begin() as session:
        session.execute(update(WorkItem).values(created_at=WorkItem.created_at - timedelta(minutes=5)))
    found = client.get(f"/v1/jobs/{job['id']}").json()
    assert (found["progress"]["eta_seconds"], found["estimated_start_at"], found["estimated_finish_at"]) == (None, None, None)
    with services.database.sessions().begin() as session:
        assert UnitOfWork(session).items.claim([WorkKind.PROBE], "w", 60) is not None
    assert client.get(f"/v1/jobs/{job['id']}").json()["progress"]["eta_seconds"] > 0


def test_a_job_that_has_ended_promises_nothing_any_more(client: TestClient, services: Services, body: dict[str, Any]) -> None:
    job = client.post("/v1/lipsyncs", json=body).json()
    work_through(services)
    ended = client.get(f"/v1/jobs/{job['id']}").json()
    assert ended["status"].startswith("succeeded")
    assert (ended["progress"]["eta_seconds"], ended["estimated_finish_at"]) == (None, None)


def test_a_list_asks_the_database_as_often_for_many_jobs_as_for_one(
    client: TestClient, services: Services, migrated: Engine, body: dict[str, Any]
) -> None:
    def statements() -> int:
        with counted(services.database.sessions().kw["bind"]) as sent:
            assert client.get("/v1/jobs", params={"limit": 100}).status_code == 200
        return len(sent)

    client.post("/v1/lipsyncs", json=body)
    one = statements()
    for _ in range(30):
        client.post("/v1/lipsyncs", json=body)
    assert statements() == one
    assert migrated is not None


def test_of_a_long_queue_only_what_is_served_next_is_read_and_a_job_behind_it_waits_for_all_of_it(
    work: UnitOfWork, make_queue: Callable[[int], None]
) -> None:
    make_queue(2000)
    near, last = estimate(work, make_job(work, priority=100)), estimate(work, make_job(work, priority=-1))
    assert len(work.forecasts.live([], 100, 400)) == 100
    assert last.seconds > 100 * near.seconds
    assert last.start_at - near.start_at > timedelta(minutes=10)


@pytest.fixture
def make_queue(work: UnitOfWork) -> Callable[[int], None]:
    """Waiting jobs for one film, without items: what is behind the front is judged by its rows alone."""

    def make(count: int) -> None:
        first = make_job(work)
        do(work, WorkKind.PROBE)
        row = {column.name: getattr(first, column.name) for column in Job.__table__.columns}
        row |= {"state": JobState.QUEUED, "phase": Phase.PROBING}
        work.session.execute(insert(Job), [row | {"id": ids.new_id("job")} for _ in range(count)])

    return make


def test_how_far_back_a_job_is_follows_the_order_of_claims(work: UnitOfWork, make_queue: Callable[[int], None]) -> None:
    make_queue(3)
    now: datetime = work.now()
    behind, due = make_job(work, priority=-1), make_job(work, priority=-1, deadline=now + timedelta(days=1))
    assert work.forecasts.places([behind.id, due.id]) == {behind.id: 6, due.id: 1}
    total = work.session.scalar(select(func.count()).select_from(Job).where(text("state in ('queued', 'running')")))
    assert total == 6
