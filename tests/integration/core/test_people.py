"""People come with access tokens of a real OIDC provider: who they are is its word, who is shut out is ours."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest
from api_calls import app_of, authorised, problem
from api_fixtures import SIGNING_KEY
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi.testclient import TestClient
from identity_provider import AUDIENCE, IdentityProvider
from pydantic import SecretStr
from waiting import until
from web_server import WebServer, sending

from dubbing.db.people import ROLE_SCOPES
from dubbing.settings import OidcSettings, SessionSettings
from services.api.access_tokens import AccessTokens
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
ROLES = {"dub-owners": "owner", "dub-producers": "producer", "dub-reviewers": "reviewer", "dub-auditors": "auditor"}
STUDIOS = {"organisation_claim": "https://studio.example/org", "organisations": {"N": "north", "S": "south"}}
PEOPLE: dict[str, dict[str, Any]] = {
    "ann": {"claims": {"roles": ["staff", "dub-owners"], "name": "Ann", "email": "ann@studio.example"}},
    "ben": {"claims": {"roles": "dub-producers", "https://studio.example/org": "N"}},
    "cleo": {"claims": {"roles": ["dub-auditors", "dub-reviewers"], "https://studio.example/org": ["S", "other"]}},
    "dora": {"claims": {"name": "Dora\u0000\ud83d\ude00", "https://studio.example/org": ["N", "S"]}},
    "hasty": {"claims": {"roles": ["dub-owners"]}, "ttl": 1},
}
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OWN = SessionSettings(key=SecretStr(SIGNING_KEY))
Enter = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    provider = IdentityProvider(tmp_path_factory.mktemp("provider"), PEOPLE)
    yield provider
    provider.stop()


def api(services: Services, settings: OidcSettings) -> TestClient:
    """An installation that trusts a provider."""
    tokens = AccessTokens(settings, OWN)
    return TestClient(app_of(replace(services, tokens=tokens)), raise_server_exceptions=False)


@pytest.fixture
def studio(services: Services, provider: IdentityProvider) -> Iterator[TestClient]:
    with api(services, provider.settings(roles=ROLES, leeway=0)) as client:
        yield client


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def me(client: TestClient, token: str) -> httpx.Response:
    return client.get("/v1/me", headers=bearing(token))


def test_who_comes_is_what_the_providers_claims_are_mapped_to(
    studio: TestClient, services: Services, provider: IdentityProvider
) -> None:
    ann = me(studio, provider.token("ann")).json()
    assert ann == {
        "kind": "person",
        "id": ann["id"],
        "name": "Ann",
        "email": "ann@studio.example",
        "organisation": "default",
        "role": "owner",
        "scopes": list(ROLE_SCOPES["owner"]),  # type: ignore[index]
    }
    assert me(studio, provider.token("ann")).json() == ann
    key = authorised(services, organisation_id="north", scopes=("jobs:read",))
    assert studio.get("/v1/me", headers=key).json() == {
        "kind": "key",
        "id": key["Authorization"].split("_")[1],
        "name": "test",
        "email": None,
        "organisation": "north",
        "role": None,
        "scopes": ["jobs:read"],
    }
    with api(services, provider.settings(roles=ROLES, **STUDIOS)) as studios:
        found = {name: me(studios, provider.token(name)) for name in PEOPLE}
    assert {
        name: (answer.json()["organisation"], answer.json()["role"]) for name, answer in found.items() if answer.is_success
    } == {
        "ben": ("north", "producer"),
        "cleo": ("south", "reviewer"),  # the first in the order of roles
    }
    assert "names no organisation" in problem(found["ann"], 403, "forbidden")["detail"]
    assert "names several organisations" in problem(found["dora"], 403, "forbidden")["detail"]


def test_what_a_role_may_do_holds_for_every_call(studio: TestClient, provider: IdentityProvider) -> None:
    producer, auditor = (bearing(provider.token(name)) for name in ("ben", "cleo"))
    assert studio.get("/v1/jobs", headers=producer).status_code == 200
    refused = studio.post("/v1/keys", json={"name": "x"}, headers=producer)
    assert "keys:write" in problem(refused, 403, "forbidden")["detail"]
    problem(studio.post("/v1/uploads", json={"filename": "a.mp4", "size": 9}, headers=auditor), 403, "forbidden")
    owner = bearing(provider.token("ann"))
    made = studio.post("/v1/keys", json={"name": "x", "scopes": list(ROLE_SCOPES["owner"])}, headers=owner)  # type: ignore[index]
    assert (made.status_code, made.json()["created_by"]) == (201, f"person:{me(studio, provider.token('ann')).json()['id']}")


def forged(provider: IdentityProvider, key: Any = STRANGER, *, algorithm: str = "RS256", **changes: Any) -> str:
    """Ann's token as somebody else would write it; ``kid`` and ``typ`` are its header's, None takes a claim away."""
    true = provider.token("ann")
    header = {"kid": jwt.get_unverified_header(true)["kid"], "typ": "at+jwt"}
    header |= {name: changes.pop(name) for name in ("kid", "typ") if name in changes}
    claims = {**jwt.decode(true, options={"verify_signature": False}), **changes}
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, key, algorithm, headers=header)


def unsigned(provider: IdentityProvider, algorithm: str, secret: bytes | None = None) -> str:
    """Ann's token without a signature, or with one that is made with what everybody knows."""
    header = json.dumps({"alg": algorithm, "typ": "at+jwt"}).encode()
    signed = f"{encoded(header)}.{provider.token('ann').split('.')[1]}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256')) if secret else ''}"


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def public_key(provider: IdentityProvider) -> bytes:
    """The provider's, as whoever confuses it with a secret would read it."""
    (key,) = httpx.get(f"{provider.issuer}/jwks").json()["keys"]
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return bytes(jwt.PyJWK(key).key.public_bytes(*form))


