"""Forwards that every method shares: clean predictions of whole clips, and weights of places.

Legend: B samples, Z latent channels, T latent frames, h/w latent side.
"""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from lipforcing.cache import Bidirectional
from lipforcing.mask import generate_mask
from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.schedule import flow_to_x0
from services.trainer.methods.samples import Clips


def predict_flow(network: LipNetwork, x_t: Tensor, t_B: Tensor, clips: Clips) -> Tensor:
    """The flow of whole clips seen both ways, in the type of the clips (not of the network)."""
    # Every frame sees every other: teacher and critic judge whole clips.
    attention = _bidirectional(network.config, clips.frames, x_t.device, x_t.dtype)
    # Frozen networks may be bfloat16; what is subtracted from the noise is not.
    out: Tensor = network(x_t.to(network.dtype), t_B.to(x_t.device), clips.conditions, clips.text_BLE, attention)
    return out.to(x_t.dtype)  # [B, Z, T, h, w]


@cache
def _bidirectional(config: StudentConfig, frames: int, device: torch.device, dtype: torch.dtype) -> Bidirectional:
    # Positions are the same for all clips of a length: made once.
    return Bidirectional(config, frames, device, dtype)


def predict_x0(network: LipNetwork, x_t: Tensor, t_B: Tensor, clips: Clips) -> Tensor:
    """The clean clips that a bidirectional network sees in noisy ones."""
    # x0 = x_t - t flow, in float64 between.
    return flow_to_x0(x_t, predict_flow(network, x_t, t_B, clips), t_B)


@dataclass(frozen=True, slots=True)
class CellWeights:
    """How much each latent cell counts.

    Attributes:
        mouth: in the region that is generated.
        outside: in the region that the footage is pasted over.
        channels: of every latent channel, for codecs of which few channels carry most of the picture; None for all alike.
    """

    mouth: float = 1.0
    outside: float = 1.0
    channels: tuple[float, ...] | None = None

    def weight(self, like: Tensor) -> Tensor:
        """[h, w], or [Z, 1, h, w] where channels differ, for latents [..., Z, T, h, w]."""
        # [h, w], 1 where a mouth is generated.
        mask_hw = generate_mask(like.shape[-1], like.device, like.dtype)  # in the latents' own type
        # ``mouth`` inside, ``outside`` elsewhere.
        weight_hw = self.outside + (self.mouth - self.outside) * mask_hw
        if self.channels is None:
            return weight_hw  # [h, w]
        # [Z, 1, h, w] against latents [B, Z, T, h, w].
        return torch.tensor(self.channels).to(like)[:, None, None, None] * weight_hw
