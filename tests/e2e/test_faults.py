"""What dies in the middle of a job costs time and nothing else: the job completes once, with the same bytes."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import psutil
import pytest
from film import Film, ffmpeg, write_tone
from platform_access import Platform, Row, pid_of
from triton_chunks import TINY, fill_and_empty
from triton_metrics import slots_in_use
from waiting import until

from dubbing.settings import QueueSettings
from services.stack.plan import ProcessPhase

pytestmark = [pytest.mark.stack, pytest.mark.slow]
OPEN = {"pending", "leased"}


@pytest.fixture(scope="module")
def assets(dubbed: dict[str, Any]) -> tuple[str, str]:
    """Picture and track of the undisturbed job."""
    return dubbed["job"]["video"], dubbed["job"]["audio"]


@pytest.fixture(scope="module")
def undisturbed(platform: Platform, dubbed: dict[str, Any]) -> dict[str, str]:
    """What the undisturbed job made, before others make the same."""
    return platform.made(dubbed["job"]["id"])


@pytest.fixture
def job_id(platform: Platform, assets: tuple[str, str], undisturbed: dict[str, str]) -> Iterator[str]:
    """A job like the undisturbed one; every process of the plan (what is off by choice is stopped) runs again afterwards."""
    assert len(undisturbed) > 1
    yield platform.submit(*assets)
    well = {ProcessPhase.RUNNING, ProcessPhase.STOPPED}
    until(lambda: {process.phase for process in platform.system.status().processes} <= well, platform.system.status, every=0.2)


def check(platform: Platform, job_id: str, undisturbed: dict[str, str], hit: Row) -> None:
    platform.delivered(job_id)
    assert [kind for kind in platform.events(job_id) if kind in {"job.succeeded", "job.failed"}] == ["job.succeeded"]
    after = {item["id"]: item for item in platform.items(job_id)}
    assert {item["state"] for item in after.values()} == {"done"}
    assert platform.made(job_id) == undisturbed
    assert after[hit["id"]]["attempt"] >= hit["attempt"]


def test_a_worker_killed_in_mid_chunk_costs_one_attempt(platform: Platform, job_id: str, undisturbed: dict[str, str]) -> None:
    with platform.in_mid_chunk(job_id) as item:
        os.kill(pid_of(item), signal.SIGKILL)
    check(platform, job_id, undisturbed, item)
    (again,) = (row for row in platform.items(job_id, "infer") if row["id"] == item["id"])
    assert again["attempt"] == item["attempt"] + 1
    assert again["leases_lost"] == item["leases_lost"] + 1
    # Whoever took the item over ended what the dead one had begun: the server itself would have kept the slot for two minutes.
    assert item["sequence"]["model"] == TINY.student
    assert again["sequence"] is None
    fill_and_empty(platform.system.env(), range(900, 908))
    assert slots_in_use(platform.system.env(), 0) == 0


def test_the_inference_server_killed_in_mid_chunk_is_started_again(
    platform: Platform, job_id: str, undisturbed: dict[str, str]
) -> None:
    before = platform.system.status().of("triton")
    with platform.in_mid_chunk(job_id) as item:
        os.kill(before.pid, signal.SIGKILL)
    check(platform, job_id, undisturbed, item)
    (again,) = (row for row in platform.items(job_id, "infer") if row["id"] == item["id"])
    assert again["attempt"] > item["attempt"]
    assert platform.system.status().of("triton").restarts == before.restarts + 1


def stubs_of(platform: Platform) -> list[int]:
    """The processes of the student."""
    server, found = psutil.Process(platform.system.status().of("triton").pid), []
    for child in server.children(recursive=True):
        with suppress(psutil.Error):  # it may end while it is looked at
            if child.status() != psutil.STATUS_ZOMBIE and any(f"/{TINY.student}/" in part for part in child.cmdline()):
                found.append(child.pid)
    return found


def test_a_process_of_the_model_killed_while_four_jobs_run_costs_no_attempt(
    platform: Platform, job_id: str, assets: tuple[str, str], undisturbed: dict[str, str]
) -> None:
    jobs = [job_id, *(platform.submit(*assets, seed=seed) for seed in (8, 9, 10))]  # the same seed would be the same chunks
    before = stubs_of(platform)
    with platform.in_mid_chunk(job_id):
        os.kill(before[0], signal.SIGKILL)
    until(
        lambda: len(stubs_of(platform)) == len(before) and not set(stubs_of(platform)) & set(before),
        "the model is not loaded again",
    )
    for job in jobs:
        platform.delivered(job)
        left = {item["max_attempts"] - item["attempt"] for item in platform.items(job) if item["kind"] in {"infer", "stitch"}}
        assert left == {QueueSettings().max_attempts - 1}
    assert platform.made(job_id) == undisturbed
    fill_and_empty(platform.system.env(), range(900, 908))
    assert slots_in_use(platform.system.env(), 0) == 0


def test_a_database_that_only_reads_for_a_while_holds_up_everything_and_ends_nothing(
    platform: Platform, job_id: str, undisturbed: dict[str, str]
) -> None:
    url = platform.system.env()["DUBLINE_API_URL"]
    with platform.in_mid_chunk(job_id) as item:
        with platform.reading_database():
            until(
                lambda: httpx.get(f"{url}/readyz", timeout=60).status_code == 503,
                "a server that only reads is called ready",
                every=0.2,
            )
            os.kill(pid_of(item), signal.SIGCONT)  # it goes on, and cannot write what it makes
            key = {"Authorization": f"Bearer {platform.system.env()['DUBLINE_API_KEY']}"}
            answer = httpx.get(f"{url}/v1/jobs/{job_id}", headers=key, timeout=60)
            assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
        until(lambda: httpx.get(f"{url}/readyz", timeout=60).status_code == 200, "the API never became ready again", every=0.2)
    check(platform, job_id, undisturbed, item)
    (again,) = (row for row in platform.items(job_id, "infer") if row["id"] == item["id"])
    assert (again["attempt"], again["leases_lost"]) == (item["attempt"], item["leases_lost"])


def test_redis_killed_and_emptied_in_mid_chunk_loses_nothing(
    platform: Platform, job_id: str, undisturbed: dict[str, str]
) -> None:
    before = platform.system.status().of("redis")
    with platform.in_mid_chunk(job_id) as item:
        os.kill(before.pid, signal.SIGKILL)
        shutil.rmtree(platform.system.home.data / "redis" / "appendonlydir")
    check(platform, job_id, undisturbed, item)
    assert platform.system.status().of("redis").restarts == before.restarts + 1


def test_a_cancelled_job_gives_its_work_back_at_once(platform: Platform, job_id: str) -> None:
    with platform.in_mid_chunk(job_id) as item:
        platform.client.cancel(job_id)
        time.sleep(1.2)  # a worker asks once a second whether it is still wanted
    assert platform.ended(job_id)["status"] == "canceled"
    own = platform.items(job_id, "infer")
    assert own
    assert not [row for row in own if row["state"] in OPEN]
    assert item["id"] in {row["id"] for row in own if row["state"] == "canceled"}
    assert not [key for key in platform.made(job_id) if key.endswith(".mp4")]


def test_two_languages_of_one_title_share_what_depends_on_the_footage(platform: Platform, film: Film, tmp_path: Any) -> None:
    # A few of the pictures in a file of its own, so that nothing of it is known yet.
    frames = 33
    ffmpeg("-i", film.video, "-frames:v", frames, tmp_path / "other.mp4")
    video = platform.client.upload(tmp_path / "other.mp4", lambda _: None)
    tracks = [write_tone(tmp_path / f"{i}.wav", frames / 25 + i / 1000) for i in range(2)]
    jobs = [platform.submit(video, platform.client.upload(track, lambda _: None)) for track in tracks]
    for job_id in jobs:
        platform.delivered(job_id)
    for kind, expected in (("prepare", 1), ("encode_face", 1), ("encode_speech", 2), ("stitch", 2)):
        rows = {row["id"]: row for job_id in jobs for row in platform.items(job_id, kind)}
        assert len(rows) == expected, kind
        assert {row["attempt"] for row in rows.values()} == {1}, kind
