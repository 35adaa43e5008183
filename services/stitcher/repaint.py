"""One generated mouth into one picture, touching nothing else."""

import cv2
import numpy as np

from dubbing.domain.media import Box
from dubbing.faces.align import Matrix, extract_crop, invert
from dubbing.faces.composite import Compositor, Patch
from dubbing.faces.foreign import foreign
from dubbing.faces.grain import BLOCK, Grain, field, measure
from dubbing.faces.outline import limit
from dubbing.media.pixels.picture import PictureFrame
from services.stitcher.mouths import GeneratedMouth

# Where grain is looked for, in parts of the mouth's height: cheeks, lips, chin.
_BANDS = (0.2, 0.45, 0.7)
_PIXELS = 1 << 16  # worked on at a time, so that they stay in the processor's cache


def patch_of(frame: PictureFrame, mouth: GeneratedMouth, compositor: Compositor) -> Patch:
    """What has to be laid over ``frame`` for a generated mouth: inside the face's outlines, and under what lies over it."""
    size = len(mouth.crop)
    filmed = extract_crop(frame, mouth.matrix, size)
    if mouth.filmed is None:
        return compositor.patch(mouth.matrix, filmed, mouth.crop)
    inside = limit(mouth.filmed, mouth.made, size)
    allowed = inside * (1 - foreign(filmed, mouth.filmed, inside))
    return compositor.patch(mouth.matrix, filmed, mouth.crop, allowed, mouth.filmed)


def lay(frame: PictureFrame, patch: Patch, compositor: Compositor, grain: Grain | None) -> bool:
    """Lay a patch over ``frame`` in place.

    The mouth's pixels are shown as 16-bit R'G'B', composited there, and only what the compositor changed goes back as a
    difference, so that rounding cannot reach a pixel that it left alone.

    Args:
        frame: the picture; its planes change where the mouth is.
        patch: the mouth.
        compositor: that made it.
        grain: of the footage there (`grain_of`).

    Returns:
        False where the mouth lies outside the picture.
    """
    box = patch.box(frame.size)
    if box is None:
        return False
    height, width = box.bottom - box.top, box.right - box.left
    change = np.zeros((3, height, width), np.float32)
    changed = np.empty((height, width), np.uint8)
    noise = None if grain is None else field(grain, (width, height), frame.index)
    step = max(1, _PIXELS // width)
    for row in range(0, height, step):
        rows = np.s_[row : row + step]
        band = Box(box.left, box.top + row, box.right, min(box.top + row + step, box.bottom))
        before = frame.codes(band)
        after, changed[rows] = compositor.mix(before, patch, band, None if noise is None else noise[rows])
        for delta, new, old in zip(change, after, before, strict=True):
            cv2.subtract(new, old, dst=delta[rows], mask=changed[rows], dtype=cv2.CV_32F)
    if changed.any():
        frame.add_codes(box, list(change), changed)
    return True


def grain_of(frame: PictureFrame, patch: Patch) -> Grain | None:
    """The footage's grain around a patch; None where it has none to be seen."""
    box = patch.box(frame.size)
    if box is None or box.bottom - box.top < BLOCK:
        return None
    places = [box.top + int((box.bottom - box.top - BLOCK) * part) for part in _BANDS]
    return measure([frame.codes(Box(box.left, top, box.right, top + BLOCK)) for top in places])


def crop_box(matrix: Matrix, size: int, picture: tuple[int, int]) -> Box | None:
    """The picture's pixels under a crop of side ``size``; None when there are none."""
    corners = np.array([(x, y, 1.0) for x in (-1, size) for y in (-1, size)]) @ invert(matrix).T
    low = np.clip(np.floor(corners.min(axis=0)), 0, picture).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, picture).astype(int)
    if (high - low < 2).any():
        return None
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
