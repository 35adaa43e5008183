"""The demonstration model's speech encoder: from a third of a second of log-mel on either side to one frame's features.

It is trained to name the mouth shape (viseme) of each frame on many voices and languages and then frozen, as wav2vec2 is for
the big students. Its features are those few parameters, spread over the contract's width by a fixed orthonormal matrix: what
they mean does not change when the encoder is trained further, so encoder and student can be improved apart.

Choice: nothing is padded, so a frame's features depend on its own columns alone, at whatever time it is shown; and the same
layers slide along a stretch of columns and give every fourth one's features (25 a second) at a tenth of the cost, which is
what training does.

Legend: S samples, V video frames, B stretches, K mel columns, M mel bands, A features (64), D channels, P viseme parameters.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from lipforcing.audio.mel import MEL_BANDS, MelColumns
from lipforcing.contract import STUDENTS

REACH = 32
COLUMNS = 2 * REACH + 1
STRIDE = 4  # columns between two results along a stretch: 40 ms
_SPREAD = 4.0  # parameters deviate by a quarter; features by about one
_SHIFTS = (-0.01, 0.0, 0.01)  # seconds
_TOGETHER = 150  # frames that are heard at once: memory does not grow with the track
VISEME_PARAMETERS = 7


class ColumnNorm(nn.LayerNorm):
    """Layer norm over the channels of every column, [B, D, K]."""

    def forward(self, x_BDK: Tensor) -> Tensor:
        """The same shape."""
        return super().forward(x_BDK.transpose(1, 2)).transpose(1, 2)


class ColumnResidual(nn.Module):
    """A convolution of three columns beside a skip; two columns shorter than what it is given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = ColumnNorm(width)
        self.conv = nn.Conv1d(width, width, 3)

    def forward(self, x_BDK: Tensor) -> Tensor:
        """[B, D, K] -> [B, D, K - 2]."""
        return x_BDK[..., 1:-1] + gelu(self.conv(self.norm(x_BDK)))


class TinySpeechEncoder(nn.Module):
    """Features [V, 64] of a 16 kHz mono waveform at the video frames' exact times.

    Every frame is heard three times, one column apart, and the mean counts: a mouth hardly moves in 10 ms, but what the encoder
    gets wrong differs. Every feature depends on 1.03 s of sound on either side and on nothing else (the local level reaches
    furthest), well inside ``contract.SPEECH_CONTEXT``.

    Args:
        width: channels D of the convolutions.
        hidden: width of the first layer that sees all columns.
        narrow: width of the last layer before the read-out.
        depth: residual layers at 40 ms a column; each reaches one column further to either side.
    """

    axes: Tensor

    def __init__(self, width: int = 192, hidden: int = 256, narrow: int = 128, depth: int = 6) -> None:
        super().__init__()
        features = STUDENTS["tiny"].speech_features
        self.columns = MelColumns(REACH)
        self.layers = nn.Sequential(
            nn.Conv1d(MEL_BANDS, width, 5, stride=2), nn.GELU(), ColumnResidual(width),
            nn.Conv1d(width, width, 3, stride=2), nn.GELU(), *(ColumnResidual(width) for _ in range(depth)),
            ColumnNorm(width), nn.Conv1d(width, hidden, 14 - 2 * depth), nn.GELU(),
        )  # fmt: skip
        self.project = nn.Sequential(nn.Linear(hidden, narrow), nn.GELU(), nn.LayerNorm(narrow))
        self.read_out = nn.Linear(narrow, VISEME_PARAMETERS)
        axes, _ = torch.linalg.qr(torch.randn(features, VISEME_PARAMETERS, generator=torch.Generator().manual_seed(0)))
        self.register_buffer("axes", _SPREAD * axes)

    def forward(self, waveform_S: Tensor, times_V: Tensor) -> Tensor:
        """Features of every frame.

        Args:
            waveform_S: [S] float32, 16 kHz mono in [-1, 1].
            times_V: [V] float64, seconds from the waveform's first sample.

        Returns:
            [V, 64] float32.
        """
        heard = [self._heard(waveform_S, some) for some in times_V.split(_TOGETHER)]
        return self.spread(torch.cat(heard))

    def _heard(self, waveform_S: Tensor, times_V: Tensor) -> Tensor:
        shifted = [self.visemes(self.columns(waveform_S, times_V + shift)) for shift in _SHIFTS]
        return torch.stack(shifted).mean(dim=0)

    def visemes(self, columns_VKM: Tensor) -> Tensor:
        """Mouth shape parameters [V, P] from every frame's own columns [V, ``COLUMNS``, M]."""
        return self.along(columns_VKM)[:, 0]

    def along(self, columns_BKM: Tensor) -> Tensor:
        """Mouth shape parameters [B, 1 + (K - COLUMNS) / STRIDE, P] along stretches of columns; the part that is trained."""
        seen_BDV = self.layers(columns_BKM.transpose(1, 2))
        return cast("Tensor", self.read_out(self.project(seen_BDV.transpose(1, 2))))

    def spread(self, visemes_VP: Tensor) -> Tensor:
        """Features [V, 64] that stand for given mouth shapes."""
        return visemes_VP @ self.axes.T
