"""Speech features of the released students: all hidden states of wav2vec2-base-960h (arXiv 2006.11477), 14 x 768 per frame.

The reference stretches the recogniser's 50 Hz frames to the video's 25 by linear interpolation with aligned corners. With
the waveform padded to whole 640-sample steps it has 2G - 1 of them for G video frames, so that interpolation picks every
second one exactly; here it is written as that. The transformer therefore always runs at 25 Hz, as the students know it.

Choices:
- Plain torch with the published names: the file loads strictly, and the server needs no further library.
- Any frame rate: the 25 Hz features are interpolated linearly to the video's exact frame times. At 25 fps that is the
  reference. Above, frames lie between two of its steps and get the mix of both; the recogniser resolves no more than 20 ms
  anyway, and the students know 25 steps a second (``lipforcing.contract`` says what a higher rate means for them).
- The level is that of the whole track, as in the reference, and is handed in; so a window needs no other part of the track.
- The sound is filled to whole steps, and to the last frame, with the normalised 0, as in the reference, and no further: the
  first layer's norm runs over all of it, so every second that is appended moves every feature.
- A long track is read in windows with context on both sides, in bounded memory. The first layer's norm and the attention
  then see the window instead of the track, which costs 2 to 6 % of the features' spread (docs/results/performance.md). With 2 s
  of context it would be 39 % at the seams, because the positional convolution reaches 2.56 s. So nothing is faded across a
  seam; the context is simply longer than that reach.
- Windows start on whole 640-sample steps, so that their 25 Hz grid is the track's.

Legend: S samples (16 kHz), V video frames, G steps of 40 ms, C features of one state (768), A all features (10,752).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, gelu, pad, scaled_dot_product_attention

from lipforcing.contract import SAMPLE_RATE, SPEECH_STEP

_STEPS_PER_SECOND = SAMPLE_RATE / SPEECH_STEP
_VARIANCE_FLOOR = 1e-7
_KERNELS, _STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
_PREFIX = "wav2vec2."
# In the recogniser's file and of no use here: its read-out, and a vector that training masks with.
_UNUSED = ("lm_head.", f"{_PREFIX}masked_spec_embed")
# Files of newer writers name the two parts of a normalised weight differently.
_RENAMED = (("parametrizations.weight.original0", "weight_g"), ("parametrizations.weight.original1", "weight_v"))


@dataclass(frozen=True, slots=True)
class Wav2Vec2Sizes:
    """Sizes of the network; the published ones by default, tests use less.

    Attributes:
        conv: width of the convolutions over the waveform.
        hidden: C, width of the transformer.
        layers: of the transformer.
        heads: of its attention.
        inner: width of its feed-forward layers.
        reach: kernel of the positional convolution.
        groups: of the positional convolution.
    """

    conv: int = 512
    hidden: int = 768
    layers: int = 12
    heads: int = 12
    inner: int = 3072
    reach: int = 128
    groups: int = 16


class _WaveLayer(nn.Module):
    """Convolution and GELU; the first one has a norm of every channel over time between them."""

    def __init__(self, into: int, out: int, kernel: int, stride: int, *, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(into, out, kernel, stride, bias=False)
        self.layer_norm = nn.GroupNorm(out, out) if norm else None

    def forward(self, x_BCS: Tensor) -> Tensor:
        x_BCS = self.conv(x_BCS)
        return gelu(x_BCS if self.layer_norm is None else self.layer_norm(x_BCS))


class _Positions(nn.Module):
    """Relative positions by a wide grouped convolution whose weight is a direction and a length per tap."""

    def __init__(self, sizes: Wav2Vec2Sizes) -> None:
        super().__init__()
        self.conv = nn.Module()
        shape = (sizes.hidden, sizes.hidden // sizes.groups, sizes.reach)
        self.conv.weight_v = nn.Parameter(torch.randn(shape) / math.sqrt(shape[1] * shape[2]))
        self.conv.weight_g = nn.Parameter(torch.ones(1, 1, sizes.reach))
        self.conv.bias = nn.Parameter(torch.zeros(sizes.hidden))
        self.groups = sizes.groups

    def forward(self, x_BGC: Tensor) -> Tensor:
        direction, length = self.conv.get_parameter("weight_v"), self.conv.get_parameter("weight_g")
        # Weight normalisation over all but the taps (dim=2): one length for each of the 128.
        weight = direction * (length / direction.norm(dim=(0, 1), keepdim=True))
        bias = self.conv.get_parameter("bias")
        out_BCG = conv1d(x_BGC.transpose(1, 2), weight, bias, padding=weight.shape[2] // 2, groups=self.groups)
        # An even kernel yields one step too many.
        return gelu(out_BCG[:, :, : x_BGC.shape[1]]).transpose(1, 2)


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x_BGC: Tensor) -> Tensor:
        batch, steps, width = x_BGC.shape
        q, k, v = (
            project(x_BGC).view(batch, steps, self.heads, -1).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, steps, width)
        out: Tensor = self.out_proj(mixed)
        return out


class _FeedForward(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.intermediate_dense, self.output_dense = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x_BGC: Tensor) -> Tensor:
        out: Tensor = self.output_dense(gelu(self.intermediate_dense(x_BGC)))
        return out


class _Layer(nn.Module):
    """Post-norm transformer layer."""

    def __init__(self, sizes: Wav2Vec2Sizes) -> None:
        super().__init__()
        self.attention = _Attention(sizes.hidden, sizes.heads)
        self.layer_norm = nn.LayerNorm(sizes.hidden)
        self.feed_forward = _FeedForward(sizes.hidden, sizes.inner)
        self.final_layer_norm = nn.LayerNorm(sizes.hidden)

    def forward(self, x_BGC: Tensor) -> Tensor:
        x_BGC = self.layer_norm(x_BGC + self.attention(x_BGC))
        out: Tensor = self.final_layer_norm(x_BGC + self.feed_forward(x_BGC))
        return out


class _WaveExtractor(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(
            *(
                _WaveLayer(width if index else 1, width, kernel, stride, norm=index == 0)
                for index, (kernel, stride) in enumerate(zip(_KERNELS, _STRIDES, strict=True))
            )
        )


class _Projection(nn.Module):
    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.layer_norm, self.projection = nn.LayerNorm(into), nn.Linear(into, out)


class _Encoder(nn.Module):
    def __init__(self, sizes: Wav2Vec2Sizes) -> None:
        super().__init__()
        self.pos_conv_embed = _Positions(sizes)
        self.layer_norm = nn.LayerNorm(sizes.hidden)
        self.layers = nn.ModuleList(_Layer(sizes) for _ in range(sizes.layers))


class Wav2Vec2Features(nn.Module):
    """Features [V, (layers + 2) · C] of a 16 kHz mono waveform at the video frames' times.

    Args:
        sizes: of the network.
    """

    def __init__(self, sizes: Wav2Vec2Sizes | None = None) -> None:
        super().__init__()
        sizes = sizes or Wav2Vec2Sizes()
        self.feature_extractor = _WaveExtractor(sizes.conv)
        self.feature_projection = _Projection(sizes.conv, sizes.hidden)
        self.encoder = _Encoder(sizes)

    @staticmethod
    def local_name(name: str) -> str | None:
        """Our name of a tensor in the published file; None for those that are not used."""
        if name.startswith(_UNUSED):
            return None
        for theirs, ours in _RENAMED:
            name = name.replace(theirs, ours)
        return name.removeprefix(_PREFIX)

    def forward(self, waveform_S: Tensor, times_V: Tensor, level: Tensor) -> Tensor:
        """Features of every frame.

        Args:
            waveform_S: [S] float32, 16 kHz mono.
            times_V: [V] float64 >= 0, seconds from the waveform's first sample; rising.
            level: [2] float32, mean and standard deviation of the whole track.

        Returns:
            [V, A] float32. Frames behind the sound hear the track's mean.
        """
        # Steps of 40 ms; rounded to a millionth, so that 3 / 25 s does not fall into the step before its own.
        at_V = (times_V.double() * _STEPS_PER_SECOND).mul(1e6).round().div(1e6)
        last = math.ceil(at_V[-1].item()) if len(at_V) else 0
        steps = max(-(-waveform_S.shape[0] // SPEECH_STEP), last + 1)
        sound_S = (waveform_S.float() - level[0]) / torch.sqrt(level[1].float() ** 2 + _VARIANCE_FLOOR)
        padded_S = pad(sound_S, (0, steps * SPEECH_STEP - sound_S.shape[0]))
        states_GA = self._states(padded_S)
        # At 25 fps every part is 0, and a frame has its step's features to the bit.
        low_V = at_V.floor().long().clamp(0, steps - 1)
        high_V = (low_V + 1).clamp(max=steps - 1)
        part_V1 = (at_V - low_V).to(states_GA.dtype).unsqueeze(1)
        return torch.lerp(states_GA[low_V], states_GA[high_V], part_V1)

    def _states(self, sound_S: Tensor) -> Tensor:
        """[S = 640 G] -> [G, A]: the last hidden state, then all of them from the transformer's input on."""
        frames_BCG = self.feature_extractor.conv_layers(sound_S[None, None])[:, :, ::2]
        projection, encoder = self.feature_projection, self.encoder
        x_BGC = projection.projection(projection.layer_norm(frames_BCG.transpose(1, 2)))
        states = [encoder.layer_norm(x_BGC + encoder.pos_conv_embed(x_BGC))]
        for layer in encoder.layers:
            states.append(layer(states[-1]))
        return torch.cat([states[-1], *states], dim=-1)[0]
