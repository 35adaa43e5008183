"""What a method learns from, whoever made it: rows that become micro-batches, and which rows a step takes.

Legend: L text tokens, E text width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from services.trainer.methods.samples import Clips, on_device
from services.trainer.methods.sync_training import SpokenClips


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
class Batches:
    """The micro-batches of every step: a pure function of its number, so that a resumed run sees the same.

    ``batch`` samples a step over all processes, ``micro`` of one at a time; ``sound`` where a reward needs the waveforms.
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
        # Every process draws the order of the whole batch, and takes its places: ranks take turns, micro-batch by micro-batch.
        rows = rows_of(number, self.batch, len(self.dataset), self.seed)
        firsts = range(self.rank * self.micro, self.batch, self.world * self.micro)  # places of this rank's micro-batches
        return [self._some(range(first, first + self.micro), rows) for first in firsts]

    def shown(self) -> Clips:
        """One fixed clip, to look at."""
        return self._some(range(1), [0])

    def _some(self, places: range, rows: Sequence[int]) -> Clips:
        clips = self.dataset.clips([rows[place] for place in places], places, self.text_LE, sound=self.sound)
        return on_device(clips, self.device)


def rows_of(number: int, batch: int, count: int, seed: int) -> list[int]:
    """The rows of a step's samples by place: every clip once before any comes again, each time in another order."""
    first = (number - 1) * batch  # samples that earlier steps took
    # An epoch's order is drawn from its number, so a resumed run needs no state; a step may reach into the next epoch.
    return [int(_order(seed, at // count, count)[at % count]) for at in range(first, first + batch)]


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(count)
