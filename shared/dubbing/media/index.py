"""The frame index: which frames a file holds, when each is shown, and where decoding may start.

Built by demultiplexing, without decoding, where one packet is one picture. Codecs with hidden packets, interlaced streams
and files without usable time stamps are decoded once instead. Times are ticks of the stream's time base.
"""

import itertools
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from dubbing.errors import EmptyMedia, TruncatedMedia
from dubbing.media.container import open_media, picture_stream
from dubbing.media.timecode import clock

if TYPE_CHECKING:
    from av.packet import Packet

# VP8 hides alternate references in packets of their own; MPEG-4 in AVI packs two pictures into one packet.
_HIDDEN_PACKETS = {"vp8", "mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3"}
_PROGRESSIVE = {0, 1}  # AV_FIELD_UNKNOWN, AV_FIELD_PROGRESSIVE
_STANDARD_RATES = [
    *(Fraction(r) for r in (10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)),
    *(Fraction(r * 1000, 1001) for r in (12, 15, 24, 30, 48, 60, 120, 240)),
]


@dataclass(frozen=True)
class FrameIndex:
    """Frames in display order.

    Attributes:
        ticks: time of each shown frame, ascending, relative to nothing: the stream's own time stamps.
        keys: time of each frame that decoding can start at, ascending; empty when the file cannot be entered in the middle.
        time_base: seconds per tick.
        last: ticks that the last frame is shown for.
        rate: the constant frame rate that every time lies on, or None for a variable rate.
        stamped: False when the file's time stamps are useless and frames are known by their order only.
    """

    ticks: NDArray[np.int64]
    keys: NDArray[np.int64]
    time_base: Fraction
    last: int
    rate: Fraction | None
    stamped: bool = True

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.ticks)

    @property
    def fps(self) -> Fraction:
        """The constant rate, or frames over duration."""
        if self.rate is not None:
            return self.rate
        return len(self) / (int(self.ticks[-1] - self.ticks[0] + self.last) * self.time_base)

    def times(self) -> list[Fraction]:
        """Seconds after the first frame at which each frame is shown: exact."""
        if self.rate is not None:
            return [i / self.rate for i in range(len(self))]
        return [int(t - self.ticks[0]) * self.time_base for t in self.ticks]


@dataclass
class _Packets:
    """What one pass over the packets sees."""

    ticks: list[int]
    keys: list[int]
    leading: bool = False
    unstamped: int = 0
    corrupt_at: int | None = None
    last: int = 0
    end: Fraction = Fraction(0)

    def add(self, packet: "Packet[Any]") -> None:
        """Take one picture packet that is shown."""
        if packet.pts is None:
            self.unstamped += 1
            return
        if not self.keys and not packet.is_keyframe:
            return  # Before the first key frame nothing can be decoded; players drop it too.
        if packet.is_corrupt and self.corrupt_at is None:
            self.corrupt_at = len(self.ticks)
        if packet.is_keyframe:
            self.keys.append(packet.pts)
        self.leading |= packet.pts < self.keys[0]
        if not self.ticks or packet.pts >= max(self.ticks[-64:]):
            self.last = packet.duration or 0
        self.ticks.append(packet.pts)


def build_index(path: Path) -> FrameIndex:
    """Index the frames of a file's picture.

    Raises:
        EmptyMedia: the stream holds no frame.
        TruncatedMedia: the container promises more than the file holds.
    """
    with open_media(path) as container:
        stream = picture_stream(container)
        if stream is None:
            raise EmptyMedia("The file has no picture to index.")
        packets = _demux(container, stream)
        name = stream.codec_context.name
        by_decoding = (
            name in _HIDDEN_PACKETS
            or container.format.name == "avi"  # its time stamps are in decoding order
            or packets.leading
            or packets.unstamped > 0
            or stream.codec_context.field_order not in _PROGRESSIVE
            or len(set(packets.ticks)) != len(packets.ticks)
        )
        declared = stream.frames if container.format.name.startswith("mov") and not by_decoding else 0
        base, rates = stream.time_base or Fraction(1, 90_000), [stream.guessed_rate, stream.average_rate, stream.base_rate]
        _require_whole(container, packets, declared, base)
    ticks, stamped = _decoded_ticks(path) if by_decoding else (sorted(packets.ticks), True)
    if not ticks:
        raise EmptyMedia(
            "The video stream holds no frame.",
            where={"stream": "video"},
            suggestions=("Export the file again, and look whether it plays.",),
            media={"video_frames": 0},
        )
    array = np.asarray(ticks, np.int64)
    known = [r for r in rates if r]
    rate = constant_rate(array, base, known) if stamped else known[0]
    last = packets.last or (int(np.median(np.diff(array))) if len(array) > 1 else round(1 / (known[0] * base)) if known else 1)
    keys = np.unique(np.asarray(packets.keys if stamped else [], np.int64))
    return FrameIndex(array, keys, base, last, rate, stamped)


