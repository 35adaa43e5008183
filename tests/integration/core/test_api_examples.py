"""Every call has an example, and each was sent to a real installation: the story below makes ``services/api/examples.json``.

``make examples`` writes the file anew.
"""

import json
import os
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
from api_calls import UNKNOWN, app_of, authorised, put_analysis, work_through
from batch_story import tell_of_batches
from bucket_story import tell_of_buckets
from customer_store import Customer
from example_story import Story, story_file
from fastapi.testclient import TestClient
from full_receipt import LOST, full
from places import ROOT
from review_story import tell_of_reviews
from training_rows import OFFER, make_run, version

from dubbing.db.models import Asset, Job
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.jobs import JobState
from dubbing.domain.people import Role, TokenBearer
from dubbing.domain.training import RunState
from dubbing.domain.webhooks import Attempt
from dubbing.domain.work import StitchResult
from dubbing.errors import NotAudio
from dubbing.ids import preview_key
from services.api import examples
from services.api.bootstrap import Services

pytestmark = pytest.mark.stack
FILE = ROOT / "services/api/examples.json"
DUE = "2036-10-12T08:00:00+02:00"  # it stays as it is, being in no need of UTC: examples can be sent, and are promised
FIGURE = {"name": "psnr_mouth", "candidate": 31.2, "incumbent": 30.9, "better": "higher", "slack": 0.1, "passed": True}


@pytest.fixture
def document(services: Services) -> dict[str, Any]:
    return app_of(services).openapi()


@pytest.fixture
def story(services: Services, document: dict[str, Any]) -> Iterator[Story]:
    app = app_of(services)
    with TestClient(app, raise_server_exceptions=False, headers=authorised(services)) as client:
        app.state.submitter.stop()
        yield Story(client, document)


def tell_of_a_dub(story: Story, services: Services) -> None:
    film, track = send(story, "film.mp4", b"f" * 1000), send(story, "track.wav", b"t" * 800, wholly=False)
    story.tell("create_upload", "empty-file", 422, {"filename": "empty.mp4", "size": 0})
    story.tell("list_models", "all")
    shortest = {"video": {"type": "asset", "id": film}, "audio": {"type": "asset", "id": track}}
    job = story.tell("create_lipsync", "shortest", 202, shortest)["id"]
    whole = {
        "video": {**shortest["video"], "track": 1},
        "audio": {**shortest["audio"], "tracks": [1], "channels": [1, 2]},
        "model": "tiny",
        "sync": {"mode": "cut_off", "tolerance_frames": 0},
        "options": {"on_no_face": "passthrough"},
        "seed": 7,
        "priority": 10,
        "deadline": DUE,
        "deadline_policy": "require",
        "metadata": {"title": "Nº 1", "language": "pt-BR"},
    }
    other = story.tell("create_lipsync", "every-member", 202, whole)["id"]
    story.tell("create_lipsync", "too-late", 409, {**shortest, "deadline": "2026-10-12T06:00:00Z"})
    film_at = {"type": "url", "url": "https://studio.example.com/film.mp4?signature=...", "sha256": "1" * 64, "track": 1}
    track_at = {"type": "url", "url": "https://studio.example.com/track.wav", "tracks": [1]}
    remote = story.tell("create_lipsync", "files-at-urls", 202, {"video": film_at, "audio": track_at})["id"]
    story.tell("cancel_job", "waiting-for-files", 202, job_id=remote)
    nothing = {**shortest, "audio": {"type": "asset", "id": f"ast_{UNKNOWN}"}}
    story.tell("create_lipsync", "no-such-asset", 404, nothing)
    story.tell("read_receipt", "too-early", 404, job_id=job)
    story.tell("cancel_job", "waiting", 202, job_id=other)
    story.tell("list_job_shots", "not-analysed-yet", job_id=job)
    work_through(services)
    finish(services, job)
    story.tell("read_job", "ended", job_id=job)
    story.tell("read_receipt", "ended", job_id=job)
    story.tell("job_events", "from-the-first", job_id=job, last_event_id=0)
    story.tell("cancel_job", "ended", 409, job_id=job)
    page = story.tell("list_jobs", "newest", limit=1)
    story.tell("list_jobs", "next-page", limit=1, cursor=page["next_cursor"])
    story.tell("list_jobs", "chosen", status=["succeeded_with_warnings"], created_after="2026-10-12T06:00:00Z")
    story.tell("list_jobs", "no-such-page", 422, cursor="page2")
    story.tell("read_asset", "probed", asset_id=film)
    put_analysis(services)
    story.tell("list_job_shots", "ended", job_id=job)
    tell_of_what_would_become(story, whole, nothing)
    story.tell("create_upload", "waiting", 201, {"filename": "later.wav", "size": 9})
    story.tell("list_uploads", "open", limit=1)
    story.tell("list_assets", "newest", limit=1)
    story.tell("list_assets", "of-these-bytes", sha256="1" * 64, limit=1, created_after="2026-01-12T06:00:00Z")
    story.tell("delete_asset", "in-use", 409, asset_id=film)
    story.tell("delete_asset", "nobody-uses-it", 200, asset_id=story_file(services, "spare.wav"))
    story.tell("retry_job", "cancelled", 202, job_id=other)
    waiting = story.tell("retry_job", "cancelled-again", 202, job_id=other)["id"]
    story.tell("retry_job", "ended-well", 409, job_id=job)
    story.tell("reprioritize_job", "sooner", 202, {"priority": 50, "deadline": DUE}, job_id=waiting)
    story.tell("reprioritize_job", "ended", 409, {"priority": 50}, job_id=job)
    story.tell("promote_job", "same-weights", 409, {"model": "tiny"}, job_id=job)
    with services.database.sessions().begin() as session:
        row = session.get_one(Job, job)
        row.models = {**(row.models or {}), "student": {"name": "lip_student_tiny", "digest": "0" * 64}}
    story.tell("promote_job", "other-weights", 202, {"model": "tiny"}, job_id=job)
    fail(services, other)
    story.tell("read_job", "failed", job_id=other)


