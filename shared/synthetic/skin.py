"""The face's skin: albedo (tone, flush, lips, wrinkles, stubble) and the light on it."""

from dataclasses import dataclass

import numpy as np

from .canonical import (
    F32,
    LIP_OUTER_LOWER,
    LIP_OUTER_UPPER,
    LIP_Y,
    Canvas,
    f32,
    spline,
    vertices,
)
from .identity import Beard, Identity
from .texture import both, bump, linear, noise, over, smooth


@dataclass(frozen=True)
class Light:
    """One key light and the ambient: direction (unit, towards the light) and linear colours."""

    direction: tuple[float, float, float]
    key: tuple[float, float, float]
    ambient: tuple[float, float, float]

    @classmethod
    def draw(cls, seed: int) -> "Light":
        """A plausible indoor light from above, left or right, warm or cool."""
        rng = np.random.default_rng([0x11647, seed])
        d = np.array([rng.uniform(-0.7, 0.7), rng.uniform(-0.75, -0.1), 1.0])
        d /= np.linalg.norm(d)
        warm = rng.uniform(-0.08, 0.1)
        strength = rng.uniform(0.72, 0.98)
        fill = rng.uniform(0.24, 0.42)
        key = strength * np.array([1 + warm, 1.0, 1 - warm])
        ambient = fill * np.array([1 - warm / 2, 1.0, 1 + warm / 2])
        return cls(_triple(d), _triple(key), _triple(ambient))


def _triple(v: F32) -> tuple[float, float, float]:
    return float(v[0]), float(v[1]), float(v[2])


def lip_outline(fullness: float = 0.0) -> F32:
    """The closed outer lip line [n, 2]; `fullness` > 0 moves it away from the seam."""
    upper = vertices()[list(LIP_OUTER_UPPER), :2]
    lower = vertices()[list(LIP_OUTER_LOWER), :2][::-1]
    points = np.vstack([spline(upper), spline(lower)]).astype(np.float32)
    points[:, 1] = LIP_Y + (points[:, 1] - LIP_Y) * np.float32(1 + fullness)
    return points


def albedo(who: Identity, canvas: Canvas, rng: np.random.Generator) -> tuple[F32, F32]:
    """The skin's colour in linear light [h, w, 3], and its fine relief in centimetres [h, w]."""
    base = linear(f32(who.skin))
    skin: F32 = np.broadcast_to(base, (*canvas.shape, 3)).astype(np.float32)
    mottle = 1 + 0.035 * noise(rng, canvas, 1.1) + 0.03 * noise(rng, canvas, 0.25) + 0.03 * noise(rng, canvas, 0.08)
    skin = skin * mottle[..., None]
    flush = 0.5 * both(canvas, 4.0, 1.2, 1.9, 1.6) + 0.6 * bump(canvas, 0, 0.9, 1.3, 1.0) + 0.3 * both(canvas, 3, 8, 3, 1)
    skin = skin * (1 - f32([0.02, 0.20, 0.17]) * (flush * 0.8)[..., None])
    eye_shade = both(canvas, 3.1, -2.0, 1.5, 0.55) * (0.10 + 0.12 * who.age) + both(canvas, 2.3, -3.2, 1.6, 0.6) * 0.22
    skin = skin * (1 - f32([0.8, 1.0, 0.9]) * eye_shade[..., None])
    if who.freckles > 0:
        spots = smooth(noise(rng, canvas, 0.16), 1.2, 2.0) * (both(canvas, 2.6, 0.4, 2.4, 1.5) + 0.2)
        skin = over(skin, base * f32([0.62, 0.45, 0.35]), np.clip(spots * who.freckles, 0, 0.6))
    relief = 0.0045 * noise(rng, canvas, 0.1) + 0.006 * noise(rng, canvas, 0.3)
    relief -= who.age * 0.05 * _folds(canvas)
    skin = _beard(who, canvas, rng, skin)
    skin = _lips(who, canvas, rng, skin)
    nostril = both(canvas, 0.72, 1.83, 0.30, 0.17)
    skin = skin * (1 - 0.9 * np.clip(nostril * 1.4, 0, 1))[..., None]
    return skin, relief


def _folds(canvas: Canvas) -> F32:
    """Where age draws lines: nose to mouth, forehead, beside the eyes."""
    lines = np.zeros(canvas.shape, np.float32)
    for side in (-1, 1):
        points = f32([[1.9, 0.9], [2.6, 2.0], [3.2, 3.2], [3.5, 4.4]]) * f32([side, 1])
        lines += canvas.stroke(spline(points), 0.12, 0.14)
        crow = f32([[5.0, -2.6], [5.7, -2.9], [6.2, -3.1]]) * f32([side, 1])
        lines += 0.4 * canvas.stroke(spline(crow), 0.06, 0.08)
    for y in (-5.9, -6.6, -7.3):
        points = f32([[-3.5, y + 0.15], [-1.2, y - 0.1], [1.4, y + 0.05], [3.6, y + 0.1]])
        lines += 0.45 * canvas.stroke(spline(points), 0.08, 0.1)
    return lines


def _lips(who: Identity, canvas: Canvas, rng: np.random.Generator, skin: F32) -> F32:
    outline = lip_outline(who.shape.lip_fullness)
    mask = canvas.polygon(outline, 0.09)
    colour = linear(f32(who.lip)) * who.lip_strength + linear(f32(who.skin)) * (1 - who.lip_strength)
    grain = 1 + 0.06 * noise(rng, canvas, 0.10, 5.0) + 0.04 * noise(rng, canvas, 0.3)
    below = smooth(canvas.y, LIP_Y - 0.25, LIP_Y + 0.25)
    tone = (0.86 + 0.22 * below) * grain
    skin = over(skin, colour * tone[..., None], mask * 0.92)
    seam = np.exp(-(((canvas.y - LIP_Y) / 0.13) ** 2)) * smooth(2.75 - np.abs(canvas.x), 0.0, 0.6)
    return (skin * (1 - 0.45 * seam)[..., None]).astype(np.float32)


