"""The delivery receipt: what went in, what came out, and the proof that nothing else changed."""

from datetime import datetime
from fractions import Fraction

from pydantic import Field

from dubbing.domain.faces import Finding, FrameRange
from dubbing.domain.jobs import Models, Sync
from dubbing.domain.media import ColourTags, Frozen


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
    """One track; ``samples`` as decoded."""

    filename: str
    sha256: str
    sample_rate: int
    channels: int
    samples: int


class Parity(Frozen):
    """Each promise and whether it holds, measured on the finished file."""

    frames: bool
    fps: bool
    size: bool
    rotation: bool
    colour: bool
    audio_samples: bool

    @property
    def holds(self) -> bool:
        """True when every promise holds."""
        return all(self.model_dump().values())


class ShotScore(Frozen):
    """How well mouth and sound agree in one shot: best lag in frames and the correlation there; None where nobody speaks."""

    shot: int
    frames: FrameRange
    touched: bool
    lag_frames: int | None = None
    score: float | None = None
    score_before: float | None = None


class Receipt(Frozen):
    """Everything a delivery desk asks for; stored as JSON beside the master."""

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
    touched: tuple[FrameRange, ...]
    shots: tuple[ShotScore, ...] = ()
    timings: dict[str, float] = Field(default_factory=dict)
    warnings: tuple[Finding, ...] = ()
