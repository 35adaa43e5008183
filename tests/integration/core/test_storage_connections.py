"""Connections to customers' buckets: made, tested and deleted; files come from there, and masters go there."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import platform_results as results
import pytest
from api_calls import UNKNOWN, authorised, problem, work_through
from customer_store import HOST, OPENED, Customer, resolve
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker
from title_calls import add, languages, render, sound, title
from web_server import WebServer, sending

from dubbing.db.connection_models import StorageConnection
from dubbing.db.models import WorkItem
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.frozen import Frozen
from dubbing.domain.work import StitchTask, WorkKind
from dubbing.ids import output_key, receipt_key
from dubbing.queue.runner import Handlers, Runner
from dubbing.settings import QueueSettings
from dubbing.storage.customer_bucket import CustomerBucket
from services.api.bootstrap import Services
from services.stitcher.deliver_master import DeliverMasterHandler

__all__ = ["languages", "title"]
pytestmark = pytest.mark.stack
MASTER = b"the master" * 1000
WORKERS = tuple(kind for kind in WorkKind if kind not in {WorkKind.DELIVER, WorkKind.DELIVER_MASTER})
Upload = Callable[..., str]


def connect(client: TestClient, customer: Customer, **members: Any) -> dict[str, Any]:
    made = client.post("/v1/storage-connections", json=customer.members(**members))
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/v1/storage-connections/{made.json()['id']}"
    return dict(made.json())


class Stitchers:
    """Workers that leave a real master in the store, and one that delivers it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        open_bucket = partial(CustomerBucket, settings=OPENED, resolve=resolve, attempts=1)
        handlers = Handlers()
        handlers.add(
            "deliver_master",
            DeliverMasterHandler(services.database, lambda _: None, services.secrets, services.store, open_bucket),
        )
        self._runner = Runner(services.database, lambda _: None, handlers, QueueSettings(backoff=0.0, max_attempts=3))

    def make(self) -> None:
        """All masters that are asked for."""
        work_through(self._services, *WORKERS, answer=self._answer)

    def deliver(self) -> None:
        """All of them, with all attempts."""
        while self._runner.run_next("stitch"):
            pass

    def _answer(self, kind: str, task: Any) -> Frozen:
        if kind != "stitch":
            return results.answer(kind, task)
        made = results.stitch(StitchTask.model_validate(task))
        facts = {"sha256": hashlib.sha256(MASTER).hexdigest(), "size_bytes": len(MASTER)}
        picture = made.receipt.output_video.model_copy(update=facts)
        receipt = made.receipt.model_copy(update={"output_video": picture})
        self._services.store.put_bytes(output_key(task.job_id, ".mp4"), MASTER)
        self._services.store.put_bytes(receipt_key(task.job_id), receipt.model_dump_json().encode())
        return made.model_copy(update={"receipt": receipt, "output_filename": f"{task.name or 'film.pt'}.mp4"})


@pytest.fixture
def stitchers(services: Services) -> Stitchers:
    return Stitchers(services)


def test_a_connection_is_made_tested_listed_rotated_and_deleted_and_never_shows_its_secret(
    client: TestClient, customer: Customer, sessions: sessionmaker[Session]
) -> None:
    made = connect(client, customer, prefix="/dubbed/north/")
    place = f"/v1/storage-connections/{made['id']}"
    assert (made["prefix"], made["access_key"], made["rotated_at"]) == ("dubbed/north/", customer.bucket.access_key, None)
    assert client.get(place).json() == made
    assert client.get("/v1/storage-connections").json()["items"] == [made]
    tested = client.post(f"{place}/test", headers={"Idempotency-Key": "t"}).json()
    assert tested["ok"], tested
    assert [step["step"] for step in tested["steps"]] == ["write", "read", "delete"]
    assert list(customer.store.list_keys("dubbed/")) == []
    spoiled = client.post(f"{place}/rotate", json={"access_key": "nobody", "secret_key": "none"}).json()
    assert (spoiled["access_key"], spoiled["rotated_at"] is None) == ("nobody", False)
    again = client.post(f"{place}/test").json()
    assert ([step["ok"] for step in again["steps"]], again["ok"]) == ([False, False, None], False)
    assert "rotate the connection" in again["steps"][0]["suggestion"]
    assert client.post(f"{place}/test", headers={"Idempotency-Key": "t"}).json() == tested
    with sessions() as session:
        stored = session.scalars(select(StorageConnection.secret_key)).one()
        assert stored != "none"
        rows = json.dumps([str(row) for row in session.execute(text("SELECT * FROM idempotency_keys")).all()])
    for answer in (json.dumps([made, spoiled, tested, again]), rows, repr(customer.bucket)):
        assert customer.bucket.secret_key not in answer
    assert client.post(f"{place}/delete").json()["id"] == made["id"]
    problem(client.get(place), 404, "not_found")


