"""How a face moves from frame to frame, told by the pictures themselves.

Landmarks are right on average, but each look at a face errs by half a percent of the distance between the eyes and more. Two
pictures of the same upper face can be laid over one another twenty times as exactly: corners are picked in one (Shi and
Tomasi, 1994), found again in the other (Lucas and Kanade, 1981, from coarse to fine as by Bouguet, 2000), and the similarity
that most of them agree on (Fischler and Bolles, 1981) is the motion. Eyes, which blink and wander, and the mouth take no part.

A frame is compared with an earlier one, its reference, as long as both show the same, so that errors do not add up frame by
frame (keyframes, as of Klein and Murray, 2007). Matrices are float64 [2, 3] and map (x, y, 1) to (x, y) in pixel-centre
coordinates.
"""

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Final, NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.faces.align import Frame, Matrix, Picture, Points, invert, pose_of, preview_crop

# The part of the template that is compared, from brow to nose and temple to temple, and its eyes: centres and half axes.
_LEFT, _TOP, _RIGHT, _BOTTOM = 40, 60, 380, 256
_EYES: Final = ((128, 160), (290, 160))
_EYE: Final = (52, 32)
_SCALE: Final = 0.45
_SIZE: Final = (round((_RIGHT - _LEFT) * _SCALE), round((_BOTTOM - _TOP) * _SCALE))

_CORNERS: Final = 60
_QUALITY: Final = 0.01  # of the best corner's, from which on there is one
_APART: Final = 4  # pixels between corners
_WINDOW: Final = (15, 15)  # around a corner, that is found again
_LEVELS: Final = 2  # halvings: what moved by up to a quarter of the picture is found
_STOP: Final = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.02)
_WITH_OTHERS: Final = 0.7  # pixels within which a corner moved as the others did
_FEWEST: Final = 10  # corners that must agree,
_LEAST: Final = 0.2  # and which part of them,
_SAME: Final = 0.7  # and from which part on both pictures show the same
_TRUE: Final = 0.08  # of the distance between the eyes, by which landmarks may err


@dataclass(frozen=True, eq=False)
class UpperFace:
    """The upper face in one frame.

    Attributes:
        picture: uint8 [88, 153], grey.
        matrix: float64 [2, 3], frame to picture.
    """

    picture: Picture
    matrix: Matrix

    @classmethod
    def cut(cls, frame: Frame, anchors: Points) -> Self:
        """Around brows and nose, float64 [3, 2]."""
        matrix = pose_of(anchors[None]).similarities()[0]
        matrix[:, 2] -= (_LEFT, _TOP)
        matrix *= _SCALE
        seen = preview_crop(frame, matrix, _SIZE)
        eight = seen if seen.dtype == np.uint8 else (seen >> 8).astype(np.uint8)
        return cls(cv2.cvtColor(eight, cv2.COLOR_RGB2GRAY), matrix)

    @cached_property
    def corners(self) -> NDArray[np.float32]:
        """What can be found again, float32 [C, 1, 2] in pixels of the picture."""
        found = cv2.goodFeaturesToTrack(self.picture, _CORNERS, _QUALITY, _APART, mask=_without_eyes())
        return np.empty((0, 1, 2), np.float32) if found is None else np.asarray(found, np.float32)


class Moved(NamedTuple):
    """A motion: from one frame to another, and the part of the corners that moved so."""

    matrix: Matrix
    share: float


def motion_between(one: UpperFace, other: UpperFace) -> Moved | None:
    """How the face moved between two frames; None where the pictures do not tell."""
    corners = one.corners
    if len(corners) < _FEWEST:
        return None
    again, found, _ = cv2.calcOpticalFlowPyrLK(
        one.picture, other.picture, corners, np.empty_like(corners), winSize=_WINDOW, maxLevel=_LEVELS, criteria=_STOP
    )
    kept = np.asarray(found).ravel() > 0
    if kept.sum() < _FEWEST:
        return None
    before, after = _in_frame(corners[kept], one), _in_frame(np.asarray(again)[kept], other)
    pixel = 1 / np.hypot(*other.matrix[:, 0])  # of the picture, in the frame
    origin = before.mean(axis=0)
    affine, agreeing = cv2.estimateAffinePartial2D(before - origin, after, ransacReprojThreshold=_WITH_OTHERS * pixel)
    share = 0.0 if affine is None else int(np.sum(agreeing)) / len(corners)
    if share < max(_LEAST, _FEWEST / len(corners)):
        return None
    matrix = np.array(affine, np.float64)
    matrix[:, 2] -= matrix[:, :2] @ origin
    return Moved(matrix, share)