def deep() -> str:
    """Signed by nobody, and so deep that a reader falls into it."""
    return ".".join(map(encoded, (b'{"alg":"RS256"}', b"[" * 30_000, b"signature")))


def test_a_token_that_is_not_the_providers_for_us_lets_nobody_in(studio: TestClient, provider: IdentityProvider) -> None:
    true = provider.token("ann")
    signed, _, signature = true.rpartition(".")
    tokens = {
        "for another audience": provider.token("ann", "urn:another"),
        "does not know": forged(provider, iss="http://elsewhere.example"),
        "is of an issuer": forged(provider, iss=""),
        "another key than it names": forged(provider),
        "was changed": f"{signed}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}",
        "does not publish": forged(provider, kid="another"),
        "not allowed here": unsigned(provider, "HS256", public_key(provider)),
        "by an algorithm": unsigned(provider, "none"),
        "that is not allowed": unsigned(provider, "None"),
        "a key that is not set": forged(provider, SIGNING_KEY, algorithm="HS256", iss="dubline"),
        "cannot be read": deep(),
        "The access token cannot": "a.b.c",
        "unknown, expired or revoked": "signin_" + "a" * 43,
    }
    for text, token in tokens.items():
        # A key that nobody knows is judged by an answer of the provider's that is younger than the question.
        answer = until(lambda sent=token: (got := me(studio, sent)).status_code != 503 and got, "it is never judged")
        assert text in problem(answer, 401, "unauthorized")["detail"], (text, answer.text)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert me(studio, true).status_code == 200


