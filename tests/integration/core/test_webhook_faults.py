"""Receivers fail, drip, stand still and go; workers die; keys are lost: each endpoint for itself, and nothing is lost."""

import json
import os
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
from waiting import LIMIT, until
from web_server import HERE, WebServer, leading, sending
from webhook_calls import FAILING, TAKEN, Deliverer, accepts, announce, deliveries, message, read, types

from dubbing.db.unit_of_work import unit_of_work
from dubbing.domain.work import WorkKind
from dubbing.queue.sweeper import Sweeper
from dubbing.settings import QueueSettings
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack


def test_what_fails_is_tried_ten_times_over_three_days(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str], sessions: sessionmaker[Session]
) -> None:
    endpoint = announce(client, receiver, answer=FAILING, events=["job.queued"])
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
    assert len({call.headers["webhook-id"] for call in receiver.posted}) == 1
    assert len(receiver.posted) == 10
    assert sum(waits) / 3600 == pytest.approx(75.6, abs=0.1)
    assert read(client, endpoint)["status"] == "enabled"


def test_an_endpoint_that_took_nothing_for_days_is_disabled_and_the_others_hear_of_it(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str], sessions: sessionmaker[Session]
) -> None:
    watching = announce(client, receiver, "/watch", events=["webhook_endpoint.disabled"])
    endpoint = announce(client, receiver, "/hush", FAILING, events=["job.queued"], format="chat")
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
    (call,) = [call for call in receiver.posted if call.path == "/watch"]
    assert accepts(watching["secret"], call)
    assert message(call)["data"] == {
        "endpoint_id": endpoint["id"],
        "url": endpoint["url"],
        "reason": "nothing has arrived there for 3.0 days",
    }
    asked = len(receiver.posted)
    submit()
    worker.run()
    assert len(receiver.posted) == asked


