"""Bodies of requests and responses."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from dubbing.domain.connections import MasterState
from dubbing.domain.findings import Finding
from dubbing.domain.jobs import JobState, Phase, Sync
from dubbing.domain.media import SyncMode
from services.api.deadlines import DeadlinePolicy
from services.api.values import BucketUrl, FileName, Id, Labels, Moment, Prefix, Preset, Seed, Sha256, Url, whole


class Body(BaseModel):
    """A request body: unknown members are errors, never ignored, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _with_whole_numbers(cls, given: Any) -> Any:
        return {name: whole(value) for name, value in given.items()} if isinstance(given, dict) else given


class Failure(BaseModel):
    """Why work failed: the members of an RFC 9457 problem. ``code`` is stable; texts are for people and may change."""

    model_config = ConfigDict(extra="allow", json_schema_serialization_defaults_required=True)
    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    retryable: bool = False
    where: dict[str, Any] = {}
    suggestions: list[str] = []
    media: dict[str, Any] = {}


class UploadCreate(Body):
    """Announces a file. ``sha256``, if given, is compared with the bytes that arrive when the file is first read."""

    filename: FileName
    size: int = Field(ge=0)
    sha256: Sha256 | None = None


class PartUrl(BaseModel):
    """Where to PUT part ``n`` (from 1): ``size`` bytes from ``offset`` of the file."""

    n: int
    offset: int
    size: int
    url: str


class PartDone(BaseModel):
    """A part that has arrived."""

    n: int
    size: int
    etag: str


class UploadOut(BaseModel):
    """An upload: the parts still to send, with fresh URLs, and those that arrived."""

    upload_id: str
    filename: str
    size: int
    part_size: int
    parts: list[PartUrl]
    done: list[PartDone]
    state: Literal["uploading", "completed", "aborted"]
    asset_id: str | None
    urls_expire_at: datetime
    expires_at: datetime


class OpenUpload(BaseModel):
    """An upload that waits for parts; read it for their URLs."""

    upload_id: str
    filename: str
    size: int
    created_at: datetime
    expires_at: datetime


class UploadPage(BaseModel):
    """Uploads, newest first; ``next_cursor`` is null on the last page."""

    items: list[OpenUpload]
    next_cursor: str | None


class PartRef(Body):
    """A part and the ETag that its PUT answered."""

    n: int = Field(ge=1, le=10_000)
    etag: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class UploadComplete(Body):
    """All parts, or nothing: then the parts that arrived are taken."""

    parts: list[PartRef] | None = Field(default=None, max_length=10_000)


class AssetOut(BaseModel):
    """A stored file. ``sha256`` and ``media`` are known once a job has probed it, as is the size of a file at a URL."""

    id: str
    filename: str
    size: int | None
    sha256: str | None
    media: dict[str, Any] | None
    created_at: datetime


class AssetPage(BaseModel):
    """Stored files, newest first; ``next_cursor`` is null on the last page."""

    items: list[AssetOut]
    next_cursor: str | None


class AssetRead(AssetOut):
    """A stored file, with a presigned URL of its bytes."""

    url: str
    url_expires_at: datetime


class AssetRef(Body):
    """An uploaded file."""

    type: Literal["asset"]
    id: Id


class UrlRef(Body):
    """A file that is fetched when the job begins. ``sha256``, if given, is compared with the bytes that arrive."""

    type: Literal["url"]
    url: Url
    sha256: Sha256 | None = None


class BucketRef(Body):
    """A file in a bucket of yours, fetched with the connection's key when the job begins. ``sha256`` as of a URL's."""

    type: Literal["s3"]
    url: BucketUrl
    connection: Id
    sha256: Sha256 | None = None


class PictureChoice(Body):
    """The picture: of a file with several, the one that is its default, unless ``track`` (from 1) chooses."""

    track: Annotated[int, Field(ge=1, le=100)] | None = None


class TrackChoice(Body):
    """The new sound: ``tracks`` and ``channels`` (both from 1) choose what of the file is used."""

    tracks: list[Annotated[int, Field(ge=1, le=100)]] = Field(default_factory=list, max_length=8)
    channels: list[Annotated[int, Field(ge=1, le=64)]] = Field(default_factory=list, max_length=8)


class VideoRef(AssetRef, PictureChoice):
    """The picture, of an uploaded file."""


class VideoUrl(UrlRef, PictureChoice):
    """The picture, of a file at a URL."""


class VideoInBucket(BucketRef, PictureChoice):
    """The picture, of a file in a bucket."""


class AudioRef(AssetRef, TrackChoice):
    """The new sound, of an uploaded file."""


class AudioUrl(UrlRef, TrackChoice):
    """The new sound, of a file at a URL."""


class AudioInBucket(BucketRef, TrackChoice):
    """The new sound, of a file in a bucket."""


class Destination(Body):
    """A folder of a connected bucket; ``prefix`` lies inside that of the connection."""

    connection: Id
    prefix: Prefix = ""


