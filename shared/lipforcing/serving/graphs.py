"""CUDA graphs: a block of any lanes replayed as two launches, one for its denoising and one for its context pass.

What a block's operations depend on is how many of its lanes are at their first, second, and later blocks. Slots, noise and
conditions are values in tensors that every graph reads. So one pair of graphs for each combination of stages serves every
batch: 164 for up to 8 lanes, 34 for up to 4. They are captured before the instance is ready, the largest first, in one pool
of memory, which the smaller ones use again: only one graph runs at a time, and nothing of it is read after the next one began
but the latents, which are copied out.

A combination that could not be captured runs eagerly, as everything does on a CPU.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import combinations_with_replacement
from typing import Any

import torch
from torch import Tensor

from lipforcing.cache import StreamCache, stage
from lipforcing.conditions import Conditions
from lipforcing.contract import FRAMES_PER_LATENT, LATENT_CHANNELS, LATENTS_PER_BLOCK
from lipforcing.mask import generate_mask
from lipforcing.network import LipNetwork
from lipforcing.rollout import BlockBatch, Generate, Student, eager
from lipforcing.serving.gpu import free_bytes

# The stage of every lane (``cache.stage``), ascending.
Stages = tuple[int, ...]
_STAGES = range(3)
_MIXED = 8


def shapes_of(lanes: int) -> list[Stages]:
    """What is captured for batches of up to ``lanes`` lanes, the combination that takes most memory first.

    All combinations of up to 8 lanes; of more only those in which all lanes are at one stage, since they grow with the cube.
    """
    mixed = range(min(lanes, _MIXED), 0, -1)
    every = [shape for count in mixed for shape in reversed(list(combinations_with_replacement(_STAGES, count)))]
    return even_shapes(range(_MIXED + 1, lanes + 1)) + every


def even_shapes(lanes: Iterable[int]) -> list[Stages]:
    """The combinations in which all lanes are at one stage, for sequences in step with each other."""
    return [(number,) * count for count in sorted(lanes, reverse=True) for number in reversed(_STAGES)]


@dataclass(frozen=True, slots=True)
class Captured:
    """How capturing went.

    Attributes:
        shapes: combinations that are replayed.
        failed: combinations that run eagerly, each with the reason.
        bytes: of the GPU that the graphs hold, the driver's part included.
        seconds: that it took.
    """

    shapes: int
    failed: dict[Stages, str]
    bytes: int
    seconds: float


class Graphed:
    """``rollout.eager``, replayed where a graph fits; a ``rollout.Generate``.

    Args:
        student: on a GPU.
        cache: K/V of the sequences.
        lanes: largest batch.

    Attributes:
        replays: batches that were replayed.
        misses: batches that ran eagerly.
    """

    def __init__(self, student: Student, cache: StreamCache, lanes: int) -> None:
        self._eager, self._device = eager(student, cache), student.network.device
        self._inputs = _Inputs(student.network, lanes)
        self._graphs: dict[Stages, _Pair] = {}
        self.replays = self.misses = 0

    def __call__(self, batch: BlockBatch) -> tuple[Tensor, Callable[[], None]]:
        """See ``rollout.Generate``; the latents are valid until the next call."""
        pair = self._graphs.get(tuple(stage(block) for block in batch.blocks))
        if pair is None:
            self.misses += 1
            return self._eager(batch)
        self.replays += 1
        self._inputs.fill(batch)
        pair.denoise.replay()
        return self._inputs.x0[: len(batch.blocks)], pair.context.replay

    @torch.inference_mode()
    def capture(self, shapes: Sequence[Stages]) -> Captured:
        """Capture ``shapes``. No sequence may be open: slots are written to."""
        began, before, failed = time.perf_counter(), free_bytes(self._device), dict[Stages, str]()
        self._warm_up(shapes)
        pool = torch.cuda.graph_pool_handle()
        for shape in shapes:
            try:
                self._graphs[shape] = _Pair(self._eager, self._inputs, shape, pool)
            except Exception as error:  # noqa: BLE001 - whatever it is, the eager form needs no graph
                failed[shape] = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
                # What a broken capture left in its pool is nobody's.
                pool = torch.cuda.graph_pool_handle()
        torch.cuda.synchronize(self._device)
        held = max(0, before - free_bytes(self._device))
        return Captured(len(self._graphs), failed, held, time.perf_counter() - began)

    def _warm_up(self, shapes: Sequence[Stages]) -> None:
        """Run every kind of call once, so that libraries choose kernels and compilers compile outside of a capture.

        Lanes attend by stages and share all else, so batches at one stage and one mixed batch of each size are all there is.
        """
        counts = {len(shape) for shape in shapes}
        mixed = [(0,) + (2,) * (count - 1) for count in counts if count > 1]
        stream = torch.cuda.Stream(self._device)
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            for shape in even_shapes(counts) + mixed:
                _, context = self._eager(self._inputs.batch(shape))
                context()
        torch.cuda.current_stream(self._device).wait_stream(stream)
        torch.cuda.synchronize(self._device)


class _Inputs:
    """What all graphs read, for as many lanes as there may be, and where they leave latents: n lanes have the first n rows."""

    def __init__(self, network: LipNetwork, lanes: int) -> None:
        config, device, dtype = network.config, network.device, network.dtype
        side = config.latent

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, device=device, dtype=dtype)

        block = (lanes, LATENT_CHANNELS, LATENTS_PER_BLOCK, side, side)
        self._conditions = Conditions(
            identity_BZhw=zeros(lanes, LATENT_CHANNELS, side, side),
            mask_hw=generate_mask(side, device, dtype),
            masked_BZThw=zeros(*block),
            reference_BZThw=zeros(*block),
            speech_BTGA=zeros(lanes, LATENTS_PER_BLOCK, FRAMES_PER_LATENT, config.audio_input),
        )
        self._noise = [zeros(*block) for _ in config.t_list[1:]]
        self._slots = torch.arange(lanes, device=device)
        self.x0 = zeros(*block)

    def batch(self, shape: Stages) -> BlockBatch:
        """A batch of this shape out of these tensors."""
        count = len(shape)
        rows = {
            field.name: getattr(self._conditions, field.name)[:count] for field in fields(Conditions) if field.name != "mask_hw"
        }
        conditions = Conditions(mask_hw=self._conditions.mask_hw, **rows)
        noise = [draw[:count] for draw in self._noise]
        return BlockBatch(self._slots[:count], shape, conditions, noise.__getitem__)

    def fill(self, batch: BlockBatch) -> None:
        """Bring in the values of a batch."""
        count = len(batch.blocks)
        self._slots[:count].copy_(torch.as_tensor(batch.slots))
        for field in fields(Conditions):
            if field.name != "mask_hw":
                getattr(self._conditions, field.name)[:count].copy_(getattr(batch.conditions, field.name))
        for draw, noise in enumerate(self._noise):
            noise[:count].copy_(batch.noise(draw))


class _Pair:
    """The two graphs of one combination of stages."""

    def __init__(self, run: Generate, inputs: _Inputs, shape: Stages, pool: Any) -> None:
        batch = inputs.batch(shape)
        self.denoise, self.context = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.denoise, pool=pool):
            x0, context = run(batch)
            inputs.x0[: len(shape)].copy_(x0)
        with torch.cuda.graph(self.context, pool=pool):
            context()
