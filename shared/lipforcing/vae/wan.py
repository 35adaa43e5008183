"""The Wan 2.1 video VAE (arXiv 2503.20314, section 4.1): 126,892,531 parameters in 194 tensors, published names.

Choices:
- A stream is always run in the published steps, frame 0 alone and then 4 frames at a time (decoder: 1 latent at a time),
  whatever the caller's cut, so that a result cannot depend on the cut: whole clip and stream are bit-equal.
- Memory is explicit: every convolution with temporal extent keeps its last two input frames in the stream's
  ``CodecState`` under its own module name. It starts as zeros, which is the causal padding; no convolution pads in time.
- Both streams (reference and masked footage) go through as one batch.
- Latents are means, never samples, normalised by the published constants in the weights' own type.
- The reference rounds the weights to bf16 for good at its first encode; here the caller picks the type once (bf16 serves).

Legend: B batch, C channels, V frames, H/W height and width (of any level), Z latent channels, T latents, N = B·V.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from lipforcing.contract import FRAMES_PER_LATENT, LATENT_CHANNELS
from lipforcing.vae.base import Codec, CodecState

_MEAN = (
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508,
    0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
)  # fmt: skip
_STD = (
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743,
    3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160,
)  # fmt: skip


class CausalConv3d(nn.Conv3d):
    """A convolution over [B, C, V, H, W] that sees no later frame; ``slot`` names its memory."""

    slot = ""

    def __init__(self, into: int, out: int, kernel: tuple[int, int, int], stride: tuple[int, int, int] = (1, 1, 1)) -> None:
        super().__init__(into, out, kernel, stride, (0, kernel[1] // 2, kernel[2] // 2))

    def forward(self, x_BCVHW: Tensor, state: CodecState) -> Tensor:  # type: ignore[override]  # its memory is explicit
        """Convolve the frames after those that the stream remembers."""
        keep = self.kernel_size[0] - self.stride[0]
        if keep:
            past = state.tensors.get(self.slot)
            # Padded rather than joined with zeros: that keeps the memory format.
            x_BCVHW = F.pad(x_BCVHW, (0, 0, 0, 0, keep, 0)) if past is None else torch.cat([past, x_BCVHW], dim=2)
            state.tensors[self.slot] = x_BCVHW[:, :, -keep:].clone()
        return super().forward(x_BCVHW)


class ChannelNorm(nn.Module):
    """L2 norm over the channels (dimension 1), times sqrt(C) and a gain; ``spatial`` counts the dimensions behind."""

    def __init__(self, channels: int, spatial: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels, *(1,) * spatial))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [B, C, ...]."""
        unit: Tensor = F.normalize(x, dim=1)
        return unit * math.sqrt(self.gamma.shape[0]) * self.gamma


class Residual(nn.Module):
    """Twice norm, SiLU, 3x3x3 convolution, beside a shortcut."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            ChannelNorm(into, 3), nn.SiLU(), CausalConv3d(into, out, (3, 3, 3)),
            ChannelNorm(out, 3), nn.SiLU(), nn.Identity(), CausalConv3d(out, out, (3, 3, 3)),
        )  # fmt: skip
        self.shortcut = CausalConv3d(into, out, (1, 1, 1)) if into != out else None

    def forward(self, x_BCVHW: Tensor, state: CodecState) -> Tensor:
        """[B, into, V, H, W] -> [B, out, V, H, W]."""
        kept_BCVHW = x_BCVHW if self.shortcut is None else self.shortcut(x_BCVHW, state)
        out_BCVHW: Tensor = kept_BCVHW + _run(self.residual, x_BCVHW, state)
        return out_BCVHW


class FrameAttention(nn.Module):
    """Single-head attention inside each frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels, 2)
        self.to_qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Conv2d(channels, channels, 1)

    def forward(self, x_BCVHW: Tensor, _state: CodecState) -> Tensor:
        """[B, C, V, H, W] -> the same shape."""
        batch, _, frames = x_BCVHW.shape[:3]
        x_NCHW = x_BCVHW.transpose(1, 2).flatten(0, 1)
        qkv = self.to_qkv(self.norm(x_NCHW)).flatten(2).transpose(1, 2).unsqueeze(1)
        out = F.scaled_dot_product_attention(*qkv.chunk(3, dim=-1))
        out_NCHW: Tensor = self.proj(out.squeeze(1).transpose(1, 2).reshape(x_NCHW.shape))
        return x_BCVHW + out_NCHW.reshape(batch, frames, *x_NCHW.shape[1:]).transpose(1, 2)


