"""Hosts whose clocks differ share work as if they did not: leases, heartbeats and waits go by the database's clock."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis as redis_client
import skewed_app
from fastapi.testclient import TestClient
from places import HELPERS, ROOT
from platform_jobs import make_job
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from waiting import until

from dubbing.db.models import Job, WorkItem
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.jobs import TERMINAL
from dubbing.settings import DatabaseSettings

pytestmark = pytest.mark.stack
EARLY, LATE = "+600", "-600"
QUEUE = {"HEARTBEAT": "0.3", "SWEEP": "0.5", "OUTAGE_WAIT": "1"}


def faked(offset: str) -> dict[str, str]:
    """Variables that show a process another time of day, and leave alone the clock by which it waits."""
    spec = find_spec("libfaketime")
    assert spec is not None
    assert spec.origin is not None
    library = Path(spec.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


Start = Callable[..., None]


@pytest.fixture
def start(database_settings: DatabaseSettings, redis_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts Celery's workers and beat on hosts of another time of day."""
    redis_client.Redis.from_url(redis_url).flushdb()
    paths = (HELPERS, ROOT / "shared", ROOT)
    env = {
        **os.environ,
        **{f"DUBLINE_QUEUE_{name}": value for name, value in QUEUE.items()},
        "DUBLINE_DATABASE_URL": database_settings.url,
        "DUBLINE_REDIS_URL": redis_url,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }
    started: list[subprocess.Popen[bytes]] = []

    def run(name: str, offset: str, *arguments: str) -> None:
        with (tmp_path / name).open("wb") as log:
            command = [sys.executable, "-m", "celery", "-A", "skewed_app:app", *arguments]
            started.append(subprocess.Popen(command, env=env | faked(offset), stdout=log, stderr=log, cwd=tmp_path))

    yield run
    for process in started:
        process.kill()
        process.wait()


def figure(text: str, name: str) -> float:
    return max(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def test_a_worker_ten_minutes_early_and_one_ten_minutes_late_leave_each_others_work_alone(
    start: Start, client: TestClient, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        jobs = [make_job(UnitOfWork(session), seed=seed).id for seed in (1, 2)]  # with chunks of their own
    began = time.monotonic()
    queues = "prepare,infer,stitch,maintenance"
    for name, offset in (("early", EARLY), ("late", LATE)):
        start(
            name,
            offset,
            "worker",
            "-Q",
            queues,
            "-P",
            "threads",
            "-c",
            "3",
            "-n",
            f"{name}@%h",
            "--without-gossip",
            "--without-mingle",
        )
    start("beat", LATE, "beat", "--pidfile=")
    figures: list[str] = []

    def ended() -> bool:
        figures.append(client.get("/metrics/platform").text)
        with sessions() as session:
            return set(session.scalars(select(Job.state))) <= {str(state) for state in TERMINAL}

    until(ended, "the jobs hang")
    took = time.monotonic() - began
    with sessions() as session:
        assert {session.get_one(Job, job_id).state for job_id in jobs} == {"succeeded"}
        items = session.scalars(select(WorkItem)).all()
        chunks = [item for item in items if item.kind == "infer"]
        # Nobody took anybody's work, and what had to wait a second waited no ten minutes.
        assert {(item.leases_lost, item.attempt - item.outages) for item in items} == {(0, 1)}
        assert [item.outages for item in chunks] == [1] * 6
        spent = [(item.updated_at - item.created_at).total_seconds() for item in chunks]
    assert skewed_app.SECONDS < max(spent) < took + 1
    assert max(figure(text, "dubline_jobs_stuck") for text in figures) == 0
    assert max(figure(text, "dubline_queue_oldest_seconds") for text in figures) < took + 1


def test_a_worker_that_dies_is_missed_by_one_whose_clock_is_ten_minutes_late(
    start: Start, sessions: sessionmaker[Session]
) -> None:
    with sessions.begin() as session:
        make_job(UnitOfWork(session))
        item = UnitOfWork(session).items.claim(["probe"], "dead", 3600)
        assert item is not None
    # Beat is late by another ten minutes: what it sends looks long out of date, and is done all the same.
    start("late", LATE, "worker", "-Q", "maintenance", "-P", "solo", "-n", "late@%h", "--without-gossip", "--without-mingle")
    start("beat", "-1200", "beat", "--pidfile=")

    def taken_back() -> bool:
        with sessions() as session:
            return session.get_one(WorkItem, item.id).leases_lost == 1

    until(taken_back, "nobody took the item back")
