"""Mouths measured in pictures: opening and width from landmarks, and how two such series agree.

Series are float64 [V]; frames without a face are NaN and left out of every comparison.

Legend: V video frames, L landmarks, H/W picture height and width, C colours.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.faces import landmarks as marks
from dubbing.faces.align import TEMPLATE_HEIGHT, TEMPLATE_WIDTH, Picture
from dubbing.faces.detector import Face, FaceDetector

Series = NDArray[np.float64]


@dataclass(frozen=True)
class MouthSeries:
    """Opening and width of the mouth over the distance of the eyes, [V] each; NaN where no face was found."""

    opening: Series
    width: Series

    @property
    def found(self) -> float:
        """Share of frames with a face."""
        return float(np.mean(~np.isnan(self.opening)))


def landmark_track(frames: Iterable[Picture], detector: FaceDetector) -> marks.Points:
    """Landmarks [V, L, 2] of the largest face, followed from frame to frame; NaN where none is seen."""
    follower = _Follower(detector)
    return np.array([follower.see(frame) for frame in frames])


def mouth_series(frames: Iterable[Picture], detector: FaceDetector, *, mirrored: bool = False) -> MouthSeries:
    """Measures the largest face of every frame (uint8 [H, W, 3] RGB), followed from frame to frame.

    ``mirrored`` frames are measured too, and the mean is taken; the landmarker's own noise is smaller then.
    """
    views = [_Follower(detector), _Follower(detector)] if mirrored else [_Follower(detector)]
    rows = []
    for frame in frames:
        seen = [view.see(np.ascontiguousarray(frame[:, ::-1]) if number else frame) for number, view in enumerate(views)]
        rows.append(np.mean([_mouth(points_L2) for points_L2 in seen], axis=0))
    opening, width = np.array(rows, np.float64).reshape(-1, 2).T
    return MouthSeries(opening, width)


def mouths_in(crops_VHWC: NDArray[np.uint8], detector: FaceDetector, *, mirrored: bool = False) -> MouthSeries:
    """Mouths of aligned crops uint8 [V, H, W, 3]; their stretch is undone, and they are framed, for the landmarker's sake."""
    height = max(280, crops_VHWC.shape[1])
    width, frame = height * TEMPLATE_WIDTH // TEMPLATE_HEIGHT, height // 4

    def framed(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        straight = cv2.resize(crop, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(cv2.copyMakeBorder(straight, frame, frame, frame, frame, cv2.BORDER_REPLICATE), np.uint8)

    return mouth_series(map(framed, crops_VHWC), detector, mirrored=mirrored)


class _Follower:
    """One face from frame to frame."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._face: Face | None = None

    def see(self, frame: Picture) -> marks.Points:
        """Its landmarks [L, 2], or NaN where no face is found."""
        face = next(iter(self._detector.follow(frame, [self._face])), None) if self._face else None
        self._face = face or next(iter(self._detector.find(frame)), None)
        return np.full((marks.COUNT, 2), np.nan) if self._face is None else self._face.landmarks


def _mouth(points_L2: marks.Points) -> tuple[float, float]:
    """Opening and width."""
    eyes = marks.eye_distance(points_L2)
    return float(marks.mouth_opening(points_L2) / eyes), float(marks.mouth_width(points_L2) / eyes)


def correlation(a: Series, b: Series) -> float:
    """Pearson's r over the frames that both have; 0 where one of them does not move, or they share none."""
    both = ~(np.isnan(a) | np.isnan(b))
    if not both.any():
        return 0.0
    x, y = a[both] - a[both].mean(), b[both] - b[both].mean()
    scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum() / scale) if scale > 1e-9 else 0.0


def best_lag(measured: Series, truth: Series, reach: int = 5) -> int:
    """By how many frames `measured` comes after `truth` (negative: before), within +-`reach`, by correlation.

    Every lag is judged on the same frames of `measured`, so that none wins by what it leaves out.

    Raises:
        ValueError: the series are shorter than 2 * reach + 2 frames.
    """
    length = len(measured)
    if length < 2 * reach + 2:
        raise ValueError(f"{length} frames are too few to look for a lag of {reach}")
    middle = measured[reach : length - reach]
    lags = sorted(range(-reach, reach + 1), key=abs)
    return max(lags, key=lambda lag: correlation(middle, truth[reach - lag : length - reach - lag]))
