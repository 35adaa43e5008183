"""The contact sheet of a job, out of the frames that pass through the painter, so that nothing is decoded for it."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dubbing.domain.analysis import Analysis
from dubbing.domain.faces import Chunk
from dubbing.domain.findings import FrameRange
from dubbing.domain.media import AudioInfo, Box, SyncPlan
from dubbing.faces.align import crop_transforms
from dubbing.media.pixels.picture import PictureFrame
from dubbing.media.preview import SheetColumn, SheetSound, contact_sheet, spread, tile, whole
from services.stitcher.repaint import crop_box

if TYPE_CHECKING:
    from PIL import Image

_COLUMNS = 8
_SIZE = 256


class Sheet:
    """Source above result in evenly spaced repainted frames (or any, where none is), and the track below.

    The result is shown as it goes into the encoder.

    Args:
        analysis: the source's facts and faces.
        chunks: what is repainted.
    """

    def __init__(self, analysis: Analysis, chunks: tuple[Chunk, ...]) -> None:
        everything = analysis.video.frames
        ranges = analysis.touched(chunks, everything) or (FrameRange(start=0, end=everything),)
        frames = spread([frame for part in ranges for frame in range(part.start, part.end)], _COLUMNS)
        self._video = analysis.video
        self._boxes = {frame: _face(analysis, frame) for frame in frames}
        self._middle = frames[len(frames) // 2]
        self._tiles: dict[int, list[Image.Image]] = {frame: [] for frame in frames}
        self._wholes: list[Image.Image] = []

    def see(self, picture: PictureFrame) -> None:
        """Take every frame twice: before it is repainted, and after."""
        if picture.index not in self._tiles:
            return
        self._tiles[picture.index].append(tile(picture, self._boxes[picture.index]))
        if picture.index == self._middle:
            self._wholes.append(whole(picture, self._video))

    def draw(self, sound: Path, info: AudioInfo | None, plan: SyncPlan) -> bytes:
        """The sheet as PNG, once all frames have passed.

        Args:
            sound: the track.
            info: its facts.
            plan: how it is used.
        """
        before, after = self._wholes
        columns = [SheetColumn(frame, *pair) for frame, pair in sorted(self._tiles.items())]
        return contact_sheet(self._video, columns, (before, after), SheetSound(sound, info, plan))


def _face(analysis: Analysis, frame: int) -> Box | None:
    path = next((p for p in analysis.paths if p.track.start <= frame < p.track.end), None)
    if path is None:
        return None
    matrices = crop_transforms(np.reshape(path.anchors, (-1, 3, 2)), _SIZE)
    return crop_box(matrices[frame - path.track.start], _SIZE, analysis.video.upright_size)
