"""Training and evaluation samples: aligned crops of a scene, with the mouth that is replaced and with the one that is wanted.

The reference that a student sees is another stretch of the same identity with other speech, disjoint by construction.

V frames, S samples of sound (640 per frame), H = W = 128.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubbing.faces.align import extract_crop, pose_of
from dubbing.faces.stabilise import smoothed
from synthetic.canonical import F32
from synthetic.scene import FRAMES, Scene, scene
from synthetic.splits import Split

CROP = 128


@dataclass(frozen=True)
class SpeakerSample:
    """One training sample.

    Attributes:
        source: uint8 [V, 128, 128, 3], aligned crops with mouth A.
        target: uint8 [V, 128, 128, 3], the same crops with mouth B.
        sound: int16 [S] at 16 kHz, what B says; S = 640 V.
        controls: float32 [V, 7], B's mouth (see `visemes.CONTROLS`).
        truth: float32 [V, 2], B's opening and width over the distance of the eyes.
        meta: identity, languages, voices, split, seed.
    """

    source: NDArray[np.uint8]
    target: NDArray[np.uint8]
    sound: NDArray[np.int16]
    controls: F32
    truth: F32
    meta: dict[str, str | int]


def crop_sample(one: Scene, jitter: float = 0.4) -> SpeakerSample:
    """Renders a scene and cuts the aligned crops with the renderer's own anchors.

    Args:
        one: the scene.
        jitter: standard deviation (frame pixels) of a slow error on the anchors, as a landmarker has.
    """
    rng = np.random.default_rng([0xC809, int(one.meta["seed"])])
    anchors = one.shot.anchors().astype(np.float64)
    anchors += rng.normal(0, jitter, (1, 3, 2)) + rng.normal(0, 0.25 * jitter, anchors.shape)
    matrices = smoothed(pose_of(anchors)).transforms(CROP)
    a, b = one.source_controls(), one.target_controls()
    pairs = [
        [extract_crop(frame, m, CROP) for frame in frames] for frames, m in zip(one.shot.shoot(a, b), matrices, strict=True)
    ]
    source, target = (np.stack(column) for column in zip(*pairs, strict=True))
    return SpeakerSample(source, target, one.target.pcm(), b, one.shot.truth(b), one.meta)


def samples(split: Split, count: int, seed: int, frames: int = FRAMES) -> Iterator[SpeakerSample]:
    """`count` samples of a split; sample i depends on (split, seed, i) only."""
    for index in range(count):
        yield crop_sample(scene(split, seed * 1_000_003 + index, frames))
