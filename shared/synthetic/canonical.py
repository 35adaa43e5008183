"""The canonical head: the face mesh of MediaPipe (468 vertices, Apache-2.0) as a smooth height field.

Coordinates: centimetres, x to the image's right, y DOWN, z towards the camera; the origin lies between the eyes and
the nose tip. A `Canvas` samples that plane at `ppc` pixels per centimetre; every texture lives on one.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

# Arrays of float32 and of uint8; the stubs of numpy and OpenCV lose the width on the way through arithmetic.
F32: TypeAlias = NDArray[Any]
U8: TypeAlias = NDArray[Any]

X_MIN, X_MAX, Y_MIN, Y_MAX = -12.0, 12.0, -14.5, 13.5

LIP_OUTER_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
LIP_OUTER_LOWER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
EYE_LEFT_UPPER = (33, 246, 161, 160, 159, 158, 157, 173, 133)
EYE_LEFT_LOWER = (33, 7, 163, 144, 145, 153, 154, 155, 133)
BROW_LEFT = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)
# Corners of both eyes; and what a crop is aligned by: the upper edge of each brow, and the nose.
EYES = ((33, 133), (362, 263))
ANCHORS = ((70, 63, 105, 66, 107), (300, 293, 334, 296, 336), (195, 4, 64, 294))
# The seam of the closed lips, and how far from the middle line the corners lie.
LIP_Y, CORNER_X = 4.28, 2.42


def f32(values: object) -> F32:
    """A float32 array of the given numbers."""
    return np.asarray(values, np.float32)


@cache
def vertices() -> F32:
    """The mesh's vertices, [468, 3] in centimetres (y down)."""
    with np.load(Path(__file__).parent / "data" / "canonical_face.npz") as data:
        v = data["vertices"].astype(np.float32)
    return np.asarray(v * f32([1, -1, 1]))


@dataclass(frozen=True)
class Canvas:
    """A sampled canonical plane: coordinates `x`, `y`, height `z` (cm) and the signed distance to the face's oval."""

    ppc: float
    x: F32
    y: F32
    z: F32
    oval: F32

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.x.shape[0], self.x.shape[1]

    def to_pixels(self, points: F32) -> F32:
        """Canonical points [..., 2] to pixel coordinates of this canvas."""
        return (points - f32([self.x[0, 0], self.y[0, 0]])) * np.float32(self.ppc)

    def crop(self, x0: float, y0: float, x1: float, y1: float) -> tuple["Canvas", tuple[slice, slice]]:
        """The part of the canvas inside the given rectangle (cm), and where it lies."""
        c0, r0 = np.maximum(self.to_pixels(f32([x0, y0])).astype(int), 0)
        c1, r1 = self.to_pixels(f32([x1, y1])).astype(int)
        at = (slice(r0, r1), slice(c0, c1))
        return Canvas(self.ppc, self.x[at], self.y[at], self.z[at], self.oval[at]), at

    def polygon(self, points: F32, blur: float = 0.0) -> F32:
        """An antialiased filled polygon [n, 2] as a mask 0..1; `blur` is a Gaussian sigma in centimetres."""
        mask = np.zeros(self.shape, np.uint8)
        fixed = np.round(self.to_pixels(points) * 16).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
        soft = mask.astype(np.float32) / 255
        return self.blur(soft, blur) if blur > 0 else soft

    def blur(self, image: F32, sigma: float) -> F32:
        """Gaussian blur with `sigma` in centimetres."""
        out: F32 = cv2.GaussianBlur(image, (0, 0), max(sigma * self.ppc, 0.3))
        return out

    def stroke(self, points: F32, width: float, blur: float = 0.0) -> F32:
        """An antialiased open line [n, 2] of `width` centimetres as a mask 0..1."""
        mask = np.zeros(self.shape, np.uint8)
        fixed = np.round(self.to_pixels(points) * 16).astype(np.int32)
        cv2.polylines(
            mask, [fixed], isClosed=False, color=255, thickness=max(1, round(width * self.ppc)), lineType=cv2.LINE_AA, shift=4
        )
        soft = mask.astype(np.float32) / 255
        return self.blur(soft, blur) if blur > 0 else soft

    def normals(self, extra: F32 | None = None) -> F32:
        """Unit surface normals [h, w, 3] of the height field plus `extra` relief (cm)."""
        z = self.z if extra is None else self.z + extra
        dy, dx = np.gradient(z, 1 / self.ppc)
        n = np.dstack([-dx, -dy, np.ones_like(dx)]).astype(np.float32)
        return np.asarray(n / np.linalg.norm(n, axis=2, keepdims=True))