def test_tokens_of_the_providers_own_key_are_refused_for_type_times_and_claims(services: Services) -> None:
    """What no provider would give: a key of ours stands for the provider's."""
    document = json.dumps({"keys": [json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(STRANGER.public_key()))]})
    now = int(time.time())
    good = {"iss": "us", "aud": [AUDIENCE, "y"], "sub": "ann", "iat": now, "exp": now + 60}
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({}, "JWT", "is no access token"),
        ({"exp": now - 60}, "at+jwt", "has expired"),
        ({"iat": now + 60, "exp": now + 120}, "at+jwt", "not valid yet"),
        ({"nbf": now + 60}, "at+jwt", "not valid yet"),
        ({"sub": None}, "at+jwt", "lacks one of the claims"),
        ({"exp": None}, "at+jwt", "lacks one of the claims"),
        ({"sub": "a\x00"}, "at+jwt", "subject"),
        ({"sub": "a" * 256}, "at+jwt", "subject"),
        ({"sub": 7}, "at+jwt", "cannot be read"),
        ({"exp": float("inf")}, "at+jwt", "cannot be read"),
    ]
    with closing(WebServer("127.0.0.1")) as server:
        server.answers["/jwks"] = sending(document.encode())
        settings = OidcSettings(issuer="us", audience=AUDIENCE, jwks_url=f"http://127.0.0.1:{server.port}/jwks")
        client = api(services, settings)
        for changes, kind, text in cases:
            claims = {name: value for name, value in {**good, **changes}.items() if value is not None}
            answer = me(client, jwt.encode(claims, STRANGER, "RS256", headers={"typ": kind}))
            assert text in problem(answer, 401, "unauthorized")["detail"], changes
        # The clocks may differ by half a minute.
        for changes in ({"exp": now - 10}, {"iat": now + 10}, {}):
            token = jwt.encode({**good, **changes}, STRANGER, "RS256", headers={"typ": "application/at+jwt"})
            assert "no role" in problem(me(client, token), 403, "forbidden")["detail"]


def test_a_token_ends_when_the_provider_says_so(studio: TestClient, provider: IdentityProvider) -> None:
    token = provider.token("hasty")
    ended = until(lambda: (answer := me(studio, token)).status_code == 401 and answer, "the token does not end")
    assert "has expired" in problem(ended, 401, "unauthorized")["detail"]


def test_a_provider_changes_its_keys_and_who_has_a_new_token_comes_in(studio: TestClient, provider: IdentityProvider) -> None:
    before = provider.token("ann")
    assert me(studio, before).status_code == 200
    provider.rotate()
    after = provider.token("ann")
    until(lambda: me(studio, after).status_code == 200, "the new key is not read")
    refused = until(lambda: (answer := me(studio, before)).status_code == 401 and answer, "the old key is believed")
    assert "does not publish" in refused.json()["detail"]


def test_while_the_provider_is_away_known_keys_serve_and_others_wait(
    services: Services, tmp_path_factory: pytest.TempPathFactory
) -> None:
    provider = IdentityProvider(tmp_path_factory.mktemp("away"), {"ann": PEOPLE["ann"]})
    with api(services, provider.settings(roles=ROLES)) as client:
        known, unknown = provider.token("ann"), forged(provider, kid="another")
        assert me(client, known).status_code == 200
        provider.stop()
        assert me(client, known).status_code == 200
        waits = until(lambda: (answer := me(client, unknown)).status_code == 503 and answer, "it is judged all the same")
        assert problem(waits, 503, "sign_in_unavailable")["retryable"] is True
        assert int(waits.headers["Retry-After"]) > 0
        assert client.get("/v1/me", headers=authorised(services)).status_code == 200


def test_where_the_provider_names_no_role_an_owner_gives_one(studio: TestClient, provider: IdentityProvider) -> None:
    owner, dora = bearing(provider.token("ann")), provider.token("dora")
    noted = problem(me(studio, dora), 403, "forbidden")
    who = next(one for one in studio.get("/v1/people", headers=owner).json()["items"] if one["subject"] == "dora")
    assert f"your id is {who['id']}" in noted["suggestions"]
    assert (who["name"], who["role"], who["role_from"], who["issuer"]) == ("Dora😀", None, None, provider.issuer)
    place = f"/v1/people/{who['id']}"
    given = studio.patch(place, json={"role": "reviewer"}, headers=owner).json()
    assert (given["role"], given["role_from"]) == ("reviewer", "organisation")
    assert me(studio, dora).json()["role"] == "reviewer"
    assert studio.get(place, headers=owner).json()["role"] == "reviewer"


