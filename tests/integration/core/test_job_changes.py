"""Jobs are tried again, promoted, made more urgent, found by their title, and looked at shot by shot."""

from typing import Any

import pytest
from api_calls import problem, put_analysis, work_through
from fastapi.testclient import TestClient
from sqlalchemy import select
from title_calls import Upload, add, languages, render, sound, title

from dubbing.db.models import Job, WorkItem
from dubbing.domain.work import WorkKind
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
__all__ = ["languages", "title"]


def test_jobs_are_listed_by_title_language_model_and_metadata(
    client: TestClient, title: dict[str, Any], languages: str, upload: Upload, body: dict[str, Any]
) -> None:
    client.post("/v1/lipsyncs", json=body)
    add(client, languages, "de", sound(upload, "de.wav"), metadata={"studio": "B"})
    job = render(client, f"{languages}/de")["id"]

    def listed(**wanted: str) -> list[str]:
        answer = client.get("/v1/jobs", params=wanted)
        assert answer.status_code == 200, answer.text
        return [found["id"] for found in answer.json()["items"]]

    assert listed(title=title["id"]) == [job, title["analysis"]["job"]]
    assert listed(language="de") == listed(**{"metadata.studio": "B", "metadata.show": "N"}) == [job]
    assert len(listed(model="tiny")) == 2
    assert len(listed()) == 3


def test_a_job_that_failed_is_tried_again_as_a_new_job_for_the_same_work(
    client: TestClient, services: Services, languages: str, upload: Upload
) -> None:
    add(client, languages, "de", sound(upload, "one.wav"))
    job = render(client, f"{languages}/de", priority=7)
    problem(client.post(f"/v1/jobs/{job['id']}/retry"), 409, "conflict")
    client.post(f"/v1/jobs/{job['id']}/cancel")
    again = client.post(f"/v1/jobs/{job['id']}/retry")
    assert (again.status_code, again.headers["Location"]) == (202, f"/v1/jobs/{again.json()['id']}")
    same = ("video", "audio", "title", "language", "revision", "seed", "priority", "model", "sync", "metadata")
    assert {name: again.json()[name] for name in same} == {name: job[name] for name in same}
    assert (again.json()["copy_of"], again.json()["status"]) == (job["id"], "queued")
    work_through(services)
    assert client.get(f"{languages}/de").json()["delivered"]["job"] == again.json()["id"]


def test_a_draft_is_promoted_to_another_model_with_its_files_and_its_seed(
    client: TestClient, services: Services, body: dict[str, Any]
) -> None:
    passed = {"deadline": "2026-01-01T00:00:00Z", "deadline_policy": "try"}
    job = client.post("/v1/lipsyncs", json={**body, "seed": 5, **passed}).json()
    problem(client.post(f"/v1/jobs/{job['id']}/promote", json={"model": "1.3b"}), 409, "conflict")
    work_through(services)
    problem(client.post(f"/v1/jobs/{job['id']}/promote", json={"model": "tiny"}), 409, "conflict")
    with services.database.sessions().begin() as session:  # since then, other weights were served
        row = session.get_one(Job, job["id"])
        row.models = {**(row.models or {}), "student": {"name": "lip_student_tiny", "digest": "0" * 64}}
    final = client.post(f"/v1/jobs/{job['id']}/promote", json={"model": "tiny"}).json()
    assert (final["model"], final["seed"], final["video"], final["copy_of"]) == (job["model"], 5, job["video"], job["id"])
    assert final["deadline"] is None  # the draft's has passed


def test_a_job_is_made_more_urgent_with_all_its_waiting_work_and_what_others_need_stays_as_urgent_as_they_are(
    client: TestClient, services: Services, body: dict[str, Any]
) -> None:
    due = "2027-01-01T00:00:00Z"
    one = client.post("/v1/lipsyncs", json={**body, "priority": 1}).json()["id"]
    two = client.post("/v1/lipsyncs", json={**body, "priority": 2}).json()["id"]

    def urgency() -> set[tuple[int, bool]]:
        with services.database.sessions()() as session:
            return {(item.priority, item.deadline is not None) for item in session.scalars(select(WorkItem))}

    assert urgency() == {(2, False)}
    changed = client.post(f"/v1/jobs/{one}/reprioritize", json={"priority": 9, "deadline": due}).json()
    assert (changed["priority"], changed["deadline"]) == (9, due)
    assert urgency() == {(9, True)}
    assert client.post(f"/v1/jobs/{one}/reprioritize", json={"deadline": None}).json()["priority"] == 9
    assert client.post(f"/v1/jobs/{one}/reprioritize", json={"priority": -5}).json()["deadline"] is None
    assert urgency() == {(2, False)}
    client.post(f"/v1/jobs/{two}/cancel")
    problem(client.post(f"/v1/jobs/{two}/reprioritize", json={"priority": 1}), 409, "conflict")


def test_every_shot_of_a_job_says_how_far_it_is(client: TestClient, services: Services, body: dict[str, Any]) -> None:
    job = client.post("/v1/lipsyncs", json=body).json()["id"]
    assert client.get(f"/v1/jobs/{job}/shots").json() == {"items": []}
    work_through(services, WorkKind.PROBE, WorkKind.PREPARE, WorkKind.ENCODE_FACE, WorkKind.ENCODE_SPEECH)
    put_analysis(services)

    def shots() -> list[tuple[str, dict[str, int]]]:
        return [(shot["status"], shot["frames"]) for shot in client.get(f"/v1/jobs/{job}/shots").json()["items"]]

    # The stored analysis has one chunk, in the second shot.
    assert shots() == [("skipped", {"done": 0, "total": 0}), ("waiting", {"done": 0, "total": 50})]
    work_through(services)
    assert shots()[1] == ("done", {"done": 50, "total": 50})
