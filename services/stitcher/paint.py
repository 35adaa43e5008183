"""Paints every mouth of a job into its picture and encodes it, frame by frame."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from dubbing.domain.media import Box, VideoInfo
from dubbing.faces.composite import Compositor
from dubbing.media.ahead import ahead, side_by_side
from dubbing.media.encode import EncodeSettings, PictureWriter
from dubbing.media.frames import FrameReader
from dubbing.media.picture import PictureFrame
from dubbing.queue.context import Context
from services.stitcher.mouths import Mouth
from services.stitcher.repaint import crop_box, repaint
from services.stitcher.scoring import MouthMeter
from services.stitcher.sheet import Sheet

# Rows of the picture that the meter sees at least: landmarks get no finer with more.
_SEEN = 320
# Frames that are decoded while those before are painted, and painted while those before are encoded.
_AHEAD = 4
# Frames that are painted at once: one painter alone, among the encoder's threads, keeps them waiting.
_PAINTERS = 2


class _Painted(NamedTuple):
    """A frame, and where in it a mouth was painted, if one was."""

    frame: PictureFrame
    mouth: Box | None


class Painter:
    """Writes the new picture of one job.

    Args:
        video: the source's facts.
        size: side of the generated crops.
        settings: encoder settings.
        meter: measures what was painted.
        sheet: sees every frame before and after.
    """

    def __init__(self, video: VideoInfo, size: int, settings: EncodeSettings, meter: MouthMeter, sheet: Sheet) -> None:
        self._video = video
        self._settings = settings
        self._compositor = Compositor(size, video.colour.transfer)
        self._meter = meter
        self._sheet = sheet

    def paint(self, reader: FrameReader, mouths: Iterator[Mouth], out: Path, context: Context) -> None:
        """Encode every frame of ``reader`` to ``out``, with ``mouths`` (by ascending frame) painted in."""
        with PictureWriter(out, self._video, self._settings) as writer:
            for frame in ahead(self._painted(reader, mouths), _AHEAD):
                writer.write(frame)
                context.progress(frame.index + 1, self._video.frames)

    def _painted(self, reader: FrameReader, mouths: Iterator[Mouth]) -> Iterator[PictureFrame]:
        """Every frame of ``reader``, with its mouth if it has one; sheet and meter see them in order."""
        for frame, box in side_by_side(self._with_mouths(reader, mouths), self._paint_one, _PAINTERS):
            self._sheet.see(frame)
            if box is not None:
                self._meter.see(frame.index, partial(frame.region, box, max(1, (box.bottom - box.top) // _SEEN)))
            yield frame

    def _with_mouths(self, reader: FrameReader, mouths: Iterator[Mouth]) -> Iterator[tuple[PictureFrame, Mouth | None]]:
        waiting = next(mouths, None)
        for frame in ahead(reader.read(), _AHEAD):
            self._sheet.see(frame)
            mouth = waiting if waiting is not None and waiting.frame == frame.index else None
            yield frame, mouth
            if mouth is not None:
                waiting = next(mouths, None)

    def _paint_one(self, asked: tuple[PictureFrame, Mouth | None]) -> _Painted:
        frame, mouth = asked
        if mouth is not None:
            box = crop_box(mouth.matrix, len(mouth.crop), frame.size)
            if box is not None and repaint(frame, mouth.matrix, mouth.crop, self._compositor):
                return _Painted(frame, box)
        return _Painted(frame, None)
