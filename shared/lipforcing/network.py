"""The diffusion transformer of teacher, critic and student: one class, one state dict, three forms of attention.

Every input may be given raw, so that gradients reach the layers that embed it, or prepared once by ``embed_time``,
``embed_text`` and ``embed_conditions`` where it stays the same from forward to forward (a prompt for ever, the timesteps of
the schedule for ever, the conditions for the passes of one block).

Choices:
- The patch embedding is one matrix over [16 noisy | 49 static] channels; its two parts are applied apart, so the static
  channels are projected once per block. In bf16 this rounds the sum once more than the reference.
- A block's three rows of speech are padded to 16: matmul kernels for fewer rows differ with the batch in their last bit, and a
  sequence's result shall not depend on its neighbours.
- Nothing in a forward reads a value back from the device, and shapes depend on sizes alone: it can be captured as a graph.

Legend: B batch, Z latent channels, T latent frames, h/w latent height and width, N tokens of a latent frame (row-major
2x2 patches), D width, L text tokens, G = 4 frames of a latent, A speech features.
"""

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

from lipforcing.audio.pack import AudioPack
from lipforcing.blocks import Block, ModulatedNorm, Modulation, TextKV
from lipforcing.cache import Attention
from lipforcing.conditions import Conditions
from lipforcing.contract import LATENT_CHANNELS
from lipforcing.presets import StudentConfig
from lipforcing.schedule import TRAINING_STEPS

PATCH = (1, 2, 2)
_ROWS = 16


class EmbeddedTime(NamedTuple):
    """Timesteps as every block and the head use them."""

    blocks: list[Modulation]
    head_BTD: Tensor


class EmbeddedConditions(NamedTuple):
    """Projected static channels [B, T, N, D] and the bias [B, T, D] of every block that hears, by layer."""

    static_BTND: Tensor
    audio: dict[int, Tensor]


class Head(nn.Module):
    """Hidden states to one 2x2 patch of flow per token."""

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        self.modulation = nn.Parameter(torch.zeros(1, 2, config.dim))
        self.head = nn.Linear(config.dim, math.prod(PATCH) * config.out_dim)
        self.modulated = ModulatedNorm(config.eps)

    def forward(self, x_BTND: Tensor, time_BTD: Tensor) -> Tensor:
        """[B, T, N, D] -> [B, T, N, 4 · 16], channel fastest."""
        # [B, T, 1, D] + [1, 2, D]: the head has a shift and a scale of its own, and no gate.
        shift, scale = (time_BTD.unsqueeze(2) + self.modulation).unsqueeze(3).unbind(2)
        out: Tensor = self.head(self.modulated(x_BTND, shift, 1 + scale))
        return out


