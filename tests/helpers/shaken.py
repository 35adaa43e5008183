"""A drawn face before a camera that moves: pictures, and where brows and nose are in them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.faces.align import TEMPLATE

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]

SIZE = (240, 180)
EYES = 60.0  # pixels between the eyes
FACE = (TEMPLATE - TEMPLATE.mean(axis=0)) * (EYES / 158) + [120, 80]


def drawn(seed: int = 0) -> Picture:
    """Something with corners, uint8 [180, 240, 3]."""
    noise = np.random.default_rng(seed).normal(0, 1, (SIZE[1], SIZE[0], 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.0)
    return np.clip(128 + 40 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def path(frames: int, x: object = 0, y: object = 0, zoom: object = 1, roll: object = 0) -> Array:
    """The camera's transforms, float64 [V, 2, 3]: a shift after zoom and roll about the face."""
    x, y, zoom, roll = (np.broadcast_to(np.asarray(value, np.float64), frames) for value in (x, y, zoom, roll))
    cosine, sine = zoom * np.cos(roll), zoom * np.sin(roll)
    linear = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    middle = FACE.mean(axis=0)
    return np.concatenate([linear, (np.stack([x, y], -1) + middle - linear @ middle)[..., None]], -1)


def seen(picture: Picture, matrix: Array, frame: int = 0) -> Picture:
    """What the camera sees, with grain of its own."""
    moved = cv2.warpAffine(picture, matrix, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    grain = np.random.default_rng([1, frame]).normal(0, 1.5, moved.shape)
    return np.clip(moved + grain + 0.5, 0, 255).astype(np.uint8)


def place(matrix: Array, points: Array = FACE) -> Array:
    """Points [N, 2] through a transform."""
    return points @ matrix[:, :2].T + matrix[:, 2]
