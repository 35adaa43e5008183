"""The one autoregressive loop: serving, offline inference and training all generate blocks here.

For every block: denoise (from pure noise through the timesteps of the schedule, re-noising between them), hand the clean
block out, then run the context pass that leaves its keys and values for the next block. The context pass runs when the
caller asks for the next item, so that a caller may decode or send a block first.

The lanes of a batch are independent sequences, each in its own slot of the cache and at its own block. What differs between
uses is injected: where noise comes from, after which step a block leaves the loop, and which of its steps carry gradients.

Choice: the gradient of a block never crosses into an earlier one (Self-Forcing): the context pass runs without gradient, and
the visible past is read as a constant.

Legend: B lanes, Z latent channels, T latent frames (3 per block), h/w latent height and width.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from lipforcing.blocks import TextKV
from lipforcing.cache import StreamCache
from lipforcing.conditions import Conditions
from lipforcing.contract import LATENT_CHANNELS, LATENTS_PER_BLOCK
from lipforcing.network import EmbeddedConditions, EmbeddedTime, LipNetwork
from lipforcing.noise import block_noise
from lipforcing.presets import StudentConfig
from lipforcing.schedule import add_noise, flow_to_x0


@dataclass(frozen=True, slots=True)
class BlockBatch:
    """One block of each of B sequences.

    Attributes:
        slots: cache slot of every lane, all different; as a tensor where a graph reads them.
        blocks: block number of every lane in its sequence.
        conditions: of exactly these blocks.
        noise: draw number -> standard normal noise [B, 16, 3, h, w]; draw 0 starts the block, draw k follows step k - 1.
    """

    slots: Sequence[int] | Tensor
    blocks: Sequence[int]
    conditions: Conditions
    noise: Callable[[int], Tensor]


class Policy(Protocol):
    """What training decides about a block and serving does not."""

    def exit_step(self, blocks: Sequence[int]) -> int:
        """Index of the denoising step whose clean prediction is the block's result."""

    def differentiable(self, blocks: Sequence[int], step: int) -> bool:
        """Whether this step's prediction carries gradients."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Every step of the schedule, no gradients."""

    steps: int

    def exit_step(self, blocks: Sequence[int]) -> int:
        """See ``Policy``."""
        del blocks
        return self.steps - 1

    def differentiable(self, blocks: Sequence[int], step: int) -> bool:
        """See ``Policy``."""
        del blocks, step
        return False


@dataclass(frozen=True, slots=True)
class Student:
    """A network with everything about it that never changes while it generates.

    Attributes:
        network: weights.
        text: the prompt, embedded or raw; raw where the network is being trained.
        times: the timesteps of the schedule, embedded or raw ([1] each), the context pass last.
    """

    network: LipNetwork
    text: Tensor | list[TextKV]
    times: Sequence[Tensor | EmbeddedTime]

    @classmethod
    def frozen(cls, network: LipNetwork, text_BLE: Tensor) -> "Student":
        """For generating: the text path and the modulation of every timestep are computed once."""
        with torch.no_grad():
            times = [network.embed_time(t) for t in _timesteps(network)]
            return cls(network, network.embed_text(text_BLE.to(network.device)), times)

    @classmethod
    def trained(cls, network: LipNetwork, text_BLE: Tensor) -> "Student":
        """For training: both are recomputed in every forward, so gradients reach their layers."""
        return cls(network, text_BLE.to(network.device), _timesteps(network))


# Generates one batch: its clean latents, and the context pass that is still to be run.
Generate = Callable[[BlockBatch], tuple[Tensor, Callable[[], None]]]


def rollout(generate_batch: Generate, batches: Iterable[BlockBatch]) -> Iterator[Tensor]:
    """Generate blocks.

    Args:
        generate_batch: ``eager`` or a form of it that an accelerator runs faster.
        batches: the blocks to generate, in order; each sequence's blocks must come in their own order.

    Yields:
        Clean latents [B, 16, 3, h, w] of each batch. The cache advances when the next item is asked for.
    """
    for batch in batches:
        x0, context = generate_batch(batch)
        yield x0
        context()


