"""TAEW 2.1, the tiny autoencoder of the Wan latents (madebyollin/taehv): encoder 1,470,928, decoder 9,844,611 parameters.

Choices:
- A step is vectorised over all of its latents: the only memory is one frame per memory block, so the past of a run of
  frames is the run shifted by one. Nothing is queued frame by frame.
- It works on normalised latents as they are and on pictures in [0, 1]; the interface's [-1, 1] is converted at the edge.
- Frames before frame 0 do not exist: the encoder repeats frame 0 three times, the decoder drops its first three frames.

Legend: B batch, C channels, V frames, H/W height and width, Z latent channels, T latents, N = B·V.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lipforcing.contract import FRAMES_PER_LATENT, LATENT_CHANNELS
from lipforcing.vae.base import Codec, CodecState

_WIDTHS = (256, 128, 64, 64)
# Frames that the temporal stages make of one latent before those that frame 0 does not have are dropped.
_LEAD = FRAMES_PER_LATENT - 1


class Memory(nn.Module):
    """Three 3x3 convolutions over a frame and the frame before it, beside a shortcut; ``slot`` names its memory."""

    slot = ""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(2 * width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )  # fmt: skip
        self.act = nn.ReLU()

    def forward(self, x_BVCHW: Tensor, state: CodecState) -> Tensor:
        """[B, V, C, H, W] -> the same shape; the state keeps the last input frame."""
        before = state.tensors.get(self.slot)
        if before is None:
            before = torch.zeros_like(x_BVCHW[:, :1])
        past_BVCHW = torch.cat([before, x_BVCHW[:, :-1]], dim=1)
        state.tensors[self.slot] = x_BVCHW[:, -1:].clone()
        # Current frame first: the order of the published weights.
        both_NCHW = torch.cat([x_BVCHW, past_BVCHW], dim=2).flatten(0, 1)
        out_BVCHW: Tensor = self.act(self.conv(both_NCHW).view_as(x_BVCHW) + x_BVCHW)
        return out_BVCHW


class Pool(nn.Module):
    """Every ``stride`` frames become one, by a 1x1 convolution over their channels."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(width * stride, width, 1, bias=False)

    def forward(self, x_BVCHW: Tensor) -> Tensor:
        """[B, V, C, H, W] -> [B, V / stride, C, H, W]."""
        # Neighbouring frames on the channels, the older ones first.
        x_NCHW = x_BVCHW.reshape(-1, self.stride * x_BVCHW.shape[2], *x_BVCHW.shape[3:])
        out_NCHW: Tensor = self.conv(x_NCHW)
        return out_NCHW.reshape(x_BVCHW.shape[0], -1, *out_NCHW.shape[1:])


