"""The frame reader: every frame of a file in display order, numbered and timed exactly, a few in memory at once."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from dubbing.domain.media import VideoInfo
from dubbing.domain.timecode import clock, to_timecode
from dubbing.errors import TruncatedMedia
from dubbing.media.container import open_media, picture_stream
from dubbing.media.index import FrameIndex, build_index
from dubbing.media.pixels.picture import PictureFrame


class FrameReader:
    """Reads frames of one file.

    A variable-rate file keeps all its frames and their own times; nothing is dropped or doubled to fit a grid.

    Args:
        path: the file.
        video: what `probe` said about it.
        threads: decoder threads.
    """

    def __init__(self, path: Path, video: VideoInfo, threads: int = 2) -> None:
        self.video = video
        self._path = Path(path)
        self._threads = threads

    @cached_property
    def index(self) -> FrameIndex:
        """The file's frame index, built on first use by one pass over its packets."""
        return build_index(self._path, self.video.track)

    def __len__(self) -> int:
        """Number of frames."""
        return self.video.frames

    def frame_times(self) -> list[Fraction]:
        """Seconds after the first frame at which each frame is shown: exact."""
        return self.index.times()

    def read(self, start: int = 0, end: int | None = None) -> Iterator[PictureFrame]:
        """Frames ``start`` <= i < ``end``, exactly these, in display order.

        Decoding enters at the last key frame that is shown no later than ``start``; frames before ``start`` are dropped.

        Raises:
            ValueError: the range is not inside the file.
            TruncatedMedia: a frame is missing or damaged; names the frame and its time code.
        """
        end = len(self) if end is None else end
        if not 0 <= start <= end <= len(self):
            raise ValueError(f"frames {start} to {end} are not inside 0 to {len(self)}")
        if start == end:
            return
        times = self.index.ticks
        expected = start
        for number, native in self._decoded(start):
            if number < start:
                continue
            if number != expected or native.is_corrupt:
                raise self._damaged(expected)
            at = expected / self.index.rate if self.index.rate else int(times[expected] - times[0]) * self.index.time_base
            yield PictureFrame(native, expected, at, self.video)
            expected += 1
            if expected == end:
                return
        raise self._damaged(expected)

    def pick(self, frames: Sequence[int]) -> Iterator[PictureFrame]:
        """The frames numbered ``frames`` (ascending), one pass over each group of pictures that holds any; raises as `read`."""
        keys, ticks = self.index.keys, self.index.ticks
        for _, group in groupby(frames, lambda frame: int(keys.searchsorted(ticks[frame], side="right"))):
            wanted = set(group)
            yield from (picture for picture in self.read(min(wanted), max(wanted) + 1) if picture.index in wanted)

    def _decoded(self, start: int) -> Iterator[tuple[int, VideoFrame]]:
        """Decoded frames with their numbers, from at or before ``start``."""
        index = self.index
        number = -1
        with open_media(self._path) as container:
            stream = picture_stream(container, self.video.track)
            if stream is None:
                return
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = self._threads
            entry = self._enter(container, stream, start)
            try:
                for order, frame in enumerate(_decoded_from(container, stream, entry)):
                    number = order
                    if index.stamped:
                        if frame.pts is None or frame.pts < index.ticks[0]:
                            continue
                        number = int(index.ticks.searchsorted(frame.pts))
                        if number == len(index) or index.ticks[number] != frame.pts:
                            raise self._damaged(min(number, len(index) - 1))
                    yield number, frame
            except av.FFmpegError as error:
                raise self._damaged(max(start, number + 1)) from error

    def _enter(self, container: InputContainer, stream: VideoStream, start: int) -> int | None:
        """Seek to a key frame at or before the start; returns its tick, or None for the file's beginning.

        Where a container finds places only roughly (MPEG-TS), the next packet with a key frame may come too late; then an
        earlier key frame is tried.
        """
        keys, target = self.index.keys, self.index.ticks[start]
        place = int(keys.searchsorted(target, side="right")) - 1 if len(keys) else 0
        step = 1
        while place > 0:
            container.seek(int(keys[place]), stream=stream, backward=True)
            key = next((p.pts for p in container.demux(stream) if p.is_keyframe and p.pts is not None), None)
            if key is not None and key <= target:
                container.seek(int(keys[place]), stream=stream, backward=True)
                return int(key)
            place, step = place - step, step * 2
        if step > 1:
            container.seek(0, backward=True, any_frame=True)
        return None

    def _damaged(self, frame: int) -> TruncatedMedia:
        code = to_timecode(frame, self.index.fps)
        at = clock(int(self.index.ticks[min(frame, len(self.index) - 1)] - self.index.ticks[0]) * self.index.time_base)
        return TruncatedMedia(
            f"Frame {frame} (time code {code}, {at}) is damaged or missing.",
            where={"frame": frame, "timecode": code, "time": at},
            suggestions=("Upload the file again.", "Export the file again if the damage is in the original."),
            media={"video_frames": len(self.index), "frame": frame},
        )


def _decoded_from(container: InputContainer, stream: VideoStream, entry: int | None) -> Iterator[VideoFrame]:
    """Decoded frames from the packet of the entry key frame on; None: from the first packet."""
    entered = entry is None
    for packet in container.demux(stream):
        entered = entered or packet.pts == entry
        if entered:
            yield from packet.decode()
