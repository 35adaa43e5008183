"""The middle of the lower face in pictures: decoded from latents, and as it was filmed.

Latents are not pictures: an error of the same size may be plain to see or hardly show. What viewers look at is therefore
decoded during training, one latent's four frames at a time and around the mouth only, which costs a tenth of a step.

Legend: N pictures (four frames of one latent), Z latent channels, h/w latent side, F four frames' colours (12), V video frames,
R rows of clips, H/W crop side, C colours.
"""

from dataclasses import dataclass
from types import EllipsisType
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipforcing.contract import FRAMES_PER_LATENT, SPATIAL_STRIDE
from lipforcing.vae.base import from_uint8
from lipforcing.vae.tiny import TinyCodec, pack_frames

SIDE = 64  # pixels of a region
Slices = tuple[slice | EllipsisType, ...]


class Region(NamedTuple):
    """Which part of a crop is looked at, ``SIDE`` pixels square.

    Attributes:
        cells: of the latents, that are decoded.
        trim: of what was decoded, that is kept; the rest only gave the convolutions their surroundings.
        pixels: of filmed crops [4, H, W, C], the same part.
    """

    cells: Slices
    trim: Slices
    pixels: Slices


# The middle of the lower half of a crop of 16 x 16 cells.
LOWER_FACE = Region(
    np.s_[..., 7:16, 3:13], np.s_[..., SPATIAL_STRIDE:, SPATIAL_STRIDE:-SPATIAL_STRIDE], np.s_[:, 64:128, 32:96]
)
WHOLE = Region(np.s_[...,], np.s_[...,], np.s_[:,])


@dataclass(frozen=True, slots=True)
class MouthPictures:
    """Mouths of the clips that ``both_ways`` makes of takes.

    Attributes:
        codec: frozen.
        crops: uint8 [takes, 2, V, H, W, C]; row r of the clips shows mouth B of its take if r is even, else mouth A.
        region: of them.
    """

    codec: TinyCodec
    crops: NDArray[np.uint8]
    region: Region = LOWER_FACE

    def decoded(self, z_NZhw: Tensor, previous_NZhw: Tensor) -> Tensor:
        """Pictures [N, 12, 64, 64] in [-1, 1] of latents, each decoded with the one before it; with gradient."""
        with torch.autocast(z_NZhw.device.type, torch.bfloat16):
            decoded: Tensor = self.codec.decoder(z_NZhw[self.region.cells], previous_NZhw[self.region.cells])
        return decoded.float()[self.region.trim]

    def some(self, x0_BZThw: Tensor, rows: Tensor, count: int) -> "Shown":
        """``count`` latents of every generated clip beside what was filmed; ``rows`` [B] says which clips. Never latent 0.

        Gradient reaches the decoded latents and those before them.
        """
        latents_BN = torch.multinomial(torch.ones(len(rows), x0_BZThw.shape[2] - 1), count) + 1
        clips, latents = torch.arange(len(rows)).repeat_interleave(count), latents_BN.flatten()
        generated = self.decoded(x0_BZThw[clips, :, latents], x0_BZThw[clips, :, latents - 1])
        return Shown(rows[clips], latents, generated, self.filmed(rows[clips], latents))

    def filmed(self, rows: Tensor, latents: Tensor) -> Tensor:
        """The same pictures of some latents of some clips as they were filmed, [N]; latent 0 shows frame 0 four times."""
        shown = []
        for row, latent in zip(rows.tolist(), latents.tolist(), strict=True):
            take, which = divmod(row % (2 * len(self.crops)), 2)
            shown.append(self.crops[take, 1 - which][frames_shown(latent)][self.region.pixels])
        return pack_frames(from_uint8(torch.from_numpy(np.stack(shown))))


class Shown(NamedTuple):
    """Some latents of some clips: which, and as pictures [N, 12, 64, 64] decoded from what was generated and as filmed."""

    rows: Tensor
    latents: Tensor
    generated: Tensor
    filmed: Tensor


def frames_shown(latent: int) -> list[int]:
    """The four frames that a latent shows."""
    last = FRAMES_PER_LATENT * latent
    return [max(0, frame) for frame in range(last - FRAMES_PER_LATENT + 1, last + 1)]
