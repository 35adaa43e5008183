"""One generated mouth into one picture, touching nothing else."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Box
from dubbing.faces.align import Matrix, extract_crop, invert
from dubbing.faces.composite import Compositor, Patch
from dubbing.media.picture import PictureFrame

Crop = NDArray[np.uint8]

_FULL = np.float32(65535)
_BAND = 48  # rows that are worked on at a time, so that they stay in the processor's cache


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
    change = np.empty((box.bottom - box.top, box.right - box.left, 3), np.float32)
    changed = np.empty(change.shape[:2], np.float32)
    for top in range(box.top, box.bottom, _BAND):
        band = Box(box.left, top, box.right, min(top + _BAND, box.bottom))
        rows = np.s_[band.top - box.top : band.bottom - box.top]
        change[rows] = _changed(frame, band, patch, compositor)
        changed[rows] = np.logical_or.reduce(cv2.split(change[rows]))
    if changed.any():
        frame.add_roi_rgb(box, change, changed)
    return True


def _changed(frame: PictureFrame, box: Box, patch: Patch, compositor: Compositor) -> NDArray[np.float32]:
    """What the patch does to a part of the picture: R'G'B' float32 [h, w, 3], exactly 0 where it does nothing."""
    before = (np.clip(frame.roi_rgb(box), 0, 1) * _FULL + np.float32(0.5)).astype(np.uint16)
    after = before.copy()
    compositor.lay(after, patch, box)
    return np.asarray(cv2.subtract(after, before, dtype=cv2.CV_32F) / _FULL, np.float32)


def crop_box(matrix: Matrix, size: int, picture: tuple[int, int]) -> Box | None:
    """The picture's pixels under a crop of side ``size``; None when there are none."""
    corners = np.array([(x, y, 1.0) for x in (-1, size) for y in (-1, size)]) @ invert(matrix).T
    low = np.clip(np.floor(corners.min(axis=0)), 0, picture).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, picture).astype(int)
    if (high - low < 2).any():
        return None
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
