"""The frame index: which frames a file holds, when each is shown, and where decoding may start.

Built by demultiplexing, without decoding, where one packet is one picture. Codecs with hidden packets, interlaced streams
and files without usable time stamps are decoded once instead. Times are ticks of the stream's time base.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av import logging as avlog
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from dubbing.domain.timecode import clock
from dubbing.errors import EmptyMedia, TruncatedMedia
from dubbing.media.container import open_media, picture_stream
from dubbing.media.rate import constant_rate
from dubbing.media.timeline import held_frames, repaired

if TYPE_CHECKING:
    from av.packet import Packet

# VP8 hides alternate references in packets of their own; MPEG-4 in AVI packs two pictures into one packet.
_HIDDEN_PACKETS = {"vp8", "mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3"}
_PROGRESSIVE = {0, 1}  # AV_FIELD_UNKNOWN, AV_FIELD_PROGRESSIVE
# Containers that say how long they are.
_PROMISING = ("matroska", "avi", "flv", "mov", "mxf", "asf", "nut")
_LACK = Fraction(1, 4)


@dataclass(frozen=True)
class FrameIndex:
    """Frames in display order.

    Attributes:
        ticks: time of each shown frame, ascending, relative to nothing: the stream's own time stamps, repaired where broken.
        keys: time of each frame that decoding can start at, ascending; empty when the file cannot be entered in the middle.
        time_base: seconds per tick.
        last: ticks that the last frame is shown for.
        rate: the constant frame rate that every time lies on, or None for a variable rate.
        stamped: False when frames are known by their order only, since the file's time stamps do not name them.
        zero: seconds of the container at which the programme begins: the earliest time of any of its pictures and sounds.
        broken: frames whose times were repaired.
        guessed: True when the file has no usable times: frames follow at the rate that its header names.
    """

    ticks: NDArray[np.int64]
    keys: NDArray[np.int64]
    time_base: Fraction
    last: int
    rate: Fraction | None
    stamped: bool = True
    zero: Fraction = Fraction(0)
    broken: tuple[int, ...] = ()
    guessed: bool = False

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.ticks)

    @property
    def fps(self) -> Fraction:
        """The constant rate, or frames over duration."""
        if self.rate is not None:
            return self.rate
        return len(self) / (int(self.ticks[-1] - self.ticks[0] + self.last) * self.time_base)

    @property
    def start(self) -> Fraction:
        """Seconds of the programme at which the first frame is shown."""
        return Fraction(0) if self.guessed else int(self.ticks[0]) * self.time_base - self.zero

    def times(self) -> list[Fraction]:
        """Seconds after the first frame at which each frame is shown: exact."""
        if self.rate is not None:
            return [i / self.rate for i in range(len(self))]
        return [int(t - self.ticks[0]) * self.time_base for t in self.ticks]


@dataclass
class _Packets:
    """What one pass over the packets sees."""

    ticks: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    leading: bool = False
    unstamped: int = 0
    slots: list[int] = field(default_factory=list)
    corrupt_at: int | None = None
    last: int = 0
    end: Fraction = Fraction(0)
    begins: dict[int, Fraction] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def add(self, packet: "Packet[Any]") -> None:
        """Take one packet of the picture."""
        if packet.dts is not None and not packet.is_discard:
            self.slots.append(packet.dts)
        if packet.pts is None:
            self.unstamped += not packet.is_discard
            return
        if packet.is_keyframe:
            # An edit that begins between key frames: the one before is decoded and not shown.
            self.keys.append(packet.pts)
        if not self.keys or packet.is_discard:
            return  # Before the first key frame nothing can be decoded; players drop it too.
        if packet.is_corrupt and self.corrupt_at is None:
            self.corrupt_at = len(self.ticks)
        self.leading |= packet.pts < self.keys[0]
        if not self.ticks or packet.pts >= max(self.ticks[-64:]):
            self.last = packet.duration or 0
        self.ticks.append(packet.pts)


def build_index(path: Path, track: int = 1) -> FrameIndex:
    """Index the frames of a file's picture.

    Args:
        path: the file.
        track: number of the moving picture, from 1.

    Raises:
        EmptyMedia: the stream holds no frame.
        TruncatedMedia: the container promises more than the file holds, or a part in the middle is missing.
    """
    with open_media(path) as container:
        stream = picture_stream(container, track)
        if stream is None:
            raise EmptyMedia("The file has no picture to index.")
        packets = _demux(container, stream)
        slotted = container.format.name == "avi"  # its frames have places in a row of equal slots, and no times
        by_decoding = slotted or _only_decoding_tells(stream, packets)
        declared = stream.frames if container.format.name.startswith("mov") and not by_decoding else 0
        base, rates = stream.time_base or Fraction(1, 90_000), [stream.guessed_rate, stream.average_rate, stream.base_rate]
        _require_whole(container, packets, declared, base)
    shown: list[int | None] = _decoded_ticks(path, track) if by_decoding else list[int | None](sorted(packets.ticks))
    if not shown:
        raise EmptyMedia(
            "The video stream holds no frame.",
            where={"stream": "video"},
            suggestions=("Export the file again, and look whether it plays.",),
            media={"video_frames": 0},
        )
    if slotted and len(packets.slots) == len(shown):
        shown = list[int | None](sorted(packets.slots))  # which a frame takes is a matter of order
    index = _index_of(shown, packets, base, [rate for rate in rates if rate], slotted=slotted)
    _require_continuous(index, packets)
    return index


def _only_decoding_tells(stream: VideoStream, packets: _Packets) -> bool:
    """Packets do not show which frames there are, or when."""
    return (
        stream.codec_context.name in _HIDDEN_PACKETS
        or packets.leading
        or packets.unstamped > 0
        or stream.codec_context.field_order not in _PROGRESSIVE
        or len(set(packets.ticks)) != len(packets.ticks)
    )


def _index_of(
    shown: list[int | None], packets: _Packets, base: Fraction, known: list[Fraction], *, slotted: bool
) -> FrameIndex:
    """The index of frames that are ``shown`` at these ticks (None: not known), with the rates ``known`` of the stream."""
    found = _Frames.of(shown, base, known)
    rate = found.rate if found.guessed else constant_rate(found.ticks, base, known)
    usual = round(float(np.median(np.diff(found.ticks)))) if len(found.ticks) > 1 else 0
    last = (0 if found.guessed else packets.last) or usual or (round(1 / (known[0] * base)) if known else 1) or 1
    return FrameIndex(
        ticks=found.ticks,
        keys=np.unique(np.asarray(packets.keys if found.named and not slotted else [], np.int64)),
        time_base=found.base,
        last=last,
        rate=rate,
        stamped=found.named and not slotted,
        zero=min([*packets.begins.values(), int(found.ticks[0]) * found.base]),
        broken=tuple(found.broken),
        guessed=found.guessed,
    )


@dataclass
class _Frames:
    """Frame times as they can be used."""

    ticks: NDArray[np.int64]
    base: Fraction
    broken: list[int]
    guessed: bool = False
    rate: Fraction | None = None

    @property
    def named(self) -> bool:
        """Whether decoded frames can be found by their times."""
        return not self.broken and not self.guessed

    @classmethod
    def of(cls, shown: list[int | None], base: Fraction, rates: list[Fraction]) -> "_Frames":
        """The file's own times, repaired where few are broken; else the frames' numbers at the rate that the header names."""
        mended = repaired(shown)
        if mended is not None:
            return cls(mended[0], base, mended[1])
        rate = rates[0] if rates else Fraction(25)
        return cls(np.arange(len(shown), dtype=np.int64), 1 / rate, [], guessed=True, rate=rate)


def _demux(container: InputContainer, stream: VideoStream) -> _Packets:
    seen = _Packets()
    avlog.set_level(avlog.ERROR)
    try:
        with avlog.Capture() as said:
            for packet in container.demux():
                if packet.size == 0:
                    continue
                if packet.pts is not None and packet.time_base:
                    at = packet.pts * Fraction(packet.time_base)
                    seen.end = max(seen.end, at + (packet.duration or 0) * Fraction(packet.time_base))
                    _note_begin(seen, packet, at)
                if packet.stream is stream:
                    seen.add(packet)
    except av.FFmpegError as error:
        raise _cut(len(seen.ticks), None, seen.end) from error
    finally:
        avlog.set_level(None)
    seen.complaints = [words.strip() for _, name, words in said if name in container.format.name]
    return seen


def _note_begin(seen: _Packets, packet: "Packet[Any]", at: Fraction) -> None:
    """The earliest time at which a stream of the programme is seen or heard; a codec's priming is neither."""
    stream = packet.stream
    if stream.type not in {"video", "audio"} or packet.is_discard or stream.index in seen.begins:
        return
    if stream.type == "audio" and stream.start_time is not None and stream.time_base is not None:
        at = max(at, stream.start_time * Fraction(stream.time_base))
    if stream.type == "audio":
        seen.begins[stream.index] = at


