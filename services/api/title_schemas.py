"""Bodies of requests and responses about titles and their languages."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from dubbing.domain.findings import Finding, FrameRange
from dubbing.domain.jobs import JobState, Sync
from dubbing.domain.reviews import ReviewRule, ReviewStatus
from dubbing.domain.titles import LanguageStatus
from services.api.deadlines import DeadlinePolicy
from services.api.schemas import (
    AudioInBucket,
    AudioRef,
    AudioUrl,
    Body,
    Failure,
    Links,
    Output,
    SyncChoice,
    VideoInBucket,
    VideoRef,
    VideoUrl,
)
from services.api.values import LARGEST, Labels, LanguageTag, Line, Moment, Preset, Seconds, Seed, Timecode

FILENAME = "{title}_{language}_v{revision}"
_FILENAME = r"^([^{}\u0000-\u001f\u007f]|\{title\}|\{language\}|\{revision\})+$"
FileTemplate = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_FILENAME)]


class TitleCreate(Body):
    """A title: its picture, its name, and what it is called elsewhere (``external_id``, once in an organisation)."""

    name: Line
    video: VideoRef | VideoUrl | VideoInBucket = Field(discriminator="type")
    external_id: Line | None = None
    metadata: Labels = Field(default_factory=dict)


class TitleChange(Body):
    """What is to change of a title; members that are left out stay."""

    name: Line | None = None
    external_id: Line | None = None
    metadata: Labels | None = None


class AnalysisState(BaseModel):
    """Where the analysis of a title's picture stands, and the job that makes it."""

    job: str
    status: JobState


class LanguageState(BaseModel):
    """One language of a title, in short."""

    language: str
    status: LanguageStatus
    revision: int


class TitleOut(BaseModel):
    """A title. ``version`` is its ETag's, and grows with every change."""

    id: str
    name: str
    external_id: str | None
    video: str
    analysis: AnalysisState
    languages: list[LanguageState]
    metadata: dict[str, str]
    version: int
    created_at: datetime
    updated_at: datetime


class TitlePage(BaseModel):
    """Titles, newest first; ``next_cursor`` is null on the last page."""

    items: list[TitleOut]
    next_cursor: str | None


class FaceOut(BaseModel):
    """One face through one shot: the frames in which it is dubbed, and those among them in which it was not seen.

    ``size`` is the distance between the eyes in pixels.
    """

    track: int
    start: int
    end: int
    missing: list[int]
    size: float


class ShotOut(BaseModel):
    """Frames between two cuts, numbered from 0, ``end`` not included; ``faces`` are those that are dubbed."""

    index: int
    start: int
    end: int
    timecode: str
    faces: list[FaceOut]


class TitleAnalysis(BaseModel):
    """What was found in a title's picture. All but ``status`` and ``job`` is null until the analysis has succeeded.

    ``timecode`` counts from 00:00:00:00 at the picture's rate; ``dubbed`` are the frames in which a mouth can be painted.
    """

    job: str
    status: JobState
    fps: str | None = None
    frames: int | None = None
    shots: list[ShotOut] | None = None
    dubbed: list[FrameRange] | None = None
    findings: list[Finding] | None = None
    error: Failure | None = None


class CastFace(BaseModel):
    """One face through one shot. Who it is, nobody measures: a person in three shots is three faces.

    ``frames`` counts those in which it was seen, ``picture`` is a presigned JPEG of it, null where an older analysis made none.
    """

    track: int
    shot: int
    start: int
    end: int
    timecode: str
    frames: int
    size: float
    picture: str | None


class CastOut(BaseModel):
    """The faces of a title's picture that are dubbed, in order; ``faces`` is null until the analysis has succeeded."""

    job: str
    status: JobState
    faces: list[CastFace] | None
    pictures_expire_at: datetime


class LanguageCreate(Body):
    """A language of a title: its sound, and how masters of it are made.

    ``filename`` names its masters, without the suffix: ``{title}``, ``{language}`` and ``{revision}`` are filled in. Where a
    ``review`` is ``required``, they are given out, and delivered to ``output``, when they are approved.
    """

    language: LanguageTag
    audio: AudioRef | AudioUrl | AudioInBucket = Field(discriminator="type")
    model: Preset = "tiny"
    sync: SyncChoice = SyncChoice()
    seed: Seed | None = None
    filename: FileTemplate = FILENAME
    review: Annotated[ReviewRule, Field(strict=False)] = ReviewRule.NONE
    output: Output | None = None
    metadata: Labels = Field(default_factory=dict)


class LanguageChange(Body):
    """What is to change of a language; members that are left out stay."""

    filename: FileTemplate | None = None
    review: Annotated[ReviewRule, Field(strict=False)] | None = None
    metadata: Labels | None = None


class LanguageAudio(Body):
    """The new sound of a language."""

    audio: AudioRef | AudioUrl | AudioInBucket = Field(discriminator="type")


class LanguageOutput(Body):
    """Where masters of a language are delivered to from now on; null for nowhere but our own store."""

    output: Output | None


class TimeRange(Body):
    """A part of the picture: from ``start`` up to, not including, ``end``.

    Either is a time code, counted from 00:00:00:00, or seconds from the first frame.
    """

    start: Timecode | Seconds
    end: Timecode | Seconds


class RenderCreate(Body):
    """What of a language to make again.

    What is ``stale``, or ``all``: a master again. ``shots`` (by number) or ``ranges``: other mouths for these shots, with
    ``seed`` or one that is drawn; it stays theirs in later revisions. ``model`` and ``output`` replace the language's for this
    job.
    """

    scope: Literal["stale", "all", "shots", "ranges"] = "stale"
    shots: list[Annotated[int, Field(ge=0, le=LARGEST)]] = Field(default_factory=list, max_length=1000)
    ranges: list[TimeRange] = Field(default_factory=list, max_length=1000)
    seed: Seed | None = None
    model: Preset | None = None
    output: Output | None = None
    priority: int = Field(default=0, ge=-100, le=100)
    deadline: Moment | None = None
    deadline_policy: Annotated[DeadlinePolicy, Field(strict=False)] = DeadlinePolicy.REQUIRE


class RenderOut(BaseModel):
    """A job that renders a revision of a language."""

    job: str
    revision: int
    status: JobState


class ReviewState(BaseModel):
    """The review of a master, in short."""

    id: str
    status: ReviewStatus


class Delivered(BaseModel):
    """The last master of a language, of which revision of its sound it is, where its review stands, and where it lies."""

    job: str
    revision: int
    status: JobState
    review: ReviewState | None
    links: Links


class DestinationOut(BaseModel):
    """The folder of a bucket that masters are delivered to."""

    connection: str
    prefix: str


class OutputOut(BaseModel):
    """Where masters are delivered to, besides our own store."""

    destination: DestinationOut


class LanguageOut(BaseModel):
    """A language of a title.

    ``revision`` counts the sounds that it was given; ``seeds`` are those of shots that have their own, ``kept_shots`` keep the
    original picture. ``latest`` is the job asked for last, ``delivered`` the last master, which stays whatever comes after.
    ``version`` is its ETag's, and grows with every change.
    """

    title: str
    language: str
    status: LanguageStatus
    audio: str
    revision: int
    latest: RenderOut | None
    delivered: Delivered | None
    model: str
    sync: Sync
    seed: int
    seeds: dict[str, int]
    kept_shots: list[int]
    filename: str
    review: ReviewRule
    output: OutputOut | None
    metadata: dict[str, str]
    version: int
    created_at: datetime
    updated_at: datetime


class LanguageList(BaseModel):
    """All languages of a title, by tag."""

    items: list[LanguageOut]
