"""Sound as numbers: exact counts and times, and the samples of what is used of a file, holes filled.

Priming and padding that the container declares (edit lists, LAME and Opus headers) are left out, as players do: sample 0 is
the first sample that is heard. Arrays: n samples, c channels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from numpy.typing import NDArray

from dubbing.domain.findings import Finding, FindingCode
from dubbing.domain.media import AudioInfo, SoundChoice, SyncPlan
from dubbing.errors import EmptyMedia, InvalidSamples, NotAudio, TruncatedMedia, UnsupportedChannels
from dubbing.media.container import open_media, require_decoder
from dubbing.media.promise import promised_sound
from dubbing.media.timecode import clock
from dubbing.media.timeline import Course, Follower
from dubbing.media.tracks import SoundTrack, choose_sound, pick_channels, require_carriable

Values = NDArray[Any]  # [n, c] int16, int32 or float32

# Packed, since some layouts cannot be taken out of planes (eight planar channels end the process).
_PACKED = {"u8": "s16", "s16": "s16", "s32": "s32", "s64": "s32", "flt": "flt", "dbl": "flt"}
_LOSSLESS = ("pcm_", "flac", "alac", "wavpack", "tta", "ape", "mlp", "truehd", "wmalossless", "als", "tak", "shorten")
# Containers whose time stamps are a time line; in the others, samples follow one another and a gap is damage.
_TIMED = ("mov", "matroska", "mpegts", "mpeg", "mxf", "avi", "flv", "asf", "ogg", "nut")
# Their time lines begin at zero; those of the others, with their earliest stream.
_FROM_ZERO = ("mov", "matroska")
_NO_OFFSET = Fraction(1, 1000)
_SILENT = 1 / 32768
_ALL = SoundChoice()


@dataclass
class Piece:
    """A few samples as decoded: [n, c], from ``at`` seconds of the container (None: right after the piece before)."""

    values: Values
    at: Fraction | None
    rate: int
    layout: str


def sound_tracks(container: InputContainer) -> list[SoundTrack]:
    """The sound tracks of a file."""
    return [
        SoundTrack(
            number=number,
            channels=stream.codec_context.channels if stream.codec_context is not None else 0,
            rate=stream.codec_context.sample_rate if stream.codec_context is not None else 0,
            default=bool(stream.disposition & Disposition.default),
            language=_tag(stream, "language", "und"),
            title=_tag(stream, "title"),
        )
        for number, stream in enumerate(container.streams.audio, 1)
    ]


def _tag(stream: AudioStream, name: str, nothing: str = "") -> str:
    value = str(stream.metadata.get(name, ""))
    return "" if value == nothing else value


def decode_track(path: Path, track: int) -> Iterator[Piece]:
    """Decoded pieces of sound track ``track`` (from 1), from the first sample that is heard.

    Raises:
        NotAudio: the file has no such sound.
        TruncatedMedia: decoding stops in the middle; names the time.
        UnsupportedChannels: the number of channels or the rate changes in the middle.
    """
    with open_media(path) as container:
        if len(container.streams.audio) < track:
            raise NotAudio(
                "The file has no audio stream.",
                where={"stream": "audio"},
                suggestions=("Send a file with sound, e.g. WAV, FLAC, M4A or MP3.",),
            )
        stream = container.streams.audio[track - 1]
        require_decoder(stream, "audio")
        heard, first = Fraction(0), None
        try:
            for frame in _without_filling(container, stream):
                first = first or frame
                _require_same(first, frame, heard)
                at = frame.pts * Fraction(frame.time_base) if frame.pts is not None and frame.time_base else None
                for values in _values(frame):
                    yield Piece(values, at, frame.sample_rate, frame.layout.name)
                heard += Fraction(frame.samples, frame.sample_rate)
        except av.FFmpegError as error:
            raise _damaged(heard) from error


def _without_filling(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """The last AAC frame in MP4 is filled up; its sample table says how much of it is sound."""
    stated = (stream.duration or 0) * (stream.time_base or 0) if container.format.name.startswith("mov") else 0
    heard, held = Fraction(0), None
    for frame in container.decode(stream):
        if held is not None:
            heard += Fraction(held.samples, held.sample_rate)
            yield held
        held = frame
    if held is not None:
        left = round((stated - heard) * held.sample_rate)
        yield _head(held, left) if 0 < left < held.samples else held


def _head(frame: AudioFrame, samples: int) -> AudioFrame:
    """The first samples of a frame."""
    (values,) = _values(frame)
    short = AudioFrame.from_ndarray(np.ascontiguousarray(values[:samples].reshape(1, -1)), _packed(frame), frame.layout.name)
    short.sample_rate, short.pts, short.time_base = frame.sample_rate, frame.pts, frame.time_base
    return short


def _packed(frame: AudioFrame) -> str:
    return _PACKED[frame.format.name.removesuffix("p")]


def _values(frame: AudioFrame) -> list[Values]:
    """The samples of a frame, [n, c]."""
    pts, frame.pts = frame.pts, None
    made = AudioResampler(_packed(frame), frame.layout, frame.sample_rate).resample(frame)
    frame.pts = pts
    return [out.to_ndarray().reshape(-1, frame.layout.nb_channels) for out in made if out.samples]


def _require_same(first: AudioFrame, frame: AudioFrame, heard: Fraction) -> None:
    before, now = ((f.layout.nb_channels, f.sample_rate) for f in (first, frame))
    if before != now:
        raise UnsupportedChannels(
            f"The sound changes from {before[0]} channels at {before[1]} Hz to {now[0]} at {now[1]} Hz at {clock(heard)}.",
            where={"stream": "audio", "time": clock(heard)},
            suggestions=("Send a track of one layout and one rate.",),
        )


def _damaged(at: Fraction) -> TruncatedMedia:
    return TruncatedMedia(
        f"The sound is damaged at {clock(at)}.",
        where={"stream": "audio", "time": clock(at)},
        suggestions=("Upload the file again.", "Export the file again if the damage is in the original."),
    )


def measure_sound(path: Path, choice: SoundChoice = _ALL) -> tuple[AudioInfo, tuple[Finding, ...]]:
    """Decode what is used of a file's sound; count its samples and follow its time stamps.

    Args:
        path: the file.
        choice: which of its tracks and channels; see `dubbing.media.tracks`.

    Returns:
        The facts, and what is told about them.

    Raises:
        NotAudio: the file has no sound.
        EmptyMedia: the stream has no sample.
        TruncatedMedia: the header promises more than the file holds, or samples are missing.
        InvalidSamples: samples are no numbers; names channel and time.
        NoSuchTrack, UnsupportedChannels: the choice does not fit, or too many channels are left.
    """
    with open_media(path) as container:
        found = sound_tracks(container)
        if not found:
            raise NotAudio(
                "The file has no audio stream.",
                where={"stream": "audio"},
                suggestions=("Send a file with sound, e.g. WAV, FLAC, M4A or MP3.",),
            )
        used, told = choose_sound(found, choice)
        # A lone stream begins its container's time line, unless that begins at zero by definition.
        lone = len(found) == len(container.streams) == 1 and not container.format.name.startswith(_FROM_ZERO)
        timed, zero = container.format.name.startswith(_TIMED) and not lone, _zero(container)
        codec = container.streams.audio[used[0] - 1].codec_context.name
        promises = [promised_sound(path, container, container.streams.audio[number - 1]) for number in used]
        holes_told = container.format.name.startswith(_TIMED)
    measured = [_Measured.of(path, number) for number in used]
    for one, promise in zip(measured, promises, strict=True):
        one.require_whole(promise, holes_told=holes_told)
    layout, channels = _layout(measured), sum(one.channels for one in measured)
    picked = pick_channels(channels, choice)
    require_carriable(len(picked) or channels, layout)
    begins = [one.course.start if timed else Fraction(0) for one in measured]
    start = min(begins) - zero if timed else Fraction(0)
    joined, first = len(measured) > 1, measured[0]
    leads = [round((begin - min(begins)) * first.rate) for begin in begins]
    info = AudioInfo(
        codec=codec,
        tracks=used,
        sample_rate=first.rate,
        channels=len(picked) or channels,
        picked=picked,
        layout={1: "mono", 2: "stereo"}.get(len(picked) or channels, None if picked else layout),
        leads=tuple(leads) if joined else (),
        samples=max(lead + one.spread for lead, one in zip(leads, measured, strict=True)) if joined else first.course.samples,
        holes=() if joined else first.course.holes,
        start=start if start > _NO_OFFSET else Fraction(0),
        bits=_bits(codec, first.kind),
        floating=first.kind.kind == "f",
        lossless=codec.startswith(_LOSSLESS),
        peak=max(one.peak for one in measured),
    )
    return info, (*told, *_told(info, measured))


def _zero(container: InputContainer) -> Fraction:
    """Seconds of the container at which its own time line begins."""
    timed = [stream for stream in container.streams if stream.type in {"audio", "video"}]
    if container.format.name.startswith(_FROM_ZERO):
        return Fraction(0)
    return min((stream.start_time or 0) * Fraction(stream.time_base or 0) for stream in timed)


@dataclass
class _Measured:
    """One track, decoded once."""

    rate: int
    channels: int
    layout: str
    kind: np.dtype[Any]
    course: Course
    peak: float

    @property
    def spread(self) -> int:
        return self.course.samples + sum(hole.samples for hole in self.course.holes)

    @classmethod
    def of(cls, path: Path, track: int) -> "_Measured":
        first, follower, peak, samples = None, None, 0.0, 0
        for piece in decode_track(path, track):
            if first is None or follower is None:
                first, follower = piece, Follower(piece.rate)
            follower.take(piece.at, len(piece.values))
            if piece.values.dtype.kind == "f":
                _require_numbers(piece, samples)
            samples += len(piece.values)
            peak = max(peak, _peak(piece.values))
        if first is None or follower is None:
            raise EmptyMedia(
                "The audio stream holds no sample.",
                where={"stream": "audio"},
                suggestions=("Export the file again, and look whether it plays.",),
                media={"audio_samples": 0},
            )
        return cls(first.rate, first.values.shape[1], first.layout, first.values.dtype, follower.course(), peak)

    def require_whole(self, promised: Fraction, *, holes_told: bool) -> None:
        """Compare what the header promises with what was decoded; without a time line, a hole is damage too."""
        if self.course.holes and not holes_told:
            raise _damaged(Fraction(self.course.holes[0].at, self.rate))
        there = Fraction(self.spread, self.rate)
        # Some headers count from their time line's beginning, some from the first sample: the shorter meaning is taken.
        if promised - max(self.course.start, Fraction(0)) > there:
            raise TruncatedMedia(
                f"The sound ends at {clock(there)}, but its header promises {clock(promised)}.",
                where={"stream": "audio", "time": clock(there)},
                suggestions=("Upload the whole file again.", "Export the file again if the damage is in the original."),
                media={"audio_samples": self.course.samples},
            )


def _require_numbers(piece: Piece, before: int) -> None:
    wrong = np.argwhere(~np.isfinite(piece.values))
    if len(wrong):
        place, channel = (int(n) for n in wrong[0])
        at = clock(Fraction(before + place, piece.rate))
        raise InvalidSamples(
            f"Sample {before + place} of channel {channel + 1}, at {at}, is not a number.",
            where={"stream": "audio", "channel": channel + 1, "sample": before + place, "time": at},
            suggestions=("Export the track again: a plug-in or a damaged disk wrote NaN or infinity into it.",),
        )


def _peak(values: Values) -> float:
    if values.dtype.kind == "f":
        return float(np.abs(values).max())
    largest = max(-int(values.min()), int(values.max()))
    return largest / (1 << (8 * values.dtype.itemsize - 1))


def _bits(codec: str, kind: np.dtype[Any]) -> int:
    """Bits of a sample: PCM codecs have them in their names; other lossless codecs fill 32 with 24 at most."""
    digits = "".join(c for c in codec.removeprefix("pcm_").split("_")[0] if c.isdecimal())
    if codec.startswith("pcm_") and digits:
        return min(32, int(digits))
    return {"int16": 16, "int32": 24}.get(kind.name, 32)


def _layout(measured: Sequence[_Measured]) -> str | None:
    """The speaker layout that the file names; joined tracks name none."""
    name = measured[0].layout
    return None if len(measured) > 1 or name.endswith(" channels") else name


def _told(info: AudioInfo, measured: Sequence[_Measured]) -> list[Finding]:
    told = []
    for one in measured:
        for hole in one.course.holes:
            told.append((FindingCode.SOUND_HOLE, f"The sound has a hole of {hole.samples / one.rate:.3f} s at "
                         f"{clock(Fraction(hole.at, one.rate))}; silence fills it."))  # fmt: skip
        if one.course.drifts:
            told.append((FindingCode.SOUND_DRIFTS, f"The sound's time stamps drift from its samples by {float(one.course.drift):.3f} s. "
                         "Its samples are delivered one after another, as they are."))  # fmt: skip
    if info.peak < _SILENT:
        told.append((FindingCode.SOUND_SILENT, "The sound is silent throughout: every mouth will be closed."))
    unknown = [layout_unknown(info)] if info.channels > 2 and info.layout is None else []
    return [*unknown, *(Finding(code=code, detail=detail) for code, detail in told)]


def layout_unknown(info: AudioInfo) -> Finding:
    """What is told where nobody says which speaker each channel is for."""
    return Finding(
        code=FindingCode.LAYOUT_UNKNOWN,
        detail=f"The sound has {info.channels} channels and does not say which speaker each is for. They are delivered in their "
        "order, unfiltered; players take them for their usual layout.",
    )


def sound_blocks(path: Path, info: AudioInfo, plan: SyncPlan | None = None) -> Iterator[Values]:
    """The samples [n, c] of what is delivered: the chosen channels, holes filled, cut or filled as planned.

    Args:
        path: the file that `measure_sound` measured.
        info: what it found.
        plan: how the sound is used; all of it, as it is, by default.
    """
    tracks = [_filled(path, number, lead) for number, lead in zip(info.tracks, info.leads or (0,), strict=True)]
    left = plan.keep if plan is not None else info.spread
    kind: np.dtype[Any] | None = None
    for block in _joined(tracks) if len(tracks) > 1 else tracks[0]:
        part = block[:left, [number - 1 for number in info.picked]] if info.picked else block[:left]
        if kind is None:
            kind = part.dtype
            yield from _silence(plan.lead if plan is not None else 0, info.channels, kind)
        left -= len(part)
        if len(part):
            yield part
        if left <= 0:
            break
    yield from _silence(left + (plan.pad if plan is not None else 0), info.channels, kind or np.dtype(np.int16))


def _filled(path: Path, track: int, lead: int) -> Iterator[Values]:
    """One track, after ``lead`` samples of silence, with its holes filled."""
    follower: Follower | None = None
    for piece in decode_track(path, track):
        channels, kind = piece.values.shape[1], piece.values.dtype
        if follower is None:
            follower = Follower(piece.rate)
            yield from _silence(lead, channels, kind)
        yield from _silence(follower.take(piece.at, len(piece.values)), channels, kind)
        yield piece.values


def _joined(tracks: list[Iterator[Values]]) -> Iterator[Values]:
    """Tracks side by side; one that ends before the others goes on in silence."""
    size = 1 << 14
    held: list[Values | None] = [None] * len(tracks)
    widths = [0] * len(tracks)
    while True:
        rows = []
        for place, track in enumerate(tracks):
            block, held[place] = _take(track, held[place], size)
            if block is not None:
                widths[place] = block.shape[1]
            rows.append(block)
        length = max((len(row) for row in rows if row is not None), default=0)
        if not length:
            return
        kind = np.result_type(*[row.dtype for row in rows if row is not None])
        out = np.zeros((length, sum(widths)), kind)
        for row, end in zip(rows, np.cumsum(widths), strict=True):
            if row is not None:
                out[: len(row), end - row.shape[1] : end] = row
        yield out


def _take(track: Iterator[Values], held: Values | None, size: int) -> tuple[Values | None, Values | None]:
    """Up to ``size`` samples, and what is left over."""
    pieces, there = ([held], len(held)) if held is not None and len(held) else ([], 0)
    while there < size and (piece := next(track, None)) is not None:
        pieces.append(piece)
        there += len(piece)
    if not pieces:
        return None, None
    whole = np.concatenate(pieces)
    return whole[:size], whole[size:]


def _silence(samples: int, channels: int, kind: np.dtype[Any]) -> Iterator[Values]:
    for start in range(0, samples, 1 << 16):
        yield np.zeros((min(1 << 16, samples - start), channels), kind)
