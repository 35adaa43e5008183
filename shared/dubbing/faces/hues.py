"""The hues of a face, and painted colours turned back into them.

A student that never saw a face like this one paints some of a mouth's shades violet. Shades in and around a mouth are lit by
skin, so they have the hues that the filmed face has where it is as light or as dark: those of its lips, its beard, the line
between its lips. What was painted in another hue is turned to the nearest of them. Lightness stays, and so nearly does
saturation: what has little colour, as teeth have, keeps what it has.

Colours are taken as square roots of linear light, which is near to what is coded, whatever the transfer function. Lightness is
their luma; a hue is the direction of (R - luma, B - luma), in radians from the face's mean. In coloured light, in which skin
is not between red and yellow, hues say nothing of the kind, and nothing is turned; nor in black and white.
"""

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.faces.align import Points
from dubbing.faces.outline import LIPS, NOSTRILS

Planes = NDArray[np.float32]

_SIDE: Final = 64  # of the picture in which hues are measured: grain and errors of subsampled chroma are averaged out
_INSIDE: Final = 0.3  # of a paste from which on a pixel is surely of the face
_LUMA: Final = (0.2126, 0.7152, 0.0722)
_DIFFERENCES: Final = np.array([(0, 0, 0), (1, 0, 0), (0, 0, 1)]) + np.outer((1, -1, -1), _LUMA)  # to luma, R - luma, B - luma
_LEVELS: Final = 16  # of lightness
_ANGLES: Final = 180
_ELSEWHERE: Final = 0.001  # of the whole face's hues that every lightness has, so that none has nothing to go by
_OWN: Final = 0.1  # part of a face's colours, on either side, whose hue is too rare to go by
_YELLOWER: Final = np.radians(20)  # by which teeth are yellower than skin
_LIPS: Final = 0.5  # what the lips, which are few, count in all, in parts of what the skin counts
_SKIN: Final = np.radians(-38)  # hue of usual skin from R - luma: filmed and drawn faces have -27 to -55
_LIKE_SKIN: Final = (np.radians(20), np.radians(30))  # from it: all is turned up to the one, nothing from the other on
_RED: Final = np.radians(-25)  # that every mouth may have: tongues are red between brown lips too
_PALE: Final = (0.08, 0.16)  # saturation in parts of luma: skin that is as grey as this says nothing, as coloured as that all


class Hues(NamedTuple):
    """The range of a face's hues.

    Attributes:
        turn: from roots of R, G and B to luma and two colour differences, in which the face's mean lies at half a circle:
            an angle between 0 and 2 pi less pi is the hue from the mean, between -pi and pi. float32 [3, 3].
        first: where the range begins for each of 256 levels of lightness, float32 [256], radians from the mean.
        last: where it ends, towards violet.
        trust: how far the light lets them count, 0 to 1.
    """

    turn: Planes
    first: Planes
    last: Planes
    trust: float

    def turned(self, made: Planes, how_far: Planes) -> Planes:
        """A picture in these hues.

        Args:
            made: linear light, float32 [n, n, 3].
            how_far: 0 as it is .. 1 in these hues, float32 [n, n].
        """
        luma, along, across = cv2.split(cv2.transform(cv2.sqrt(np.maximum(made, 0)), self.turn))
        saturation, hue = cv2.cartToPolar(along, across)
        hue -= np.float32(np.pi)
        level = np.clip(luma * 255, 0, 255).astype(np.uint8)
        first, last = cv2.LUT(level, self.first), cv2.LUT(level, self.last)
        outside = ((hue < first) | (hue > last)) & (how_far * self.trust > 0)
        if not outside.any():
            return made
        # Opposite the range both edges are equally far, and nothing is left of the colour: no hue turns suddenly into another.
        one, other = (np.pi - np.abs(np.abs(hue[outside] - edge[outside]) - np.pi) for edge in (first, last))
        edge, apart = np.where(one < other, first[outside], last[outside]), np.minimum(one, other)
        left = -saturation[outside] * np.sqrt(np.maximum(np.cos(apart), 0))
        new = np.stack([luma[outside], left * np.cos(edge), left * np.sin(edge)], axis=-1)
        turned = np.maximum(new @ np.linalg.inv(self.turn).T, 0)
        result = made.copy()
        result[outside] += (self.trust * how_far[outside])[:, None] * (turned**2 - made[outside])
        return result


