"""A canary while jobs keep coming: its share, an instant way back, and jobs that keep the version they were submitted with."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_calls import app_of, authorised, problem
from fastapi.testclient import TestClient
from training_rows import OFFER, make_run, version
from waiting import LIMIT

from dubbing.db.models import Job
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.jobs import Models
from dubbing.domain.training import ReleaseState, RunState
from dubbing.settings import EngineSettings, TritonSettings
from services.api.bootstrap import Services
from services.api.catalogue import Catalogue

pytestmark = pytest.mark.stack
_CLIENTS = 4
VERSIONS = {version(number).student.digest: number for number in (1, 2)}


def done(work: UnitOfWork) -> str:
    return make_run(work, state=RunState.SUCCEEDED, candidate_key="x/manifest.json").id


@pytest.fixture
def released(services: Services) -> Callable[[float], str]:
    """Version 1 serves; makes version 2 a canary of some share."""

    def released(share: float) -> str:
        with unit_of_work(services.database.sessions(), lambda _: None) as work:
            work.runs.offer([OFFER])
            work.releases.adopt("tiny", version(1))
            release, _ = work.releases.publish(work.runs.lock(done(work)), "tiny", share, 4)
            work.releases.pass_(release, version(2))
            return release.id

    return released


def test_under_load_a_canary_gets_its_share_and_is_taken_back_at_once_while_its_jobs_keep_it(
    services: Services, client: TestClient, body: dict[str, Any], released: Callable[[float], str]
) -> None:
    released(0.5)
    back = threading.Event()

    def submit(_: int) -> tuple[str, int, bool]:
        late = back.is_set()  # the answer to the rollback was there before this request began
        answer = client.post("/v1/lipsyncs", json=body)
        assert answer.status_code == 202, answer.text
        job = answer.json()
        return job["id"], VERSIONS[job["model"]["digest"]], late

    with ThreadPoolExecutor(_CLIENTS) as clients:
        before = list(clients.map(submit, range(100)))
        during = [clients.submit(submit, number) for number in range(10)]
        assert client.post("/v1/models/tiny/rollback").json()["version"] == 1
        back.set()
        after = list(clients.map(submit, range(20)))
        jobs = [*before, *(one.result() for one in during), *after]
    share = Counter(number for _, number, _ in before)
    assert abs(share[2] - 50) <= 23  # 4.6 standard deviations
    assert all(late for _, _, late in after)
    assert {number for _, number, late in jobs if late} == {1}
    with services.database.sessions()() as session:
        kept = {job_id: Models.model_validate(session.get_one(Job, job_id).models) for job_id, _, _ in jobs}
    for job_id, number, _ in jobs:
        pins = (kept[job_id].student, kept[job_id].face_encoder, kept[job_id].speech_encoder)
        assert {pin.version for pin in pins} == {number}


def test_two_runs_that_are_published_in_the_same_moment_one_is_checked_and_the_other_told_to_wait(
    services: Services, client: TestClient
) -> None:
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.runs.offer([OFFER])
        work.releases.adopt("tiny", version(1))
        runs = [done(work) for _ in range(_CLIENTS)]
    together = threading.Barrier(_CLIENTS)

    def publish(run_id: str) -> Any:
        together.wait(LIMIT)
        return client.post(f"/v1/training-runs/{run_id}/publish", json={})

    with ThreadPoolExecutor(_CLIENTS) as clients:
        answers = list(clients.map(publish, runs))
    (taken,) = [answer for answer in answers if answer.status_code == 202]
    for answer in answers:
        if answer is not taken:
            assert problem(answer, 409, "publish_in_progress")["retryable"]
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        states = Counter(release.state for release in work.releases.of("tiny"))
    assert states == {ReleaseState.CHECKING: 1, ReleaseState.ACTIVE: 1}


def test_presets_that_share_encoders_and_are_published_at_once_get_numbers_of_their_own(services: Services) -> None:
    presets = ("1.3b", "14b")
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.runs.offer([OFFER])
        releases = [work.releases.publish(work.runs.lock(done(work)), preset, 1.0, 4)[0].id for preset in presets]
    together = threading.Barrier(len(presets))

    def number(release_id: str) -> int:
        with unit_of_work(services.database.sessions(), lambda _: None) as work:
            together.wait(LIMIT)
            return work.releases.number(release_id, presets, 7)

    with ThreadPoolExecutor(len(presets)) as publishers:
        numbers = list(publishers.map(number, releases))
        assert sorted(numbers) == [8, 9]
        assert list(publishers.map(number, releases)) == numbers  # as a repeat after a crash


def lay_down(repository: Path, models: Models) -> None:
    """Manifests that name the weights of ``models``; nothing else is read when a job is submitted."""
    for pin in (models.student, models.face_encoder, models.speech_encoder):
        folder = repository / pin.name / str(pin.version)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.json").write_text(json.dumps({"digest": pin.digest}))


def exchanged(models: Models) -> Models:
    """The same version with another student."""
    return models.model_copy(update={"student": models.student.model_copy(update={"digest": "f" * 64})})


@pytest.fixture
def pinning(services: Services, tmp_path: Path) -> Iterator[TestClient]:
    """Client of an API that pins jobs to the weights in ``tmp_path``."""
    catalogue = Catalogue(EngineSettings(engine="triton", model_repo=tmp_path), TritonSettings(http_url="http://127.0.0.1:1"))
    with TestClient(app_of(replace(services, catalogue=catalogue)), headers=authorised(services)) as client:
        yield client


def test_the_installations_own_weights_may_be_exchanged_and_new_jobs_get_what_lies_there(
    services: Services, pinning: TestClient, body: dict[str, Any], tmp_path: Path
) -> None:
    lay_down(tmp_path, version(1))
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        work.releases.adopt("tiny", version(1)).metrics = {"r_open": 0.9}
    before = pinning.post("/v1/lipsyncs", json=body).json()
    lay_down(tmp_path, exchanged(version(1)))
    after = pinning.post("/v1/lipsyncs", json=body).json()
    assert (before["model"]["digest"], after["model"]["digest"]) == (version(1).student.digest, "f" * 64)
    with unit_of_work(services.database.sessions(), lambda _: None) as work:
        (release,) = work.releases.of("tiny")
        assert ((release.models or {})["student"]["digest"], release.metrics) == (
            "f" * 64,
            None,
        )  # its figures were the old one's


def test_a_released_version_whose_files_were_exchanged_is_refused_before_a_job_waits_for_it(
    pinning: TestClient, body: dict[str, Any], released: Callable[[float], str], tmp_path: Path
) -> None:
    lay_down(tmp_path, version(1))
    lay_down(tmp_path, exchanged(version(2)))
    released(1.0)
    found = problem(pinning.post("/v1/lipsyncs", json=body), 503, "model_unavailable")
    assert "Version 2 of tiny" in found["detail"]
    assert found["where"]["digest"] == version(2).student.digest
    assert pinning.get("/v1/jobs").json()["items"] == []
    assert pinning.post("/v1/models/tiny/rollback").json()["version"] == 1
    assert pinning.post("/v1/lipsyncs", json=body).json()["model"]["digest"] == version(1).student.digest
