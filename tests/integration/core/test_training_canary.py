"""A canary while jobs keep coming: its share, an instant way back, and jobs that keep the version they were submitted with."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_calls import problem
from fastapi.testclient import TestClient
from training_rows import OFFER, make_run, version

from dubbing.db.models import Job
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.jobs import Models
from dubbing.domain.training import ReleaseState, RunState
from services.api.bootstrap import Services

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
        together.wait(30)
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
