"""Webhooks reach real receivers: signed, in order, and as each has asked for."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from api_calls import work_through
from fastapi.testclient import TestClient
from places import ROOT
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker
from standardwebhooks.webhooks import WebhookVerificationError
from waiting import until
from web_server import WebServer
from webhook_calls import FAILING, TAKEN, Deliverer, accepts, announce, deliveries, message, read, types

from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.jobs import JobState
from dubbing.domain.work import WorkKind
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
JOB = ["job.queued", "job.canceling", "job.canceled"]


def test_an_event_arrives_signed_and_thin_with_the_number_that_the_jobs_own_events_have(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    endpoint = announce(client, receiver)
    job = submit(cancel=True, metadata={"title": "Nº 1", "language": "pt-BR"})
    Deliverer(services).run()
    with client.stream("GET", f"/v1/jobs/{job}/events") as stream:
        numbers = [int(line.removeprefix("id: ")) for line in stream.iter_lines() if line.startswith("id: ")]
    assert types(receiver) == JOB
    assert [message(call)["data"]["sequence"] for call in receiver.posted] == numbers == sorted(numbers)
    first = receiver.posted[0]
    assert message(first)["data"] == {
        "job_id": job,
        "sequence": numbers[0],
        "title": "Nº 1",
        "language": "pt-BR",
        "title_id": None,
    }
    assert first.headers["content-type"] == "application/json"
    assert accepts(endpoint["secret"], first)
    assert not accepts(endpoint["secret"], first._replace(body=first.body.replace(b"queued", b"failed")))
    assert {one["status"] for one in deliveries(client, endpoint)} == {"delivered"}
    assert len({call.headers["webhook-id"] for call in receiver.posted}) == len(receiver.posted)


def test_what_is_rolled_back_is_told_to_nobody(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    endpoint = announce(client, receiver, events=["job.failed"])
    job = submit()

    def end(*, well: bool) -> None:
        with unit_of_work(services.database.sessions(), lambda _: None) as work:
            work.jobs.lock(job)
            work.jobs.finish(job, JobState.FAILED, error=None)
            work.publish()
            if not well:
                raise KeyError(job)

    with pytest.raises(KeyError):
        end(well=False)
    assert deliveries(client, endpoint) == []


def test_both_secrets_sign_for_a_day_also_what_was_on_its_way_when_one_was_replaced(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str], sessions: sessionmaker[Session]
) -> None:
    rotated: list[str] = []

    def rotating(to: Any) -> None:
        if not rotated:
            answer = client.post(f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret")
            rotated.append(answer.json()["secret"])
        FAILING(to)

    endpoint = announce(client, receiver, answer=rotating, events=["job.queued"])
    submit()
    worker = Deliverer(services)
    worker.run()
    worker.later()
    receiver.answers["/hook"] = TAKEN
    worker.run()
    on_its_way, again = receiver.posted
    assert accepts(endpoint["secret"], on_its_way)
    assert accepts(endpoint["secret"], again)
    assert accepts(rotated[0], again)
    assert again.headers["webhook-id"] == on_its_way.headers["webhook-id"]
    assert again.body == on_its_way.body
    found = read(client, endpoint)
    assert found["secrets"] == 2
    with sessions.begin() as session:
        expiry = session.scalar(
            text("SELECT (secrets->1->>'expires_at')::timestamptz - clock_timestamp() FROM webhook_endpoints")
        )
        assert timedelta(hours=23) < expiry <= timedelta(hours=24)
        session.execute(
            text("UPDATE webhook_endpoints SET secrets = jsonb_set(secrets, '{1,expires_at}', to_jsonb(clock_timestamp()))")
        )
    submit()
    worker.run()
    assert accepts(rotated[0], receiver.posted[2])
    assert not accepts(endpoint["secret"], receiver.posted[2])


def test_a_delivery_that_arrived_is_sent_again_under_its_id(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    endpoint = announce(client, receiver, events=["job.queued"])
    submit()
    worker = Deliverer(services)
    worker.run()
    (delivery,) = deliveries(client, endpoint)
    client.post(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries/{delivery['id']}/replay")
    worker.run()
    first, second = receiver.posted
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery["id"]
    assert first.body == second.body
    assert len(deliveries(client, endpoint)[0]["attempts"]) == 2


def test_an_event_that_comes_while_a_call_is_made_is_not_forgotten(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    jobs = [submit()]

    def submitting(to: Any) -> None:
        if len(jobs) < 3:
            jobs.append(submit())
        TAKEN(to)

    announce(client, receiver, answer=submitting, events=["job.queued"])
    submit()
    Deliverer(services, turn=0.0).run()
    assert [message(call)["data"]["job_id"] for call in receiver.posted][1:] == jobs[1:]


def test_many_events_of_many_jobs_at_once_all_arrive_each_once_and_in_order(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    """Nobody sweeps here: what is written while an endpoint's item ends must open it again."""
    paths, each, over = [f"/{number}" for number in range(3)], 20, threading.Event()
    for path in paths:
        announce(client, receiver, path, events=["job.running"])
    jobs = [submit() for _ in range(4)]
    worker = Deliverer(services, turn=0.0)

    def write(job: str) -> None:
        for _ in range(each):
            with unit_of_work(services.database.sessions(), lambda _: None) as work:
                work.jobs.lock(job)
                work.jobs.event(job, "job.running", {})

    def deliver(_: int) -> None:
        while not over.is_set():
            worker.run()

    with ThreadPoolExecutor() as writers, ThreadPoolExecutor(4) as workers:
        delivering = [workers.submit(deliver, number) for number in range(4)]
        try:
            list(writers.map(write, jobs))
            until(lambda: len(receiver.posted) >= len(paths) * len(jobs) * each, lambda: len(receiver.posted))
        finally:
            over.set()
        assert [one.result() for one in delivering] == [None] * 4
    for path in paths:
        for job in jobs:
            mine = [message(call)["data"] for call in receiver.posted if call.path == path]
            numbers = [data["sequence"] for data in mine if data["job_id"] == job]
            assert len(numbers) == each
            assert numbers == sorted(set(numbers))


