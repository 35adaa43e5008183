"""The demonstration model's speech encoder: from a quarter second of log-mel on either side to one frame's features.

It is trained to name the mouth shape (viseme) of each frame on many voices and languages and then frozen, as wav2vec2 is for
the big students. Its features are those few parameters, spread over the contract's width by a fixed orthonormal matrix: what
they mean does not change when the encoder is trained further, so encoder and student can be improved apart.

Legend: S samples, V video frames, K mel columns, M mel bands, A features (64), D hidden width, P viseme parameters.
"""

from typing import cast

import torch
from torch import Tensor, nn

from lipforcing.audio.mel import MEL_BANDS, MelColumns
from lipforcing.contract import STUDENTS

REACH = 24
_SPREAD = 4.0  # parameters deviate by a quarter; features by about one
VISEME_PARAMETERS = 7


class TinySpeechEncoder(nn.Module):
    """Features [V, 64] of a 16 kHz mono waveform at the video frames' exact times.

    Every feature depends on 1.02 s of sound on either side and on nothing else (the local level reaches furthest), well
    inside ``contract.SPEECH_CONTEXT``.

    Args:
        width: channels D of the convolutions.
        hidden: width of the last layer before the read-out.
    """

    axes: Tensor

    def __init__(self, width: int = 192, hidden: int = 128) -> None:
        super().__init__()
        features = STUDENTS["tiny"].speech_features
        self.columns = MelColumns(REACH)
        self.layers = nn.Sequential(
            nn.Conv1d(MEL_BANDS, width, 5, stride=2), nn.GELU(),
            nn.Conv1d(width, width, 3, stride=2), nn.GELU(),
            nn.Conv1d(width, width, 3, stride=2), nn.GELU(),
            nn.Flatten(),
        )  # fmt: skip
        flat = self.layers(torch.zeros(1, MEL_BANDS, 2 * REACH + 1)).shape[1]
        self.project = nn.Sequential(nn.Linear(flat, 256), nn.GELU(), nn.Linear(256, hidden), nn.LayerNorm(hidden))
        self.read_out = nn.Linear(hidden, VISEME_PARAMETERS)
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
        return self.spread(self.visemes(self.columns(waveform_S, times_V)))

    def visemes(self, columns_VKM: Tensor) -> Tensor:
        """Mouth shape parameters [V, P] from log-mel columns [V, K, M]; the part that is trained."""
        return cast("Tensor", self.read_out(self.project(self.layers(columns_VKM.transpose(1, 2)))))

    def spread(self, visemes_VP: Tensor) -> Tensor:
        """Features [V, 64] that stand for given mouth shapes."""
        return visemes_VP @ self.axes.T
