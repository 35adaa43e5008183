"""Draws a speaker: painted layers (room, body, mouth interior, jaw, upper face) warped by pose and mouth."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from . import features, hair
from .canonical import CORNER_X, F32, LIP_Y, X_MIN, Y_MIN, canvas, vertices
from .identity import Identity
from .shape import Fields, Mouth, displacement, grid, invert, mouth_fields, proportions, sample, table_height
from .skin import Light, albedo, shade
from .texture import linear, over, smooth, srgb

U8 = NDArray[np.uint8]
_LID_LEVELS = (0.0, 0.3, 0.6, 0.85, 1.0)


@dataclass(frozen=True)
class Pose:
    """The head in the picture: centre (pixels), scale (pixels per centimetre), roll, yaw, pitch (radians), blink 0..1."""

    x: float
    y: float
    scale: float
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    blink: float = 0.0


@dataclass(frozen=True)
class Camera:
    """What the lens and the sensor add: blur (sigma in pixels), noise (sigma in 8-bit steps), gain."""

    blur: float = 0.0
    noise: float = 0.0
    gain: float = 1.0


class Actor:
    """One identity under one light, painted and ready to be drawn in any pose.

    Args:
        who: the identity.
        light: the light of the clip.
        ppc: texture resolution in pixels per centimetre; at least the pose's scale.
    """

    def __init__(self, who: Identity, light: Light, ppc: float) -> None:
        self.who, self.light, self.ppc = who, light, ppc
        plane = canvas(ppc)
        rng = np.random.default_rng([0xFACE, who.seed])
        skin, relief = albedo(who, plane, rng)
        lit = features.brows(who, plane, shade(skin, relief, plane, light), rng)
        state = rng.bit_generator.state
        self._heads = [self._head(plane, skin, lit, rng, state, 0.0)]
        self._lids = self._blinks(plane, skin, lit)
        body, alpha = hair.body(who, plane, light, rng)
        self._body = _rgba(srgb(body), alpha)
        self.fields: Fields = mouth_fields()
        self.forward = proportions(who)
        self._to_canonical = invert(self.forward)
        self._height = table_height()

    def _head(self, plane, skin, lit, rng, state, closed):  # type: ignore[no-untyped-def]
        rng.bit_generator.state = state
        face = features.eyes(self.who, plane, self.light, lit, closed, (0.0, 0.0))
        alpha = hair.head_mask(plane, self.who)
        face, alpha = hair.ears(self.who, plane, skin, self.light, alpha, face)
        face, alpha = hair.crown(self.who, plane, self.light, rng, face, alpha)
        face = features.glasses(self.who, plane, face, self.light)
        return _rgba(srgb(face), alpha)

    def _blinks(self, plane, skin, lit):  # type: ignore[no-untyped-def]
        part, at = plane.crop(-6.0, -4.4, 6.0, -1.4)
        out = []
        for closed in _LID_LEVELS:
            face = features.eyes(self.who, part, self.light, lit[at], closed, (0.0, 0.0))
            face = features.glasses(self.who, part, face, self.light)
            out.append(np.round(np.clip(srgb(face), 0, 1) * 255).astype(np.uint8))
        self._lid_at = at
        return out

    def texture(self, blink: float) -> U8:
        """The head's picture with the lids at `blink`."""
        level = int(np.argmin(np.abs(np.asarray(_LID_LEVELS) - blink)))
        head: U8 = self._heads[0]
        head[(*self._lid_at, slice(0, 3))] = self._lids[level]
        return head


def _rgba(image: F32, alpha: F32) -> U8:
    full = np.dstack([image, alpha])
    return np.round(np.clip(full, 0, 1) * 255).astype(np.uint8)


