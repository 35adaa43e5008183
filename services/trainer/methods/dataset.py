"""What a method learns from, whoever made it: rows that become micro-batches, and which rows a step takes.

Legend: N clips, V video frames, Z latent channels, T latent frames, h/w latent side, A speech features, S samples of sound,
L text tokens, E text width.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from services.trainer.methods.samples import Clips, of_latents, on_device
from services.trainer.methods.sync_training import SpokenClips
from services.trainer.models.latents import ClipLatents


class Dataset(Protocol):
    """A set of encoded clips."""

    @property
    def digest(self) -> str:
        """SHA-256 of clips and encoders."""

    @property
    def refused(self) -> dict[str, str]:
        """Clips that cannot be trained on, and why."""

    def __len__(self) -> int:
        """Number of clips."""

    def clips(self, rows: Sequence[int], places: Sequence[int], text_LE: Tensor, *, sound: bool) -> Clips:
        """A micro-batch on the CPU; raises `BadSampleError`."""

    def spoken(self) -> SpokenClips:
        """Mouths with their own sounds, to train a SyncNet on."""


@dataclass(frozen=True, slots=True)
class SpeakerDataset:
    """`Dataset` of generated speakers: every take for both of its mouths, with what is heard and with the true mouth shapes.

    Attributes:
        digest: SHA-256 of takes and encoders.
        latents: 2N clips; their speech is not used.
        speech_NVA: 4N, first what is heard, then the true shapes.
        sounds_NS: int16, of the 2N clips' frames.
        talk: of the takes.
    """

    digest: str
    latents: ClipLatents
    speech_NVA: Tensor
    sounds_NS: Tensor
    talk: SpokenClips

    @property
    def refused(self) -> dict[str, str]:
        """See `Dataset`: what is generated is never refused."""
        return {}

    def __len__(self) -> int:
        """See `Dataset`."""
        return len(self.speech_NVA)

    def clips(self, rows: Sequence[int], places: Sequence[int], text_LE: Tensor, *, sound: bool) -> Clips:
        """See `Dataset`."""
        at = torch.tensor([row % len(self.latents) for row in rows])
        all_ = self.latents
        some = ClipLatents(all_.reference_NZThw[at], all_.masked_NZThw[at], all_.target_NZThw[at], self.speech_NVA[list(rows)])
        sounds_NS = self.sounds_NS[at].float() / 32_768.0 if sound else None
        clips = of_latents(some, torch.arange(len(at)), text_LE, places, sounds_NS)
        return replace(clips, names=tuple(f"clip {row}" for row in rows))

    def spoken(self) -> SpokenClips:
        """See `Dataset`."""
        return self.talk


@dataclass(frozen=True, slots=True)
class Batches:
    """The micro-batches of every step: a pure function of its number, so that a resumed run sees the same.

    Attributes:
        dataset: what is learned.
        batch: samples of one step, over all processes.
        micro: samples of one process at a time.
        rank: of this process.
        world: processes.
        seed: of the order.
        text_LE: the prompt.
        sound: a reward needs the waveforms.
        device: where to.
    """

    dataset: Dataset
    batch: int
    micro: int
    rank: int
    world: int
    seed: int
    text_LE: Tensor
    sound: bool
    device: torch.device

    def __call__(self, number: int) -> list[Clips]:
        """This process's micro-batches of step ``number`` (from 1)."""
        rows = rows_of(number, self.batch, len(self.dataset), self.seed)
        firsts = range(self.rank * self.micro, self.batch, self.world * self.micro)
        return [self._some(range(first, first + self.micro), rows) for first in firsts]

    def shown(self) -> Clips:
        """One fixed clip, to look at."""
        return self._some(range(1), [0])

    def _some(self, places: range, rows: Sequence[int]) -> Clips:
        clips = self.dataset.clips([rows[place] for place in places], places, self.text_LE, sound=self.sound)
        return on_device(clips, self.device)


def rows_of(number: int, batch: int, count: int, seed: int) -> list[int]:
    """The rows of a step's samples by place: every clip once before any comes again, each time in another order."""
    first = (number - 1) * batch
    return [int(_order(seed, at // count, count)[at % count]) for at in range(first, first + batch)]


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(count)
