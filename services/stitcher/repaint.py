"""One generated mouth into one picture, touching nothing else."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Box
from dubbing.faces.align import Matrix, extract_crop, invert
from dubbing.faces.composite import Compositor
from dubbing.media.picture import PictureFrame

Crop = NDArray[np.uint8]

_PIXELS = 1 << 16  # worked on at a time, so that they stay in the processor's cache


def repaint(frame: PictureFrame, matrix: Matrix, generated: Crop, compositor: Compositor) -> bool:
    """Paste ``generated`` into ``frame`` in place.

    The mouth's pixels are shown as 16-bit R'G'B', composited there, and only what the compositor changed goes back as a
    difference, so that rounding cannot reach a pixel that it left alone.

    Args:
        frame: the picture; its planes change where the mouth is.
        matrix: float64 [2, 3], upright frame to crop.
        generated: uint8 [n, n, 3], the student's picture.
        compositor: for crops of side n.

    Returns:
        False where the mouth lies outside the picture.
    """
    patch = compositor.patch(matrix, extract_crop(frame, matrix, len(generated)), generated)
    box = patch.box(frame.size)
    if box is None:
        return False
    height, width = box.bottom - box.top, box.right - box.left
    change = np.zeros((3, height, width), np.float32)
    changed = np.empty((height, width), np.uint8)
    step = max(1, _PIXELS // width)
    for row in range(0, height, step):
        rows = np.s_[row : row + step]
        band = Box(box.left, box.top + row, box.right, min(box.top + row + step, box.bottom))
        before = frame.codes(band)
        after, changed[rows] = compositor.mix(before, patch, band)
        for delta, new, old in zip(change, after, before, strict=True):
            cv2.subtract(new, old, dst=delta[rows], mask=changed[rows], dtype=cv2.CV_32F)
    if changed.any():
        frame.add_codes(box, list(change), changed)
    return True


def crop_box(matrix: Matrix, size: int, picture: tuple[int, int]) -> Box | None:
    """The picture's pixels under a crop of side ``size``; None when there are none."""
    corners = np.array([(x, y, 1.0) for x in (-1, size) for y in (-1, size)]) @ invert(matrix).T
    low = np.clip(np.floor(corners.min(axis=0)), 0, picture).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, picture).astype(int)
    if (high - low < 2).any():
        return None
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
