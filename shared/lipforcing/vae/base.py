"""The interface of every video codec: causal and streamed, one latent for frame 0 and one for every 4 frames after it.

Choices:
- A stream's memory is a plain dictionary of tensors with the batch first.
- The whole-clip helpers run the very same steps, so a streamed clip equals a whole one by construction; what a codec
  has to prove is that its result does not depend on how a clip is cut into steps.

Legend: B batch, C colour channels (3, RGB), V video frames, H/W picture height and width, Z latent channels (16),
T latent frames, h/w latent height and width (H/8, W/8).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lipforcing.contract import BLOCK_FRAMES, FIRST_BLOCK_FRAMES, FRAMES_PER_LATENT, LATENTS_PER_BLOCK


@dataclass(slots=True)
class CodecState:
    """What one stream carries from step to step.

    Attributes:
        started: False until the first step has run; the first step treats its first frame (or latent) specially.
        tensors: feature maps by a name of the codec's choice, each with the batch as dimension 0.
    """

    started: bool = False
    tensors: dict[str, Tensor] = field(default_factory=dict)


class Codec(nn.Module, ABC):
    """A causal video codec with 8x spatial and 4x temporal reduction and 16 normalised latent channels."""

    @abstractmethod
    def encode_step(self, x_BCVHW: Tensor, state: CodecState) -> Tensor:
        """Encode the next frames of a stream and update ``state`` in place.

        Args:
            x_BCVHW: [B, 3, V, H, W] in [-1, 1]; V = 1 + 4k on the first step of a stream, 4k afterwards.
            state: from ``encoder_state``.

        Returns:
            [B, 16, T, H/8, W/8] normalised latents; T = 1 + k on the first step, k afterwards.
        """

    @abstractmethod
    def decode_step(self, z_BZThw: Tensor, state: CodecState) -> Tensor:
        """Decode the next latents of a stream and update ``state`` in place.

        Args:
            z_BZThw: [B, 16, T, h, w] normalised latents.
            state: from ``decoder_state``.

        Returns:
            [B, 3, V, 8h, 8w] clamped to [-1, 1]; V = 4T - 3 on the first step of a stream, 4T afterwards.
        """

    def encoder_state(self) -> CodecState:
        """The memory of a stream that is about to be encoded."""
        return CodecState()

    def decoder_state(self) -> CodecState:
        """The memory of a stream that is about to be decoded."""
        return CodecState()

    def encode(self, x_BCVHW: Tensor) -> Tensor:
        """Encode whole clips of V = 1 + 4k frames, block by block, into [B, 16, 1 + k, H/8, W/8].

        Raises:
            ValueError: V is not 1 + 4k.
        """
        frames = x_BCVHW.shape[2]
        if frames % FRAMES_PER_LATENT != 1:
            raise ValueError(f"a clip has 1 + 4k frames, not {frames}")
        state = self.encoder_state()
        first, rest = x_BCVHW[:, :, :FIRST_BLOCK_FRAMES], x_BCVHW[:, :, FIRST_BLOCK_FRAMES:]
        steps = [first, *rest.split(BLOCK_FRAMES, dim=2)] if rest.shape[2] else [first]
        return torch.cat([self.encode_step(step, state) for step in steps], dim=2)

    def decode(self, z_BZThw: Tensor) -> Tensor:
        """Decode whole clips of T latents, block by block, into [B, 3, 4T - 3, 8h, 8w] in [-1, 1]."""
        state = self.decoder_state()
        steps = z_BZThw.split(LATENTS_PER_BLOCK, dim=2)
        return torch.cat([self.decode_step(step, state) for step in steps], dim=2)


def from_uint8(frames_VHWC: Tensor) -> Tensor:
    """uint8 [..., V, H, W, 3] -> float32 [..., 3, V, H, W] in [-1, 1] (the reference's x / 255 · 2 - 1)."""
    return frames_VHWC.movedim(-1, -4).to(torch.float32) / 255.0 * 2.0 - 1.0


def to_uint8(x_CVHW: Tensor) -> Tensor:
    """Float [..., 3, V, H, W] in [-1, 1] -> uint8 [..., V, H, W, 3].

    Rounds to nearest: the reference truncates, which darkens every picture by half a step.
    """
    return ((x_CVHW.float() + 1.0) * 127.5).round().clamp(0.0, 255.0).to(torch.uint8).movedim(-4, -1).contiguous()
