"""Webhooks reach real receivers: signed, in order, again and again while they fail, and each on its own."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client
from api_fixtures import TESTS_KEY
from fastapi.testclient import TestClient
from places import ROOT
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker
from standardwebhooks.webhooks import WebhookVerificationError
from waiting import LIMIT, until
from web_server import HERE, WebServer, leading, sending
from webhook_calls import FAILING, TAKEN, Deliverer, accepts, announce, deliveries, message, read, types

from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.jobs import JobState
from dubbing.domain.work import WorkKind
from dubbing.queue.sweeper import Sweeper
from dubbing.settings import QueueSettings
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
JOB = ["job.queued", "job.canceling", "job.canceled"]


@pytest.fixture
def server() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def submit(client: TestClient, body: dict[str, Any]) -> Callable[..., str]:
    """Submits a job, and cancels it if that is wished; its id."""

    def do(*, cancel: bool = False, **members: Any) -> str:
        made = client.post("/v1/lipsyncs", json={**body, **members})
        assert made.status_code == 202, made.text
        job = str(made.json()["id"])
        if cancel:
            assert client.post(f"/v1/jobs/{job}/cancel").status_code == 202
        return job

    return do


def test_an_event_arrives_signed_and_thin_with_the_number_that_the_jobs_own_events_have(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    endpoint = announce(client, server)
    job = submit(cancel=True, metadata={"title": "Nº 1", "language": "pt-BR"})
    Deliverer(services).run()
    with client.stream("GET", f"/v1/jobs/{job}/events") as stream:
        numbers = [int(line.removeprefix("id: ")) for line in stream.iter_lines() if line.startswith("id: ")]
    assert types(server) == JOB
    assert [message(call)["data"]["sequence"] for call in server.posted] == numbers == sorted(numbers)
    first = server.posted[0]
    assert message(first)["data"] == {"job_id": job, "sequence": numbers[0], "title": "Nº 1", "language": "pt-BR"}
    assert first.headers["content-type"] == "application/json"
    assert accepts(endpoint["secret"], first)
    assert not accepts(endpoint["secret"], first._replace(body=first.body.replace(b"queued", b"failed")))
    assert {one["status"] for one in deliveries(client, endpoint)} == {"delivered"}
    assert len({call.headers["webhook-id"] for call in server.posted}) == len(server.posted)


def test_what_is_rolled_back_is_told_to_nobody(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    endpoint = announce(client, server, events=["job.failed"])
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
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str], sessions: sessionmaker[Session]
) -> None:
    rotated: list[str] = []

    def rotating(to: Any) -> None:
        if not rotated:
            answer = client.post(f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret")
            rotated.append(answer.json()["secret"])
        FAILING(to)

    endpoint = announce(client, server, answer=rotating, events=["job.queued"])
    submit()
    worker = Deliverer(services)
    worker.run()
    worker.later()
    server.answers["/hook"] = TAKEN
    worker.run()
    on_its_way, again = server.posted
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
    assert accepts(rotated[0], server.posted[2])
    assert not accepts(endpoint["secret"], server.posted[2])


def test_what_fails_is_tried_ten_times_over_three_days(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str], sessions: sessionmaker[Session]
) -> None:
    endpoint = announce(client, server, answer=FAILING, events=["job.queued"])
    submit()
    worker, waits = Deliverer(services), [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    for wait in waits:
        worker.run()
        (delivery,) = deliveries(client, endpoint)
        with sessions() as session:
            now = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        at, due = (datetime.fromisoformat(moment) for moment in (delivery["attempts"][-1]["at"], delivery["next_attempt_at"]))
        assert at + timedelta(seconds=wait) <= due <= now + timedelta(seconds=wait)
        worker.run()  # before its time nothing is sent
        worker.later()
    worker.run()
    (delivery,) = deliveries(client, endpoint)
    assert (delivery["status"], delivery["next_attempt_at"]) == ("failed", None)
    assert [(one["status"], one["answer"]) for one in delivery["attempts"]] == [(500, "out of order")] * 10
    assert len({call.headers["webhook-id"] for call in server.posted}) == 1
    assert len(server.posted) == 10
    assert sum(waits) / 3600 == pytest.approx(75.6, abs=0.1)
    assert read(client, endpoint)["status"] == "enabled"


def test_an_endpoint_that_took_nothing_for_days_is_disabled_and_the_others_hear_of_it(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str], sessions: sessionmaker[Session]
) -> None:
    watching = announce(client, server, "/watch", events=["webhook_endpoint.disabled"])
    endpoint = announce(client, server, answer=FAILING, events=["job.queued"])
    submit()
    worker = Deliverer(services, waits=(0, 7))
    worker.run()
    with sessions.begin() as session:
        session.execute(text("UPDATE webhook_endpoints SET failing_since = failing_since - interval '3 days'"))
    submit()
    worker.later()
    worker.run()
    found = read(client, endpoint)
    assert (found["status"], found["disabled_reason"]) == ("disabled", "nothing has arrived there for 3.0 days")
    assert [one["status"] for one in deliveries(client, endpoint)] == ["failed", "failed"]
    (call,) = [call for call in server.posted if call.path == "/watch"]
    assert accepts(watching["secret"], call)
    assert message(call)["data"] == {
        "endpoint_id": endpoint["id"],
        "url": endpoint["url"],
        "reason": "nothing has arrived there for 3.0 days",
    }
    asked = len(server.posted)
    submit()
    worker.run()
    assert len(server.posted) == asked


def test_a_success_between_failures_keeps_an_endpoint(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    endpoint = announce(client, server, answer=FAILING, events=["job.queued"])
    worker = Deliverer(services, waits=(0, 5), disable_after=0)
    submit()
    worker.run()
    assert read(client, endpoint)["failing_since"] is not None
    server.answers["/hook"] = TAKEN
    worker.later()
    worker.run()
    found = read(client, endpoint)
    assert (found["failing_since"], found["status"]) == (None, "enabled")


def test_gone_disables_at_once_and_what_waited_can_be_replayed(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    endpoint = announce(client, server, answer=sending(b"", {}, 410), events=["job.queued", "job.canceled"])
    submit(cancel=True)
    worker = Deliverer(services)
    worker.run()
    assert len(server.posted) == 1
    assert read(client, endpoint)["status"] == "disabled"
    gone, waiting = deliveries(client, endpoint)
    assert (gone["status"], waiting["status"], waiting["attempts"]) == ("failed", "failed", [])
    base = f"/v1/webhook-endpoints/{endpoint['id']}"
    assert client.post(f"{base}/deliveries/{waiting['id']}/replay").status_code == 409
    server.answers["/hook"] = TAKEN
    assert client.post(f"{base}/enable").json()["status"] == "enabled"
    replayed = client.post(f"{base}/deliveries/{waiting['id']}/replay")
    assert (replayed.status_code, replayed.headers["Location"]) == (202, f"{base}/deliveries/{waiting['id']}")
    worker.run()
    assert server.posted[-1].headers["webhook-id"] == waiting["id"]
    assert client.get(replayed.headers["Location"]).json()["status"] == "delivered"


def test_a_delivery_that_arrived_is_sent_again_under_its_id(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    endpoint = announce(client, server, events=["job.queued"])
    submit()
    worker = Deliverer(services)
    worker.run()
    (delivery,) = deliveries(client, endpoint)
    client.post(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries/{delivery['id']}/replay")
    worker.run()
    first, second = server.posted
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery["id"]
    assert first.body == second.body
    assert len(deliveries(client, endpoint)[0]["attempts"]) == 2


def test_a_redirect_is_a_failure_and_is_not_followed(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    server.answers["/elsewhere"] = TAKEN
    endpoint = announce(client, server, answer=leading("/elsewhere"), events=["job.queued"])
    submit()
    Deliverer(services).run()
    assert [call.path for call in server.posted] == ["/hook"]
    assert server.asked == []
    (delivery,) = deliveries(client, endpoint)
    assert (delivery["status"], delivery["attempts"][0]["status"]) == ("pending", 302)


def test_an_answer_that_drips_is_given_up(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    over = threading.Event()

    def drip(to: Any) -> None:
        to.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.02):
            to.wfile.write(b"X-Drip: 1\r\n")
            to.wfile.flush()

    def dripping(to: Any) -> None:
        try:
            drip(to)
        except OSError:
            over.set()  # the caller hung up

    endpoint = announce(client, server, answer=dripping, events=["job.queued"])
    submit()
    Deliverer(services, seconds=0.3).run()
    assert over.wait(LIMIT)
    (attempt,) = deliveries(client, endpoint)[0]["attempts"]
    assert attempt["error"] == f"endpoint_unreachable: {HERE} did not answer within 0.3 s."


def test_a_slow_endpoint_delays_no_other(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    held, release = threading.Event(), threading.Event()

    def hold(to: Any) -> None:
        held.set()
        release.wait(LIMIT)
        TAKEN(to)

    announce(client, server, "/slow", hold, events=["job.queued"])
    for _ in range(3):
        submit()
    slow = threading.Thread(target=Deliverer(services, seconds=LIMIT).run)
    slow.start()
    try:
        assert held.wait(LIMIT)
        announce(client, server, "/quick", events=["job.queued"])
        submit()
        Deliverer(services).run()  # another thread of the same worker
        assert len(types(server, "/quick")) == 1
        assert len(types(server, "/slow")) == 1
    finally:
        release.set()
        slow.join()
    assert len(types(server, "/slow")) == 4


def test_an_event_that_comes_while_a_call_is_made_is_not_forgotten(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    jobs = [submit()]

    def submitting(to: Any) -> None:
        if len(jobs) < 3:
            jobs.append(submit())
        TAKEN(to)

    announce(client, server, answer=submitting, events=["job.queued"])
    submit()
    Deliverer(services, turn=0.0).run()
    assert [message(call)["data"]["job_id"] for call in server.posted][1:] == jobs[1:]


def test_an_endpoint_is_told_of_what_it_asked_for(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    announce(client, server, "/ends", events=["job.canceled", "job.failed", "job.canceled"])
    usual = announce(client, server, "/usual")
    assert {"job.progress", "job.phase"}.isdisjoint(usual["events"])
    submit(cancel=True)
    Deliverer(services).run()
    assert types(server, "/ends") == ["job.canceled"]
    assert types(server, "/usual") == JOB


def test_a_receiver_can_drop_what_comes_late(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    answers = iter([FAILING])

    def answer(to: Any) -> None:
        next(answers, TAKEN)(to)

    announce(client, server, answer=answer, events=["job.queued", "job.canceled"])
    job = submit(cancel=True)
    worker = Deliverer(services)
    worker.run()
    worker.later()
    worker.run()
    assert types(server) == ["job.queued", "job.canceled", "job.queued"]
    numbers = [message(call)["data"]["sequence"] for call in server.posted]
    assert numbers[2] == numbers[0] < numbers[1]
    assert {message(call)["data"]["job_id"] for call in server.posted} == {job}


def test_the_receiver_of_the_documentation_takes_each_event_once_and_none_that_is_late(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/how-to/receive-webhooks.md").read_text(), re.DOTALL)
    receiver: dict[str, Any] = {}
    exec(code, receiver)  # noqa: S102 - as written
    endpoint = announce(client, server)
    monkeypatch.setenv("WEBHOOK_SECRET", endpoint["secret"])
    submit(cancel=True)
    client.post(f"/v1/webhook-endpoints/{endpoint['id']}/test")
    Deliverer(services).run()
    taken = [receiver["accept"](call.body, call.headers) for call in server.posted]
    assert [event["type"] for event in taken] == types(server) == [*JOB, "webhook_endpoint.test"]
    assert [receiver["accept"](call.body, call.headers) for call in server.posted[:3]] == [None] * 3
    with pytest.raises(WebhookVerificationError):
        receiver["accept"](server.posted[0].body + b" ", server.posted[0].headers)


def test_a_chat_hears_a_line_for_people_that_calls_nobody(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str]
) -> None:
    announce(client, server, format="chat")
    job = submit(metadata={"title": "<!channel> & co", "language": "pt-BR"})
    error = {"code": "no_face_anywhere", "title": "No face was found in the video", "detail": "x"}
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.jobs.lock(job)
        work.jobs.finish(job, JobState.FAILED, error=error)
    Deliverer(services).run()
    (call,) = server.posted  # nothing of its beginning
    assert message(call) == {"text": "&lt;!channel&gt; &amp; co (pt-BR) failed: No face was found in the video."}


def test_a_test_is_sent_whatever_was_asked_for(client: TestClient, services: Services, server: WebServer) -> None:
    endpoint = announce(client, server, events=["job.failed"])
    made = client.post(f"/v1/webhook-endpoints/{endpoint['id']}/test")
    assert made.status_code == 202
    Deliverer(services).run()
    assert types(server) == ["webhook_endpoint.test"]
    assert accepts(endpoint["secret"], server.posted[0])
    assert client.get(made.headers["Location"]).json()["status"] == "delivered"


def test_a_name_that_leads_inside_is_not_called(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str], sessions: sessionmaker[Session]
) -> None:
    endpoint = announce(client, server, events=["job.queued"])
    with sessions.begin() as session:
        session.execute(text("UPDATE webhook_endpoints SET url = :url"), {"url": f"https://localhost:{server.port}/hook"})
    submit()
    Deliverer(services).run()
    (attempt,) = deliveries(client, endpoint)[0]["attempts"]
    assert attempt["error"].startswith("url_not_allowed: localhost leads to ")
    assert server.posted == []


def test_secrets_that_cannot_be_read_cost_no_attempt(
    client: TestClient, services: Services, server: WebServer, submit: Callable[..., str], sessions: sessionmaker[Session]
) -> None:
    endpoint = announce(client, server, events=["job.queued"])
    with sessions.begin() as session:
        kept = session.scalar(text("SELECT secrets FROM webhook_endpoints"))
        session.execute(text("""UPDATE webhook_endpoints SET secrets = '[{"secret": "x", "expires_at": null}]'"""))
    submit()
    worker = Deliverer(services)
    assert worker.runner.run_next("deliver") is not None
    (delivery,) = deliveries(client, endpoint)
    assert (delivery["status"], delivery["attempts"]) == ("pending", [])
    with sessions.begin() as session:
        assert session.scalar(text("SELECT error->>'code' FROM work_items WHERE kind = 'deliver'")) == "encryption_unavailable"
        session.execute(text("UPDATE webhook_endpoints SET secrets = CAST(:kept AS jsonb)"), {"kept": json.dumps(kept)})
    worker.run()
    assert accepts(endpoint["secret"], server.posted[0])


@pytest.fixture
def process(services: Services, redis_url: str, database_url: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real deliver worker."""
    redis_client.Redis.from_url(redis_url).flushdb()
    env = {
        **os.environ,
        "DUBLINE_DATABASE_URL": database_url,
        "DUBLINE_REDIS_URL": redis_url,
        "DUBLINE_SECRETS_KEY": TESTS_KEY,
        "DUBLINE_WEBHOOK_RANGES": HERE,
        "DUBLINE_WEBHOOK_HTTP_HOSTS": HERE,
        "DUBLINE_WEBHOOK_SECONDS": str(LIMIT),
        "DUBLINE_QUEUE_HEARTBEAT": "0.2",
        "PYTHONPATH": f"{ROOT / 'shared'}:{ROOT}",
    }
    command = "celery -A services.worker.delivery:app worker -Q deliver -P threads -c 2 -n deliver@%h -l INFO"
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.Popen([sys.executable, "-m", *command.split()], env=env, cwd=ROOT, stdout=log, stderr=log)
    try:
        until(lambda: b"ready." in (tmp_path / "log").read_bytes(), (tmp_path / "log").read_text)
        yield started
    finally:
        started.kill()
        started.wait(LIMIT)
    assert services is not None


