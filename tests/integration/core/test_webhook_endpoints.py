"""Webhook endpoints through the API: secrets shown once, URLs that lead inside refused, nobody sees another's."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from api_calls import app_of, authorised, problem
from api_fixtures import TESTS_KEY
from fastapi.testclient import TestClient
from places import ROOT
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker
from web_server import HERE, WebServer
from webhook_calls import announce, deliveries, read

from dubbing.db.models import Base
from dubbing.db.webhooks import MOST_ENDPOINTS, MOST_SECRETS
from dubbing.domain.webhooks import WebhookEvent
from dubbing.encryption import SecretBox
from dubbing.settings import SecretsSettings
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
URL = "https://hooks.example.com/dubline"


@pytest.fixture
def other(services: Services) -> Iterator[TestClient]:
    """Somebody of another organisation, who may do everything."""
    headers = authorised(services, organisation_id="other")
    with TestClient(app_of(services), raise_server_exceptions=False, headers=headers) as client:
        yield client


def everything(sessions: sessionmaker[Session]) -> str:
    """All that the database holds, as text."""
    with sessions() as session:
        rows = [row for table in Base.metadata.sorted_tables for row in session.execute(table.select())]
    return str(rows)


def test_a_secret_is_shown_once_and_stored_encrypted(
    client: TestClient, services: Services, sessions: sessionmaker[Session]
) -> None:
    key = {"Idempotency-Key": "once"}
    made = client.post("/v1/webhook-endpoints", json={"url": URL}, headers=key)
    endpoint = made.json()
    assert (made.status_code, made.headers["Location"]) == (201, f"/v1/webhook-endpoints/{endpoint['id']}")
    again = client.post("/v1/webhook-endpoints", json={"url": URL}, headers=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == {**endpoint, "secret": None}
    rotated = client.post(f"{made.headers['Location']}/rotate-secret", headers={"Idempotency-Key": "twice"}).json()
    replayed = client.post(f"{made.headers['Location']}/rotate-secret", headers={"Idempotency-Key": "twice"})
    assert replayed.json() == {**rotated, "secret": None}
    assert rotated["secrets"] == 2
    secrets = [one["secret"] for one in (endpoint, rotated)]
    assert all(secret.startswith("whsec_") and len(secret) > 40 for secret in secrets)
    shown = f"{client.get('/v1/webhook-endpoints').text} {client.get(made.headers['Location']).text}"
    stored = everything(sessions)
    assert stored.count(endpoint["id"]) == 3  # its row, and the answers that are kept
    for secret in secrets:
        assert secret not in shown
        assert secret.removeprefix("whsec_") not in stored
    with sessions() as session:
        kept = session.scalar(text("SELECT secrets FROM webhook_endpoints"))
    assert [services.secrets.decrypt(one["secret"]) for one in kept] == secrets[::-1]


def test_the_key_for_secrets_is_changed_by_a_command(
    client: TestClient, sessions: sessionmaker[Session], database_url: str
) -> None:
    secret = client.post("/v1/webhook-endpoints", json={"url": URL}).json()["secret"]
    place = {"endpoint": "https://s3.example.com", "bucket": "studio", "access_key": "studio", "secret_key": "hidden"}
    assert client.post("/v1/storage-connections", json={"name": "x", **place}).status_code == 201
    new, old = "a new key of the tests that is long enough", TESTS_KEY
    command = [sys.executable, "-m", "services.api", "secrets", "encrypt"]
    settings = {"DUBLINE_DATABASE_URL": database_url, "PYTHONPATH": f"{ROOT / 'shared'}:{ROOT}"}

    def run(key: str) -> "subprocess.CompletedProcess[str]":
        env = {**settings, "DUBLINE_SECRETS_KEY": key}
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    refused = run(new)
    assert (refused.returncode, "Nothing was changed" in refused.stderr) == (1, True)
    done = run(f"{new},{old}")
    said = "Secrets of 1 webhook endpoints and 1 storage connections are under the first key.\n"
    assert (done.returncode, done.stdout) == (0, said)
    with sessions() as session:
        hook, kept = session.execute(text("SELECT url, secrets FROM webhook_endpoints")).one()
        key = session.scalar(text("SELECT secret_key FROM storage_connections"))
    box = SecretBox(SecretsSettings(key=SecretStr(new)))
    assert [box.decrypt(one) for one in (kept[0]["secret"], hook, key)] == [secret, URL, "hidden"]


def test_without_a_key_for_secrets_no_endpoint_is_made(services: Services) -> None:
    keyless = app_of(Services(**{**vars(services), "secrets": SecretBox(SecretsSettings())}))
    with TestClient(keyless, raise_server_exceptions=False, headers=authorised(services)) as client:
        problem(client.post("/v1/webhook-endpoints", json={"url": URL}), 503, "encryption_unavailable")


@pytest.mark.parametrize(
    "url",
    [
        *("http://hooks.example.com/", "ftp://hooks.example.com/", "hooks.example.com", "https://me:word@hooks.example.com/"),
        *("https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/"),
        *("https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://0/", "https://[::]/"),
        *("https://169.254.169.254/", "https://10.1.2.3/", "https://192.168.1.1/", "https://[fd12::1]/"),
        *("https://[fe80::1]/", "https://[fd00:ec2::254]/", "https://168.63.129.16/", f"http://127.0.0.1:80/{HERE}"),
    ],
)
def test_a_url_that_leads_inside_is_refused_at_once(client: TestClient, url: str) -> None:
    refused = problem(client.post("/v1/webhook-endpoints", json={"url": url}), 422, "url_not_allowed")
    assert refused["where"]["pointer"] == "/url"
    endpoint = client.post("/v1/webhook-endpoints", json={"url": URL}).json()
    problem(client.patch(f"/v1/webhook-endpoints/{endpoint['id']}", json={"url": url}), 422, "url_not_allowed")
    assert read(client, endpoint)["url"] == URL


def test_an_endpoint_is_changed_member_by_member(client: TestClient) -> None:
    made = client.post("/v1/webhook-endpoints", json={"url": URL, "events": ["job.failed"], "description": "ours"}).json()
    at = f"/v1/webhook-endpoints/{made['id']}"
    changed = client.patch(at, json={"events": ["job.succeeded", "job.failed", "job.failed"]})
    assert changed.json() == {**{k: v for k, v in made.items() if k != "secret"}, "events": ["job.succeeded", "job.failed"]}
    assert client.patch(at, json={"url": f"{URL}/2", "description": "theirs"}).json()["description"] == "theirs"
    assert read(client, made)["url"] == f"{URL}/2"
    problem(client.patch(at, json={"secret": "mine"}), 422, "invalid_request")
    problem(client.patch(at, json={"events": []}), 422, "invalid_request")
    problem(client.patch(at, json={"events": ["job.exploded"]}), 422, "invalid_request")


def test_the_hook_of_a_chat_is_shown_to_nobody(client: TestClient, sessions: sessionmaker[Session]) -> None:
    hook = {"url": "https://chat.example.com/hooks/T0/hush?token=hush", "format": "chat"}
    made = client.post("/v1/webhook-endpoints", json=hook, headers={"Idempotency-Key": "chat"})
    assert made.json()["url"] == "https://chat.example.com/..."
    assert "hush" not in client.get("/v1/webhook-endpoints").text
    assert "hush" not in everything(sessions)


def test_every_event_but_the_test_can_be_asked_for(client: TestClient) -> None:
    made = client.post("/v1/webhook-endpoints", json={"url": URL, "events": [*WebhookEvent]}).json()
    assert made["events"] == [event.value for event in WebhookEvent]


def test_a_disabled_endpoint_refuses_tests_until_it_is_enabled(client: TestClient, receiver: WebServer) -> None:
    endpoint = announce(client, receiver)
    at = f"/v1/webhook-endpoints/{endpoint['id']}"
    waiting = client.post(f"{at}/test").json()
    disabled = client.post(f"{at}/disable").json()
    assert (disabled["status"], disabled["disabled_reason"]) == ("disabled", "on request")
    assert client.post(f"{at}/disable").json() == disabled
    assert [(one["id"], one["status"]) for one in deliveries(client, endpoint)] == [(waiting["id"], "failed")]
    problem(client.post(f"{at}/test"), 409, "conflict")
    assert client.post(f"{at}/enable").json()["disabled_at"] is None
    assert client.post(f"{at}/test").status_code == 202


def test_a_deleted_endpoint_is_gone_with_its_log(client: TestClient, receiver: WebServer, services: Services) -> None:
    endpoint = announce(client, receiver)
    at = f"/v1/webhook-endpoints/{endpoint['id']}"
    client.post(f"{at}/test")
    assert client.post(f"{at}/delete").json()["id"] == endpoint["id"]
    problem(client.get(at), 404, "not_found")
    problem(client.get(f"{at}/deliveries"), 404, "not_found")
    with services.database.sessions()() as session:
        assert session.scalar(text("SELECT count(*) FROM webhook_deliveries")) == 0


def test_endpoints_and_deliveries_are_listed_page_by_page(client: TestClient, receiver: WebServer) -> None:
    made = [announce(client, receiver)["id"] for _ in range(3)]
    for _ in range(3):
        client.post(f"/v1/webhook-endpoints/{made[0]}/test")
    for at, count in (("/v1/webhook-endpoints", 3), (f"/v1/webhook-endpoints/{made[0]}/deliveries", 3)):
        first = client.get(at, params={"limit": 2}).json()
        second = client.get(at, params={"limit": 2, "cursor": first["next_cursor"]}).json()
        found = [one["id"] for one in first["items"] + second["items"]]
        assert len(set(found)) == count
        assert found == sorted(found, reverse=True) or at.endswith("deliveries")
        assert second["next_cursor"] is None
        problem(client.get(at, params={"cursor": "page2"}), 422, "invalid_cursor")


def test_there_are_limits_to_endpoints_and_to_secrets_that_sign(client: TestClient) -> None:
    made = [client.post("/v1/webhook-endpoints", json={"url": URL}) for _ in range(MOST_ENDPOINTS + 1)]
    assert {answer.status_code for answer in made[:-1]} == {201}
    assert problem(made[-1], 409, "conflict")["media"] == {"limit": MOST_ENDPOINTS}
    at = f"{made[0].headers['Location']}/rotate-secret"
    rotated = [client.post(at) for _ in range(MOST_SECRETS)]
    assert [answer.status_code for answer in rotated] == [200] * (MOST_SECRETS - 1) + [409]


def test_another_organisation_sees_and_changes_nothing(client: TestClient, other: TestClient, receiver: WebServer) -> None:
    endpoint, theirs = announce(client, receiver), announce(other, receiver)
    delivery = client.post(f"/v1/webhook-endpoints/{endpoint['id']}/test").json()
    at = f"/v1/webhook-endpoints/{endpoint['id']}"
    calls: list[tuple[str, str, Any]] = [
        *(("GET", at, None), ("PATCH", at, {"description": "mine"}), ("POST", f"{at}/rotate-secret", None)),
        *(("POST", f"{at}/test", None), ("POST", f"{at}/disable", None), ("POST", f"{at}/enable", None)),
        *(("POST", f"{at}/delete", None), ("GET", f"{at}/deliveries", None)),
        *(("GET", f"{at}/deliveries/{delivery['id']}", None), ("POST", f"{at}/deliveries/{delivery['id']}/replay", None)),
        ("GET", f"/v1/webhook-endpoints/{theirs['id']}/deliveries/{delivery['id']}", None),
        ("POST", f"/v1/webhook-endpoints/{theirs['id']}/deliveries/{delivery['id']}/replay", None),
    ]
    for method, path, body in calls:
        problem(other.request(method, path, json=body), 404, "not_found")
    assert [one["id"] for one in other.get("/v1/webhook-endpoints").json()["items"]] == [theirs["id"]]
    assert read(client, endpoint)["status"] == "enabled"
    assert len(deliveries(client, endpoint)) == 1


def test_keys_need_the_scope(services: Services) -> None:
    headers = authorised(services, scopes=("webhooks:read",))
    with TestClient(app_of(services), raise_server_exceptions=False, headers=headers) as client:
        assert client.get("/v1/webhook-endpoints").status_code == 200
        problem(client.post("/v1/webhook-endpoints", json={"url": URL}), 403, "forbidden")