def test_a_success_between_failures_keeps_an_endpoint(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    endpoint = announce(client, receiver, answer=FAILING, events=["job.queued"])
    worker = Deliverer(services, waits=(0, 5), disable_after=0)
    submit()
    worker.run()
    assert read(client, endpoint)["failing_since"] is not None
    receiver.answers["/hook"] = TAKEN
    worker.later()
    worker.run()
    found = read(client, endpoint)
    assert (found["failing_since"], found["status"]) == (None, "enabled")


def test_gone_disables_at_once_and_what_waited_can_be_replayed(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    endpoint = announce(client, receiver, answer=sending(b"", {}, 410), events=["job.queued", "job.canceled"])
    submit(cancel=True)
    worker = Deliverer(services)
    worker.run()
    assert len(receiver.posted) == 1
    assert read(client, endpoint)["status"] == "disabled"
    gone, waiting = deliveries(client, endpoint)
    assert (gone["status"], waiting["status"], waiting["attempts"]) == ("failed", "failed", [])
    base = f"/v1/webhook-endpoints/{endpoint['id']}"
    assert client.post(f"{base}/deliveries/{waiting['id']}/replay").status_code == 409
    receiver.answers["/hook"] = TAKEN
    assert client.post(f"{base}/enable").json()["status"] == "enabled"
    replayed = client.post(f"{base}/deliveries/{waiting['id']}/replay")
    assert (replayed.status_code, replayed.headers["Location"]) == (202, f"{base}/deliveries/{waiting['id']}")
    worker.run()
    assert receiver.posted[-1].headers["webhook-id"] == waiting["id"]
    assert client.get(replayed.headers["Location"]).json()["status"] == "delivered"


def test_a_redirect_is_a_failure_and_is_not_followed(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    receiver.answers["/elsewhere"] = TAKEN
    endpoint = announce(client, receiver, answer=leading("/elsewhere"), events=["job.queued"])
    submit()
    Deliverer(services).run()
    assert [call.path for call in receiver.posted] == ["/hook"]
    assert receiver.asked == []
    (delivery,) = deliveries(client, endpoint)
    assert (delivery["status"], delivery["attempts"][0]["status"]) == ("pending", 302)


def test_an_answer_that_drips_is_given_up(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
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

    endpoint = announce(client, receiver, answer=dripping, events=["job.queued"])
    submit()
    Deliverer(services, seconds=0.3).run()
    assert over.wait(LIMIT)
    (attempt,) = deliveries(client, endpoint)[0]["attempts"]
    assert attempt["error"] == f"endpoint_unreachable: {HERE} did not answer within 0.3 s."


def test_a_slow_endpoint_delays_no_other(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    held, release = threading.Event(), threading.Event()

    def hold(to: Any) -> None:
        held.set()
        release.wait(LIMIT)
        TAKEN(to)

    announce(client, receiver, "/slow", hold, events=["job.queued"])
    for _ in range(3):
        submit()
    slow = threading.Thread(target=Deliverer(services, seconds=LIMIT).run)
    slow.start()
    try:
        assert held.wait(LIMIT)
        announce(client, receiver, "/quick", events=["job.queued"])
        submit()
        Deliverer(services).run()  # another thread of the same worker
        assert len(types(receiver, "/quick")) == 1
        assert len(types(receiver, "/slow")) == 1
    finally:
        release.set()
        slow.join()
    assert len(types(receiver, "/slow")) == 4


def test_endpoints_that_are_busy_take_turns_and_wait_since_they_are_due(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str]
) -> None:
    for path in ("/old", "/new"):
        announce(client, receiver, path, events=["job.queued"])
    worker = Deliverer(services, turn=0.0)
    for _ in range(2):
        submit()
    with services.database.sessions().begin() as session:
        session.execute(text("UPDATE work_items SET created_at = created_at - interval '1 day' WHERE kind = 'deliver'"))
    worker.run()
    assert [call.path for call in receiver.posted] in (["/old", "/new"] * 2, ["/new", "/old"] * 2)
    with services.database.sessions().begin() as session:
        session.execute(text("UPDATE work_items SET created_at = created_at - interval '1 day' WHERE kind = 'deliver'"))
    submit()
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        count, seconds = work.items.waiting()[WorkKind.DELIVER]
    assert (count, seconds < LIMIT) == (2, True)


def test_a_name_that_leads_inside_is_not_called(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str], sessions: sessionmaker[Session]
) -> None:
    endpoint = announce(client, receiver, events=["job.queued"])
    with sessions.begin() as session:
        inside = services.secrets.encrypt(f"https://localhost:{receiver.port}/hook")
        session.execute(text("UPDATE webhook_endpoints SET url = :url"), {"url": inside})
    submit()
    Deliverer(services).run()
    (attempt,) = deliveries(client, endpoint)[0]["attempts"]
    assert attempt["error"].startswith("url_not_allowed: localhost leads to ")
    assert receiver.posted == []


def test_secrets_that_cannot_be_read_cost_no_attempt(
    client: TestClient, services: Services, receiver: WebServer, submit: Callable[..., str], sessions: sessionmaker[Session]
) -> None:
    endpoint = announce(client, receiver, events=["job.queued"])
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
    assert accepts(endpoint["secret"], receiver.posted[0])


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
    receiver: WebServer,
    submit: Callable[..., str],
    process: "subprocess.Popen[bytes]",
) -> None:
    held, release = threading.Event(), threading.Event()

    def hold(_: Any) -> None:
        held.set()
        release.wait(LIMIT)

    endpoint = announce(client, receiver, answer=hold, events=["job.queued"])
    submit()
    assert held.wait(LIMIT), "the bell did not ring"
    process.send_signal(signal.SIGKILL)
    process.wait(LIMIT)
    receiver.answers["/hook"] = TAKEN
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
    first, again = receiver.posted
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    assert accepts(endpoint["secret"], again)
    assert deliveries(client, endpoint)[0]["status"] == "delivered"