def test_a_worker_that_is_killed_in_the_middle_of_a_call_costs_one_call_twice(
    client: TestClient,
    services: Services,
    server: WebServer,
    submit: Callable[..., str],
    process: "subprocess.Popen[bytes]",
) -> None:
    held, release = threading.Event(), threading.Event()

    def hold(_: Any) -> None:
        held.set()
        release.wait(LIMIT)

    endpoint = announce(client, server, answer=hold, events=["job.queued"])
    submit()
    assert held.wait(LIMIT), "the bell did not ring"
    process.send_signal(signal.SIGKILL)
    process.wait(LIMIT)
    server.answers["/hook"] = TAKEN
    quick = QueueSettings(heartbeat=0.2, heartbeat_timeout=1.0)
    sweeper = Sweeper(services.database, services.doorbell, quick, lambda *_: None, lambda _: True)

    def taken_back() -> bool:
        sweeper.sweep()
        with services.database.sessions()() as session:
            statement = text("SELECT leases_lost FROM work_items WHERE kind = :kind")
            return bool(session.scalar(statement, {"kind": WorkKind.DELIVER}))

    until(taken_back, "nobody noticed")
    Deliverer(services).run()
    release.set()
    first, again = server.posted
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    assert accepts(endpoint["secret"], again)
    assert deliveries(client, endpoint)[0]["status"] == "delivered"