@cache
def _without_eyes() -> NDArray[np.uint8]:
    mask = np.full(_SIZE[::-1], 255, np.uint8)
    for x, y in _EYES:
        centre = (round((x - _LEFT) * _SCALE), round((y - _TOP) * _SCALE))
        cv2.ellipse(mask, centre, (round(_EYE[0] * _SCALE), round(_EYE[1] * _SCALE)), 0, 0, 360, 0, -1)
    return mask


def _in_frame(corners: NDArray[Any], face: UpperFace) -> Points:
    back = invert(face.matrix)
    return corners.reshape(-1, 2).astype(np.float64) @ back[:, :2].T + back[:, 2]


@dataclass(frozen=True, eq=False)
class Motion:
    """How a face moved through V consecutive frames.

    Attributes:
        steps: float64 [V, 2, 3], from the frame before to each; NaN where no picture tells, as in the first.
        references: int64 [V], the frame with which each was compared; frames with the same one show the same face.
    """

    steps: Matrix
    references: NDArray[np.int64]

    def carried(self) -> Matrix:
        """From the first frame to each, float64 [V, 3, 3]; where no picture tells, the face stays."""
        whole = np.concatenate([self.steps, np.broadcast_to([[0.0, 0.0, 1.0]], (len(self.steps), 1, 3))], axis=1)
        whole[0] = np.eye(3)
        whole[np.isnan(whole).any(axis=(1, 2))] = np.eye(3)
        for frame in range(1, len(whole)):
            whole[frame] = whole[frame] @ whole[frame - 1]
        return whole


class _Shown(NamedTuple):
    """A frame's picture, where brows and nose are in it, and the motion from the reference's frame to it."""

    frame: int
    picture: UpperFace
    anchors: Points
    moved: Matrix


@dataclass(eq=False)
class FaceMotion:
    """Gathers the motion of one face while it is followed; two small pictures are kept, and numbers."""

    _steps: dict[int, tuple[Matrix, int]] = field(default_factory=dict)  # and the frame of the reference
    _reference: _Shown | None = None
    _last: _Shown | None = None
    _observed: tuple[int, Points] | None = None

    def follow(self, frame: int, picture: Frame, anchors: Points | None = None) -> bool:
        """Compare a frame with those before.

        Args:
            frame: its number.
            picture: all of it.
            anchors: brows and nose, float64 [3, 2], if landmarks were looked for; else they are near where they were.

        Returns:
            Whether it tells how the face moved since the frame before.
        """
        if frame in self._steps:
            return True
        last, reference = self._last, self._reference
        if last is None or reference is None or last.frame != frame - 1:
            return False
        shown = UpperFace.cut(picture, last.anchors if anchors is None else anchors)
        found = motion_between(reference.picture, shown)
        if (found is None or found.share < _SAME) and reference is not last:
            last = reference = last._replace(moved=_STILL)
            found = motion_between(reference.picture, shown)
        if found is None:
            return False
        self._steps[frame] = _after(found.matrix, invert(last.moved)), reference.frame
        self._reference = reference
        self._last = _Shown(frame, shown, _moved(found.matrix, reference.anchors), found.matrix)
        return True

    def see(self, frame: int, picture: Frame, anchors: Points) -> None:
        """Take note of landmarks: where the pictures tell something else, or nothing, they are compared anew from here on."""
        if not self.follow(frame, picture, anchors) or not self.leads_to(frame, anchors, _TRUE):
            self._steps = {known: step for known, step in self._steps.items() if known < frame}
            self._reference = self._last = _Shown(frame, UpperFace.cut(picture, anchors), anchors, _STILL)
        self._observed = frame, anchors

    def leads_to(self, frame: int, anchors: Points, within: float) -> bool:
        """Whether a face is where the last landmarks and the motion since lead, to that part of its eyes' distance."""
        if self._observed is None:
            return False
        at, expected = self._observed
        for later in range(at + 1, frame + 1):
            if later not in self._steps:
                return False
            expected = _moved(self._steps[later][0], expected)
        return bool(np.abs(anchors - expected).max() <= within * pose_of(anchors[None]).eyes[0])

    def through(self, start: int, end: int) -> Motion:
        """The motion through the frames from ``start`` to before ``end``."""
        unknown = np.full((2, 3), np.nan)
        steps, references = zip(*(self._steps.get(frame, (unknown, frame)) for frame in range(start, end)), strict=True)
        return Motion(np.stack(steps), np.array(references))


_STILL: Final = np.eye(3)[:2]


def _moved(matrix: Matrix, points: Points) -> Points:
    return points @ matrix[:, :2].T + matrix[:, 2]


def _after(second: Matrix, first: Matrix) -> Matrix:
    """One motion after another."""
    return np.column_stack([second[:, :2] @ first[:, :2], _moved(second, first[:, 2])])
