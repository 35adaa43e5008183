"""Hair, ears, neck, shoulders and the room behind them."""

import cv2
import numpy as np

from .canonical import F32, Canvas, f32
from .identity import Hair, Identity
from .skin import Light
from .texture import bump, linear, noise, over, smooth


def _strands(canvas: Canvas, rng: np.random.Generator, style: Hair) -> F32:
    if style is Hair.CURLY:
        return 1 + 0.45 * noise(rng, canvas, 0.35) + 0.3 * noise(rng, canvas, 0.15)
    if style is Hair.SHAVED:
        return 1 + 0.2 * noise(rng, canvas, 0.08)
    return 1 + 0.28 * noise(rng, canvas, 0.12, 14.0) + 0.22 * noise(rng, canvas, 0.3, 9.0) + 0.1 * noise(rng, canvas, 0.06, 8)


def _tint(who: Identity, canvas: Canvas, light: Light, rng: np.random.Generator) -> F32:
    colour = linear(f32(who.hair_colour))
    sheen = bump(canvas, -3.5 * -light.direction[0], -9.5, 6.5, 1.6) * 0.5 + 0.55
    round_off = np.sqrt(np.clip(1 - (canvas.x / 9.6) ** 2, 0.05, 1))
    tone = np.clip(_strands(canvas, rng, who.hair), 0.3, 2.2) * (sheen * round_off)
    energy = f32(light.key) + f32(light.ambient)
    return f32(np.maximum(colour, 0.004) * energy * tone[..., None] * 1.5 + 0.004 * sheen[..., None])


def head_mask(canvas: Canvas, who: Identity) -> F32:
    """Alpha of the bare head (face and skull)."""
    top = -9.9 - who.shape.forehead
    t = np.linspace(0, np.pi, 40, dtype=np.float32)
    dome = np.stack([7.62 * np.cos(t), -3.0 + (top + 3.0) * np.clip(np.sin(t), 0, 1) ** 0.9], 1)
    curve = np.vstack([dome, f32([[-7.62, -2.0], [7.62, -2.0]])]).astype(np.float32)
    inside = smooth(canvas.oval, -0.06, 0.06)
    return np.maximum(inside, canvas.polygon(curve, 0.05))


def crown(who: Identity, canvas: Canvas, light: Light, rng: np.random.Generator, *, head: F32, alpha: F32) -> tuple[F32, F32]:
    """Lays the hair over the head; returns the picture and its alpha."""
    tint = _tint(who, canvas, light, rng)
    ax, y = np.abs(canvas.x), canvas.y
    edge = 0.22 * noise(rng, canvas, 0.35) + 0.14 * noise(rng, canvas, 0.12, 2.0)
    thick = {Hair.SHAVED: 0.05, Hair.SHORT: 0.9, Hair.PARTED: 1.3, Hair.LONG: 1.2, Hair.BUN: 0.7, Hair.CURLY: 1.7}[who.hair]
    line = -7.7 - who.shape.forehead * 0.6
    temple = line + 0.030 * ax**2 + 0.0022 * ax**4
    if who.hair in {Hair.PARTED, Hair.LONG}:
        temple = line - 0.3 + 0.42 * np.abs(canvas.x + 1.8) ** 1.15
    inner = smooth(temple + edge - y, -0.15, 0.2)
    outer_r = ((canvas.x / (7.55 + thick)) ** 2 + ((y + 2.6) / (7.5 + thick + who.shape.forehead)) ** 2) ** 0.5
    outer = smooth(1.0 + 0.03 * edge - outer_r, -0.012, 0.02)
    low = {Hair.LONG: 9.0, Hair.SHAVED: -3.2, Hair.CURLY: -1.2}.get(who.hair, -2.4)
    mask = inner * outer * smooth(low - y + edge, 0, 0.8)
    side = smooth(ax - 7.15 + 0.1 * edge, 0, 0.25) * outer * smooth(low - y + edge, 0, 1.2)
    mask = np.clip(np.maximum(mask, side), 0, 1)
    if who.hair is Hair.SHAVED:
        mask = mask * 0.75
    shadow = canvas.blur(mask, 0.45) * (1 - mask)
    head = head * (1 - 0.38 * shadow)[..., None]
    if who.hair is Hair.BUN:
        bun = smooth(1 - np.hypot(canvas.x / 2.6, (y + 12.0) / 1.9), 0, 0.06)
        head, alpha = over(head, tint * 0.9, bun * (1 - alpha)), np.maximum(alpha, bun)
    return over(head, tint, mask), np.maximum(alpha, mask)