def eager(student: Student, cache: StreamCache, policy: Policy | None = None) -> Generate:
    """Run every operation as it comes.

    Args:
        student: network, prompt and schedule.
        cache: K/V of the sequences.
        policy: of training; every step and no gradients by default.
    """
    policy = policy or Sampling(len(student.network.config.t_list) - 1)

    def generate_batch(batch: BlockBatch) -> tuple[Tensor, Callable[[], None]]:
        x0, prepared = _denoise(student, cache, batch, policy)
        return x0, partial(_context, student, cache, batch, x0, prepared)

    return generate_batch


@torch.no_grad()
def _context(student: Student, cache: StreamCache, batch: BlockBatch, x0: Tensor, prepared: EmbeddedConditions) -> None:
    # At t = 0, the last of the times: the next block shall see keys of a clean past, as in training.
    attention = cache.step(batch.slots, batch.blocks, store=True)
    student.network(x0, student.times[-1], prepared, student.text, attention)


def _denoise(student: Student, cache: StreamCache, batch: BlockBatch, policy: Policy) -> tuple[Tensor, EmbeddedConditions]:
    network, t_list = student.network, student.network.config.t_list
    exit_step = policy.exit_step(batch.blocks)
    # Noise is drawn on the CPU, so a seed gives the same block on every device.
    x0 = noise = _to(network, batch.noise(0))
    with torch.no_grad():
        prepared = network.embed_conditions(batch.conditions)
    for step in range(exit_step + 1):
        # At t = 0.999 a block is taken to be pure noise.
        x_t = noise if step == 0 else add_noise(x0, noise, t_list[step])
        differentiable = policy.differentiable(batch.blocks, step)
        with torch.set_grad_enabled(differentiable):
            if differentiable:  # once more: what was prepared without gradients would cut those of the embedding layers
                prepared = network.embed_conditions(batch.conditions)
            attention = cache.step(batch.slots, batch.blocks, differentiable=differentiable)
            x0 = flow_to_x0(x_t, network(x_t, student.times[step], prepared, student.text, attention), t_list[step])
        if step < exit_step:
            noise = _to(network, batch.noise(step + 1))
    return x0, prepared


def clip_batches(
    conditions: Conditions, noise: Callable[[int, int], Tensor], slots: Sequence[int] | None = None
) -> Iterator[BlockBatch]:
    """The blocks of whole clips in step with each other, from block 0 on.

    Args:
        conditions: of B clips of the same length.
        noise: (block, draw) -> [B, 16, 3, h, w].
        slots: of the clips; 0 .. B - 1 by default.
    """
    clips, _, frames, _, _ = conditions.masked_BZThw.shape
    for block in range(frames // LATENTS_PER_BLOCK):
        yield BlockBatch(
            slots=slots or range(clips),
            blocks=[block] * clips,
            conditions=conditions.block(block),
            noise=partial(noise, block),
        )


def seeded_noise(config: StudentConfig, places: Sequence[tuple[int, int, int]]) -> Callable[[int], Tensor]:
    """The noise of one block of each lane from (job seed, chunk, block) of each."""
    shape = (LATENT_CHANNELS, LATENTS_PER_BLOCK, config.latent, config.latent)
    return lambda draw: torch.stack([block_noise(*place, draw, shape) for place in places])


@torch.no_grad()
def generate(student: Student, conditions: Conditions, seed: int, chunk: int = 0) -> Tensor:
    """Generate whole clips offline, lane i as chunk number ``chunk`` + i: latents [B, 16, T, h, w]."""
    network, clips = student.network, conditions.masked_BZThw.shape[0]
    cache = StreamCache(network.config, clips, network.device, network.dtype)

    def noise(block: int, draw: int) -> Tensor:
        return seeded_noise(network.config, [(seed, chunk + lane, block) for lane in range(clips)])(draw)

    return torch.cat(list(rollout(eager(student, cache), clip_batches(conditions, noise))), dim=2)


def _timesteps(network: LipNetwork) -> list[Tensor]:
    return [torch.tensor([t], dtype=torch.float64, device=network.device) for t in network.config.t_list]


def _to(network: LipNetwork, x: Tensor) -> Tensor:
    return x.to(device=network.device, dtype=network.dtype)
