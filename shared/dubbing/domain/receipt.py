"""The delivery receipt: what went in, what came out, and the proof that nothing else changed."""

from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from pydantic import Field

from dubbing.domain.findings import Finding, FrameRange
from dubbing.domain.frozen import Frozen
from dubbing.domain.jobs import Models, Sync
from dubbing.domain.media import ColourTags, SyncPlan
from dubbing.domain.witness import Witnessed


class VideoFacts(Frozen):
    """One file's picture and its checksum."""

    filename: str
    sha256: str
    size_bytes: int
    frames: int
    fps: Fraction
    width: int
    height: int
    rotation: int = 0
    codec: str
    colour: ColourTags = ColourTags()

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after display rotation."""
        return (self.height, self.width) if self.rotation in (90, 270) else (self.width, self.height)


class AudioFacts(Frozen):
    """One track; ``samples`` as decoded, of the ``tracks`` and ``picked`` channels that were used (all when empty)."""

    filename: str
    sha256: str
    sample_rate: int
    channels: int
    samples: int
    tracks: tuple[int, ...] = (1,)
    picked: tuple[int, ...] = ()
    layout: str | None = None
    codec: str | None = None


class Parity(Frozen):
    """The promises that were held against the source, all measured on the finished file by the second reading.

    A receipt exists only if all hold. ``audio_start`` and ``video_start`` are seconds of the programme.
    """

    frames_in: int
    frames_out: int
    fps: Fraction
    variable_rate: bool
    width: int
    height: int
    rotation: int
    mirrored: bool = False
    sample_aspect_ratio: Fraction
    colour: ColourTags
    samples_in: int
    samples_out: int
    sample_rate: int
    channels: int
    audio_start: Fraction
    video_start: Fraction = Fraction(0)


class Agreement(Frozen):
    """How the opening of mouths agrees with the loudness of a track (`dubbing.faces.agreement`).

    Attributes:
        score: correlation of the two at the best lag.
        lag_frames: that lag; positive when the mouth moves after the sound.
        significance: share of shifted sounds that agree as well by chance.
    """

    score: float
    lag_frames: int
    significance: float


class SyncNetScore(Frozen):
    """What SyncNet (Chung and Zisserman, 2016) says of mouths and a track, over ``frames`` of 25 a second.

    Attributes:
        confidence: Sync-C, median minus smallest distance over all shifts; more is better.
        distance: Sync-D, the smallest distance; less is better.
        offset_frames: frames by which the sound comes before its picture there (negative: after it).
    """

    frames: int
    confidence: float
    distance: float
    offset_frames: int


class SyncMeasure(StrEnum):
    """How mouths and sound were compared."""

    OPENING = "opening_and_loudness"
    SYNCNET = "syncnet_v2"


class ShotScore(FrameRange):
    """How mouths and new track agree in one shot.

    Attributes:
        shot: number of the shot.
        touched: True when a mouth in it was repainted.
        agreement: of the new mouths; None where it does not differ from chance, which is the rule in short shots.
        agreement_before: of the source's own mouths at the same frames, with the new track.
        syncnet: None where SyncNet was not at hand, or the shot shows no face as long and as large as its metric asks for.
        score, lag_frames, score_before, lag_frames_before: only in receipts of before, which gave them without significance:
            they may be chance.
    """

    shot: int
    touched: bool
    agreement: Agreement | None = None
    agreement_before: Agreement | None = None
    syncnet: SyncNetScore | None = None
    score: float | None = Field(default=None, deprecated=True)
    lag_frames: int | None = Field(default=None, deprecated=True)
    score_before: float | None = Field(default=None, deprecated=True)
    lag_frames_before: int | None = Field(default=None, deprecated=True)


class LanguageScore(Frozen):
    """How the mouths of a whole language agree with its track.

    Attributes:
        measure: what stands for it: SyncNet where its weights are at hand, else opening and loudness.
        frames: how many openings were measured.
        agreement: of all new mouths together; None where it does not differ from chance.
        agreement_before: of the source's own mouths at the same frames, with the new track.
        syncnet: mean over the shots that have one, weighted alike, as published; the offset is their median.
    """

    measure: SyncMeasure
    frames: int
    agreement: Agreement | None = None
    agreement_before: Agreement | None = None
    syncnet: SyncNetScore | None = None


class Receipt(Frozen):
    """Everything a delivery desk asks for; stored as JSON beside the master.

    ``plan`` says where the sound lies on the programme's time line, ``score`` how mouths and sound agree over the whole
    language; these and ``witness`` are None in receipts of before.
    """

    job_id: str
    created_at: datetime
    input_video: VideoFacts
    input_audio: AudioFacts
    output_video: VideoFacts
    output_audio: AudioFacts
    sync: Sync
    models: Models
    seed: int
    parity: Parity
    plan: SyncPlan | None = None
    witness: Witnessed | None = None
    touched: tuple[FrameRange, ...]
    score: LanguageScore | None = None
    shots: tuple[ShotScore, ...] = ()
    timings: dict[str, float] = Field(default_factory=dict)
    warnings: tuple[Finding, ...] = ()
