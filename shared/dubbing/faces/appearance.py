"""What a followed face looks like, small and aligned: is it still the same one, and does something come over its mouth?

An appearance is uint8 [64, 64, 3]: the face in the crop's template, as brows and nose place it. It lives from
one frame to the next.
"""

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.faces import landmarks as marks
from dubbing.faces.align import Picture, crop_transform, preview_crop

SIDE: Final = 64

_BAND: Final = (1.3, 6.5)  # standard deviations in pixels: coarser is light, finer is grain
_SHIFT: Final = 2  # pixels by which two looks of one face are aligned apart at most
_UPPER: Final = slice(0, 36)  # rows with eyes and nose
_LOWER: Final = slice(34, 64)  # and with mouth and chin
_DARKEST: Final = 16.0  # mean grey below which contrast is noise
_GRAIN: Final = 0.8
_INSIDE: Final = 0.12  # of the distance between the eyes that skin keeps from the face's outline
_BESIDE: Final = 0.1  # and from the lips


def appearance_of(picture: Picture, landmarks: marks.Points) -> Picture:
    """The appearance of the face with these landmarks in ``picture``, uint8 [H, W, 3]."""
    return preview_crop(picture, crop_transform(marks.anchors(landmarks), SIDE), (SIDE, SIDE))


class Likeness(NamedTuple):
    """How far two looks agree, up to 1: from the brows to the nose, and around the mouth.

    Consecutive frames of one face agree by 0.79 or more above, however it moves, and two persons by 0.58 or less. Below, a
    speaking mouth keeps 0.88, and a hand that comes or goes takes it to 0.2 to 0.8.
    """

    upper: float
    lower: float


def likeness(one: Picture, other: Picture) -> Likeness:
    """How far two looks agree, each laid over the other where it fits best."""
    first, second = _band(one), _band(other)
    return Likeness(*(_best(first[rows], second[rows]) for rows in (_UPPER, _LOWER)))


def _best(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    inner = np.ascontiguousarray(other[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT])
    return float(cv2.matchTemplate(np.ascontiguousarray(one), inner, cv2.TM_CCOEFF_NORMED).max())


def texture(appearance: Picture, landmarks: marks.Points) -> float:
    """How uneven the skin around the mouth is: its root mean square slope over its brightness; NaN where too little is seen.

    A hand, a cup or a caption on it has edges; speech has none there.
    """
    matrix = crop_transform(marks.anchors(landmarks), SIDE)
    skin = _skin(landmarks @ matrix[:, :2].T + matrix[:, 2])
    if skin.sum() < SIDE:
        return float("nan")
    grey = cv2.GaussianBlur(cv2.cvtColor(appearance, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), _GRAIN)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *way)[skin] / 8 for way in ((1, 0), (0, 1)))
    return float(np.sqrt((across**2 + down**2).mean()) / max(float(grey[skin].mean()), _DARKEST))


def _skin(points: marks.Points) -> NDArray[np.bool_]:
    """Cheeks, upper lip and chin: inside the outline, below the nose, beside the lips."""
    eyes = float(marks.eye_distance(points))
    face = cv2.erode(_filled(points[list(marks.OUTLINE)]), _disc(_INSIDE * eyes))
    lips = cv2.dilate(_filled(points[list(marks.LIPS)]), _disc(_BESIDE * eyes))
    below = np.arange(SIDE)[:, None] > points[list(marks.NOSTRILS), 1].mean()
    return np.asarray((face > 0) & (lips == 0) & below)


def _filled(points: marks.Points) -> NDArray[np.uint8]:
    plane = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(plane, cv2.convexHull(points.astype(np.float32)).round().astype(np.int32), 1)
    return plane


def _disc(radius: float) -> NDArray[np.uint8]:
    side = 2 * max(1, int(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _band(appearance: Picture) -> NDArray[np.float32]:
    grey = cv2.cvtColor(appearance, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in _BAND)
    return np.asarray(fine - coarse, np.float32)
