"""Random numbers of one step as a pure function of (seed, step, place): nothing to store, nothing to broadcast.

A place is a sample's number in the whole batch of the step, over all ranks and micro-batches. What a sample draws depends on
its place alone. What decides control flow (an exit step, whether guidance is needed) must be equal on all ranks that compute
together and is drawn for a group of neighbouring places.

Legend: B samples.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_MANY = 16  # samples


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="draws")


class Purpose(IntEnum):
    """What a number is for; two purposes never share numbers."""

    NOISE = 0
    LEVEL = 1
    DROP_TEXT = 2
    DROP_SPEECH = 3
    WINDOW = 4
    EXIT = 5
    REGION = 6
    CRITIC_NOISE = 7
    CRITIC_LEVEL = 8
    STUDENT_NOISE = 9
    STUDENT_LEVEL = 10
    ROLLOUT = 11
    SHOWN = 12


@dataclass(frozen=True, slots=True)
class Draws:
    """The numbers of one micro-batch.

    Attributes:
        seed: of the run.
        step: number of the step, from 1.
        places: of the samples.
        rng_group: neighbouring places that share what decides control flow; a multiple of ranks x micro-batch.

    Raises:
        ValueError: the places are of several groups.
    """

    seed: int
    step: int
    places: tuple[int, ...]
    rng_group: int = 1 << 30

    def __post_init__(self) -> None:
        """Refuse a micro-batch that would need two decisions."""
        if len({place // self.rng_group for place in self.places}) != 1:
            raise ValueError(f"samples at places {self.places} are not in one group of {self.rng_group}")

    def normal(self, purpose: Purpose, shape: tuple[int, ...], part: int = 0) -> Tensor:
        """Standard normal numbers, float32 [B, *shape] on the CPU."""

        def row(place: int) -> NDArray[np.float32]:
            # By NumPy on the CPU: the same numbers whatever the device.
            return self._of(place, purpose, part).standard_normal(shape, np.float32)

        # A large batch for a quick device is drawn by several threads; each row's numbers are its own.
        rows = _threads().map(row, self.places) if len(self.places) >= _MANY else map(row, self.places)
        return torch.from_numpy(np.stack(list(rows)))

    def uniform(self, purpose: Purpose, shape: tuple[int, ...] = ()) -> Tensor:
        """Numbers in [0, 1), float64 [B, *shape] on the CPU."""
        return torch.from_numpy(np.stack([np.asarray(self._of(place, purpose).random(shape)) for place in self.places]))

    def shared_uniform(self, purpose: Purpose) -> float:
        """One number in [0, 1) for the whole group."""
        # Seeded by the group's number in place of a sample's; part -1 keeps both apart.
        return float(self._of(self.places[0] // self.rng_group, purpose, part=-1).random())

    def choice(self, purpose: Purpose, count: int) -> int:
        """One of 0 .. count - 1 for the whole group, all equally likely."""
        return int(self.shared_uniform(purpose) * count)  # below count, for the number is below 1

    def _of(self, place: int, purpose: Purpose, part: int = 0) -> np.random.Generator:
        # Stateless: a generator for each number's name, so nothing has to be saved or sent.
        return np.random.default_rng([self.seed, self.step, place, int(purpose), part + 1])
