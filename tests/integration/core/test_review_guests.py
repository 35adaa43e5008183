"""Guests: a link opens the reviews of one language, lets its holder do what it says, and ends."""

from typing import Any

import pytest
from api_calls import authorised, problem
from fastapi.testclient import TestClient
from review_calls import comments, decide, deliver, language, review_of, say
from sqlalchemy import text
from title_calls import Upload, add, languages, sound, title

from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
__all__ = ["language", "languages", "title"]


def invite(client: TestClient, language: str, **members: Any) -> dict[str, Any]:
    """A guest of a language, with the header that lets it in."""
    at = {"title": language.split("/")[3], "language": language.split("/")[5], "name": "The client"}
    made = client.post("/v1/guests", json={**at, **members})
    assert made.status_code == 201, made.text
    assert client.get(made.headers["Location"]).json() == {k: v for k, v in made.json().items() if k != "token"}
    return {**made.json(), "in": {"Authorization": f"Bearer {made.json()['token']}"}}


def test_a_link_opens_the_reviews_of_its_language_and_nothing_else(
    client: TestClient, services: Services, language: str, languages: str, upload: Upload
) -> None:
    add(client, languages, "de", sound(upload, "de.wav", b"d"), review="required")
    job = deliver(client, services, language)["id"]
    deliver(client, services, f"{languages}/de")
    review, other = (review_of(client, at)["id"] for at in (language, f"{languages}/de"))
    guest = invite(client, language, may="decide")["in"]
    assert [one["id"] for one in client.get("/v1/reviews", headers=guest).json()["items"]] == [review]
    assert client.get("/v1/reviews", params={"language": "de"}, headers=guest).json()["items"] == []
    shown = client.get(f"/v1/reviews/{review}", headers=guest).json()
    assert (shown["id"], shown["title_name"], "links" in shown) == (review, "Nº 1", False)
    text = {"text": "x", "name": "Bo"}
    elsewhere: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", f"/v1/reviews/{other}", None), ("GET", f"/v1/reviews/{other}/comments", None),
        ("POST", f"/v1/reviews/{other}/comments", text),
        ("POST", f"/v1/reviews/{other}/decisions", {"decision": "approve", "name": "Bo"}),
    ]  # fmt: skip
    for method, path, json in elsewhere:
        problem(client.request(method, path, json=json, headers=guest), 404, "not_found")
    for method, path, json in [
        ("GET", language, None), ("GET", f"/v1/jobs/{job}", None), ("GET", "/v1/titles", None), ("GET", "/v1/guests", None),
        ("POST", "/v1/reviews", {"title": language.split("/")[3], "language": "pt-BR"}), ("GET", "/v1/keys", None),
        ("GET", f"/v1/jobs/{job}/receipt", None), ("GET", "/v1/assets", None), ("GET", "/v1/models", None),
    ]:  # fmt: skip
        problem(client.request(method, path, json=json, headers=guest), 401, "unauthorized")


def test_a_guest_does_what_the_link_says_under_its_own_name(client: TestClient, services: Services, language: str) -> None:
    deliver(client, services, language)
    review = review_of(client, language)["id"]
    at = f"/v1/reviews/{review}"
    reads, speaks, decides = (invite(client, language, may=may) for may in ("read", "comment", "decide"))
    said = {"text": "She looks away.", "at": 5, "name": "Bo"}
    refused = problem(client.post(f"{at}/comments", json=said, headers=reads["in"]), 403, "forbidden")
    assert refused["detail"] == "This link lets you read, not comment."
    nameless = client.post(f"{at}/comments", json={"text": "x"}, headers=speaks["in"])
    assert problem(nameless, 422, "name_missing")["where"] == {"pointer": "/name"}
    made = client.post(f"{at}/comments", json=said, headers=speaks["in"]).json()
    assert (made["name"], made["by"]) == ("Bo", f"guest:{speaks['id']}")
    assert [one["text"] for one in comments(client, review)] == ["She looks away."]
    settled = {"state": "creative_intent", "name": "Bo"}
    problem(client.patch(f"{at}/comments/{made['id']}", json=settled, headers=speaks["in"]), 403, "forbidden")
    approve = {"decision": "approve", "name": "Cy"}
    problem(client.post(f"{at}/decisions", json=approve, headers=speaks["in"]), 403, "forbidden")
    done = client.patch(f"{at}/comments/{made['id']}", json=settled, headers=decides["in"]).json()
    assert (done["settled_by"], done["settled_name"]) == (f"guest:{decides['id']}", "Bo")
    approved = client.post(f"{at}/decisions", json=approve, headers=decides["in"]).json()
    assert (approved["status"], approved["decision"]["name"]) == ("approved", "Cy")
    say(client, review, "A key needs no name.")
    assert decide(client, review, "request_changes")["decision"]["name"] is None


def test_a_link_ends(client: TestClient, services: Services, language: str) -> None:
    deliver(client, services, language)
    late = {"title": language.split("/")[3], "language": "pt-BR", "name": "x", "expires_at": "2020-01-01T00:00:00Z"}
    assert problem(client.post("/v1/guests", json=late), 409, "conflict")["where"] == {"pointer": "/expires_at"}
    revoked, expired = invite(client, language), invite(client, language, expires_at="2099-01-01T00:00:00Z")
    assert client.get("/v1/reviews", headers=revoked["in"]).status_code == 200
    assert client.get(f"/v1/guests/{revoked['id']}").json()["last_used_at"] is not None
    for _ in range(2):
        assert client.post(f"/v1/guests/{revoked['id']}/revoke").json()["revoked_at"] is not None
    with services.database.sessions().begin() as session:
        session.execute(text("UPDATE review_guests SET expires_at = now() WHERE id = :id"), {"id": expired["id"]})
    broken = {"Authorization": expired["in"]["Authorization"][:-1] + "x"}
    for header in (revoked["in"], expired["in"], broken, {"Authorization": "Bearer dubg_x"}):
        problem(client.get("/v1/reviews", headers=header), 401, "unauthorized")
    assert [one["id"] for one in client.get("/v1/guests").json()["items"]] == [expired["id"], revoked["id"]]
    other = authorised(services, organisation_id="other")
    problem(client.post(f"/v1/guests/{expired['id']}/revoke", headers=other), 404, "not_found")
    assert client.get("/v1/guests", headers=other).json()["items"] == []
    once = {"json": {**late, "expires_at": None}, "headers": {"Idempotency-Key": "k"}}
    assert [client.post("/v1/guests", **once).json()["token"] is None for _ in range(2)] == [False, True]  # type: ignore[arg-type]
    with services.database.sessions()() as session:
        kept = str(session.execute(text("SELECT * FROM review_guests")).all())
    assert expired["token"].split("_", 2)[2] not in kept
