"""The API over real PostgreSQL, Redis and S3."""

import json
import threading
from dataclasses import replace
from typing import Any

import anyio
import httpx
import platform_results as results
import pytest
from api_calls import MIB, UNKNOWN, app_of, authorised, problem, work_through
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker
from waiting import until

from dubbing import clock
from dubbing.db.models import ApiKey, IdempotencyKey, Job
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.work import PAYLOADS, WorkKind
from dubbing.workflow.advance import Advancer
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack


def test_a_job_runs_to_its_receipt_and_its_links_download(client: TestClient, services: Services, body: dict[str, Any]) -> None:
    made = client.post("/v1/lipsyncs", json={**body, "seed": 7, "metadata": {"title": "Nº 1"}})
    assert made.status_code == 202, made.text
    job = made.json()
    assert (job["status"], job["phase"], job["seed"], job["metadata"]) == ("queued", "probing", 7, {"title": "Nº 1"})
    assert job["waiting_on"] == "workers:probe"
    url = f"/v1/jobs/{job['id']}"
    problem(client.get(url + "/receipt"), 404, "not_found")
    work_through(services, WorkKind.PROBE, WorkKind.PREPARE)
    half = client.get(url).json()
    assert (half["status"], half["phase"]) == ("running", "encoding")
    assert half["progress"]["phases"]["analyzing"]["status"] == "done"
    assert half["progress"]["percent"] == 20.0
    work_through(services, WorkKind.ENCODE_FACE, WorkKind.ENCODE_SPEECH)
    planned = client.get(url).json()["progress"]
    assert (planned["chunks"], planned["frames"]) == ({"done": 0, "total": 3}, {"done": 0, "total": 250})
    assert planned["shots"] == {"done": 0, "total": 2}
    work_through(services, WorkKind.INFER, most=2)  # both chunks of the first shot
    assert client.get(url).json()["progress"]["shots"] == {"done": 1, "total": 2}
    work_through(services)
    services.store.put_bytes(f"jobs/{job['id']}/output.mp4", b"master")
    done = client.get(url).json()
    assert (done["status"], done["progress"]["percent"], done["stuck"]) == ("succeeded", 100.0, False)
    assert done["progress"]["frames"] == {"done": 250, "total": 250}
    assert done["progress"]["fps"] > 0
    download = httpx.get(done["links"]["output"])
    assert download.content == b"master"
    assert "film.pt.mp4" in download.headers["Content-Disposition"]
    assert client.get(url + "/receipt").json()["input_video"]["fps"] == "25"


def test_a_failed_job_carries_its_problem(client: TestClient, services: Services, body: dict[str, Any]) -> None:
    job = client.post("/v1/lipsyncs", json=body).json()
    with services.database.sessions().begin() as session:
        work = UnitOfWork(session)
        while item := work.items.claim([WorkKind.PROBE], "w", 60):
            found = results.answer(item.kind, PAYLOADS[item.kind].model_validate(item.payload)).model_dump(mode="json")
            if item.payload["role"] == "audio":
                found["media"] = results.sound(960_000).model_dump(mode="json")
            work.items.complete(item, found)
            Advancer(work, 8).item_ended(item.id)
    error = client.get(f"/v1/jobs/{job['id']}").json()["error"]
    assert error["code"] == "duration_mismatch"
    assert error["type"].endswith("/duration-mismatch")
    assert error["media"]["delta_frames"] == 250


def test_a_key_replays_the_answer_and_refuses_another_request(client: TestClient, body: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "8e03-a"}
    first = client.post("/v1/lipsyncs", json=body, headers=key)
    again = client.post("/v1/lipsyncs", json=body, headers=key)
    assert again.json() == first.json()
    assert again.status_code == 202
    assert again.headers["Idempotent-Replayed"] == "true"
    other = client.post("/v1/lipsyncs", json={**body, "seed": 3}, headers=key)
    problem(other, 422, "idempotency_key_reused")
    assert len(client.get("/v1/jobs").json()["items"]) == 1


def test_a_request_whose_twin_is_in_flight_is_told_to_wait(
    client: TestClient, services: Services, body: dict[str, Any]
) -> None:
    key = {"Idempotency-Key": "twin"}
    client.post("/v1/lipsyncs", json=body, headers=key)
    with services.database.sessions().begin() as session:
        session.execute(update(IdempotencyKey).values(status=None, response=None))
    refused = client.post("/v1/lipsyncs", json=body, headers=key)
    assert (problem(refused, 409, "idempotency_in_progress")["retryable"], refused.headers["Retry-After"]) == (True, "2")


def test_many_at_once_with_one_key_make_one_job(client: TestClient, body: dict[str, Any]) -> None:
    statuses: list[int] = []

    def send() -> None:
        answer = client.post("/v1/lipsyncs", json=body, headers={"Idempotency-Key": "race"})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {202, 409, 503}  # on a machine so busy that no connection was free in time
    assert len(client.get("/v1/jobs").json()["items"]) == 1


