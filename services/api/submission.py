"""Makes jobs of what calls ask for: files that are found or named, weights that are pinned, and the job itself."""

import secrets
from datetime import datetime
from typing import NamedTuple

import httpx

from dubbing import ids
from dubbing.db.models import Asset, Job
from dubbing.db.title_models import Title
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.domain.connections import parted
from dubbing.domain.jobs import Chosen, JobState, Models, Phase, Sharing, Sync
from dubbing.domain.media import SoundChoice
from dubbing.errors import UrlNotAllowed
from dubbing.storage import remote
from dubbing.workflow.advance import Advancer
from dubbing.workflow.files import StoredFiles
from services.api.bootstrap import Services
from services.api.deadlines import DeadlinePolicy, require
from services.api.requests import Caller
from services.api.schemas import (
    AssetRef,
    AudioInBucket,
    AudioRef,
    AudioUrl,
    BucketRef,
    LipsyncCreate,
    Output,
    TrackChoice,
    UrlRef,
    VideoInBucket,
    VideoRef,
    VideoUrl,
)
from services.api.title_schemas import OutputOut

FileRef = VideoRef | VideoUrl | VideoInBucket | AudioRef | AudioUrl | AudioInBucket


class TitleRender(NamedTuple):
    """Which revision of which language of a title a job makes.

    Attributes:
        name: of the master, without its suffix.
        seeds: of shots that have one of their own, by the shot's number.
        kept_shots: those that keep the original picture.
        earlier: the job whose chunks are kept where the sound is the same; None for none.
    """

    title_id: str
    language: str
    revision: int
    name: str
    seeds: dict[str, int]
    kept_shots: list[int]
    earlier: str | None


class Dub(NamedTuple):
    """What a dub is made of and how."""

    video: Asset
    audio: Asset
    chosen: Chosen
    model: str
    sync: Sync
    seed: int
    priority: int
    deadline: datetime | None
    deadline_policy: DeadlinePolicy
    labels: dict[str, str]
    options: dict[str, str]
    render: TitleRender | None = None
    destination: dict[str, str] | None = None


def submit(work: UnitOfWork, built: Services, caller: Caller, order: Dub) -> Job:
    """A new dub, queued.

    Raises:
        ModelUnavailable: the weights are not here.
        DeadlineUnmeetable: the job would be late, and was not to be tried.
    """
    render = order.render
    job = _job(caller, order.video.id, order.labels)
    job.audio_asset = order.audio.id
    job.models = pinned(work, built, order.model).model_dump(mode="json")
    job.sync = order.sync.model_dump(mode="json")
    job.options = {**order.options, "chosen": order.chosen.model_dump(mode="json")}
    job.seed, job.priority, job.deadline = order.seed, order.priority, order.deadline
    if render is not None:
        job.title_id, job.language, job.revision = render.title_id, render.language, render.revision
        job.options |= {"name": render.name, "seeds": render.seeds, "earlier": render.earlier}
        job.options |= {"kept_shots": render.kept_shots}
    if order.destination is not None:
        job.options |= {"destination": order.destination}
    begin(work, built, job)
    require(work, job, order.deadline_policy)
    return job


def lipsync(work: UnitOfWork, built: Services, caller: Caller, body: LipsyncCreate) -> Job:
    """A new dub of two files, queued; raises as `asset_of` and `submit`."""
    order = Dub(
        video=asset_of(work, built, caller, body.video, fetch=False),
        audio=asset_of(work, built, caller, body.audio, fetch=False),
        chosen=Chosen(picture=body.video.track, sound=sound_of(body.audio)),
        model=body.model,
        sync=Sync(**body.sync.model_dump()),
        seed=seed_of(body.seed),
        priority=body.priority,
        deadline=body.deadline,
        deadline_policy=body.deadline_policy,
        labels=body.metadata,
        options=body.options.model_dump(mode="json"),
        destination=destination_of(body.output),
    )
    return submit(work, built, caller, order)


def analyse(work: UnitOfWork, built: Services, caller: Caller, title: Title) -> Job:
    """A new job that analyses the picture of a title, queued."""
    job = _job(caller, title.video_asset, {})
    job.title_id = title.id
    job.options = {"chosen": Chosen(picture=title.picture).model_dump(mode="json")}
    return begin(work, built, job)


def _job(caller: Caller, video: str, labels: dict[str, str]) -> Job:
    return Job(
        id=ids.new_id("job"),
        organisation_id=caller.organisation,
        video_asset=video,
        sync=Sync().model_dump(mode="json"),
        labels=labels,
        seed=0,
        priority=0,
        warnings=[],
    )


