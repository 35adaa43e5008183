"""The contact sheet of a finished job: which frames it shows, and where the faces are in them."""

from pathlib import Path

import numpy as np

from dubbing.domain.analysis import Analysis
from dubbing.domain.faces import Chunk, FrameRange
from dubbing.domain.media import Box, SyncPlan
from dubbing.faces.align import crop_transforms
from dubbing.media.frames import FrameReader
from dubbing.media.preview import contact_sheet, spread
from services.stitcher.repaint import crop_box

_COLUMNS = 8
_SIZE = 256


def draw_sheet(
    source: FrameReader, result: FrameReader, analysis: Analysis, chunks: tuple[Chunk, ...], sound: tuple[Path, SyncPlan]
) -> bytes:
    """PNG with source above result in evenly spaced repainted frames (or any, where none is), and the track below."""
    everything = analysis.video.frames
    ranges = analysis.touched(chunks, everything) or (FrameRange(start=0, end=everything),)
    frames = spread([frame for part in ranges for frame in range(part.start, part.end)], _COLUMNS)
    return contact_sheet(source, result, [(frame, _face(analysis, frame)) for frame in frames], *sound)


def _face(analysis: Analysis, frame: int) -> Box | None:
    path = next((p for p in analysis.paths if p.track.start <= frame < p.track.end), None)
    if path is None:
        return None
    matrices = crop_transforms(np.reshape(path.anchors, (-1, 3, 2)), _SIZE)
    return crop_box(matrices[frame - path.track.start], _SIZE, analysis.video.upright_size)
