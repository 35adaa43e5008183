"""Twenty faults in a minute: every accepted job ends once, well, with the bytes of an undisturbed one, and nothing is left.

``make chaos SEED=.. FAULTS=.. JOBS=.. SECONDS=..`` is the same for longer.
"""

import os
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from chaos import Chaos
from desk import Desk
from film import Film, ffmpeg
from triton_chunks import fill_and_empty
from triton_metrics import slots_in_use

from services.cli.stack.local import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]
SEED, FAULTS, JOBS = (int(os.environ.get(f"CHAOS_{name}", usual)) for name, usual in (("SEED", 1), ("FAULTS", 20), ("JOBS", 6)))
SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
PATIENCE = 900.0  # after the last fault


def submitted(desk: Desk, dubbed: dict[str, Any], film: Film, folder: Path) -> list[str]:
    """Jobs that are accepted all the time through; every second one is for a file of its own, which is analysed anew."""
    jobs = []
    for number in range(JOBS):
        picture = dubbed["job"]["video"]
        if number % 2:
            copy = folder / f"{number}.mp4"
            ffmpeg("-i", film.video, "-c", "copy", "-metadata", f"title=copy {number}", copy)
            picture = desk.client.upload(copy, lambda _: None)
        jobs.append(desk.submit(picture, dubbed["job"]["audio"]))
        time.sleep(SECONDS / JOBS / 2)
    return jobs


def regions(system: LocalStack) -> int:
    return len(list(Path("/dev/shm").glob(f"{system.home.name}-*")))  # noqa: S108 - where shared memory is


def test_faults_at_random_moments_cost_no_job_and_leave_nothing_behind(
    desk: Desk, dubbed: dict[str, Any], film: Film, tmp_path: Path
) -> None:
    system, over = desk.system, threading.Event()
    before, chaos = regions(system), Chaos(system, SEED)
    storm = threading.Thread(target=chaos.storm, args=(FAULTS, SECONDS, over))
    storm.start()
    try:
        jobs = submitted(desk, dubbed, film, tmp_path)
        storm.join()
    finally:
        over.set()
        storm.join()
    assert len(chaos.struck) >= 0.7 * FAULTS, chaos.struck
    assert chaos.settle(PATIENCE), system.status()
    desk.reconnect()
    undisturbed = desk.made(dubbed["job"]["id"])
    for number, job in enumerate(jobs):
        desk.ended(job, PATIENCE)
        desk.delivered(job)
        assert len([kind for kind in desk.events(job) if kind in {"job.succeeded", "job.failed", "job.canceled"}]) == 1
        assert {item["state"] for item in desk.items(job)} == {"done"}
        made = desk.made(job)
        assert made.keys() == undisturbed.keys()
        # A file with a title of its own gives a master with that title; its frames are the same.
        same = {key for key in made if number % 2 == 0 or "chunks/" in key}
        assert {key: made[key] for key in same} == {key: undisturbed[key] for key in same}
    assert {key.split("/")[1] for key in desk.store.list_keys("jobs/")} <= desk.jobs()
    assert not chaos.strays()
    assert regions(system) == before
    fill_and_empty(system.env(), range(960, 968))
    assert slots_in_use(system.env(), 0) == 0
    medians = {name: round(statistics.median(seconds), 1) for name, seconds in sorted(chaos.recovered.items())}
    sys.stderr.write(
        f"seed {SEED}: {len(chaos.struck)} faults; seconds until a killed process runs again, medians: {medians}\n"
    )
