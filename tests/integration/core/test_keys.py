"""Keys of an organisation: made with the least that they need, rotated without a stop, revoked at once, never shown again."""

from datetime import timedelta
from typing import Any

import pytest
from api_calls import authorised, problem
from fastapi.testclient import TestClient
from sqlalchemy import select

from dubbing import clock
from dubbing.db.models import ApiKey, IdempotencyKey
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack


def made(client: TestClient, **members: Any) -> dict[str, Any]:
    answer = client.post("/v1/keys", json={"name": "worker", **members})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def status(client: TestClient, key: str, path: str = "/v1/jobs") -> int:
    return client.get(path, headers={"Authorization": f"Bearer {key}"}).status_code


def test_a_key_only_reads_unless_more_is_asked_for(client: TestClient) -> None:
    key = made(client)
    assert key["scopes"] == ["assets:read", "titles:read", "jobs:read"]
    assert (status(client, key["key"]), status(client, key["key"], "/v1/keys")) == (200, 403)
    more = made(client, scopes=["keys:read", "keys:read"])
    assert (more["scopes"], status(client, more["key"], "/v1/keys")) == (["keys:read"], 200)


def test_a_key_gives_away_no_more_than_it_has(client: TestClient) -> None:
    lesser = made(client, scopes=["keys:write", "jobs:read"])
    headers = {"Authorization": f"Bearer {lesser['key']}"}
    refused = client.post("/v1/keys", json={"name": "x", "scopes": ["jobs:read", "jobs:write"]}, headers=headers)
    assert "jobs:write" in problem(refused, 403, "forbidden")["detail"]
    assert client.post("/v1/keys", json={"name": "x", "scopes": ["jobs:read"]}, headers=headers).status_code == 201
    greater = made(client, scopes=["jobs:write"])
    problem(client.post(f"/v1/keys/{greater['id']}/rotate", json={}, headers=headers), 403, "forbidden")


def test_a_secret_is_shown_once_and_stored_nowhere(client: TestClient, services: Services) -> None:
    call = {"json": {"name": "worker"}, "headers": {"Idempotency-Key": "once"}}
    first, again = (client.post("/v1/keys", **call) for _ in range(2))  # type: ignore[arg-type]
    secret = first.json()["key"].split("_")[2]
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first.json() | {"key": None})
    with services.database.sessions()() as session:
        rows = [*session.scalars(select(ApiKey)), *session.scalars(select(IdempotencyKey))]
        assert secret not in "".join(str(vars(row)) for row in rows)
    assert secret not in client.get("/v1/keys").text + client.get(f"/v1/keys/{first.json()['id']}").text


def test_a_rotated_key_lets_the_secret_before_in_until_its_time_is_over(client: TestClient, services: Services) -> None:
    old = made(client)
    new = client.post(f"/v1/keys/{old['id']}/rotate", json={}).json()
    assert (status(client, old["key"]), status(client, new["key"])) == (200, 200)
    with services.database.sessions().begin() as session:
        session.get_one(ApiKey, old["id"]).previous_until = clock.now() - timedelta(seconds=1)
    assert (status(client, old["key"]), status(client, new["key"])) == (401, 200)
    last = client.post(f"/v1/keys/{old['id']}/rotate", json={"overlap_hours": 0}).json()
    assert [status(client, one["key"]) for one in (old, new, last)] == [401, 401, 200]


def test_a_revoked_key_ends_at_once_with_the_secret_before_and_stays_in_the_list(client: TestClient) -> None:
    old = made(client)
    new = client.post(f"/v1/keys/{old['id']}/rotate", json={}).json()
    revoked = client.post(f"/v1/keys/{old['id']}/revoke").json()
    assert [status(client, one["key"]) for one in (old, new)] == [401, 401]
    assert client.post(f"/v1/keys/{old['id']}/revoke").json() == revoked
    assert client.get("/v1/keys").json()["items"][0]["revoked_at"] == revoked["revoked_at"]
    problem(client.post(f"/v1/keys/{old['id']}/rotate", json={}), 409, "conflict")


def test_nobody_locks_themselves_out(client: TestClient) -> None:
    own = next(key for key in client.get("/v1/keys").json()["items"] if key["last_used_at"] is not None)
    problem(client.post(f"/v1/keys/{own['id']}/revoke"), 409, "conflict")


def test_a_key_ends_when_it_says_so(client: TestClient, services: Services) -> None:
    problem(client.post("/v1/keys", json={"name": "x", "expires_at": "2020-01-01T00:00:00Z"}), 409, "conflict")
    key = made(client, expires_at=(clock.now() + timedelta(hours=1)).isoformat())
    assert status(client, key["key"]) == 200
    with services.database.sessions().begin() as session:
        session.get_one(ApiKey, key["id"]).expires_at = clock.now() - timedelta(seconds=1)
    assert status(client, key["key"]) == 401


def test_keys_of_another_organisation_are_not_there(client: TestClient, services: Services) -> None:
    key, other = made(client), authorised(services, organisation_id="other")
    assert [found["name"] for found in client.get("/v1/keys", headers=other).json()["items"]] == ["test"]
    for method, path in (("GET", ""), ("POST", "/rotate"), ("POST", "/revoke")):
        json = {} if path == "/rotate" else None
        problem(client.request(method, f"/v1/keys/{key['id']}{path}", json=json, headers=other), 404, "not_found")


def test_keys_are_listed_in_pages(client: TestClient) -> None:
    ids = [made(client, name=str(number))["id"] for number in range(3)]
    first = client.get("/v1/keys", params={"limit": 2}).json()
    rest = client.get("/v1/keys", params={"cursor": first["next_cursor"]}).json()
    assert [key["id"] for key in (*first["items"], *rest["items"])][:3] == ids[::-1]
