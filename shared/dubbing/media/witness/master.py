"""A master held against its source and the given sound, all as the second reading sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.findings import frame_ranges
from dubbing.domain.media import AudioInfo, SoundChoice, SyncPlan
from dubbing.domain.witness import Difference, PixelCheck, Reading, SoundCheck
from dubbing.media.timeline import held_frames
from dubbing.media.witness.compare import compare, compare_seconds, compare_times, times_digest
from dubbing.media.witness.facts import (
    Headers,
    PictureReading,
    PictureRecord,
    SoundReading,
    hear_filled,
    read_picture,
    read_sound,
    turn,
)

# Of 255, the median over a frame: coding leaves 1 or 2, a frame from beyond a cut 20 and more.
_MOST_GREY = 6.0
# Full scale 1: a step of 24 bits, for samples that were rounded to so many.
_ROUNDED = 2.0**-22
# A lossy codec keeps the level of each channel in each second to this factor.
_LEVEL = 1.5
_QUIET = 1e-3
# Edit lists count in the movie's time scale, which need not be the picture's.
_GRID = Fraction(1, 1_000)
_FIRST = SoundChoice(tracks=(1,))
_NO_SOUND = SoundCheck(samples=0, worst=0, exact=False)
_TAGS = ("range", "matrix", "primaries", "transfer")


@dataclass(frozen=True)
class Given:
    """The sound that was given, and how it was to be delivered.

    Attributes:
        path: the file.
        info: what of it is used; proved when it was probed.
        plan: how it is laid.
        exact: True where every sample must come back; else to a step of 24 bits, or in level where ``lossy``.
    """

    path: Path
    info: AudioInfo
    plan: SyncPlan
    exact: bool
    lossy: bool


class MasterCheck(NamedTuple):
    """What the second reading says of a master, and everything in which it is not what it must be."""

    reading: Reading
    pixels: PixelCheck
    sound: SoundCheck
    differences: tuple[Difference, ...]


def check_master(master: Path, source: PictureRecord, given: Given, cuts: Sequence[int] = ()) -> MasterCheck:
    """Read a master and compare it.

    Args:
        master: the file.
        source: the picture of its source as the second reading saw it when it was probed.
        given: the sound.
        cuts: first frames of shots; both sides of each are compared in pixels.

    Raises:
        Ended: the ffmpeg program was killed by a signal.
    """
    headers = Headers.of(master)
    picture, heard = read_picture(headers, None), read_sound(headers, _FIRST)
    record = picture.record
    if record is None:
        missing = Difference(fact="frames", first=str(len(source)), second="0")
        reading = Reading(by=headers.by, frames=0)
        return MasterCheck(reading, PixelCheck(frames=0, worst=0, worst_frame=0), _NO_SOUND, (missing,))
    pixels, wrong = _compare_pixels(source, record, cuts)
    sound, unlike = _compare_sound(master, given)
    differences = (
        *_compare_picture(source, record, picture, given.plan),
        *_compare_track(heard, given),
        *wrong,
        *unlike,
        *(Difference(fact="decoder", first="no complaint", second=c.words) for c in picture.shown.complaints[:1]),
    )
    return MasterCheck(_reading(headers, picture, record, heard), pixels, sound, differences)


def _reading(headers: Headers, picture: PictureReading, record: PictureRecord, heard: SoundReading) -> Reading:
    return Reading(
        by=headers.by,
        tracks=(picture.track,),
        frames=len(record),
        times_sha256=times_digest(record.seconds()),
        size=record.size,
        start=_begin(picture),
        end=_begin(picture) + int(record.ticks[-1] - record.ticks[0] + record.last) * record.base,
        samples=sum(course.samples for course in heard.courses),
        sample_rate=heard.heard[0].rate,
        channels=heard.heard[0].channels,
    )


def _compare_picture(
    source: PictureRecord, record: PictureRecord, picture: PictureReading, plan: SyncPlan
) -> Iterator[Difference]:
    tick = max(source.base, record.base)
    yield from compare_times(source.seconds(), record.seconds(), tick, max(source.last, 1) * source.base)
    yield from compare("size", source.size, record.size)
    yield from compare("sample aspect ratio", source.aspect, record.aspect)
    yield from compare("orientation", turn(source.matrix), turn(record.matrix))
    for name, before, after in zip(_TAGS, _wanted_tags(source), _wanted_tags(record), strict=True):
        yield from compare(name, before, after)
    yield from compare_seconds("start of the picture", plan.start + plan.picture_after, _begin(picture), tick + _GRID)


def _wanted_tags(record: PictureRecord) -> list[str | None]:
    """Colour tags as they are compared: what was R'G'B' becomes Y'CbCr, and no range means limited range."""
    pixels, _, span, matrix, primaries, transfer = record.tags
    full = "pc" if pixels.startswith("yuvj") else "tv"
    coded = pixels.startswith(("yuv", "nv", "p0", "p2", "gray", "uyvy", "yuyv"))
    known = [full if span == "unknown" else span if coded else None, matrix if coded else None, primaries, transfer]
    return [None if tag in {"unknown", "gbr", None} else tag for tag in known]


def _begin(picture: PictureReading) -> Fraction:
    """Seconds at which a master's picture begins, on its own movie's time line."""
    if picture.tabled is not None and len(picture.tabled.ticks):
        return Fraction(int(picture.tabled.ticks[0]), picture.tabled.timescale)
    return int(picture.shown.ticks[0]) * picture.shown.base


def _compare_track(heard: SoundReading, given: Given) -> Iterator[Difference]:
    plan, one = given.plan, heard.heard[0]
    course = heard.courses[0]
    found = course.samples if course.samples == plan.samples else heard.tabled or course.samples
    yield from compare("samples", plan.samples, found)
    yield from compare("sample rate", plan.sample_rate, one.rate)
    yield from compare("channels", given.info.channels, one.channels)
    yield from compare("holes in the sound", 0, len(course.holes))
    yield from compare_seconds("start of the sound", plan.start, heard.start, _GRID)
    for complaint in one.complaints[:1]:
        yield Difference(fact="sound decoder", first="no complaint", second=complaint.words)


def _compare_pixels(source: PictureRecord, record: PictureRecord, cuts: Sequence[int]) -> tuple[PixelCheck, list[Difference]]:
    """One frame in each second, and both sides of every cut, hole and edit."""
    frames = min(len(source), len(record), len(source.thumbs), len(record.thumbs))
    seconds = source.seconds()[:frames]
    chosen = {0, frames - 1}
    chosen.update(next_frames(seconds))
    held = [frame for frame, _ in held_frames(source.ticks, source.last, source.base)]
    for cut in (*cuts, *(frame + 1 for frame in held)):
        chosen.update(frame for frame in (cut - 1, cut) if 0 <= frame < frames)
    order = sorted(chosen) if frames else []
    apart = [_apart(source.thumbs[frame], record.thumbs[frame]) for frame in order]
    worst = int(np.argmax(apart)) if apart else 0
    check = PixelCheck(
        frames=len(order), worst=round(apart[worst], 2) if apart else 0.0, worst_frame=order[worst] if order else 0
    )
    wrong = [frame for frame, difference in zip(order, apart, strict=True) if difference > _MOST_GREY]
    if not wrong:
        return check, []
    difference = Difference(
        fact="pixels",
        first=f"frame {wrong[0]} as in the source",
        second=f"another picture (median difference {check.worst:.1f} of 255)",
        frames=frame_ranges(wrong[:20]),
    )
    return check, [difference]


def next_frames(seconds: Sequence[Fraction]) -> Iterator[int]:
    """The first frame of each whole second."""
    second = -1
    for frame, time in enumerate(seconds):
        if int(time) != second:
            second = int(time)
            yield frame


def _apart(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Median difference of grey values: a mouth is a small part of a picture."""
    return float(np.median(np.abs(before.astype(np.int16) - after.astype(np.int16))))