def ears(who: Identity, canvas: Canvas, skin: F32, light: Light, *, head: F32, alpha: F32) -> tuple[F32, F32]:
    """Ears beside the head, behind its outline."""
    if who.hair is Hair.LONG:
        return head, alpha
    energy = f32(light.key) * 0.62 + f32(light.ambient)
    for side in (-1, 1):
        dx = (canvas.x - side * 7.75) / 0.95
        dy = (canvas.y + 0.7 - 0.15 * side * canvas.x * 0) / 2.15
        ear = smooth(1 - np.hypot(dx + 0.25 * side * dy, dy), 0, 0.12)
        inner = np.exp(-((dx / 0.5) ** 2) - ((dy / 0.6) ** 2))
        colour = skin * energy * f32([1.02, 0.86, 0.84]) * (0.9 - 0.4 * inner)[..., None]
        head = over(head, colour.astype(np.float32), ear * (1 - alpha))
        alpha = np.maximum(alpha, ear)
    return head, alpha


def body(who: Identity, canvas: Canvas, light: Light, rng: np.random.Generator) -> tuple[F32, F32]:
    """Neck, shoulders and long hair: the layer behind the head (linear light) and its alpha."""
    ax, y = np.abs(canvas.x), canvas.y
    skin = linear(f32(who.skin))
    energy = f32(light.key) + f32(light.ambient)
    neck_w = 4.6 + 0.03 * (y - 8) ** 2
    neck = smooth(neck_w - ax, -0.1, 0.1)
    tone = 0.62 * np.sqrt(np.clip(1 - (canvas.x / 6.2) ** 2, 0.1, 1)) * (0.45 + 0.55 * smooth(y, 8.6, 12.2))
    tone = tone * (1 + 0.02 * noise(rng, canvas, 0.3))
    image = np.broadcast_to(skin, (*canvas.shape, 3)) * energy * tone[..., None]
    alpha = neck * smooth(y, 4.0, 5.0)
    if who.hair is Hair.LONG:
        tint = _tint(who, canvas, light, rng)
        fall = smooth(8.8 + 0.5 * np.sin(y / 3 + who.seed) - ax, -0.1, 0.5) * smooth(y, -9, -7)
        image, alpha = over(tint * 0.6, image, neck * smooth(4.9 - ax, 0, 0.3)), np.maximum(alpha, fall)
    shoulder = 11.3 + 0.055 * np.clip(ax - 4.0, 0, None) ** 1.4
    collar = shoulder - 0.0 + 2.0 * smooth(3.6 - ax, 0, 3.4)
    cloth_mask = smooth(y - np.where(ax < 4.2, collar, shoulder), 0, 0.15)
    fabric = 0.75 + 0.05 * noise(rng, canvas, 0.15) + 0.10 * noise(rng, canvas, 2.0)
    cloth = linear(f32(who.cloth)) * energy * (fabric * (1 - 0.02 * ax))[..., None] * 0.7
    return over(image.astype(np.float32), cloth.astype(np.float32), cloth_mask), np.maximum(alpha, cloth_mask)


def room(size: tuple[int, int], rng: np.random.Generator) -> F32:
    """A blurred background [h, w, 3] in sRGB 0..1: wall, gradients, soft furniture."""
    h, w = size
    y, x = np.mgrid[0:64, 0:114].astype(np.float32)
    wall = rng.uniform(0.15, 0.85, 3).astype(np.float32)
    wall = 0.55 * wall + 0.45 * wall.mean()
    image = wall * (1 + rng.uniform(-0.3, 0.3) * (x / 114 - 0.5) + rng.uniform(-0.4, 0.2) * (y / 64 - 0.5))[..., None]
    for _ in range(int(rng.integers(2, 8))):
        x0, y0 = rng.uniform(0, 114), rng.uniform(0, 64)
        bw, bh = rng.uniform(6, 40), rng.uniform(6, 50)
        box = smooth(bw / 2 - np.abs(x - x0), -1, 1) * smooth(bh / 2 - np.abs(y - y0), -1, 1)
        image = over(image, (rng.uniform(0.05, 0.95, 3) * 0.6 + wall * 0.4).astype(np.float32), box * rng.uniform(0.3, 0.9))
    image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(1.2, 4.0)))
    out: F32 = np.clip(cv2.resize(image, (w, h), interpolation=cv2.INTER_CUBIC), 0, 1)
    return out
