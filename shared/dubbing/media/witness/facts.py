"""The second reading of one file: header facts and what is shown, brought together."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Hole, SoundChoice
from dubbing.domain.witness import Reading
from dubbing.media.timeline import Course, Follower
from dubbing.media.tracks import PictureTrack, SoundTrack, choose_picture, choose_sound
from dubbing.media.witness import boxes, program
from dubbing.media.witness.headers import Header, read_header

Samples = NDArray[np.float64]  # [n, channels]


@dataclass(frozen=True)
class Headers:
    """What a file's headers say, by MediaInfo and, for MP4 and MOV, by its own tables."""

    path: Path
    header: Header
    movie: boxes.Movie | None

    @classmethod
    def of(cls, path: Path) -> "Headers":
        """Read them."""
        return cls(path, read_header(path), boxes.read_movie(path))

    @property
    def by(self) -> tuple[str, ...]:
        """The programs behind the second reading of this file."""
        tables = ("ISO/IEC 14496-12 tables",) if self.movie is not None else ()
        return (self.header.by, *tables, program.version())

    def picture(self, wanted: int | None) -> int | None:
        """The number of the picture that is used; None where the header lists none."""
        tables = self.movie.of("vide") if self.movie is not None else []
        found = [
            PictureTrack(
                number=number,
                width=one.width,
                height=one.height,
                # A movie's tables say which tracks are enabled; MediaInfo says it of some.
                default=tables[number - 1].enabled if len(tables) == len(self.header.pictures) else bool(one.default),
                still=one.frames == 1,
            )
            for number, one in enumerate(self.header.pictures, 1)
        ]
        return choose_picture(found, wanted)[0] if found else wanted

    def sound(self, choice: SoundChoice) -> tuple[int, ...]:
        """The numbers of the sound tracks that are used; empty where the header lists none."""
        tables = self.movie.of("soun") if self.movie is not None else []
        found = [
            SoundTrack(
                number=number,
                channels=one.channels,
                rate=one.rate,
                default=tables[number - 1].enabled if len(tables) == len(self.header.sounds) else bool(one.default),
                language=one.language,
                title=one.title,
            )
            for number, one in enumerate(self.header.sounds, 1)
        ]
        return choose_sound(found, choice)[0] if found else choice.tracks

    def zero(self, first: Fraction) -> Fraction:
        """Seconds of the movie at which its programme begins: zero where an edit list begins with nothing on purpose."""
        movie = self.movie
        if movie is None:
            return first
        tracks = [track for track in movie.tracks if track.kind in {"vide", "soun"} and len(track.starts)]
        if any(track.edits and track.edits[0].media < 0 for track in tracks):
            return Fraction(0)
        begins = [_begin(boxes.shown(track, movie)) for track in tracks]
        return min([first, *(begin for begin in begins if begin is not None)])


@dataclass(frozen=True, eq=False)
class PictureRecord:
    """A picture as the second reading sees it: what a master is compared with.

    Attributes:
        ticks: when each frame is shown, ``base`` seconds per tick.
        last: ticks that the last frame is shown for; 0 where nobody says.
        start: seconds of the programme at which the first frame is shown; None where only the first reading knows.
        inside: True where an edit begins inside a frame: players leave its rest out and begin with the next.
        size: width and height as coded; ``aspect`` of one pixel.
        matrix: display matrix of the container's own tables; None where it has none.
        tags: pixel format, chroma site, range, matrix, primaries and transfer, as ffmpeg names them.
        thumbs: uint8 [frames, h, w].
    """

    ticks: NDArray[np.int64]
    base: Fraction
    last: int
    start: Fraction | None
    inside: bool
    size: tuple[int, int]
    aspect: Fraction
    matrix: tuple[int, ...] | None
    tags: tuple[str, ...]
    thumbs: NDArray[np.uint8]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.ticks)

    def seconds(self) -> list[Fraction]:
        """Time of each frame after the first."""
        return [int(tick - self.ticks[0]) * self.base for tick in self.ticks]

    def pack(self) -> bytes:
        """As bytes, without its thumbs' repetition; `unpack` reads them."""
        start = self.start
        numbers = [self.base.numerator, self.base.denominator, self.last, self.inside, *self.size, *_pair(self.aspect)]
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            ticks=self.ticks,
            numbers=np.array(numbers, np.int64),
            start=np.array([] if start is None else _pair(start), np.int64),
            matrix=np.array(self.matrix or (), np.int64),
            tags=np.array(self.tags),
            thumbs=self.thumbs,
        )
        return buffer.getvalue()

    @classmethod
    def unpack(cls, data: bytes) -> "PictureRecord":
        """What `pack` made."""
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            numbers = [int(number) for number in kept["numbers"]]
            start = [int(number) for number in kept["start"]]
            return cls(
                ticks=kept["ticks"],
                base=Fraction(numbers[0], numbers[1]),
                last=numbers[2],
                start=Fraction(*start) if start else None,
                inside=bool(numbers[3]),
                size=(numbers[4], numbers[5]),
                aspect=Fraction(numbers[6], numbers[7]),
                matrix=tuple(int(number) for number in kept["matrix"]) or None,
                tags=tuple(str(tag) for tag in kept["tags"]),
                thumbs=kept["thumbs"],
            )