def _compare_sound(master: Path, given: Given) -> tuple[SoundCheck, list[Difference]]:
    """Every sample of the master beside the given one's."""
    wanted, found = _Stream(_expected(given)), _Stream(hear_filled(master, 1, holes=()))
    worst, samples, at = 0.0, 0, None
    levels = _Levels(given.plan.sample_rate)
    while size := min(wanted.there(), found.there()):
        before, after = wanted.take(size), found.take(size)
        if before.shape[1] != after.shape[1]:
            break  # told as another number of channels
        apart = np.abs(before - after).max(axis=1)
        worst = max(worst, float(apart.max()))
        if given.lossy:
            levels.take(before, after)
        elif at is None and worst > (0.0 if given.exact else _ROUNDED):
            at = samples + int(np.argmax(apart))
        samples += size
    at = levels.unlike() if given.lossy else at
    check = SoundCheck(samples=samples, worst=worst, exact=worst == 0)
    if at is None:
        return check, []
    where = f"sample {at}, at {at / given.plan.sample_rate:.3f} s"
    return check, [Difference(fact="sound", first=f"{where}, as given", second=f"off by {worst:.2e} of full scale")]


class _Levels:
    """Power of each channel in each second, before and after a lossy codec."""

    def __init__(self, rate: int) -> None:
        self._rate, self._samples = rate, 0
        self._powers: list[list[NDArray[np.float64]]] = []

    def take(self, before: NDArray[np.float64], after: NDArray[np.float64]) -> None:
        """Add samples [n, channels] of both."""
        for start in range(0, len(before), self._rate):
            second = (self._samples + start) // self._rate
            part = np.s_[start : start + self._rate]
            powers = [np.square(both[part]).sum(axis=0) for both in (before, after)]
            if second == len(self._powers):
                self._powers.append(powers)
            else:
                self._powers[second] = [a + b for a, b in zip(self._powers[second], powers, strict=True)]
        self._samples += len(before)

    def unlike(self) -> int | None:
        """The first sample of the first second in which a channel is louder or softer than it was: another one, or none."""
        for second, powers in enumerate(self._powers):
            before, after = (np.sqrt(power / self._rate) + _QUIET for power in powers)
            if (np.maximum(before / after, after / before) > _LEVEL).any():
                return second * self._rate
        return None


