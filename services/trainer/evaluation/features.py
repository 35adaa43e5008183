"""Features behind perceptual and Fréchet distances, with their licences: all of them this repository's, Apache-2.0.

* pictures: the encoder of the demonstration model's codec (``face_encoder_tiny``), two layers. It has seen drawn faces only and
  looks at four frames at a time. Figures made with it are called *codec-feature distance* and *codec-feature Fréchet distance*;
  they are neither LPIPS nor FID, and only figures made with the same codec may be compared.
* motion: opening and width of the mouth (landmarks) over five frames, called *mouth-motion Fréchet distance*; it is not FVD.

Legend: V video frames, H/W crop side, C colours, N groups of four frames, D features, h/w side of a layer.
"""

from pathlib import Path
from typing import Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import pixel_unshuffle, silu

from lipforcing.contract import FRAMES_PER_LATENT, STUDENTS, mouth_mask
from lipforcing.serving.loading import load_face_encoder
from lipforcing.vae.base import from_uint8
from lipforcing.vae.tiny import TinyCodec, pack_frames
from services.trainer.metrics.mouth_series import MouthSeries
from services.trainer.metrics.pictures import Mask, Values

_MOTION_FRAMES = 5


class CodecFeatures:
    """Feature maps of aligned crops by the demonstration model's codec."""

    def __init__(self, codec: TinyCodec) -> None:
        self._encoder = codec.encoder.float().eval()

    @classmethod
    def of(cls, repository: Path) -> Self:
        """With the codec of a model repository; raises WeightsError where there is none."""
        model = STUDENTS["tiny"].face_encoder
        return cls(cast("TinyCodec", load_face_encoder(repository / model / "1", model, torch.device("cpu"))))

    @torch.no_grad()
    def maps(self, crops_VHWC: NDArray[np.uint8]) -> list[Values]:
        """Two layers [N, D, h, w] of every four frames; frames that fill no group are left out."""
        whole = len(crops_VHWC) // FRAMES_PER_LATENT * FRAMES_PER_LATENT
        x_NFHW = pack_frames(from_uint8(torch.from_numpy(crops_VHWC[:whole]))[None])
        fine = self._encoder.fine(self._encoder.patch(pixel_unshuffle(x_NFHW, 4)))
        coarse = silu(self._encoder.coarse(self._encoder.down(fine)))
        return [layer.double().numpy() for layer in (fine, coarse)]


def masks_of(maps: list[Values]) -> list[Mask]:
    """The mouth region at the size of each layer."""
    return [mouth_mask(layer.shape[-1]) for layer in maps]


def pooled(maps: list[Values]) -> Values:
    """The coarse layer's mean inside the mouth region, [N, D]."""
    coarse = maps[-1]
    return np.asarray(coarse[:, :, mouth_mask(coarse.shape[-1])].mean(axis=-1))


def motion(mouths: MouthSeries) -> Values:
    """Opening and width over every five frames in which the mouth was seen, [N, 10]."""
    both = np.stack([mouths.opening, mouths.width], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(both, _MOTION_FRAMES, axis=0).reshape(-1, 2 * _MOTION_FRAMES)
    return np.asarray(windows[np.isfinite(windows).all(axis=1)])
