"""One dub from files to file: upload both, submit, follow, download."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dubbing.domain.jobs import SUCCEEDED, TERMINAL
from dubbing.domain.media import SyncMode
from dubbing.errors import BadInput, DublineError, NotFound, Transient
from dubline_client.models import AudioRef, JobOut, LipsyncCreate, SyncChoice, VideoRef
from dubline_client.models.lipsync_create_model import check_lipsync_create_model
from dubline_client.models.sync_mode import check_sync_mode
from dubline_client.types import UNSET
from lipforcing.contract import STUDENTS
from services.cli.client import Answer, Client, Refused, readable, refused
from services.cli.job_view import JobView

_POLL_SECONDS = 0.4
_CANCEL_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class DubRequest:
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
        check_output(self.output)
        if self.output.exists() and self.output.samefile(self.video):
            raise BadInput("The output would replace the source.", where={"option": "output"})

    def body(self, video: str, audio: str) -> LipsyncCreate:
        """The request, once both files are assets with these ids."""
        return LipsyncCreate(
            video=VideoRef("asset", video, UNSET if self.picture is None else self.picture),
            audio=AudioRef("asset", audio, [*self.tracks], [*self.channels]),
            model=check_lipsync_create_model(self.model),
            sync=SyncChoice(check_sync_mode(self.sync_mode)),
            seed=UNSET if self.seed is None else self.seed,
        )


class Canceled(Exception):
    """Ctrl-C, after the job was submitted.

    Attributes:
        job_id: the job.
        status: what became of it; None when the API could not be told.
    """

    def __init__(self, job_id: str, status: str | None) -> None:
        super().__init__(job_id)
        self.job_id = job_id
        self.status = status


def check_output(output: Path) -> None:
    """Finds what can be found of a place before anything is written there.

    Raises:
        BadInput: it cannot be a file.
    """
    if output.is_dir():
        raise BadInput(f"{output} is a folder.", where={"option": "output"}, suggestions=("Name a file in it.",))


def run(client: Client, request: DubRequest, view: JobView) -> Answer[JobOut]:
    """Dubs; gives the finished job.

    Raises:
        Refused: the API refused, or the job failed; carries the problem.
        Canceled: Ctrl-C, and the job was canceled.
        Transient: a server is away and does not come back; the job goes on without us.
    """
    request.check()
    video = _send(client, request.video, "video", view)
    audio = _send(client, request.audio, "audio", view)
    job = client.submit(request.body(video, audio))
    job_id = job.value.id
    try:
        view.say(f"{job_id} is submitted.")
        return deliver(client, follow(client, job, view), request.output, view)
    except KeyboardInterrupt:
        raise Canceled(job_id, cancel(client, job_id)) from None
    except Transient as error:
        raise _no_longer_waited_for(error, job_id, request.output) from error


def follow(client: Client, job: Answer[JobOut], view: JobView) -> Answer[JobOut]:
    """Shows the job until it has ended."""
    while job.value.status not in TERMINAL:
        view.job(job.value)
        time.sleep(_POLL_SECONDS)
        job = client.job(job.value.id)
    view.job(job.value)
    return job


def deliver(client: Client, job: Answer[JobOut], output: Path, view: JobView) -> Answer[JobOut]:
    """Downloads the master of a job that has ended, and checks it against the receipt; gives the job.

    Raises:
        Refused: it delivered nothing; carries the problem.
    """
    if job.value.status not in SUCCEEDED:
        raise failure(job)
    made = client.receipt(job.value.id).value.output_video
    done = 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        view.transfer("download", done, made.size_bytes)

    client.download(lambda: master_of(client.job(job.value.id)), output, advance, made.sha256)
    return job


def master_of(job: Answer[JobOut]) -> str:
    """Where the master of a job is.

    Raises:
        NotFound: it has none.
        Refused: it waits for approval; carries the problem.
    """
    links = job.value.links
    if links is None:
        raise NotFound(
            f"Job {job.value.id} is {job.value.status} and has no master.", suggestions=("Wait until it has succeeded.",)
        )
    if links.output is None:
        raise refused(job.members["links"]["withheld"])
    return links.output


def failure(job: Answer[JobOut]) -> DublineError:
    """Why a job delivered nothing."""
    status = job.value.status
    return refused(job.members["error"] or {"code": status, "detail": f"The job was {status}.", "status": 500})


def cancel(client: Client, job_id: str) -> str | None:
    """Cancels and waits a while for the end; gives the last known status, None when the API does not answer.

    A job that ended meanwhile is none of our business.
    """
    client.hurry(_CANCEL_SECONDS)
    deadline, status = time.monotonic() + _CANCEL_SECONDS, None
    with suppress(DublineError):
        status = _canceled(client, job_id).status
        while status not in TERMINAL and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            status = client.job(job_id).value.status
    return status


def _canceled(client: Client, job_id: str) -> JobOut:
    try:
        return client.cancel(job_id).value
    except Refused:  # it has ended
        return client.job(job_id).value


def _no_longer_waited_for(error: Transient, job_id: str, output: Path) -> Transient:
    """What cannot be waited for any longer, with the way back to the job, which goes on."""
    error.where = {**error.where, "job": job_id}
    advice = f"The job goes on: `dubline job {job_id} --follow --download {output}` fetches it."
    error.suggestions = (advice, *error.suggestions)
    return error


def _send(client: Client, path: Path, what: str, view: JobView) -> str:
    total, done = path.stat().st_size, 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        view.transfer(f"upload of the {what}", done, total)

    return client.upload(path, advance)


def _or(values: list[str]) -> str:
    return " or ".join(values)
