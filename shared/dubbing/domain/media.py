"""Facts about media files: exact, rational, and independent of the tool that read them."""

from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict


class Box(NamedTuple):
    """Pixels ``left`` <= x < ``right``, ``top`` <= y < ``bottom`` of the upright picture."""

    left: int
    top: int
    right: int
    bottom: int


class Frozen(BaseModel):
    """An immutable value that travels as JSON; fractions are written ``"24000/1001"``."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null")


class ColourTags(Frozen):
    """Colour description as ffmpeg names it (ITU-T H.273); None where the file says nothing."""

    primaries: str | None = None
    transfer: str | None = None
    matrix: str | None = None
    range: str | None = None


class VideoInfo(Frozen):
    """One video stream.

    Attributes:
        width, height: coded size in pixels, before display rotation.
        rotation: clockwise degrees (0, 90, 180, 270) that a player turns the picture by.
        display_matrix: the nine numbers of the container's display matrix (ISO/IEC 14496-12, 8.3.2), None when it has none.
        fps: exact frame rate; for a variable-rate file, frames over duration (its frames keep their own times).
        frames: exact number of frames that a player shows.
        variable_rate: True when the source's time stamps are not on a constant grid.
        time_base: seconds of one tick of the stream's time stamps.
        start: time of the first frame in seconds of the container.
        pixel_format, codec: ffmpeg names. bit_depth: bits per component.
        sample_aspect_ratio: width over height of one pixel.
    """

    codec: str
    width: int
    height: int
    rotation: int = 0
    display_matrix: tuple[int, ...] | None = None
    fps: Fraction
    frames: int
    variable_rate: bool = False
    time_base: Fraction = Fraction(1, 90_000)
    start: Fraction = Fraction(0)
    pixel_format: str
    bit_depth: int = 8
    sample_aspect_ratio: Fraction = Fraction(1)
    colour: ColourTags = ColourTags()

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after display rotation."""
        return (self.height, self.width) if self.rotation in (90, 270) else (self.width, self.height)

    @property
    def duration(self) -> Fraction:
        """Seconds that the frames cover."""
        return self.frames / self.fps


class AudioInfo(Frozen):
    """One audio stream: ``samples`` is exact, counted by decoding; ``start`` in seconds of the container."""

    codec: str
    sample_rate: int
    channels: int
    layout: str
    samples: int
    start: Fraction = Fraction(0)

    @property
    def duration(self) -> Fraction:
        """Seconds of sound."""
        return Fraction(self.samples, self.sample_rate)


class MediaInfo(Frozen):
    """What a file holds: its first (best) video and audio streams, either of which may be missing."""

    container: str
    size_bytes: int
    video: VideoInfo | None = None
    audio: AudioInfo | None = None


class SyncMode(StrEnum):
    """What to do when the new audio and the picture differ in length. The picture's length never changes."""

    STRICT = "strict"
    CUT_OFF = "cut_off"
    SILENCE = "silence"


class SyncPlan(Frozen):
    """How the new audio meets the picture: ``keep`` samples of it from its first, then ``pad`` samples of silence.

    Attributes:
        delta: seconds by which the given audio is longer than the picture (negative: shorter).
        delta_frames: the same in frames, rounded half away from zero.
    """

    mode: SyncMode
    sample_rate: int
    keep: int
    pad: int = 0
    delta: Fraction = Fraction(0)
    delta_frames: int = 0

    @property
    def samples(self) -> int:
        """Samples that the output's sound must have."""
        return self.keep + self.pad
