"""The transformer block of Wan 2.1 with per-latent-frame modulation and an additive audio bias.

Choices:
- Multiply-adds of the modulation run as one ``addcmul`` (one rounding in bf16 where the reference has two).
- ``q``, ``k`` and ``v`` keep their published names; ``fuse_qkv`` joins them into one matrix for inference.
- The query and key norm is over the whole width, not per head, in float32 (float64 for a float64 model), rounded before its
  weight is applied.

Legend: B batch, T latent frames, N tokens of a latent frame, S = T·N tokens, D width, H heads, C head width, L text tokens.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear

from lipforcing.cache import Attention, attend
from lipforcing.presets import StudentConfig


class Modulation(NamedTuple):
    """Shift, 1 + scale and gate of the two halves of a block, each [B or 1, T or 1, 1, D]."""

    attention_shift: Tensor
    attention_scale: Tensor
    attention_gate: Tensor
    ffn_shift: Tensor
    ffn_scale: Tensor
    ffn_gate: Tensor


class TextKV(NamedTuple):
    """Keys and values of the prompt in one layer, [B or 1, L, H, C]."""

    keys: Tensor
    values: Tensor


def normalise(x: Tensor, eps: float) -> Tensor:
    """Layer norm without weights over the last dimension."""
    return layer_norm(x, x.shape[-1:], eps=eps)


class ModulatedNorm(nn.Module):
    """Layer norm without weights, then scale and shift; a module without parameters, so that it can be compiled apart."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """``scale`` is the 1 + s of the description; both broadcast against ``x``."""
        return torch.addcmul(shift, normalise(x, self.eps), scale)


class RMSNorm(nn.Module):
    """Root-mean-square norm over the full width."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last dimension; same dtype out as in."""
        # Squares of bf16 values keep 8 bits: their mean over 1,536 or 5,120 channels would lose the small ones.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        scaled = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return scaled.to(x.dtype) * self.weight


