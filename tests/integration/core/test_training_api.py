"""Training through the API, on real servers: what it takes, what it refuses, and what it tells."""

import json
from typing import Any

import pytest
from api_calls import UNKNOWN, authorised, problem
from fastapi.testclient import TestClient
from training_rows import OFFER, make_run, version

from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.training import RunState
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
USES = pytest.mark.usefixtures("offered")
WRONG = [{"steps": "many"}, {"steps": 1.5}, {"steps": True}, {"half": 1}, {"betas": [0.9]}, {"betas": 0.9}, {"name": 3}]


@pytest.fixture
def offered(services: Services) -> Services:
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.runs.offer([OFFER])
    return services


def start(client: TestClient, **body: Any) -> Any:
    return client.post("/v1/training-runs", json={"recipe": "selftest", **body})


def test_a_run_is_accepted_listed_and_waits(offered: Services, client: TestClient) -> None:
    made = start(client, settings={"steps": 7, "lr": 1}, processes=2)
    assert made.status_code == 202, made.text
    run = made.json()
    assert run["status"] == "queued"
    assert run["settings"] == {"steps": 7, "lr": 1.0}
    assert client.get(f"/v1/training-runs/{run['id']}").json() == run
    start(client)
    first = client.get("/v1/training-runs", params={"limit": 1}).json()
    rest = client.get("/v1/training-runs", params={"cursor": first["next_cursor"]}).json()
    assert [item["id"] for item in rest["items"]] == [run["id"]]
    assert [item["name"] for item in client.get("/v1/training-recipes").json()["items"]] == ["selftest"]
    with unit_of_work(offered.database.sessions(), lambda _: None) as work:
        assert sum(count for count, _ in work.items.waiting().values()) == 2


def test_without_a_trainer_there_are_no_recipes(client: TestClient) -> None:
    members = problem(start(client), 503, "trainer_unavailable")
    assert members["retryable"]
    assert client.get("/v1/training-recipes").json() == {"items": []}


@USES
def test_an_unknown_recipe_names_the_known_ones(client: TestClient) -> None:
    members = problem(start(client, recipe="huge"), 422, "unknown_recipe")
    assert members["suggestions"] == ["use one of selftest"]


@USES
def test_an_unknown_setting_names_the_valid_ones(client: TestClient) -> None:
    members = problem(start(client, settings={"stepz": 1}), 422, "unknown_setting")
    assert members["where"] == {"pointer": "/settings/stepz"}
    assert all(name in members["suggestions"][0] for name in OFFER.settings)


@USES
@pytest.mark.parametrize("settings", WRONG)
def test_a_value_of_the_wrong_type_is_refused(client: TestClient, settings: dict[str, Any]) -> None:
    members = problem(start(client, settings=settings), 422, "invalid_setting")
    assert members["where"] == {"pointer": f"/settings/{next(iter(settings))}"}


@USES
def test_stop_resume_and_their_conflicts(client: TestClient) -> None:
    run = start(client).json()
    path = f"/v1/training-runs/{run['id']}"
    problem(client.post(f"{path}/resume"), 409, "conflict")
    assert client.post(f"{path}/stop").json()["status"] == "stopped"
    assert client.post(f"{path}/stop").json()["status"] == "stopped"
    assert client.post(f"{path}/resume").json()["status"] == "queued"
    problem(client.post(f"{path}/publish", json={}), 409, "conflict")


def test_events_are_streamed_to_the_end_and_from_where_a_reader_was_cut_off(offered: Services, client: TestClient) -> None:
    run = start(client).json()
    path = f"/v1/training-runs/{run['id']}"
    with unit_of_work(offered.database.sessions(), lambda _: None) as work:
        work.runs.lock(run["id"])
        work.runs.event(run["id"], "run.metrics", {"step": 1, "parts": {"x0": 0.5}, "gradient": 1.0})
    client.post(f"{path}/stop")
    text = client.get(f"{path}/events").text
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")[1:]]
    assert [block["event"] for block in blocks] == ["run.queued", "run.metrics", "run.stopped"]
    assert json.loads(blocks[1]["data"])["parts"] == {"x0": 0.5}
    rest = client.get(f"{path}/events", headers={"Last-Event-ID": blocks[1]["id"]}).text
    assert "run.metrics" not in rest
    assert "run.stopped" in rest