@dataclass(frozen=True, eq=False)
class PictureReading:
    """The second reading of a picture.

    Attributes:
        track: its number among the moving pictures, from 1.
        record: what is kept of it; None where nothing was shown.
        tabled: frames and times that the container's own tables name; None where it has none, or they cannot be told.
        shown: all that the program showed.
    """

    track: int
    record: PictureRecord | None
    tabled: boxes.Presentation | None
    shown: program.ShownPicture


def read_picture(headers: Headers, wanted: int | None, on_frames: Callable[[int], None] = lambda _: None) -> PictureReading:
    """Read a file's picture the second way.

    Args:
        headers: what its headers say.
        wanted: number of the picture that was chosen; None for the default.
        on_frames: called with the number of frames so far.

    Raises:
        Ended: the ffmpeg program was killed by a signal.
    """
    track = headers.picture(wanted) or 1
    shown = program.show_picture(headers.path, track, on_frames)
    table = _table(headers.movie, "vide", track)
    if not len(shown) or (shown.ticks < 0).all():
        return PictureReading(track, None, None, shown)
    tabled = boxes.shown(table, headers.movie) if table is not None and headers.movie is not None else None
    if tabled is not None and not tabled.plain:
        tabled = None
    inside = tabled is not None and table is not None and _begins_inside(table)
    if inside and tabled is not None:  # the rest of a frame that an edit cuts into is not counted
        tabled = tabled._replace(ticks=tabled.ticks[1:], lengths=tabled.lengths[1:])
    start = _begin(tabled) if tabled is not None else None
    record = PictureRecord(
        ticks=shown.ticks,
        base=shown.base,
        last=int(shown.lengths[-1]),
        start=start - headers.zero(start) if start is not None else None,
        inside=inside,
        size=shown.shapes[0][1:3],
        aspect=shown.aspect,
        matrix=table.matrix if table is not None else None,
        tags=(shown.shapes[0][3], shown.site, *shown.colour),
        thumbs=shown.thumbs,
    )
    return PictureReading(track, record, tabled, shown)


@dataclass(frozen=True, eq=False)
class SoundReading:
    """The second reading of the sound that is used.

    Attributes:
        tracks: numbers of its tracks, from 1.
        courses: how the pieces of each follow one another.
        heard: all that the program said of each.
        start: seconds at which the first of them begins, by the container's own tables; None where it has none.
        tabled: samples of a single track by those tables: its last packet is filled up, and only they say how far.
    """

    tracks: tuple[int, ...]
    courses: tuple[Course, ...]
    heard: tuple[program.ShownSound, ...]
    start: Fraction | None
    tabled: int | None


def read_sound(headers: Headers, choice: SoundChoice) -> SoundReading:
    """Read a file's sound the second way; raises `Ended`."""
    tracks = headers.sound(choice) or (1,)
    heard = []
    for track in tracks:
        found = program.ShownSound()
        for _ in program.hear(headers.path, track, found):
            pass
        heard.append(found)
    movie = headers.movie
    tables = [table for track in tracks if movie is not None and (table := _table(movie, "soun", track)) is not None]
    shown = [boxes.shown(table, movie) for table in tables if movie is not None]
    begins = [begin for one in shown if (begin := _begin(one)) is not None]
    tabled = None
    if len(tracks) == len(shown) == 1 and shown[0].timescale:
        tabled = round(Fraction(int(shown[0].lengths.sum()), shown[0].timescale) * heard[0].rate)
    return SoundReading(tracks, tuple(map(_course, heard)), tuple(heard), min(begins, default=None), tabled)