def _head_points(actor: Actor, pose: Pose, size: tuple[int, int], step: int) -> F32:
    """Canonical points (mouth at rest) under every `step`-th pixel, [h/step, w/step, 2]."""
    h, w = size
    xs = (np.arange(0, w, step, dtype=np.float32) + (step - 1) / 2 - np.float32(pose.x)) / np.float32(pose.scale)
    ys = (np.arange(0, h, step, dtype=np.float32) + (step - 1) / 2 - np.float32(pose.y)) / np.float32(pose.scale)
    x, y = np.meshgrid(xs, ys)
    c, s = np.float32(np.cos(pose.roll)), np.float32(np.sin(pose.roll))
    p = np.dstack([x * c + y * s, y * c - x * s])
    head = p
    shear = np.float32([np.sin(pose.yaw), np.sin(pose.pitch)])
    squeeze = np.float32([np.cos(pose.yaw), np.cos(pose.pitch)])
    if pose.yaw or pose.pitch:
        for _ in range(4):
            z = sample(actor._height, sample(actor._to_canonical, head)) - np.float32(3.0)
            head = (p - z[..., None] * shear) / squeeze
    return sample(actor._to_canonical, head)


def project(actor: Actor, pose: Pose, mouth: Mouth, points: F32, *, low: NDArray[np.bool_] | None = None) -> F32:
    """Where canonical points [n, 2] appear in the picture (pixels); `low` marks those below the lips' seam."""
    at = points[None].astype(np.float32)
    moved_up = at + sample(displacement(actor.fields.up, mouth), at)
    moved_low = at + sample(displacement(actor.fields.low, mouth), at)
    below = points[:, 1] > LIP_Y if low is None else low
    q = np.where(below[None, :, None], moved_low, moved_up)
    head = q + sample(actor.forward, q)
    z = sample(actor._height, q) - np.float32(3.0)
    shear = np.float32([np.sin(pose.yaw), np.sin(pose.pitch)])
    p = (head * np.float32([np.cos(pose.yaw), np.cos(pose.pitch)]) + z[..., None] * shear)[0]
    c, s = np.float32(np.cos(pose.roll)), np.float32(np.sin(pose.roll))
    out = np.stack([p[:, 0] * c - p[:, 1] * s, p[:, 0] * s + p[:, 1] * c], 1) * np.float32(pose.scale)
    return (out + np.float32([pose.x, pose.y])).astype(np.float32)


def render_frame(actor: Actor, pose: Pose, mouth: Mouth, background: U8) -> U8:
    """One picture.

    Args:
        actor: the painted speaker.
        pose: the head's place.
        mouth: the mouth's pose.
        background: uint8 [h, w, 3] RGB; sides divisible by 2.

    Returns:
        uint8 [h, w, 3] RGB.
    """
    h, w = background.shape[:2]
    rest = _head_points(actor, pose, (h, w), 2)
    q_up = sample(invert(displacement(actor.fields.up, mouth), 4), rest)
    q_low = sample(invert(displacement(actor.fields.low, mouth), 4), rest)
    rest, q_up, q_low = (cv2.resize(q, (w, h), interpolation=cv2.INTER_LINEAR) for q in (rest, q_up, q_low))
    texture = actor.texture(pose.blink)
    up, low = _lookup(texture, q_up, actor.ppc), _lookup(texture, q_low, actor.ppc)
    image = _behind(actor, pose, background).astype(np.float32)
    outside = smooth(np.abs(q_up[..., 0]), CORNER_X - 0.25, CORNER_X)
    edge = np.float32(pose.scale)
    a_up = np.clip((LIP_Y - q_up[..., 1]) * edge + 0.5, 0, 1)
    a_low = np.maximum(np.clip((q_low[..., 1] - LIP_Y) * edge + 0.5, 0, 1), outside)
    image = _over(image, low, a_low)
    _interior(actor, image, pose, mouth, (rest, q_up, q_low), a_low)
    image = _over(image, up, a_up)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)


