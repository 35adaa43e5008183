"""A film as a camera that moves sees it, and that camera's path: what was still is then known to stand where the path says.

Paths are float64 [V, 2, 3], from the picture that was drawn to the picture that is filmed, in pixel-centre coordinates; pixels
are those of a picture of 1080 lines.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

FPS: Final = 25
LINES: Final = 1080
_GRAIN: Final = 1.5  # standard deviation of the sensor's noise, which does not move with the picture, of 255

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]


def paths(frames: int, size: tuple[int, int]) -> dict[str, Array]:
    """Every path by its name: ``still`` first, then what a tripod, a lens, a hand and a foot do.

    Args:
        frames: V.
        size: width and height of the picture.
    """
    at = np.arange(frames)
    since = (at + 15) % 25  # frames since the last bump; the first comes with frame 10

    def wave(hertz: float, late: float = 0.0) -> Array:
        return np.sin(2 * np.pi * hertz * at / FPS + late)

    found = {
        "still": _path(size),
        # Off at once, 8 pixels a frame, and as suddenly back.
        "pan": _path(size, x=8 * np.abs(at % 80 - 40.0) - 160),
        "zoom": _path(size, zoom=1 + 0.2 * np.clip(1.5 * wave(0.4), -1, 1)),
        "walk": _path(size, x=8 * wave(1), y=12 * wave(2), zoom=1 + 0.004 * wave(2, 1.0), roll=np.radians(1.2) * wave(1, 0.7)),
        "bump": _path(size, y=12 * np.exp(-since / 2) * np.cos(1.6 * since) * (at >= 10)),
        "one frame": _path(size, y=12.0 * (since == 0)),
        "step": _path(size, y=12.0 * (at // 12 % 2)),
    }
    for pixels, hertz in ((4, 5.0), (4, 7.6), (4, 12.0), (10, 7.6), (10, 12.0)):
        found[f"shake {pixels} px {hertz:g} Hz"] = _path(size, x=0.5 * pixels * wave(hertz, 1.0), y=pixels * wave(hertz))
    # As violent as footage came: 1.9 and 2.3 radians a frame.
    found["shake 77 px"] = _path(size, x=77 * np.sin(1.9 * at), y=77 * np.cos(2.3 * at))
    return {name: np.broadcast_to(path, (frames, 2, 3)) for name, path in found.items()}


def _path(size: tuple[int, int], x: ArrayLike = 0, y: ArrayLike = 0, zoom: ArrayLike = 1, roll: ArrayLike = 0) -> Array:
    """A shift after zoom and roll (radians) about the middle of the picture."""
    x, y, zoom, roll = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, np.float64)) for value in (x, y, zoom, roll)))
    cosine, sine = zoom * np.cos(roll), zoom * np.sin(roll)
    linear = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    middle = (np.array(size) - 1) / 2
    shift = np.stack([x, y], -1) * (size[1] / LINES)
    return np.concatenate([linear, (shift + middle - linear @ middle)[..., None]], -1)


def filmed(drawn: Iterable[Picture], path: Array) -> Iterator[Picture]:
    """What the camera sees of pictures [H, W, 3]; beyond their border they are mirrored."""
    grain: NDArray[np.int16] | None = None
    for index, (picture, matrix) in enumerate(zip(drawn, path, strict=True)):
        height, width = picture.shape[:2]
        if grain is None:
            grain = np.round(np.random.default_rng(0).normal(0, _GRAIN, (height + 64, width + 64, 3))).astype(np.int16)
        y, x = np.random.default_rng(index).integers(0, 64, 2)
        seen = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        yield np.asarray(cv2.add(seen, grain[y : y + height, x : x + width], dtype=cv2.CV_8U), np.uint8)