class LipNetwork(nn.Module):
    """The network, from noisy latents and conditions to flow.

    Args:
        config: sizes. Parameters have PyTorch's initialisation; ``initialise`` gives the one for training from scratch.
    """

    def __init__(self, config: StudentConfig) -> None:
        super().__init__()
        dim = config.dim
        self.config = config
        self.patch_embedding = nn.Conv3d(config.in_dim, dim, PATCH, PATCH)
        self.text_embedding = nn.Sequential(nn.Linear(config.text_dim, dim), nn.GELU(approximate="tanh"), nn.Linear(dim, dim))
        self.time_embedding = nn.Sequential(nn.Linear(config.freq_dim, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.time_projection = nn.Sequential(nn.SiLU(), nn.Linear(dim, 6 * dim))
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.layers))
        self.head = Head(config)
        self.audio_proj = AudioPack(config.audio_input, config.audio_hidden)
        self.audio_cond_projs = nn.ModuleList(nn.Linear(config.audio_hidden, dim) for _ in config.audio_layers)

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of activations."""
        return self.patch_embedding.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.patch_embedding.weight.device

    def forward(
        self,
        x_BZThw: Tensor,
        time: Tensor | EmbeddedTime,
        conditions: Conditions | EmbeddedConditions,
        text: Tensor | list[TextKV],
        attention: Attention,
    ) -> Tensor:
        """Predict the flow v = ε - x0.

        Args:
            x_BZThw: noisy latents [B, 16, T, h, w].
            time: timesteps t in [0, 0.999], [B] or per latent frame [B, T], or embedded ones.
            conditions: of the same clips and latent frames, or embedded ones.
            text: prompt embeddings [B or 1, L, text_dim], or embedded ones.
            attention: form of self-attention (``lipforcing.cache``).

        Returns:
            [B, 16, T, h, w]; in a context pass (``attention.stores``) the latents unchanged, nothing being predicted.
        """
        time = self.embed_time(time) if isinstance(time, Tensor) else time
        conditions = self.embed_conditions(conditions) if isinstance(conditions, Conditions) else conditions
        text = self.embed_text(text) if isinstance(text, Tensor) else text
        x_BTND = self._patches(x_BZThw, slice(0, LATENT_CHANNELS)) + conditions.static_BTND
        for layer, block in enumerate(self.blocks):
            x_BTND = block(x_BTND, time.blocks[layer], text[layer], conditions.audio.get(layer), attention)
        if attention.stores:
            return x_BZThw
        return self._unpatch(self.head(x_BTND, time.head_BTD), x_BZThw)

    def embed_time(self, t: Tensor) -> EmbeddedTime:
        """Timesteps [B] or [B, T] -> modulation of every block and of the head; sinusoids in float64."""
        # One timestep for a whole clip is [B, 1] from here on, and broadcasts over the T latent frames.
        t_BT = t.double().unsqueeze(1) if t.ndim == 1 else t.double()
        half = self.config.freq_dim // 2
        rates = 10_000.0 ** (-torch.arange(half, dtype=torch.float64, device=t.device) / half)
        # The network was trained with timesteps of 0 .. 1000; float32 would be off by up to 6e-5 rad at the fastest rate.
        angles = TRAINING_STEPS * t_BT.unsqueeze(-1) * rates
        sinusoids = torch.cat((angles.cos(), angles.sin()), dim=-1).to(self.dtype)
        embedded_BTD = self.time_embedding(sinusoids)
        # Shift, scale and gate for each of the two halves of a block.
        projected_BT6D = self.time_projection(embedded_BTD).unflatten(-1, (6, -1))
        return EmbeddedTime([block.modulate(projected_BT6D) for block in self._blocks()], embedded_BTD)

    def embed_text(self, text_BLE: Tensor) -> list[TextKV]:
        """Prompt embeddings [B, L, text_dim] -> keys and values of every layer. Padding rows count like all others."""
        text_BLD = self.text_embedding(text_BLE.to(self.dtype))
        return [block.cross_attn.text(text_BLD) for block in self._blocks()]

    def embed_conditions(self, conditions: Conditions) -> EmbeddedConditions:
        """Everything about a block that its denoising passes have in common."""
        static = self._patches(conditions.static_channels().to(self.dtype), slice(LATENT_CHANNELS, None))
        # The pack groups G = 4 speech features to a latent frame: [B, T, 4, A] -> [B, T, E], then one projection for a block.
        frames = conditions.speech_BTGA.shape[1]
        speech_BTGA = pad(conditions.speech_BTGA.to(self.dtype), (0, 0, 0, 0, 0, -frames % _ROWS))
        packed_BTE = self.audio_proj(speech_BTGA)
        layers = zip(self.config.audio_layers, self.audio_cond_projs, strict=True)
        return EmbeddedConditions(static, {layer: project(packed_BTE)[:, :frames] for layer, project in layers})

    def fuse_qkv(self) -> None:
        """Join q, k and v of every self-attention (inference only)."""
        for block in self._blocks():
            block.self_attn.fuse_qkv()

    def _patches(self, x_BZThw: Tensor, channels: slice) -> Tensor:
        """Project some of the input channels: [B, Z, T, h, w] -> [B, T, N, D]; the static part brings the bias."""
        # [B, Z, T, h, w] -> [B, Z, T, h/2, 2, w/2, 2] -> [B, T, h/2, w/2, Z, 2, 2], the order in which the convolution's weight
        # [D, Z, 1, 2, 2] is flattened: a strided convolution without overlap is a matrix product.
        _, dh, dw = PATCH
        patches = x_BZThw.unflatten(4, (-1, dw)).unflatten(3, (-1, dh)).permute(0, 2, 3, 5, 1, 4, 6)
        weight = self.patch_embedding.weight[:, channels].flatten(1)
        bias = None if channels.start == 0 else self.patch_embedding.bias
        return linear(patches.flatten(4).flatten(2, 3), weight, bias)

    def _unpatch(self, y_BTNP: Tensor, like_BZThw: Tensor) -> Tensor:
        """A token's 64 outputs are (row, column, channel), channel fastest."""
        _, dh, dw = PATCH
        grid_h, grid_w = like_BZThw.shape[3] // dh, like_BZThw.shape[4] // dw
        # [B, T, N, 64] -> [B, T, h/2, w/2, 2, 2, Z] -> [B, Z, T, h/2, 2, w/2, 2] -> [B, Z, T, h, w]
        y = y_BTNP.unflatten(3, (dh, dw, -1)).unflatten(2, (grid_h, grid_w))
        out: Tensor = y.permute(0, 6, 1, 2, 4, 3, 5).reshape(like_BZThw.shape)
        return out

    def _blocks(self) -> list[Block]:
        return cast("list[Block]", list(self.blocks))


def initialise(network: LipNetwork, seed: int) -> None:
    """Weights for training from scratch, a pure function of ``seed``; the first prediction is zero flow."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(network.named_parameters()):
        fresh = torch.zeros(parameter.shape)
        if name.endswith("modulation"):
            fresh.normal_(std=network.config.dim**-0.5, generator=generator)
        elif name.endswith(("norm_q.weight", "norm_k.weight", "norm3.weight", "norm_out.weight")):
            fresh.fill_(1.0)
        elif name.startswith(("text_embedding", "time_embedding")) and parameter.ndim > 1:
            fresh.normal_(std=0.02, generator=generator)
        # The head's matrix stays zero, as every bias does: the first prediction is zero flow, whatever the conditions.
        elif parameter.ndim > 1 and not name.startswith("head."):
            nn.init.xavier_uniform_(fresh.flatten(1), generator=generator)
        with torch.no_grad():
            parameter.copy_(fresh)
