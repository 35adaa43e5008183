"""One dub from files to file: upload both, submit, follow, download."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubbing.domain.jobs import TERMINAL, JobState
from dubbing.domain.media import SyncMode
from dubbing.errors import BadInput, DublineError
from lipforcing.contract import STUDENTS
from services.cli.client import Client, readable, refused
from services.cli.job_view import JobView

_LOOK_EVERY = 0.4
_CANCEL_SECONDS = 15.0
DELIVERED = (JobState.SUCCEEDED, JobState.SUCCEEDED_WITH_WARNINGS)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for.

    Attributes:
        video: the picture.
        audio: the new track.
        output: where the master goes.
        model: preset of the student.
        sync_mode: what to do when the lengths differ.
        seed: seed of the noise; None lets the API draw one.
        picture: number of the picture that is used; None for the file's default.
        tracks, channels: numbers of the sound tracks and channels that are used; empty for the default.
    """

    video: Path
    audio: Path
    output: Path
    model: str = "tiny"
    sync_mode: str = SyncMode.STRICT
    seed: int | None = None
    picture: int | None = None
    tracks: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()

    def check(self) -> None:
        """Finds what can be found before anything is sent.

        Raises:
            BadInput: a file cannot be read or written, or a choice does not exist.
        """
        readable(self.video, "video")
        readable(self.audio, "audio")
        for value, known, name in ((self.model, [*STUDENTS], "model"), (self.sync_mode, [*map(str, SyncMode)], "sync-mode")):
            if value not in known:
                raise BadInput(f"There is no {name} {value!r}.", where={"option": name}, suggestions=(f"Use {_or(known)}.",))
        if self.output.is_dir():
            raise BadInput(f"{self.output} is a folder.", where={"option": "output"}, suggestions=("Name a file in it.",))
        if self.output.exists() and self.output.samefile(self.video):
            raise BadInput("The output would replace the source.", where={"option": "output"})


def run(client: Client, wish: Wish, view: JobView) -> dict[str, Any]:
    """Dubs; gives the finished job. Ctrl-C cancels the job and goes on as `KeyboardInterrupt`.

    Raises:
        Refused: the API refused, or the job failed; carries the problem.
    """
    wish.check()
    video = _send(client, wish.video, "video", view)
    audio = _send(client, wish.audio, "audio", view)
    request: dict[str, Any] = {
        "video": {"type": "asset", "id": video, **({"track": wish.picture} if wish.picture is not None else {})},
        "audio": {"type": "asset", "id": audio, "tracks": wish.tracks, "channels": wish.channels},
        "model": wish.model,
        "sync": {"mode": wish.sync_mode},
    }
    if wish.seed is not None:
        request["seed"] = wish.seed
    job = client.submit(request)
    try:
        job = follow(client, job, view)
    except KeyboardInterrupt:
        cancel(client, job["id"])
        raise
    if job["status"] not in DELIVERED:
        raise failure(job)
    fetch(client, job, wish.output, view)
    return job


def follow(client: Client, job: dict[str, Any], view: JobView) -> dict[str, Any]:
    """Shows the job until it has ended."""
    while job["status"] not in TERMINAL:
        view.job(job)
        time.sleep(_LOOK_EVERY)
        job = client.job(job["id"])
    view.job(job)
    return job


def failure(job: dict[str, Any]) -> DublineError:
    """Why a job delivered nothing."""
    return refused(job["error"] or {"code": job["status"], "detail": f"The job was {job['status']}.", "status": 500})


def cancel(client: Client, job_id: str) -> None:
    """Cancels and waits a while for the end; a job that ended meanwhile is none of our business."""
    with suppress(DublineError):
        job = client.cancel(job_id)
        deadline = time.monotonic() + _CANCEL_SECONDS
        while job["status"] not in TERMINAL and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)
            job = client.job(job_id)


def fetch(client: Client, job: dict[str, Any], output: Path, view: JobView) -> None:
    """Downloads the master, and checks it against the receipt."""
    made = client.receipt(job["id"])["output_video"]
    done = 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        view.transfer("download", done, made["size_bytes"])

    client.download(job["links"]["output"], output, advance, made["sha256"])


def _send(client: Client, path: Path, what: str, view: JobView) -> str:
    total, done = path.stat().st_size, 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        view.transfer(f"upload of the {what}", done, total)

    return client.upload(path, advance)


def _or(values: list[str]) -> str:
    return " or ".join(values)
