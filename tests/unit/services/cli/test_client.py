"""The client against servers that break at a moment that we choose."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina.instrumentation
from example_answers import answer

from dubbing.errors import BadInput, ChecksumMismatch, StoreUnavailable
from dubline_client.models import LipsyncCreate
from services.cli import client as client_module
from services.cli import retries
from services.cli.client import Client, Refused, UnreadableAnswer
from services.cli.retries import Retries, Unreachable

FILM = bytes(range(256)) * 20_000
REQUEST = LipsyncCreate.from_dict({"video": {"type": "asset", "id": "ast_1"}, "audio": {"type": "asset", "id": "ast_2"}})
Reply = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers one request after the other as the test says; the last answer stays."""

    def __init__(self) -> None:
        self.answers: list[Reply] = []
        self.asked: list[tuple[str, str, str | None]] = []  # method, path, Range
        self.keys: list[str | None] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def reply(self) -> None:
                server.asked.append((self.command, self.path, self.headers["Range"]))
                server.keys.append(self.headers["Idempotency-Key"])
                (server.answers.pop(0) if len(server.answers) > 1 else server.answers[0])(self)

            do_GET = do_POST = do_PUT = reply

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def says(status: int, body: bytes = b"{}") -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def job(job_id: str) -> Reply:
    return says(202, json.dumps(answer("create_lipsync", id=job_id)).encode())


def gives(cut: int | None = None, *, ranges: bool = True) -> Reply:
    """The film, from where it is asked; it breaks off after ``cut`` bytes."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers["Range"] if ranges else None
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        handler.send_response(206 if asked else 200)
        handler.send_header("Content-Length", str(len(FILM) - start))
        handler.end_headers()
        handler.wfile.write(FILM[start:] if cut is None else FILM[start : start + cut])

    return reply


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def client(server: Server, messages: list[str]) -> Client:
    return Client(server.url, "dub_k", messages.append)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries, and an end of all patience that a test can wait for."""
    stamina.instrumentation.set_on_retry_hooks([])
    monkeypatch.setattr(retries, "PAUSES", {"wait_initial": 0.01, "wait_max": 0.01, "wait_jitter": 0.0})
    monkeypatch.setattr(retries, "CONNECT_SECONDS", 20.0)
    monkeypatch.setattr(client_module, "_PAUSE", 0.01)
    monkeypatch.setattr(retries, "RETRY_SECONDS", 30.0)


def problem(code: str, *, retryable: bool = False) -> bytes:
    return f'{{"code": "{code}", "detail": "It is so.", "retryable": {str(retryable).lower()}}}'.encode()


def test_a_download_that_is_cut_goes_on_where_it_was(server: Server, client: Client, tmp_path: Path) -> None:
    server.answers = [gives(cut=1_000_000), gives(cut=3_000_000), gives()]
    arrived = 0

    def advance(size: int) -> None:
        nonlocal arrived
        arrived += size

    client.download(lambda: f"{server.url}/film", tmp_path / "film", advance, hashlib.sha256(FILM).hexdigest())
    assert (tmp_path / "film").read_bytes() == FILM
    assert [asked for _, _, asked in server.asked] == [None, "bytes=1000000-", "bytes=4000000-"]
    assert arrived == len(FILM)


def test_a_server_that_knows_no_ranges_sends_all_again(server: Server, client: Client, tmp_path: Path) -> None:
    server.answers = [gives(cut=1_000_000), gives(ranges=False)]
    arrived: list[int] = []
    client.download(lambda: f"{server.url}/film", tmp_path / "film", arrived.append)
    assert (tmp_path / "film").read_bytes() == FILM
    assert sum(arrived) == len(FILM)


def test_every_try_of_a_download_has_a_fresh_link(server: Server, client: Client, tmp_path: Path) -> None:
    server.answers = [gives(cut=10), says(503), gives()]
    links = (f"{server.url}/film?{number}" for number in range(9))
    client.download(lambda: next(links), tmp_path / "film")
    assert [path for _, path, _ in server.asked] == ["/film?0", "/film?1", "/film?2"]


def test_a_download_with_other_bytes_is_refused_and_leaves_nothing(server: Server, client: Client, tmp_path: Path) -> None:
    server.answers = [gives()]
    with pytest.raises(ChecksumMismatch):
        client.download(lambda: f"{server.url}/film", tmp_path / "film", sha256="0" * 64)
    assert not list(tmp_path.iterdir())


def test_a_link_that_is_refused_is_not_tried_again(server: Server, client: Client, tmp_path: Path) -> None:
    server.answers = [says(403, b"expired")]
    with pytest.raises(StoreUnavailable, match="expired"):
        client.download(lambda: f"{server.url}/film", tmp_path / "film")
    assert len(server.asked) == 1


def test_a_place_that_cannot_be_written_is_named(server: Server, client: Client, tmp_path: Path) -> None:
    server.answers = [gives()]
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be written"):
        client.download(lambda: f"{server.url}/film", tmp_path / "file" / "film")


@pytest.mark.parametrize("status", [502, 503, 504, 429])
def test_an_api_that_is_away_for_a_while_costs_nothing(
    server: Server, client: Client, messages: list[str], status: int
) -> None:
    away = says(status, b"no JSON at all")
    server.answers = [job("job_1"), *[away] * 12, job("job_2")]
    assert client.submit(REQUEST).value.id == "job_1"
    assert client.submit(REQUEST).value.id == "job_2"
    assert len(server.asked) == 14
    assert messages == [f"The API is waited for: HTTP {status}: no JSON at all", "The API answers again."]


