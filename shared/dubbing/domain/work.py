"""Units of work: their kinds, and the typed payload and result of each kind.

A payload holds ids, hashes and object keys, never media. What follows from content alone (``probe``, ``prepare``, ``compare``,
``encode_face``, ``encode_speech``, ``infer``) is keyed by it and shared by the organisation's jobs; ``stitch`` belongs to one
job, ``train`` to a training run, ``publish`` to a model version, ``deliver`` to a webhook endpoint, ``deliver_master`` to the
delivery of a job that has ended.
"""

import secrets
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple, Self

from pydantic import Field

from dubbing.domain.deliveries import DeliverMasterTask, DeliverTask
from dubbing.domain.faces import Chunk
from dubbing.domain.findings import Finding, FrameRange
from dubbing.domain.frozen import Frozen
from dubbing.domain.jobs import ModelPin, Models, Phase, Sync
from dubbing.domain.media import MediaInfo, SoundChoice, SyncPlan
from dubbing.domain.receipt import Receipt
from dubbing.domain.training import LegEnd, ReleaseState

ANALYSIS = "a10"
"""Version of everything analysis decides (shots, tracks, alignment, chunks). Raise it, and sources are analysed anew."""
MASKING = "m5"
"""Version of how crops are cut, masked and laid out for the encoder. Raise it, and faces are encoded anew."""
SPEECH = "s3"
"""Version of how a track is cut into windows for the speech encoder. Raise it, and tracks are encoded anew."""
COMPARISON = "c1"
"""Version of how two tracks are compared. Raise it, and they are compared anew."""


class WorkKind(StrEnum):
    """What a work item does."""

    PROBE = "probe"
    PREPARE = "prepare"
    COMPARE = "compare"
    ENCODE_FACE = "encode_face"
    ENCODE_SPEECH = "encode_speech"
    INFER = "infer"
    STITCH = "stitch"
    TRAIN = "train"
    PUBLISH = "publish"
    DELIVER = "deliver"
    DELIVER_MASTER = "deliver_master"


KINDS_OF = {
    Phase.PROBING: (WorkKind.PROBE,),
    Phase.ANALYZING: (WorkKind.PREPARE, WorkKind.COMPARE),
    Phase.ENCODING: (WorkKind.ENCODE_FACE, WorkKind.ENCODE_SPEECH),
    Phase.GENERATING: (WorkKind.INFER,),
    Phase.STITCHING: (WorkKind.STITCH,),
    Phase.VERIFYING: (WorkKind.STITCH,),
}
"""The kinds whose items must all be done before a job leaves the phase."""


class WorkState(StrEnum):
    """Where a work item stands."""

    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


ENDED = (WorkState.DONE, WorkState.FAILED, WorkState.CANCELED)


class Queue(StrEnum):
    """A pool of workers. A message on a queue is a token: its receiver claims the best item among the queue's kinds."""

    PREPARE = "prepare"
    INFER = "infer"
    STITCH = "stitch"
    TRAIN = "train"
    PUBLISH = "publish"
    DELIVER = "deliver"
    MAINTENANCE = "maintenance"


QUEUE_OF = {
    WorkKind.PROBE: Queue.PREPARE,
    WorkKind.PREPARE: Queue.PREPARE,
    WorkKind.COMPARE: Queue.PREPARE,
    WorkKind.ENCODE_FACE: Queue.INFER,
    WorkKind.ENCODE_SPEECH: Queue.INFER,
    WorkKind.INFER: Queue.INFER,
    WorkKind.STITCH: Queue.STITCH,
    WorkKind.TRAIN: Queue.TRAIN,
    WorkKind.PUBLISH: Queue.PUBLISH,
    WorkKind.DELIVER: Queue.DELIVER,
    WorkKind.DELIVER_MASTER: Queue.STITCH,
}


def kinds_of(queue: str) -> tuple[WorkKind, ...]:
    """The kinds that the workers of ``queue`` do."""
    return tuple(kind for kind, name in QUEUE_OF.items() if name == queue)


class Ring(NamedTuple):
    """A doorbell to ring after commit: some item of ``kind`` waits; ``item_id`` is for tracing only."""

    kind: WorkKind
    item_id: str


class ItemSpec(NamedTuple):
    """A work item that should exist. ``key`` is unique: asking twice gives the same item.

    ``units`` is its size in frames, 0 where that is not known before it runs.
    """

    kind: WorkKind
    key: str
    payload: Frozen
    shared: bool
    units: int = 0


class Source(Frozen):
    """A file in the object store; ``sha256`` is of its verified bytes."""

    asset_id: str
    key: str
    filename: str
    sha256: str
    media: MediaInfo


class ProbeTask(Frozen):
    """Hash and read one file. ``claimed_sha256`` is what the caller announced; a difference fails the item.

    A file with a ``url`` is fetched from there unless it is stored already: by a ``connection``, from the customer's bucket.

    ``picture`` and ``sound`` are what the caller chose of it; None and empty for the documented default.
    """

    asset_id: str
    key: str
    filename: str
    claimed_sha256: str | None
    role: str
    url: str | None = None
    connection: str | None = None
    picture: int | None = None
    sound: SoundChoice = SoundChoice()


class ProbeResult(Frozen):
    """What the file is."""

    sha256: str
    media: MediaInfo


class PrepareTask(Frozen):
    """Find shots, faces, tracks, alignment and chunks in a picture; write the analysis to ``analysis_key``."""

    source: Source
    analysis: str
    analysis_key: str


class PrepareResult(Frozen):
    """What later steps plan with; all else is in the analysis object. A source without any face fails instead."""

    shots: int
    tracks: int
    chunks: tuple[Chunk, ...]
    findings: tuple[Finding, ...] = ()


