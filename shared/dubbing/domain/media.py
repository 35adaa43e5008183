"""Facts about media files: exact, rational, and independent of the tool that read them."""

from fractions import Fraction

from pydantic import BaseModel, ConfigDict


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
        fps: exact frame rate; for a variable-rate file, the rate of the constant-rate grid that it is read on.
        frames: exact number of frames.
        variable_rate: True when the source's time stamps are not on a constant grid.
        start: time of the first frame in seconds of the container.
        pixel_format, codec: ffmpeg names. bit_depth: bits per component.
        sample_aspect_ratio: width over height of one pixel.
    """

    codec: str
    width: int
    height: int
    rotation: int = 0
    fps: Fraction
    frames: int
    variable_rate: bool = False
    start: Fraction = Fraction(0)
    pixel_format: str
    bit_depth: int = 8
    sample_aspect_ratio: Fraction = Fraction(1)
    colour: ColourTags = ColourTags()

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
