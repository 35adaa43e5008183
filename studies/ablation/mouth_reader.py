"""Reads the mouth's shape from decoded pictures, so that the student can be told how far its mouths are off.

An error of x0 is mostly skin: a mouth that opens too little costs less than a cheek in the wrong tone. The reader names what
viewers look at. It learns from true footage, half of it encoded, blurred by noise on the latents and decoded, and is then
frozen. It always reads under noise, so that the student cannot please it with what nobody else sees.

Legend: N pictures (four frames of one latent), F four frames' colours (12), V video frames, P shape parameters.
"""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from lipforcing.contract import FRAMES_PER_LATENT
from lipforcing.vae.tiny import COLOURS
from services.trainer.common.optimise import Curve, Optimisation, Parts, optimise
from services.trainer.models.mouth_pictures import SIDE, MouthPictures, frames_shown


@dataclass(frozen=True, slots=True)
class ReaderStage:
    """How the reader is trained.

    Attributes:
        plan: the optimisation; a sample is one picture of four frames.
        blur: largest deviation of the noise on latents.
        grain: largest deviation of the noise on pictures.
        tint: deviation of a colour cast.
    """

    plan: Optimisation
    blur: float = 0.25
    grain: float = 0.12
    tint: float = 0.05


class MouthReader(nn.Module):
    """Shape parameters [N, 4, P] of the mouths in pictures [N, 12, 64, 64], standardised over the training clips.

    Args:
        parameters: P.
        width: channels of the widest convolution.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, parameters: int, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * COLOURS, width // 2, 3, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(width // 2, width, 3, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(width, width, 3, stride=2, padding=1), nn.SiLU(),
            nn.Flatten(),
            nn.Linear(width * (SIDE // 16) ** 2, 2 * width), nn.SiLU(), nn.Linear(2 * width, parameters),
        )  # fmt: skip
        self.register_buffer("mean", torch.zeros(parameters))
        self.register_buffer("std", torch.ones(parameters))

    def forward(self, x_NFHW: Tensor) -> Tensor:
        """Standardised parameters of every frame."""
        frames = x_NFHW.unflatten(1, (FRAMES_PER_LATENT, COLOURS)).flatten(0, 1)
        with torch.autocast(x_NFHW.device.type, torch.bfloat16):
            read = self.layers(frames)
        return cast("Tensor", read.float().unflatten(0, (-1, FRAMES_PER_LATENT)))

    def standardise(self, shapes_BVP: Tensor) -> Tensor:
        """Shape parameters as ``forward`` gives them."""
        return (shapes_BVP - self.mean) / self.std


def shapes_of(shapes_RVP: Tensor, rows: Tensor, latents: Tensor) -> Tensor:
    """Shapes [N, 4, P] of the frames that some latents of some clips show."""
    frames = torch.tensor([frames_shown(latent) for latent in latents.tolist()])
    return shapes_RVP[rows[:, None], frames]


def train_reader(
    pictures: MouthPictures, latents_RZThw: Tensor, shapes_RVP: Tensor, stage: ReaderStage, seed: int
) -> tuple[MouthReader, Curve]:
    """A reader for these clips, frozen.

    Args:
        pictures: of the clips.
        latents_RZThw: of their target mouths.
        shapes_RVP: of the same.
        stage: how.
        seed: of everything that is drawn.
    """
    torch.manual_seed(seed)
    reader = MouthReader(shapes_RVP.shape[-1])
    std, mean = torch.std_mean(shapes_RVP, dim=(0, 1))
    reader.mean.copy_(mean)
    reader.std.copy_(std.clamp(min=1e-3))

    def loss(_step: int) -> Parts:
        rows = torch.randint(len(latents_RZThw), (stage.plan.batch,))
        latents = torch.randint(1, latents_RZThw.shape[2], rows.shape)
        shown = _spoiled(pictures, latents_RZThw, rows, latents, stage)
        wanted = reader.standardise(shapes_of(shapes_RVP, rows, latents))
        return {"shape": (reader(shown) - wanted).square().mean()}

    curve = optimise(reader, loss, stage.plan, stage="reader", report_every=100)
    return reader.eval().requires_grad_(requires_grad=False), curve


@torch.no_grad()
def _spoiled(pictures: MouthPictures, latents_RZThw: Tensor, rows: Tensor, latents: Tensor, stage: ReaderStage) -> Tensor:
    """Half of the pictures decoded from noisy latents, half as filmed, all with grain and a cast."""
    each = (len(rows), 1, 1, 1)
    z = latents_RZThw[rows, :, latents].float()
    z = z + stage.blur * torch.rand(each) * torch.randn_like(z)
    decoded = pictures.decoded(z, latents_RZThw[rows, :, latents - 1].float())
    shown = torch.where(torch.rand(each) < 0.5, decoded, pictures.filmed(rows, latents))
    return shown + stage.grain * torch.rand(each) * torch.randn_like(shown) + stage.tint * torch.randn(each)
