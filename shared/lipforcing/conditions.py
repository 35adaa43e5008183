"""What a student is told besides noise: who speaks, where to paint, what to keep, and what is said.

Legend: B batch, Z latent channels, T latent frames, h/w latent height and width, G = 4 frames of a latent, A features.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lipforcing.contract import LATENTS_PER_BLOCK


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions of whole clips or of single blocks.

    Attributes:
        identity_BZhw: latent 0 of the chunk's unmasked footage.
        mask_hw: 1 = generate, 0 = keep (the network's own channel; the reference's interface holds 1 minus this).
        masked_BZThw: latents of the footage with the mouth at mid grey.
        reference_BZThw: latents of the unmasked footage (in training, of another segment of the same video).
        speech_BTGA: speech features of each latent's four frames (``audio.pack.group_frames``).
    """

    identity_BZhw: Tensor
    mask_hw: Tensor
    masked_BZThw: Tensor
    reference_BZThw: Tensor
    speech_BTGA: Tensor

    def block(self, number: int) -> "Conditions":
        """The conditions of block ``number`` alone."""
        return self.blocks([number] * self.masked_BZThw.shape[0])

    def blocks(self, numbers: Sequence[int]) -> "Conditions":
        """The conditions of block ``numbers[i]`` of clip i."""

        def cut(x: Tensor, dim: int) -> Tensor:
            parts = [x[i : i + 1].narrow(dim, LATENTS_PER_BLOCK * n, LATENTS_PER_BLOCK) for i, n in enumerate(numbers)]
            return torch.cat(parts)

        return replace(
            self,
            masked_BZThw=cut(self.masked_BZThw, 2),
            reference_BZThw=cut(self.reference_BZThw, 2),
            speech_BTGA=cut(self.speech_BTGA, 1),
        )

    def static_channels(self) -> Tensor:
        """The 49 channels [B, 49, T, h, w] that stay while a block is denoised, in the patch embedding's order."""
        batch, _, frames, height, width = self.masked_BZThw.shape
        identity = self.identity_BZhw.unsqueeze(2).expand(-1, -1, frames, -1, -1)
        mask = self.mask_hw.to(self.masked_BZThw.dtype).expand(batch, 1, frames, height, width)
        return torch.cat((identity, mask, self.masked_BZThw, self.reference_BZThw), dim=1)
