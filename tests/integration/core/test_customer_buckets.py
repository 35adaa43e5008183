"""Buckets of customers, over a real object store: read and written with their own credentials, at checked addresses only."""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from customer_store import HOST, OPENED, Customer
from web_server import HERE, NEAR, WebServer, sending

from dubbing.domain.connections import Bucket
from dubbing.errors import (
    ChecksumMismatch,
    DeliveryFailed,
    DeliveryInterrupted,
    FetchFailed,
    FetchInterrupted,
    FileTooLarge,
    UrlNotAllowed,
)
from dubbing.settings import BucketSettings, FetchSettings
from dubbing.storage.customer_bucket import CustomerBucket

pytestmark = pytest.mark.stack
LIMITS = FetchSettings()
DATA = bytes(range(256)) * (11 << 12)  # 11 MiB
KEY = {"access_key": "a", "secret_key": "s"}
DIGEST = hashlib.sha256(DATA).hexdigest()
MIB = 1 << 20


def go_on() -> None:
    """Nobody stops it."""


@pytest.mark.parametrize(("part", "calls"), [(16 * MIB, 1), (5 * MIB, 3)])
@pytest.mark.parametrize("key", ["masters/Nº 1 (final)+v2~*'.mp4", "a//b?c=d&e=%20.mp4"])
def test_an_object_is_written_and_read_whole_in_parts(
    customer: Customer, tmp_path: Path, part: int, calls: int, key: str
) -> None:
    bucket, parts = customer.opened(part=part), []
    bucket.put(
        key, (DATA[at : at + MIB - 1] for at in range(0, len(DATA), MIB - 1)), len(DATA), DIGEST, lambda: parts.append(1)
    )
    assert len(parts) == calls
    assert customer.store.get_bytes(key) == DATA
    bucket.fetch(key, tmp_path / "film", LIMITS, go_on)
    assert (tmp_path / "film").read_bytes() == DATA


def test_nothing_is_written_of_a_master_that_is_not_what_it_was(customer: Customer) -> None:
    for part in (16 * MIB, 5 * MIB):
        with pytest.raises(ChecksumMismatch):
            customer.opened(part=part).put("spoiled.mp4", [DATA], len(DATA), "0" * 64, go_on)
    assert customer.store.size("spoiled.mp4") is None


def test_what_arrived_otherwise_is_seen(customer: Customer) -> None:
    bucket = customer.opened()

    def change() -> None:
        bucket._s3.meta.events.register("after-call.s3.PutObject", replace)

    def replace(**_: Any) -> None:
        customer.store.put_bytes("swapped", b"others")

    with pytest.raises(DeliveryFailed, match="other bytes"):
        bucket.put("swapped", [b"ours"], 4, hashlib.sha256(b"ours").hexdigest(), change)


def test_an_object_that_changes_while_it_is_read_is_refused(customer: Customer, tmp_path: Path) -> None:
    customer.store.put_bytes("growing", DATA)
    with pytest.raises(FetchFailed, match="changed while it was read"):
        customer.opened(part=5 * MIB).fetch("growing", tmp_path / "film", LIMITS, lambda: put(customer, "growing"))


def put(customer: Customer, key: str) -> None:
    customer.store.put_bytes(key, DATA[::-1])


@pytest.mark.parametrize("changes", [{"access_key": "nobody"}, {"secret_key": "another"}])
def test_a_key_that_is_not_known_there_gets_nowhere(customer: Customer, tmp_path: Path, changes: dict[str, str]) -> None:
    bucket = customer.opened(bucket=changes)
    with pytest.raises(DeliveryFailed, match="not one that it knows") as caught:
        bucket.put("a", [b"x"], 1, hashlib.sha256(b"x").hexdigest(), go_on)
    assert caught.value.suggestions == ("rotate the connection with a valid access key and secret",)
    with pytest.raises(FetchFailed):
        bucket.fetch("a", tmp_path / "film", LIMITS, go_on)
    assert [step.ok for step in bucket.examine("probe")] == [False, False, None]


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("AccessDenied", 403, "may not write there"),
        ("NoSuchBucket", 404, "no such bucket"),
        ("PermanentRedirect", 301, "in another region"),
        ("EntityTooLarge", 400, "does not write it"),
    ],
)
def test_a_refusal_is_told_with_its_reason(server: WebServer, code: str, status: int, said: str) -> None:
    refusal = sending(f"<Error><Code>{code}</Code></Error>".encode(), {"Content-Type": "application/xml"}, status)
    server.answers["/b/a"] = server.answers["/b"] = refusal
    answer_alike(server, "PUT", "HEAD")
    bucket, _ = elsewhere(f"http://{HOST}:{server.port}", HERE)
    with pytest.raises(DeliveryFailed, match=said) as caught:
        bucket.put("a", [b"x"], 1, hashlib.sha256(b"x").hexdigest(), go_on)
    assert caught.value.suggestions
    unsure = {"AccessDenied": None}.get(code, False)
    assert [step.ok for step in bucket.examine("a")] == [False, unsure, None]


def answer_alike(server: WebServer, *methods: str) -> None:
    """Answer these methods as GET is."""
    handler: Any = server.http.RequestHandlerClass
    for method in methods:
        setattr(handler, f"do_{method}", handler.do_GET)


def test_what_is_not_there_and_what_is_too_large_are_refused(customer: Customer, tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="no such object"):
        customer.opened().fetch("absent", tmp_path / "film", LIMITS, go_on)
    customer.store.put_bytes("large", b"12345")
    with pytest.raises(FileTooLarge, match="5 bytes"):
        customer.opened().fetch("large", tmp_path / "film", FetchSettings(bytes=4), go_on)
    with pytest.raises(FetchFailed, match="took longer"):
        customer.opened().fetch("large", tmp_path / "film", FetchSettings(seconds=-1), go_on)


