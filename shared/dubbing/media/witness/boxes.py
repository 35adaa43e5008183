"""The tables of an MP4 or MOV, read from the standard: ISO/IEC 14496-12, section numbers beside each box.

MediaInfo shows no edit that begins inside the media and computes frame counts from durations, so edit lists, matrices, time
scales and sample times are read here. Arrays: one value for each sample, in decoding order.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ticks = NDArray[np.int64]

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf"}
_MOST_BYTES = 1 << 30  # of one table; a longer one is no table


class Edit(NamedTuple):
    """One entry of an edit list (8.6.6): ``duration`` in movie ticks; ``media`` in media ticks, -1 for an empty edit."""

    duration: int
    media: int
    rate: Fraction


@dataclass
class Track:
    """One track.

    Attributes:
        number: track_ID (8.3.2).
        kind: handler type (8.4.3), such as ``vide`` or ``soun``.
        enabled: whether a player shows it by itself (8.3.2, track_enabled).
        matrix: the nine numbers of its display matrix (8.3.2).
        timescale: media ticks per second (8.4.2).
        edits: its edit list; empty when it has none, which means: all of it, from the start.
        starts: composition time of each sample in media ticks (8.6.1.2, 8.6.1.3, 8.8.8).
        lengths: duration of each sample in media ticks.
        sync: number of key samples as the table tells (8.6.2), None when all are.
    """

    number: int = 0
    kind: str = ""
    enabled: bool = True
    matrix: tuple[int, ...] = ()
    timescale: int = 0
    edits: list[Edit] = field(default_factory=list)
    starts: Ticks = field(default_factory=lambda: np.zeros(0, np.int64))
    lengths: Ticks = field(default_factory=lambda: np.zeros(0, np.int64))
    decoded_until: int = 0
    sync: int | None = None
    default_length: int = 0


@dataclass
class Movie:
    """The tracks, the movie's time scale, and bytes that boxes promise beyond the file's end."""

    timescale: int = 1000
    tracks: list[Track] = field(default_factory=list)
    missing_bytes: int = 0

    def of(self, kind: str) -> list[Track]:
        """The tracks of a handler type, in file order."""
        return [track for track in self.tracks if track.kind == kind]


class Presentation(NamedTuple):
    """The samples of a track that a player presents, in order of presentation.

    Attributes:
        ticks: when each begins, in media ticks from the movie's zero; an edit that begins inside a sample shows its rest.
        lengths: media ticks for which each lasts.
        timescale: ticks per second.
        plain: False where an edit plays at another rate than 1, or repeats or reorders media: that is not told here.
    """

    ticks: Ticks
    lengths: Ticks
    timescale: int
    plain: bool


def read_movie(path: Path) -> Movie | None:
    """The tables of a file, or None when it is no MP4 or MOV with a movie box."""
    movie = Movie()
    found = False
    with path.open("rb") as file:
        end = file.seek(0, 2)
        for kind, start, stop in _boxes(file, 0, end):
            movie.missing_bytes = max(movie.missing_bytes, stop - end)
            if kind == b"moov":
                found = True
                _read(file, movie, start, min(stop, end))
            elif kind == b"moof":
                _read(file, movie, start, min(stop, end))
    return movie if found else None


def shown(track: Track, movie: Movie) -> Presentation:
    """What a player presents of a track (8.6.6): the samples inside its edits, at the times that the edits put them."""
    order = np.argsort(track.starts, kind="stable")
    starts, lengths = track.starts[order], _until_next(track.starts[order], track.lengths[order])
    if not track.edits:
        return Presentation(starts, lengths, track.timescale, plain=True)
    scale = Fraction(track.timescale, movie.timescale)
    times: list[Ticks] = []
    lasts: list[Ticks] = []
    at, seen, plain = Fraction(0), -1, True
    for edit in track.edits:
        span = edit.duration * scale
        if edit.media >= 0:
            # Movie ticks are coarse: an edit's end is known to half of one.
            end = edit.media + span if edit.duration else Fraction(int(starts[-1] + lengths[-1])) if len(starts) else span
            last = end - scale / 2 if edit.duration else end
            inside = (starts + lengths > edit.media) & (starts < float(last))
            plain &= edit.rate == 1 and edit.media >= seen
            seen = int(end)
            begin = np.maximum(starts[inside], edit.media)
            times.append(begin - edit.media + round(at))
            lasts.append(starts[inside] + lengths[inside] - begin)
        at += span
    joined = np.concatenate(times) if times else np.zeros(0, np.int64)
    return Presentation(joined, np.concatenate(lasts) if lasts else joined, track.timescale, plain)


def _until_next(starts: Ticks, lengths: Ticks) -> Ticks:
    """How long each sample is presented: until the next one begins; the last one, for its own duration."""
    return np.append(np.diff(starts), lengths[-1:]) if len(starts) else lengths


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, first byte of the body, end) of each box (4.2); a box without an end of its own reaches the file's."""
    at = start
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        body = at + 8
        if size == 1:
            wide = file.read(8)
            if len(wide) < 8:
                return
            size, body = struct.unpack(">Q", wide)[0], at + 16
        stop = end if size == 0 else at + size
        if stop < body:
            return
        yield kind, body, stop
        at = stop


def _read(file: BinaryIO, movie: Movie, start: int, end: int, track: Track | None = None) -> None:
    for kind, body, declared_end in _boxes(file, start, end):
        stop = min(declared_end, end)
        if kind == b"trak":
            track = Track()
            _read(file, movie, body, stop, track)
            movie.tracks.append(track)
        elif kind == b"traf":
            _read_fragment(file, movie, body, stop)
        elif kind in _CONTAINERS:
            _read(file, movie, body, stop, track)
        elif kind in _TABLES and stop - body <= _MOST_BYTES:
            file.seek(body)
            _TABLES[kind](_Bytes(file.read(stop - body)), movie, track or Track())


