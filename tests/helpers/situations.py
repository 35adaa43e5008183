"""The situations of the runbook's sections, brought about in a running system and ended again.

Each gives what stands in the place of the runbook's placeholders.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
from film import Film, ffmpeg
from platform_access import Platform
from waiting import LIMIT, until

from dubbing import ids
from dubbing.domain.jobs import TERMINAL
from dubbing.errors import DublineError, ParityFailed, ReadingsDiffer
from services.stack import reap
from services.stack.files import write_private
from services.stack.plan import ProcessPhase
from services.stack.supervisor import plan_file

Names = dict[str, str]


@dataclass(frozen=True)
class Scene:
    """A running system in which one job has succeeded.

    Attributes:
        dubbed: what `dubline dub --json` printed of that job.
        folder: for files.
    """

    platform: Platform
    film: Film
    dubbed: dict[str, Any]
    folder: Path

    @property
    def done(self) -> str:
        """The job that has succeeded."""
        return str(self.dubbed["job"]["id"])

    def again(self) -> str:
        """Another job for the same files, of which all is known but what its chunks show."""
        return self.platform.submit(self.dubbed["job"]["video"], self.dubbed["job"]["audio"])

    def unknown(self) -> str:
        """The same pictures in a file that nobody has read yet: its asset."""
        name = ids.new_id("film")
        ffmpeg("-i", self.film.video, "-c", "copy", "-metadata", f"title={name}", self.folder / f"{name}.mp4")
        return str(self.platform.client.upload(self.folder / f"{name}.mp4", lambda _: None))

    def job_of(self, video: str) -> str:
        """A job for the picture ``video``."""
        return self.platform.submit(video, self.dubbed["job"]["audio"])

    def healthy(self) -> None:
        """Returns when the API finds every part; what a command started belongs to this process again."""
        self.platform.system.start(())
        url = self.platform.system.env()["DUBLINE_API_URL"]
        until(
            lambda: httpx.get(f"{url}/readyz", timeout=60).json()["status"] == "ok",
            "the system does not become well",
            every=0.2,
        )
        self.platform.reconnect()

    def whole(self) -> None:
        """Returns when all that was started runs."""
        fine = {ProcessPhase.RUNNING, ProcessPhase.STOPPED}
        until(lambda: {process.phase for process in self.platform.system.status().processes} <= fine, "not all runs again")
        self.healthy()


@contextmanager
def running(scene: Scene) -> Iterator[Names]:
    yield {"job_...": scene.done, "ID": scene.done}


@contextmanager
def gone(scene: Scene, name: str) -> Iterator[Names]:
    """A process ends whenever it is started, as where its port is taken, until ``dubline up`` starts it rightly."""
    system = scene.platform.system
    plan = system._plan()
    family = reap.process_tree(system.status().of(name).pid)
    for process in family:
        process.kill()  # an end in good order takes some of them seconds, and is not what the section is about
    # Children hold the socket that their parent listened on. While one is still ending, a call finds it and is cut off.
    _, left = psutil.wait_procs(family, timeout=LIMIT)
    assert not left, left
    ending = ("/bin/sh", "-c", "echo 'cannot listen: address already in use'; exit 1")
    specs = tuple(spec.model_copy(update={"command": ending}) if spec.name == name else spec for spec in plan.processes)
    broken = plan.model_copy(update={"processes": specs, "generation": time.time_ns()})
    write_private(plan_file(system.home), broken.model_dump_json())
    until(lambda: system.status().of(name).last_exit == "exited with 1", f"{name} does not end")
    try:
        yield {}
    finally:
        if any(spec.command == ending for spec in system._plan().processes):
            system.start()  # no command of the section has
        scene.healthy()


@contextmanager
def only_reads(scene: Scene) -> Iterator[Names]:
    try:
        with scene.platform.reading_database():
            yield {}
    finally:
        scene.healthy()


@contextmanager
def api_crashed(scene: Scene) -> Iterator[Names]:
    """A call met what nobody foresaw: a table is away for a moment."""
    env = scene.platform.system.env()
    key = {"Authorization": f"Bearer {env['DUBLINE_API_KEY']}"}
    with scene.platform.without_table("training_runs"):
        assert httpx.get(f"{env['DUBLINE_API_URL']}/v1/training-runs", headers=key, timeout=60).status_code == 500
    yield {}


@contextmanager
def unloaded(scene: Scene) -> Iterator[Names]:
    socket = scene.platform.system.env()["DUBLINE_TRITON_HTTP_URL"].removeprefix("unix:")
    with httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://triton", timeout=LIMIT) as triton:
        model = "v2/repository/models/lip_student_tiny"

        def state() -> str:
            (found,) = (one for one in triton.post("v2/repository/index").json() if one["name"] == "lip_student_tiny")
            return str(found["state"])

        assert triton.post(f"{model}/unload").is_success
        until(lambda: state() == "UNAVAILABLE", "the model is not unloaded", every=0.2)
        try:
            yield {}
        finally:
            if state() != "READY":
                assert triton.post(f"{model}/load").is_success


@contextmanager
def suspended(scene: Scene, name: str) -> Iterator[None]:
    """The processes of ``name`` stand still; those that live go on afterwards."""
    processes = reap.process_tree(scene.platform.system.status().of(name).pid)
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


@contextmanager
def stuck(scene: Scene) -> Iterator[Names]:
    """A worker stands still in the middle of a chunk, and so does the one that would see it."""
    job, platform = scene.again(), scene.platform
    with platform.in_mid_chunk(job), suspended(scene, "worker-infer"), suspended(scene, "worker-maintenance"):
        platform.silence(job)
        yield {"job_...": job, "PID": str(platform.system.status().of("worker-maintenance").pid)}
    end(scene, job)
    scene.healthy()


@contextmanager
def lease_lost(scene: Scene) -> Iterator[Names]:
    """A worker that stood still in the middle of a chunk has lost its lease to the sweeper."""
    job, platform = scene.again(), scene.platform
    with platform.in_mid_chunk(job) as item:
        platform.silence(job)
        lost = item["leases_lost"]
        until(lambda: max(row["leases_lost"] for row in platform.items(job, "infer")) > lost, "the lease is not taken back")
    yield {"job_...": job}
    end(scene, job)


@contextmanager
def nobody_prepares(scene: Scene) -> Iterator[Names]:
    # Files of the sections before are read by now, so that no lease outlives its killed holder.
    until(lambda: not scene.platform.works(), "work does not end", every=0.2)
    with gone(scene, "worker-prepare"):
        job = scene.job_of(scene.unknown())  # a file that has arrived before is read already
        yield {"job_...": job}
    end(scene, job)


@contextmanager
def late(scene: Scene) -> Iterator[Names]:
    """A job that nobody works on is past its deadline, and the sweeper has seen it."""
    platform, env = scene.platform, scene.platform.system.env()
    key, due = {"Authorization": f"Bearer {env['DUBLINE_API_KEY']}"}, {"deadline": "2026-01-01T00:00:00Z"}
    with gone(scene, "worker-prepare"):
        job = scene.job_of(scene.unknown())
        sooner = f"{env['DUBLINE_API_URL']}/v1/jobs/{job}/reprioritize"
        assert httpx.post(sooner, headers=key, json={**due, "deadline_policy": "try"}, timeout=60).is_success
        until(lambda: platform.client.job(job).members["deadline_at_risk"], "nobody tells that the job is late", every=0.2)
        yield {"job_...": job}
    end(scene, job)


@contextmanager
def full_scratch(scene: Scene) -> Iterator[Names]:
    copy = Path(scene.platform.system.env()["DUBLINE_MEDIA_SCRATCH"]) / "sources" / "left.mp4"
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(scene.film.video.read_bytes())
    try:
        yield {}
    finally:
        copy.unlink()


@contextmanager
def reader_dies(scene: Scene) -> Iterator[Names]:
    """Whatever process reads files for the worker is killed, until the job has ended."""
    job, platform = scene.job_of(scene.unknown()), scene.platform
    worker = psutil.Process(platform.system.status().of("worker-prepare").pid)

    def ended() -> bool:
        for child in worker.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "dubbing.media.child" in " ".join(child.cmdline()):
                    child.kill()
        return platform.client.job(job).value.status in TERMINAL

    until(ended, "the job goes on")
    yield {"job_...": job}


@contextmanager
def work_crashed(scene: Scene) -> Iterator[Names]:
    """A job's first row holds what no worker understands."""
    with suspended(scene, "worker-prepare"):
        job = scene.job_of(scene.unknown())
        scene.platform.garble(job)
    ended = scene.platform.ended(job)
    assert ended["error"]["code"] == "internal_error", ended["error"]
    yield {"job_...": job}


