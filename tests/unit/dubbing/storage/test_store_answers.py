"""What becomes of a store's answers that no healthy store gives."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from dubbing.errors import StoreUnavailable
from dubbing.settings import S3Settings
from dubbing.storage.s3 import S3Store


class FullStore(BaseHTTPRequestHandler):
    """Answers as SeaweedFS 4.48 did on a full disk."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
        self.send_response(500)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Keeps silent."""


class AskedStore(ThreadingHTTPServer):
    """Takes everything, and keeps the headers of what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), TakingStore)
        self.asked: list[dict[str, str]] = []


class TakingStore(BaseHTTPRequestHandler):
    server: AskedStore

    def do_PUT(self) -> None:
        self.server.asked.append({name.lower(): value for name, value in self.headers.items()})
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keeps silent."""


@contextmanager
def store_at(server: ThreadingHTTPServer) -> Iterator[S3Store]:
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        yield S3Store(S3Settings(endpoint=endpoint, access_key="key", secret_key=SecretStr("-")))
        server.shutdown()


@pytest.fixture
def full() -> Iterator[S3Store]:
    with store_at(ThreadingHTTPServer(("127.0.0.1", 0), FullStore)) as store:
        yield store


def test_a_store_that_cannot_write_is_told_as_that_for_bytes_and_for_files(full: S3Store, tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(b"film")
    for put in (lambda: full.put_bytes("a/film", b"film"), lambda: full.put_file("a/film", tmp_path / "film")):
        with pytest.raises(StoreUnavailable, match="answered InternalError for a/film") as caught:
            put()
        assert "disk is full" in caught.value.suggestions[0]


def test_no_upload_waits_for_an_invitation_that_a_cut_line_would_leave_without_an_end(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(b"film")
    server = AskedStore()
    with store_at(server) as store:
        store.put_bytes("a/film", b"film")
        store.put_file("a/film", tmp_path / "film")
    assert len(server.asked) == 2
    assert not [headers for headers in server.asked if "expect" in headers]
