"""Languages of a title: revisions, renders, and what is kept of the master before."""

from typing import Any

import pytest
from api_calls import problem, put_analysis, work_through
from fastapi.testclient import TestClient
from sqlalchemy import select
from title_calls import Upload, add, crops, finish, languages, render, revise, sound, title

from dubbing.db.models import JobNeed, WorkItem
from dubbing.domain.work import CompareResult, WorkKind
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
__all__ = ["languages", "title"]


def kinds(services: Services, job: str) -> list[str]:
    """Kinds of the items that were made since the job was asked for, as often as they were done."""
    with services.database.sessions()() as session:
        needed = select(WorkItem.kind).join(JobNeed, JobNeed.work_item_id == WorkItem.id).where(JobNeed.job_id == job)
        return sorted(session.scalars(needed.order_by(WorkItem.created_at)))


def all_items(services: Services) -> int:
    with services.database.sessions()() as session:
        return len(session.scalars(select(WorkItem.id)).all())


def test_a_second_language_does_no_work_on_the_picture(
    client: TestClient, services: Services, languages: str, upload: Upload
) -> None:
    work_through(services)
    add(client, languages, "pt-BR", sound(upload, "pt.wav", b"p"))
    first = render(client, f"{languages}/pt-BR")["id"]
    work_through(services)
    before = all_items(services)
    add(client, languages, "de", sound(upload, "de.wav", b"d"))
    second = render(client, f"{languages}/de")["id"]
    work_through(services)
    assert client.get(f"/v1/jobs/{second}").json()["status"] == "succeeded"
    # Both need the title's own probe, analysis and faces; only sound, chunks and the master were made for the second.
    assert kinds(services, second) == kinds(services, first)
    assert all_items(services) - before == len(["probe", "infer", "infer", "infer", "stitch"])


def test_a_language_goes_from_draft_to_completed_and_a_new_sound_makes_it_stale(
    client: TestClient, services: Services, languages: str, upload: Upload
) -> None:
    at = f"{languages}/pt-BR"
    made = add(client, languages, "PT-br", sound(upload, "one.wav"))
    assert (made["language"], made["status"], made["revision"], made["delivered"]) == ("pt-BR", "draft", 1, None)
    job = render(client, at)
    assert (job["language"], job["revision"], job["title_name"], job["metadata"]) == ("pt-BR", 1, "Nº 1", {"show": "N"})
    assert client.get(at).json()["status"] == "queued"
    work_through(services)
    done = client.get(at).json()
    assert (done["status"], done["delivered"]["job"]) == ("completed", job["id"])
    changed = client.put(f"{at}/audio", json={"audio": sound(upload, "two.wav", b"y")}).json()
    assert (changed["status"], changed["revision"], changed["delivered"]["revision"]) == ("stale", 2, 1)
    again = render(client, at)
    assert (again["revision"], again["seed"]) == (2, job["seed"])
    work_through(services)
    assert client.get(at).json()["delivered"] | {"links": None} == {
        "job": again["id"], "revision": 2, "status": "succeeded", "review": None, "links": None,
    }  # fmt: skip
    listed = client.get(f"/v1/titles/{done['title']}").json()["languages"]
    assert listed == [{"language": "pt-BR", "status": "completed", "revision": 2}]


def test_the_same_sound_again_is_no_revision_and_the_same_sound_chosen_otherwise_is_one(
    client: TestClient, languages: str, upload: Upload
) -> None:
    audio = sound(upload, "one.wav")
    add(client, languages, "de", audio)
    at = f"{languages}/de/audio"
    assert client.put(at, json={"audio": audio}).json()["revision"] == 1
    assert client.put(at, json={"audio": {**audio, "tracks": [2]}}).json()["revision"] == 2


def test_what_is_not_stale_is_rendered_only_when_all_is_asked_for(
    client: TestClient, services: Services, languages: str, upload: Upload
) -> None:
    add(client, languages, "de", sound(upload, "one.wav"))
    first = render(client, f"{languages}/de")
    problem(client.post(f"{languages}/de/render", json={}), 409, "conflict")
    work_through(services)
    assert "nothing is stale" in problem(client.post(f"{languages}/de/render", json={}), 409, "conflict")["detail"]
    second = render(client, f"{languages}/de", scope="all", priority=5)
    assert (second["id"] != first["id"], second["priority"], second["seed"]) == (True, 5, first["seed"])


def test_a_revision_that_changes_one_line_generates_the_chunks_that_hear_it_and_keeps_the_rest(
    client: TestClient, services: Services, languages: str, upload: Upload
) -> None:
    at = f"{languages}/de"
    add(client, languages, "de", sound(upload, "one.wav"))
    first = render(client, at)["id"]
    work_through(services)
    second = revise(client, services, at, sound(upload, "two.wav", b"y"), (230, 240))
    before, after = crops(services, first), crops(services, second)
    assert [before[chunk] == after[chunk] for chunk in (0, 1, 2)] == [True, True, False]
    # A change of a change: what the third keeps of the second may be the first's.
    third = crops(services, revise(client, services, at, sound(upload, "three.wav", b"z"), (3, 4)))
    assert [third[0] in (before[0], after[0]), third[1] == before[1], third[2] == after[2]] == [False, True, True]
    progress = client.get(f"/v1/jobs/{second}").json()["progress"]
    assert (progress["chunks"], progress["frames"]) == ({"done": 3, "total": 3}, {"done": 250, "total": 250})


