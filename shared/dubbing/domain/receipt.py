"""The delivery receipt: what went in, what came out, and the proof that nothing else changed."""

from datetime import datetime
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


class ShotScore(FrameRange):
    """How well mouth and new track agree in one shot.

    Attributes:
        shot: number of the shot.
        touched: True when a mouth in it was repainted.
        score: correlation of the mouth's opening with the track's speech-band loudness at the best lag; about 0.5 for
            real speakers, below 0.2 for unrelated sound; None where nobody speaks.
        lag_frames: that lag; positive when the mouth moves after the sound.
        score_before, lag_frames_before: the same for the source's own mouth with the new track.
    """

    shot: int
    touched: bool
    score: float | None = None
    lag_frames: int | None = None
    score_before: float | None = None
    lag_frames_before: int | None = None


class Receipt(Frozen):
    """Everything a delivery desk asks for; stored as JSON beside the master.

    ``plan`` says where the sound lies on the programme's time line; it and ``witness`` are None in receipts of before.
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
    shots: tuple[ShotScore, ...] = ()
    timings: dict[str, float] = Field(default_factory=dict)
    warnings: tuple[Finding, ...] = ()
