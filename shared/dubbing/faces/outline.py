"""Where a face ends: the outlines that limit what is pasted, and how they are kept.

An outline is float64 [..., 35, 2]: jaw from ear to ear, outer lips, and the nose's wings. At rest it is kept in units of the
crop that the frame's own brows and nose would give (0 to 1 inside), so that it moves with them.
"""

import base64
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.faces import landmarks as marks
from dubbing.faces.align import TEMPLATE_HEIGHT, TEMPLATE_WIDTH, Matrix, Points, crop_transform, invert
from dubbing.faces.distance import depth

_JAW: Final = (454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234)
_LIPS: Final = (61, 91, 84, 17, 314, 321, 291, 270, 267, 0, 37, 40)
POINTS: Final = (*_JAW, *_LIPS, *marks.NOSTRILS)
JAW: Final = slice(0, len(_JAW))
LIPS: Final = slice(len(_JAW), len(_JAW) + len(_LIPS))
NOSTRILS: Final = slice(len(_JAW) + len(_LIPS), len(POINTS))
CHIN: Final = POINTS.index(152)
MOUTH_CORNERS: Final = (POINTS.index(61), POINTS.index(291))
EYES: Final = 0.38  # of the crop's width: the distance between the eyes of a face that the template fits

_SPAN: Final = 3.0  # units that the kept numbers span, from -1: a point outside lies where no paste reaches

# The limit is drawn in the template's proportions, where a distance is one in every direction.
_WIDTH: Final = 96
_HEIGHT: Final = _WIDTH * TEMPLATE_HEIGHT // TEMPLATE_WIDTH
_FEATHER: Final = 0.12  # of that distance, inwards from the edge
_CHIN: Final = 0.1  # of it, by which the edge lies below the lowest chin: the new one is drawn whole
_WIDEST: Final = 1.4  # times the filmed length from nose to chin, below which no chin is believed: generated ones reach 1.27


def outline_of(landmarks: marks.Points) -> Points:
    """The outline of a face in its own units, float64 [35, 2], from landmarks in a frame."""
    matrix = crop_transform(marks.anchors(landmarks), 1)
    return landmarks[list(POINTS)] @ matrix[:, :2].T + matrix[:, 2]


def lips_outside(landmarks: marks.Points, picture: tuple[int, int]) -> float:
    """Share of a mouth's area that the picture's edge cuts off.

    Args:
        landmarks: in pixels of the picture; outside it, a landmark model guesses them.
        picture: its width and height.
    """
    lips = cv2.convexHull(landmarks[list(_LIPS)].astype(np.float32))
    edges = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * picture - 0.5
    seen, _ = cv2.intersectConvexConvex(lips, edges.astype(np.float32))
    area = cv2.contourArea(lips)
    return (area - float(seen)) / max(area, 1e-6)


def scaled(outline: Points, size: int) -> Points:
    """An outline in its own units as it lies in the very crop of that size that its own brows and nose give."""
    return (outline + 0.5) * size - 0.5


def in_crop(outline: Points, anchors: Points, matrix: Matrix) -> Points:
    """An outline in its own units as it lies in the crop that ``matrix`` cuts out of the frame with these ``anchors``."""
    back = invert(crop_transform(anchors, 1))
    return (outline @ back[:, :2].T + back[:, 2]) @ matrix[:, :2].T + matrix[:, 2]


def pack(outlines_V: Points) -> str:
    """Outlines in their own units, [V, 35, 2], as text: base64 of little-endian uint16, a twenty-thousandth of a crop each."""
    codes = np.clip((outlines_V + 1) / _SPAN * 0xFFFF, 0, 0xFFFF).round().astype("<u2")
    return base64.b64encode(codes.tobytes()).decode()


def unpack(text: str) -> NDArray[np.float64]:
    """The outlines that `pack` wrote, float64 [V, 35, 2]."""
    codes = np.frombuffer(base64.b64decode(text), "<u2").reshape(-1, len(POINTS), 2)
    return codes.astype(np.float64) / 0xFFFF * _SPAN - 1


def crop_outlines(text: str, anchors_V: Points, matrices_V: Matrix) -> Points | None:
    """A track's packed outlines in its crops, float64 [V, 35, 2]; None where an older analysis did not keep them.

    Args:
        text: what `pack` wrote.
        anchors_V: float64 [V, 3, 2], the track's.
        matrices_V: float64 [V, 2, 3], frame to crop.
    """
    if not text:
        return None
    return np.stack([in_crop(*row) for row in zip(unpack(text), anchors_V, matrices_V, strict=True)])


def limit(filmed: Points, made: Sequence[Points], size: int) -> NDArray[np.float32]:
    """How far a paste may show, 0 to 1, float32 [size, size].

    1 inside the filmed outline and 0 outside, feathered inwards. The jaw, which moves, is opened first (`_opened`).

    Args:
        filmed: the source's outline, in pixels of the crop of that size.
        made: those of what was generated.
        size: side of the crop.
    """
    scale = np.array([_WIDTH, _HEIGHT]) / size
    jaw = np.concatenate([filmed[JAW] * scale, _opened(filmed * scale, [outline * scale for outline in made])])
    inside = np.zeros((_HEIGHT, _WIDTH), np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(jaw.astype(np.float32)).round().astype(np.int32), 1)
    rise = np.clip((depth(inside) - depth(1 - inside)) / (EYES * _WIDTH * _FEATHER), 0, 1)
    opacity = (rise * rise * (3 - 2 * rise)).astype(np.float32)
    return np.asarray(cv2.resize(opacity, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def _opened(filmed: Points, made: Sequence[Points]) -> Points:
    """The filmed jaw, float64 [21, 2], opened to below the lowest generated chin; all in pixels of the limit's picture.

    Of what was generated only the height of the chin counts: a student that shows a turned head from the front draws a cheek
    where the wall is.
    """
    jaw, nose, chin = filmed[JAW].copy(), filmed[NOSTRILS, 1].mean(), filmed[CHIN, 1]
    length = max(float(chin - nose), 1.0)
    lowest = min(max([chin, *(outline[CHIN, 1] for outline in made)]), nose + _WIDEST * length)
    jaw[:, 1] += np.maximum(jaw[:, 1] - nose, 0) * max(lowest + _CHIN * EYES * _WIDTH - chin, 0) / length
    return jaw