def tell_of_what_would_become(story: Story, whole: dict[str, Any], nothing: dict[str, Any]) -> None:
    story.tell("preflight_lipsync", "every-member", 200, whole)
    plain = {role: {"type": "asset", "id": whole[role]["id"]} for role in ("video", "audio")}
    story.tell("preflight_lipsync", "analysed-already", 200, plain)
    story.tell("preflight_lipsync", "no-such-asset", 200, nothing)
    remote = {"type": "url", "url": "https://studio.example.com/film.mp4?signature=...", "sha256": "1" * 64}
    story.tell("create_asset", "at-a-url", 201, remote)
    story.tell("create_asset", "no-web-address", 422, {"type": "url", "url": "ftp://studio.example.com/film.mp4"})


def tell_of_keys(story: Story) -> None:
    key = story.tell("create_key", "that-only-reads", 201, {"name": "dashboard"})["id"]
    every = {"name": "uploader", "scopes": ["assets:write", "jobs:write"], "expires_at": "2099-10-12T06:00:00Z"}
    story.tell("create_key", "every-member", 201, every)
    story.tell("list_keys", "newest", limit=1)
    story.tell("read_key", "one", key_id=key)
    story.tell("rotate_key", "for-a-day", 200, {"overlap_hours": 24}, key_id=key)
    story.tell("revoke_key", "at-once", 200, key_id=key)
    story.tell("rotate_key", "revoked", 409, {}, key_id=key)


def tell_of_people(story: Story, services: Services) -> None:
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        owner = work.people.owner("default", "local", "Owner of the local stack")
        token = work.people.sign_in_token(owner, 60)
        provider = "https://login.studio.example"
        came = work.people.seen(TokenBearer("default", provider, "248289761001", name="Ann", email="ann@studio.example")).id
        said = work.people.seen(TokenBearer("default", provider, "248289761002", Role.PRODUCER, "Ben")).id
    story.tell("create_session", "once", 201, {"token": token})
    story.tell("create_session", "used-already", 401, {"token": token})
    story.tell("read_me", "a-key")
    story.tell("list_people", "newest", limit=1)
    story.tell("read_person", "without-a-role", person_id=came)
    story.tell("change_person", "a-role", 200, {"role": "reviewer"}, person_id=came)
    story.tell("change_person", "the-provider-says-it", 409, {"role": "auditor"}, person_id=said)
    story.tell("disable_person", "shut-out", person_id=came)
    story.tell("enable_person", "let-in-again", person_id=came)


