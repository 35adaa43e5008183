"""The pictures that SyncNet's metric looks at: a square around the face, as its authors cut it out.

Published (syncnet_python, MIT): boxes of the face detector S3FD at 25 frames a second, centre and half side smoothed by a
median filter of 13; the crop reaches one half side above the centre, 1.8 below and 1.4 to either side, is filled with grey 110
where it leaves the picture, and is brought to 224 x 224 bilinearly.

Choice: the boxes are those of our own tracks instead of S3FD's, so that the face that was dubbed is the one that is judged.
They follow from the three points that a crop is aligned by. Where a detector's box lies among these was measured with YuNet,
which was trained on the same annotations as S3FD (WIDER FACE), on seven natural clips; half sides differed by up to 6 % from
the mean of the clips.
"""

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from dubbing.domain.media import Box
from dubbing.faces.align import TEMPLATE_HEIGHT, TEMPLATE_WIDTH, Picture, View, crop_transform, invert
from lipforcing.contract import SYNCNET_SIDE

Series = NDArray[np.float64]

# A detector's box in the alignment template of 420 x 560.
_CENTRE: Final = (210.0, 218.0)
_HALF: Final = 259.0
_MEDIAN: Final = 13
_SCALE: Final = 0.4
_GREY: Final = 110


class FaceBoxes(NamedTuple):
    """Centre and half side of a face's box in every picture of a track, [V] each, in pixels of the upright picture."""

    x_V: Series
    y_V: Series
    half_V: Series

    @classmethod
    def of(cls, anchors: Series) -> "FaceBoxes":
        """From the points [V, 3, 2] that crops are aligned by."""
        placed = np.array([_box(points) for points in anchors])
        return cls(*placed.T)

    @property
    def side(self) -> float:
        """Mean side."""
        return float(2 * self.half_V.mean())

    def smoothed(self) -> "FaceBoxes":
        """By the published median filter, which takes what lies beyond the ends for 0."""
        return FaceBoxes(*(median_filter(series, _MEDIAN, mode="constant") for series in self))


def sync_crop(frame: View, x: float, y: float, half: float) -> Picture:
    """The crop around one box, uint8 [224, 224, 3] RGB."""
    pad = int(half * (1 + 2 * _SCALE))
    # Whole pixels are cut off as published: in a picture that has been padded.
    top, bottom = (int(y + pad + reach * half) - pad for reach in (-1.0, 1 + 2 * _SCALE))
    left, right = (int(x + pad + reach * half) - pad for reach in (-1.0 - _SCALE, 1 + _SCALE))
    crop = np.full((max(1, bottom - top), max(1, right - left), 3), _GREY, np.uint8)
    width, height = frame.size
    seen = Box(max(left, 0), max(top, 0), min(right, width), min(bottom, height))
    if seen.left < seen.right and seen.top < seen.bottom:
        crop[seen.top - top : seen.bottom - top, seen.left - left : seen.right - left] = frame.region(seen)
    return np.asarray(cv2.resize(crop, (SYNCNET_SIDE, SYNCNET_SIDE), interpolation=cv2.INTER_LINEAR))


def _box(anchors: Series) -> tuple[float, float, float]:
    back = invert(crop_transform(anchors, 1))  # a crop of one pixel, whose centre is (0, 0)
    x, y = back @ [(_CENTRE[0] + 0.5) / TEMPLATE_WIDTH - 0.5, (_CENTRE[1] + 0.5) / TEMPLATE_HEIGHT - 0.5, 1.0]
    # The template is stretched to a square: its scale is the mean one.
    scale = np.sqrt(abs(np.linalg.det(back[:, :2])) / (TEMPLATE_WIDTH * TEMPLATE_HEIGHT))
    return float(x), float(y), float(_HALF * scale)
