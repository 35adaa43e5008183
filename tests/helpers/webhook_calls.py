"""Receivers of webhooks, the public verifier in a process of its own, and a worker whose time a test turns."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from web_server import HERE, NEAR, Call, WebServer, sending

from dubbing.queue.runner import Handlers, Runner
from dubbing.settings import QueueSettings, WebhookSettings
from dubbing.storage.posting import Poster
from services.api.bootstrap import Services
from services.worker.deliver import DeliverHandler

TAKEN, FAILING = sending(b"taken", {}), sending(b"out of order", {}, 500)
VERIFY = """
import json, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
given = json.load(sys.stdin)
try:
    Webhook(given["secret"]).verify(given["body"], given["headers"])
except WebhookVerificationError:
    sys.exit(3)
"""


def accepts(secret: str, call: Call) -> bool:
    """Whether the public verifier takes a call."""
    given = json.dumps({"secret": secret, "headers": call.headers, "body": call.body.decode()})
    done = subprocess.run([sys.executable, "-c", VERIFY], input=given, text=True, check=False)
    assert done.returncode in {0, 3}
    return done.returncode == 0


def announce(client: TestClient, server: WebServer, path: str = "/hook", answer: Any = TAKEN, **members: Any) -> dict[str, Any]:
    """A new endpoint at a path of ``server``."""
    server.answers[path] = answer
    made = client.post("/v1/webhook-endpoints", json={"url": f"http://{HERE}:{server.port}{path}", **members})
    assert made.status_code == 201, made.text
    endpoint: dict[str, Any] = made.json()
    return endpoint


def message(call: Call) -> Any:
    return json.loads(call.body)


def types(server: WebServer, path: str = "/hook") -> list[str]:
    """Of what was posted, in order."""
    return [message(call)["type"] for call in server.posted if call.path == path]


class Deliverer:
    """A deliver worker: ``run`` does all that is due, ``later`` makes due what waits."""

    def __init__(self, services: Services, **settings: Any) -> None:
        self.settings = WebhookSettings(ranges=NEAR, http_hosts=(HERE,), **{"jitter": 0.0, **settings})
        self._services = services
        handler = DeliverHandler(services.database, lambda _: None, services.secrets, Poster(self.settings), self.settings)
        handlers = Handlers()
        handlers.add("deliver", handler)
        self.runner = Runner(services.database, lambda _: None, handlers, QueueSettings(backoff=0.0))

    def run(self) -> None:
        while self.runner.run_next("deliver"):
            pass

    def later(self) -> None:
        """As if the time had come for everything that waits."""
        with self._services.database.sessions().begin() as session:
            session.execute(text("UPDATE webhook_deliveries SET not_before = clock_timestamp() WHERE state = 'pending'"))
            session.execute(text("UPDATE work_items SET not_before = NULL WHERE kind = 'deliver' AND state = 'pending'"))


def deliveries(client: TestClient, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    """Of an endpoint, the oldest first."""
    items: list[dict[str, Any]] = client.get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries").json()["items"]
    return items[::-1]


def read(client: TestClient, endpoint: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/webhook-endpoints/{endpoint['id']}").json()
    return found


@pytest.fixture
def receiver() -> Iterator[WebServer]:
    receiver = WebServer()
    yield receiver
    receiver.close()


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
