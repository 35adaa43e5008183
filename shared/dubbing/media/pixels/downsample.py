"""A part of a picture as 8-bit R'G'B' for looking at, straight from its planes and at the size that is looked at.

Averaging and the matrix to R'G'B' are both linear, so planes are averaged first: a face that fills a 4K frame costs little
more than one that fills a small one.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Box
from dubbing.media.pixels.chroma import Plane, at_luma, averaged
from dubbing.media.pixels.colour import ColourSpace


def downsampled_rgb(
    planes: tuple[Plane, ...], sub: tuple[int, int], space: ColourSpace, box: Box, block: int
) -> NDArray[np.uint8]:
    """What ``box`` (in coded coordinates) shows, averaged over block x block pixels.

    Args:
        planes: Y, Cb, Cr or G, B, R.
        sub: luma pixels per chroma sample along both sides.
        space: what the code values mean.
        box: the part.
        block: pixels of the picture for one of the result; the last row and column repeat to whole blocks.

    Returns:
        uint8 [h, w, 3].
    """
    first = averaged(planes[0][box.top : box.bottom, box.left : box.right], block, block)
    if space.matrix == "gbr":
        blue, red = (averaged(plane[box.top : box.bottom, box.left : box.right], block, block) for plane in planes[1:])
        return np.asarray(np.stack([red, first, blue], -1) >> (space.bits - 8), np.uint8)
    chroma = [at_luma(plane, sub, box, block) for plane in planes[1:]]
    scales = np.array([space.luma_scale, space.chroma_scale, space.chroma_scale]) / 255
    zeros = np.array([space.luma_offset, space.chroma_zero, space.chroma_zero])
    matrix = space.to_rgb_matrix() / scales
    shown = cv2.transform(cv2.merge([first, *chroma]), np.column_stack([matrix, -matrix @ zeros]))
    return np.asarray(shown if shown.dtype == np.uint8 else np.minimum(shown, 255), np.uint8)  # OpenCV clips to the type
