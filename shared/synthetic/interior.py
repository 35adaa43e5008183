"""What an open mouth shows: cavity, tongue and teeth."""

import numpy as np

from .actor import Actor
from .canonical import CORNER_X, F32, LIP_Y, f32
from .shape import Mouth
from .texture import linear, over, smooth, srgb


def paint(image: F32, actor: Actor, mouth: Mouth, scale: float, *, rest: F32, low: F32, behind: F32) -> None:
    """Paints the mouth's inside over `image`, in place.

    Args:
        image: float32 [h, w, 3], sRGB 0..255, a part of the frame around the mouth.
        actor: the speaker.
        mouth: the pose.
        scale: pixels per centimetre.
        rest: canonical points under the pixels with the mouth at rest: the upper teeth hang on these.
        low: the same, moved with the jaw: tongue and lower teeth.
        behind: 1 where the lower lip leaves the inside open.
    """
    x, y = rest[..., 0], rest[..., 1] - np.float32(LIP_Y)
    depth = low[..., 1] - np.float32(LIP_Y)
    light = float(np.mean(actor.light.key) * 0.55 + np.mean(actor.light.ambient))
    white = actor.who.teeth
    colour = np.broadcast_to(f32([0.035, 0.010, 0.010]) * light, (*x.shape, 3))
    rise = 0.35 - 1.5 * mouth.tongue * min(1.0, mouth.open * 2.5) + 0.25 * mouth.round
    near = 1 - np.hypot(x / 1.75, (depth - 0.95 - rise) / 1.05)
    lit = (0.25 + 0.75 * np.clip(near, 0, 1)) * light
    tongue = (f32([0.36, 0.10, 0.09]) * lit[..., None]).astype(np.float32)
    colour = over(colour, tongue, np.clip(near * scale * 0.8, 0, 0.95))
    colour = _teeth(colour, x, 0.30 * mouth.open - 0.42 - depth, light=light * white * 0.62, half=1.75, scale=scale)
    image[:] = over(image, srgb(colour) * 255, behind)
    drop = y - np.float32(0.10 + 0.16 * mouth.lift - 0.30 * mouth.round + 0.22 * mouth.bite)
    upper = _teeth(linear(image / 255), x, drop, light=light * white, half=2.0, scale=scale)
    # The lower lip hides the upper teeth, but for f and v, where they rest on it.
    image[:] = over(image, srgb(upper) * 255, np.maximum(behind, np.float32(mouth.bite)) * (np.abs(x) < CORNER_X + 1))


def _teeth(colour: F32, x: F32, below: F32, *, light: float, half: float, scale: float) -> F32:
    """A row of teeth whose cutting edge lies at `below` = 0 (cm), seen from the front, `half` its half width."""
    arch = below + 0.06 * x * x
    mask = np.clip(-arch * scale + 0.5, 0, 1) * np.clip((0.95 + arch) * scale, 0, 1)
    mask = mask * np.clip((half - np.abs(x)) * scale * 0.6, 0, 1)
    gaps = 1 - 0.22 * np.exp(-(((np.abs(x) % 0.52) / 0.05) ** 2))
    bow = np.sqrt(np.clip(1 - (x / (half * 1.08)) ** 2, 0.03, 1))
    gum = smooth(-arch, 0.45, 0.9)
    white = f32([0.80, 0.76, 0.68])
    tone = (gaps * bow * (1 - 0.55 * gum) * light * 0.72)[..., None]
    return over(colour, (white * tone).astype(np.float32), mask.astype(np.float32))
