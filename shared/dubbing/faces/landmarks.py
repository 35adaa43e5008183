"""Which of MediaPipe's 478 face landmarks mean what, and the measures taken from them.

Landmarks are float64 [478, 2] (x, y) in pixel-centre coordinates: the centre of the top left pixel is (0, 0), as cv2's warps
have it. Left and right are the picture's, not the person's. Every function also takes leading axes, e.g. [V, 478, 2].
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

COUNT: Final = 478
# The upper edge of each brow, and of the nose: lower bridge, tip, both wings. They are the closest equivalents of the points
# of the 106-point scheme that the crop's template was made for: {43, 48-51}, {101-105} and {74, 77, 83, 86}.
LEFT_BROW: Final = (70, 63, 105, 66, 107)
RIGHT_BROW: Final = (300, 293, 334, 296, 336)
NOSE: Final = (195, 4, 64, 294)
LEFT_EYE: Final = (33, 133)
RIGHT_EYE: Final = (362, 263)
# The nose's wings, where the upper lip begins.
NOSTRILS: Final = (64, 294)
# The face's outline, from the middle of the forehead clockwise.
OUTLINE: Final = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
                  152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
# Outer edge of the lips.
LIPS: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
# Inner edge of the lips: three pairs above/below around the middle, and the corners.
UPPER_LIP: Final = (82, 13, 312)
LOWER_LIP: Final = (87, 14, 317)
MOUTH_CORNERS: Final = (61, 291)


def anchors(landmarks: Points) -> Points:
    """The three points that the crop is aligned by, float64 [..., 3, 2]: left brow, right brow, nose."""
    return np.stack([_mean(landmarks, part) for part in (LEFT_BROW, RIGHT_BROW, NOSE)], axis=-2)


def eye_distance(landmarks: Points) -> NDArray[np.float64]:
    """Pixels between the centres of the eyes, float64 [...]."""
    return _distance(_mean(landmarks, LEFT_EYE), _mean(landmarks, RIGHT_EYE))


def mouth_opening(landmarks: Points) -> NDArray[np.float64]:
    """Gap between the inner edges of the lips in pixels, mean of three places, float64 [...]."""
    return np.asarray(_distance(landmarks[..., UPPER_LIP, :], landmarks[..., LOWER_LIP, :]).mean(axis=-1))


def mouth_width(landmarks: Points) -> NDArray[np.float64]:
    """Pixels between the corners of the mouth, float64 [...]."""
    return _distance(landmarks[..., MOUTH_CORNERS[0], :], landmarks[..., MOUTH_CORNERS[1], :])


def roll(landmarks: Points) -> NDArray[np.float64]:
    """Degrees by which the line from the left to the right eye is turned from level, clockwise, -180 to 180, float64 [...]."""
    across = _mean(landmarks, RIGHT_EYE) - _mean(landmarks, LEFT_EYE)
    return np.degrees(np.arctan2(across[..., 1], across[..., 0]))


def bounding_box(landmarks: Points) -> NDArray[np.float64]:
    """Left, top, right and bottom of all points, float64 [..., 4]."""
    return np.concatenate([landmarks.min(axis=-2), landmarks.max(axis=-2)], axis=-1)


def _mean(landmarks: Points, indices: tuple[int, ...]) -> Points:
    return np.asarray(landmarks[..., indices, :].mean(axis=-2))


def _distance(a: Points, b: Points) -> NDArray[np.float64]:
    return np.asarray(np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1]))
