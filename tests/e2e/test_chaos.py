"""Each kind of fault in half a minute: every accepted job ends once, well, with the bytes of an undisturbed one.

``make chaos SEED=.. FAULTS=.. JOBS=.. SECONDS=..`` is the same for longer.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from chaos import Chaos, Place
from film import Film, ffmpeg, make_film
from line import Line
from platform_access import Platform
from quick import QUICK
from triton_chunks import fill_and_empty
from triton_metrics import slots_in_use
from waiting import until

from services.stack.home import home_at
from services.stack.local import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]
# No number of faults: each kind once.
SEED, FAULTS, JOBS = (int(os.environ.get(f"CHAOS_{name}", usual)) for name, usual in (("SEED", 1), ("FAULTS", 0), ("JOBS", 3)))
SECONDS = float(os.environ.get("CHAOS_SECONDS", "30"))
# After the last fault, and less than the limit of a test, so that it says what is not well.
SETTLING = 400.0
PATIENCE = 300.0 + 10 * JOBS
DISK = "256m"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of its own at ``folder``, if this user may make one."""
    folder.mkdir(mode=0o700)
    options = f"size={DISK},mode=0700"
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A platform and, behind a line that can go bad, its object store."""
    store = LocalStack(home_at(tmp_path_factory.mktemp("store")), owner=os.getpid())
    home = home_at(tmp_path_factory.mktemp("storm"))
    home.create()
    try:
        store.start(["s3"])
        own = {name: value for name, value in store.env().items() if name.startswith("DUBLINE_S3_")}
        with Line(own["DUBLINE_S3_ENDPOINT"]) as line, small_disk(home.data / "scratch") as disk:
            system = LocalStack(home, own | {"DUBLINE_S3_ENDPOINT": line.url} | QUICK, owner=os.getpid())
            try:
                system.start()
                yield Place(system, store, line, disk)
            finally:
                system.destroy()
    finally:
        store.destroy()


@pytest.fixture(scope="module")
def platform(place: Place) -> Iterator[Platform]:
    platform = Platform(place.system)
    yield platform
    platform.close()


class Pace:
    """Notes when work items get done, by the monotonic clock.

    Args:
        address: of the database.
    """

    def __init__(self, address: str) -> None:
        self._address, self._over = address, threading.Event()
        self.times: list[float] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def after(self, moment: float) -> float | None:
        """Seconds until the next item was done."""
        at = bisect(self.times, moment)
        return self.times[at] - moment if at < len(self.times) else None

    def _watch(self) -> None:
        known = 0
        while not self._over.wait(0.2):
            try:
                with psycopg.connect(self._address, connect_timeout=2) as database:
                    (done,) = database.execute("SELECT count(*) FROM work_items WHERE state = 'done'").fetchone() or (0,)
            except psycopg.Error:
                continue
            if done > known:
                self.times.append(time.monotonic())
            known = done


def uploaded(platform: Platform, film: Film, folder: Path) -> list[str]:
    """Pictures for the jobs: every second one is a file of its own, which is analysed anew and gives the same master."""
    common = platform.client.upload(film.video, lambda _: None)
    pictures = []
    for number in range(JOBS):
        if number % 2:
            copy = folder / f"{number}.mp4"
            ffmpeg("-i", film.video, "-c", "copy", "-metadata", f"title=copy {number}", copy)
            pictures.append(platform.client.upload(copy, lambda _: None))
        else:
            pictures.append(common)
    return pictures


def regions(system: LocalStack) -> int:
    return len(list(Path("/dev/shm").glob(f"{system.home.name}-*")))  # noqa: S108 - where shared memory is


def names(platform: Platform, job: str) -> set[str]:
    """What the bucket holds of a job."""
    return {key.split("/", 2)[2] for key in platform.store.list_keys(f"jobs/{job}/")}


def test_faults_at_random_moments_cost_no_job_and_leave_nothing_behind(
    place: Place, platform: Platform, tmp_path: Path
) -> None:
    system, over, film = place.system, threading.Event(), make_film(tmp_path, frames=50)
    track, pictures = platform.client.upload(film.track, lambda _: None), uploaded(platform, film, tmp_path)
    first = platform.submit(pictures[0], track)
    platform.delivered(first)
    undisturbed, kept = platform.made(first), names(platform, first)
    fill_and_empty(system.env(), range(950, 958))
    before, chaos = regions(system), Chaos(place, SEED)
    pace = Pace(system.env()["DUBLINE_DATABASE_URL"].replace("+psycopg", ""))
    faults = FAULTS or len(chaos.kinds)
    storm = threading.Thread(target=chaos.storm, args=(faults, SECONDS, over))
    storm.start()
    try:
        jobs = []
        for picture in pictures:  # accepted all the time through
            jobs.append(platform.submit(picture, track))
            time.sleep(SECONDS / JOBS / 2)
        storm.join()
    finally:
        over.set()
        storm.join()
    assert len(chaos.struck) == faults, chaos.struck
    assert faults < len(chaos.kinds) or {kind for _, kind in chaos.struck} == chaos.kinds
    assert chaos.settle(SETTLING), chaos.ills()
    platform.reconnect()
    for job in jobs:
        platform.ended(job, PATIENCE)
        platform.delivered(job)
        assert len([kind for kind in platform.events(job) if kind in {"job.succeeded", "job.failed", "job.canceled"}]) == 1
        assert {item["state"] for item in platform.items(job)} == {"done"}
        assert platform.made(job) == undisturbed
        assert names(platform, job) == kept
    pace.end()
    assert {key.split("/")[1] for key in platform.store.list_keys("jobs/")} <= platform.jobs()
    assert not chaos.strays()
    # A model that was struck last may still be on its way back, with its memory.
    until(lambda: regions(system) == before, lambda: f"{regions(system)} regions, {before} before\n{system.tail('triton', 80)}")
    fill_and_empty(system.env(), range(960, 968))
    assert slots_in_use(system.env(), 0) == 0
    # The next work sweeps what killed workers left on their disk.
    platform.delivered(platform.submit(pictures[-1], track, seed=8))
    assert not list((system.home.data / "scratch").rglob(".making-*"))
    sys.stderr.write(summary(chaos, pace))


def summary(chaos: Chaos, pace: Pace) -> str:
    """How many faults of each kind, and the medians of their seconds."""
    until: dict[str, list[float]] = defaultdict(list)
    for moment, kind in chaos.struck:
        if (seconds := pace.after(moment)) is not None:
            until[kind].append(seconds)
    rows = [
        f"| {kind} | {len(all_)} | {statistics.median(all_):.1f} | {max(all_):.1f} |" for kind, all_ in sorted(until.items())
    ]
    runs = [f"| {name} | {len(all_)} | {statistics.median(all_):.1f} |" for name, all_ in sorted(chaos.recovered.items())]
    return "\n".join(
        [
            f"\nseed {SEED}: {len(chaos.struck)} faults in {SECONDS:.0f} s, {JOBS} jobs",
            "| fault | times | seconds until the next item of work was done, median | worst |",
            *rows,
            "| killed | times | seconds until it ran again, median |",
            *runs,
            "",
        ]
    )
