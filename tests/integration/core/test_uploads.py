"""Files go up in parts, are listed, and are deleted when nobody uses them; over real PostgreSQL and S3."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from api_calls import MIB, authorised, problem
from fastapi.testclient import TestClient

from dubbing.db.models import Asset, Upload
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack


def test_a_file_goes_up_in_parts_and_comes_down_again_byte_for_byte(
    client: TestClient, services: Services, upload: Callable[..., str]
) -> None:
    data = bytes(range(256)) * (11 * MIB // 256)
    asset = upload("Große Datei.MOV", data)
    assert client.get(f"/v1/assets/{asset}").json()["size"] == len(data)
    assert services.store.get_bytes(f"assets/{asset}/source.mov") == data


def test_an_interrupted_upload_resumes_with_the_missing_parts_only(client: TestClient) -> None:
    data = b"a" * (11 * MIB)
    made = client.post("/v1/uploads", json={"filename": "a.mp4", "size": len(data)}).json()
    assert [part["size"] for part in made["parts"]] == [5 * MIB, 5 * MIB, MIB]
    httpx.put(made["parts"][1]["url"], content=data[5 * MIB : 10 * MIB])
    url = f"/v1/uploads/{made['upload_id']}"
    early = problem(client.post(url + "/complete", json={}), 422, "bad_parts")
    assert early["where"]["parts"] == [1, 3]
    seen = client.get(url).json()
    assert [part["n"] for part in seen["parts"]] == [1, 3]
    assert [part["n"] for part in seen["done"]] == [2]
    for part in seen["parts"]:
        httpx.put(part["url"], content=data[part["offset"] : part["offset"] + part["size"]])
    first, second = (client.post(url + "/complete", json={}) for _ in range(2))
    assert first.json() == second.json()
    assert client.get(url).json()["state"] == "completed"


def test_a_completion_that_died_after_the_store_assembled_the_file_is_finished_later(
    client: TestClient, services: Services
) -> None:
    made = client.post("/v1/uploads", json={"filename": "a.mp4", "size": 3}).json()
    etag = httpx.put(made["parts"][0]["url"], content=b"abc").headers["ETag"]
    with services.database.sessions()() as session:
        upload = session.get_one(Upload, made["upload_id"])
    services.store.finish_upload(upload.object_key, upload.s3_upload_id, [(1, etag)])
    assert client.post(f"/v1/uploads/{made['upload_id']}/complete", json={}).status_code == 200


def test_a_part_of_the_wrong_length_or_etag_is_refused(client: TestClient) -> None:
    made = client.post("/v1/uploads", json={"filename": "a.mp4", "size": 10}).json()
    url = f"/v1/uploads/{made['upload_id']}/complete"
    httpx.put(made["parts"][0]["url"], content=b"short")
    problem(client.post(url, json={}), 422, "bad_parts")
    httpx.put(made["parts"][0]["url"], content=b"0123456789")
    problem(client.post(url, json={"parts": [{"n": 1, "etag": "other"}]}), 422, "bad_parts")


def test_an_empty_file_is_refused_before_it_is_sent(client: TestClient) -> None:
    problem(client.post("/v1/uploads", json={"filename": "a.mp4", "size": 0}), 422, "empty_media")


@pytest.mark.parametrize("name", ["new\nline.mp4", "tab\t.mp4", "-dash.mp4", "дубль.mp4", "%d.mp4", "a" * 255])
def test_any_name_that_a_file_system_knows_is_accepted_and_given_back(client: TestClient, name: str) -> None:
    made = client.post("/v1/uploads", json={"filename": name, "size": 3})
    assert made.status_code == 201, made.text
    assert made.json()["filename"] == name


def test_a_name_that_cannot_be_stored_is_refused_in_words(client: TestClient) -> None:
    refused = problem(client.post("/v1/uploads", json={"filename": "a\0b.mp4", "size": 3}), 422, "invalid_request")
    assert "NUL" in refused["detail"]
    assert "^" not in refused["detail"]


def test_open_uploads_are_listed_until_they_are_completed(client: TestClient, upload: Callable[..., str]) -> None:
    upload("done.mp4")
    made = [client.post("/v1/uploads", json={"filename": name, "size": 9}).json() for name in ("a.mp4", "b.mp4")]
    listed = client.get("/v1/uploads").json()["items"]
    assert [one["upload_id"] for one in listed] == [made[1]["upload_id"], made[0]["upload_id"]]
    assert (listed[0]["filename"], listed[0]["size"]) == ("b.mp4", 9)
    first = client.get("/v1/uploads", params={"limit": 1}).json()
    assert client.get("/v1/uploads", params={"cursor": first["next_cursor"]}).json()["items"] == listed[1:]


def test_a_file_that_was_measured_to_be_the_same_is_not_uploaded_again_inside_its_organisation(
    client: TestClient, services: Services, upload: Callable[..., str]
) -> None:
    asset, announced = upload("film.mp4"), {"filename": "again.mp4", "size": 1000, "sha256": "5" * 64}
    assert client.post("/v1/uploads", json=announced).json()["state"] == "uploading"  # a claim proves nothing
    with services.database.sessions().begin() as session:
        session.get_one(Asset, asset).sha256 = "5" * 64  # as a probe measures
    again = client.post("/v1/uploads", json=announced).json()
    assert (again["state"], again["parts"]) == ("completed", [])
    shown = client.post(f"/v1/uploads/{again['upload_id']}/complete", json={}).json()
    assert (shown["id"], shown["filename"], shown["sha256"]) == (again["asset_id"], "again.mp4", "5" * 64)
    other = authorised(services, organisation_id="other")
    assert client.post("/v1/uploads", json=announced, headers=other).json()["state"] == "uploading"
    assert client.post("/v1/uploads", json={**announced, "size": 999}).json()["state"] == "uploading"
    # The bytes are shared: they go with the last file that has them, and then they must be sent again.
    client.post(f"/v1/assets/{asset}/delete")
    assert services.store.size(f"assets/{asset}/source.mp4") == 1000
    client.post(f"/v1/assets/{again['asset_id']}/delete")
    assert services.store.size(f"assets/{asset}/source.mp4") is None
    assert client.post("/v1/uploads", json=announced).json()["state"] == "uploading"


def test_a_file_whose_bytes_are_gone_is_uploaded_again(
    client: TestClient, services: Services, upload: Callable[..., str]
) -> None:
    asset = upload("film.mp4")
    with services.database.sessions().begin() as session:
        session.get_one(Asset, asset).sha256 = "5" * 64
    services.store.delete_prefix(f"assets/{asset}/")
    announced = {"filename": "again.mp4", "size": 1000, "sha256": "5" * 64}
    assert client.post("/v1/uploads", json=announced).json()["state"] == "uploading"


def test_files_are_listed_and_one_that_nobody_uses_is_deleted_for_good(
    client: TestClient, services: Services, upload: Callable[..., str], body: dict[str, Any]
) -> None:
    spare = upload("spare.wav")
    job = client.post("/v1/lipsyncs", json=body).json()["id"]
    title = client.post("/v1/titles", json={"name": "N", "video": body["video"]}).json()["id"]
    assert client.get("/v1/assets").json()["items"][0]["id"] == spare
    assert client.get("/v1/assets", params={"sha256": "5" * 64}).json()["items"] == []
    used = problem(client.post(f"/v1/assets/{body['video']['id']}/delete"), 409, "conflict")
    assert {job, title} <= set(used["where"]["used_by"])
    problem(client.post(f"/v1/assets/{spare}/delete", headers=authorised(services, organisation_id="other")), 404, "not_found")
    assert services.store.size(f"assets/{spare}/source.wav") == 1000
    assert client.post(f"/v1/assets/{spare}/delete").json()["id"] == spare
    assert services.store.size(f"assets/{spare}/source.wav") is None
    problem(client.get(f"/v1/assets/{spare}"), 404, "not_found")
