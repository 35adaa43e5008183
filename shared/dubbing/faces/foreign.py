"""What lies over a face and is none: burnt-in captions, logos, objects in strong colours.

A colour is a face's own when the upper face or the lips have one like it: skin, brows, eyes, lips, and so beards too. Where the
lips should be, only colours count that lips, teeth and their shadows have: a caption over them is none of the face's own.

A plain banner may have a face's colours, and is known by its shape: in its rows one colour goes from one edge of the crop to
the other, through background, cheeks and lips.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_propagation
from scipy.spatial.distance import cdist

from dubbing.faces.align import Picture, Points
from dubbing.faces.outline import CHIN, JAW, LIPS, MOUTH_CORNERS, NOSTRILS

_SIDE: Final = 32
_BLUR: Final = 0.6
_TOP: Final = 0.12  # of the crop's height: the brows, above which hair and hats begin
_MIDDLE: Final = 0.7  # of the jaw's width in which the upper face surely is a face
_APART: Final = 28.0  # CIE 1976 colour difference from everything in a face from which on a colour is not of it
_FAR_APART: Final = 40.0  # and from which on it is not of a neck or of clothes either, as far as 40 clips show them
_GREENER: Final = 20.0  # a* by which no lips, teeth or shadows lie below the skin: drawn and filmed ones stay within 11
_BLUER: Final = 35.0  # and b* by which they lie neither below nor above it: those within 23
_LEAST: Final = 0.01  # of the crop's area below which it is a highlight or an error of the codec
_PLAIN: Final = 4.0  # colour difference within which a row is of one colour,
_ACROSS: Final = 0.9  # part of a row that is, and
_BANNER: Final = 0.25  # of the rows from nose to chin; at most 0.18 in a drawn cartoon, none in 50 filmed clips
_DARKEST: Final = 16.0  # L* below which everything is of one colour
_AROUND: Final = 4  # cells beside the mouth in which a caption below it is in a student's way


def foreign(crop: Picture, outline: Points, where: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where a paste would lie over something that is no face: 0 to 1, float32 [n, n].

    Args:
        crop: the filmed crop, uint8 or uint16 [n, n, 3].
        outline: the face's, in pixels of the crop (`outline.in_crop`).
        where: how far the paste may show, 0 to 1, float32 [n, n] (`outline.limit`).
    """
    size = len(crop)
    points = outline * (_SIDE / size)
    pasted = (cv2.resize(where, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) > 0) & (_rows() > points[NOSTRILS, 1].mean())
    found = np.zeros((_SIDE, _SIDE), np.uint8)
    found[pasted] = _strangeness(crop, points, pasted) > _APART
    if found.sum() < _LEAST * _SIDE * _SIDE:
        return np.zeros((size, size), np.float32)
    spread = cv2.GaussianBlur(cv2.dilate(found, np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 0.7)
    return np.asarray(cv2.resize(spread, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def foreign_mouth(crop: Picture, outline: Points) -> float:
    """Share of the lips and the chin that something lies over which is no face; arguments as for `foreign`."""
    points = outline * (_SIDE / len(crop))
    left, right = (points[corner, 0] for corner in MOUTH_CORNERS)
    columns = np.arange(_SIDE)[None]
    mouth = (columns > left) & (columns < right) & (_rows() > points[NOSTRILS, 1].mean()) & (_rows() < points[CHIN, 1])
    strange = float((_strangeness(crop, points, mouth) > _FAR_APART).mean()) if mouth.any() else 0.0
    return max(strange, _banner(crop, points))


def cleared(crop: Picture, outline: Points) -> Picture:
    """The crop as a student should see it: a caption at the chin is filled up with what is around it.

    Without that, a student continues the caption into the chin, or draws pieces of something else there. It stays in the
    picture all the same (`foreign`). What goes on from there to the crop's edges goes with it.
    """
    points = outline * (_SIDE / len(crop))
    (left, right), lips = (points[list(MOUTH_CORNERS), 0]), points[LIPS, 1].max()
    columns, below = np.arange(_SIDE), np.broadcast_to(_rows() > lips, (_SIDE, _SIDE))
    found = np.zeros((_SIDE, _SIDE), bool)
    found[below] = _strangeness(crop, points, below) > _FAR_APART
    in_the_way = found & (columns > left - _AROUND) & (columns < right + _AROUND)
    if in_the_way.sum() < _LEAST * _SIDE * _SIDE:
        return crop
    whole = binary_propagation(in_the_way, mask=found).astype(np.uint8)
    mask = cv2.resize(cv2.dilate(whole, np.ones((3, 3), np.uint8)), crop.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.inpaint(crop, mask, 3, cv2.INPAINT_TELEA))


def _banner(crop: Picture, points: Points) -> float:
    """Share of the rows from nose to chin that a plain banner takes; 0 where it takes few."""
    rows = (_rows()[:, 0] > points[NOSTRILS, 1].mean()) & (_rows()[:, 0] < points[CHIN, 1])
    colours = _small(crop)[rows]
    if not len(colours):
        return 0.0
    middle = np.median(colours, axis=1, keepdims=True)
    alike = (np.sqrt(((colours - middle) ** 2).sum(axis=2)) < _PLAIN).mean(axis=1)
    share = float(((alike >= _ACROSS) & (middle[:, 0, 0] > _DARKEST)).mean())
    return share if share > _BANNER else 0.0


def _small(crop: Picture) -> NDArray[np.float32]:
    """L*a*b* (CIE 1976) of the crop made small, float32 [_SIDE, _SIDE, 3]."""
    small = cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / np.iinfo(crop.dtype).max
    return np.asarray(cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), _BLUR), cv2.COLOR_RGB2LAB), np.float32)


def _strangeness(crop: Picture, points: Points, where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How far the colours at ``where`` are from the face's nearest own one, float32 [.]; 0 where no face is seen."""
    colours = _small(crop)
    upper = _upper(points)
    if not upper.any():
        return np.zeros(int(where.sum()), np.float32)
    own = colours[upper | (_filled(points[LIPS]) & _like_lips(colours, upper))][::3]
    return np.asarray(cdist(colours[where], own).min(axis=1), np.float32)


def _like_lips(colours: NDArray[np.float32], skin: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where colours, L*a*b* [_SIDE, _SIDE, 3], can be those of a mouth in that skin; lipstick may be as red as it likes."""
    redder, yellower = np.moveaxis(colours[..., 1:] - np.median(colours[skin], axis=0)[1:], -1, 0)
    return np.asarray((redder > -_GREENER) & (np.abs(yellower) < _BLUER))


def _upper(points: Points) -> NDArray[np.bool_]:
    """The middle of the face from the brows to the nose's wings."""
    left, right = points[JAW, 0].min(), points[JAW, 0].max()
    between = (_rows() > _TOP * _SIDE) & (_rows() < points[NOSTRILS, 1].mean())
    return np.asarray(between & (np.abs(np.arange(_SIDE)[None] - (left + right) / 2) < (right - left) / 2 * _MIDDLE))


def _rows() -> NDArray[np.intp]:
    return np.arange(_SIDE)[:, None]


def _filled(points: Points) -> NDArray[np.bool_]:
    plane = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.fillConvexPoly(plane, cv2.convexHull(points.astype(np.float32)).round().astype(np.int32), 1)
    return plane > 0
