"""A speaker in front of a camera: slow head motion, blinks, and the frames of a clip with their ground truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from .actor import Actor
from .canonical import ANCHORS, CORNER_X, EYES, F32, LIP_Y, U8, f32, vertices
from .hair import room
from .identity import Identity
from .renderer import HeadPose, project, render
from .shape import sample
from .skin import Light
from .utterance import Utterance
from .visemes import CONTROLS, mouth


@dataclass(frozen=True)
class Camera:
    """What the lens and the sensor add: blur (sigma in pixels), noise (sigma in 8-bit steps), gain."""

    blur: float
    noise: float
    gain: float


# Where MediaPipe sees brows and nose of these faces, against the mesh's vertices (cm; mean over 24 training clips).
_SEEN = f32([[-0.21, 0.33], [0.21, 0.33], [0.0, 0.21]])


@dataclass(frozen=True)
class Take:
    """Everything about a clip but the speech: who, light, room, camera and how the head moves, frame by frame."""

    actor: Actor
    background: U8
    poses: tuple[HeadPose, ...]
    camera: Camera
    grain: NDArray[np.int16]

    def shoot(self, *controls: F32) -> Iterator[tuple[U8, ...]]:
        """The frames of this take, one mouth for each of `controls` [V, 7]: equal but for the mouth and jaw."""
        for i, (pose, *rows) in enumerate(zip(self.poses, *controls, strict=True)):
            mouths = [mouth(self._personal(row)) for row in rows]
            yield tuple(self._expose(frame, i) for frame in render(self.actor, pose, mouths, self.background))

    def truth(self, controls: F32) -> F32:
        """Drawn mouth opening and width over the distance of the eyes, [V, 2]."""
        return measures(self.actor, np.stack([self._personal(row) for row in controls]))

    def anchors(self) -> F32:
        """Brows and nose of every frame, [V, 3, 2] pixels, as the aligner's landmarks mean them."""
        v = vertices()
        points = np.stack([v[list(part), :2].mean(0) for part in ANCHORS]) + _SEEN
        return np.stack([project(self.actor, pose, points) for pose in self.poses])

    def _personal(self, row: F32) -> F32:
        out = row.copy()
        out[0] *= self.actor.who.articulation
        return out

    def _expose(self, frame: U8, index: int) -> U8:
        if self.camera.blur > 0:
            frame = cv2.GaussianBlur(frame, (0, 0), self.camera.blur)
        h, w = frame.shape[:2]
        rng = np.random.default_rng(index)  # the grain of frame i is the same in every take of this clip
        y, x = int(rng.integers(0, self.grain.shape[0] - h)), int(rng.integers(0, self.grain.shape[1] - w))
        out: U8 = cv2.add(cv2.convertScaleAbs(frame, alpha=self.camera.gain), self.grain[y : y + h, x : x + w], dtype=cv2.CV_8U)
        return out


def measures(actor: Actor, controls: F32) -> F32:
    """Gap between the lips and distance of the corners over the distance of the eyes, [V, 2], for control rows [V, 7]."""
    at = f32([[[0, LIP_Y], [-CORNER_X, LIP_Y], [CORNER_X, LIP_Y]]])

    def moved(basis: dict[str, F32]) -> F32:
        rows = np.zeros((len(controls), 3, 2), np.float32)
        for name, field in basis.items():
            rows += controls[:, CONTROLS.index(name), None, None] * sample(field, at)
        q = at + rows
        return q + sample(actor.forward, q)

    up, low = moved(actor.fields.up), moved(actor.fields.low)
    eyes = np.stack([vertices()[list(e), :2].mean(0) for e in EYES])[None]
    eyes = eyes + sample(actor.forward, eyes)
    scale = float(np.linalg.norm(eyes[0, 0] - eyes[0, 1]))
    gap = np.maximum(low[:, 0, 1] - up[:, 0, 1], 0)
    width = np.linalg.norm(up[:, 2] - up[:, 1], axis=1)
    return (np.stack([gap, width], 1) / scale).astype(np.float32)


def take(
    who: Identity, frames: int, size: tuple[int, int], seed: int, *, fps: Fraction = Fraction(25), face: float | None = None
) -> Take:
    """Sets up a clip.

    Args:
        who: the speaker.
        frames: how many.
        size: (height, width), even.
        seed: of light, room, camera and motion.
        fps: frames per second.
        face: ear-to-ear width in pixels; drawn around 0.58 of the height if None.
    """
    rng = np.random.default_rng([0x7A4E, seed])
    h, w = size
    scale = (face or h * rng.uniform(0.52, 0.66)) / 15.3
    ppc = float(np.ceil(scale * 1.25 / 4) * 4)
    actor = Actor(who, Light.draw(int(rng.integers(2**31))), ppc)
    background = np.round(room(size, rng) * 255).astype(np.uint8)
    poses = _motion(rng, frames, float(fps), (h, w), scale)
    small = scale / 10
    camera = Camera(float(rng.uniform(0, 0.7)) * small, float(rng.uniform(0.3, 3.0)), float(rng.uniform(0.88, 1.08)))
    grain = np.round(rng.normal(0, camera.noise, (h + 64, w + 64, 3))).clip(-127, 127).astype(np.int16)
    return Take(actor, background, poses, camera, grain)


def _motion(rng: np.random.Generator, frames: int, fps: float, size: tuple[int, int], scale: float) -> tuple[HeadPose, ...]:
    t = np.arange(frames) / fps

    def drift(rest: float, sway: float) -> NDArray[np.float64]:
        waves = sum(
            np.sin(2 * np.pi * f * t + rng.uniform(0, 2 * np.pi)) * rng.uniform(0.2, 1) / k
            for k, f in enumerate(rng.uniform((0.1, 0.3, 0.6), (0.3, 0.6, 1.1)), 1)
        )
        return np.asarray(rng.normal(0, rest) + sway * waves)

    h, w = size
    x = w / 2 + drift(0.35, 0.22) * scale
    y = h * 0.49 + drift(0.3, 0.18) * scale
    zoom = scale * (1 + drift(0.0, 0.012))
    roll, yaw, pitch = drift(0.05, 0.025), drift(0.11, 0.06), drift(0.05, 0.03)
    lids = _blinks(rng, frames, fps)
    rows = zip(
        x, y, zoom, np.clip(roll, -0.22, 0.22), np.clip(yaw, -0.32, 0.32), np.clip(pitch, -0.18, 0.18), lids, strict=True
    )
    return tuple(HeadPose(*(float(v) for v in row)) for row in rows)


def _blinks(rng: np.random.Generator, frames: int, fps: float) -> NDArray[np.float64]:
    lids = np.zeros(frames)
    at = rng.uniform(0, 4)
    t = np.arange(frames) / fps
    while at < frames / fps:
        lids = np.maximum(lids, np.clip(1.35 - np.abs(t - at) / 0.075, 0, 1))
        at += rng.uniform(1.5, 5.5)
    return lids


def render_clip(
    who: Identity,
    utterance: Utterance,
    *,
    fps: Fraction,
    size: tuple[int, int],
    frames: int,
    seed: int,
    face: float | None = None,
) -> tuple[Iterator[U8], F32]:
    """The frames of a speaking clip, uint8 [h, w, 3] one by one, and their truth [frames, 2] (opening, width)."""
    shot = take(who, frames, size, seed, fps=fps, face=face)
    controls = utterance.track.frames(frames, fps)
    return (frame for (frame,) in shot.shoot(controls)), shot.truth(controls)