def test_a_run_of_another_organisation_is_not_there_and_a_key_without_the_scope_is_refused(
    offered: Services, client: TestClient
) -> None:
    run = start(client).json()
    other = authorised(offered, organisation_id="other")
    problem(client.get(f"/v1/training-runs/{run['id']}", headers=other), 404, "not_found")
    problem(client.post(f"/v1/training-runs/run_{UNKNOWN}/stop"), 404, "not_found")
    reader = authorised(offered, scopes=("training:read",))
    problem(client.post(f"/v1/training-runs/{run['id']}/stop", headers=reader), 403, "forbidden")


@USES
def test_the_same_key_starts_one_run(client: TestClient) -> None:
    answers = [
        client.post("/v1/training-runs", json={"recipe": "selftest"}, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()


def test_versions_are_listed_published_one_at_a_time_and_rolled_back(offered: Services, client: TestClient) -> None:
    def done(work: UnitOfWork) -> str:
        return make_run(work, state=RunState.SUCCEEDED, candidate_key="x/manifest.json").id

    with unit_of_work(offered.database.sessions(), lambda _: None) as work:
        first, second = done(work), done(work)
        work.releases.adopt("tiny", version(1))
    made = client.post(f"/v1/training-runs/{first}/publish", json={"share": 0.5})
    assert made.status_code == 202, made.text
    assert made.json()["status"] == "checking"
    problem(client.post(f"/v1/training-runs/{second}/publish", json={}), 409, "publish_in_progress")
    measuring = {"model": "candidate", "done": 3, "of": 24, "eta_seconds": 70.5}
    with unit_of_work(offered.database.sessions(), lambda _: None) as work:
        work.releases.get(made.json()["id"]).progress = measuring
    assert client.get("/v1/models/tiny/versions").json()["items"][0]["progress"] == measuring
    with unit_of_work(offered.database.sessions(), lambda _: None) as work:
        work.releases.pass_(work.releases.get(made.json()["id"]), version(2))
    listed = client.get("/v1/models/tiny/versions").json()["items"]
    assert [(item["version"], item["status"]) for item in listed] == [(2, "canary"), (1, "active")]
    assert listed[0]["progress"] is None
    assert client.post("/v1/models/tiny/promote").json()["version"] == 2
    assert client.post("/v1/models/tiny/rollback").json()["version"] == 1
    problem(client.post("/v1/models/tiny/rollback"), 409, "conflict")
    problem(client.post("/v1/models/tiny/promote"), 404, "not_found")


def test_a_job_keeps_the_version_that_served_when_it_was_submitted(
    offered: Services, client: TestClient, body: dict[str, Any]
) -> None:
    with unit_of_work(offered.database.sessions(), lambda _: None) as work:
        work.releases.adopt("tiny", version(1))
        run = work.runs.lock(make_run(work, state=RunState.SUCCEEDED, candidate_key="x").id)
        release, _ = work.releases.publish(run, "tiny", 1.0, 4)
    before = client.post("/v1/lipsyncs", json=body).json()
    with unit_of_work(offered.database.sessions(), lambda _: None) as work:
        work.releases.pass_(work.releases.get(release.id), version(2))
    after = client.post("/v1/lipsyncs", json=body).json()
    assert before["model"]["digest"] == version(1).student.digest
    assert after["model"]["digest"] == version(2).student.digest
    assert client.get(f"/v1/jobs/{before['id']}").json()["model"] == before["model"]