class Grow(nn.Module):
    """Every frame becomes ``stride`` frames, by a 1x1 convolution to their channels."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(width, width * stride, 1, bias=False)

    def forward(self, x_BVCHW: Tensor) -> Tensor:
        """[B, V, C, H, W] -> [B, V · stride, C, H, W]."""
        out_NCHW: Tensor = self.conv(x_BVCHW.flatten(0, 1))
        return out_NCHW.reshape(x_BVCHW.shape[0], -1, *x_BVCHW.shape[2:])


class Bound(nn.Module):
    """Latents softly limited to (-3, 3)."""

    def forward(self, x: Tensor) -> Tensor:
        """3 · tanh(x / 3)."""
        return torch.tanh(x / 3.0) * 3.0


def _conv(into: int, out: int, stride: int = 1, *, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(into, out, 3, stride, padding=1, bias=bias)


def _encoder(width: int) -> nn.Sequential:
    layers: list[nn.Module] = [_conv(3, width), nn.ReLU()]
    for pool in (2, 2, 1):
        layers += [Pool(width, pool), _conv(width, width, 2, bias=False), *(Memory(width) for _ in range(3))]
    return nn.Sequential(*layers, _conv(width, LATENT_CHANNELS))


def _decoder(widths: tuple[int, int, int, int]) -> nn.Sequential:
    layers: list[nn.Module] = [Bound(), _conv(LATENT_CHANNELS, widths[0]), nn.ReLU()]
    for width, after, grow in zip(widths, widths[1:], (1, 2, 2), strict=False):
        layers += [
            *(Memory(width) for _ in range(3)),
            nn.Upsample(scale_factor=2.0),
            Grow(width, grow),
            _conv(width, after, bias=False),
        ]
    return nn.Sequential(*layers, nn.ReLU(), _conv(widths[-1], 3))


class Taew(Codec):
    """The fast codec of the released students: it decodes a block in a fraction of the Wan VAE's time.

    Args:
        widths: of the decoder's four stages; the encoder has the last one. Published by default, tests use less.
    """

    def __init__(self, widths: tuple[int, int, int, int] = _WIDTHS) -> None:
        super().__init__()
        self.encoder = _encoder(widths[-1])
        self.decoder = _decoder(widths)
        for name, module in self.named_modules():
            if isinstance(module, Memory):
                module.slot = name

    def encode_step(self, x_BCVHW: Tensor, state: CodecState) -> Tensor:
        """See ``Codec.encode_step``.

        Raises:
            ValueError: a number of frames that the step cannot have.
        """
        first = 0 if state.started else 1
        if x_BCVHW.shape[2] < 1 or x_BCVHW.shape[2] % FRAMES_PER_LATENT != first:
            raise ValueError(f"an encode step takes {first} + 4k frames, not {x_BCVHW.shape[2]}")
        x_BVCHW = (self._cast(x_BCVHW, self.encoder) + 1.0).mul(0.5).transpose(1, 2)
        if first:
            x_BVCHW = torch.cat([x_BVCHW[:, :1].expand(-1, _LEAD, -1, -1, -1), x_BVCHW], dim=1)
        return _run(self.encoder, x_BVCHW, state).transpose(1, 2)

    def decode_step(self, z_BZThw: Tensor, state: CodecState) -> Tensor:
        """See ``Codec.decode_step``."""
        # The first latent stands for frame 0 alone, and makes four like every other one.
        drop = 0 if state.started else _LEAD
        x_BVCHW = _run(self.decoder, self._cast(z_BZThw, self.decoder).transpose(1, 2), state)
        return x_BVCHW[:, drop:].clamp(0.0, 1.0).mul(2.0).sub(1.0).transpose(1, 2)

    @staticmethod
    def _cast(x: Tensor, part: nn.Sequential) -> Tensor:
        return x.to(next(part.parameters()).dtype)


def keep_last_frames(tensors: Mapping[str, Tensor], codec: Taew) -> dict[str, Tensor]:
    """A checkpoint's tensors with the wider ``Grow`` weights of some of them cut to the codec's.

    A checkpoint whose stage makes more frames than ours keeps the last ones, so the last output channels stay.
    """
    cut = dict(tensors)
    for name, module in codec.named_modules():
        key = f"{name}.conv.weight"
        if isinstance(module, Grow) and key in cut and cut[key].shape[1:] == module.conv.weight.shape[1:]:
            cut[key] = cut[key][-module.conv.weight.shape[0] :]
    return cut


def _run(layers: nn.Sequential, x_BVCHW: Tensor, state: CodecState) -> Tensor:
    """Apply layers in order to [B, V, C, H, W]; picture layers see the frames as a batch."""
    for layer in layers:
        if isinstance(layer, Memory):
            x_BVCHW = layer(x_BVCHW, state)
        elif isinstance(layer, Pool | Grow):
            x_BVCHW = layer(x_BVCHW)
        else:
            x_NCHW = layer(x_BVCHW.flatten(0, 1))
            x_BVCHW = x_NCHW.reshape(*x_BVCHW.shape[:2], *x_NCHW.shape[1:])
    state.started = True
    return x_BVCHW
