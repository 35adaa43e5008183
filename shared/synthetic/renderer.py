"""Draws a speaker: painted layers (room, body, jaw, mouth interior, upper face) warped by pose and mouth.

Every layer is one lookup in a texture: for each pixel, the inverse of pose, proportions and mouth says which canonical
point is seen there. Above and below the lips' seam the mouth's field differs, hence two layers with the interior between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from . import interior
from .actor import Actor
from .canonical import CORNER_X, F32, LIP_Y, U8, X_MIN, Y_MIN, f32
from .shape import Mouth, displacement, invert, lookup, sample
from .texture import smooth

# The depth (cm) around which the head turns.
_AXIS = np.float32(3.0)


@dataclass(frozen=True)
class HeadPose:
    """The head in the picture: centre (pixels), scale (pixels per centimetre), roll, yaw, pitch (radians), blink 0..1."""

    x: float
    y: float
    scale: float
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    blink: float = 0.0

    def turns(self) -> tuple[F32, F32]:
        """How depth shears and turning squeezes x and y, [2] each."""
        angles = f32([self.yaw, self.pitch])
        return np.sin(angles), np.cos(angles)


def project(actor: Actor, pose: HeadPose, points: F32) -> F32:
    """Where canonical points [n, 2] of a face with its mouth at rest appear, [n, 2] pixels."""
    shear, squeeze = pose.turns()
    head = points[None] + sample(actor.forward, points[None])
    z = sample(actor.height, head) - _AXIS
    p = (head * squeeze + z[..., None] * shear)[0]
    c, s = np.float32(np.cos(pose.roll)), np.float32(np.sin(pose.roll))
    turned = np.stack([p[:, 0] * c - p[:, 1] * s, p[:, 0] * s + p[:, 1] * c], 1)
    return (turned * np.float32(pose.scale) + f32([pose.x, pose.y])).astype(np.float32)


def render(actor: Actor, pose: HeadPose, mouths: Sequence[Mouth], background: U8) -> Iterator[U8]:
    """Pictures of one moment with different mouths.

    Args:
        actor: the painted speaker.
        pose: the head's place.
        mouths: the mouth poses.
        background: uint8 [h, w, 3] RGB; h and w even.

    Yields:
        uint8 [h, w, 3] RGB for each mouth.
    """
    behind = _behind(actor, pose, background)
    at = _head_box(pose, background.shape[:2])
    near = replace(pose, x=pose.x - at[1].start, y=pose.y - at[0].start)
    h, w = behind[at].shape[:2]
    rest = _under_pixels(actor, near, (h, w), 2)
    full = cv2.resize(rest, (w, h), interpolation=cv2.INTER_LINEAR)
    texture = actor.head(pose.blink)
    for mouth in mouths:
        above, below = (
            cv2.resize(sample(invert(displacement(basis, mouth), 4), rest), (w, h), interpolation=cv2.INTER_LINEAR)
            for basis in (actor.fields.up, actor.fields.low)
        )
        image = behind.copy()
        _layers(actor, near, mouth, (full, above, below), texture=texture, image=image[at])
        yield np.clip(image + np.float32(0.5), 0, 255).astype(np.uint8)


def _head_box(pose: HeadPose, size: tuple[int, ...]) -> tuple[slice, slice]:
    """The part of the picture that the head may touch; even sides."""
    h, w = size
    rows = np.clip([pose.y - 15 * pose.scale, pose.y + 13 * pose.scale], 0, h).astype(int) // 2 * 2
    columns = np.clip([pose.x - 12 * pose.scale, pose.x + 12 * pose.scale], 0, w).astype(int) // 2 * 2
    return slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))


def _layers(actor: Actor, pose: HeadPose, mouth: Mouth, maps: tuple[F32, F32, F32], *, texture: U8, image: F32) -> None:
    rest, above, below = maps
    edge = np.float32(pose.scale)
    upper = np.clip((np.float32(LIP_Y) - above[..., 1]) * edge + np.float32(0.5), 0, 1)
    # Each half of the face is drawn only in the rows where the seam lets it be seen.
    first, last = np.argmax(upper.min(1) < 1), len(upper) - np.argmax(upper[::-1].max(1) > 0)
    jaw, brow = slice(int(first), None), slice(0, int(last))
    lower = np.clip((below[jaw, :, 1] - np.float32(LIP_Y)) * edge + np.float32(0.5), 0, 1)
    # Beyond the corners both halves are one skin.
    lower = np.maximum(lower, smooth(np.abs(above[jaw, :, 0]), CORNER_X - 0.25, CORNER_X))
    _over(image[jaw], _lookup(texture, below[jaw], actor.ppc), lower)
    part = _around_mouth(actor, pose, image.shape[:2], int(first))
    shifted = (slice(part[0].start - int(first), part[0].stop - int(first)), part[1])
    if image[part].size:
        interior.paint(image[part], actor, mouth, pose.scale, rest=rest[part], low=below[part], behind=1 - lower[shifted])
    _over(image[brow], _lookup(texture, above[brow], actor.ppc), upper[brow])


def _around_mouth(actor: Actor, pose: HeadPose, size: tuple[int, ...], first: int) -> tuple[slice, slice]:
    h, w = size
    x, y = project(actor, pose, f32([[0, LIP_Y]]))[0]
    rx, ry = 3.8 * pose.scale, 4.4 * pose.scale
    rows = np.clip([y - ry, y + ry], first, h).astype(int)
    columns = np.clip([x - rx, x + rx], 0, w).astype(int)
    return slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))


def _under_pixels(actor: Actor, pose: HeadPose, size: tuple[int, int], step: int) -> F32:
    """Canonical points (mouth at rest) under every `step`-th pixel, [h/step, w/step, 2]."""
    h, w = size
    middle = np.float32((step - 1) / 2)
    xs = (np.arange(0, w, step, dtype=np.float32) + middle - np.float32(pose.x)) / np.float32(pose.scale)
    ys = (np.arange(0, h, step, dtype=np.float32) + middle - np.float32(pose.y)) / np.float32(pose.scale)
    c, s = np.float32(np.cos(pose.roll)), np.float32(np.sin(pose.roll))
    flat = np.dstack([xs * c + ys[:, None] * s, ys[:, None] * c - xs * s])
    shear, squeeze = pose.turns()
    head = flat
    for _ in range(3 if shear.any() else 0):
        z = sample(actor.height, head) - _AXIS
        head = (flat - z[..., None] * shear) / squeeze
    return sample(actor.to_canonical, head)


def _lookup(texture: U8, points: F32, ppc: float) -> U8:
    px = points * np.float32(ppc) + f32([-X_MIN * ppc - 0.5, -Y_MIN * ppc - 0.5])
    return lookup(texture, px, cv2.BORDER_CONSTANT)


def _over(image: F32, layer: U8, mask: F32) -> None:
    """Lays an RGBA layer over the image, in place."""
    m = layer[..., 3] * (mask * np.float32(1 / 255))
    image += (layer[..., :3] - image) * m[..., None]


def _behind(actor: Actor, pose: HeadPose, background: U8) -> F32:
    """Room and body; the body follows the head's place, hardly its turns."""
    h, w = background.shape[:2]
    k = actor.ppc / pose.scale
    ox, oy = pose.x - pose.yaw * pose.scale, pose.y
    m = f32([[k, 0, -X_MIN * actor.ppc - k * ox], [0, k, -Y_MIN * actor.ppc - k * oy]])
    layer = cv2.warpAffine(
        actor.body, m, (w, h), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    top = int(np.clip(pose.y + actor.body_top * pose.scale - 2, 0, h))
    image = background.astype(np.float32)
    _over(image[top:], layer[top:], f32([[1.0]]))
    return image
