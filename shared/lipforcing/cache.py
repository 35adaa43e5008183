"""Who looks at whom: bidirectional, block-causal and streaming self-attention over one set of rules.

A block sees the sink (the first latent frames of the chunk), the rolling past, and itself, ``window`` latent frames in all,
both ways inside the block. Positions are relative to the window: its frames are numbered 0, 1, 2, ... in order, so a stream
of any length stays inside the positions that were trained (dynamic RoPE).

Choices:
- The full-sequence form numbers the positions exactly as streaming does, per block. The reference's full-sequence form does
  not (its steady state is off by the sink) and its first training stage therefore ran with absolute positions.
- Streaming keeps one fixed buffer of sink and previous block for each sequence and layer. Block 0 sees itself, block 1 block 0
  as well, every later block the sink too: what is visible is always a suffix of [sink | previous block | live block], so no
  mask is ever needed. The live block is joined to its past when a layer attends, which copies a layer's window once in every
  pass and so lets sequences lie in any slots, named by a tensor: one CUDA graph serves all of them.
- Keys lie in the buffer already rotated to the place they have in the window. A finished block moves one place (it was
  live, it becomes the past), so its keys are rotated once more, from the un-rotated keys of the context pass, when stored.
- That pass writes the past of layer i right after layer i has attended, so no second buffer exists.
- Gradients: with ``differentiable`` the visible past of every layer is copied at once, because a later block overwrites the
  buffer before the backward pass runs, which may compute a forward anew. The past itself carries no gradient.

Legend: B batch, S tokens, H heads, C head width, N tokens of a latent frame, W window in frames.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from lipforcing.contract import LATENTS_PER_BLOCK
from lipforcing.presets import StudentConfig
from lipforcing.rope import Angles, rope_angles, rotate


class Attention(Protocol):
    """How the self-attention of one forward mixes tokens."""

    @property
    def stores(self) -> bool:
        """True in a context pass: every layer's keys and values are kept, and the network's output is not wanted."""

    def __call__(self, layer: int, q_BSHC: Tensor, k_BSHC: Tensor, v_BSHC: Tensor) -> Tensor:
        """Attend with normalised, un-rotated queries and keys; returns [B, S, H, C]."""

    def store(self, layer: int, k_BSHC: Tensor, v_BSHC: Tensor) -> None:
        """Keep the keys and values of a layer for the next block."""


def attend(q_BSHC: Tensor, k_BSHC: Tensor, v_BSHC: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(Q Kᵀ / √C) V through the best backend that PyTorch has for the device; [B, S, H, C]."""
    q, k, v = (x.transpose(1, 2) for x in (q_BSHC, k_BSHC, v_BSHC))
    return scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2)


def visible_frames(block: int, window: int, sink: int) -> list[int]:
    """Latent frames that block ``block`` sees, in window order: its own 3, up to ``window`` with the sink included."""
    end = LATENTS_PER_BLOCK * (block + 1)
    return [frame for frame in range(end) if frame < sink or frame >= end - (window - sink)]


class _Stateless:
    """A form of attention that keeps nothing for the next block."""

    stores = False

    def store(self, layer: int, k_BSHC: Tensor, v_BSHC: Tensor) -> None:
        """Never called by the network, which stores only for streams."""
        del layer, k_BSHC, v_BSHC
        raise RuntimeError("only a streaming form of attention stores keys")


class Bidirectional(_Stateless):
    """Every token sees every token, at absolute positions (teacher, critic)."""

    def __init__(self, config: StudentConfig, frames: int, device: torch.device, dtype: torch.dtype) -> None:
        self._angles = rope_angles(config, frames, device, dtype)

    def __call__(self, layer: int, q_BSHC: Tensor, k_BSHC: Tensor, v_BSHC: Tensor) -> Tensor:
        """See ``Attention``."""
        del layer
        return attend(rotate(q_BSHC, self._angles), rotate(k_BSHC, self._angles), v_BSHC)