class _Bytes:
    """Numbers out of a box's body, one after another; zeros beyond its end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0
        self.version, self.flags = (data[0], int.from_bytes(data[1:4])) if len(data) >= 4 else (0, 0)
        self._at = 4

    def skip(self, size: int) -> None:
        self._at += size

    def number(self, size: int = 4, *, signed: bool = False) -> int:
        piece = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(piece.ljust(size, b"\0"), signed=signed)

    def text(self, size: int) -> str:
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece.decode("latin-1")

    def table(self, rows: int, columns: int) -> NDArray[np.int64]:
        """[rows, columns] of 32-bit unsigned numbers; fewer rows where the box is too short."""
        rows = max(0, min(rows, (len(self._data) - self._at) // (4 * columns)))
        found = np.frombuffer(self._data, ">u4", rows * columns, self._at).reshape(rows, columns)
        self._at += 4 * rows * columns
        return found.astype(np.int64)


def _mvhd(box: _Bytes, movie: Movie, _: Track) -> None:
    box.skip(16 if box.version == 1 else 8)
    movie.timescale = box.number() or 1000


def _tkhd(box: _Bytes, _: Movie, track: Track) -> None:
    track.enabled = bool(box.flags & 1)
    box.skip(16 if box.version == 1 else 8)
    track.number = box.number()
    box.skip((4 + 8 if box.version == 1 else 4 + 4) + 16)
    track.matrix = tuple(box.number(signed=True) for _ in range(9))


def _mdhd(box: _Bytes, _: Movie, track: Track) -> None:
    box.skip(16 if box.version == 1 else 8)
    track.timescale = box.number()


def _hdlr(box: _Bytes, _: Movie, track: Track) -> None:
    box.skip(4)
    kind = box.text(4)
    if not track.kind:  # QuickTime has a second one, of the data reference
        track.kind = kind


def _elst(box: _Bytes, _: Movie, track: Track) -> None:
    wide = 8 if box.version == 1 else 4
    for _entry in range(min(box.number(), 1 << 16)):
        duration, media = box.number(wide), box.number(wide, signed=True)
        rate = Fraction(box.number(4, signed=True), 1 << 16)
        track.edits.append(Edit(duration, media, rate))


def _stts(box: _Bytes, _: Movie, track: Track) -> None:
    rows = box.table(box.number(), 2)
    track.lengths = np.repeat(rows[:, 1], np.minimum(rows[:, 0], 1 << 28))
    track.decoded_until = int(track.lengths.sum())
    decode = np.concatenate([[0], np.cumsum(track.lengths)[:-1]]) if len(track.lengths) else track.lengths
    track.starts = decode.astype(np.int64)


def _ctts(box: _Bytes, _: Movie, track: Track) -> None:
    rows = box.table(box.number(), 2)
    # Version 0 says unsigned, but QuickTime and others have always written negative offsets there.
    offsets = np.repeat(rows[:, 1].astype(np.uint32).astype(np.int32).astype(np.int64), np.minimum(rows[:, 0], 1 << 28))
    size = min(len(offsets), len(track.starts))
    track.starts[:size] += offsets[:size]


def _stss(box: _Bytes, _: Movie, track: Track) -> None:
    track.sync = box.number()


def _trex(box: _Bytes, movie: Movie, _: Track) -> None:
    number = box.number()
    box.skip(4)
    length = box.number()
    for track in movie.tracks:
        if track.number == number:
            track.default_length = length


_TABLES = {b"mvhd": _mvhd, b"tkhd": _tkhd, b"mdhd": _mdhd, b"hdlr": _hdlr, b"elst": _elst, b"stts": _stts, b"ctts": _ctts,
           b"stss": _stss, b"trex": _trex}  # fmt: skip


def _read_fragment(file: BinaryIO, movie: Movie, start: int, end: int) -> None:
    """One track fragment (8.8.6): tfhd, tfdt and its runs."""
    track, length, base = Track(), 0, None
    for kind, body, stop in _boxes(file, start, end):
        file.seek(body)
        box = _Bytes(file.read(min(stop, end) - body)) if kind in {b"tfhd", b"tfdt", b"trun"} else _Bytes(b"")
        if kind == b"tfhd":
            number = box.number()
            track = next((known for known in movie.tracks if known.number == number), track)
            box.skip(8 * bool(box.flags & 1) + 4 * bool(box.flags & 2))
            length = box.number() if box.flags & 8 else track.default_length
        elif kind == b"tfdt":
            base = box.number(8 if box.version == 1 else 4)
        elif kind == b"trun":
            base = _run(box, track, track.decoded_until if base is None else base, length)
            track.decoded_until = base


def _run(box: _Bytes, track: Track, base: int, length: int) -> int:
    """One run of samples (8.8.8); returns the decoding time after it."""
    count = box.number()
    box.skip(4 * bool(box.flags & 1) + 4 * bool(box.flags & 4))
    fields = [flag for flag in (0x100, 0x200, 0x400, 0x800) if box.flags & flag]
    rows = box.table(count, len(fields)) if fields else np.zeros((count, 0), np.int64)
    lengths = rows[:, fields.index(0x100)] if 0x100 in fields else np.full(len(rows), length, np.int64)
    offsets = rows[:, fields.index(0x800)] if 0x800 in fields else np.zeros(len(rows), np.int64)
    decode = base + np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(rows) else rows[:, :0].reshape(-1)
    starts = decode + offsets.astype(np.uint32).astype(np.int32)
    track.starts = np.concatenate([track.starts, starts.astype(np.int64)])
    track.lengths = np.concatenate([track.lengths, lengths])
    return base + int(lengths.sum())
