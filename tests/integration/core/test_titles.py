"""Titles and their languages over real PostgreSQL, Redis and S3: one analysis, many languages, revisions, who was faster."""

from collections.abc import Callable
from typing import Any

import platform_results as results
import pytest
from api_calls import UNKNOWN, authorised, problem, put_analysis, work_through
from fastapi.testclient import TestClient
from sqlalchemy import select

from dubbing.db.models import JobNeed, WorkItem
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.findings import FrameRange
from dubbing.domain.work import CompareResult, StitchTask, WorkKind
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
Upload = Callable[..., str]


@pytest.fixture
def title(client: TestClient, upload: Upload) -> dict[str, Any]:
    """A title whose picture waits to be analysed."""
    film = {"type": "asset", "id": upload("film.mp4")}
    made = client.post("/v1/titles", json={"name": "Nº 1", "video": film, "external_id": "S01E01", "metadata": {"show": "N"}})
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"/v1/titles/{made.json()['id']}"
    return dict(made.json())


@pytest.fixture
def languages(title: dict[str, Any]) -> str:
    return f"/v1/titles/{title['id']}/languages"


def sound(upload: Upload, name: str, fill: bytes = b"x") -> dict[str, str]:
    return {"type": "asset", "id": upload(name, fill * 1000)}


def add(client: TestClient, languages: str, tag: str, audio: dict[str, str], **members: Any) -> dict[str, Any]:
    made = client.post(languages, json={"language": tag, "audio": audio, **members})
    assert made.status_code == 201, made.text
    return dict(made.json())


def render(client: TestClient, language: str, **members: Any) -> dict[str, Any]:
    asked = client.post(f"{language}/render", json=members)
    assert asked.status_code == 202, asked.text
    return dict(asked.json())


def kinds(services: Services, job: str) -> list[str]:
    """Kinds of the items that were made since the job was asked for, as often as they were done."""
    with services.database.sessions()() as session:
        needed = select(WorkItem.kind).join(JobNeed, JobNeed.work_item_id == WorkItem.id).where(JobNeed.job_id == job)
        return sorted(session.scalars(needed.order_by(WorkItem.created_at)))


def all_items(services: Services) -> int:
    with services.database.sessions()() as session:
        return len(session.scalars(select(WorkItem.id)).all())


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
        "job": again["id"], "revision": 2, "status": "succeeded", "links": None,
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


def revise(client: TestClient, services: Services, language: str, audio: dict[str, str], *changed: tuple[int, int]) -> str:
    """Renders another sound, which differs from the one before in these frames; gives the job."""
    assert client.put(f"{language}/audio", json={"audio": audio}).status_code == 200
    job = str(render(client, language)["id"])
    finish(services, CompareResult(changed=tuple(FrameRange(start=a, end=b) for a, b in changed), level=(0.0, 0.1)))
    return job


def finish(services: Services, compared: CompareResult) -> None:
    """Does all work; sounds differ as ``compared`` says."""
    work_through(services, answer=lambda kind, task: compared if kind == "compare" else results.answer(kind, task))


def crops(services: Services, job: str) -> dict[int, str]:
    """Where the generated mouths of each chunk of the job's master lie."""
    with services.database.sessions()() as session:
        (item,) = UnitOfWork(session).items.results(job, [WorkKind.STITCH])
        return StitchTask.model_validate(item.payload).crops


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


def test_of_two_who_replace_a_sound_at_once_the_second_is_told(client: TestClient, languages: str, upload: Upload) -> None:
    at = f"{languages}/de"
    add(client, languages, "de", sound(upload, "one.wav"))
    read = client.get(at).headers["ETag"]
    assert client.put(f"{at}/audio", json={"audio": sound(upload, "a.wav")}, headers={"If-Match": read}).status_code == 200
    late = client.put(f"{at}/audio", json={"audio": sound(upload, "b.wav")}, headers={"If-Match": read})
    problem(late, 412, "precondition_failed")
    assert client.get(at).json()["revision"] == 2


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


@pytest.mark.parametrize("tag", ["pt-BX", "xq"])
def test_a_language_that_nobody_registered_is_refused(client: TestClient, languages: str, upload: Upload, tag: str) -> None:
    problem(client.post(languages, json={"language": tag, "audio": sound(upload, "a.wav")}), 422, "unknown_language")
    problem(client.get(f"{languages}/{tag}"), 422, "unknown_language")


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
        ("GET", at, None), ("PATCH", at, {"name": "x"}), ("GET", f"{at}/analysis", None), ("POST", f"{at}/analyze", None),
        ("GET", languages, None), ("POST", languages, {"language": "fr", "audio": audio}), ("GET", f"{languages}/de", None),
        ("PUT", f"{languages}/de/audio", {"audio": audio}), ("POST", f"{languages}/de/render", {}),
    ]  # fmt: skip
    for method, path, json in calls:
        problem(client.request(method, path, json=json, headers=other), 404, "not_found")
