"""CUDA graphs: a steady-state block replayed as two launches, one for its denoising and one for its context pass.

From block 2 on a block's shapes, addresses and window depend on its slots alone, so one pair of graphs per combination of
slots serves every later block. A combination is first run eagerly, which also warms the libraries up, then captured, which
executes nothing, and replayed from its next block on. Captured graphs share one memory pool.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import fields
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import activate_flash_attention_impl

from lipforcing.cache import StreamCache
from lipforcing.conditions import Conditions
from lipforcing.rollout import BlockBatch, Generate, Student, eager

_STEADY = 2


def use_best_attention() -> None:
    """Let SDPA use FlashAttention 3 where its package is installed; PyTorch's own kernels otherwise."""
    if find_spec("flash_attn_interface") is not None:
        activate_flash_attention_impl("FA3")


class Graphed:
    """``rollout.eager`` by CUDA graphs where they fit; a ``rollout.Generate``.

    Args:
        student: on a CUDA device.
        cache: K/V of the sequences.
        limit: combinations of slots kept; the one unused for longest is dropped first.
    """

    def __init__(self, student: Student, cache: StreamCache, limit: int = 16) -> None:
        self._eager = eager(student, cache)
        self._network, self._limit = student.network, limit
        self._graphs: OrderedDict[tuple[int, ...], _Captured] = OrderedDict()
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, batch: BlockBatch) -> tuple[Tensor, Callable[[], None]]:
        """See ``rollout.Generate``."""
        if min(batch.blocks) < _STEADY:
            return self._eager(batch)
        slots = tuple(batch.slots)
        if captured := self._graphs.get(slots):
            self._graphs.move_to_end(slots)
            return captured.replay(batch)
        x0, context = self._eager(batch)

        def context_and_capture() -> None:
            context()
            self._graphs[slots] = _Captured(self._eager, batch, self._draws(batch), self._pool)
            if len(self._graphs) > self._limit:
                self._graphs.popitem(last=False)

        return x0, context_and_capture

    def _draws(self, batch: BlockBatch) -> list[Tensor]:
        steps = len(self._network.config.t_list) - 1
        return [batch.noise(draw).to(self._network.device, self._network.dtype) for draw in range(steps)]


class _Captured:
    """The graphs of one combination of slots, and the tensors that they read."""

    def __init__(self, run: Generate, batch: BlockBatch, noise: Sequence[Tensor], pool: Any) -> None:
        self._noise = noise
        self._conditions = Conditions(*(getattr(batch.conditions, field.name).clone() for field in fields(Conditions)))
        still = BlockBatch(tuple(batch.slots), [_STEADY] * len(batch.slots), self._conditions, noise.__getitem__)
        self._denoise, self._context = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.cuda.graph(self._denoise, pool=pool):
            self._x0, context = run(still)
        with torch.cuda.graph(self._context, pool=pool):
            context()

    def replay(self, batch: BlockBatch) -> tuple[Tensor, Callable[[], None]]:
        """Generate a block; its latents are valid until the next replay of the same slots."""
        for field in fields(Conditions):
            getattr(self._conditions, field.name).copy_(getattr(batch.conditions, field.name))
        for draw, noise in enumerate(self._noise):
            noise.copy_(batch.noise(draw))
        self._denoise.replay()
        return self._x0, self._context.replay