class Output(Body):
    """Where a master is delivered to, with its receipt, besides our own store."""

    destination: Destination


class Options(Body):
    """What to do with what cannot be dubbed: frames without a face keep the source's pixels."""

    on_no_face: Literal["passthrough"] = "passthrough"


class SyncChoice(Body):
    """Sync mode, and how many frames of difference count as none (``strict``)."""

    mode: Annotated[SyncMode, Field(strict=False)] = SyncMode.STRICT
    tolerance_frames: int = Field(default=1, ge=0, le=25)


class LipsyncCreate(Body):
    """One dub."""

    video: VideoRef | VideoUrl | VideoInBucket = Field(discriminator="type")
    audio: AudioRef | AudioUrl | AudioInBucket = Field(discriminator="type")
    model: Preset = "tiny"
    sync: SyncChoice = SyncChoice()
    options: Options = Options()
    output: Output | None = None
    seed: Seed | None = None
    priority: int = Field(default=0, ge=-100, le=100)
    deadline: Moment | None = None
    deadline_policy: Annotated[DeadlinePolicy, Field(strict=False)] = DeadlinePolicy.REQUIRE
    metadata: Labels = Field(default_factory=dict)


class PhaseOut(BaseModel):
    """One phase: ``percent`` of it, and its work items (a phase may share items with other jobs)."""

    status: Literal["pending", "running", "done"]
    percent: float
    started_at: datetime | None


class Counter(BaseModel):
    """Done of total; total is 0 while unknown."""

    done: int
    total: int


class Progress(BaseModel):
    """How far a job is. ``shots`` are done when nothing of them is left to generate; ``fps`` counts generated frames.

    ``eta_seconds`` is what is left, queues included; null when the job has ended, and while nobody serves its queue.
    """

    percent: float
    phases: dict[Phase, PhaseOut]
    shots: Counter
    chunks: Counter
    frames: Counter
    fps: float | None
    eta_seconds: float | None


class Links(BaseModel):
    """Presigned URLs of what a finished job made; they end at ``expire_at``. Read the job again for fresh ones.

    ``output`` is null, and ``withheld`` says why, while the master waits for approval.
    """

    output: str | None
    withheld: Failure | None
    receipt: str
    preview: str | None
    expire_at: datetime


class ModelOut(BaseModel):
    """The model that a job is pinned to; ``version`` is the number of its folder in the model repository."""

    name: str
    digest: str
    version: int | None
    demo: bool


class MasterDelivered(BaseModel):
    """A master on its way to a bucket: ``waiting`` for the master, ``pending`` while it is sent, or ended.

    ``connection`` is null when it was deleted since; ``url`` and ``receipt_url`` are known when there is a master.
    """

    status: MasterState
    connection: str | None
    url: str | None
    receipt_url: str | None
    error: Failure | None
    created_at: datetime
    ended_at: datetime | None


class JobOut(BaseModel):
    """A job.

    One that renders a language of a title names both, and the revision of the language's sound. One that analyses a title has
    neither track nor model, and ends after the phase ``analyzing``. ``copy_of`` is the job that it tries again or promotes.
    ``estimated_start_at`` and ``estimated_finish_at`` are null when the job has ended, and while nobody serves its queue.
    """

    id: str
    title: str | None
    title_name: str | None
    language: str | None
    revision: int | None
    status: JobState
    phase: Phase
    progress: Progress
    video: str
    audio: str | None
    model: ModelOut | None
    sync: Sync
    seed: int
    priority: int
    deadline: datetime | None
    deadline_at_risk: bool
    estimated_start_at: datetime | None
    estimated_finish_at: datetime | None
    metadata: dict[str, str]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None
    cancel_requested_at: datetime | None
    stuck: bool
    copy_of: str | None
    waiting_on: str | None
    warnings: list[Finding]
    error: Failure | None
    links: Links | None
    delivery: MasterDelivered | None


class Urgency(Body):
    """How urgent a job is to be; what is left out stays. ``deadline_policy`` is about the deadline that is sent with it."""

    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    deadline: Moment | None = None
    deadline_policy: Annotated[DeadlinePolicy, Field(strict=False)] = DeadlinePolicy.REQUIRE


class MasterDeliver(Body):
    """Where to deliver a master; without it, where it was to be delivered to last."""

    destination: Destination | None = None


class Promotion(Body):
    """The model that a master is made with instead."""

    model: Preset


class ShotProgress(BaseModel):
    """One shot: how many frames of mouths it gets, and how many of these are there.

    ``skipped``: it gets none and passes through. ``timecode`` counts from 00:00:00:00.
    """

    index: int
    start: int
    end: int
    timecode: str
    status: Literal["skipped", "waiting", "running", "done"]
    frames: Counter


class JobShots(BaseModel):
    """The shots of a job's picture, in order."""

    items: list[ShotProgress]


class JobPage(BaseModel):
    """Jobs, newest first; ``next_cursor`` is null on the last page."""

    items: list[JobOut]
    next_cursor: str | None
