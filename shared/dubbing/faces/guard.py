"""Whether a painted mouth is broken: blocks, foreign colours, another face's skin, a mouth where there is none.

A repainted frame is compared with the filmed one inside the aligned crop. A mouth that speaks changes lips, teeth and chin; it
does not change the skin beside them much, brings no colour that no face has, and is neither rougher nor smoother than what was
filmed. What only a second witness sees, landmarks that have to guess where the new mouth is, is one sign more. Nothing here
knows how the mouth was made, so it judges anybody's: a job's stitcher and `dubline verify` have one measure and one set of
limits. A job asks the second witness in fewer frames (`Signs.unsure`), and sees its mouths before an encoder does: there
every single frame counts, and decides what is not painted.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from dubbing.domain.findings import Finding, FindingCode, FrameRange, frame_ranges
from dubbing.domain.timecode import to_timecode
from dubbing.faces import landmarks as marks
from dubbing.faces.align import Matrix, Picture, Points, invert
from dubbing.faces.composite import JUDGED_SIDE as SIDE
from dubbing.faces.outline import JAW, LIPS, NOSTRILS

_BLUR: Final = 1.5  # pixels; grain is not judged
_MIDDLE: Final = 0.7  # of the jaw's width in which the upper face surely is a face
_TOP: Final = 0.12  # of the crop's height: the brows
_BESIDE: Final = 2  # pixels around the lips that move with them
_STRANGER: Final = 14.0  # chroma (CIE 1976) by which a colour lies beyond those of the face
_NEWLY: Final = 8.0  # and beyond what was filmed there
_NAMED: Final = 3  # ranges that are named in a sentence; all are listed beside it
_EVEN: Final = 1.0  # roughness that the smoothest skin has
_OTHER: Final = 15.0  # colour difference from which on skin has become something else

# What each sign may reach: half as much again as the worst of 2,400 sound frames.
_MOST_STRANGE: Final = 0.02
_MOST_CHANGED: Final = 0.16
_MOST_APART: Final = 7.0
_MOST_ROUGHER: Final = 0.5
_MOST_SMOOTHER: Final = 0.4
_MOST_UNSURE: Final = 0.027

_LARGE: Final = 30.0  # pixels between the eyes, and
_LIT: Final = 60.0  # mean code value (8 bit) of a face, below which landmarks are uncertain anyway
_REMADE: Final = 0.7  # correlation of brightness within the lips from which on a mouth is still the filmed one
_NEAR: Final = 9  # frames among which a smooth mouth has to be usual, and
_ASKED: Final = 3  # sightings of the second witness among which being unsure has to be


class Signs(NamedTuple):
    """Signs of a broken mouth in one frame.

    Attributes:
        strange: share of the lower face that took a colour that no part of the face has.
        changed: share of the skin beside the mouth that became something else.
        apart: mean colour difference there (CIE 1976).
        rough: roughness there, over what it was.
        unsure: by how much more landmarks have to guess this mouth than the filmed one (`mouth_occlusion.doubt`), in
            distances between the eyes, where they can be trusted (`trust`); NaN where nobody asked.
    """

    strange: float
    changed: float
    apart: float
    rough: float
    unsure: float = float("nan")

    @property
    def worst(self) -> float:
        """The worst sign over what it may reach: more than 1 is doubtful, more than `BROKEN` is broken."""
        rougher, smoother = self.rough - 1, 1 - self.rough
        return max(
            self.strange / _MOST_STRANGE,
            self.changed / _MOST_CHANGED,
            self.apart / _MOST_APART,
            rougher / _MOST_ROUGHER,
            smoother / _MOST_SMOOTHER,
            0.0 if np.isnan(self.unsure) else self.unsure / _MOST_UNSURE,
        )


BROKEN: Final = 1.5
SOUND: Final = Signs(0.0, 0.0, 0.0, 1.0)


def shown(matrix: Matrix, size: int, picture: tuple[int, int]) -> NDArray[np.bool_]:
    """Where a crop shows the picture and not what stands for something outside it, bool [64, 64].

    Args:
        matrix: float64 [2, 3], frame to crop.
        size: side of the crop.
        picture: the frame's width and height.
    """
    scale = size / SIDE
    x, y = np.meshgrid(*[(np.arange(SIDE) + 0.5) * scale - 0.5] * 2)
    places = np.stack([x, y, np.ones_like(x)], axis=-1) @ invert(matrix).T
    return np.asarray(((places > -1) & (places < picture)).all(axis=-1))


def judge(before: Picture, after: Picture, outline: Points, inside: NDArray[np.bool_] | None = None) -> Signs:
    """The signs in one frame.

    Args:
        before: the filmed crop, uint8 or uint16 [64, 64, 3].
        after: the same crop of what is delivered, of the same type.
        outline: the filmed face's, in pixels of the crop.
        inside: bool [64, 64], what is judged; None for all.
    """
    lower, skin = _zones(outline)
    if inside is not None:
        lower, skin = lower & inside, skin & inside
    if not skin.any():
        return SOUND
    (filmed, coarse), (made, painted) = (_lab(picture) for picture in (before, after))
    apart = np.sqrt(((coarse - painted) ** 2).sum(axis=2))[skin]
    return Signs(
        strange=float(_strange(coarse, painted, outline)[lower].mean()),
        changed=float((apart > _OTHER).mean()),
        apart=float(apart.mean()),
        rough=float((_roughness(made)[skin].mean() + _EVEN) / (_roughness(filmed)[skin].mean() + _EVEN)),
    )


def remade(before: Picture, after: Picture, outline: Points) -> bool:
    """Whether the lips became others at all; of those that did not, no witness needs to be asked. Arguments as for `judge`."""
    lips = cv2.dilate(_filled(outline[LIPS]), np.ones((3, 3), np.uint8)) > 0
    old, new = (_lab(picture)[1][..., 0][lips] for picture in (before, after))
    spread = float(old.std() * new.std()) if lips.any() else 0.0
    return spread == 0 or float(((old - old.mean()) * (new - new.mean())).mean()) < _REMADE * spread


def trust(picture: Picture, landmarks: marks.Points, block: int = 1) -> float:
    """How far a mouth's landmarks can be trusted, up to 1: less in small, in dark and in cut faces.

    Args:
        picture: uint8 [H, W, 3], the face's surroundings as far as the frame shows them.
        landmarks: in pixels of ``picture``.
        block: pixels of the frame that one of ``picture`` stands for, in each direction.
    """
    box, size = marks.bounding_box(landmarks), np.array(picture.shape[1::-1])
    (left, top), (right, bottom) = np.clip(box[:2], 0, size - 1).astype(int), np.clip(np.ceil(box[2:]), 1, size).astype(int)
    seen = float(((landmarks > -1) & (landmarks < size)).all(axis=1).mean())
    light = float(picture[top : max(bottom, top + 1), left : max(right, left + 1)].mean())
    # Squared: of fewer pixels more is guessed, and each of them is a larger part of the distance that doubt is measured in.
    large = (float(marks.eye_distance(landmarks)) * block / _LARGE) ** 2
    return min(large, light / _LIT, 1.0) * seen


def settled(signs: Mapping[int, Signs]) -> dict[int, float]:
    """The doubtful frames of one track, and how bad they look (`Signs.worst`), from 1 on.

    A smooth mouth is one over some time: what an encoder left of a single frame's grain is chance. So are landmarks; between
    frames in which nobody asked them, straight lines stand.

    Args:
        signs: of the track's frames, in their order.
    """
    if not signs:
        return {}
    usual_V = median_filter(np.array([one.rough for one in signs.values()]), _NEAR, mode="nearest")
    asked_V = np.array([one.unsure for one in signs.values()])
    at = np.flatnonzero(np.isfinite(asked_V))
    unsure_V = np.zeros(len(asked_V))
    if len(at):
        unsure_V = np.interp(np.arange(len(asked_V)), at, median_filter(asked_V[at], _ASKED, mode="constant"))
    worst = {
        frame: max(
            one._replace(rough=max(one.rough, usual), unsure=unsure).worst, one._replace(rough=usual, unsure=unsure).worst
        )
        for (frame, one), usual, unsure in zip(signs.items(), usual_V.tolist(), unsure_V.tolist(), strict=True)
    }
    return {frame: bad for frame, bad in worst.items() if bad > 1}


def broken_mouths(broken: Mapping[int, float], doubtful: Mapping[int, float], fps: Fraction) -> Iterator[Finding]:
    """What is told of them, in ranges, the worst first.

    Args:
        broken: frames that pass through because of it, and how bad they looked (`Signs.worst`).
        doubtful: frames that are painted all the same.
        fps: the picture's frame rate, for time codes.
    """
    for code, frames, sentence in (
        (
            FindingCode.MOUTH_BROKEN,
            broken,
            "The mouth came out broken in {n} of the frames; they pass through unchanged",
        ),
        (FindingCode.MOUTH_DOUBTFUL, doubtful, "The mouth looks doubtful in {n} of the frames; look at them"),
    ):
        if frames:
            ranges, times = ranked(frames, fps)
            yield Finding(code=code, detail=f"{sentence.format(n=len(frames))} (worst first: {times}).", frames=ranges)


def ranked(frames: Mapping[int, float], fps: Fraction) -> tuple[tuple[FrameRange, ...], str]:
    """Frames and how bad they are as ranges, the worst first, and the time codes of the first few for a sentence."""
    ranges = _worst_first(frames)
    more = f" and {len(ranges) - _NAMED} more" if len(ranges) > _NAMED else ""
    return ranges, ", ".join(_shown(part, fps) for part in ranges[:_NAMED]) + more


def _worst_first(frames: Mapping[int, float]) -> tuple[FrameRange, ...]:
    def worst(part: FrameRange) -> float:
        return max(frames[i] for i in range(part.start, part.end))

    return tuple(sorted(frame_ranges(frames), key=worst, reverse=True))


def _shown(part: FrameRange, fps: Fraction) -> str:
    first, last = to_timecode(part.start, fps), to_timecode(part.end - 1, fps)
    return first if len(part) == 1 else f"{first} to {last}"


def _lab(picture: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """CIE L*a*b* (1976) float32 [64, 64, 3], as it is and blurred."""
    colours = cv2.cvtColor(picture.astype(np.float32) / np.iinfo(picture.dtype).max, cv2.COLOR_RGB2LAB)
    return np.asarray(colours, np.float32), np.asarray(cv2.GaussianBlur(colours, (0, 0), _BLUR), np.float32)


def _zones(outline: Points) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The lower face, and its skin without the mouth."""
    below = np.arange(SIDE)[:, None] > outline[NOSTRILS, 1].mean()
    lower = (_filled(outline[JAW]) > 0) & below
    lips = cv2.dilate(_filled(outline[LIPS]), np.ones((2 * _BESIDE + 1, 2 * _BESIDE + 1), np.uint8)) > 0
    return lower, lower & ~lips