def tell_of_a_title(story: Story, services: Services) -> None:
    film, track = (story_file(services, name) for name in ("episode.mp4", "episode.pt.wav"))
    picture = {"type": "asset", "id": film}
    title = story.tell("create_title", "shortest", 201, {"name": "Pilot", "video": picture})["id"]
    every = {"name": "Episode 1", "video": {**picture, "track": 1}, "external_id": "S01E01", "metadata": {"show": "North"}}
    story.tell("create_title", "every-member", 201, every)
    story.tell("create_title", "external-id-is-taken", 409, every)
    story.tell("read_analysis", "under-way", title_id=title)
    job = story.tell("read_title", "new", title_id=title)["analysis"]["job"]
    story.tell("change_title", "a-name", 200, {"name": "Pilot, new cut"}, title_id=title, **{"If-Match": '"v1"'})
    story.tell("change_title", "somebody-was-faster", 412, {"name": "Pilot"}, title_id=title, **{"If-Match": '"v1"'})
    with services.database.sessions().begin() as session:
        UnitOfWork(session).jobs.finish(job, JobState.CANCELED)
    story.tell("analyze_title", "after-it-was-cancelled", 202, title_id=title)
    story.tell("analyze_title", "under-way", 409, title_id=title)
    audio = {"type": "asset", "id": track}
    place = {"title_id": title, "language": "pt-BR"}
    story.tell("add_language", "shortest", 201, {"language": "pt-BR", "audio": audio}, title_id=title)
    whole = {
        "language": "de",
        "audio": {**audio, "tracks": [1], "channels": [1, 2]},
        "model": "tiny",
        "sync": {"mode": "cut_off", "tolerance_frames": 0},
        "seed": 7,
        "filename": "{title}_{language}_v{revision}",
        "metadata": {"studio": "B"},
    }
    story.tell("add_language", "every-member", 201, whole, title_id=title)
    story.tell("add_language", "no-such-language", 422, {"language": "pt-BX", "audio": audio}, title_id=title)
    story.tell("render_language", "what-is-stale", 202, {}, **place)
    story.tell("render_language", "nothing-is-stale", 409, {"scope": "stale"}, **place)
    work_through(services)
    put_analysis(services)
    story.tell("read_analysis", "ended", title_id=title)
    story.tell("read_language", "rendered", **place)
    story.tell("replace_audio", "a-new-sound", 200, {"audio": {**audio, "channels": [1]}}, **place)
    story.tell("render_language", "all", 202, {"scope": "all", "model": "tiny", "priority": 5, "deadline": DUE}, **place)
    other = {"scope": "shots", "shots": [1], "seed": 99}
    story.tell("render_language", "other-mouths-for-a-shot", 202, other, **place)
    times = {"scope": "ranges", "ranges": [{"start": "00:00:09:00", "end": "00:00:10:00"}]}
    story.tell("render_language", "other-mouths-for-a-time", 202, times, **place)
    seconds = {"scope": "ranges", "ranges": [{"start": 12.5, "end": 13}]}
    story.tell("render_language", "no-such-time", 422, seconds, **place)
    story.tell("preflight_render", "sounds-are-compared", 200, {"scope": "all"}, **place)
    story.tell("preflight_render", "nothing-is-stale", 200, {}, **place)
    story.tell("list_languages", "all", title_id=title)
    story.tell("list_titles", "newest", limit=1)
    story.tell("list_titles", "chosen", name="Episode 1", external_id="S01E01", created_after="2026-01-12T06:00:00Z")
    story.tell("list_titles", "with-a-language", language="pt-BR", limit=1)
    story.tell("list_jobs", "of-a-language", title=title, language="pt-BR", model="tiny", limit=1)


def send(story: Story, name: str, data: bytes, *, wholly: bool = True) -> str:
    """Upload a file; gives the asset's id."""
    stem = name.partition(".")[0]
    made = story.tell("create_upload", stem, 201, {"filename": name, "size": len(data)})
    upload = made["upload_id"]
    if wholly:
        story.tell("read_upload", "announced", upload_id=upload)
        story.tell("complete_upload", "too-early", 422, {}, upload_id=upload)
    etag = httpx.put(made["parts"][0]["url"], content=data).headers["ETag"].strip('"')
    if wholly:
        story.tell("read_upload", "arrived", upload_id=upload)
        return str(
            story.tell("complete_upload", "with-etags", 200, {"parts": [{"n": 1, "etag": etag}]}, upload_id=upload)["id"]
        )
    return str(story.tell("complete_upload", "what-arrived", 200, {}, upload_id=upload)["id"])