def hues_of(filmed: Planes, outline: Points, where: Planes) -> Hues | None:
    """The hues of the lower face; None where it is grey, or lit in colour.

    Args:
        filmed: the crop in linear light, float32 [n, n, 3].
        outline: the face's, in pixels of the crop (`outline.in_crop`).
        where: how far a paste may show, 0 to 1, float32 [n, n] (`outline.limit`).
    """
    small, allowed = (cv2.resize(plane, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for plane in (filmed, where))
    points = outline * (_SIDE / len(filmed))
    face = (allowed > _INSIDE) & (np.arange(_SIDE)[:, None] > points[NOSTRILS, 1].mean())
    if not face.any():
        return None
    roots = np.sqrt(np.maximum(small[face], 0))
    skin, trust = _light(roots.mean(axis=0))
    if trust == 0:
        return None
    turn = _turn(skin)
    luma, along, across = turn @ roots.T
    saturation, hue = np.hypot(along, across), np.arctan2(across, along) % (2 * np.pi)
    levels = np.clip((luma * _LEVELS).astype(int), 0, _LEVELS - 1)
    angles = np.clip((hue / (2 * np.pi) * _ANGLES).astype(int), 0, _ANGLES - 1)
    counted = np.zeros((_LEVELS, _ANGLES), np.float32)
    np.add.at(counted, (levels, angles), saturation * _weights(points, face))
    first, last = _edges(counted)
    return Hues(turn, first, np.maximum(last, np.float32(_RED - skin)), trust)


def _light(mean: Planes) -> tuple[float, float]:
    """The hue of a face whose roots of light are ``mean`` [3] on average, radians from R - luma, and `Hues.trust`."""
    luma, red, blue = _DIFFERENCES @ mean
    skin = float(np.arctan2(blue, red))
    unlike = abs((skin - _SKIN + np.pi) % (2 * np.pi) - np.pi)
    coloured = float(np.interp(np.hypot(red, blue) / max(luma, 1e-6), _PALE, (0, 1)))
    return skin, coloured * float(np.interp(unlike, _LIKE_SKIN, (1, 0)))


def _weights(points: Points, face: NDArray[np.bool_]) -> Planes:
    """How much each pixel of the face counts."""
    plane = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.fillConvexPoly(plane, cv2.convexHull(points[LIPS].astype(np.float32)).round().astype(np.int32), 1)
    lips = plane[face] > 0
    return np.where(lips, max(1.0, _LIPS * (~lips).sum() / max(1, int(lips.sum()))), 1.0).astype(np.float32)


def _edges(counted: Planes) -> tuple[Planes, Planes]:
    """First and last hue for each of 256 levels of lightness, from how often each hue is seen at each level."""
    near = cv2.GaussianBlur(counted, (1, 0), sigmaX=0.01, sigmaY=1.0, borderType=cv2.BORDER_CONSTANT)
    near += _ELSEWHERE * counted.sum(axis=0)
    below = np.cumsum(near, axis=1) / near.sum(axis=1, keepdims=True)
    ends = (np.arange(_ANGLES) + 1) / _ANGLES * 2 * np.pi - np.pi
    edges = np.array([np.interp((_OWN, 1 - _OWN), row, ends) for row in below])
    levels, centres = np.arange(256) / 255, (np.arange(_LEVELS) + 0.5) / _LEVELS
    first, last = (np.interp(levels, centres, column).astype(np.float32) for column in edges.T)
    return first - np.float32(_YELLOWER), last


def _turn(mean: float) -> Planes:
    """`Hues.turn` for a face whose mean colour lies in that direction, in radians from R - luma."""
    cosine, sine = -np.cos(mean), -np.sin(mean)
    turn = np.array([(1, 0, 0), (0, cosine, sine), (0, -sine, cosine)]) @ _DIFFERENCES
    return np.asarray(turn, np.float32)
