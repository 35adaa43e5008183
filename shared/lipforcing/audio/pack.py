"""From per-frame speech features to the bias that the audio blocks add (OmniAvatar's AudioPack).

Latent 0 hears video frame 0 four times; latent k >= 1 hears the frames 4k-3 .. 4k that it decodes to.

Legend: B batch, V video frames, T latent frames, G = 4 frames of a latent, A features, E packed width, D model width.
"""

import torch
from torch import Tensor, nn

from lipforcing.contract import FRAMES_PER_LATENT

_NORM_EPS = 1e-5


def group_frames(speech_BVA: Tensor) -> Tensor:
    """Per-frame features [B, 1 + 4k, A] -> per-latent groups [B, 1 + k, 4, A]: three copies of frame 0 go in front.

    Raises:
        ValueError: the number of frames is not 1 + 4k.
    """
    frames = speech_BVA.shape[1]
    if frames % FRAMES_PER_LATENT != 1:
        raise ValueError(f"speech features cover 1 + 4k frames, not {frames}")
    first = speech_BVA[:, :1].expand(-1, FRAMES_PER_LATENT - 1, -1)
    speech_BTGA: Tensor = torch.cat((first, speech_BVA), dim=1).unflatten(1, (-1, FRAMES_PER_LATENT))
    return speech_BTGA


class AudioPack(nn.Module):
    """Four frames of features -> one packed token (weights ``proj`` and ``norm_out``)."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(FRAMES_PER_LATENT * features, hidden)
        self.norm_out = nn.LayerNorm(hidden, eps=_NORM_EPS)

    def forward(self, speech_BTGA: Tensor) -> Tensor:
        """[B, T, 4, A] -> [B, T, E]; frame-major, features fastest; no nonlinearity."""
        packed: Tensor = self.norm_out(self.proj(speech_BTGA.flatten(2)))
        return packed
