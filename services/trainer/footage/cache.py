"""Latents and features of samples, computed once and kept by content.

The name of a cached file is the digest of the sample's content, of both encoders' weights and of the mouth mask: change any
of them and it is computed anew. The sound of the frames lies beside their latents, for rewards that hear it. A file appears
whole or not at all.

Legend: V video frames, S samples of sound, Z latent channels, T latent frames, h/w latent side, A features.
"""

import hashlib
from pathlib import Path

import numpy as np
import structlog
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.contract import mouth_mask
from lipforcing.mask import grey_mouth
from lipforcing.vae.base import Codec, from_uint8
from services.trainer.common.timing import frame_times

from .sample import Crops, Sample
from .tensor_files import write_whole

log = structlog.get_logger(__name__)


class LatentCache:
    """Encodes samples, or finds in ``folder`` that it has done so before."""

    def __init__(self, folder: Path, codec: Codec, encoder: nn.Module) -> None:
        self.folder, self._codec, self._encoder = folder, codec, encoder
        self._recipe = f"{weights_digest(codec)}/{weights_digest(encoder)}"
        self.computed = 0
        folder.mkdir(parents=True, exist_ok=True)

    def encoded(self, sample: Sample) -> Path:
        """The file of a sample's tensors, written now where it is not there yet.

        It holds ``reference``, ``masked`` and ``target`` [Z, T, h, w], ``speech`` [V, A], all float16, and ``heard`` int16 [S].

        Raises:
            DiskFull: there is no room for it.
        """
        side = sample.target_VnnC.shape[1]
        mask = hashlib.sha256(np.packbits(mouth_mask(side)).tobytes()).hexdigest()
        path = self.folder / f"{hashlib.sha256(f'{sample.digest}/{self._recipe}/{mask}'.encode()).hexdigest()}.safetensors"
        if path.exists():
            try:
                load_file(path)
            except SafetensorError:
                log.warning("cached_latents_damaged", file=path.name, sample=sample.key)
            else:
                return path
        tensors = self._encode(sample)
        self.computed += 1
        write_whole(path, tensors)
        return path

    @torch.no_grad()
    def _encode(self, sample: Sample) -> dict[str, Tensor]:
        sound_S = torch.from_numpy(sample.sound_S.astype(np.float32) / 32_768.0)
        times_V = torch.from_numpy(frame_times(len(sample.target_VnnC)))
        return {
            "reference": self._latents(sample.reference_VnnC),
            "masked": self._latents(sample.filmed_VnnC, hidden=True),
            "target": self._latents(sample.target_VnnC),
            "speech": hear(self._encoder, sound_S, times_V).half(),
            "heard": torch.from_numpy(sample.speech.copy()),
        }

    def _latents(self, crops_VnnC: Crops, *, hidden: bool = False) -> Tensor:
        x_CVnn = from_uint8(torch.from_numpy(crops_VnnC))
        like = next(self._codec.parameters())
        x_CVnn = (grey_mouth(x_CVnn) if hidden else x_CVnn).to(like)
        return self._codec.encode(x_CVnn[None])[0].half().cpu().contiguous()


def hear(encoder: nn.Module, sound_S: Tensor, times_V: Tensor) -> Tensor:
    """Features [V, A] of either speech encoder, on the CPU; the big one is told the level of the whole ``sound_S``."""
    sound_S = sound_S.to(next(encoder.parameters()).device)
    level = () if isinstance(encoder, TinySpeechEncoder) else (torch.stack([sound_S.mean(), sound_S.std(correction=0)]),)
    features: Tensor = encoder(sound_S, times_V, *level)
    return features.cpu()


def weights_digest(module: nn.Module) -> str:
    """SHA-256 over a module's tensors and their names."""
    found = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        found.update(name.encode())
        found.update(tensor.detach().contiguous().cpu().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
