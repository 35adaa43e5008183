"""Geometry of one speaker: the identity's proportions and the mouth's deformations as displacement fields.

Forward fields move a canonical point c (cm); pictures are drawn with their inverses, found by fixed-point iteration.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .canonical import CORNER_X, F32, LIP_Y, X_MIN, Y_MIN, Canvas, canvas, f32
from .features import EYE_CENTRE
from .identity import Identity
from .texture import both, bump, smooth

TABLE_PPC = 5.0
# What opening the mouth fully means: the gap between the lips in centimetres.
FULL_GAP = 2.0


@dataclass(frozen=True)
class Mouth:
    """The pose of lips, jaw, teeth and tongue.

    All lie in 0..1 but `width`, -1 (narrow) .. 1 (spread). `press` rolls the lips (m b p), `bite` lays the lower lip
    under the upper teeth (f v), `lift` bares the upper teeth (s e), `tongue` raises the tongue's tip (l t n th).
    """

    open: float = 0.0
    width: float = 0.0
    round: float = 0.0
    press: float = 0.0
    bite: float = 0.0
    lift: float = 0.0
    tongue: float = 0.0


@dataclass(frozen=True)
class Fields:
    """Displacement per unit of each control, [h, w, 2] in cm, above (`up`) and below (`low`) the seam of the lips."""

    up: dict[str, F32]
    low: dict[str, F32]


def sample(table: F32, points: F32) -> F32:
    """Bilinear lookup in a table of `TABLE_PPC` at canonical or head points [h, w, 2] (cm)."""
    px = (points - f32([X_MIN, Y_MIN])) * np.float32(TABLE_PPC) - np.float32(0.5)
    return lookup(table, px, cv2.BORDER_REPLICATE)


def lookup(image: F32, px: F32, border: int) -> F32:
    """Bilinear lookup of an image at pixel coordinates [h, w, 2]."""
    out: F32 = cv2.remap(image, px, None, cv2.INTER_LINEAR, borderMode=border)  # type: ignore[call-overload] # no 2nd map
    return out


def grid() -> F32:
    """The table's own points [h, w, 2]."""
    c = canvas(TABLE_PPC)
    return np.dstack([c.x, c.y])


def invert(forward: F32, steps: int = 5) -> F32:
    """The inverse q(p) of p = q + forward(q) on the table's grid, by fixed-point iteration."""
    points = grid()
    q = points - forward
    for _ in range(steps):
        q = points - sample(forward, q)
    return q


def proportions(who: Identity) -> F32:
    """The identity's forward field [h, w, 2]: where its features lie against the canonical head."""
    c, s = canvas(TABLE_PPC), who.shape
    x, y = c.x, c.y
    dx = x * (s.face_width - 0.02) + x * (s.jaw_width - 0.06) * smooth(y, 0.0, 8.0)
    dx += x * s.nose_width * bump(c, 0, 1.0, 1.9, 2.0)
    dx += x * s.mouth_width * bump(c, 0, LIP_Y, 3.6, 1.7)
    dy = 0.05 * y + s.chin * smooth(y, 4.5, 9.5) + s.nose_length * bump(c, 0, 1.2, 2.6, 2.2)
    dy += s.mouth_y * bump(c, 0, LIP_Y, 4.5, 2.2) + s.brow_y * both(c, 3.3, -4.6, 3.0, 1.0)
    for side in (-1, 1):
        ex, ey = side * EYE_CENTRE[0], EYE_CENTRE[1]
        near = bump(c, ex, ey, 2.1, 1.25)
        dx += near * ((x - ex) * (0.06 + s.eye_size) + side * s.eye_gap)
        dy += near * (y - ey) * (0.24 + s.eye_size * 1.5)
    return np.dstack([dx, dy]).astype(np.float32)


def mouth_fields() -> Fields:
    """The displacement fields of every mouth control on the table's grid."""
    c = canvas(TABLE_PPC)
    x, y = c.x, c.y
    ax, v = np.abs(x), y - np.float32(LIP_Y)
    zero = np.zeros_like(x)
    gap = np.clip(1 - (x / CORNER_X) ** 2, 0, 1) ** 0.8
    reach = 1 - smooth(ax, 3.6, 7.6)
    jaw = smooth(v, -1.3, 3.2)
    near = np.exp(-((v / 1.0) ** 2))
    lips = np.exp(-((x / 2.7) ** 2) - (v / 1.0) ** 2)
    side = np.exp(-((np.clip(ax - CORNER_X, 0, None) / 1.6) ** 2) - (v / 1.7) ** 2) * x / CORNER_X

    def field(dx: F32, dy: F32) -> F32:
        return np.dstack([dx, dy]).astype(np.float32)

    opening_low = FULL_GAP * reach * (jaw + gap * (1 - jaw)) * (1 - 0.25 * smooth(v, 1.2, 4.0))
    opening_up = FULL_GAP * (reach * jaw * (1 - gap) * (1 - 0.25 * smooth(v, 1.2, 4.0)) - 0.12 * gap * near)
    corner = both(c, CORNER_X, LIP_Y, 1.2, 1.2)
    width = field(0.66 * side, -0.20 * v * lips - 0.16 * corner)
    rounded = field(-0.92 * side, 0.30 * v * lips)
    press = field(zero, -0.50 * v * lips)
    lift = -0.26 * gap * near
    sink = 0.10 * gap * np.exp(-((v / 1.4) ** 2))
    return Fields(
        up={
            "open": field(zero, opening_up), "width": width, "round": rounded, "press": press,
            "bite": field(zero, 0.6 * lift), "lift": field(zero, lift),
        },
        low={
            "open": field(zero, opening_low), "width": width, "round": rounded, "press": press,
            "bite": field(zero, -2.2 * sink), "lift": field(zero, sink),
        },
    )  # fmt: skip


def displacement(basis: dict[str, F32], mouth: Mouth) -> F32:
    """The forward field [h, w, 2] of one mouth pose."""
    total = np.zeros_like(basis["open"])
    for name, field in basis.items():
        amount = getattr(mouth, name)
        if amount:
            total += np.float32(amount) * field
    return total


def table_height() -> F32:
    """Height of the head over the table's grid, kept within what parallax should see."""
    c: Canvas = canvas(TABLE_PPC)
    out: F32 = c.blur(np.clip(c.z, -3.0, 7.0), 0.3)
    return out