def test_the_providers_word_on_a_role_is_final_until_it_gives_none(
    studio: TestClient, services: Services, provider: IdentityProvider
) -> None:
    owner, ben = bearing(provider.token("ann")), provider.token("ben")
    place = f"/v1/people/{me(studio, ben).json()['id']}"
    refused = studio.patch(place, json={"role": "auditor"}, headers=owner)
    assert "The provider says" in problem(refused, 409, "conflict")["detail"]
    with api(services, provider.settings(roles={"dub-owners": "owner"})) as changed:
        problem(me(changed, ben), 403, "forbidden")
        assert changed.patch(place, json={"role": "auditor"}, headers=owner).json()["role"] == "auditor"
        assert me(changed, ben).json()["role"] == "auditor"
    assert me(studio, ben).json()["role"] == "producer"


def test_who_is_shut_out_stays_out_whatever_the_provider_says(studio: TestClient, provider: IdentityProvider) -> None:
    owner, ben = bearing(provider.token("ann")), provider.token("ben")
    place = f"/v1/people/{me(studio, ben).json()['id']}"
    out = studio.post(f"{place}/disable", headers=owner).json()
    assert (out["status"], studio.post(f"{place}/disable", headers=owner).json()) == ("disabled", out)
    assert "shut you out" in problem(me(studio, ben), 403, "forbidden")["detail"]
    assert studio.post(f"{place}/enable", headers=owner).json()["status"] == "enabled"
    assert me(studio, ben).status_code == 200


def test_nobody_changes_themselves_or_lets_somebody_do_more_than_they_may(
    studio: TestClient, services: Services, provider: IdentityProvider
) -> None:
    owner = bearing(provider.token("ann"))
    own = f"/v1/people/{me(studio, provider.token('ann')).json()['id']}"
    problem(me(studio, provider.token("dora")), 403, "forbidden")
    place = f"/v1/people/{studio.get('/v1/people', headers=owner).json()['items'][0]['id']}"
    for call in (("PATCH", own, {"role": "auditor"}), ("POST", f"{own}/disable", None), ("POST", f"{own}/enable", None)):
        problem(studio.request(call[0], call[1], json=call[2], headers=owner), 409, "conflict")
    lesser = authorised(services, scopes=("people:write", *ROLE_SCOPES["reviewer"]))  # type: ignore[index]
    refused = studio.patch(place, json={"role": "owner"}, headers=lesser)
    assert "keys:write" in problem(refused, 403, "forbidden")["detail"]
    assert studio.patch(place, json={"role": "reviewer"}, headers=lesser).status_code == 200
    studio.patch(place, json={"role": "owner"}, headers=owner)
    assert studio.post(f"{place}/disable", headers=lesser).status_code == 200
    problem(studio.post(f"{place}/enable", headers=lesser), 403, "forbidden")


def test_people_of_another_organisation_are_not_there(
    studio: TestClient, services: Services, provider: IdentityProvider
) -> None:
    here = me(studio, provider.token("ann")).json()["id"]
    other = authorised(services, organisation_id="north")
    assert studio.get("/v1/people", headers=other).json() == {"items": [], "next_cursor": None}
    for method, path, body in (("GET", "", None), ("PATCH", "", {"role": "owner"}), ("POST", "/disable", None)):
        problem(studio.request(method, f"/v1/people/{here}{path}", json=body, headers=other), 404, "not_found")


def test_people_are_listed_in_pages(studio: TestClient, provider: IdentityProvider) -> None:
    owner, *_ = (bearing(provider.token(name)) for name in ("ann", "ben", "cleo"))
    ids = [me(studio, provider.token(name)).json()["id"] for name in ("ann", "ben", "cleo")]
    first = studio.get("/v1/people", params={"limit": 2}, headers=owner).json()
    rest = studio.get("/v1/people", params={"cursor": first["next_cursor"]}, headers=owner).json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == ids[::-1]