def _demux(container: InputContainer, stream: VideoStream) -> _Packets:
    seen = _Packets([], [])
    try:
        for packet in container.demux():
            if packet.size == 0:
                continue
            if packet.pts is not None and packet.time_base:
                seen.end = max(seen.end, (packet.pts + (packet.duration or 0)) * Fraction(packet.time_base))
            if packet.stream is stream and not packet.is_discard:
                seen.add(packet)
    except av.FFmpegError as error:
        raise _cut(len(seen.ticks), None, seen.end) from error
    return seen


def _require_whole(container: InputContainer, seen: _Packets, declared: int, base: Fraction) -> None:
    """Compare what the header promises with what the packets hold."""
    if seen.corrupt_at is not None:
        raise _cut(seen.corrupt_at, declared or None, max(seen.ticks) * base)
    if container.format.name.startswith(("matroska", "avi", "flv", "mov")) and container.duration:
        missing = Fraction(container.duration, av.time_base) - seen.end
        if missing > Fraction(1, 4):
            raise _cut(len(seen.ticks), declared or None, seen.end)


def _cut(frame: int, declared: int | None, at: Fraction) -> TruncatedMedia:
    promised = f" of {declared}" if declared else ""
    return TruncatedMedia(
        f"The file ends or is damaged after {frame}{promised} frames, at {clock(at)}.",
        where={"frame": frame, "time": clock(at)},
        suggestions=("Upload the whole file again.", "Export the file again if the damage is in the original."),
        media={"video_frames": frame, **({"declared_frames": declared} if declared else {})},
    )


def _decoded_ticks(path: Path) -> tuple[list[int], bool]:
    """Frame times by decoding the whole stream, and whether they are usable; else the frames' numbers."""
    with open_media(path) as container:
        stream = picture_stream(container)
        if stream is None:
            return [], False
        stream.thread_type = "AUTO"
        ticks: list[int | None] = []
        try:
            ticks.extend(frame.pts for frame in container.decode(stream))
        except av.FFmpegError as error:
            raise _cut(len(ticks), None, Fraction(0)) from error
    known = [t for t in ticks if t is not None]
    stamped = len(known) == len(ticks) and all(a < b for a, b in itertools.pairwise(known))
    return (known if stamped else list(range(len(ticks)))), stamped


def constant_rate(ticks: NDArray[np.int64], base: Fraction, hints: list[Fraction]) -> Fraction | None:
    """The frame rate whose grid holds every time stamp, or None.

    Containers round times to their tick (Matroska to 1 ms), so a time may lie one tick beside the grid.

    Args:
        ticks: ascending frame times.
        base: seconds per tick.
        hints: rates that the container names, most trusted first; standard rates next to them are tried first.
    """
    near = [s for s in _STANDARD_RATES for h in hints if abs(s - h) <= h / 5000]
    candidates = list(dict.fromkeys([*near, *hints, *_STANDARD_RATES]))
    if len(ticks) == 1:
        return candidates[0]
    mean = (len(ticks) - 1) / (int(ticks[-1] - ticks[0]) * base)
    steps = np.arange(len(ticks), dtype=np.float64)
    for rate in [*candidates, mean]:
        if rate * base <= Fraction(1, 2) or rate * base == 1:
            grid = steps * float(1 / (rate * base))
            if np.abs((ticks - ticks[0]) - grid).max() <= 1.0 + 1e-6:
                return rate
    return None
