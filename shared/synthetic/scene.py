"""One take, two mouths: the same footage of a speaker saying A and saying B.

Head, light, room and grain are equal in both, so what differs is what lips and jaw do.

V frames.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .canonical import F32
from .clip import Take, take
from .identity import Identity
from .splits import Split, identity_seed
from .utterance import SAMPLE_RATE, Utterance, draw

FPS = Fraction(25)
FRAMES = 45
FRAME_SIZE = (256, 256)
# Identities per split: training draws from many, so that the student learns mouths, not people.
IDENTITIES = {Split.TRAIN: 400, Split.DEV: 48, Split.TEST: 64}


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
