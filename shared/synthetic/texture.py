"""Small helpers to paint: noise, blending, light."""

import cv2
import numpy as np

from .canonical import F32, Canvas


def noise(rng: np.random.Generator, canvas: Canvas, cell: float, aspect: float = 1.0) -> F32:
    """Smooth unit-variance noise with features of `cell` centimetres (`aspect` > 1: stretched along y)."""
    rows, cols = canvas.shape
    small = rng.standard_normal(
        (max(2, int(rows / (cell * aspect * canvas.ppc)) + 2), max(2, int(cols / (cell * canvas.ppc)) + 2)),
        dtype=np.float32,
    )
    out: F32 = cv2.resize(small, (cols, rows), interpolation=cv2.INTER_CUBIC)
    return out


def bump(canvas: Canvas, x: float, y: float, rx: float, ry: float) -> F32:
    """A Gaussian spot at (x, y) with radii in centimetres."""
    return np.exp(-(((canvas.x - x) / rx) ** 2) - ((canvas.y - y) / ry) ** 2).astype(np.float32)


def both(canvas: Canvas, x: float, y: float, rx: float, ry: float) -> F32:
    """`bump` on both sides of the face."""
    return bump(canvas, x, y, rx, ry) + bump(canvas, -x, y, rx, ry)


def smooth(value: F32, low: float, high: float) -> F32:
    """The cubic step from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def over(image: F32, colour: F32, mask: F32) -> F32:
    """`colour` ([3] or an image) over `image` [h, w, 3] where `mask` [h, w] is 1."""
    m = mask[..., None]
    return np.asarray(image * (1 - m) + colour * m, np.float32)


def linear(srgb: F32) -> F32:
    """SRGB 0..1 to linear light (power 2.2, near enough for painting)."""
    return np.asarray(np.power(np.clip(srgb, 0, 1), np.float32(2.2)), np.float32)


def srgb(light: F32) -> F32:
    """Linear light to sRGB 0..1."""
    return np.asarray(np.power(np.clip(light, 0, 1), np.float32(1 / 2.2)), np.float32)