def test_an_endpoint_is_told_of_what_it_asked_for(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    announce(client, receiver, "/ends", events=["job.canceled", "job.failed", "job.canceled"])
    usual = announce(client, receiver, "/usual")
    assert {"job.progress", "job.phase"}.isdisjoint(usual["events"])
    submit(cancel=True)
    Deliverer(services).run()
    assert types(receiver, "/ends") == ["job.canceled"]
    assert types(receiver, "/usual") == JOB


def test_a_receiver_can_drop_what_comes_late(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    answers = iter([FAILING])

    def answer(to: Any) -> None:
        next(answers, TAKEN)(to)

    announce(client, receiver, answer=answer, events=["job.queued", "job.canceled"])
    job = submit(cancel=True)
    worker = Deliverer(services)
    worker.run()
    worker.later()
    worker.run()
    assert types(receiver) == ["job.queued", "job.canceled", "job.queued"]
    numbers = [message(call)["data"]["sequence"] for call in receiver.posted]
    assert numbers[2] == numbers[0] < numbers[1]
    assert {message(call)["data"]["job_id"] for call in receiver.posted} == {job}


def test_the_receiver_of_the_documentation_takes_each_event_once_and_none_that_is_late(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/receive-webhooks.md").read_text(), re.DOTALL)
    written: dict[str, Any] = {}
    exec(code, written)  # noqa: S102 - as written
    endpoint = announce(client, receiver)
    monkeypatch.setenv("WEBHOOK_SECRET", endpoint["secret"])
    submit(cancel=True)
    client.post(f"/v1/webhook-endpoints/{endpoint['id']}/test")
    Deliverer(services).run()
    taken = [written["accept"](call.body, call.headers) for call in receiver.posted]
    assert [event["type"] for event in taken] == types(receiver) == [*JOB, "webhook_endpoint.test"]
    assert [written["accept"](call.body, call.headers) for call in receiver.posted[:3]] == [None] * 3
    with pytest.raises(WebhookVerificationError):
        written["accept"](receiver.posted[0].body + b" ", receiver.posted[0].headers)


def test_a_chat_hears_a_line_for_people_that_calls_nobody(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    announce(client, receiver, format="chat")
    job = submit(metadata={"title": "<!channel> & co", "language": "pt-BR"})
    error = {"code": "no_face_anywhere", "title": "No face was found in the video", "detail": "x"}
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.jobs.lock(job)
        work.jobs.finish(job, JobState.FAILED, error=error)
    Deliverer(services).run()
    (call,) = receiver.posted  # nothing of its beginning
    assert message(call) == {"text": "&lt;!channel&gt; &amp; co (pt-BR) failed: No face was found in the video."}


def test_a_test_is_sent_whatever_was_asked_for(client: TestClient, services: Services, receiver: WebServer) -> None:
    endpoint = announce(client, receiver, events=["job.failed"])
    made = client.post(f"/v1/webhook-endpoints/{endpoint['id']}/test")
    assert made.status_code == 202
    Deliverer(services).run()
    assert types(receiver) == ["webhook_endpoint.test"]
    assert accepts(endpoint["secret"], receiver.posted[0])
    assert client.get(made.headers["Location"]).json()["status"] == "delivered"


def test_a_chat_hears_that_a_language_of_a_title_is_ready(
    client: TestClient, services: Services, receiver: WebServer, body: dict[str, Any]
) -> None:
    announce(client, receiver, format="chat")
    title = client.post("/v1/titles", json={"name": "Episode 1", "video": body["video"]}).json()["id"]
    client.post(f"/v1/titles/{title}/languages", json={"language": "pt-br", "audio": body["audio"]})
    client.post(f"/v1/titles/{title}/languages/pt-BR/render", json={})
    work_through(services, *(kind for kind in WorkKind if kind is not WorkKind.DELIVER))
    Deliverer(services).run()
    assert [message(call)["text"] for call in receiver.posted] == ["Episode 1 is analysed.", "Episode 1 (pt-BR) is ready."]
