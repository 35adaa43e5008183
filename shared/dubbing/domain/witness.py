"""Two readings of one file, and what differed between them; part of the receipt."""

from fractions import Fraction

from pydantic import Field

from dubbing.domain.findings import FrameRange
from dubbing.domain.frozen import Frozen


class Reading(Frozen):
    """What one reading says of a file; a fact that it does not see is None.

    Attributes:
        by: the programs that read, with their versions.
        tracks: numbers of the picture or the sound tracks that were read, from 1.
        frames: number of frames that a player shows.
        times_sha256: SHA-256 of their times in seconds, relative to the first, as ``numerator/denominator`` lines.
        size: width and height as displayed.
        start: seconds of the programme at which picture or sound begins.
        end: seconds at which it ends.
        samples: number of samples, without holes.
        holes: time without sound between samples, in samples of silence.
    """

    by: tuple[str, ...]
    tracks: tuple[int, ...] = ()
    frames: int | None = None
    times_sha256: str | None = None
    size: tuple[int, int] | None = None
    start: Fraction | None = None
    end: Fraction | None = None
    samples: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    holes: tuple[int, ...] = ()


class Difference(Frozen):
    """One fact in which two readings differ, in words, and the frames that it is about."""

    fact: str
    first: str
    second: str
    frames: tuple[FrameRange, ...] = Field(default=())


class Witness(Frozen):
    """Both readings of one file, and everything in which they differ beyond the tolerance."""

    first: Reading
    second: Reading
    differences: tuple[Difference, ...] = ()


class PixelCheck(Frozen):
    """Frames of the master beside those of the source, decoded by the second reading.

    Attributes:
        frames: how many were compared: one in each second, and both sides of every cut, hole and edit.
        worst: largest median difference of grey values between the two, 0 to 255.
        worst_frame: the frame that it was found in.
    """

    frames: int
    worst: float
    worst_frame: int


class SoundCheck(Frozen):
    """Samples of the master beside those of the given sound, decoded by the second reading.

    Attributes:
        samples: how many were compared, for each channel.
        worst: largest difference, full scale 1.
        exact: True when every sample is the same.
    """

    samples: int
    worst: float
    exact: bool


class Witnessed(Frozen):
    """The second readings behind a receipt: of the source, of the given sound, and of the master against both."""

    video: Witness | None
    audio: Witness | None
    master: Witness
    pixels: PixelCheck
    sound: SoundCheck
