"""What a clip must be like to be learnt from: measures of a clip, limits, and the first limit that it breaks.

Angles are not measured but read off three points: how far the nose lies from the middle of the brows, along and across the
line between them, over the brows' distance. A head that faces the camera has 0 across and about 0.7 along (0.63 on a natural
face, 0.75 on a drawn one); at a turn of some 35 degrees the nose has moved across by a quarter.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_filter

Anchors = NDArray[np.float64]  # [V, 3, 2]: left brow, right brow, nose
Crops = NDArray[np.uint8]  # [V, n, n, 3]

_STEADY_WINDOW = 7
_NEUTRAL_NOD = 0.69
_SHARPNESS_SIDE = 128


@dataclass(frozen=True, slots=True)
class Limits:
    """What is asked of a clip.

    Attributes:
        eyes: least distance between the eyes in pixels of the source.
        turn, nod: largest mean displacement of the nose across and along, over the distance of the brows.
        jitter: largest tremble of the landmarks over the distance of the brows; what occludes a face makes them jump.
        sharpness: least sharpness (`sharpness`).
        loudness: least level in dBFS.
        confidence: least confidence of the sync scorer.
        offset: largest offset in frames, after what is common to the whole source has been taken out.
    """

    eyes: float = 24.0
    turn: float = 0.25
    nod: float = 0.25
    jitter: float = 0.03
    sharpness: float = 0.004
    loudness: float = -45.0
    confidence: float = 0.25
    offset: int = 1


def pose(anchors_V32: Anchors) -> tuple[float, float]:
    """Turn and nod of the head, means over the clip, 0 for a face that looks into the camera."""
    left, right, nose = (anchors_V32[:, i] for i in range(3))
    across = right - left
    span = np.maximum(np.linalg.norm(across, axis=1), 1e-6)
    along = np.stack([-across[:, 1], across[:, 0]], axis=1)
    apart = nose - (left + right) / 2
    turn = (apart * across).sum(axis=1) / span**2
    nod = (apart * along).sum(axis=1) / span**2
    return float(turn.mean()), float(nod.mean()) - _NEUTRAL_NOD


def jitter(anchors_V32: Anchors) -> float:
    """Root mean square of what smoothing takes away from the landmarks, over the distance of the brows."""
    smooth = savgol_filter(anchors_V32, _STEADY_WINDOW, 2, axis=0, mode="interp")
    span = float(np.linalg.norm(anchors_V32[:, 1] - anchors_V32[:, 0], axis=1).mean())
    return float(np.sqrt(np.square(anchors_V32 - smooth).sum(axis=-1).mean())) / max(span, 1e-6)


def sharpness(crop_HWC: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian over the variance of the grey picture, both at 128 pixels: independent of contrast."""
    side = (_SHARPNESS_SIDE, _SHARPNESS_SIDE)
    grey = cv2.resize(cv2.cvtColor(crop_HWC, cv2.COLOR_RGB2GRAY), side, interpolation=cv2.INTER_AREA).astype(np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var() / max(float(grey.var()), 1.0))


def geometry_fault(anchors_V32: Anchors, eyes: float, limits: Limits) -> str | None:
    """The first limit on size, pose and steadiness that a clip breaks, by name."""
    if eyes < limits.eyes:
        return "small"
    turn, nod = pose(anchors_V32)
    if abs(turn) > limits.turn or abs(nod) > limits.nod:
        return "pose"
    return "unsteady" if jitter(anchors_V32) > limits.jitter else None


def blurred(crops_VHWC: Crops, limits: Limits) -> bool:
    """Whether most of a clip is out of focus."""
    return float(np.median([sharpness(crop) for crop in crops_VHWC[::9]])) < limits.sharpness
