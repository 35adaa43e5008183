"""How deep inside a region a pixel lies, the same to the last bit every time."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def depth(inside: NDArray[Any]) -> NDArray[np.float64]:
    """Distance of every pixel to the nearest one outside, in pixels; 0 outside; float64 [H, W].

    OpenCV's last bits depend on where its buffers lie in memory, and masters are to be the same again. The squares of
    distances between pixels are integers, so rounding them gives the one right value.

    Args:
        inside: bool or uint8 [H, W]; at most 1000 pixels wide and high, for the squares to be exact.
    """
    found = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.sqrt(np.rint(np.square(found.astype(np.float64)))))
