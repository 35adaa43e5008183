"""The stateless models: crops to latents, and sound to features.

Legend: C colour channels (3, RGB), V video frames, H/W crop height and width, Z latent channels, T latent frames, h/w latent
height and width, S samples, A features.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lipforcing.audio.wav2vec2 import Wav2Vec2Features
from lipforcing.contract import BLOCK_FRAMES, FIRST_BLOCK_FRAMES, SAMPLE_RATE
from lipforcing.mask import grey_mouth
from lipforcing.serving import gpu
from lipforcing.serving.errors import InvalidBlockError, NonFiniteOutputError
from lipforcing.vae.base import Codec, from_uint8

# Longest sound in one request: a window of 30 s with context on both sides, and slack.
_MAX_SAMPLES = 60 * SAMPLE_RATE


class FaceEncoder:
    """``face_encoder_*``: both streams, unmasked and masked, in one batch, block by block.

    Args:
        codec: encodes the crops.
        crop: side of a crop in pixels.
    """

    def __init__(self, codec: Codec, crop: int) -> None:
        self._codec, self._crop = codec, crop
        self._like = next(codec.parameters())
        self._format = torch.contiguous_format
        if gpu.is_gpu(self._like.device):
            self._format = channels_last(codec)
            # Trying kernels out pays for few shapes that come for ever. Here, not when a film waits; and what the first block
            # takes of the GPU's memory is held from now on, so that no other model counts on it.
            torch.backends.cudnn.benchmark = True
            self.encode(np.zeros((FIRST_BLOCK_FRAMES + BLOCK_FRAMES, crop, crop, 3), np.uint8))

    @torch.inference_mode()
    def encode(self, crops_VHWC: NDArray[np.uint8]) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
        """Encode the crops of one chunk.

        Args:
            crops_VHWC: uint8 [V, H, W, 3], V = 9 + 12k.

        Returns:
            Latents of the crops as they are, and of the crops with a grey mouth, both fp16 [T, 16, h, w].

        Raises:
            InvalidBlockError: wrong shape.
            NonFiniteOutputError: the latents are not finite.
        """
        frames, *rest = crops_VHWC.shape
        if rest != [self._crop, self._crop, 3] or frames < FIRST_BLOCK_FRAMES or (frames - FIRST_BLOCK_FRAMES) % BLOCK_FRAMES:
            raise InvalidBlockError(
                f"CROPS must have shape [9 + 12k, {self._crop}, {self._crop}, 3], not {list(crops_VHWC.shape)}"
            )
        state = self._codec.encoder_state()
        crops = torch.from_numpy(crops_VHWC)
        steps = [crops[:FIRST_BLOCK_FRAMES], *crops[FIRST_BLOCK_FRAMES:].split(BLOCK_FRAMES)]
        latents = [self._codec.encode_step(self._streams(step), state) for step in steps if len(step)]
        both_BTZhw = torch.cat(latents, dim=2).transpose(1, 2).to(torch.float16)
        if not torch.isfinite(both_BTZhw).all():
            raise NonFiniteOutputError("the latents of the crops are not finite")
        reference, masked = both_BTZhw.cpu().numpy()
        return np.ascontiguousarray(reference), np.ascontiguousarray(masked)

    def _streams(self, crops_VHWC: Tensor) -> Tensor:
        x_CVHW = from_uint8(crops_VHWC.to(self._like.device))
        both = torch.stack((x_CVHW, grey_mouth(x_CVHW))).to(self._like.dtype)
        return both.contiguous(memory_format=self._format)


def channels_last(codec: Codec) -> torch.memory_format:
    """Lay out a codec's convolutions channels last, as tensor cores read them; returns the format of its pictures."""
    for module in codec.modules():
        if isinstance(module, nn.Conv3d):
            module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last_3d)
        elif isinstance(module, nn.Conv2d):
            module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)
    return torch.channels_last_3d


class SpeechEncoder:
    """``speech_encoder_*``: one window of a track.

    Args:
        encoder: the tiny one, or wav2vec2, which also needs the track's level.
    """

    def __init__(self, encoder: nn.Module) -> None:
        self._encoder = encoder
        self._device = next(encoder.parameters()).device

    @torch.inference_mode()
    def encode(
        self, waveform_S: NDArray[np.float32], times_V: NDArray[np.float64], level: NDArray[np.float32]
    ) -> NDArray[np.float16]:
        """Features of every frame, fp16 [V, A].

        Args:
            waveform_S: 16 kHz mono.
            times_V: rising times of the frames, seconds from the first sample.
            level: [2] mean and standard deviation of the whole track.

        Raises:
            InvalidBlockError: wrong shape or value.
            NonFiniteOutputError: the features are not finite.
        """
        _check_speech(waveform_S, times_V, level)
        inputs = [torch.from_numpy(array).to(self._device) for array in (waveform_S, times_V)]
        if isinstance(self._encoder, Wav2Vec2Features):
            inputs.append(torch.from_numpy(level).to(self._device))
        features_VA: Tensor = self._encoder(*inputs).to(torch.float16)
        if not torch.isfinite(features_VA).all():
            raise NonFiniteOutputError("the speech features are not finite")
        return features_VA.cpu().numpy()


def _check_speech(waveform_S: NDArray[np.float32], times_V: NDArray[np.float64], level: NDArray[np.float32]) -> None:
    if waveform_S.ndim != 1 or not 0 < len(waveform_S) <= _MAX_SAMPLES:
        raise InvalidBlockError(f"WAVEFORM must have shape [1 .. {_MAX_SAMPLES}], not {list(waveform_S.shape)}")
    if times_V.ndim != 1 or not len(times_V):
        raise InvalidBlockError(f"FRAME_TIMES must have shape [V], V >= 1, not {list(times_V.shape)}")
    if level.shape != (2,):
        raise InvalidBlockError(f"LEVEL must have shape [2], not {list(level.shape)}")
    for name, array in (("WAVEFORM", waveform_S), ("FRAME_TIMES", times_V), ("LEVEL", level)):
        if not np.isfinite(array).all():
            raise InvalidBlockError(f"{name} holds values that are not finite")
    if times_V[0] < 0 or (np.diff(times_V) <= 0).any() or times_V[-1] * SAMPLE_RATE > _MAX_SAMPLES:
        raise InvalidBlockError("FRAME_TIMES must rise from 0 or later and lie within the longest window")
