"""Reads the mouth's shape from latents, so that the student can be told how far its mouths are off.

An error of x0 is mostly skin: a mouth that opens too little costs less than a cheek in the wrong tone. The reader names what
viewers look at. It learns from the latents of true footage and is then frozen. It always reads under noise that would be
white in the picture: what hardly shows there is buried, so that the student cannot please the reader and nobody else.

Legend: N clips, B batch, Z latent channels, T latent frames, V = 4T - 3 video frames, h/w latent side, P shape parameters.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from lipforcing.contract import FRAMES_PER_LATENT, LATENT_CHANNELS
from lipforcing.mask import generate_mask

from .optimise import Curve, Optimisation, Parts, optimise


@dataclass(frozen=True, slots=True)
class ReaderStage:
    """How the reader is trained.

    Attributes:
        plan: the optimisation; a sample is one clip.
        noise: largest deviation of the noise, in units of the latents for a channel of mean energy.
    """

    plan: Optimisation
    noise: float = 0.6


class MouthReader(nn.Module):
    """Shape parameters [B, V, P] of the mouths in latents [B, Z, T, h, w], standardised over the training clips.

    Args:
        energy_Z: what one unit of each latent channel does to the picture (``latents.channel_energy``).
        side: of the square latents.
        parameters: P.
        width: channels of the widest convolution.
    """

    mask: Tensor
    grain: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, energy_Z: Tensor, side: int, parameters: int, width: int = 128) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2 * LATENT_CHANNELS, width // 2, 3, padding=1), nn.SiLU(),
            nn.Conv2d(width // 2, width, 3, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(width, width, 3, stride=2, padding=1), nn.SiLU(),
            nn.Flatten(),
        )  # fmt: skip
        flat = self.layers(torch.zeros(1, 2 * LATENT_CHANNELS, side, side)).shape[1]
        self.hidden = nn.Linear(flat, 2 * width)
        self.read_out = nn.Linear(2 * width, FRAMES_PER_LATENT * parameters)
        self.register_buffer("mask", generate_mask(side))
        self.register_buffer("grain", (energy_Z / energy_Z.mean()).rsqrt()[:, None, None, None])
        self.register_buffer("mean", torch.zeros(parameters))
        self.register_buffer("std", torch.ones(parameters))

    def forward(self, x0_BZThw: Tensor) -> Tensor:
        """Standardised parameters; a latent is read together with the one before it, as it is decoded."""
        seen = x0_BZThw * self.mask
        before = torch.cat([seen[:, :, :1], seen[:, :, :-1]], dim=2)
        pairs = torch.cat([seen, before], dim=1).transpose(1, 2).flatten(0, 1)
        read = self.read_out(silu(self.hidden(self.layers(pairs))))
        frames = read.reshape(len(x0_BZThw), -1, self.mean.shape[0])
        return cast("Tensor", frames[:, FRAMES_PER_LATENT - 1 :])  # latent 0 shows one frame, its last

    def veil(self, x0_BZThw: Tensor, level: Tensor | float) -> Tensor:
        """``x0`` under noise that is white in the picture."""
        return x0_BZThw + level * self.grain * torch.randn_like(x0_BZThw)

    def standardise(self, shapes_BVP: Tensor) -> Tensor:
        """Shape parameters as ``forward`` gives them."""
        return (shapes_BVP - self.mean) / self.std


def train_reader(
    latents_NZThw: Tensor, shapes_NVP: Tensor, energy_Z: Tensor, stage: ReaderStage, seed: int
) -> tuple[MouthReader, Curve]:
    """A reader for these clips, frozen."""
    torch.manual_seed(seed)
    reader = MouthReader(energy_Z, latents_NZThw.shape[-1], shapes_NVP.shape[-1])
    std, mean = torch.std_mean(shapes_NVP, dim=(0, 1))
    reader.mean.copy_(mean)
    reader.std.copy_(std.clamp(min=1e-3))

    def loss(_step: int) -> Parts:
        rows = torch.randint(len(latents_NZThw), (stage.plan.batch,))
        x0 = latents_NZThw[rows].float()
        read = reader(reader.veil(x0, stage.noise * torch.rand(len(rows), 1, 1, 1, 1)))
        return {"shape": (read - reader.standardise(shapes_NVP[rows])).square().mean()}

    curve = optimise(reader, loss, stage.plan, stage="reader", report_every=100)
    return reader.eval().requires_grad_(requires_grad=False), curve