class _Projections(nn.Module):
    """The four projections and two norms that self- and cross-attention share."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        dim = config.dim
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim) for _ in range(4))
        self.norm_q, self.norm_k = RMSNorm(dim, config.eps), RMSNorm(dim, config.eps)
        self.heads = config.heads

    def split(self, x_BSD: Tensor) -> Tensor:
        """[B, S, D] -> [B, S, H, C]."""
        x_BSHC: Tensor = x_BSD.unflatten(-1, (self.heads, -1))
        return x_BSHC


class SelfAttention(_Projections):
    """Self-attention whose mixing of tokens is injected (``lipforcing.cache``)."""

    def forward(self, x_BSD: Tensor, attention: Attention, layer: int) -> Tensor:
        """[B, S, D] -> [B, S, D]; stores keys and values where the form of attention keeps them."""
        q, k, v = self._qkv(x_BSD)
        # Keys are handed over before rotation: whoever stores them rotates them to two places (`lipforcing.cache`).
        k, v = self.split(self.norm_k(k)), self.split(v)
        mixed = attention(layer, self.split(self.norm_q(q)), k, v)
        if attention.stores:
            attention.store(layer, k, v)
        out: Tensor = self.o(mixed.flatten(2))
        return out

    def store(self, x_BSD: Tensor, attention: Attention, layer: int) -> None:
        """Only the keys and values: all that the last layer of a context pass is for."""
        if "qkv" not in self._modules:
            k, v = self.k(x_BSD), self.v(x_BSD)
        elif isinstance(self.qkv, nn.Linear):
            dim = x_BSD.shape[-1]
            k, v = linear(x_BSD, self.qkv.weight[dim:], self.qkv.bias[dim:]).chunk(2, dim=-1)
        else:
            # A quantised matrix is not taken apart.
            _, k, v = self.qkv(x_BSD).chunk(3, dim=-1)
        attention.store(layer, self.split(self.norm_k(k)), self.split(v))

    def _qkv(self, x_BSD: Tensor) -> tuple[Tensor, ...]:
        if "qkv" in self._modules:
            return tuple(self.qkv(x_BSD).chunk(3, dim=-1))
        return self.q(x_BSD), self.k(x_BSD), self.v(x_BSD)

    def fuse_qkv(self) -> None:
        """Join the three input projections into one (inference only: the published names are gone afterwards)."""
        parts = [self.q, self.k, self.v]
        dim = self.o.in_features
        fused = nn.Linear(dim, 3 * dim, device="meta", dtype=self.q.weight.dtype)
        fused.weight = nn.Parameter(torch.cat([part.weight.detach() for part in parts]), requires_grad=False)
        fused.bias = nn.Parameter(torch.cat([part.bias.detach() for part in parts]), requires_grad=False)
        del self.q, self.k, self.v
        self.qkv = fused


class CrossAttention(_Projections):
    """Attention to the prompt; its keys and values are computed once per prompt."""

    def text(self, text_BLD: Tensor) -> TextKV:
        """Keys and values of an embedded prompt."""
        return TextKV(self.split(self.norm_k(self.k(text_BLD))), self.split(self.v(text_BLD)))

    def forward(self, x_BSD: Tensor, text: TextKV) -> Tensor:
        """[B, S, D] -> [B, S, D]; a prompt with batch 1 serves the whole batch."""
        q_BSHC = self.split(self.norm_q(self.q(x_BSD)))
        if text.keys.shape[0] == q_BSHC.shape[0]:
            mixed = attend(q_BSHC, *text)
        else:
            # One prompt for all: queries of the whole batch stand in one row [1, B · S, H, C], as they do not see each other.
            mixed = attend(q_BSHC.flatten(0, 1).unsqueeze(0), *text).view_as(q_BSHC)
        out: Tensor = self.o(mixed.flatten(2))
        return out


class Block(nn.Module):
    """Self-attention, cross-attention and feed-forward, each on a pre-normalised residual stream."""

    def __init__(self, config: StudentConfig, layer: int) -> None:
        super().__init__()
        self.modulation = nn.Parameter(torch.zeros(1, 6, config.dim))
        self.self_attn = SelfAttention(config)
        self.cross_attn = CrossAttention(config)
        self.norm3 = nn.LayerNorm(config.dim, eps=config.eps)
        self.ffn = nn.Sequential(
            nn.Linear(config.dim, config.ffn), nn.GELU(approximate="tanh"), nn.Linear(config.ffn, config.dim)
        )
        self.modulated = ModulatedNorm(config.eps)
        self.layer, self.last = layer, layer == config.layers - 1

    def modulate(self, time_BT6D: Tensor) -> Modulation:
        """The block's shifts, scales and gates at given timesteps."""
        # [B, T, 6, D] + [1, 6, D] -> six of [B, T, 1, D], which broadcast over the N tokens of a latent frame.
        shift1, scale1, gate1, shift2, scale2, gate2 = (time_BT6D + self.modulation).unsqueeze(3).unbind(2)
        return Modulation(shift1, 1 + scale1, gate1, shift2, 1 + scale2, gate2)

    def forward(
        self, x_BTND: Tensor, time: Tensor | Modulation, text: TextKV, audio_BTD: Tensor | None, attention: Attention
    ) -> Tensor:
        """One block.

        Args:
            x_BTND: hidden states.
            time: projected timesteps [B or 1, T or 1, 6, D], or this block's modulation computed beforehand.
            text: keys and values of the prompt.
            audio_BTD: bias added to every token of its latent frame, in the blocks that hear.
            attention: form of self-attention.

        Returns:
            [B, T, N, D]; in the last layer of a context pass unchanged, the keys and values being stored.
        """
        m = self.modulate(time) if isinstance(time, Tensor) else time
        if audio_BTD is not None:
            x_BTND = x_BTND + audio_BTD.unsqueeze(2)
        # Modulation is per latent frame, attention over all S = T · N tokens.
        h = self.modulated(x_BTND, m.attention_shift, m.attention_scale).flatten(1, 2)
        if attention.stores and self.last:
            self.self_attn.store(h, attention, self.layer)
            return x_BTND
        x_BTND = torch.addcmul(x_BTND, self.self_attn(h, attention, self.layer).view_as(x_BTND), m.attention_gate)
        # The prompt has neither modulation nor gate (Wan 2.1).
        x_BTND = x_BTND + self.cross_attn(self.norm3(x_BTND).flatten(1, 2), text).view_as(x_BTND)
        h = self.modulated(x_BTND, m.ffn_shift, m.ffn_scale)
        return torch.addcmul(x_BTND, self.ffn(h), m.ffn_gate)
