"""Everything that a student learns from, computed once: latents of the footage, features of the speech.

Legend: N clips, V video frames, H/W crop side, C colours, Z latent channels, T latent frames, h/w latent side, A features,
G = 4 frames of a latent, B batch.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipforcing.audio.pack import group_frames
from lipforcing.conditions import Conditions
from lipforcing.mask import generate_mask, grey_mouth
from lipforcing.vae.base import Codec, from_uint8
from lipforcing.vae.tiny import TinyCodec


@dataclass(frozen=True, slots=True)
class ClipLatents:
    """Clips as the student sees them, in half precision: latents [N, ...], and speech [kN, ...] of k ways to hear each clip.

    ``reference`` and ``masked`` show the footage as it was filmed, with its own words in its mouth; ``target`` is the same
    footage with the mouth of the speech to be heard. Nothing of the target reaches the conditions. Row r, of kN, is the
    footage r % N.
    """

    reference_NZThw: Tensor
    masked_NZThw: Tensor
    target_NZThw: Tensor
    speech_NVA: Tensor

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.speech_NVA)

    def conditions(self, rows: Tensor, dtype: torch.dtype) -> Conditions:
        """Conditions of some rows."""
        shown = rows % len(self.reference_NZThw)
        return conditions_of(self.reference_NZThw[shown], self.masked_NZThw[shown], self.speech_NVA[rows], dtype)


def conditions_of(reference_BZThw: Tensor, masked_BZThw: Tensor, speech_BVA: Tensor, dtype: torch.dtype) -> Conditions:
    """Conditions of whole clips from their latents and per-frame speech features (V = 1 + 4k)."""
    return Conditions(
        identity_BZhw=reference_BZThw[:, :, 0].to(dtype),
        mask_hw=generate_mask(reference_BZThw.shape[-1], reference_BZThw.device, dtype),
        masked_BZThw=masked_BZThw.to(dtype),
        reference_BZThw=reference_BZThw.to(dtype),
        speech_BTGA=group_frames(speech_BVA.to(dtype)),
    )


@torch.no_grad()
def encode_pair(codec: Codec, clip_VHWC: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """Reference and masked latents [Z, T, h, w] of one clip, both in one batch as the face encoder does."""
    x_CVHW = from_uint8(torch.from_numpy(clip_VHWC).to(next(codec.parameters()).device))
    reference, masked = codec.encode(torch.stack([x_CVHW, grey_mouth(x_CVHW)])).unbind(0)
    return reference, masked


def channel_energy(codec: TinyCodec) -> Tensor:
    """Mean squared change [Z] of a decoded pixel for one unit of every latent channel, along the codec's linear path.

    Latents have unit variance in every channel, but hardly an eighth of them carries most of what is seen.
    """
    return codec.decoder.linear.weight.detach()[:, :, 0, 0].square().mean(dim=0)
