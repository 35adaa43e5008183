"""One generated mouth into one picture, touching nothing else."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Box
from dubbing.faces.align import Matrix, extract_crop, invert
from dubbing.faces.composite import Compositor
from dubbing.media.picture import PictureFrame

Crop = NDArray[np.uint8]

_FULL = np.float32(65535)
# The mouth region begins at 24/64 of the crop; the compositor looks a little further up for the colours at its border.
_FIRST_ROW = 16 / 64


def repaint(frame: PictureFrame, matrix: Matrix, generated: Crop, compositor: Compositor) -> Crop | None:
    """Paste ``generated`` into ``frame`` in place.

    The region under the crop is shown as 16-bit R'G'B', composited there, and only what the compositor changed goes back as
    a difference, so that rounding cannot reach a pixel that it left alone.

    Args:
        frame: the picture; its planes change where the mouth is.
        matrix: float64 [2, 3], upright frame to crop.
        generated: uint8 [n, n, 3], the student's picture.
        compositor: for crops of side n.

    Returns:
        The repainted region, uint8 R'G'B' [h, w, 3], for measuring; None where the crop lies outside the picture.
    """
    size = len(generated)
    box = crop_box(matrix, size, frame.size, first_row=_FIRST_ROW * size)
    if box is None:
        return None
    shown = frame.roi_rgb(box)
    before = (np.clip(shown, 0, 1) * _FULL + np.float32(0.5)).astype(np.uint16)
    here = matrix.copy()
    here[:, 2] += matrix[:, :2] @ [box.left, box.top]
    after = compositor.paste(before, here, extract_crop(before, here, size), generated)
    changed = np.logical_or.reduce([a != b for a, b in zip(cv2.split(after), cv2.split(before), strict=True)])
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if len(rows):
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        painted = shown[part] + (after[part].astype(np.float32) - before[part]) / _FULL
        x, y = box.left + int(columns[0]), box.top + int(rows[0])
        place = Box(x, y, x + painted.shape[1], y + painted.shape[0])
        frame.put_roi_rgb(place, painted, changed[part].astype(np.float32))
    return (after >> 8).astype(np.uint8)


def crop_box(matrix: Matrix, size: int, picture: tuple[int, int], first_row: float = 0) -> Box | None:
    """The picture's pixels under a crop of side ``size``, from its ``first_row`` down; None when there are none."""
    corners = np.array([(x, y, 1.0) for x in (-1, size) for y in (first_row - 1, size)]) @ invert(matrix).T
    low = np.clip(np.floor(corners.min(axis=0)), 0, picture).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, picture).astype(int)
    if (high - low < 2).any():
        return None
    return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
