"""What a student's clips look like, as part of its loss: the mouth in one latent of every clip, decoded.

Latents are not pictures: an error of the same size may be plain to see or hardly show, and a mouth's quick movements lie in
channels that carry little of the whole. What is compared with is the true latent, decoded alike, so a material needs no film.

Legend: B clips, Z latent channels, T latent frames, h/w latent side, F four frames' colours (12), H/W side of the region.
"""

import torch
from torch import Tensor

from lipforcing.vae.tiny import TinyCodec
from services.trainer.models.mouth_pictures import LOWER_FACE

_EDGES = 0.5  # weight of the differences between neighbouring pixels, to which their own error is nearly blind


class Pictures:
    """The picture's error, by the decoder of a codec that is not trained."""

    def __init__(self, codec: TinyCodec) -> None:
        self._decoder = codec.decoder.requires_grad_(requires_grad=False).eval()

    def losses(self, x0_pred_BZThw: Tensor, x0_BZThw: Tensor, t_BT: Tensor, u_B: Tensor) -> Tensor:
        """Absolute error of pixels in [-1, 1] and of their differences, [B]; 0 for a clip whose later latents are all clean.

        Args:
            x0_pred_BZThw: clips as the student sees them; gradient reaches the decoded latents and those before them.
            x0_BZThw: as they are.
            t_BT: their timesteps; at 0 nothing was made.
            u_B: which of the latents that were made, as fractions in [0, 1). Latent 0, of one frame, is never looked at.
        """
        # [B, T - 1], without latent 0.
        noisy_BT = t_BT[:, 1:] > 0  # True where the student made something
        count_B = noisy_BT.sum(dim=1)  # of a clip's later latents, how many were made
        # The how-manieth of a clip's noisy latents, from 1.
        wanted_B = (u_B * count_B).long() + 1  # 1 .. count
        # Its place: the first where so many have been counted.
        at_B = 1 + (noisy_BT.cumsum(dim=1) >= wanted_B[:, None]).int().argmax(dim=1)
        rows_B, at_B = torch.arange(len(at_B), device=x0_pred_BZThw.device), at_B.to(x0_pred_BZThw.device)
        with torch.no_grad():
            true = self._decoded(x0_BZThw, rows_B, at_B)  # [B, F, H, W]: compared with the true latent, decoded alike
        # Gradient reaches two latents: the decoder shows each with the one before it.
        error = self._decoded(x0_pred_BZThw, rows_B, at_B) - true  # [B, F, H, W] in [-1, 1]
        # [B]: error of pixels and of their differences across and down; a clip of which nothing was made counts 0.
        return (count_B > 0).to(error) * (_size(error) + _EDGES * (_size(error.diff(dim=-1)) + _size(error.diff(dim=-2))))

    def _decoded(self, clips_BZThw: Tensor, rows_B: Tensor, at_B: Tensor) -> Tensor:
        """Pictures [B, 12, 64, 64] of one latent of each clip."""
        # Twice [B, Z, 9, 10]: the latent and the one before it, of the lower face with a rim for the convolutions.
        latents = [clips_BZThw[rows_B, :, at][LOWER_FACE.cells] for at in (at_B, at_B - 1)]
        pictures: Tensor = self._decoder(*latents)  # the rim is trimmed below
        return pictures.to(clips_BZThw.dtype)[LOWER_FACE.trim]


def _size(error_BFHW: Tensor) -> Tensor:
    # [B, F, H, W] -> [B]
    return error_BFHW.abs().flatten(1).mean(dim=1)