@pytest.mark.parametrize(
    "endpoint",
    [
        *("ftp://s3.example.com", "https://s3.example.com/bucket", "https://me:word@s3.example.com", "http://s3.example.com"),
        *("https://127.0.0.1", "https://2130706433", "https://169.254.169.254", "https://[::1]", "https://10.0.0.1"),
    ],
)
def test_an_endpoint_that_leads_inside_is_refused_at_once(client: TestClient, customer: Customer, endpoint: str) -> None:
    refused = problem(client.post("/v1/storage-connections", json=customer.members(endpoint=endpoint)), 422, "url_not_allowed")
    assert refused["where"]["pointer"] == "/endpoint"


def test_a_test_of_what_leads_inside_or_of_another_organisation_asks_nobody(
    client: TestClient, customer: Customer, services: Services
) -> None:
    inside = connect(client, customer, endpoint=f"http://{HOST}:1", name="inside")
    answers = {step["ok"] for step in client.post(f"/v1/storage-connections/{inside['id']}/test").json()["steps"]}
    assert answers == {False, None}
    other = authorised(services, organisation_id="other")
    body = {"access_key": "a", "secret_key": "b"}
    for call, sent in (("test", None), ("rotate", body), ("delete", None)):
        answer = client.post(f"/v1/storage-connections/{inside['id']}/{call}", json=sent, headers=other)
        problem(answer, 404, "not_found")
    problem(client.get(f"/v1/storage-connections/{inside['id']}", headers=other), 404, "not_found")
    assert client.get("/v1/storage-connections", headers=other).json()["items"] == []
    source = {"type": "s3", "url": "s3://studio/a.mp4", "connection": inside["id"]}
    hidden = client.post("/v1/titles", json={"name": "x", "video": source}, headers=other)
    assert problem(hidden, 404, "not_found")["where"]["pointer"] == "/video/connection"


def test_a_master_and_its_receipt_are_delivered_and_the_connection_is_needed_until_then(
    client: TestClient, customer: Customer, body: dict[str, Any], stitchers: Stitchers
) -> None:
    connection = connect(client, customer, prefix="out")
    output = {"destination": {"connection": connection["id"], "prefix": "S01/pt"}}
    made = client.post("/v1/lipsyncs", json={**body, "output": output}).json()
    job, delete = f"/v1/jobs/{made['id']}", f"/v1/storage-connections/{connection['id']}/delete"
    assert made["delivery"]["status"] == "waiting"
    assert problem(client.post(delete), 409, "conflict")["where"]["used_by"] == [made["id"]]
    problem(client.post(f"{job}/deliver", json={}), 409, "conflict")
    stitchers.make()
    assert client.get(job).json()["status"] == "succeeded"
    assert client.get(job).json()["delivery"]["status"] == "pending"
    assert problem(client.post(delete), 409, "conflict")["where"]["used_by"] == [made["id"]]
    stitchers.deliver()
    delivery = client.get(job).json()["delivery"]
    assert (delivery["status"], delivery["error"]) == ("delivered", None)
    assert delivery["url"] == "s3://studio/out/S01/pt/film.pt.mp4"
    assert delivery["receipt_url"] == "s3://studio/out/S01/pt/film.pt.receipt.json"
    assert customer.store.get_bytes("out/S01/pt/film.pt.mp4") == MASTER
    assert json.loads(customer.store.get_bytes("out/S01/pt/film.pt.receipt.json")) == client.get(f"{job}/receipt").json()
    with client.stream("GET", f"{job}/events") as stream:
        lines = [line for line in stream.iter_lines() if line.startswith("event: ")]
    assert lines[-2:] == ["event: job.succeeded", "event: job.delivered"]
    assert client.post(delete).status_code == 200
    gone = client.get(job).json()["delivery"]
    assert (gone["connection"], gone["status"]) == (None, "delivered")
    assert problem(client.post(f"{job}/deliver", json={}), 409, "conflict")["suggestions"] == ["name a destination"]