def begin(work: UnitOfWork, built: Services, job: Job) -> Job:
    """Queue a new job, and ask for its first work.

    Raises:
        NotFound: the connection to the bucket that its master is to go to was deleted.
    """
    job.state, job.phase, job.phase_times = JobState.QUEUED, Phase.PROBING, {}
    job.options = {**job.options, "sharing": sharing_of(built)}
    work.jobs.add(job)
    if (to := job.options.get("destination")) is not None:
        connection = work.connections.hold(to["connection"], job.organisation_id, "/output/destination/connection")
        work.deliveries.ask(job, connection, to["prefix"])
    Advancer(work, built.queue.max_attempts).begin(job)
    work.session.refresh(job)
    return job


def sharing_of(built: Services) -> Sharing:
    """Whose jobs share the results of new jobs."""
    return Sharing.INSTALLATION if built.api.share_across_organisations else Sharing.ORGANISATION


def seed_of(given: int | None) -> int:
    """The seed that was given, else one drawn from 32 bits, so that every JSON reader keeps it exactly."""
    return secrets.randbits(32) if given is None else given


def asset_of(work: UnitOfWork, built: Services, caller: Caller, wanted: FileRef, *, fetch: bool) -> Asset:
    """The file: one that was uploaded, or a new one, which is fetched even if no job needs it where ``fetch`` says so.

    Raises:
        NotFound: there is no such file, or no such connection.
        UrlNotAllowed: it cannot be fetched from there.
    """
    role, chosen = as_what(wanted)
    if isinstance(wanted, AssetRef):
        return work.assets.get(wanted.id, caller.organisation, f"/{role}/id")
    new = remote_asset(work, caller, wanted, f"/{role}")
    StoredFiles(work, built.queue.max_attempts).read(new, role, chosen, wanted=fetch)
    return new


def remote_asset(work: UnitOfWork, caller: Caller, wanted: UrlRef | BucketRef, pointer: str = "") -> Asset:
    """A new file that is fetched when it is read.

    Raises:
        NotFound: there is no such connection.
        UrlNotAllowed: it cannot be fetched from there.
    """
    if isinstance(wanted, BucketRef):
        check_bucket(work, caller, wanted, pointer)
        url, name = wanted.url, wanted.url.rpartition("/")[2][-255:]
    else:
        checked = checked_url(wanted.url, pointer)
        url, name = str(checked), remote.name_of(checked)
    asset_id, name = ids.new_id("ast"), name if name.isprintable() and name else pointer[1:] or "file"
    return work.assets.add(
        Asset(
            id=asset_id,
            organisation_id=caller.organisation,
            object_key=ids.asset_key(asset_id, name),
            filename=name,
            source_url=url,
            connection_id=wanted.connection if isinstance(wanted, BucketRef) else None,
            claimed_sha256=wanted.sha256,
        )
    )


def checked_url(url: str, pointer: str) -> httpx.URL:
    """Where a file is fetched from; raises `UrlNotAllowed`, which points at the reference that ``pointer`` names."""
    try:
        return remote.checked(url)
    except UrlNotAllowed as error:
        error.where = {"pointer": f"{pointer}/url", **error.where}
        raise


def check_bucket(work: UnitOfWork, caller: Caller, wanted: BucketRef, pointer: str) -> None:
    """Refuse a file that lies where its connection does not lead.

    Raises:
        NotFound: there is no such connection.
        UrlNotAllowed: it leads elsewhere.
    """
    connection = work.connections.hold(wanted.connection, caller.organisation, f"{pointer}/connection")
    bucket, key = parted(wanted.url)
    if (bucket, key.startswith(connection.prefix)) != (connection.bucket, True):
        raise UrlNotAllowed(
            f"The connection {connection.id} leads to s3://{connection.bucket}/{connection.prefix} only.",
            where={"pointer": f"{pointer}/url"},
            suggestions=("name the connection that leads there", "or make one: POST /v1/storage-connections"),
        )


def as_what(wanted: FileRef) -> tuple[str, Chosen]:
    """Whether a file is used as the picture (``video``) or the sound (``audio``), and what of it."""
    if isinstance(wanted, TrackChoice):
        return "audio", Chosen(sound=sound_of(wanted))
    return "video", Chosen(picture=wanted.track)


def destination_of(output: Output | OutputOut | None) -> dict[str, str] | None:
    """Where a master is delivered to, as a job keeps it."""
    return None if output is None else output.destination.model_dump(mode="json")


def sound_of(chosen: TrackChoice) -> SoundChoice:
    """Which tracks and channels of a file are used."""
    return SoundChoice(tracks=tuple(chosen.tracks), channels=tuple(chosen.channels))


def pinned(work: UnitOfWork, built: Services, preset: str) -> Models:
    """What the job is pinned to. Every version that was released is served on, so a job keeps the one that it gets here."""
    released = work.releases.choose(preset, secrets.randbits(32))
    if released is None:
        return built.catalogue.pin(preset)
    return work.releases.follow(preset, released, built.catalogue.pin_again(released))
