"""Training and evaluation samples: one take, two mouths.

A sample is the footage of a speaker saying A (the source, whose mouth will be replaced) and the same footage saying B (the
target) with B's sound. Head, light, room and grain are equal, so what differs is what lips and jaw do. The reference that
a student sees is another stretch of the same identity with other speech, disjoint by construction.

V frames, S samples of sound (640 per frame), H = W = 128.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dubbing.faces.align import extract_crop, pose_of
from dubbing.faces.steady import smoothed

from .canonical import F32
from .clip import Take, take
from .identity import Identity
from .splits import Split, identity_seed
from .utterance import SAMPLE_RATE, Utterance, draw

FPS = Fraction(25)
FRAMES = 45
CROP = 128
FRAME_SIZE = (256, 256)
# Identities per split: training draws from many, so that the student learns mouths, not people.
IDENTITIES = {Split.TRAIN: 400, Split.DEV: 48, Split.TEST: 64}


@dataclass(frozen=True)
class Sample:
    """One training sample.

    Attributes:
        source: uint8 [V, 128, 128, 3], aligned crops with mouth A.
        target: uint8 [V, 128, 128, 3], the same crops with mouth B.
        sound: int16 [S] at 16 kHz, what B says; S = 640 V.
        controls: float32 [V, 7], B's mouth (see `visemes.CONTROLS`).
        truth: float32 [V, 2], B's opening and width over the distance of the eyes.
        source_truth: float32 [V, 2], A's.
        meta: identity, languages, voices, split, seed.
    """

    source: NDArray[np.uint8]
    target: NDArray[np.uint8]
    sound: NDArray[np.int16]
    controls: F32
    truth: F32
    source_truth: F32
    meta: dict[str, str | int]


@dataclass(frozen=True)
class Scene:
    """A sample before it is cropped: the take and both utterances."""

    shot: Take
    source: Utterance
    target: Utterance
    frames: int
    meta: dict[str, str | int]

    def source_controls(self) -> F32:
        """Mouth A, [V, 7]."""
        return self.source.track.frames(self.frames, FPS)

    def target_controls(self) -> F32:
        """Mouth B, [V, 7]."""
        return self.target.track.frames(self.frames, FPS)


def scene(split: Split, seed: int, frames: int = FRAMES, size: tuple[int, int] = FRAME_SIZE) -> Scene:
    """The scene of one sample; the same arguments give the same scene."""
    rng = np.random.default_rng([0xD06, list(Split).index(split), seed])
    who = Identity.draw(identity_seed(split, int(rng.integers(IDENTITIES[split]))))
    samples = frames * SAMPLE_RATE // int(FPS)
    first, second = (draw(split, 2 * seed + i, samples) for i in (0, 1))
    shot = take(who, frames, size, int(rng.integers(2**31)))
    meta: dict[str, str | int] = {
        "split": split.value, "seed": seed, "identity": who.seed,
        "language": second.voice.language, "voice": second.voice.variant, "source_language": first.voice.language,
    }  # fmt: skip
    return Scene(shot, first, second, frames, meta)


def crop_sample(one: Scene, jitter: float = 0.4) -> Sample:
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
    return Sample(source, target, one.target.pcm(), b, one.shot.truth(b), one.shot.truth(a), one.meta)


def samples(split: Split, count: int, seed: int, frames: int = FRAMES) -> Iterator[Sample]:
    """`count` samples of a split; sample i depends on (split, seed, i) only."""
    for index in range(count):
        yield crop_sample(scene(split, seed * 1_000_003 + index, frames))