def test_a_bucket_that_refuses_or_is_away_loses_no_master_and_one_call_delivers_it(
    client: TestClient, customer: Customer, body: dict[str, Any], stitchers: Stitchers
) -> None:
    connection = connect(client, customer, secret_key="wrong")  # noqa: S106 - on purpose
    away = connect(client, customer, endpoint=f"http://{HOST}:1")
    for place, code in ((connection, "delivery_failed"), (away, "delivery_interrupted")):
        output = {"destination": {"connection": place["id"], "prefix": "late"}}
        made = client.post("/v1/lipsyncs", json={**body, "output": output}).json()
        job = f"/v1/jobs/{made['id']}"
        stitchers.make()
        stitchers.deliver()
        found = client.get(job).json()
        assert (found["status"], found["links"] is None) == ("succeeded", False)
        assert (found["delivery"]["status"], found["delivery"]["error"]["code"]) == ("failed", code)
        with client.stream("GET", f"{job}/events") as stream:
            assert "event: job.delivery_failed" in list(stream.iter_lines())
        assert problem(client.post(f"{job}/deliver", json={"destination": {"connection": f"con_{UNKNOWN}"}}), 404, "not_found")
    client.post(
        f"/v1/storage-connections/{connection['id']}/rotate",
        json={"access_key": customer.bucket.access_key, "secret_key": customer.bucket.secret_key},
    )
    to = {"destination": {"connection": connection["id"], "prefix": "late"}}
    assert client.post(f"{job}/deliver", json=to).json()["delivery"]["status"] == "pending"
    problem(client.post(f"{job}/deliver", json=to), 409, "conflict")
    stitchers.deliver()
    assert client.get(job).json()["delivery"]["status"] == "delivered"
    assert customer.store.get_bytes("late/film.pt.mp4") == MASTER


def test_a_master_that_is_not_what_it_was_is_not_delivered(
    client: TestClient, customer: Customer, body: dict[str, Any], services: Services, stitchers: Stitchers
) -> None:
    output = {"destination": {"connection": connect(client, customer)["id"], "prefix": "spoiled"}}
    job = client.post("/v1/lipsyncs", json={**body, "output": output}).json()["id"]
    stitchers.make()
    services.store.put_bytes(output_key(job, ".mp4"), MASTER[::-1])
    stitchers.deliver()
    assert client.get(f"/v1/jobs/{job}").json()["delivery"]["error"]["code"] == "checksum_mismatch"
    assert list(customer.store.list_keys("spoiled/")) == []


def test_masters_of_a_language_go_where_it_says_or_where_a_render_says(
    client: TestClient, customer: Customer, upload: Upload, languages: str, stitchers: Stitchers
) -> None:
    connection = connect(client, customer, prefix="t")
    output = {"destination": {"connection": connection["id"], "prefix": "all"}}
    pt = add(client, languages, "pt-BR", sound(upload, "pt.wav"), output=output)
    assert pt["output"] == output
    job = render(client, f"{languages}/pt-BR")["id"]
    other = {"destination": {"connection": connection["id"], "prefix": "once"}}
    stitchers.make()
    again = render(client, f"{languages}/pt-BR", scope="all", output=other)["id"]
    stitchers.make()
    stitchers.deliver()
    places = [client.get(f"/v1/jobs/{one}").json()["delivery"]["url"] for one in (job, again)]
    assert places == ["s3://studio/t/all/Nº-1_pt-BR_v1.mp4", "s3://studio/t/once/Nº-1_pt-BR_v1.mp4"]
    assert customer.store.get_bytes("t/all/Nº-1_pt-BR_v1.mp4") == MASTER
    delete = f"/v1/storage-connections/{connection['id']}/delete"
    assert problem(client.post(delete), 409, "conflict")["where"]["used_by"] == [f"{pt['title']}/pt-BR"]
    place = f"{languages}/pt-BR/output"
    stale = client.put(place, json={"output": None}, headers={"If-Match": '"v99"'})
    problem(stale, 412, "precondition_failed")
    changed = client.put(place, json={"output": None}).json()
    assert (changed["output"], changed["version"]) == (None, pt["version"] + 1)
    assert client.put(place, json={"output": None}).json()["version"] == changed["version"]
    assert client.post(delete).status_code == 200


@pytest.mark.parametrize("approved", [True, False])
def test_a_master_that_waits_for_approval_is_delivered_when_it_is_approved_or_needs_none_any_more(
    client: TestClient, customer: Customer, upload: Upload, languages: str, stitchers: Stitchers, *, approved: bool
) -> None:
    folder = f"approved-{approved}"
    to = {"connection": connect(client, customer)["id"], "prefix": folder}
    add(client, languages, "de", sound(upload, "de.wav"), output={"destination": to}, review="required")
    job = f"/v1/jobs/{render(client, f'{languages}/de')['id']}"
    stitchers.make()
    stitchers.deliver()
    assert client.get(job).json()["delivery"]["status"] == "waiting"
    assert problem(client.post(f"{job}/deliver", json={}), 409, "not_approved")
    kept = client.put(f"{languages}/de/output", json={"output": None})
    assert kept.status_code == 200
    used = problem(client.post(f"/v1/storage-connections/{to['connection']}/delete"), 409, "conflict")["where"]["used_by"]
    assert used == [job.rpartition("/")[2]]
    if approved:
        (review,) = client.get("/v1/reviews", params={"language": "de"}).json()["items"]
        decided = client.post(f"/v1/reviews/{review['id']}/decisions", json={"decision": "approve"})
        assert decided.status_code == 201, decided.text
    else:
        assert client.patch(f"{languages}/de", json={"review": "none"}).status_code == 200
    stitchers.deliver()
    assert client.get(job).json()["delivery"]["status"] == "delivered"
    assert customer.store.get_bytes(f"{folder}/Nº-1_de_v1.mp4") == MASTER