def hear_filled(path: Path, track: int, lead: int = 0, holes: Sequence[Hole] | None = None) -> Iterator[Samples]:
    """One sound track after ``lead`` samples of silence, its holes filled: samples [n, channels].

    Args:
        path: the file.
        track: its number, from 1.
        lead: samples of silence before it.
        holes: where silence goes; None follows the program's own time stamps.
    """
    found = program.ShownSound()
    blocks = program.hear(path, track, found)
    filled = _filled(blocks, found) if holes is None else _with_holes(blocks, holes)
    first = next(filled, None)
    if first is None:
        return
    yield np.zeros((lead, first.shape[1]))
    yield first
    yield from filled


def _with_holes(blocks: Iterator[Samples], holes: Sequence[Hole]) -> Iterator[Samples]:
    """Samples with silence where holes are known to be."""
    at, waiting = 0, list(holes)
    for block in blocks:
        rest = block
        while waiting and waiting[0].at < at + len(rest):
            hole = waiting.pop(0)
            yield rest[: hole.at - at]
            yield np.zeros((hole.samples, block.shape[1]))
            rest, at = rest[hole.at - at :], hole.at
        yield rest
        at += len(rest)


def _filled(blocks: Iterator[Samples], found: program.ShownSound) -> Iterator[Samples]:
    """Samples with silence where the program's time stamps leave time."""
    follower: Follower | None = None
    taken = 0
    rest: Samples | None = None
    for block in blocks:
        rest = block if rest is None else np.concatenate([rest, block])
        follower = follower or Follower(found.rate)
        # What the program says of a piece may come before or after its samples.
        while taken < len(found.lengths) and found.lengths[taken] <= len(rest):
            yield np.zeros((follower.take(found.starts[taken], found.lengths[taken]), block.shape[1]))
            yield rest[: found.lengths[taken]]
            rest = rest[found.lengths[taken] :]
            taken += 1
    for length in found.lengths[taken:]:
        if rest is None or follower is None:
            return
        yield np.zeros((follower.take(found.starts[taken], length), rest.shape[1]))
        yield rest[:length]
        rest, taken = rest[length:], taken + 1


def reading_of_picture(headers: Headers, found: PictureReading, times_sha256: str | None) -> Reading:
    """The reading as the receipt shows it."""
    record = found.record
    if record is None:
        return Reading(by=headers.by, tracks=(found.track,), frames=0)
    start = record.start or Fraction(0)
    return Reading(
        by=headers.by,
        tracks=(found.track,),
        frames=len(record),
        times_sha256=times_sha256,
        size=record.size,
        start=record.start,
        end=start + int(record.ticks[-1] - record.ticks[0] + record.last) * record.base,
    )


def turn(matrix: tuple[int, ...] | None) -> str | None:
    """The orientation of a display matrix, by where it puts the two axes (ISO/IEC 14496-12, 8.3.2): ``90 mirrored``."""
    if matrix is None:
        return None
    right, down = (matrix[0], matrix[1]), (matrix[3], matrix[4])
    mirrored = right[0] * down[1] - right[1] * down[0] < 0
    across, along = (-right[0] if mirrored else right[0]), right[1]
    degrees = (0 if across >= 0 else 180) if abs(across) >= abs(along) else (90 if along > 0 else 270)
    return f"{degrees}{' mirrored' * mirrored}"


def _course(heard: program.ShownSound) -> Course:
    follower = Follower(heard.rate or 1)
    for at, samples in zip(heard.starts, heard.lengths, strict=True):
        follower.take(at, samples)
    return follower.course()


def _table(movie: boxes.Movie | None, kind: str, track: int) -> boxes.Track | None:
    found = movie.of(kind) if movie is not None else []
    return found[track - 1] if track <= len(found) else None


def _begin(shown: boxes.Presentation) -> Fraction | None:
    return Fraction(int(shown.ticks[0]), shown.timescale) if len(shown.ticks) and shown.timescale else None


def _begins_inside(table: boxes.Track) -> bool:
    """Whether the first edit that shows something begins inside a sample."""
    first = next((edit.media for edit in table.edits if edit.media >= 0), None)
    return first is not None and len(table.starts) > 0 and first > table.starts.min() and not (table.starts == first).any()


def _pair(value: Fraction) -> tuple[int, int]:
    return value.numerator, value.denominator
