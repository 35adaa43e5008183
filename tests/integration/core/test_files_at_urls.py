"""Jobs whose files lie at URLs: fetched by the worker that probes them, kept like uploaded ones, refused in words."""

from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from api_calls import problem
from customer_store import HOST, OPENED, Customer, resolve
from fastapi.testclient import TestClient
from film import ffmpeg, write_tone
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from web_server import HERE, NEAR, WebServer, sending

from dubbing.db.models import Asset, WorkItem
from dubbing.media.isolated import Reader
from dubbing.queue.runner import Handlers, Runner
from dubbing.settings import FetchSettings, MediaSettings, QueueSettings
from dubbing.storage.customer_bucket import CustomerBucket
from dubbing.storage.remote import RemoteFiles
from dubbing.storage.sources import SourceCache
from services.api.bootstrap import Services
from services.worker.customer_files import CustomerFiles
from services.worker.probe import ProbeHandler

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of film, and a second of sound."""
    folder = tmp_path_factory.mktemp("files")
    ffmpeg("-f", "lavfi", "-i", "smptebars=s=320x240:r=25:d=1", "-c:v", "libx264", "-preset", "ultrafast", folder / "film.mp4")
    write_tone(folder / "track.wav", 1)
    return folder


@pytest.fixture
def server(folder: Path) -> Iterator[WebServer]:
    server = WebServer()
    server.answers["/a/film.mp4"] = sending((folder / "film.mp4").read_bytes(), {"Content-Type": "video/mp4"})
    server.answers["/a/track.wav"] = sending((folder / "track.wav").read_bytes(), {"Content-Type": "audio/wav"})
    yield server
    server.close()


@pytest.fixture
def probe(services: Services, tmp_path: Path) -> Callable[[], None]:
    """A worker that probes until nothing is left to do now; of private addresses it may ask this machine's own."""
    remote = RemoteFiles(FetchSettings(ranges=NEAR), lambda host, _: [ip_address(HERE if host == "studio.example" else host)])
    open_bucket = partial(CustomerBucket, settings=OPENED, resolve=resolve, attempts=1)
    files = CustomerFiles(remote, FetchSettings(), services.database, services.secrets, open_bucket)
    sources = SourceCache(services.store, tmp_path / "sources", 1 << 30)
    handlers = Handlers()
    handlers.add("probe", ProbeHandler(services.store, sources, Reader(MediaSettings().reading_bytes), files))
    runner = Runner(services.database, lambda _: None, handlers, QueueSettings(backoff=0.0))

    def run() -> None:
        while runner.run_next("prepare"):
            pass

    return run


def at_urls(server: WebServer, **video: Any) -> dict[str, Any]:
    base = f"http://studio.example:{server.port}/a"
    return {
        "video": {"type": "url", "url": f"{base}/film.mp4?X-Amz-Signature=secret", **video},
        "audio": {"type": "url", "url": f"{base}/track.wav"},
    }


def test_files_at_urls_are_fetched_once_and_kept_like_uploaded_ones(
    client: TestClient, services: Services, server: WebServer, probe: Callable[[], None], folder: Path
) -> None:
    made = client.post("/v1/lipsyncs", json=at_urls(server))
    assert made.status_code == 202, made.text
    job = made.json()
    waiting = client.get(f"/v1/assets/{job['video']}").json()
    assert (waiting["filename"], waiting["size"], waiting["sha256"]) == ("film.mp4", None, None)
    probe()
    job = client.get(f"/v1/jobs/{job['id']}").json()
    assert job["phase"] == "analyzing", job["error"]
    film = client.get(f"/v1/assets/{job['video']}").json()
    assert film["size"] == (folder / "film.mp4").stat().st_size
    assert film["media"]["video"]["frames"] == 25
    assert services.store.get_bytes(f"assets/{film['id']}/source.mp4") == (folder / "film.mp4").read_bytes()
    again = {"video": {"type": "asset", "id": film["id"]}, "audio": {"type": "asset", "id": job["audio"]}}
    assert client.post("/v1/lipsyncs", json={**again, "seed": 2}).status_code == 202
    probe()
    assert sorted(path.partition("?")[0] for _, path in server.asked) == ["/a/film.mp4", "/a/track.wav"]
    for answer in (film, job, client.get("/v1/jobs").json()):
        assert "secret" not in str({**answer, "url": ""})


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (sending(b"<html>", {"Content-Type": "text/html"}), "fetch_failed"),
        (sending(b"gone", {}, 404), "fetch_failed"),
        (sending(b"busy", {}, 503), "fetch_interrupted"),
        (sending(b"", {"Location": "http://127.0.0.1/film.mp4"}, 302), "url_not_allowed"),
        (sending(b"Dear Sir or Madam", {"Content-Type": "video/mp4"}), "not_a_video"),
        (sending(b"", {"Content-Type": "video/mp4"}), "empty_media"),
    ],
)
def test_a_file_that_cannot_be_fetched_fails_its_job_with_a_code_and_a_place(
    client: TestClient, server: WebServer, probe: Callable[[], None], answer: Any, code: str
) -> None:
    server.answers["/a/film.mp4"] = answer
    job = client.post("/v1/lipsyncs", json=at_urls(server)).json()["id"]
    probe()
    error = client.get(f"/v1/jobs/{job}").json()["error"]
    assert (error["code"], error["where"]["pointer"]) == (code, "/video"), error
    assert "secret" not in str(error)


