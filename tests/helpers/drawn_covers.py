"""Things that code draws over the mouths of drawn speakers: a hand that hand detectors know for one, and plain banners."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from drawn import HEIGHT, WIDTH, Picture, Speaker
from numpy.typing import NDArray

from synthetic.renderer import HeadPose

Plane = NDArray[np.float32]
Cover = Callable[[Picture, Speaker, HeadPose, float], Picture]

# Palm, arm, four fingers and a thumb: from where to where, and how thick, in distances between the eyes from the mouth.
_LIMBS = (
    ((-0.05, 1.05), (-0.05, 1.06), 0.5),
    ((-0.05, 1.05), (-0.02, 4.35), 0.34),
    ((-0.42, 0.75), (-0.62, 0.13), 0.105),
    ((-0.16, 0.63), (-0.22, -0.25), 0.115),
    ((0.08, 0.6), (0.1, -0.37), 0.12),
    ((0.32, 0.67), (0.42, -0.23), 0.11),
    ((-0.4, 1.25), (-0.98, 0.8), 0.13),
)
_JOINTS = (0.38, 0.7)  # of a limb's length, where a crease crosses it
_DOWN = 2.2  # distances between the eyes by which a hand that is away lies lower


class _Hand(NamedTuple):
    """Light and opacity [h, w], and where the mouth is in them."""

    light: Plane
    opacity: Plane
    mouth: tuple[int, int]


@cache
def _hand(eyes: int) -> _Hand:
    side, mouth = int(4.4 * eyes), (int(2.2 * eyes), int(0.8 * eyes))
    y, x = np.mgrid[:side, :side].astype(np.float32)
    x, y = (x - mouth[0]) / eyes, (y - mouth[1]) / eyes
    light, opacity = np.zeros_like(x), np.zeros_like(x)
    for (left, top), (right, bottom), thick in _LIMBS:
        across, down = right - left, bottom - top
        along = np.clip(((x - left) * across + (y - top) * down) / (across**2 + down**2), 0, 1)
        radius = thick * (1 - 0.12 * along)
        off = np.hypot(x - left - along * across, y - top - along * down)
        shade = 0.72 + 0.34 * np.sqrt(np.clip(1 - (off / radius) ** 2, 0, 1))
        crease = np.min([np.abs(along - joint) for joint in _JOINTS], axis=0) < 0.012
        limb = np.clip((radius - off) * eyes / 1.5 + 0.5, 0, 1)
        light = light * (1 - limb) + np.where(crease, 0.86 * shade, shade) * limb
        opacity = np.maximum(opacity, limb)
    return _Hand(light, opacity, mouth)


def hand(picture: Picture, one: Speaker, pose: HeadPose, there: float) -> Picture:
    """The speaker's own hand from below: away (0) to over the mouth (1)."""
    (x, y), eyes = one.lips(pose), one.eyes(pose)
    forehead = picture[int(y - 0.95 * eyes) : int(y - 0.8 * eyes), int(x - 0.25 * eyes) : int(x + 0.25 * eyes)]
    skin = np.median(forehead, axis=(0, 1))
    drawn = _hand(round(eyes))
    left, top = int(x) - drawn.mouth[0], int(y + (1 - there) * _DOWN * eyes) - drawn.mouth[1]
    rows, columns = (slice(max(0, at), min(end, at + len(drawn.light))) for at, end in ((top, HEIGHT), (left, WIDTH)))
    own = np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    shown, opacity = picture.copy(), drawn.opacity[own][..., None]
    mixed = picture[rows, columns] * (1 - opacity) + skin * drawn.light[own][..., None] * opacity
    shown[rows, columns] = np.clip(mixed, 0, 255)
    return shown


def banner(colour: tuple[int, int, int]) -> Cover:
    """A plain bar over lips and chin, from one edge of the picture to the other."""

    def cover(picture: Picture, one: Speaker, pose: HeadPose, there: float) -> Picture:
        del there
        y, eyes = one.lips(pose)[1], one.eyes(pose)
        shown = picture.copy()
        shown[int(y - 0.2 * eyes) : int(y + 0.45 * eyes)] = colour
        return shown

    return cover
