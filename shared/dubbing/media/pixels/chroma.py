"""Between the grids of luma and of subsampled chroma.

Chroma is sited left horizontally and centred vertically (MPEG-2, H.264 and HEVC's default). Samples per side of a chroma
sample are ``sub``: (2, 2) for 4:2:0, (2, 1) for 4:2:2, (1, 1) for 4:4:4.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Box

Plane = NDArray[Any]  # [h,w] uint8 or uint16
Values = NDArray[np.floating[Any]]  # [h,w]
_ACROSS = np.array([[0.25, 0.5, 0.25]], np.float32)
# What `at_luma` and then `to_chroma` do to a sample and its two neighbours along a subsampled side.
_THERE_AND_BACK = np.array([0.125, 0.75, 0.125])
_IDENTITY = np.array([0.0, 1.0, 0.0])


def at_luma(plane: Plane, sub: tuple[int, int], box: Box, block: int = 1, kind: Any = None) -> Plane:
    """Chroma at the luma positions of a box: linear in between, sited left horizontally, centred vertically.

    Args:
        plane: Cb or Cr.
        sub: luma pixels per sample along both sides.
        box: in luma pixels.
        block: luma pixels per position.
        kind: type of the result; the plane's own by default.
    """
    sx, sy = sub
    if (sx, sy) == (1, 1):
        return averaged(plane[box.top : box.bottom, box.left : box.right].astype(kind or plane.dtype), block, block)
    across, down = max(1, block // sx), max(1, block // sy)
    left, top = max(0, box.left // sx - 1), max(0, box.top // sy - 1)
    values = averaged(plane[top : (box.bottom - 1) // sy + 2, left : (box.right - 1) // sx + 2], across, down)
    # The middle of block i lies half a block less half a pixel after its first pixel; quarters of a sample at the finest
    # where blocks are single pixels, which the warp's 1/32 steps hold exactly.
    x, y = box.left + (block - 1) / 2, box.top + (block - sy) / 2
    place = np.array(
        [
            [block / (sx * across), 0.0, (x / sx - left - (across - 1) / 2) / across],
            [0.0, block / (sy * down), (y / sy - top - (down - 1) / 2) / down],
        ]
    )
    size = (-(-(box.right - box.left) // block), -(-(box.bottom - box.top) // block))
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(values.astype(kind or plane.dtype), place, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    )


def averaged(plane: Plane, across: int, down: int) -> Plane:
    """The mean of every ``across`` x ``down`` values; the last row and column repeat to whole blocks."""
    if across == down == 1:
        return plane
    height, width = plane.shape[:2]
    whole = cv2.copyMakeBorder(plane, 0, -height % down, 0, -width % across, cv2.BORDER_REPLICATE)
    return cv2.resize(whole, (whole.shape[1] // across, whole.shape[0] // down), interpolation=cv2.INTER_AREA)


def to_chroma(values: Values, sub: tuple[int, int]) -> Values:
    """Values [h, w] at every luma position, in whole cells, to the chroma grid: [1 2 1] / 4 across, the mean of two rows."""
    sx, sy = sub
    if sy == 2:
        values = np.asarray(cv2.addWeighted(values[0::2], 0.5, values[1::2], 0.5, 0))
    if sx == 2:
        values = np.asarray(cv2.filter2D(values, -1, _ACROSS, borderType=cv2.BORDER_REPLICATE)[:, ::2])
    return values


def detail(plane: Plane, sub: tuple[int, int], cells: Box) -> Values:
    """What the samples of ``cells`` hold beyond that which interpolation shows of them: float32 [h, w]."""
    top, left = max(0, cells.top - 1), max(0, cells.left - 1)
    around = plane[top : cells.bottom + 1, left : cells.right + 1]
    across, down = (_THERE_AND_BACK if side == 2 else _IDENTITY for side in sub)
    shown = cv2.sepFilter2D(around, cv2.CV_32F, across, down, borderType=cv2.BORDER_REPLICATE)
    inside = np.s_[cells.top - top : cells.bottom - top, cells.left - left : cells.right - left]
    return np.asarray(around[inside] - shown[inside], np.float32)