def _strange(filmed: NDArray[np.float32], made: NDArray[np.float32], outline: Points) -> NDArray[np.bool_]:
    """Where a colour has come that lies beyond those of the face: further from its skin than what was there and what it has."""
    left, right = outline[JAW, 0].min(), outline[JAW, 0].max()
    rows, columns = np.arange(SIDE)[:, None], np.arange(SIDE)[None]
    upper = (rows > _TOP * SIDE) & (rows < outline[NOSTRILS, 1].mean())
    upper = upper & (np.abs(columns - (left + right) / 2) < (right - left) / 2 * _MIDDLE)
    if not upper.any():
        return np.zeros((SIDE, SIDE), bool)
    skin = np.median(filmed[upper], axis=0)[1:]
    was, now = (np.hypot(*np.moveaxis(picture[..., 1:] - skin, -1, 0)) for picture in (filmed, made))
    own = float(np.percentile(was[upper], 90))
    return np.asarray((now > own + _STRANGER) & (now > cv2.dilate(was, np.ones((5, 5), np.uint8)) + _NEWLY))


def _roughness(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.abs(cv2.Laplacian(np.ascontiguousarray(picture[..., 0]), cv2.CV_32F))


def _filled(points: Points) -> NDArray[np.uint8]:
    plane = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(plane, cv2.convexHull(points.astype(np.float32)).round().astype(np.int32), 1)
    return plane