def finish(services: Services, job_id: str) -> None:
    """What the stitcher leaves behind, with everything that a receipt can have."""
    with services.database.sessions().begin() as session:
        job = session.get_one(Job, job_id)
        made = StitchResult.model_validate(job.output)
        output = made.model_copy(update={"receipt": full(made.receipt), "preview_key": preview_key(job_id)})
        job.output, job.warnings = output.model_dump(mode="json"), [LOST.model_dump(mode="json")]
        job.state = "succeeded_with_warnings"
        for asset in session.query(Asset):
            asset.sha256 = "1" * 64


def fail(services: Services, job_id: str) -> None:
    """What a job leaves behind whose track is no sound."""
    with services.database.sessions().begin() as session:
        job = session.get_one(Job, job_id)
        job.state, job.error = "failed", NotAudio("track.wav is no audio.", where={"pointer": "/audio"}).problem()


def tell_of_training(story: Story, services: Services) -> None:
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.runs.offer([OFFER])
    story.tell("list_recipes", "all")
    run = story.tell("start_run", "shortest", 202, {"recipe": OFFER.name})["id"]
    every = {"recipe": OFFER.name, "settings": {"steps": 7, "lr": 0.002, "half": True, "betas": [0.9, 0.99]}, "processes": 2}
    story.tell("start_run", "every-member", 202, every)
    story.tell("start_run", "no-such-recipe", 422, {"recipe": "huge"})
    story.tell("stop_run", "waiting", 202, run_id=run)
    story.tell("run_events", "from-the-first", run_id=run, last_event_id=0)
    story.tell("resume_run", "stopped", 202, run_id=run)
    story.tell("resume_run", "waiting-already", 409, run_id=run)
    story.tell("read_run", "waiting", run_id=run)
    story.tell("list_runs", "newest", limit=1)
    story.tell("publish_run", "too-early", 409, {"share": 1.0}, run_id=run)
    tell_of_versions(story, services)


def tell_of_versions(story: Story, services: Services) -> None:
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        done = make_run(work, state=RunState.SUCCEEDED, candidate_key="x/manifest.json").id
        work.releases.adopt("tiny", version(1))
    made = story.tell("publish_run", "as-a-canary", 202, {"share": 0.5}, run_id=done)
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.releases.get(made["id"]).progress = {"model": "candidate", "done": 3, "of": 24, "eta_seconds": 70.5}
    story.tell("list_versions", "one-is-measured", model="tiny")
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        release = work.releases.get(made["id"])
        release.figures = [FIGURE]
        work.releases.pass_(release, version(2))
    story.tell("promote", "canary", model="tiny")
    story.tell("promote", "no-canary", 404, model="tiny")
    story.tell("roll_back", "to-the-version-before", model="tiny")
    story.tell("roll_back", "nothing-before", 409, model="tiny")


def tell_of_webhooks(story: Story, services: Services) -> None:
    hook = {"url": "https://hooks.example.com/dubline"}
    story.tell("create_webhook_endpoint", "chat", 201, {"url": "https://chat.example.com/hooks/T0/B0", "format": "chat"})
    story.tell("create_webhook_endpoint", "leads-inside", 422, {"url": "https://169.254.169.254/"})
    whole = {**hook, "format": "standard", "events": ["job.succeeded", "job.failed"], "description": "The studio's queue"}
    endpoint = story.tell("create_webhook_endpoint", "every-member", 201, whole)["id"]
    story.tell("list_webhook_endpoints", "newest", limit=1)
    story.tell("read_webhook_endpoint", "one", endpoint_id=endpoint)
    changes = {"url": f"{hook['url']}/2", "events": ["job.succeeded", "job.failed", "job.canceled"], "description": "Ours"}
    story.tell("change_webhook_endpoint", "every-member", 200, changes, endpoint_id=endpoint)
    story.tell("rotate_webhook_secret", "both-sign", endpoint_id=endpoint)
    delivery = story.tell("test_webhook_endpoint", "sent", 202, endpoint_id=endpoint)["id"]
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        found = work.webhooks.lock(endpoint)
        assert found is not None
        for answer in ({"error": "endpoint_unreachable: hooks.example.com did not answer within 15 s."}, {"status": 204}):
            work.webhooks.record(found, delivery, Attempt(work.now(), 12.5, **answer), services.webhooks)
    story.tell("list_webhook_deliveries", "newest", limit=1, endpoint_id=endpoint)
    story.tell("read_webhook_delivery", "at-the-second-attempt", endpoint_id=endpoint, delivery_id=delivery)
    story.tell("replay_webhook_delivery", "once-more", 202, endpoint_id=endpoint, delivery_id=delivery)
    story.tell("disable_webhook_endpoint", "on-request", endpoint_id=endpoint)
    story.tell("replay_webhook_delivery", "disabled", 409, endpoint_id=endpoint, delivery_id=delivery)
    story.tell("test_webhook_endpoint", "disabled", 409, endpoint_id=endpoint)
    story.tell("enable_webhook_endpoint", "again", endpoint_id=endpoint)
    story.tell("delete_webhook_endpoint", "one", endpoint_id=endpoint)
    story.tell("read_webhook_endpoint", "deleted", 404, endpoint_id=endpoint)


