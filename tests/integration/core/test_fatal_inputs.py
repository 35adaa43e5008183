"""Files that kill the process that works on them are refused at the second death; others' work goes on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_client
from places import HELPERS, ROOT
from platform_jobs import make_job
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from waiting import LIMIT, until

from dubbing.db.models import Asset, Job, JobNeed, WorkItem
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import TERMINAL
from dubbing.ids import new_id
from dubbing.settings import DatabaseSettings

pytestmark = pytest.mark.stack
QUEUE = {"HEARTBEAT": "0.2", "HEARTBEAT_TIMEOUT": "8", "SWEEP": "0.5", "BACKOFF": "0.1"}
FILES = ("overruns", "asserts", "greedy", "unlucky", "harmless")


@pytest.fixture
def workers(database_settings: DatabaseSettings, redis_url: str, tmp_path: Path) -> Iterator[None]:
    redis_client.Redis.from_url(redis_url).flushdb()
    env = {
        **os.environ,
        **{f"DUBLINE_QUEUE_{name}": value for name, value in QUEUE.items()},
        "DUBLINE_DATABASE_URL": database_settings.url,
        "DUBLINE_REDIS_URL": redis_url,
        "PYTHONPATH": os.pathsep.join(map(str, (HELPERS, ROOT / "shared", ROOT))),
    }
    celery = [sys.executable, "-m", "celery", "-A", "fatal_app:app"]
    quiet = ["--without-gossip", "--without-mingle"]
    commands = [
        [*celery, "worker", "-Q", "prepare,infer,stitch", "-c", "2", "-n", "work@%h", *quiet],
        [*celery, "worker", "-Q", "maintenance", "-P", "solo", "-n", "sweep@%h", *quiet],
        [*celery, "beat", "--pidfile="],
    ]
    with (tmp_path / "log").open("wb") as log:
        started = [subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=tmp_path) for command in commands]
    yield
    for process in started:
        process.terminate()
    for process in started:
        process.wait(LIMIT)


def film(session: Session, name: str) -> str:
    video = Asset(id=new_id("ast"), organisation_id="default", object_key=f"assets/{name}", filename=f"{name}.mp4", size=10)
    return make_job(UnitOfWork(session), video=video).id


def item(session: Session, job_id: str, kind: str) -> WorkItem:
    needed = select(WorkItem).join(JobNeed, JobNeed.work_item_id == WorkItem.id)
    return session.scalars(needed.where(JobNeed.job_id == job_id, WorkItem.kind == kind)).one()


@pytest.mark.usefixtures("workers")
def test_a_file_is_refused_at_the_second_fault_and_what_was_only_killed_goes_on(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        jobs = {name: film(session, name) for name in FILES}

    def found() -> dict[str, str]:
        with sessions() as session:
            return dict(session.execute(select(Job.id, Job.state)).all())

    until(lambda: set(found().values()) <= {str(state) for state in TERMINAL}, found, every=0.2)
    states = found()
    assert [states[jobs[name]] for name in FILES] == ["failed", "failed", "succeeded", "succeeded", "succeeded"]
    with sessions() as session:
        for name, kind, fault in (("overruns", "prepare", "SIGSEGV"), ("asserts", "stitch", "SIGABRT")):
            refused, error = item(session, jobs[name], kind), session.get_one(Job, jobs[name]).error
            assert (refused.state, refused.attempt, refused.leases_lost) == ("failed", 2, 1)
            assert error is not None
            assert error["code"] == "fatal_input"
            assert fault in error["detail"]
        greedy, unlucky = item(session, jobs["greedy"], "prepare"), item(session, jobs["unlucky"], "encode_face")
        assert (greedy.attempt, greedy.leases_lost) == (3, 1)  # the second death was seen at once
        assert (unlucky.attempt, unlucky.leases_lost) == (2, 1)
        others = session.scalars(select(WorkItem).where(WorkItem.leases_lost == 0)).all()
        assert {other.attempt for other in others} == {1}