def _require_whole(container: InputContainer, seen: _Packets, declared: int, base: Fraction) -> None:
    """Compare what the header promises with what the packets hold."""
    if seen.corrupt_at is not None:
        raise _cut(seen.corrupt_at, declared or None, (max(seen.ticks, default=0) - min(seen.ticks, default=0)) * base)
    if container.format.name.startswith(_PROMISING) and container.duration:
        missing = Fraction(container.duration, av.time_base) - seen.end
        if missing > _LACK:
            raise _cut(len(seen.ticks), declared or None, seen.end - min(seen.ticks, default=0) * base)


def _require_continuous(index: FrameIndex, seen: _Packets) -> None:
    """A hole is the film's own, unless the container could not be read there."""
    holes = held_frames(index.ticks, index.last, index.time_base) if seen.complaints else []
    if holes:
        frame, seconds = holes[0]
        at = clock(int(index.ticks[frame] - index.ticks[0]) * index.time_base)
        raise TruncatedMedia(
            f"The file is damaged after frame {frame} ({at}): {float(seconds):.3f} s of picture are missing.",
            where={"frame": frame, "time": at, "stream": "video"},
            suggestions=("Upload the file again.", "Export the file again if the damage is in the original."),
            media={"video_frames": len(index), "reader": seen.complaints[0]},
        )


def _cut(frame: int, declared: int | None, at: Fraction) -> TruncatedMedia:
    total = f" of {declared}" if declared else ""
    return TruncatedMedia(
        f"The file ends or is damaged after {frame}{total} frames, at {clock(at)}.",
        where={"frame": frame, "time": clock(at)},
        suggestions=("Upload the whole file again.", "Export the file again if the damage is in the original."),
        media={"video_frames": frame, **({"declared_frames": declared} if declared else {})},
    )


def _decoded_ticks(path: Path, track: int) -> list[int | None]:
    """Frame times by decoding the whole stream; None where a frame has none."""
    with open_media(path) as container:
        stream = picture_stream(container, track)
        if stream is None:
            return []
        stream.thread_type = "AUTO"
        ticks: list[int | None] = []
        try:
            ticks.extend(frame.pts for frame in container.decode(stream))
        except av.FFmpegError as error:
            raise _cut(len(ticks), None, Fraction(0)) from error
    return ticks