def test_an_examination_leaves_nothing(customer: Customer) -> None:
    assert [(step.step, step.ok) for step in customer.opened().examine("probe/1")] == [
        ("write", True),
        ("read", True),
        ("delete", True),
    ]
    assert list(customer.store.list_keys("probe/")) == []


@pytest.fixture
def server() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


def elsewhere(endpoint: str, *answers: str, **settings: Any) -> tuple[CustomerBucket, list[str]]:
    """A bucket at an endpoint whose name leads to these addresses in turn; and the names that were resolved."""
    left, names = list(answers), []

    def resolve(host: str, port: int) -> Any:
        del port
        names.append(host)
        return [ip_address(left.pop(0) if len(left) > 1 else left[0])]

    bucket = Bucket(endpoint=endpoint, region="eu-west-1", name="b", prefix="", **KEY)
    options = {"ranges": NEAR, "http_hosts": (HOST, HERE, "127.0.0.1", "127.1", "localhost", "[::1]", "::1"), **settings}
    return CustomerBucket(bucket, BucketSettings(**options), resolve, attempts=1), names


def test_a_name_is_resolved_once_whatever_it_leads_to_afterwards(customer: Customer, tmp_path: Path) -> None:
    customer.store.put_bytes("rebound", b"film")
    bucket, names = elsewhere(customer.bucket.endpoint, HERE, "127.0.0.1")
    bucket._bucket = customer.bucket
    bucket.fetch("rebound", tmp_path / "film", LIMITS, go_on)
    assert ((tmp_path / "film").read_bytes(), names) == (b"film", [HOST])


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost", "[::1]", HOST])
@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fd00:ec2::254", "100.100.100.200"])
def test_this_machine_and_metadata_are_not_asked_even_if_everything_is_open(tmp_path: Path, host: str, address: str) -> None:
    with closing(WebServer("127.0.0.1")) as inside:
        bucket, _ = elsewhere(f"http://{host}:{inside.port}", address, ranges=("0.0.0.0/0", "::/0"), hosts=(host,))
        with pytest.raises(UrlNotAllowed):
            bucket.fetch("film", tmp_path / "film", LIMITS, go_on)
        with pytest.raises(UrlNotAllowed):
            bucket.put("film", [b""], 0, hashlib.sha256(b"").hexdigest(), go_on)
        with pytest.raises(UrlNotAllowed):
            bucket.examine("film")
    assert inside.asked == []


def test_a_private_address_and_http_are_open_where_the_operator_says_so(server: WebServer) -> None:
    for closed in ({"ranges": ()}, {"http_hosts": ()}):
        bucket, _ = elsewhere(f"http://{HOST}:{server.port}", HERE, **closed)
        with pytest.raises(UrlNotAllowed):
            bucket.examine("film")


@pytest.mark.parametrize("status", [301, 302, 307])
def test_no_redirect_is_followed(tmp_path: Path, status: int) -> None:
    asked: list[str] = []
    with closing(WebServer("127.0.0.1")) as inside, closing(WebServer()) as server:

        def lead(to: BaseHTTPRequestHandler) -> None:
            asked.append(to.path)
            sending(b"", {"Location": f"http://127.0.0.1:{inside.port}/b/film", "x-amz-bucket-region": "us-east-2"}, status)(to)

        server.answers["/b/film"] = server.answers["/b"] = lead
        answer_alike(server, "HEAD")
        bucket, _ = elsewhere(f"http://{HOST}:{server.port}", HERE)
        with pytest.raises(FetchFailed):
            bucket.fetch("film", tmp_path / "film", LIMITS, go_on)
    assert asked
    assert inside.asked == []


def test_who_drips_or_is_not_there_or_sends_too_much_is_given_up(server: WebServer, tmp_path: Path) -> None:
    def drip(to: BaseHTTPRequestHandler) -> None:
        to.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        to.wfile.flush()
        to.rfile.read(1)

    server.http.RequestHandlerClass.do_HEAD = drip  # type: ignore[attr-defined]
    server.answers["/b/film"] = sending(b"x" * (18 * MIB))
    bucket, _ = elsewhere(f"http://{HOST}:{server.port}", HERE, seconds=0.5)
    with pytest.raises(FetchFailed, match="more than was asked for"):
        bucket._s3.get_object(Bucket="b", Key="film")
    server.answers["/b/film"] = drip
    (_, read, _) = bucket.examine("film")
    assert (read.ok, "did not answer" in str(read.detail)) == (False, True)
    server.close()
    with pytest.raises(DeliveryInterrupted, match="did not answer"):
        bucket.put("film", [b"x"], 1, hashlib.sha256(b"x").hexdigest(), go_on)
    with pytest.raises(FetchInterrupted):
        bucket.fetch("film", tmp_path / "film", LIMITS, go_on)


def test_nothing_waits_for_an_invitation(customer: Customer) -> None:
    headers: list[dict[str, str]] = []
    bucket = customer.opened()
    bucket._s3.meta.events.register_first("before-send.s3", lambda request, **_: headers.append(dict(request.headers.items())))
    bucket.put("invited", [b"x"], 1, hashlib.sha256(b"x").hexdigest(), go_on)
    assert headers
    assert [one for one in headers if "Expect" in one] == []


def test_settings_open_nothing_by_default() -> None:
    assert (BucketSettings().ranges, BucketSettings().hosts, OPENED.ranges) == ((), (), NEAR)
