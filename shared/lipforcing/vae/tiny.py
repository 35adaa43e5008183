"""The demonstration model's video codec: the latent interface of the Wan VAE at a hundredth of its cost.

Choices:
- Four frames lie on the channels of one picture, so every layer is a 2-D convolution and one latent costs one pass. Frame 0
  fills its latent alone and is repeated four times; of its four decoded copies the last is kept.
- Both halves have a linear path from 8x8x4 patch to latent and back, which starts as the principal components of the footage;
  the convolutions beside it learn what those miss.
- The encoder looks at its own four frames only. The decoder also sees the previous latent, which is its whole memory.
- Latents have zero mean and unit variance per channel over the training footage; mean and deviation are stored buffers.

Legend: B batch, C colour channels (3, RGB), V video frames, H/W picture height and width, Z latent channels (16), T latent
frames, h/w latent height and width, N pictures (B · T), F four frames' colours on the channels (12), D features.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle, silu

from lipforcing.contract import FRAMES_PER_LATENT, LATENT_CHANNELS, SPATIAL_STRIDE
from lipforcing.vae.base import Codec, CodecState

COLOURS = 3
PACKED = COLOURS * FRAMES_PER_LATENT
PATCH = PACKED * SPATIAL_STRIDE * SPATIAL_STRIDE


class TinyResidual(nn.Module):
    """Two 3x3 convolutions around a skip; no norm, so a picture's result does not depend on its batch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)  # a block starts as (nearly) the identity, so the linear path is learned first

    def forward(self, x_NDhw: Tensor) -> Tensor:
        """[N, D, h, w] -> the same shape."""
        return x_NDhw + cast("Tensor", self.second(silu(self.first(silu(x_NDhw)))))


class TinyEncoder(nn.Module):
    """Four frames on the channels -> raw (not yet normalised) latents, 8x smaller."""

    def __init__(self, fine: int = 64, coarse: int = 128) -> None:
        super().__init__()
        self.linear = nn.Conv2d(PATCH, LATENT_CHANNELS, 1)
        self.patch = nn.Conv2d(PACKED * 16, fine, 1)
        self.fine = TinyResidual(fine)
        self.down = nn.Conv2d(fine, coarse, 3, stride=2, padding=1)
        self.coarse = nn.Sequential(TinyResidual(coarse), TinyResidual(coarse))
        self.out = nn.Conv2d(coarse, LATENT_CHANNELS, 1)

    def forward(self, x_NFHW: Tensor) -> Tensor:
        """[N, 12, H, W] in [-1, 1] -> [N, 16, H/8, W/8]."""
        x = self.fine(self.patch(pixel_unshuffle(x_NFHW, 4)))
        return cast("Tensor", self.linear(pixel_unshuffle(x_NFHW, SPATIAL_STRIDE)) + self.out(silu(self.coarse(self.down(x)))))


class TinyDecoder(nn.Module):
    """A latent and the one before it -> four frames on the channels."""

    def __init__(self, widths: tuple[int, int, int] = (128, 80, 48)) -> None:
        super().__init__()
        low, mid, high = widths
        self.linear = nn.Conv2d(LATENT_CHANNELS, PATCH, 1)
        self.inp = nn.Conv2d(2 * LATENT_CHANNELS, low, 3, padding=1)
        self.low = nn.Sequential(TinyResidual(low), TinyResidual(low))
        self.up_mid = nn.Conv2d(low, 4 * mid, 1)
        self.mid = nn.Sequential(TinyResidual(mid), TinyResidual(mid))
        self.up_high = nn.Conv2d(mid, 4 * high, 1)
        self.high = TinyResidual(high)
        self.out = nn.Conv2d(high, 4 * PACKED, 3, padding=1)

    def forward(self, z_NZhw: Tensor, previous_NZhw: Tensor) -> Tensor:
        """[N, 16, h, w] twice -> [N, 12, 8h, 8w], not clamped."""
        x = self.low(self.inp(torch.cat([z_NZhw, previous_NZhw], dim=1)))
        x = self.mid(pixel_shuffle(self.up_mid(x), 2))
        x = self.high(pixel_shuffle(self.up_high(x), 2))
        # [N, 12 · 64, h, w] -> [N, 12, 8h, 8w], and [N, 12 · 4, 4h, 4w] -> the same.
        return pixel_shuffle(self.linear(z_NZhw), SPATIAL_STRIDE) + pixel_shuffle(self.out(silu(x)), 2)


class TinyCodec(Codec):
    """The codec of preset ``tiny``; state dict: ``encoder.*``, ``decoder.*``, ``mean`` [16], ``std`` [16]."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.encoder = TinyEncoder()
        self.decoder = TinyDecoder()
        self.register_buffer("mean", torch.zeros(LATENT_CHANNELS))
        self.register_buffer("std", torch.ones(LATENT_CHANNELS))

    def encode_step(self, x_BCVHW: Tensor, state: CodecState) -> Tensor:
        """Encode the next frames of a stream; see ``Codec.encode_step``.

        Raises:
            ValueError: the frame count does not fill whole latents.
        """
        frames = x_BCVHW.shape[2]
        if frames % FRAMES_PER_LATENT != (0 if state.started else 1):
            message = f"{frames} frames do not fill whole latents {'after' if state.started else 'at'} a stream's start"
            raise ValueError(message)
        if not state.started:
            x_BCVHW = torch.cat([x_BCVHW[:, :, :1].expand(-1, -1, FRAMES_PER_LATENT - 1, -1, -1), x_BCVHW], dim=2)
            state.started = True
        z_NZhw: Tensor = self.encoder(pack_frames(x_BCVHW))
        z_NZhw = (z_NZhw - self.mean[:, None, None]) / self.std[:, None, None]
        return z_NZhw.reshape(x_BCVHW.shape[0], -1, *z_NZhw.shape[1:]).transpose(1, 2).contiguous()

    def decode_step(self, z_BZThw: Tensor, state: CodecState) -> Tensor:
        """Decode the next latents of a stream; see ``Codec.decode_step``."""
        before_BZhw = state.tensors["previous"] if state.started else z_BZThw[:, :, 0]
        pictures = []
        for z_BZhw in z_BZThw.unbind(2):  # one latent at a time: a convolution's last bit may depend on its batch
            pictures.append(self.decoder(z_BZhw, before_BZhw))
            before_BZhw = z_BZhw
        x_BCVHW = unpack_frames(torch.stack(pictures, dim=1).flatten(0, 1), z_BZThw.shape[0]).clamp(-1.0, 1.0)
        first, state.started = not state.started, True
        state.tensors["previous"] = z_BZThw[:, :, -1].clone()
        return x_BCVHW[:, :, FRAMES_PER_LATENT - 1 :] if first else x_BCVHW


def pack_frames(x_BCVHW: Tensor) -> Tensor:
    """[B, 3, 4T, H, W] -> [B · T, 12, H, W]: the four frames of one latent on the channels (frame-major)."""
    return x_BCVHW.transpose(1, 2).reshape(-1, PACKED, *x_BCVHW.shape[3:])


def unpack_frames(x_NFHW: Tensor, batch: int) -> Tensor:
    """[B · T, 12, H, W] -> [B, 3, 4T, H, W]; the inverse of ``pack_frames``."""
    return x_NFHW.reshape(batch, -1, COLOURS, *x_NFHW.shape[2:]).transpose(1, 2)
