"""Sound as numbers: exact counts and times, and the samples of what is used of a file, holes filled.

Priming and padding that the container declares (edit lists, LAME and Opus headers) are left out, as players do: sample 0 is
the first sample that is heard. Arrays: n samples, c channels.
"""

from collections.abc import Iterator
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

from dubbing.domain.media import AudioInfo, SyncPlan
from dubbing.errors import NotAudio, TruncatedMedia, UnsupportedChannels
from dubbing.media.container import open_media, require_decoder
from dubbing.media.timecode import clock
from dubbing.media.timeline import Follower
from dubbing.media.tracks import SoundTrack

Values = NDArray[Any]  # [n, c] int16, int32 or float32

# Packed, since some layouts cannot be taken out of planes (eight planar channels end the process).
_PACKED = {"u8": "s16", "s16": "s16", "s32": "s32", "s64": "s32", "flt": "flt", "dbl": "flt"}


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
            raise no_sound()
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
            raise damaged_sound(heard) from error


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


def no_sound() -> NotAudio:
    """The refusal of a file without sound."""
    return NotAudio(
        "The file has no audio stream.",
        where={"stream": "audio"},
        suggestions=("Send a file with sound, e.g. WAV, FLAC, M4A or MP3.",),
    )


def damaged_sound(at: Fraction) -> TruncatedMedia:
    """The refusal of a sound that is damaged at a time of its own."""
    return TruncatedMedia(
        f"The sound is damaged at {clock(at)}.",
        where={"stream": "audio", "time": clock(at)},
        suggestions=("Upload the file again.", "Export the file again if the damage is in the original."),
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
