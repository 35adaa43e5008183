"""Preflight: all problems, lengths and costs of a dub that nobody has made, found without a model."""

from typing import Any

import platform_results as results
import pytest
from api_calls import UNKNOWN, authorised, put_analysis, work_through
from fastapi.testclient import TestClient
from sqlalchemy import select
from title_calls import Upload, add, finish, languages, render, sound, title

from dubbing.db.models import Asset, Job, WorkItem
from dubbing.domain.findings import FrameRange
from dubbing.domain.work import CompareResult, WorkKind
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
__all__ = ["languages", "title"]
READING = (WorkKind.PROBE, WorkKind.COMPARE)


def ask(client: TestClient, at: str, body: dict[str, Any], **headers: Any) -> dict[str, Any]:
    answer = client.post(f"{at}/preflight", json=body, **headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def made(services: Services) -> tuple[int, int, set[str]]:
    """How many jobs and files there are, and the kinds of work that were asked for."""
    with services.database.sessions()() as session:
        kinds = set(session.scalars(select(WorkItem.kind)))
        return len(session.scalars(select(Job.id)).all()), len(session.scalars(select(Asset.id)).all()), kinds


def read_as(services: Services, samples: int) -> None:
    """Does what waits to be read; sounds are so long."""

    def answer(kind: str, task: Any) -> Any:
        found = results.answer(kind, task)
        return found.model_copy(update={"media": results.sound(samples)}) if task.role == "audio" else found

    work_through(services, WorkKind.PROBE, answer=answer)


def test_a_dub_is_judged_as_soon_as_its_files_are_read_and_nothing_is_made(
    client: TestClient, services: Services, body: dict[str, Any]
) -> None:
    early = ask(client, "/v1/lipsyncs", body)
    assert (early["status"], early["waiting_for"], early["video"]) == ("pending", ["video", "audio"], None)
    work_through(services, *READING)
    report = ask(client, "/v1/lipsyncs", body)
    assert (report["status"], report["problems"], report["delta_frames"]) == ("ready", [], 0)
    assert report["video"] == {"frames": 250, "fps": "25/1", "duration_ms": 10_000}
    assert (report["audio"]["samples"], report["audio"]["frames"]) == (480_000, 250.0)
    assert {effect["does"] for effect in report["sync"].values()} == {"fits"}
    assert (report["shots"], report["planned"]) == (None, None)  # the picture is not analysed
    assert report["estimate"]["seconds"] > report["estimate"]["gpu_seconds"] > 0
    assert made(services) == (0, 2, {"probe"})
    client.post("/v1/lipsyncs", json=body)
    work_through(services)
    again = ask(client, "/v1/lipsyncs", {**body, "seed": 2})
    assert (again["shots"], again["planned"]["generated"], again["planned"]["nearly_all"]) == (2, 3, False)
    assert again["estimate"]["gpu_seconds"] < report["estimate"]["gpu_seconds"]  # faces and speech are encoded


@pytest.mark.parametrize(
    ("samples", "delta", "does"),
    [
        (504_000, (13, 500), {"strict": ("refuses", 0), "cut_off": ("cuts", 500), "silence": ("refuses", 0)}),
        (456_000, (-13, -500), {"strict": ("refuses", 0), "cut_off": ("refuses", 0), "silence": ("fills", 500)}),
    ],
)
def test_a_track_of_another_length_is_told_with_what_each_mode_would_do(
    client: TestClient, services: Services, body: dict[str, Any], *, samples: int, delta: Any, does: dict[str, Any]
) -> None:
    read_as(services, samples)
    report = ask(client, "/v1/lipsyncs", body)
    assert (report["status"], [one["code"] for one in report["problems"]]) == ("refused", ["duration_mismatch"])
    assert (report["delta_frames"], report["delta_ms"], report["estimate"]) == (*delta, None)
    assert {mode: (effect["does"], effect["ms"]) for mode, effect in report["sync"].items()} == does


def test_all_problems_are_told_at_once_and_a_url_is_judged_but_not_fetched(
    client: TestClient, services: Services, body: dict[str, Any]
) -> None:
    unknown = {"type": "asset", "id": f"ast_{UNKNOWN}"}
    report = ask(client, "/v1/lipsyncs", {"video": unknown, "audio": {"type": "url", "url": "ftp://studio.example/a.wav"}})
    assert [(one["code"], one["where"]["pointer"]) for one in report["problems"]] == [
        ("not_found", "/video/id"),
        ("url_not_allowed", "/audio/url"),
    ]
    work_through(services, *READING)
    remote = {**body, "audio": {"type": "url", "url": "https://studio.example/a.wav"}}
    report = ask(client, "/v1/lipsyncs", remote)
    assert (report["status"], report["unread"], report["video"]["frames"], report["audio"]) == ("partial", ["audio"], 250, None)
    assert made(services)[:2] == (0, 2)


def test_what_others_have_made_of_the_same_picture_is_not_told(
    client: TestClient, services: Services, body: dict[str, Any]
) -> None:
    client.post("/v1/lipsyncs", json=body)
    work_through(services)
    other = {"headers": authorised(services, organisation_id="other")}
    theirs = {}
    for role in ("video", "audio"):
        with services.database.sessions().begin() as session:
            mine = session.get_one(Asset, body[role]["id"])
            copy = Asset(id=f"ast_{role:0>26}", organisation_id="other", object_key=mine.object_key, filename=mine.filename)
            session.add(copy)
            theirs[role] = {"type": "asset", "id": copy.id}
    ask(client, "/v1/lipsyncs", theirs, **other)
    work_through(services, *READING)
    report = ask(client, "/v1/lipsyncs", theirs, **other)
    assert (report["status"], report["shots"], report["planned"]) == ("ready", None, None)


@pytest.mark.parametrize(("changed", "generated"), [([(230, 240)], 1), ([(0, 250)], 3), ([], 0)])
def test_a_new_revision_is_told_what_of_the_last_master_would_stay(
    client: TestClient, services: Services, languages: str, upload: Upload, *, changed: Any, generated: int
) -> None:
    at = f"{languages}/de"
    add(client, languages, "de", sound(upload, "one.wav"))
    first = ask(client, f"{at}/render", {})
    assert (first["status"], first["waiting_for"]) == ("pending", ["video", "audio"])
    render(client, at)
    work_through(services)
    assert [one["code"] for one in ask(client, f"{at}/render", {})["problems"]] == ["conflict"]  # nothing is stale
    client.put(f"{at}/audio", json={"audio": sound(upload, "two.wav", b"y")})
    read_as(services, 480_001)  # or the sound would be the same file to the platform
    early = ask(client, f"{at}/render", {})
    assert (early["status"], early["waiting_for"], early["planned"]) == ("pending", ["compare"], None)
    compared = CompareResult(changed=tuple(FrameRange(start=a, end=b) for a, b in changed), level=(0.0, 0.1))
    finish(services, compared)
    report = ask(client, f"{at}/render", {})
    assert (report["status"], report["planned"]["chunks"], report["planned"]["generated"]) == ("ready", 3, generated)
    assert report["planned"]["nearly_all"] == (generated == 3)
    before = made(services)
    render(client, at)
    finish(services, compared)
    assert client.get(at).json()["status"] == "completed"
    assert made(services)[2] == before[2]
    with services.database.sessions()() as session:  # the job needs the comparison that is there
        assert len(session.scalars(select(WorkItem.id).where(WorkItem.kind == "compare")).all()) == 1


def test_shots_that_the_picture_does_not_have_are_told_and_no_seed_is_changed(
    client: TestClient, services: Services, languages: str, upload: Upload
) -> None:
    add(client, languages, "de", sound(upload, "one.wav"))
    work_through(services)
    put_analysis(services)
    report = ask(client, f"{languages}/de/render", {"scope": "shots", "shots": [9]})
    assert [one["code"] for one in report["problems"]] == ["no_such_shot"]
    assert ask(client, f"{languages}/de/render", {"scope": "shots", "shots": [1], "seed": 7})["status"] == "ready"
    assert client.get(f"{languages}/de").json()["seeds"] == {}