def spline(points: F32, samples: int = 12, *, closed: bool = False) -> F32:
    """A Catmull-Rom curve through `points` [n, 2]."""
    p = np.vstack([points[-1:], points, points[:2]]) if closed else np.vstack([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, samples, endpoint=False, dtype=np.float32)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return np.vstack(parts).astype(np.float32)


def _height(x: F32, y: F32) -> F32:
    # Loaded here: whoever draws no head, as most processes that know these modules, starts half a second sooner.
    from scipy.interpolate import CloughTocher2DInterpolator, LinearNDInterpolator  # noqa: PLC0415

    v = vertices().astype(np.float64)
    coarse_x = np.linspace(X_MIN, X_MAX, 145)
    coarse_y = np.linspace(Y_MIN, Y_MAX, 169)
    gx, gy = np.meshgrid(coarse_x, coarse_y)
    inside = CloughTocher2DInterpolator(v[:, :2], v[:, 2])(gx, gy)
    # Around the face: the skull as an ellipsoid, and below the chin a flat continuation.
    skull = 8.6 * np.sqrt(np.clip(1 - (gx / 8.6) ** 2 - ((gy + 2.5) / 10.2) ** 2, 0, None)) - 4.0
    missing = np.isnan(inside)
    rim = LinearNDInterpolator(v[:, :2], v[:, 2])(gx, gy)
    known = ~np.isnan(rim)
    _, labels = cv2.distanceTransformWithLabels((~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    lookup = np.zeros(int(labels.max()) + 1)
    lookup[labels[known]] = rim[known]
    nearest = lookup[labels]
    distance = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5) / 6.0
    fade = np.exp(-distance / 1.2)
    z = np.where(missing, nearest * fade + np.minimum(skull, nearest) * (1 - fade), inside)
    z = cv2.GaussianBlur(z.astype(np.float32), (0, 0), 1.1)
    map_x = ((x - X_MIN) / (X_MAX - X_MIN) * 144).astype(np.float32)
    map_y = ((y - Y_MIN) / (Y_MAX - Y_MIN) * 168).astype(np.float32)
    out: F32 = cv2.remap(z, map_x, map_y, cv2.INTER_CUBIC)
    return out


@cache
def canvas(ppc: float) -> Canvas:
    """The canvas with `ppc` pixels per centimetre (cached: the geometry is the same for everyone)."""
    width, height = round((X_MAX - X_MIN) * ppc), round((Y_MAX - Y_MIN) * ppc)
    xs = (np.arange(width, dtype=np.float32) + 0.5) / np.float32(ppc) + np.float32(X_MIN)
    ys = (np.arange(height, dtype=np.float32) + 0.5) / np.float32(ppc) + np.float32(Y_MIN)
    x, y = np.meshgrid(xs, ys)
    flat = Canvas(ppc, x, y, np.zeros_like(x), np.zeros_like(x))
    mask = (flat.polygon(spline(vertices()[list(OVAL), :2], closed=True)) > 0.5).astype(np.uint8)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    z = flat.blur(_height(x, y), 0.12)
    return Canvas(ppc, x, y, z, (inside / ppc).astype(np.float32))