def test_an_api_that_closes_every_connection_is_waited_for_when_it_has_answered_before(server: Server, client: Client) -> None:
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    server.answers = [job("job_1"), *[hang_up] * 12, job("job_2")]
    client.submit(REQUEST)
    assert client.submit(REQUEST).value.id == "job_2"


def test_an_api_that_never_answered_is_soon_given_up(server: Server, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "CONNECT_SECONDS", 0.2)
    server.answers = [says(503)]
    began = time.monotonic()
    with pytest.raises(Unreachable):
        client.submit(REQUEST)
    assert time.monotonic() - began < retries.RETRY_SECONDS / 2


def test_a_request_whose_twin_died_with_the_api_is_sent_until_its_key_is_free(server: Server, client: Client) -> None:
    def dies(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    taken = says(409, problem("idempotency_in_progress", retryable=True))
    server.answers = [job("job_1"), dies, taken, taken, job("job_2")]
    client.submit(REQUEST)
    assert client.submit(REQUEST).value.id == "job_2"
    assert len(server.keys) == 5
    assert len(set(server.keys[1:])) == 1


def test_whoever_wants_to_go_is_not_kept(server: Server, client: Client) -> None:
    server.answers = [job("job_1"), says(503)]
    client.submit(REQUEST)
    client.hurry(0)
    with pytest.raises(Unreachable):
        client.submit(REQUEST)
    assert len(server.asked) == 2


def test_what_the_api_breaks_at_is_waited_out_for_a_job_that_is_followed_and_told_at_once_elsewhere(
    server: Server, client: Client
) -> None:
    broken = says(500, problem("internal_error"))
    server.answers = [broken, broken, says(200, json.dumps(answer("read_job")).encode()), broken]
    assert client.job("job_1").members == answer("read_job")
    with pytest.raises(Refused) as caught:
        client.submit(REQUEST)
    assert (caught.value.code, len(server.asked)) == ("internal_error", 4)


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, problem("not_found")), (503, problem("model_unavailable", retryable=True)), (503, problem("full"))],
)
def test_a_refusal_is_told_at_once(server: Server, client: Client, status: int, body: bytes) -> None:
    server.answers = [says(status, body)]
    with pytest.raises(Refused, match="It is so"):
        client.submit(REQUEST)
    assert len(server.asked) == 1


def test_a_part_that_the_store_cannot_take_now_is_sent_again_whole(server: Server, client: Client, tmp_path: Path) -> None:
    film = tmp_path / "film"
    film.write_bytes(b"a film")
    part = {"n": 1, "url": f"{server.url}/part", "offset": 0, "size": 6}
    taken: list[bytes] = []

    def take(handler: BaseHTTPRequestHandler) -> None:
        taken.append(handler.rfile.read(int(handler.headers["Content-Length"])))
        says(503 if len(taken) < 9 else 200)(handler)

    opened = says(201, json.dumps(answer("create_upload", parts=[part])).encode())
    server.answers = [opened, *[take] * 9, says(200, json.dumps(answer("complete_upload", id="ast_1")).encode())]
    assert client.upload(film, lambda _: None) == "ast_1"
    assert taken == [b"a film"] * 9


def test_what_the_api_said_is_kept_to_the_letter(server: Server, client: Client) -> None:
    newer = answer("create_lipsync", status="new", newer={"than": 1.0}, created_at="2026-10-12T06:00:00.120000Z")
    said = json.dumps(newer, indent=2)
    server.answers = [says(202, said.encode())]
    assert json.dumps(client.submit(REQUEST).members, indent=2) == said


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (202, b"{}"),
        (202, b"[]"),
        (202, b"no JSON"),
        (204, b""),
        (307, b""),
        (202, json.dumps(answer("create_lipsync", progress=None)).encode()),
    ],
)
def test_an_answer_of_another_version_is_named_as_such(server: Server, client: Client, status: int, body: bytes) -> None:
    server.answers = [says(status, body)]
    with pytest.raises(UnreadableAnswer, match=re.escape(server.url)):
        client.submit(REQUEST)
    assert len(server.asked) == 1


def test_events_go_on_after_the_last_one_that_was_heard(server: Server, client: Client) -> None:
    heard: list[str | None] = []

    def event(number: int, *, cut: bool) -> Reply:
        text = f'id: {number}\nevent: run.metrics\ndata: {{"step": {number}}}\n\n'.encode()

        def reply(handler: BaseHTTPRequestHandler) -> None:
            heard.append(handler.headers["Last-Event-ID"])
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(text) + cut))
            handler.end_headers()
            handler.wfile.write(text)

        return reply

    server.answers = [event(1, cut=True), says(503), event(2, cut=False)]
    got: list[Any] = [data for _, data in client.events("/events")]
    assert (got, heard) == ([{"step": 1}, {"step": 2}], ["0", "1"])


def test_an_outage_is_told_once_however_many_threads_wait() -> None:
    messages: list[str] = []
    line, away = Retries("The API", messages.append), iter([True] * 40 + [False] * 9)
    lock = threading.Lock()

    def call() -> None:
        with lock:
            gone = next(away)
        if gone:
            raise Unreachable("It is gone.")

    line.of(lambda: None)
    threads = [threading.Thread(target=line.of, args=(call,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert messages == ["The API is waited for: It is gone.", "The API answers again."]


def test_nobody_at_all_is_told_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "CONNECT_SECONDS", 0.2)
    client = Client("http://127.0.0.1:9", "dub_k")
    with pytest.raises(Unreachable, match=r"No API answers at http://127\.0\.0\.1:9") as caught:
        client.jobs(1)
    assert "dubline up" in caught.value.suggestions[0]
    assert isinstance(caught.value.__cause__, httpx.ConnectError)