class Downsample(nn.Module):
    """Half the height and width, and with ``temporal`` half the frames; frame 0 of a stream is kept as it is."""

    def __init__(self, channels: int, *, temporal: bool) -> None:
        super().__init__()
        self.resample = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(channels, channels, 3, stride=2))
        self.time_conv = CausalConv3d(channels, channels, (3, 1, 1), (2, 1, 1)) if temporal else None

    def forward(self, x_BCVHW: Tensor, state: CodecState) -> Tensor:
        """[B, C, V, H, W] -> [B, C, V or ceil(V/2), H/2, W/2]."""
        x_BCVHW = _per_frame(self.resample, x_BCVHW)
        if self.time_conv is None:
            return x_BCVHW
        if not state.started:
            state.tensors[self.time_conv.slot] = x_BCVHW.clone()
            return x_BCVHW
        out_BCVHW: Tensor = self.time_conv(x_BCVHW, state)
        return out_BCVHW


class Upsample(nn.Module):
    """Twice the height and width at half the channels, and with ``temporal`` twice the frames after latent 0."""

    def __init__(self, channels: int, *, temporal: bool) -> None:
        super().__init__()
        self.resample = nn.Sequential(
            nn.Upsample(scale_factor=2.0, mode="nearest-exact"), nn.Conv2d(channels, channels // 2, 3, padding=1)
        )
        self.time_conv = CausalConv3d(channels, 2 * channels, (3, 1, 1)) if temporal else None

    def forward(self, x_BCVHW: Tensor, state: CodecState) -> Tensor:
        """[B, C, V, H, W] -> [B, C/2, V or 2V, 2H, 2W]."""
        if self.time_conv is not None and state.started:
            # The first latent is one frame and stays outside the temporal convolution, which starts from zeros after it.
            pair_BCVHW = self.time_conv(x_BCVHW, state)
            x_BCVHW = torch.stack(pair_BCVHW.chunk(2, dim=1), dim=3).flatten(2, 3)
        elif self.time_conv is not None:
            shape = x_BCVHW.shape
            state.tensors[self.time_conv.slot] = x_BCVHW.new_zeros(*shape[:2], 2, *shape[3:])
        return _per_frame(self.resample, x_BCVHW)


class Encoder(nn.Module):
    """Frames to twice the latent channels (mean and an unused variance)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        a, b, c = dim, 2 * dim, 4 * dim
        self.conv1 = CausalConv3d(3, a, (3, 3, 3))
        self.downsamples = nn.Sequential(
            Residual(a, a), Residual(a, a), Downsample(a, temporal=False),
            Residual(a, b), Residual(b, b), Downsample(b, temporal=True),
            Residual(b, c), Residual(c, c), Downsample(c, temporal=True),
            Residual(c, c), Residual(c, c),
        )  # fmt: skip
        self.middle = nn.Sequential(Residual(c, c), FrameAttention(c), Residual(c, c))
        self.head = nn.Sequential(ChannelNorm(c, 3), nn.SiLU(), CausalConv3d(c, 2 * LATENT_CHANNELS, (3, 3, 3)))

    def forward(self, x_BCVHW: Tensor, state: CodecState) -> Tensor:
        """[B, 3, 1 or 4, H, W] -> [B, 32, 1, H/8, W/8]."""
        x_BCVHW = self.conv1(x_BCVHW, state)
        for part in (self.downsamples, self.middle, self.head):
            x_BCVHW = _run(part, x_BCVHW, state)
        return x_BCVHW


class Decoder(nn.Module):
    """Latents to frames."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        a, b, c = dim, 2 * dim, 4 * dim
        self.conv1 = CausalConv3d(LATENT_CHANNELS, c, (3, 3, 3))
        self.middle = nn.Sequential(Residual(c, c), FrameAttention(c), Residual(c, c))
        self.upsamples = nn.Sequential(
            Residual(c, c), Residual(c, c), Residual(c, c), Upsample(c, temporal=True),
            Residual(b, c), Residual(c, c), Residual(c, c), Upsample(c, temporal=True),
            Residual(b, b), Residual(b, b), Residual(b, b), Upsample(b, temporal=False),
            Residual(a, a), Residual(a, a), Residual(a, a),
        )  # fmt: skip
        self.head = nn.Sequential(ChannelNorm(a, 3), nn.SiLU(), CausalConv3d(a, 3, (3, 3, 3)))

    def forward(self, x_BCVHW: Tensor, state: CodecState) -> Tensor:
        """[B, 16, 1, h, w] -> [B, 3, 1 or 4, 8h, 8w]."""
        x_BCVHW = self.conv1(x_BCVHW, state)
        for part in (self.middle, self.upsamples, self.head):
            x_BCVHW = _run(part, x_BCVHW, state)
        return x_BCVHW


class WanVae(Codec):
    """The codec of the released students.

    Args:
        dim: base width; 96 is the published one, tests use less.
    """

    def __init__(self, dim: int = 96) -> None:
        super().__init__()
        self.encoder = Encoder(dim)
        self.conv1 = CausalConv3d(2 * LATENT_CHANNELS, 2 * LATENT_CHANNELS, (1, 1, 1))
        self.conv2 = CausalConv3d(LATENT_CHANNELS, LATENT_CHANNELS, (1, 1, 1))
        self.decoder = Decoder(dim)
        # Real tensors even when the module is built on the meta device: they are constants, in no checkpoint.
        self.register_buffer("mean", torch.tensor(_MEAN, device="cpu").view(-1, 1, 1, 1), persistent=False)
        self.register_buffer("scale", 1.0 / torch.tensor(_STD, device="cpu").view(-1, 1, 1, 1), persistent=False)
        self.mean: Tensor
        self.scale: Tensor
        for name, module in self.named_modules():
            if isinstance(module, CausalConv3d):
                module.slot = name

    def encode_step(self, x_BCVHW: Tensor, state: CodecState) -> Tensor:
        """See ``Codec.encode_step``.

        Raises:
            ValueError: a number of frames that the step cannot have.
        """
        first = 0 if state.started else 1
        if x_BCVHW.shape[2] < 1 or x_BCVHW.shape[2] % FRAMES_PER_LATENT != first:
            raise ValueError(f"an encode step takes {first} + 4k frames, not {x_BCVHW.shape[2]}")
        latents = []
        for part_BCVHW in _steps(x_BCVHW.to(self.mean.dtype), first, FRAMES_PER_LATENT):
            h_BCThw = self.conv1(self.encoder(part_BCVHW, state), state)
            latents.append((h_BCThw[:, :LATENT_CHANNELS] - self.mean) * self.scale)
            state.started = True
        return torch.cat(latents, dim=2)

    def decode_step(self, z_BZThw: Tensor, state: CodecState) -> Tensor:
        """See ``Codec.decode_step``."""
        frames = []
        z_BZThw = z_BZThw.to(self.mean.dtype) / self.scale + self.mean
        for part_BZThw in torch.split(z_BZThw, 1, dim=2):
            frames.append(self.decoder(self.conv2(part_BZThw, state), state).clamp(-1.0, 1.0))
            state.started = True
        return torch.cat(frames, dim=2)


def _steps(x_BCVHW: Tensor, first: int, size: int) -> list[Tensor]:
    """The first frame alone if ``first``, then ``size`` frames at a time."""
    rest = x_BCVHW[:, :, first:]
    return ([x_BCVHW[:, :, :1]] if first else []) + (list(torch.split(rest, size, dim=2)) if rest.shape[2] else [])


def _run(layers: nn.Sequential, x_BCVHW: Tensor, state: CodecState) -> Tensor:
    """Apply layers in order; those of ours take the stream's state."""
    for layer in layers:
        x_BCVHW = layer(x_BCVHW, state) if isinstance(layer, _STATEFUL) else layer(x_BCVHW)
    return x_BCVHW


def _per_frame(layers: nn.Sequential, x_BCVHW: Tensor) -> Tensor:
    """Apply picture layers to every frame of a batch."""
    x_NCHW: Tensor = layers(x_BCVHW.transpose(1, 2).flatten(0, 1))
    return x_NCHW.reshape(x_BCVHW.shape[0], x_BCVHW.shape[2], *x_NCHW.shape[1:]).transpose(1, 2)


_STATEFUL = (CausalConv3d, Residual, FrameAttention, Downsample, Upsample)