def test_bytes_other_than_those_announced_are_refused(client: TestClient, server: WebServer, probe: Callable[[], None]) -> None:
    job = client.post("/v1/lipsyncs", json=at_urls(server, sha256="0" * 64)).json()["id"]
    probe()
    assert client.get(f"/v1/jobs/{job}").json()["error"]["code"] == "checksum_mismatch"


@pytest.mark.parametrize("url", ["ftp://studio.example/a.mp4", "https://me:word@studio.example/a.mp4", "film.mp4"])
def test_a_url_that_can_be_judged_at_once_is_refused_at_once(
    client: TestClient, server: WebServer, sessions: sessionmaker[Session], url: str
) -> None:
    body = at_urls(server)
    body["audio"]["url"] = url
    refused = problem(client.post("/v1/lipsyncs", json=body), 422, "url_not_allowed")
    assert refused["where"]["pointer"] == "/audio/url"
    with sessions() as session:
        assert session.scalars(select(Asset.id)).all() == session.scalars(select(WorkItem.id)).all() == []


def test_files_in_a_bucket_are_fetched_with_the_customers_key_and_kept_like_uploaded_ones(
    client: TestClient, customer: Customer, probe: Callable[[], None], folder: Path
) -> None:
    connection = client.post("/v1/storage-connections", json=customer.members(prefix="in")).json()["id"]
    for name in ("film.mp4", "track.wav"):
        customer.store.put_file(f"in/{name}", folder / name)
    at = {"type": "s3", "connection": connection}
    body = {"video": {**at, "url": "s3://studio/in/film.mp4"}, "audio": {**at, "url": "s3://studio/in/track.wav"}}
    job = client.post("/v1/lipsyncs", json=body).json()["id"]
    used = problem(client.post(f"/v1/storage-connections/{connection}/delete"), 409, "conflict")
    assert used["where"]["used_by"] == [job]
    probe()
    made = client.get(f"/v1/jobs/{job}").json()
    assert made["phase"] == "analyzing", made["error"]
    film = client.get(f"/v1/assets/{made['video']}").json()
    assert (film["filename"], film["size"]) == ("film.mp4", (folder / "film.mp4").stat().st_size)
    assert client.post(f"/v1/storage-connections/{connection}/delete").status_code == 200


@pytest.mark.parametrize(
    "at",
    [
        ({}, "absent.mp4", "fetch_failed"),
        ({"secret_key": "wrong"}, "film.mp4", "fetch_failed"),
        ({"endpoint": f"http://{HOST}:1"}, "film.mp4", "fetch_interrupted"),
        ({}, "film.mp4", "checksum_mismatch"),
    ],
)
def test_a_file_that_cannot_be_fetched_from_a_bucket_fails_its_job(
    client: TestClient, customer: Customer, probe: Callable[[], None], folder: Path, at: tuple[Any, str, str]
) -> None:
    changes, object_key, code = at
    customer.store.put_file("film.mp4", folder / "film.mp4")
    connection = client.post("/v1/storage-connections", json=customer.members(**changes)).json()["id"]
    video = {"type": "s3", "url": f"s3://studio/{object_key}", "connection": connection, "sha256": "0" * 64}
    made = client.post("/v1/titles", json={"name": "x", "video": video}).json()["analysis"]["job"]
    probe()
    error = client.get(f"/v1/jobs/{made}").json()["error"]
    assert (error["code"], error["where"]["pointer"]) == (code, "/video"), error