class LaidSound(Frozen):
    """A track as it is laid to a picture: ``lead`` and ``picture_after`` as of `SyncPlan`."""

    source: Source
    lead: int
    picture_after: Fraction


class CompareTask(Frozen):
    """Find out at which frames a track sounds otherwise than ``base``, the one of an earlier revision.

    ``level`` is what ``base`` is normalised with, None for its own.
    """

    sound: LaidSound
    base: LaidSound
    video: Source
    level: tuple[float, float] | None


class CompareResult(Frozen):
    """The frames whose mouths must be generated again, and the level that the track is normalised with, None for its own."""

    changed: tuple[FrameRange, ...]
    level: tuple[float, float] | None
    findings: tuple[Finding, ...] = ()


class EncodeFaceTask(Frozen):
    """Encode the crops of every chunk; chunk i goes to ``ids.latents_key(latents_prefix, i)``."""

    source: Source
    analysis_key: str
    preset: str
    encoder: ModelPin
    latents_prefix: str


class EncodeSpeechTask(Frozen):
    """Encode a track at the presentation times of the picture's frames.

    ``lead`` samples of silence come before it, and the first frame ``picture_after`` seconds after the first of these.
    ``level`` is the mean and standard deviation that it is normalised with, those of its own for None.
    """

    source: Source
    video: Source
    preset: str
    encoder: ModelPin
    speech_prefix: str
    lead: int = 0
    picture_after: Fraction = Fraction(0)
    level: tuple[float, float] | None = None


class EncodeResult(Frozen):
    """Number of frames encoded; and, while a picture is still being encoded, the chunks whose latents are stored by now."""

    frames: int
    chunks: tuple[int, ...] = ()


class InferTask(Frozen):
    """Generate one chunk; the frames from ``chunk.keep_from`` on go to ``output_key``."""

    job_id: str
    chunk: Chunk
    seed: int
    preset: str
    student: ModelPin
    latents_key: str
    speech_prefix: str
    output_key: str


class InferResult(Frozen):
    """Number of frames kept, and the digest of the weights that made them."""

    frames: int
    digest: str


class StitchTask(Frozen):
    """Paste back, encode, mux, prove, upload. ``plan`` says how the track is used, ``warnings`` what was found before.

    ``crops`` says where the generated mouths of each chunk lie, by its number. ``name`` is what the master is called, without
    its suffix; None for the names of picture and track.
    """

    job_id: str
    video: Source
    audio: Source
    sync: Sync
    plan: SyncPlan
    seed: int
    models: Models
    analysis_key: str
    chunks: tuple[Chunk, ...]
    findings: tuple[Finding, ...] = ()
    crops: dict[int, str] = Field(default_factory=dict)
    name: str | None = None

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Everything that is told of the files, of how they meet, and of the analysis."""
        return (*self.video.media.findings, *self.audio.media.findings, *self.plan.findings, *self.findings)


class StitchResult(Frozen):
    """Where the master, the receipt and the contact sheet lie."""

    output_key: str
    output_filename: str
    receipt_key: str
    preview_key: str | None = None
    receipt: Receipt
    warnings: tuple[Finding, ...] = ()


class TrainTask(Frozen):
    """One leg of a training run, from its last checkpoint on."""

    run_id: str


class TrainResult(Frozen):
    """How the leg ended, and after which step."""

    end: LegEnd
    step: int


class PublishTask(Frozen):
    """Judge what a run made and, if it passes, serve it."""

    release_id: str


class PublishResult(Frozen):
    """What was decided."""

    state: ReleaseState


PAYLOADS: dict[WorkKind, type[Frozen]] = {
    WorkKind.PROBE: ProbeTask,
    WorkKind.PREPARE: PrepareTask,
    WorkKind.COMPARE: CompareTask,
    WorkKind.ENCODE_FACE: EncodeFaceTask,
    WorkKind.ENCODE_SPEECH: EncodeSpeechTask,
    WorkKind.INFER: InferTask,
    WorkKind.STITCH: StitchTask,
    WorkKind.TRAIN: TrainTask,
    WorkKind.PUBLISH: PublishTask,
    WorkKind.DELIVER: DeliverTask,
    WorkKind.DELIVER_MASTER: DeliverMasterTask,
}


class OpenSequence(Frozen):
    """A chunk under way on the inference server, which holds a slot of the model until somebody ends it.

    Attributes:
        model, version: that generate it; None is the version of the server's choice.
        id: of the sequence.
        nonce: of this attempt at the chunk; who does not know it can neither continue nor end the sequence.
    """

    model: str
    version: int | None
    id: int
    nonce: int

    @classmethod
    def drawn(cls, model: str, version: int | None) -> Self:
        """A new one, with an id and a nonce that nobody else has."""
        return cls(model=model, version=version, id=secrets.randbits(63) | 1, nonce=secrets.randbits(62))


class LeasedItem(Frozen):
    """A leased item as its handler sees it. (``lease_owner``, ``attempt``) is the fence of every later write.

    Attributes:
        outages: attempts so far that ended because a part of the platform was away, and cost none.
        leases_lost: attempts so far whose holder fell silent.
        sequence: what the holder before may have left open on the inference server.
    """

    id: str
    kind: WorkKind
    key: str
    payload: dict[str, Any] = Field(repr=False)
    lease_owner: str
    attempt: int
    max_attempts: int
    outages: int = 0
    leases_lost: int = 0
    sequence: OpenSequence | None = None
    units_total: int = 0
    job_id: str | None = None
