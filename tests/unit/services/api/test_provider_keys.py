"""Keys of a provider: read when they are needed, no more often than that, and kept while it is away."""

import json
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from web_server import WebServer, leading, sending

from dubbing import clock
from dubbing.errors import SignInUnavailable, Unauthorized
from services.api import provider_keys
from services.api.provider_keys import ProviderKeys, fetched, usable

EC = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))
RSA = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key()))


def document(*ids: str) -> bytes:
    return json.dumps({"keys": [{**EC, "kid": kid} for kid in ids]}).encode()


class Published:
    """What a provider publishes, or what happens instead; it counts who asks."""

    def __init__(self) -> None:
        self.now: bytes | Exception = document("a")
        self.asked = 0

    def __call__(self, url: str) -> bytes:
        assert url == "http://provider.example/jwks"
        self.asked += 1
        if isinstance(self.now, Exception):
            raise self.now
        return self.now


@pytest.fixture
def published() -> Published:
    return Published()


@pytest.fixture
def keys(published: Published) -> ProviderKeys:
    return ProviderKeys("http://provider.example/jwks", published)


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that a clock shows; the test moves it."""
    shown = [1000.0]

    def monotonic() -> float:
        shown[0] += 0.001
        return shown[0]

    monkeypatch.setattr(clock, "monotonic", monotonic)
    return shown


def test_a_key_is_read_once_and_again_after_five_minutes(
    keys: ProviderKeys, published: Published, passing: list[float]
) -> None:
    assert [keys.get("a")["kid"] for _ in range(3)] == ["a"] * 3
    assert published.asked == 1
    passing[0] += 301
    published.now = document("b")
    with pytest.raises(Unauthorized, match="does not publish"):
        keys.get("a")  # withdrawn meanwhile
    assert published.asked == 2


@pytest.mark.parametrize("fault", [httpx.ConnectError("away"), b"<html>", b"{}", b'{"keys": []}', b'{"keys": 7}', b"[]"])
def test_known_keys_stay_while_the_provider_answers_nothing_of_use(
    keys: ProviderKeys, published: Published, passing: list[float], fault: bytes | Exception
) -> None:
    keys.get("a")
    published.now = fault
    passing[0] += 301
    assert keys.get("a")["kid"] == "a"
    with pytest.raises(SignInUnavailable):
        keys.get("b")
    passing[0] += 3
    published.now = document("b")
    assert keys.get("b")["kid"] == "b"


def test_whoever_sends_unknown_keys_does_not_have_the_provider_asked_all_the_time(
    keys: ProviderKeys, published: Published, passing: list[float]
) -> None:
    with pytest.raises(Unauthorized):
        keys.get("x")
    for _ in range(10):  # it may have changed its keys in this very moment: who knows
        with pytest.raises(SignInUnavailable):
            keys.get("y")
    assert published.asked == 1
    passing[0] += 3
    with pytest.raises(Unauthorized):
        keys.get("y")
    assert published.asked == 2


def test_who_knows_the_key_does_not_wait_for_who_asks_for_another(published: Published) -> None:
    asks, answer = threading.Event(), threading.Event()

    def fetch(url: str) -> bytes:
        if published.asked:
            asks.set()
            answer.wait(300)
        return published(url)

    keys = ProviderKeys("http://provider.example/jwks", fetch)
    keys.get("a")
    keys._read = keys._tried = float("-inf")  # as if it were long ago
    published.now = document("a", "b")
    found: list[object] = []
    waiting = threading.Thread(target=lambda: found.append(keys.get("b")["kid"]))
    waiting.start()
    assert asks.wait(300)
    assert keys.get("a")["kid"] == "a"
    answer.set()
    waiting.join()
    assert found == ["b"]


def test_what_cannot_verify_a_signature_is_no_key() -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "s", "alg": "HS256"}
    found = [secret, {**RSA, "kid": "e", "use": "enc"}, {**RSA, "kid": "o", "alg": "RSA-OAEP"}, 7, {"kty": "XX"}]
    with pytest.raises(ValueError, match="no key"):
        usable(json.dumps({"keys": found}).encode())
    assert set(usable(json.dumps({"keys": [*found, {**RSA, "kid": "r"}]}).encode())) == {"r", None}
    assert set(usable(json.dumps({"keys": [{**RSA, "kid": "r"}, {**EC, "kid": "t"}]}).encode())) == {"r", "t"}


def test_an_answer_that_drips_or_has_no_end_is_given_up() -> None:
    gone = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not gone.wait(0.02):
            handler.wfile.write(b" ")

    with closing(WebServer("127.0.0.1")) as server:
        server.answers = {
            "/drip": drip,
            "/flood": sending(b" " * (provider_keys._MOST_BYTES + 1)),
            "/busy": sending(b"", status=503),
            "/elsewhere": leading("/jwks"),
        }
        place = f"http://127.0.0.1:{server.port}"
        with pytest.raises(httpx.ReadTimeout):
            fetched(f"{place}/drip", seconds=0.3)
        gone.set()
        with pytest.raises(ValueError, match="bytes"):
            fetched(f"{place}/flood")
        for path in ("/busy", "/elsewhere"):
            with pytest.raises(httpx.HTTPStatusError):
                fetched(place + path)