def test_frames_that_were_there_before_are_not_counted_as_speed(
    client: TestClient, services: Services, languages: str, upload: Upload
) -> None:
    add(client, languages, "de", sound(upload, "one.wav"))
    render(client, f"{languages}/de")
    work_through(services)
    again = render(client, f"{languages}/de", scope="all")["id"]
    finish(services, CompareResult(changed=(), level=None))
    assert client.get(f"/v1/jobs/{again}").json()["progress"]["fps"] is None


@pytest.mark.parametrize(
    "asked",
    [
        {"scope": "shots", "shots": [1], "seed": 99},
        {"scope": "ranges", "ranges": [{"start": 4.5, "end": 6}], "seed": 99},
        {"scope": "ranges", "ranges": [{"start": "00:00:09:24", "end": "00:00:10:00"}], "seed": 99},
    ],
)
def test_other_mouths_for_one_shot_stay_its_own_in_later_revisions(
    client: TestClient, services: Services, languages: str, upload: Upload, asked: dict[str, Any]
) -> None:
    at = f"{languages}/de"
    add(client, languages, "de", sound(upload, "one.wav"))
    first = render(client, at)["id"]
    work_through(services)
    put_analysis(services)
    second = render(client, at, **asked)
    finish(services, CompareResult(changed=(), level=None))
    before, after = crops(services, first), crops(services, second["id"])
    # The results' chunks 0 and 1 are of shot 0, chunk 2 is of shot 1.
    assert [before[chunk] == after[chunk] for chunk in (0, 1, 2)] == [True, True, False]
    assert client.get(at).json()["seeds"] == {"1": 99}
    third = crops(services, revise(client, services, at, sound(upload, "two.wav", b"y"), (3, 4)))
    assert third[2] == after[2]


@pytest.mark.parametrize(
    "asked",
    [
        {"scope": "shots"},
        {"scope": "shots", "shots": [2]},
        {"scope": "ranges", "ranges": [{"start": 9, "end": 11}]},
        {"scope": "ranges", "ranges": [{"start": 2, "end": 2}]},
        {"scope": "ranges", "ranges": [{"start": "00:00:01:25", "end": "00:00:02:00"}]},
        {"scope": "ranges", "ranges": [{"start": "00:00:01;10", "end": "00:00:02;00"}]},
    ],
)
def test_a_shot_or_a_time_that_the_picture_does_not_have_is_refused_and_changes_nothing(
    client: TestClient, services: Services, languages: str, upload: Upload, asked: dict[str, Any]
) -> None:
    add(client, languages, "de", sound(upload, "one.wav"))
    problem(client.post(f"{languages}/de/render", json={"scope": "shots", "shots": [0]}), 422, "no_such_shot")
    work_through(services)
    put_analysis(services)
    problem(client.post(f"{languages}/de/render", json=asked), 422, "no_such_shot")
    shown = client.get(f"{languages}/de").json()
    assert (shown["seeds"], shown["latest"], shown["version"]) == ({}, None, 1)


def test_masters_are_called_by_title_language_and_revision(
    client: TestClient, services: Services, languages: str, upload: Upload
) -> None:
    add(client, languages, "de", sound(upload, "one.wav"), filename="{title} ({language}) rev{revision}")
    render(client, f"{languages}/de")
    work_through(services, WorkKind.PROBE, WorkKind.PREPARE, WorkKind.ENCODE_FACE, WorkKind.ENCODE_SPEECH, WorkKind.INFER)
    with services.database.sessions()() as session:
        (payload,) = session.scalars(select(WorkItem.payload).where(WorkItem.kind == "stitch"))
    assert payload["name"] == "Nº-1-de-rev1"


def test_of_two_who_replace_a_sound_at_once_the_second_is_told(client: TestClient, languages: str, upload: Upload) -> None:
    at = f"{languages}/de"
    add(client, languages, "de", sound(upload, "one.wav"))
    read = client.get(at).headers["ETag"]
    assert client.put(f"{at}/audio", json={"audio": sound(upload, "a.wav")}, headers={"If-Match": read}).status_code == 200
    late = client.put(f"{at}/audio", json={"audio": sound(upload, "b.wav")}, headers={"If-Match": read})
    problem(late, 412, "precondition_failed")
    assert client.get(at).json()["revision"] == 2


@pytest.mark.parametrize("tag", ["pt-BX", "xq"])
def test_a_language_that_nobody_registered_is_refused(client: TestClient, languages: str, upload: Upload, tag: str) -> None:
    problem(client.post(languages, json={"language": tag, "audio": sound(upload, "a.wav")}), 422, "unknown_language")
    problem(client.get(f"{languages}/{tag}"), 422, "unknown_language")