def tell_of_the_api_itself(story: Story) -> None:
    story.tell("healthz", "alive")
    story.tell("readyz", "ready")
    story.tell("metrics", "this-replica")
    story.tell("platform_metrics", "platform")
    story.tell("list_errors", "all")
    story.tell("list_errors_as_markdown", "all")
    story.tell("explain_error", "one", name="not-found")
    story.tell("explain_error", "no-such-error", 404, name="none-such")
    story.tell("explain_error_as_markdown", "one", name="not-found")
    story.tell("list_pages", "all")
    story.tell("read_page", "reference", page="reference/api.md")


def test_the_examples_are_what_a_real_installation_answered(story: Story, services: Services, customer: Customer) -> None:
    tell_of_the_api_itself(story)
    tell_of_keys(story)
    tell_of_people(story, services)
    tell_of_a_dub(story, services)
    tell_of_a_title(story, services)
    tell_of_reviews(story, services)
    tell_of_batches(story, services)
    tell_of_training(story, services)
    tell_of_webhooks(story, services)
    tell_of_buckets(story, services, customer)
    made = json.dumps([one._asdict() for one in story.exchanges], indent=1, ensure_ascii=False) + "\n"
    if "EXAMPLES_WRITE" in os.environ:
        FILE.write_text(made, encoding="utf-8")
    assert json.loads(made) == json.loads(FILE.read_text(encoding="utf-8")), "make examples"


def test_every_operation_and_every_schema_has_an_example(document: dict[str, Any]) -> None:
    shown = {one.operation for one in examples.exchanges()}
    assert {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()} == shown
    assert [name for name, schema in document["components"]["schemas"].items() if not schema.get("examples")] == []


def test_every_example_is_of_its_schema(document: dict[str, Any]) -> None:
    shown = [
        ({"$ref": f"#/components/schemas/{name}"}, one["examples"][0])
        for name, one in document["components"]["schemas"].items()
    ]
    for place in places(document["paths"]):
        shown += [(place["schema"], example["value"]) for example in place["examples"].values()]
    assert len(shown) > 150
    for schema, example in shown:
        whole = {**schema, "components": document["components"]}
        jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(example)


def places(part: Any) -> Iterator[dict[str, Any]]:
    """Every parameter and body of the document that has examples."""
    if isinstance(part, dict) and {"examples", "schema"} <= part.keys():
        yield part
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from places(inner)


def test_a_request_and_its_answer_have_the_same_name(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/lipsyncs"]["post"]
    asked = operation["requestBody"]["content"]["application/json"]["examples"]
    answered = [
        name
        for answer in operation["responses"].values()
        for media in answer["content"].values()
        for name in media.get("examples", ())
    ]
    names = ["every-member", "files-at-urls", "from-and-to-a-bucket", "no-such-asset", "shortest", "too-late"]
    assert sorted(asked) == sorted(answered) == names


def test_every_operation_is_in_a_described_group_and_names_every_status(document: dict[str, Any]) -> None:
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    for methods in document["paths"].values():
        for operation in methods.values():
            assert set(operation["tags"]) <= described
            assert "default" not in operation["responses"]
            assert operation["description"]
            assert all(answer["description"] for answer in operation["responses"].values())
