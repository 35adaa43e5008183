"""Deadlines are promised or refused with the estimate, and what may be late after all is told before it is."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from api_calls import problem, work_through
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from title_calls import Upload, add, languages, render, sound, title
from web_server import WebServer
from webhook_calls import Deliverer, announce, message

from dubbing import clock
from dubbing.db.models import Job, WorkItem
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.paces import Measure, PaceKey
from dubbing.domain.work import WorkKind
from dubbing.queue.sweeper import Sweeper
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
__all__ = ["languages", "title"]


def due(seconds: float) -> str:
    return (clock.now() + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def sweep(services: Services) -> None:
    Sweeper(services.database, services.doorbell, services.queue, lambda *_: None, lambda _: True).sweep()


def slow(services: Services, pace: float) -> None:
    """Masters take so many times as long from now on."""
    with services.database.sessions().begin() as session:
        item = session.scalars(select(WorkItem.id)).first()
        assert item is not None
        for _ in range(15):
            UnitOfWork(session).forecasts.learn(item, WorkKind.STITCH, [Measure(PaceKey("stitch", "", -2), pace)])


@pytest.fixture
def probed(client: TestClient, services: Services, body: dict[str, Any]) -> dict[str, Any]:
    """What to send for a job whose files were read for another one."""
    job = client.post("/v1/lipsyncs", json=body).json()["id"]
    work_through(services, WorkKind.PROBE)
    client.post(f"/v1/jobs/{job}/cancel")
    return body


def risks_in(client: TestClient, job: str) -> list[str]:
    with client.stream("GET", f"/v1/jobs/{job}/events") as stream:
        return [line for line in stream.iter_lines() if line == "event: job.deadline_at_risk"]


def test_a_deadline_that_cannot_be_met_is_refused_with_the_estimate_and_nothing_is_made(
    client: TestClient, probed: dict[str, Any]
) -> None:
    count = len(client.get("/v1/jobs").json()["items"])
    refused = problem(client.post("/v1/lipsyncs", json={**probed, "deadline": due(1)}), 409, "deadline_unmeetable")
    assert refused["where"] == {"pointer": "/deadline"}
    assert refused["media"]["estimated_seconds"] > 1
    assert len(client.get("/v1/jobs").json()["items"]) == count
    later = datetime.fromisoformat(refused["media"]["estimated_finish_at"]) + timedelta(minutes=1)
    promised = client.post("/v1/lipsyncs", json={**probed, "deadline": later.isoformat()})
    assert promised.status_code == 202
    assert not promised.json()["deadline_at_risk"]
    assert promised.json()["estimated_finish_at"] < promised.json()["deadline"]


@pytest.mark.parametrize("seconds", [-60, 1])
def test_who_wants_it_anyway_says_so_and_is_told_that_it_will_be_late(
    client: TestClient, services: Services, probed: dict[str, Any], seconds: float
) -> None:
    wanted = {**probed, "deadline": due(seconds)}
    problem(client.post("/v1/lipsyncs", json=wanted), 409, "deadline_unmeetable")
    tried = client.post("/v1/lipsyncs", json={**wanted, "deadline_policy": "try"})
    assert tried.status_code == 202
    sweep(services)
    assert client.get(tried.headers["Location"]).json()["deadline_at_risk"]


def test_what_cannot_be_foreseen_is_not_refused(client: TestClient, body: dict[str, Any]) -> None:
    """The length of a file that nobody has read yet is a guess."""
    assert client.post("/v1/lipsyncs", json={**body, "deadline": due(1)}).status_code == 202


def test_a_languages_render_is_promised_or_refused_too(
    client: TestClient, services: Services, languages: str, upload: Upload
) -> None:
    work_through(services)
    add(client, languages, "de", sound(upload, "de.wav"))
    refused = client.post(f"{languages}/de/render", json={"deadline": due(0.5)})
    problem(refused, 409, "deadline_unmeetable")
    assert client.get(f"{languages}/de").json()["latest"] is None
    assert render(client, f"{languages}/de", deadline=due(3600))["deadline_at_risk"] is False


def test_a_deadline_that_cannot_be_met_changes_no_job_and_another_priority_asks_for_no_promise(
    client: TestClient, services: Services, probed: dict[str, Any]
) -> None:
    job = client.post("/v1/lipsyncs", json={**probed, "deadline": due(3600)}).json()
    change = f"/v1/jobs/{job['id']}/reprioritize"
    problem(client.post(change, json={"deadline": due(1), "priority": 9}), 409, "deadline_unmeetable")
    found = client.get(f"/v1/jobs/{job['id']}").json()
    assert (found["deadline"], found["priority"]) == (job["deadline"], 0)
    with services.database.sessions().begin() as session:
        session.execute(update(Job).where(Job.id == job["id"]).values(deadline=clock.now() - timedelta(hours=1)))
    assert client.post(change, json={"priority": 9}).status_code == 202
    assert client.post(change, json={"deadline": due(1), "deadline_policy": "try"}).status_code == 202


def test_a_deadline_at_risk_is_told_once_until_it_is_met_again(
    client: TestClient, services: Services, probed: dict[str, Any], receiver: WebServer
) -> None:
    announce(client, receiver, events=["job.deadline_at_risk"])
    job = client.post("/v1/lipsyncs", json={**probed, "deadline": due(300)}).json()["id"]
    sweep(services)

    def risk() -> bool:
        return bool(client.get(f"/v1/jobs/{job}").json()["deadline_at_risk"])

    assert not risk()
    slow(services, 100.0)
    sweep(services)
    sweep(services)
    assert risk()
    assert "dubline_deadlines_at_risk 1.0" in client.get("/metrics/platform").text
    slow(services, 1.0)
    sweep(services)
    assert not risk()
    slow(services, 100.0)
    sweep(services)
    assert risk()
    assert client.post(f"/v1/jobs/{job}/reprioritize", json={"deadline": due(36_000)}).json()["deadline_at_risk"] is False
    Deliverer(services).run()
    first, second = (message(call) for call in receiver.posted)
    assert first["type"] == second["type"] == "job.deadline_at_risk"
    assert first["data"]["estimated_finish_at"] > first["data"]["deadline"]
    client.post(f"/v1/jobs/{job}/cancel")
    assert len(risks_in(client, job)) == 2
    assert "dubline_deadlines_at_risk 0.0" in client.get("/metrics/platform").text
