"""Facts about media files: exact, rational, and independent of the tool that read them."""

from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from pydantic import Field

from dubbing.domain.findings import Finding
from dubbing.domain.frozen import Frozen
from dubbing.domain.witness import Witness

READING = "r2"
"""Version of how files are read (frames, times, tracks, samples). Raise it, and known files are read anew."""


class Box(NamedTuple):
    """Pixels ``left`` <= x < ``right``, ``top`` <= y < ``bottom`` of the upright picture."""

    left: int
    top: int
    right: int
    bottom: int


class ColourTags(Frozen):
    """Colour description as ffmpeg names it (ITU-T H.273); None where the file says nothing."""

    primaries: str | None = None
    transfer: str | None = None
    matrix: str | None = None
    range: str | None = None


class VideoInfo(Frozen):
    """One video stream.

    Attributes:
        track: its number among the file's moving pictures, from 1.
        width, height: coded size in pixels, before display rotation.
        rotation: clockwise degrees (0, 90, 180, 270) that a player turns the picture by.
        mirrored: True when a player then swaps left and right.
        display_matrix: the nine numbers of the container's display matrix (ISO/IEC 14496-12, 8.3.2), None when it has none.
        fps: exact frame rate; for a variable-rate file, frames over duration (its frames keep their own times).
        frames: exact number of frames that a player shows.
        variable_rate: True when the source's time stamps are not on a constant grid.
        time_base: seconds of one tick of the stream's time stamps.
        start: time of the first frame on the programme's time line (docs/adr/0011-one-time-line.md), in seconds.
        pixel_format, codec: ffmpeg names. bit_depth: bits per component.
        sample_aspect_ratio: width over height of one pixel.
        chroma_site: where chroma samples lie, as ffmpeg names it (ITU-T H.273, 8.7); None where the file says nothing.
    """

    codec: str
    track: int = 1
    width: int
    height: int
    rotation: int = 0
    mirrored: bool = False
    display_matrix: tuple[int, ...] | None = None
    fps: Fraction
    frames: int
    variable_rate: bool = False
    time_base: Fraction = Fraction(1, 90_000)
    start: Fraction = Fraction(0)
    pixel_format: str
    bit_depth: int = 8
    sample_aspect_ratio: Fraction = Fraction(1)
    chroma_site: str | None = None
    colour: ColourTags = ColourTags()

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after display rotation."""
        return (self.height, self.width) if self.rotation in (90, 270) else (self.width, self.height)

    @property
    def duration(self) -> Fraction:
        """Seconds that the frames cover."""
        return self.frames / self.fps


class SoundChoice(Frozen):
    """Which of a file's sound is used; empty means the documented default.

    Attributes:
        tracks: numbers of the file's sound tracks, from 1; several are joined, channel after channel.
        channels: numbers of the channels of what was joined, from 1, in the order in which they are delivered.
    """

    tracks: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()


class Hole(Frozen):
    """Silence inside a track where the file has none: ``samples`` of it, before sample ``at`` of what was decoded."""

    at: int
    samples: int


class AudioInfo(Frozen):
    """The sound that is used of a file: one track, or several that are joined.

    Attributes:
        tracks: their numbers among the file's sound tracks, from 1.
        leads: for tracks that are joined, the samples of silence before each, so that they begin together.
        channels: how many are used, after the choice.
        picked: which channels of the joined tracks these are, from 1; empty means all, in order.
        layout: ffmpeg's name of the speaker layout; None where the file names none.
        samples: exact, counted by decoding, without holes.
        holes: where the file's time stamps leave time without sound.
        start: time of the first sample on the time line of its own file, in seconds.
        bits: bits of one sample that the codec gives back, up to 32.
        floating: True for floating-point samples.
        lossless: True when the codec gives back what was recorded.
        peak: largest sample, full scale 1.
    """

    codec: str
    tracks: tuple[int, ...] = (1,)
    leads: tuple[int, ...] = ()
    sample_rate: int
    channels: int
    picked: tuple[int, ...] = ()
    layout: str | None
    samples: int
    holes: tuple[Hole, ...] = ()
    start: Fraction = Fraction(0)
    bits: int = 16
    floating: bool = False
    lossless: bool = True
    peak: float = 0.0

    @property
    def spread(self) -> int:
        """Samples from the first to the last, holes included."""
        return self.samples + sum(hole.samples for hole in self.holes)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first sample to the end of the last, holes included."""
        return Fraction(self.spread, self.sample_rate)


class MediaInfo(Frozen):
    """What a file holds: the picture and the sound that are used of it, either of which may be missing.

    Attributes:
        reading: version of the method that found these facts, see `READING`.
        findings: what was lost, repaired or chosen while reading.
        witness: both readings behind these facts; None where only one was made.
    """

    reading: str = ""
    container: str
    size_bytes: int
    video: VideoInfo | None = None
    audio: AudioInfo | None = None
    findings: tuple[Finding, ...] = Field(default=())
    witness: Witness | None = None


class SyncMode(StrEnum):
    """What to do when the new audio and the picture differ in length. The picture's length never changes."""

    STRICT = "strict"
    CUT_OFF = "cut_off"
    SILENCE = "silence"


class SyncPlan(Frozen):
    """How the new audio meets the picture, on one time line.

    The delivered track is ``lead`` samples of silence, ``keep`` samples of the given sound (its holes filled with silence),
    then ``pad`` samples of silence.

    Attributes:
        start: seconds on the programme's time line at which the delivered track begins.
        picture_after: seconds from there to the first frame, never negative.
        delta: seconds by which the given audio ends after the picture (negative: before).
        delta_frames: the same in frames, rounded half away from zero.
        findings: what is told about starts that could not be kept as they are.
    """

    mode: SyncMode
    sample_rate: int
    lead: int = 0
    keep: int
    pad: int = 0
    start: Fraction = Fraction(0)
    picture_after: Fraction = Fraction(0)
    delta: Fraction = Fraction(0)
    delta_frames: int = 0
    findings: tuple[Finding, ...] = Field(default=())

    @property
    def samples(self) -> int:
        """Samples that the output's sound must have."""
        return self.lead + self.keep + self.pad