def _beard(who: Identity, canvas: Canvas, rng: np.random.Generator, skin: F32) -> F32:
    if who.beard is Beard.NONE:
        return skin
    ax, y = np.abs(canvas.x), canvas.y
    edge = 0.35 * noise(rng, canvas, 0.6)
    moustache = smooth(y, 2.35, 2.8) * smooth(3.75 - y, 0, 0.35) * smooth(2.9 - ax + edge * 0.3, 0, 0.5)
    chin = smooth(y, 5.5, 6.1) * smooth(2.3 - ax + edge, 0, 0.6) + moustache * 0
    sides = smooth(ax - 2.5 - 0.35 * (y - 4.0), 0, 0.4) * smooth(y, 3.6, 5.0) + 0 * y
    cheek_line = smooth(y - 3.4 + 0.55 * (ax - 3.0) + edge, -0.4, 0.8)
    full = np.clip(chin + sides * cheek_line + smooth(y, 6.2, 7.0) + smooth(ax, 5.8, 6.6) * smooth(y, -0.5, 1.0), 0, 1)
    around = smooth(ax, 2.3, 2.6) * smooth(3.1 - ax, 0, 0.4) * smooth(y, 3.2, 3.8) * smooth(7.5 - y, 0, 1)
    masks = {
        Beard.STUBBLE: np.clip(full + moustache + around, 0, 1) * 0.55,
        Beard.MOUSTACHE: moustache,
        Beard.GOATEE: np.clip(moustache + chin + around, 0, 1),
        Beard.FULL: np.clip(full + moustache + around, 0, 1),
    }
    strands = 0.72 + 0.22 * noise(rng, canvas, 0.07, 4.0) + 0.1 * noise(rng, canvas, 0.15, 3.0)
    if who.beard is Beard.STUBBLE:
        strands = 0.55 + 0.4 * noise(rng, canvas, 0.06)
    mask = canvas.blur(masks[who.beard].astype(np.float32), 0.1) * np.clip(strands, 0, 1)
    hair = linear(f32(who.hair_colour)) * (1 + 0.3 * np.clip(noise(rng, canvas, 0.08, 4.0), -1, 2))[..., None]
    return over(skin, np.maximum(hair, 0.002), mask)


def shade(skin: F32, relief: F32, canvas: Canvas, light: Light) -> F32:
    """Light on the skin: wrapped Lambert with a reddish edge (blood under the skin), gloss, occlusion."""
    n = canvas.normals(relief + _lip_relief(canvas))
    d = f32(light.direction)
    facing = n @ d
    wrap = f32([0.42, 0.28, 0.24])
    diffuse = np.clip((facing[..., None] + wrap) / (1 + wrap), 0, None) ** 1.25
    half = d + f32([0, 0, 1])
    half /= np.linalg.norm(half)
    gloss = np.clip(n @ half, 0, None)
    oily = 0.45 + bump(canvas, 0, -6, 3, 2) + bump(canvas, 0, 0.5, 1, 2.2) + 0.6 * both(canvas, 3.8, -0.2, 1.3, 1)
    spec = (0.045 * gloss**12 + 0.02 * gloss**40) * oily
    wet = bump(canvas, 0, LIP_Y + 0.6, 1.5, 0.35) * gloss**24 * 0.10
    occlusion = _occlusion(canvas)
    sky = 0.75 + 0.25 * np.clip(-n[..., 1], -1, 1)
    energy = diffuse * f32(light.key) + f32(light.ambient) * sky[..., None]
    out = skin * energy * occlusion[..., None] + ((spec + wet) * occlusion)[..., None] * f32(light.key)
    return f32(out)


def _lip_relief(canvas: Canvas) -> F32:
    """Volume of the closed lips that the coarse mesh lacks."""
    x2 = (canvas.x / 2.5) ** 2
    rise = np.sqrt(np.clip(1 - x2, 0, 1))
    upper = np.exp(-(((canvas.y - LIP_Y + 0.42) / 0.34) ** 2)) * 0.16
    lower = np.exp(-(((canvas.y - LIP_Y - 0.55) / 0.42) ** 2)) * 0.26
    seam = np.exp(-(((canvas.y - LIP_Y) / 0.18) ** 2)) * 0.22
    philtrum = -0.08 * np.exp(-((canvas.x / 0.35) ** 2)) * np.exp(-(((canvas.y - 2.8) / 0.5) ** 2))
    return ((upper + lower - seam) * rise + philtrum).astype(np.float32)


def _occlusion(canvas: Canvas) -> F32:
    shadow = (
        0.30 * both(canvas, 1.75, -2.75, 0.9, 0.8)
        + 0.34 * bump(canvas, 0, 2.1, 1.5, 0.28)
        + 0.22 * bump(canvas, 0, 5.75, 1.6, 0.35)
        + 0.26 * both(canvas, 1.95, 1.0, 0.28, 0.6)
        + 0.16 * both(canvas, 2.75, 4.3, 0.35, 0.35)
    )
    rim = 0.42 * np.exp(-np.clip(canvas.oval + 0.4, 0, None) / 0.9)
    return (1 - np.clip(shadow + rim, 0, 0.85)).astype(np.float32)
