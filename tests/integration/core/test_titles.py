"""Titles over real PostgreSQL, Redis and S3: an analysis, lists, and who was faster."""

from typing import Any

import httpx
import pytest
from api_calls import UNKNOWN, authorised, problem, put_analysis, work_through
from fastapi.testclient import TestClient
from sqlalchemy import select
from title_calls import Upload, add, languages, sound, title

from dubbing.db.models import JobNeed, WorkItem
from dubbing.domain.work import WorkKind
from dubbing.ids import face_picture_key
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
__all__ = ["languages", "title"]


def kinds(services: Services, job: str) -> list[str]:
    """Kinds of the items that were made since the job was asked for, as often as they were done."""
    with services.database.sessions()() as session:
        needed = select(WorkItem.kind).join(JobNeed, JobNeed.work_item_id == WorkItem.id).where(JobNeed.job_id == job)
        return sorted(session.scalars(needed.order_by(WorkItem.created_at)))


def test_a_title_is_analysed_as_soon_as_it_is_there_without_any_language(
    client: TestClient, services: Services, title: dict[str, Any]
) -> None:
    assert title["analysis"]["status"] == "queued"
    job = title["analysis"]["job"]
    shown = client.get(f"/v1/jobs/{job}").json()
    assert (shown["title"], shown["title_name"], shown["audio"], shown["model"]) == (title["id"], "Nº 1", None, None)
    assert list(shown["progress"]["phases"]) == ["probing", "analyzing"]
    work_through(services, WorkKind.PROBE)
    assert 0 < client.get(f"/v1/jobs/{job}").json()["progress"]["percent"] < 100
    work_through(services)
    shown = client.get(f"/v1/jobs/{job}").json()
    assert (shown["status"], shown["progress"]["percent"], shown["links"]) == ("succeeded", 100.0, None)
    assert kinds(services, job) == ["prepare", "probe"]
    assert client.get(f"/v1/titles/{title['id']}").json()["analysis"]["status"] == "succeeded"


def test_what_an_analysis_found_is_read_from_where_it_lies(
    client: TestClient, services: Services, title: dict[str, Any]
) -> None:
    at = f"/v1/titles/{title['id']}/analysis"
    assert client.get(at).json()["shots"] is None
    work_through(services)
    put_analysis(services)
    shown = client.get(at).json()
    assert (shown["fps"], shown["frames"]) == ("25/1", 250)
    face = {"track": 0, "start": 100, "end": 250, "missing": [120], "size": 61.5}
    assert shown["shots"] == [
        {"index": 0, "start": 0, "end": 100, "timecode": "00:00:00:00", "faces": []},
        {"index": 1, "start": 100, "end": 250, "timecode": "00:00:04:00", "faces": [face]},
    ]


def test_a_cast_names_the_faces_each_with_its_frames_and_its_picture_where_there_is_one(
    client: TestClient, services: Services, title: dict[str, Any]
) -> None:
    at = f"/v1/titles/{title['id']}/cast"
    assert client.get(at).json()["faces"] is None
    work_through(services)
    put_analysis(services)
    with services.database.sessions()() as session:
        key = session.scalars(select(WorkItem.payload).where(WorkItem.kind == WorkKind.PREPARE)).one()["analysis_key"]
    services.store.delete_prefix(face_picture_key(key, 0).rpartition("/")[0] + "/")  # tests share the store
    (face,) = client.get(at).json()["faces"]
    assert face == {
        "track": 0,
        "shot": 1,
        "start": 100,
        "end": 250,
        "timecode": "00:00:04:00",
        "frames": 149,
        "size": 61.5,
        "picture": None,
    }
    services.store.put_bytes(face_picture_key(key, 0), b"a face", "image/jpeg")
    (face,) = client.get(at).json()["faces"]
    shown = httpx.get(face["picture"])
    assert (shown.content, shown.headers["content-type"]) == (b"a face", "image/jpeg")


def test_a_failed_analysis_is_made_again_and_one_that_succeeded_is_not(
    client: TestClient, services: Services, title: dict[str, Any]
) -> None:
    at, first = f"/v1/titles/{title['id']}", title["analysis"]["job"]
    client.post(f"/v1/jobs/{first}/cancel")
    assert client.get(at).json()["analysis"] == {"job": first, "status": "canceled"}
    again = client.post(f"{at}/analyze")
    assert again.status_code == 202
    problem(client.post(f"{at}/analyze"), 409, "conflict")
    work_through(services)
    assert client.get(at).json()["analysis"] == {"job": again.json()["id"], "status": "succeeded"}
    problem(client.post(f"{at}/analyze"), 409, "conflict")


