"""Batches: many jobs in one call, each item judged by itself, told as one."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from api_calls import UNKNOWN, authorised, problem, work_through
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker
from title_calls import Upload, add, languages, sound, title
from waiting import until
from web_server import WebServer
from webhook_calls import Deliverer, announce, message, types

from dubbing.db.batch_models import BatchItem
from dubbing.db.engine import Database
from dubbing.db.models import Job
from dubbing.queue.sweeper import Sweeper
from services.api.bootstrap import Services
from services.api.submitter import Submitter

pytestmark = pytest.mark.stack
__all__ = ["languages", "title"]


def post(client: TestClient, items: Any, **members: Any) -> dict[str, Any]:
    made = client.post("/v1/batches", json={"items": items, **members})
    assert made.status_code == 202, made.text
    batch: dict[str, Any] = made.json()
    assert made.headers["Location"] == f"/v1/batches/{batch['id']}"
    return batch


def read(client: TestClient, batch: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/batches/{batch['id']}").json()
    return found


def submitted(client: TestClient, batch: dict[str, Any]) -> dict[str, Any]:
    """The batch, when no item of it waits."""
    until(lambda: not read(client, batch)["counts"].get("waiting"), lambda: read(client, batch))
    until(lambda: read(client, batch)["status"] != "submitting", lambda: read(client, batch))
    return read(client, batch)


def items(client: TestClient, batch: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    """All of them, page after page."""
    found: list[dict[str, Any]] = []
    while True:
        page = client.get(f"/v1/batches/{batch['id']}/items", params=query).json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        query = {**query, "cursor": page["next_cursor"]}


@pytest.fixture
def sweep(services: Services, database: Database) -> Callable[[], None]:
    sweeper = Sweeper(database, services.doorbell, services.queue, lambda *_: None, lambda _: True)
    return sweeper.sweep


def dub(body: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"type": "lipsync", **body, **members}


def test_a_faulty_item_is_refused_by_itself_and_the_others_go_on(
    client: TestClient, services: Services, body: dict[str, Any], languages: str, upload: Upload
) -> None:
    add(client, languages, "de", sound(upload, "de.wav"))
    name = languages.split("/")[3]
    unknown = {"type": "asset", "id": f"ast_{UNKNOWN}"}
    batch = post(
        client,
        [
            dub(body, metadata={"title": "Nº 1"}),
            dub(body, sync={"mode": "later"}),
            dub({**body, "audio": unknown}),
            {"type": "render", "title": name, "language": "de"},
            {"type": "render", "title": name, "language": "fr"},
            {"type": "render", "title": f"ttl_{UNKNOWN}", "language": "de"},
            {"type": "render", "title": name, "language": "de"},
            {"type": "poem"},
            dub(body, **{"a\0b": 1}),
        ],
        name="Monday",
        metadata={"show": "North"},
    )
    assert (batch["status"], batch["total"], batch["counts"]["refused"]) == ("submitting", 9, 3)
    whole = submitted(client, batch)
    assert (whole["status"], whole["counts"], whole["percent"]) == ("running", {"queued": 2, "refused": 7}, 77.8)
    refused = {one["number"]: (one["error"]["code"], one["error"]["where"]["pointer"]) for one in items(client, batch)
               if one["status"] == "refused"}  # fmt: skip
    assert refused == {
        1: ("invalid_request", "/items/1/sync/mode"),
        2: ("not_found", "/items/2/audio/id"),
        4: ("not_found", "/items/4/language"),
        5: ("not_found", "/items/5/title"),
        6: ("conflict", "/items/6/scope"),
        7: ("invalid_request", "/items/7"),
        8: ("invalid_request", "/items/8/a\ufffdb"),
    }
    assert [one["number"] for one in whole["failures"]] == [1, 2, 4, 5, 6]
    jobs = client.get("/v1/jobs", params={"batch": batch["id"]}).json()["items"]
    assert {job["language"] for job in jobs} == {"de", None}
    assert [one["job"] for one in items(client, batch, status="queued", limit=1)] == [job["id"] for job in jobs[::-1]]
    listed = client.get("/v1/batches").json()["items"]
    assert (listed, listed[0]["metadata"]) == ([read(client, batch)], {"show": "North"})
    other = authorised(services, organisation_id="other")
    for path in (f"/v1/batches/{batch['id']}", f"/v1/batches/{batch['id']}/items"):
        problem(client.get(path, headers=other), 404, "not_found")
    assert client.get("/v1/jobs", params={"batch": batch["id"]}, headers=other).json()["items"] == []


def test_a_batch_ends_when_its_last_job_does_and_that_is_told_once(
    client: TestClient, services: Services, receiver: WebServer, body: dict[str, Any], *, sweep: Callable[[], None]
) -> None:
    announce(client, receiver, events=["batch.completed"])
    announce(client, receiver, "/chat", format="chat", events=["batch.completed"])
    batch = post(client, [dub(body), dub(body, seed=2), {"type": "poem"}], name="Monday")
    submitted(client, batch)
    sweep()
    assert read(client, batch)["status"] == "running"
    work_through(services)
    threads = [threading.Thread(target=sweep) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = read(client, batch)
    assert (whole["status"], whole["percent"], whole["counts"]) == ("completed", 100.0, {"refused": 1, "succeeded": 2})
    Deliverer(services).run()
    assert types(receiver) == ["batch.completed"]
    data = message(next(call for call in receiver.posted if call.path == "/hook"))["data"]
    assert (data["batch_id"], data["state"], data["counts"]) == (batch["id"], "completed", whole["counts"])
    (line,) = [message(call)["text"] for call in receiver.posted if call.path == "/chat"]
    assert line == "Monday has ended: 1 refused, 2 succeeded."
    problem(client.post(f"/v1/batches/{batch['id']}/cancel"), 409, "conflict")


def test_an_item_with_a_key_is_made_once_by_whichever_way_it_is_sent(client: TestClient, body: dict[str, Any]) -> None:
    direct = client.post("/v1/lipsyncs", json=body, headers={"Idempotency-Key": "one"}).json()["id"]
    keyed = [dub(body, idempotency_key="one"), dub(body, idempotency_key="two"), dub(body, seed=3, idempotency_key="one")]
    first, second = post(client, keyed), post(client, keyed)
    submitted(client, first)
    submitted(client, second)
    made, again = items(client, first), items(client, second)
    assert (made[0]["job"], made[0]["replayed"]) == (direct, True)
    assert (made[1]["replayed"], again[1]["replayed"], again[1]["job"]) == (False, True, made[1]["job"])
    assert made[2]["error"]["code"] == again[2]["error"]["code"] == "idempotency_key_reused"
    assert client.post("/v1/lipsyncs", json=body, headers={"Idempotency-Key": "two"}).json()["id"] == made[1]["job"]


def test_a_file_of_thousands_of_lines_becomes_a_batch_in_one_short_call(
    client: TestClient, services: Services, sessions: sessionmaker[Session], body: dict[str, Any], upload: Upload
) -> None:
    services_submitter: Submitter = client.app.state.submitter  # type: ignore[attr-defined]
    services_submitter.stop()  # what becomes of the lines is tested with fewer
    good = json.dumps(dub(body))
    file = upload("monday.jsonl", "\n".join([good, "", "{", "[]", '{"type": "poem"}', *[good] * 9_996]).encode())
    batch = post(client, {"type": "asset", "id": file})
    assert (batch["file"], batch["total"], batch["counts"]) == (file, 10_000, {"refused": 3, "waiting": 9_997})
    places = [(one["number"], one["error"]["where"].get("line")) for one in batch["failures"]]
    assert places == [(3, 3), (4, 4), (5, 5)]
    used = problem(client.post(f"/v1/assets/{file}/delete"), 409, "conflict")
    assert used["where"]["used_by"] == [batch["id"]]
    used = problem(client.post(f"/v1/assets/{body['video']['id']}/delete"), 409, "conflict")
    assert used["where"]["used_by"] == [batch["id"]]
    submitter = Submitter(services)  # as another replica, or the same one after it was started again
    assert submitter.submit_some()
    assert read(client, batch)["counts"] == {"refused": 3, "waiting": 9_987, "queued": 10}
    with sessions() as session:
        kept = session.scalar(select(func.count()).where(BatchItem.job_id.is_not(None), BatchItem.request.is_not(None)))
    assert kept == 0
    client.post(f"/v1/batches/{batch['id']}/cancel")
    assert read(client, batch)["counts"] == {"refused": 3, "canceled": 9_987, "queued": 10}
    assert not submitter.submit_some()


def test_a_file_that_is_no_batch_is_refused_as_a_whole(client: TestClient, upload: Upload) -> None:
    empty = problem(
        client.post("/v1/batches", json={"items": {"type": "asset", "id": upload("a.jsonl", b"\n")}}), 422, "invalid_request"
    )
    assert empty["where"]["pointer"] == "/items/id"
    problem(client.post("/v1/batches", json={"items": {"type": "asset", "id": f"ast_{UNKNOWN}"}}), 404, "not_found")
    problem(client.post("/v1/batches", json={"items": []}), 422, "invalid_request")


def test_cancelling_ends_what_the_batch_has_made_and_nothing_else(
    client: TestClient, sessions: sessionmaker[Session], body: dict[str, Any], sweep: Callable[[], None]
) -> None:
    direct = client.post("/v1/lipsyncs", json=body, headers={"Idempotency-Key": "one"}).json()["id"]
    batch = post(client, [dub(body, idempotency_key="one"), dub(body), dub(body)])
    submitted(client, batch)
    canceling = client.post(f"/v1/batches/{batch['id']}/cancel").json()
    assert canceling["status"] == "canceling"
    assert client.post(f"/v1/batches/{batch['id']}/cancel").status_code == 202
    sweep()
    whole = read(client, batch)
    assert (whole["status"], whole["counts"]) == ("canceled", {"canceled": 2, "queued": 1})
    with sessions() as session:
        assert session.get_one(Job, direct).state == "queued"


def test_renders_need_the_right_to_render(client: TestClient, services: Services, body: dict[str, Any]) -> None:
    only = authorised(services, scopes=["jobs:write", "jobs:read"])
    render = {"type": "render", "title": f"ttl_{UNKNOWN}", "language": "de"}
    made = client.post("/v1/batches", json={"items": [render, dub(body)]}, headers=only).json()
    assert [(one["number"], one["error"]["code"]) for one in made["failures"]] == [(0, "forbidden")]