def test_a_job_that_is_tried_again_delivers_where_the_first_was_to(
    client: TestClient, customer: Customer, body: dict[str, Any], stitchers: Stitchers
) -> None:
    connection = connect(client, customer)["id"]
    output = {"destination": {"connection": connection, "prefix": "again"}}
    first = client.post("/v1/lipsyncs", json={**body, "output": output}).json()["id"]
    client.post(f"/v1/jobs/{first}/cancel")
    assert client.get(f"/v1/jobs/{first}").json()["delivery"] is None
    second = client.post(f"/v1/jobs/{first}/retry").json()
    assert second["delivery"]["connection"] == connection
    stitchers.make()
    stitchers.deliver()
    assert customer.store.get_bytes("again/film.pt.mp4") == MASTER
    assert client.post(f"/v1/storage-connections/{connection}/delete").status_code == 200
    problem(client.post(f"/v1/jobs/{first}/retry"), 404, "not_found")


@pytest.mark.parametrize(
    ("url", "connection", "refusal"),
    [
        ("s3://studio/in/film.mp4", f"con_{UNKNOWN}", (404, "not_found", "/video/connection")),
        ("s3://other/in/film.mp4", None, (422, "url_not_allowed", "/video/url")),
        ("s3://studio/out/film.mp4", None, (422, "url_not_allowed", "/video/url")),
        ("s3://studio", None, (422, "invalid_request", "/video/url")),
    ],
)
def test_a_file_must_lie_where_its_connection_leads(
    client: TestClient, customer: Customer, url: str, connection: str | None, refusal: tuple[int, str, str]
) -> None:
    status, code, pointer = refusal
    known = connect(client, customer, prefix="in")["id"]
    video = {"type": "s3", "url": url, "connection": connection or known}
    refused = problem(client.post("/v1/titles", json={"name": "x", "video": video}), status, code)
    assert refused["where"]["pointer"] == pointer
    if code == "url_not_allowed":
        assert "POST /v1/storage-connections" in refused["suggestions"][1]


def test_a_bucket_without_a_connection_is_refused_with_advice(client: TestClient) -> None:
    video = {"type": "url", "url": "s3://studio/film.mp4"}
    refused = problem(client.post("/v1/titles", json={"name": "x", "video": video}), 422, "url_not_allowed")
    assert "connection" in refused["suggestions"][0]


def test_a_server_that_answers_late_keeps_no_transaction_of_the_database(
    client: TestClient, customer: Customer, sessions: sessionmaker[Session]
) -> None:
    server = WebServer()
    idle = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND pid <> pg_backend_pid()"
    held: list[Any] = []

    def look(to: Any) -> None:
        with sessions() as session:
            held.append(session.scalar(text(idle)))
        sending(b"<Error><Code>NoSuchKey</Code></Error>", {}, 404)(to)

    made = connect(client, customer, endpoint=f"http://{HOST}:{server.port}")
    handler: Any = server.http.RequestHandlerClass
    handler.do_PUT = lambda to: (to.rfile.read(int(to.headers["Content-Length"])), look(to))
    assert client.post(f"/v1/storage-connections/{made['id']}/test", headers={"Idempotency-Key": "late"}).status_code == 200
    server.close()
    assert held[0] == 0


def test_an_item_that_ended_twice_tells_of_it_once(
    client: TestClient, customer: Customer, body: dict[str, Any], services: Services, stitchers: Stitchers
) -> None:
    output = {"destination": {"connection": connect(client, customer)["id"]}}
    job = client.post("/v1/lipsyncs", json={**body, "output": output}).json()["id"]
    stitchers.make()
    stitchers.deliver()
    with services.database.sessions().begin() as session:
        item = session.scalars(select(WorkItem.id).where(WorkItem.kind == WorkKind.DELIVER_MASTER)).one()
        UnitOfWork(session).deliveries.settle(item)
    with client.stream("GET", f"/v1/jobs/{job}/events") as stream:
        assert list(stream.iter_lines()).count("event: job.delivered") == 1
