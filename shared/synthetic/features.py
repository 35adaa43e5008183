"""Eyes, brows and glasses."""

import numpy as np

from .canonical import BROW_LEFT, EYE_LEFT_LOWER, EYE_LEFT_UPPER, F32, Canvas, f32, spline, vertices
from .identity import Glasses, Identity
from .skin import Light
from .texture import linear, noise, over, smooth

_LEFT, _RIGHT = -1.0, 1.0
EYE_CENTRE = (3.15, -2.66)


def _mirror(points: F32, side: float) -> F32:
    """The left-of-image shape, or its mirror image."""
    return points if side == _LEFT else points * f32([-1, 1])


def _lids(side: float, closed: float) -> tuple[F32, F32]:
    """Upper and lower lid lines [n, 2]; `closed` moves the upper lid down onto the lower one."""
    upper = spline(vertices()[list(EYE_LEFT_UPPER), :2])
    lower = spline(vertices()[list(EYE_LEFT_LOWER), :2])
    lower_at = np.interp(upper[:, 0], lower[:, 0], lower[:, 1]).astype(np.float32)
    upper = upper.copy()
    upper[:, 1] += (lower_at - upper[:, 1]) * np.float32(closed)
    return _mirror(upper, side), _mirror(lower, side)


def eyes(who: Identity, canvas: Canvas, light: Light, face: F32, closed: float) -> F32:
    """Paints both eyes on the lit face; `closed` 0..1 is the blink."""
    for side in (_LEFT, _RIGHT):
        upper, lower = _lids(side, closed)
        ball = _eyeball(who, canvas, light, side, upper)
        mask = canvas.polygon(np.vstack([upper, lower[::-1]]), 0.03)
        face = over(face, ball, mask)
        rim = canvas.stroke(lower, 0.07, 0.04)
        face = over(face, face * f32([1.05, 0.72, 0.68]), rim * 0.6)
        crease = upper + f32([0, -0.34 + 0.22 * closed])
        crease[:, 1] -= 0.12 * np.sin(np.linspace(0, np.pi, len(crease), dtype=np.float32))
        face = over(face, face * f32([0.55, 0.42, 0.38]), canvas.stroke(crease, 0.07, 0.07) * 0.75)
        lash = canvas.stroke(upper, 0.10, 0.035)
        face = over(face, linear(f32([0.10, 0.07, 0.06])), lash * 0.85)
        face = over(face, face * 0.5, canvas.stroke(lower, 0.04, 0.03) * 0.35)
    return face


def _eyeball(who: Identity, canvas: Canvas, light: Light, side: float, upper: F32) -> F32:
    cx, cy = side * EYE_CENTRE[0], EYE_CENTRE[1]
    r = np.hypot(canvas.x - cx, canvas.y - cy)
    energy = f32(light.key) * 0.8 + f32(light.ambient)
    round_shade = 0.78 - 0.25 * np.clip(np.abs(canvas.x - side * EYE_CENTRE[0]) / 1.4, 0, 1) ** 2
    ball = np.ones((*canvas.shape, 3), np.float32) * linear(f32([0.88, 0.84, 0.82])) * round_shade[..., None]
    angle = np.arctan2(canvas.y - cy, canvas.x - cx)
    fibre = 1 + 0.18 * np.sin(angle * 23 + who.seed) * np.sin(angle * 9) + 0.35 * np.clip((canvas.y - cy) / 0.6, -1, 1)
    iris = linear(f32(who.iris)) * 1.2 * fibre[..., None]
    ball = over(ball, iris.astype(np.float32), smooth(0.62 - r, 0, 0.06))
    ball = over(ball, f32([0.01, 0.01, 0.01]), smooth(0.11 - np.abs(r - 0.62), 0, 0.1) * 0.65)
    ball = over(ball, f32([0.004, 0.004, 0.004]), smooth(0.27 - r, 0, 0.06))
    order = np.argsort(upper[:, 0])
    line = np.interp(canvas.x[0], upper[order, 0], upper[order, 1])
    lid_shadow = 0.6 * np.exp(-np.clip(canvas.y - line[None].astype(np.float32), 0, None) / 0.16)
    ball = ball * (1 - lid_shadow)[..., None] * energy
    spark = np.exp(-(((canvas.x - cx + 0.18 - 0.3 * light.direction[0]) / 0.085) ** 2) - ((canvas.y - cy + 0.2) / 0.085) ** 2)
    return f32(ball + spark[..., None] * 0.8)


def brows(who: Identity, canvas: Canvas, face: F32, rng: np.random.Generator) -> F32:
    """Eyebrows as fields of hairs along the brow."""
    colour = linear(f32(who.hair_colour)) * 0.8
    strands = np.clip(0.75 + 0.35 * noise(rng, canvas, 0.07, 3.0), 0, 1)
    for side in (_LEFT, _RIGHT):
        points = _mirror(vertices()[list(BROW_LEFT), :2], side).copy()
        middle = points.mean(0)
        points[:, 1] = middle[1] + 0.25 + (points[:, 1] - middle[1]) * f32(who.brow_thickness * 0.85)
        mask = canvas.polygon(spline(points, closed=True), 0.11)
        face = over(face, colour.astype(np.float32), np.clip(mask * strands * 0.95, 0, 1))
    return face


def glasses(who: Identity, canvas: Canvas, face: F32, light: Light) -> F32:
    """Spectacle frames, bridge and a faint reflection."""
    if who.glasses is Glasses.NONE:
        return face
    t = np.linspace(0, 2 * np.pi, 60, dtype=np.float32)
    power = 1.0 if who.glasses is Glasses.ROUND else 0.55
    colour = f32([0.012, 0.011, 0.012]) if who.seed % 3 else f32([0.10, 0.05, 0.02])
    for side in (_LEFT, _RIGHT):
        cos, sin = np.cos(t), np.sin(t)
        ring = np.stack([np.sign(cos) * np.abs(cos) ** power * 2.05, np.sign(sin) * np.abs(sin) ** power * 1.6], 1)
        ring = (ring + f32([side * 3.25, -2.35])).astype(np.float32)
        shadow = canvas.stroke(ring + f32([0.05, 0.22]), 0.2, 0.14)
        face = over(face, face * 0.55, shadow * 0.5)
        glare = canvas.polygon(ring, 0.05) * smooth(canvas.x * 0.6 - canvas.y - side * 2 - 3.2, 0, 1.2) * 0.035
        face = face + glare[..., None] * f32(light.key)
        temple = f32([[side * 5.2, -2.9], [side * 7.7, -2.7]])
        face = over(face, colour, canvas.stroke(temple, 0.2, 0.03) * 0.9)
        face = over(face, colour, canvas.stroke(ring, 0.2, 0.03))
    bridge = f32([[-1.25, -2.7], [-0.5, -3.0], [0.5, -3.0], [1.25, -2.7]])
    return over(face, colour, canvas.stroke(spline(bridge), 0.2, 0.03))