def test_a_failed_call_may_be_sent_again_with_its_key(client: TestClient, body: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "later"}
    wrong = {**body, "model": "huge"}
    assert problem(client.post("/v1/lipsyncs", json=wrong, headers=key), 422, "invalid_request")["where"] == {
        "pointer": "/model"
    }
    assert client.post("/v1/lipsyncs", json=body, headers=key).status_code == 202


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"surprise": 1}, "/surprise"),
        ({"video": {"type": "file", "id": "x"}}, "/video"),
        ({"video": {"type": "asset", "id": "x"}}, "/video/id"),
        ({"audio": {"type": "url"}}, "/audio/url"),
        ({"sync": {"mode": "stretch"}}, "/sync/mode"),
        ({"deadline": "2026-10-12T06:00:00"}, "/deadline"),
        ({"seed": -1}, "/seed"),
        ({"metadata": {"a\u0000": "b"}}, "/metadata/a\u0000/[key]"),
    ],
)
def test_a_wrong_member_is_named_by_its_pointer(
    client: TestClient, body: dict[str, Any], change: dict[str, Any], pointer: str
) -> None:
    members = problem(client.post("/v1/lipsyncs", json={**body, **change}), 422, "invalid_request")
    assert pointer in [fault["pointer"] for fault in members["errors"]]


def test_an_asset_that_does_not_exist_is_named(client: TestClient, body: dict[str, Any]) -> None:
    body["audio"]["id"] = f"ast_{UNKNOWN}"
    members = problem(client.post("/v1/lipsyncs", json=body), 404, "not_found")
    assert members["where"] == {"pointer": "/audio/id"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/v1/jobs", 405, "method_not_allowed"),
        ("GET", f"/v1/jobs/job_{UNKNOWN}", 404, "not_found"),
        ("GET", "/v1/jobs/%00", 404, "not_found"),
        ("GET", f"/v1/jobs/job_{UNKNOWN}/events", 404, "not_found"),
        ("GET", f"/v1/uploads/upl_{UNKNOWN}", 404, "not_found"),
        ("GET", "/v1/jobs?cursor=nonsense", 422, "invalid_cursor"),
        ("GET", "/v1/jobs?limit=0", 422, "invalid_request"),
        ("GET", "/v1/jobs?status=lost", 422, "invalid_request"),
        ("POST", "/v1/lipsyncs", 422, "invalid_request"),
    ],
)
def test_every_refusal_is_a_problem(client: TestClient, method: str, path: str, status: int, code: str) -> None:
    members = problem(client.request(method, path), status, code)
    if status == 405:
        assert members["instance"] == path