@contextmanager
def failed(scene: Scene, error: DublineError) -> Iterator[Names]:
    """A job that ended with ``error``, which no sound system brings about: only its row."""
    with scene.platform.copy_of_job(scene.done, state="failed", error=error.problem(), output=None) as job:
        yield {"job_...": job}


def end(scene: Scene, job: str) -> None:
    """Ends a job that has served its turn."""
    if scene.platform.client.job(job).value.status not in TERMINAL:
        scene.platform.client.cancel(job)
        scene.platform.ended(job)


SITUATIONS: dict[str, Callable[[Scene], AbstractContextManager[Names]]] = {
    "Runbook": running,
    "Training": running,
    "ApiDown": partial(gone, name="api"),
    "PlatformUnseen": running,
    "ApiErrors": api_crashed,
    "DatabaseGone": partial(gone, name="postgres"),
    "DatabaseOnlyReads": only_reads,
    "RedisGone": partial(gone, name="redis"),
    "S3Gone": partial(gone, name="s3"),
    "TritonGone": partial(gone, name="triton"),
    "ModelUnavailable": unloaded,
    "JobStuck": stuck,
    "DeadlineAtRisk": late,
    "QueueStandingStill": nobody_prepares,
    "LeaseExpiriesRising": lease_lost,
    "DiskFull": full_scratch,
    "ParityFailed": partial(failed, error=ParityFailed("Frame 17 is not the source's.", where={"frame": 17})),
    "MasterOfBefore": running,
    "ReadingsDiffer": partial(failed, error=ReadingsDiffer("The two readings count 250 and 251 frames.")),
    "FatalInput": reader_dies,
    "JobsFailing": work_crashed,
}
