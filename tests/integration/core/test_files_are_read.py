"""Files are hashed and read as soon as they are here, once, and without noise where that is not possible."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api_calls import authorised, problem
from fastapi.testclient import TestClient
from probing import folder, probe, server
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker
from web_server import WebServer, sending
from webhook_calls import Deliverer, announce, message, types

from dubbing.db.models import Asset, WorkItem
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.work import WorkKind, WorkState
from dubbing.workflow.files import StoredFiles
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
__all__ = ["folder", "probe", "server"]
Upload = Callable[..., str]
Probe = Callable[[], None]


@pytest.fixture
def stored(upload: Upload, folder: Path) -> Callable[..., str]:
    """Uploads one of the files, under another name if that is wished."""
    return lambda name, called=None: upload(called or name, (folder / name).read_bytes())


def probes(sessions: sessionmaker[Session]) -> list[WorkItem]:
    with sessions() as session:
        return list(session.scalars(select(WorkItem).where(WorkItem.kind == WorkKind.PROBE).order_by(WorkItem.created_at)))


def test_files_are_known_before_any_job_and_a_job_reads_none_of_them_again(
    client: TestClient, sessions: sessionmaker[Session], stored: Upload, probe: Probe
) -> None:
    film, track, hidden = stored("film.mp4"), stored("track.wav"), stored("track.wav", "really a sound.mp4")
    assert client.get(f"/v1/assets/{film}").json()["status"] == "probing"
    probe()
    shown = {asset: client.get(f"/v1/assets/{asset}").json() for asset in (film, track, hidden)}
    assert {one["status"] for one in shown.values()} == {"ready"}
    assert (shown[film]["media"]["video"]["frames"], shown[film]["media"]["audio"]) == (25, None)
    assert shown[track]["media"]["audio"] == shown[hidden]["media"]["audio"]
    assert shown[track]["sha256"] == shown[hidden]["sha256"] != shown[film]["sha256"]
    before = [(item.id, item.attempt) for item in probes(sessions)]
    assert len(before) == 4  # the hidden one was read as a picture first
    files = {"video": {"type": "asset", "id": film}, "audio": {"type": "asset", "id": hidden}}
    job = client.post("/v1/lipsyncs", json=files).json()
    assert (job["phase"], job["progress"]["phases"]["probing"]["status"]) == ("analyzing", "done")
    assert [(item.id, item.attempt) for item in probes(sessions)] == before


def test_a_file_that_cannot_be_read_is_refused_in_silence_and_fails_the_job_that_uses_it(
    client: TestClient, services: Services, receiver: WebServer, stored: Upload, probe: Probe
) -> None:
    announce(client, receiver)
    letter, track = stored("letter.mp4"), stored("track.wav")
    probe()
    refused = client.get(f"/v1/assets/{letter}").json()
    assert (refused["status"], refused["problem"]["code"], refused["sha256"]) == ("refused", "not_a_video", None)
    assert "pointer" not in refused["problem"]["where"]
    by_status = {s: client.get("/v1/assets", params={"status": s}).json()["items"] for s in ("probing", "ready", "refused")}
    assert {s: [one["id"] for one in items] for s, items in by_status.items()} == {
        "probing": [], "ready": [track], "refused": [letter],
    }  # fmt: skip
    Deliverer(services).run()
    assert types(receiver) == ["upload.completed", "upload.completed", "asset.ready"]
    data = message(receiver.posted[-1])["data"]
    assert (data["asset_id"], data["filename"], data["size"]) == (track, "track.wav", by_status["ready"][0]["size"])
    files = {"video": {"type": "asset", "id": letter}, "audio": {"type": "asset", "id": track}}
    job = client.post("/v1/lipsyncs", json=files).json()["id"]
    probe()
    error = client.get(f"/v1/jobs/{job}").json()["error"]
    assert (error["code"], error["where"]["pointer"]) == ("not_a_video", "/video")
    assert client.get(f"/v1/assets/{letter}").json()["status"] == "refused"


def test_a_file_at_a_url_is_fetched_and_read_on_its_own(
    client: TestClient, server: WebServer, probe: Probe, folder: Path
) -> None:
    url = f"http://studio.example:{server.port}/a/track.wav"
    made = client.post("/v1/assets", json={"type": "url", "url": url})
    assert (made.status_code, made.headers["Location"]) == (201, f"/v1/assets/{made.json()['id']}")
    probe()
    read = client.get(made.headers["Location"]).json()
    assert (read["status"], read["size"]) == ("ready", (folder / "track.wav").stat().st_size)
    refused = problem(client.post("/v1/assets", json={"type": "url", "url": "ftp://studio.example/a"}), 422, "url_not_allowed")
    assert refused["where"]["pointer"] == "/url"


def test_a_file_that_a_cancelled_job_names_is_not_fetched(client: TestClient, server: WebServer, probe: Probe) -> None:
    base = f"http://studio.example:{server.port}/a"
    files = {role: {"type": "url", "url": f"{base}/{name}"} for role, name in (("video", "film.mp4"), ("audio", "track.wav"))}
    job = client.post("/v1/lipsyncs", json=files).json()
    client.post(f"/v1/jobs/{job['id']}/cancel")
    probe()
    assert server.asked == []
    assert client.post(f"/v1/jobs/{job['id']}/retry").status_code == 202
    probe()
    assert client.get(f"/v1/assets/{job['video']}").json()["status"] == "ready"


def test_a_file_is_deleted_while_it_waits_or_is_fetched_and_leaves_nothing(
    client: TestClient, services: Services, sessions: sessionmaker[Session], server: WebServer, probe: Probe
) -> None:
    film = {"type": "url", "url": f"http://studio.example:{server.port}/a/film.mp4"}
    waiting = client.post("/v1/assets", json=film).json()["id"]
    assert client.post(f"/v1/assets/{waiting}/delete").status_code == 200
    assert [item.state for item in probes(sessions)] == [WorkState.CANCELED]
    send = sending(b"RIFF", {"Content-Type": "audio/wav"})
    made = client.post("/v1/assets", json={"type": "url", "url": f"http://studio.example:{server.port}/a/slow.wav"}).json()

    def deleting(to: Any) -> None:
        assert client.post(f"/v1/assets/{made['id']}/delete").status_code == 200
        send(to)

    server.answers["/a/slow.wav"] = deleting
    probe()
    assert [path for _, path in server.asked] == ["/a/slow.wav"]
    assert [item.state for item in probes(sessions)] == [WorkState.CANCELED] * 2
    assert list(services.store.list_keys(f"assets/{made['id']}/")) == []
    problem(client.get(f"/v1/assets/{made['id']}"), 404, "not_found")


def test_a_probe_that_a_job_needs_survives_what_is_done_to_others(
    client: TestClient, sessions: sessionmaker[Session], body: dict[str, Any]
) -> None:
    client.post("/v1/lipsyncs", json=body)
    assert {item.priority for item in probes(sessions)} == {0}  # the job raised what merely arrived
    problem(client.post(f"/v1/assets/{body['video']['id']}/delete"), 409, "conflict")
    assert {item.state for item in probes(sessions)} == {WorkState.PENDING}


def test_files_of_before_are_read_by_and_by_behind_everything_else(
    client: TestClient, services: Services, sessions: sessionmaker[Session], stored: Upload, probe: Probe
) -> None:
    film = stored("film.mp4")
    with sessions.begin() as session:  # as the migration leaves it
        session.execute(update(Asset).values(probe_item=None))
        session.execute(WorkItem.__table__.delete())
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        StoredFiles(work, 8).read_all(1)
        assert work.assets.unread(1) == []
    assert [item.priority for item in probes(sessions)] == [-100]
    probe()
    assert client.get(f"/v1/assets/{film}").json()["status"] == "ready"


def test_the_end_of_a_probe_that_nobody_wrote_down_is_found_later(
    client: TestClient, services: Services, sessions: sessionmaker[Session], upload: Upload
) -> None:
    film = upload("film.mp4")
    with sessions.begin() as session:
        work = UnitOfWork(session)
        item = work.items.claim([WorkKind.PROBE], "w", 60)
        assert item is not None
        work.items.renew(item)
        session.execute(update(WorkItem).values(state=WorkState.CANCELED, lease_owner=None))
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        (lost,) = work.assets.unsettled()
        StoredFiles(work, 8).settle(lost)
    shown = client.get(f"/v1/assets/{film}", headers=authorised(services)).json()
    assert (shown["status"], shown["problem"]["code"]) == ("refused", "canceled")