def _lookup(texture: U8, points: F32, ppc: float) -> U8:
    px = (points - np.float32([X_MIN, Y_MIN])) * np.float32(ppc) - np.float32(0.5)
    out: U8 = cv2.remap(texture, px, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return out


def _over(image: F32, layer: U8, mask: F32) -> F32:
    m = (layer[..., 3] * (mask * np.float32(1 / 255)))[..., None]
    return image + (layer[..., :3] - image) * m


def _behind(actor: Actor, pose: Pose, background: U8) -> U8:
    """Room and body; the body follows the head's place, hardly its turns."""
    h, w = background.shape[:2]
    k = actor.ppc / pose.scale
    ox, oy = pose.x - pose.yaw * pose.scale, pose.y
    m = np.float32([[k, 0, (-X_MIN) * actor.ppc - k * ox], [0, k, (-Y_MIN) * actor.ppc - k * oy]])
    layer = cv2.warpAffine(
        actor._body, m, (w, h), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    a = layer[..., 3:].astype(np.float32) * np.float32(1 / 255)
    return (background + (layer[..., :3] - background.astype(np.float32)) * a).astype(np.uint8)


def _interior(actor: Actor, image: F32, pose: Pose, mouth: Mouth, maps: tuple[F32, F32, F32], a_low: F32) -> None:
    """Paints cavity, tongue and teeth between the lips, in place (only around the mouth)."""
    h, w = image.shape[:2]
    centre = project(actor, pose, mouth, np.float32([[0, LIP_Y]]))[0]
    rx, ry = 3.6 * pose.scale, 4.2 * pose.scale
    x0, x1 = int(np.clip(centre[0] - rx, 0, w)), int(np.clip(centre[0] + rx, 0, w))
    y0, y1 = int(np.clip(centre[1] - ry, 0, h)), int(np.clip(centre[1] + ry, 0, h))
    if x1 <= x0 or y1 <= y0:
        return
    at = (slice(y0, y1), slice(x0, x1))
    rest, _, q_low = (m[at] for m in maps)
    x, y = rest[..., 0], rest[..., 1] - np.float32(LIP_Y)
    depth = q_low[..., 1] - np.float32(LIP_Y)
    behind_lip = 1 - a_low[at]
    light = float(np.mean(actor.light.key) * 0.55 + np.mean(actor.light.ambient))
    colour = np.broadcast_to(np.float32([0.035, 0.010, 0.010]) * light, (*x.shape, 3))
    edge = np.float32(pose.scale)
    rise = 0.35 - 1.5 * mouth.tongue * min(1.0, mouth.open * 2.5) + 0.25 * mouth.round
    tongue_d = 1 - np.hypot(x / 1.75, (depth - 0.95 - rise) / 1.05)
    tongue = np.clip(tongue_d * edge * 0.8, 0, 1)
    shade_t = (0.25 + 0.75 * np.clip(tongue_d, 0, 1)) * light
    colour = over(colour, (np.float32([0.36, 0.10, 0.09]) * shade_t[..., None]).astype(np.float32), tongue * 0.95)
    jaw_y = depth + 0.42 - 0.30 * mouth.open
    colour = _teeth(colour, actor, x, -jaw_y, light * 0.62, 1.75, edge)
    block = image[at]
    block[:] = over(block, srgb(colour) * 255, behind_lip)
    drop = y - np.float32(0.10 + 0.16 * mouth.lift - 0.30 * mouth.round + 0.22 * mouth.bite)
    cover = np.maximum(behind_lip, np.float32(mouth.bite))
    teeth = _teeth(linear(block / 255), actor, x, drop, light, 2.0, edge)
    block[:] = over(block, srgb(teeth) * 255, cover * (np.abs(x) < CORNER_X + 1))


def _teeth(colour: F32, actor: Actor, x: F32, below: F32, light: float, half: float, edge: np.float32) -> F32:
    """A row of teeth whose cutting edge lies at `below` = 0 (cm), seen from the front."""
    arch = below + 0.06 * x * x
    tooth = np.clip(-arch * edge + 0.5, 0, 1) * np.clip((0.95 + arch) * edge, 0, 1)
    tooth = tooth * np.clip((half - np.abs(x)) * edge * 0.6, 0, 1)
    gaps = 1 - 0.22 * np.exp(-(((np.abs(x) % 0.52) / 0.05) ** 2))
    round_off = np.sqrt(np.clip(1 - (x / (half * 1.08)) ** 2, 0.03, 1))
    gum = smooth(-arch, 0.45, 0.9)
    white = np.float32([0.80, 0.76, 0.68]) * np.float32(actor.who.teeth)
    shade_t = (gaps * round_off * (1 - 0.55 * gum) * light * 0.72)[..., None]
    return over(colour, (white * shade_t).astype(np.float32), tooth)


def landmarks(actor: Actor, pose: Pose, mouth: Mouth) -> F32:
    """The 468 mesh vertices in the picture, [468, 2] pixels."""
    v = vertices()
    below = v[:, 1] > LIP_Y
    return project(actor, pose, mouth, v[:, :2], low=below)