def test_of_two_who_change_a_title_at_once_the_second_is_told(client: TestClient, title: dict[str, Any]) -> None:
    at = f"/v1/titles/{title['id']}"
    read = client.get(at).headers["ETag"]
    first = client.patch(at, json={"name": "First"}, headers={"If-Match": read})
    assert (first.status_code, first.json()["name"], first.json()["external_id"]) == (200, "First", "S01E01")
    refused = problem(client.patch(at, json={"name": "Second"}, headers={"If-Match": read}), 412, "precondition_failed")
    assert first.headers["ETag"] in refused["detail"]
    assert (
        client.patch(at, json={"external_id": None}, headers={"If-Match": first.headers["ETag"]}).json()["external_id"] is None
    )
    assert client.patch(at, json={"metadata": {}}).json() | {"updated_at": ""} == client.get(at).json() | {"updated_at": ""}


def test_a_title_or_a_language_that_is_there_already_is_a_conflict_that_names_it(
    client: TestClient, title: dict[str, Any], languages: str, upload: Upload
) -> None:
    film = {"type": "asset", "id": title["video"]}
    twice = client.post("/v1/titles", json={"name": "Other", "video": film, "external_id": "S01E01"})
    assert problem(twice, 409, "conflict")["where"] == {"pointer": "/external_id"}
    other = client.post("/v1/titles", json={"name": "Other", "video": film}).json()["id"]
    problem(client.patch(f"/v1/titles/{other}", json={"external_id": "S01E01"}), 409, "conflict")
    audio = sound(upload, "one.wav")
    add(client, languages, "iw", audio)
    again = client.post(languages, json={"language": "he", "audio": audio})
    assert problem(again, 409, "conflict")["where"] == {"pointer": "/language"}


def test_titles_are_listed_by_name_id_language_time_and_metadata(
    client: TestClient, title: dict[str, Any], upload: Upload
) -> None:
    film = {"type": "asset", "id": title["video"]}
    other = client.post("/v1/titles", json={"name": "Other", "video": film, "metadata": {"show": "N", "year": "2026"}}).json()
    add(client, f"/v1/titles/{other['id']}/languages", "de", sound(upload, "de.wav"))

    def listed(**wanted: str) -> list[str]:
        return [found["name"] for found in client.get("/v1/titles", params=wanted).json()["items"]]

    assert listed() == ["Other", "Nº 1"]
    assert listed(name="Other") == listed(language="DE") == ["Other"]
    assert listed(external_id="S01E01") == ["Nº 1"]
    assert listed(**{"metadata.show": "N"}) == ["Other", "Nº 1"]
    assert listed(**{"metadata.show": "N", "metadata.year": "2026"}) == ["Other"]
    assert listed(created_after=other["created_at"]) == []
    assert listed(created_before=other["created_at"]) == ["Nº 1"]
    first = client.get("/v1/titles", params={"limit": 1}).json()
    assert client.get("/v1/titles", params={"limit": 1, "cursor": first["next_cursor"]}).json()["items"][0]["name"] == "Nº 1"


@pytest.mark.parametrize("parameter", ["colour", "metadata.", "metadata"])
def test_a_list_knows_every_parameter_that_it_is_asked_for(client: TestClient, parameter: str) -> None:
    for path in ("/v1/titles", "/v1/jobs"):
        problem(client.get(path, params={parameter: "x"}), 422, "invalid_request")
    problem(client.get("/v1/titles", params={"metadata.show": "a\x00"}), 422, "invalid_request")


def test_titles_of_another_organisation_are_not_there(
    client: TestClient, services: Services, title: dict[str, Any], languages: str, upload: Upload
) -> None:
    add(client, languages, "de", sound(upload, "de.wav"))
    other = authorised(services, organisation_id="other")
    at, audio = f"/v1/titles/{title['id']}", {"type": "asset", "id": f"ast_{UNKNOWN}"}
    assert client.get("/v1/titles", headers=other).json()["items"] == []
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", at, None), ("PATCH", at, {"name": "x"}), ("GET", f"{at}/analysis", None),
        ("GET", f"{at}/cast", None), ("POST", f"{at}/analyze", None),
        ("GET", languages, None), ("POST", languages, {"language": "fr", "audio": audio}), ("GET", f"{languages}/de", None),
        ("PUT", f"{languages}/de/audio", {"audio": audio}), ("POST", f"{languages}/de/render", {}),
    ]  # fmt: skip
    for method, path, json in calls:
        problem(client.request(method, path, json=json, headers=other), 404, "not_found")