def test_broken_json_and_oversized_bodies_are_problems(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    for unreadable in (b"{", b'{"filename": "\xff"}'):
        problem(client.post("/v1/uploads", content=unreadable, headers=headers), 400, "invalid_json")
    refused = problem(client.post("/v1/uploads", content=b" " * (3 * MIB), headers=headers), 413, "request_too_large")
    assert refused["media"] == {"limit": 2 * MIB}


def test_what_is_no_valid_unicode_is_refused_as_whatever_else_is_wrong(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    for unpaired in (b'{"filename": "\\ud800", "size": 3}', b'{"\\udfff": 1, "filename": "a", "size": 3}'):
        problem(client.post("/v1/uploads", content=unpaired, headers=headers), 422, "invalid_request")


@pytest.mark.parametrize("deadline", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-10-12T06:00:00+23:59"])
def test_a_deadline_at_the_edge_of_time_in_another_zone_is_taken_and_read_again(
    client: TestClient, body: dict[str, Any], deadline: str
) -> None:
    made = client.post("/v1/lipsyncs", json={**body, "deadline": deadline, "deadline_policy": "try"})
    assert made.status_code == 202, made.text
    assert made.json()["deadline"].endswith("Z")
    assert client.get(made.headers["Location"]).json()["deadline"] == made.json()["deadline"]
    assert client.get("/v1/jobs", params={"created_after": deadline}).status_code == 200


def test_a_method_that_is_not_taken_is_answered_with_all_that_are(client: TestClient) -> None:
    for path, allowed in {"/v1/training-runs": "GET, POST", "/v1/jobs": "GET", "/v1/uploads": "GET, POST"}.items():
        answer = client.put(path)
        problem(answer, 405, "method_not_allowed")
        assert answer.headers["Allow"] == allowed


def test_what_is_made_or_changed_says_where_to_read_it(client: TestClient, body: dict[str, Any]) -> None:
    upload = client.post("/v1/uploads", json={"filename": "a.mp4", "size": 3}, headers={"Idempotency-Key": "u"})
    again = client.post("/v1/uploads", json={"filename": "a.mp4", "size": 3}, headers={"Idempotency-Key": "u"})
    assert upload.headers["Location"] == again.headers["Location"] == f"/v1/uploads/{upload.json()['upload_id']}"
    job = client.post("/v1/lipsyncs", json=body)
    ended = client.post(f"/v1/jobs/{job.json()['id']}/cancel")
    assert job.headers["Location"] == ended.headers["Location"] == f"/v1/jobs/{job.json()['id']}"


def test_a_wrong_header_is_named(client: TestClient) -> None:
    answer = client.get(f"/v1/jobs/job_{UNKNOWN}/events", headers={"Last-Event-ID": "x"})
    assert problem(answer, 422, "invalid_request")["detail"].startswith("last-event-id: ")


def test_a_crash_is_a_problem_that_tells_nothing_of_the_inside(services: Services) -> None:
    broken = replace(services, catalogue=None)  # type: ignore[arg-type]
    with TestClient(app_of(broken), raise_server_exceptions=False, headers=authorised(services)) as client:
        members = problem(client.get("/v1/models"), 500, "internal_error")
    assert "NoneType" not in json.dumps(members)


def test_without_a_valid_key_nothing_is_shown(client: TestClient, services: Services, body: dict[str, Any]) -> None:
    job = client.post("/v1/lipsyncs", json=body).json()["id"]
    for token in ("", "Bearer nonsense", "Bearer dub_0123456789ab_secret", "Bearer dub_\x7f_x"):
        answer = client.get("/v1/jobs", headers={"Authorization": token})
        problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    problem(client.get(f"/v1/jobs/{job}", headers=authorised(services, organisation_id="other")), 404, "not_found")
    narrow = authorised(services, scopes=("jobs:read",))
    problem(client.post("/v1/lipsyncs", json=body, headers=narrow), 403, "forbidden")
    with services.database.sessions().begin() as session:
        session.execute(update(ApiKey).values(expires_at=clock.now()))
    problem(client.get("/v1/jobs"), 401, "unauthorized")


def test_pages_are_stable_and_filters_filter(client: TestClient, body: dict[str, Any]) -> None:
    made = [client.post("/v1/lipsyncs", json=body).json()["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = client.get("/v1/jobs", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [job["id"] for job in page["items"]]
        client.post("/v1/lipsyncs", json=body)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]
    assert client.get("/v1/jobs", params={"status": "succeeded"}).json()["items"] == []


def test_cancelling_stops_a_waiting_job_at_once_and_twice_is_harmless(
    client: TestClient, services: Services, body: dict[str, Any]
) -> None:
    job = client.post("/v1/lipsyncs", json=body).json()["id"]
    assert client.post(f"/v1/jobs/{job}/cancel").json()["status"] == "canceled"
    assert client.post(f"/v1/jobs/{job}:cancel").json()["status"] == "canceled"
    other = client.post("/v1/lipsyncs", json=body).json()["id"]
    work_through(services)
    problem(client.post(f"/v1/jobs/{other}/cancel"), 409, "conflict")


def events(text: str) -> list[dict[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append({**fields, "data": json.loads(fields["data"])})
    return found


def test_events_stream_until_the_end_and_resume_after_the_last_one_seen(
    client: TestClient, services: Services, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = client.post("/v1/lipsyncs", json=body).json()["id"]

    looks: list[float] = []
    sleep = anyio.sleep

    async def counted(seconds: float) -> None:
        looks.append(seconds)
        await sleep(seconds)

    def later() -> None:
        until(lambda: len(looks) > 10, "nobody looks for events")  # in silence for twice the time after which it says a word
        work_through(services)

    monkeypatch.setattr(anyio, "sleep", counted)

    thread = threading.Thread(target=later)
    thread.start()
    answer = client.get(f"/v1/jobs/{job}/events")
    thread.join()
    seen = events(answer.text)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert ": alive" in answer.text
    assert [seen[0]["event"], seen[-1]["event"]] == ["job.queued", "job.succeeded"]
    assert seen[-1]["data"]["progress"]["percent"] == 100.0
    resumed = events(client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": seen[2]["id"]}).text)
    assert [event["id"] for event in resumed] == [event["id"] for event in seen[3:]]
    assert client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": seen[-1]["id"]}).text == "retry: 1000\n\n"


def test_a_running_job_without_a_sign_of_life_is_called_stuck(
    client: TestClient, services: Services, body: dict[str, Any], sessions: sessionmaker[Session]
) -> None:
    job = client.post("/v1/lipsyncs", json=body).json()["id"]
    work_through(services, WorkKind.PROBE)
    assert client.get(f"/v1/jobs/{job}").json()["stuck"] is False
    with sessions.begin() as session:
        session.execute(update(Job).values(heartbeat_at=clock.now().replace(year=2020)))
    assert client.get(f"/v1/jobs/{job}").json()["stuck"] is True