def _expected(given: Given) -> Iterator[NDArray[np.float64]]:
    """What the plan makes of the given sound, decoded by the second reading."""
    info, plan = given.info, given.plan
    if len(info.tracks) == 1:  # both readings agreed on its holes, to a tick of the file's clock
        tracks = [_Stream(hear_filled(given.path, info.tracks[0], holes=info.holes))]
    else:
        pairs = zip(info.tracks, info.leads, strict=True)
        tracks = [_Stream(hear_filled(given.path, number, lead), then_silence=True) for number, lead in pairs]
    left, sent_lead = plan.keep, False
    while left > 0:
        size = min(left, *(track.there() for track in tracks), 1 << 16)
        if not size:
            break
        block = np.concatenate([track.take(size) for track in tracks], axis=1)
        block = block[:, [number - 1 for number in info.picked]] if info.picked else block
        if not sent_lead:
            yield np.zeros((plan.lead, block.shape[1]))
            sent_lead = True
        yield block
        left -= size
    if plan.pad:
        yield np.zeros((plan.pad, info.channels))


class _Stream:
    """Samples out of blocks of any size."""

    def __init__(self, blocks: Iterator[NDArray[np.float64]], *, then_silence: bool = False) -> None:
        self._blocks, self._then_silence = blocks, then_silence
        self._held: NDArray[np.float64] | None = None
        self._channels = 1

    def there(self) -> int:
        """How many samples can be taken now; 0 at the end."""
        while self._held is None or not len(self._held):
            self._held = next(self._blocks, None)
            if self._held is None:
                return (1 << 16) if self._then_silence else 0
            self._channels = self._held.shape[1]
        return len(self._held)

    def take(self, size: int) -> NDArray[np.float64]:
        """The next samples, at most as many as are there."""
        if self._held is None:
            return np.zeros((size, self._channels))
        part, self._held = self._held[:size], self._held[size:]
        return part