class BlockCausal(_Stateless):
    """All blocks of whole clips at once, each with its own window (first training stage).

    Raises:
        ValueError: ``frames`` is not a whole number of blocks.
    """

    def __init__(
        self,
        config: StudentConfig,
        frames: int,
        device: torch.device,
        dtype: torch.dtype,
        window: tuple[int, int] | None = None,
    ) -> None:
        if frames % LATENTS_PER_BLOCK:
            raise ValueError(f"a clip has whole blocks of {LATENTS_PER_BLOCK} latent frames, not {frames} frames")
        size, sink = window or (config.window, config.sink)
        seen = [visible_frames(block, size, sink) for block in range(frames // LATENTS_PER_BLOCK)]
        width = max(len(row) for row in seen)
        # Right-aligned: the live block is in the last three places of every row.
        pad = torch.tensor([width - len(row) for row in seen])
        place = torch.arange(width)
        valid = place >= pad[:, None]
        positions = (place - pad[:, None]).clamp(min=0)
        table = rope_angles(config, width, device, dtype)
        # [blocks, width] places -> [blocks, width · N] rows of the table of angles.
        count = config.frame_tokens
        tokens = (positions[:, :, None] * count + torch.arange(count)).flatten(1).to(device)
        self._frames = torch.tensor([[0] * (width - len(row)) + row for row in seen]).flatten().to(device)
        self._keys = Angles(table.cos[tokens].flatten(0, 1), table.sin[tokens].flatten(0, 1))
        # A query's position is that of its own frame in its own window; keys are repeated in every window that sees them.
        live = tokens[:, -LATENTS_PER_BLOCK * count :].flatten()
        self._queries = Angles(table.cos[live], table.sin[live])
        self._valid = valid.repeat_interleave(count, dim=1).to(device)
        self._blocks, self._tokens = len(seen), count

    def __call__(self, layer: int, q_BSHC: Tensor, k_BSHC: Tensor, v_BSHC: Tensor) -> Tensor:
        """See ``Attention``."""
        del layer
        # [B, S, H, C] -> [B · blocks, tokens of a block, H, C] beside keys of [B · blocks, tokens of a window, H, C]: windows
        # are a batch of their own, and no S x S mask is made.
        batch = q_BSHC.shape[0]
        q = rotate(q_BSHC, self._queries).unflatten(1, (self._blocks, -1)).flatten(0, 1)
        k = rotate(self._windows(k_BSHC), self._keys).unflatten(1, (self._blocks, -1)).flatten(0, 1)
        v = self._windows(v_BSHC).unflatten(1, (self._blocks, -1)).flatten(0, 1)
        mask = self._valid[:, None, None, :].repeat(batch, 1, q.shape[1], 1)
        return attend(q, k, v, mask).reshape(q_BSHC.shape)

    def _windows(self, x_BSHC: Tensor) -> Tensor:
        """The window of every block, one after the other."""
        frames: Tensor = x_BSHC.unflatten(1, (-1, self._tokens))
        return frames.index_select(1, self._frames).flatten(1, 2)


def stage(block: int) -> int:
    """What tells a block's window from others: 0 for block 0, 1 for block 1, 2 for every later one."""
    return min(block, 2)


class StreamCache:
    """K/V of S independent sequences, one slot each.

    Args:
        config: sizes; the rolling past must be exactly one block (window = sink + 6), as in every released network.
        slots: sequences held at the same time.
        device: where the buffers live.
        dtype: of keys and values.

    Raises:
        ValueError: the window does not hold the sink and exactly two blocks.
    """

    def __init__(self, config: StudentConfig, slots: int, device: torch.device, dtype: torch.dtype) -> None:
        if config.window - config.sink != 2 * LATENTS_PER_BLOCK or config.sink > LATENTS_PER_BLOCK:
            raise ValueError(
                f"streaming keeps the sink (at most {LATENTS_PER_BLOCK} frames) and one previous block: "
                f"window {config.window} with sink {config.sink} does not fit"
            )
        self.sink_tokens = config.sink * config.frame_tokens
        self.block_tokens = LATENTS_PER_BLOCK * config.frame_tokens
        shape = (slots, self.sink_tokens + self.block_tokens, config.heads, config.head_dim)
        self.keys = [torch.zeros(shape, device=device, dtype=dtype) for _ in range(config.layers)]
        self.values = [torch.zeros(shape, device=device, dtype=dtype) for _ in range(config.layers)]
        self.angles = rope_angles(config, config.window, device, dtype)
        # A compiled form of the same may take its place (``serving.compiled``).
        self.rotate = rotate

    def clear(self, slot: int) -> None:
        """Zero the K/V of one slot."""
        for buffer in (*self.keys, *self.values):
            buffer[slot].zero_()

    def step(
        self, slots: Sequence[int] | Tensor, blocks: Sequence[int], *, store: bool = False, differentiable: bool = False
    ) -> "Streaming":
        """Attention of one forward in which sequence ``slots[i]`` works on its block number ``blocks[i]``.

        Args:
            slots: all different; a tensor (int64, on the device) may be filled anew before a graph is replayed.
            blocks: of every sequence; only their stages count. Neighbours at one stage attend in one call.
            store: this is a context pass.
            differentiable: gradients pass through it.
        """
        return Streaming(self, slots, blocks, store=store, differentiable=differentiable)


class _Run(NamedTuple):
    """Neighbours of a batch at the same stage: their rows, their slots [R], and the first place of the past that they see."""

    stage: int
    rows: slice
    slots: Tensor
    first: int


class Streaming:
    """Self-attention of one block of each of some sequences, against their slots of a ``StreamCache``."""

    def __init__(
        self, cache: StreamCache, slots: Sequence[int] | Tensor, blocks: Sequence[int], *, store: bool, differentiable: bool
    ) -> None:
        sink, block = cache.sink_tokens, cache.block_tokens
        # First live position by block number; it settles from block 2 on.
        live = [min(number * block, sink + block) for number in blocks]
        # Where a block lies once it is the past: first of all in block 1's window, behind the sink in all later ones.
        past = [0 if number == 0 else sink for number in blocks]
        self.stores = store
        self._cache = cache
        self._slots = slots if isinstance(slots, Tensor) else torch.tensor(slots, device=cache.keys[0].device)
        self._runs = self._split([stage(number) for number in blocks])
        self._live = self._angles(live)
        self._next = self._angles(past) if store else None
        self._pasts = [self._copy_past(run) for run in self._runs] if differentiable else None

    def __call__(self, layer: int, q_BSHC: Tensor, k_BSHC: Tensor, v_BSHC: Tensor) -> Tensor:
        """See ``Attention``."""
        q, k = self._cache.rotate(q_BSHC, self._live), self._cache.rotate(k_BSHC, self._live)
        outputs = []
        for number, run in enumerate(self._runs):
            keys, values = self._window(layer, number, k[run.rows], v_BSHC[run.rows])
            outputs.append(attend(q[run.rows], keys, values))
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs)

    def store(self, layer: int, k_BSHC: Tensor, v_BSHC: Tensor) -> None:
        """Make this block the past of the next one; block 0 also leaves its first frames as the sink."""
        if self._next is None:
            raise RuntimeError("this step was opened without store")
        cache, sink = self._cache, self._cache.sink_tokens
        k_next = cache.rotate(k_BSHC, self._next)
        for buffer, made in ((cache.keys[layer], k_next), (cache.values[layer], v_BSHC)):
            kept, fresh = _wide(buffer), _wide(made.to(buffer.dtype))
            kept[:, sink:].index_copy_(0, self._slots, fresh)
            for run in self._runs:
                if run.stage == 0:
                    # After block 0 the past sits at positions 0, 1, 2, where the sink will sit too.
                    kept[:, :sink].index_copy_(0, run.slots, fresh[run.rows, :sink])

    def _split(self, stages: list[int]) -> list[_Run]:
        runs, start = list[_Run](), 0
        for number, group in groupby(stages):
            rows = slice(start, start + len(list(group)))
            runs.append(_Run(number, rows, self._slots[rows], self._cache.sink_tokens if number == 1 else 0))
            start = rows.stop
        return runs

    def _angles(self, starts: list[int]) -> Angles:
        parts = [self._cache.angles.tokens(start, start + self._cache.block_tokens) for start in starts]
        return parts[0] if len(set(starts)) == 1 else Angles.stack(parts)

    def _window(self, layer: int, number: int, k_RSHC: Tensor, v_RSHC: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values that a run sees: its past, then its live block."""
        run = self._runs[number]
        if run.stage == 0:  # nothing came before
            return k_RSHC, v_RSHC
        if self._pasts is not None:
            past_k, past_v = self._pasts[number][layer]
            return torch.cat((past_k, k_RSHC), 1), torch.cat((past_v, v_RSHC), 1)
        return self._joined(self._cache.keys[layer], run, k_RSHC), self._joined(self._cache.values[layer], run, v_RSHC)

    @staticmethod
    def _joined(buffer: Tensor, run: _Run, live_RSHC: Tensor) -> Tensor:
        """Past and live block in one tensor; the past is gathered right to where it belongs, so it is copied once."""
        past = buffer[:, run.first :]
        size = past.shape[1]
        window = past.new_empty(len(live_RSHC), size + live_RSHC.shape[1], *past.shape[2:])
        torch.index_select(_wide(past), 0, run.slots, out=_wide(window)[:, :size])
        window[:, size:] = live_RSHC
        return window

    def _copy_past(self, run: _Run) -> list[tuple[Tensor, Tensor]]:
        buffers = zip(self._cache.keys, self._cache.values, strict=True)
        return [
            (keys[:, run.first :].index_select(0, run.slots), values[:, run.first :].index_select(0, run.slots))
            for keys, values in buffers
        ]


def _wide(x: Tensor) -> Tensor:
    """The same bytes in elements of eight where they fit: kernels that copy by an index move one element for each thread."""
    return x.view(torch.int64) if x.shape[-1] * x.element_size() % 8 == 0 else x
