"""A film as a camera that moves sees it, and the path of that camera: what was still is then known to stand where the path says.

Paths are float64 [V, 2, 3], from the picture that was given to the picture that is seen, in pixel-centre coordinates; sizes
are pixels of a picture of 1080 lines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Box
from dubbing.faces.align import Matrix, Picture, averaged

FPS: Final = 25
LINES: Final = 1080
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moved:
    """One frame of it. Only the part that is asked for is resampled (see `dubbing.faces.align.View`)."""

    picture: Picture
    path: Matrix

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.picture.shape[:2]
        return width, height

    def rgb(self) -> Picture:
        """All of it."""
        return self.region(Box(0, 0, *self.size))

    def region(self, box: Box, block: int = 1) -> Picture:
        """A part of it, averaged over block x block pixels."""
        part = self.path.copy()
        part[:, 2] -= box[:2]
        size = (box.right - box.left, box.bottom - box.top)
        seen = cv2.warpAffine(self.picture, part, size, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT)
        return averaged(seen, block)


def camera(size: tuple[int, int], shift: Any, zoom: Any = 1.0, roll: Any = 0.0) -> Array:
    """Shift [V, 2] after zoom and roll [V] (radians) about the middle of a picture of that width and height."""
    shift = np.asarray(shift, np.float64)
    zoom, roll = (np.broadcast_to(np.asarray(value, np.float64), len(shift)) for value in (zoom, roll))
    cosine, sine = zoom * np.cos(roll), zoom * np.sin(roll)
    linear = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    middle = (np.array(size) - 1) / 2
    return np.concatenate([linear, (shift + middle - linear @ middle)[..., None]], -1)


def paths(frames: int, size: tuple[int, int]) -> dict[str, Array]:
    """Every path by its name: ``still`` first, then what a hand, a foot, a tripod and a lens do."""
    k = size[1] / LINES
    t = np.arange(frames) / FPS
    wave = lambda hertz, late=0.0: np.sin(2 * np.pi * hertz * t + late)  # noqa: E731
    none = np.zeros(frames)
    flat: Callable[..., Array] = lambda x, y, **how: camera(size, k * np.stack([x, y], -1), **how)  # noqa: E731
    found = {
        "still": flat(none, none),
        # Off at once, 8 pixels a frame, and as suddenly back.
        "pan": flat(8 * np.abs(np.arange(frames) % 80 - 40.0) - 160, none),
        "zoom": flat(none, none, zoom=1 + 0.2 * np.clip(1.5 * wave(0.4), -1, 1)),
        # The violent one of the cases: 1.9 and 2.3 radians a frame.
        "shake": flat(77 * wave(1.9 * FPS / 2 / np.pi), 77 * wave(2.3 * FPS / 2 / np.pi, np.pi / 2)),
        "walk": flat(8 * wave(1), 12 * wave(2), zoom=1 + 0.004 * wave(2, 1.0), roll=np.radians(1.2) * wave(1, 0.7)),
    }
    since = np.arange(frames) % 25 - 10.0
    after = np.where(since >= 0, since, 99)
    found["bump"] = flat(none, 12 * np.exp(-after / 2) * np.cos(after * 1.6))
    found["blip"] = flat(none, 12.0 * (since == 0))
    found["step"] = flat(none, 12.0 * (np.arange(frames) // 12 % 2))
    for pixels in (4, 6, 10):
        for hertz in (5.0, 7.6, 10.0, 12.0):
            found[f"vibration {pixels} px {hertz:g} Hz"] = flat(0.5 * pixels * wave(hertz, 1.0), pixels * wave(hertz))
    return found
