"""The tiny speech encoder learns to name each frame's mouth shape from sound, over many voices and languages.

It plays the part that wav2vec2's pre-training plays for the big students: afterwards it is frozen, and what the student hears
no longer depends on who speaks.

Choices:
- Loudness, noise, microphone and vocal tract are varied on the log-mel columns themselves (added noise power, a smooth
  spectral tilt, a stretch of the mel axis), which costs nothing next to varying waveforms.
- A training item is a stretch of neighbouring frames, which share most of their columns and of the encoder's work. Its level is
  that of one of its frames; at serving every frame has its own, which differs by less than what is varied anyway.

Legend: V video frames, K mel columns, M mel bands, P viseme parameters, N utterances, B stretches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipforcing.audio.mel import HOP, MelColumns, linear_scale, local_level, log_scale
from lipforcing.audio.tiny import COLUMNS, REACH, STRIDE, TinySpeechEncoder
from services.trainer.common.losses import weighted_mse
from services.trainer.common.optimise import Curve, Optimisation, Parts, optimise

_FRAME_SAMPLES = HOP * STRIDE
_LEAST_POWER = 1e-10
_CALM_FROM = 0.6  # of the steps


@dataclass(frozen=True, slots=True)
class SpeechSample:
    """Sound and the mouth that made it, at 25 frames per second from its first sample on.

    Attributes:
        waveform_S: float32, 16 kHz mono.
        visemes_VP: float32, the mouth's parameters in each frame.
    """

    waveform_S: NDArray[np.float32]
    visemes_VP: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SpeechStage:
    """How the speech encoder is trained.

    Attributes:
        plan: the optimisation; a sample is one stretch.
        frames: of a stretch.
        weights: of the viseme parameters' errors.
        noise: share of the items that get noise.
        warp: largest relative stretch of the mel axis, as a whole and between its ends and its middle.
        tilt: deviation of the smooth gain over the bands, in log-mel units (1 is 50 dB).
        calm: what is left of noise, warp and tilt at the last step; they begin to fall at three fifths. What is varied beyond
            what is met costs a little where it is not met.
    """

    plan: Optimisation
    frames: int = 16
    weights: tuple[float, ...] = (4.0, 4.0, 3.0, 1.0, 1.0, 0.5, 0.5)
    noise: float = 0.6
    warp: float = 0.08
    tilt: float = 0.1
    calm: float = 1.0

    def at(self, step: int) -> Self:
        """The stage with the variation of one step."""
        fallen = max(0.0, step / self.plan.steps - _CALM_FROM) / (1.0 - _CALM_FROM)
        share = 1.0 - (1.0 - self.calm) * fallen
        return replace(self, noise=share * self.noise, warp=share * self.warp, tilt=share * self.tilt)


@dataclass(frozen=True, slots=True)
class UtteranceColumns:
    """Utterances of equal length as the encoder's training reads them.

    Attributes:
        power_NKM: log10 of mel power every 10 ms, half precision, from ``REACH`` columns before the first frame on.
        level_NV: log10 of the local level at every frame.
        visemes_NVP: the truth.
    """

    power_NKM: Tensor
    level_NV: Tensor
    visemes_NVP: Tensor

    @classmethod
    @torch.no_grad()
    def of(cls, utterances: Sequence[SpeechSample]) -> Self:
        """Measure the columns of all utterances."""
        mel, frames = MelColumns(0), len(utterances[0].visemes_VP)
        centres_V = torch.arange(frames) * _FRAME_SAMPLES
        middles_K = torch.arange(-REACH, STRIDE * (frames - 1) + REACH + 1) * HOP
        sounds = [torch.from_numpy(one.waveform_S) for one in utterances]
        return cls(
            torch.stack([(mel.power(sound, middles_K) + _LEAST_POWER).log10().half() for sound in sounds]),
            torch.stack([local_level(sound, centres_V).log10() for sound in sounds]),
            torch.from_numpy(np.stack([one.visemes_VP for one in utterances])),
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All utterances of several parts: sound takes seven times the room of its columns, so it is measured part by part."""
        return cls(
            torch.cat([part.power_NKM for part in parts]),
            torch.cat([part.level_NV for part in parts]),
            torch.cat([part.visemes_NVP for part in parts]),
        )

    def stretches(self, rows_B: Tensor, first_B: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Columns [B, K, M] as the encoder expects them, and visemes [B, frames, P]."""
        columns = STRIDE * first_B[:, None] + torch.arange(COLUMNS + STRIDE * (frames - 1))
        level_B = self.level_NV[rows_B, first_B + torch.randint(frames, rows_B.shape)]
        power = 10.0 ** (self.power_NKM[rows_B[:, None], columns].float() - 2.0 * level_B[:, None, None])
        return log_scale(power), self.visemes_NVP[rows_B[:, None], first_B[:, None] + torch.arange(frames)]

    def draw(self, batch: int, frames: int) -> tuple[Tensor, Tensor]:
        """Random stretches."""
        utterances, length = self.visemes_NVP.shape[:2]
        return self.stretches(torch.randint(utterances, (batch,)), torch.randint(length - frames + 1, (batch,)), frames)


def vary(columns_BKM: Tensor, stage: SpeechStage) -> Tensor:
    """Other voices, rooms and microphones for the same words."""
    batch, _, bands = columns_BKM.shape
    axis = torch.linspace(-1.0, 1.0, bands)
    bins = torch.arange(bands)
    bend = stage.warp * (2.0 * torch.rand(2, batch, 1) - 1.0)
    place = bins * (1.0 + bend[0]) + bend[1] * bands / np.pi * torch.sin(np.pi * bins / bands)
    low = place.floor().clamp(0, bands - 2)
    part = (place - low).clamp(0.0, 1.0)[:, None]
    index = low.long()[:, None].expand_as(columns_BKM)
    x = columns_BKM.gather(2, index) * (1.0 - part) + columns_BKM.gather(2, index + 1) * part
    shape = torch.randn(batch, 3) * stage.tilt
    gain = shape[:, :1] + shape[:, 1:2] * axis + shape[:, 2:] * torch.cos(np.pi * 2.0 * axis)
    power = linear_scale(x + gain[:, None])
    colour = 10.0 ** (torch.randn(batch, 1) * 0.5 * axis + torch.randn(batch, bands) * 0.1)
    level = 10.0 ** (-2.5 - 2.5 * torch.rand(batch, 1)) * (torch.rand(batch, 1) < stage.noise)
    grain = 0.5 + torch.rand_like(power)
    return log_scale(power + grain * (level * colour)[:, None])


def train_speech(columns: UtteranceColumns, stage: SpeechStage, seed: int) -> tuple[TinySpeechEncoder, Curve]:
    """A speech encoder for ``columns`` utterances, in evaluation mode."""
    torch.manual_seed(seed)
    encoder = TinySpeechEncoder().train()
    weight = torch.tensor(stage.weights)
    spread = columns.visemes_NVP.flatten(0, 1).std(dim=0).clamp(min=0.05)

    def loss(step: int) -> Parts:
        columns_BKM, visemes_BVP = columns.draw(stage.plan.batch, stage.frames)
        with torch.autocast("cpu", torch.bfloat16):
            predicted_BVP = encoder.along(vary(columns_BKM, stage.at(step))).float()
        return {"visemes": weighted_mse(predicted_BVP / spread, visemes_BVP / spread, weight)}

    curve = optimise(encoder, loss, stage.plan, stage="speech", report_every=250)
    return encoder.eval(), curve


@torch.no_grad()
def viseme_correlation(encoder: TinySpeechEncoder, columns: UtteranceColumns) -> list[float]:
    """Pearson correlation of every viseme parameter with the truth, over all frames of ``columns`` utterances."""
    count, frames = columns.visemes_NVP.shape[:2]
    columns_NKM, visemes_NVP = columns.stretches(torch.arange(count), torch.zeros(count, dtype=torch.long), frames)
    predicted, true = encoder.along(columns_NKM).flatten(0, 1), visemes_NVP.flatten(0, 1)
    return [float(torch.corrcoef(torch.stack([predicted[:, p], true[:, p]]))[0, 1]) for p in range(true.shape[1])]
