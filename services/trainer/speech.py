"""Stage 2: the tiny speech encoder learns to name each frame's mouth shape from sound, over many voices and languages.

It plays the part that wav2vec2's pre-training plays for the big students: afterwards it is frozen, and what the student hears
no longer depends on who speaks.

Choice: loudness, noise, microphone and vocal tract are varied on the log-mel columns themselves (added noise power, a smooth
spectral tilt, a stretch of the mel axis), which costs nothing next to varying waveforms.

Legend: V video frames, K mel columns, M mel bands, P viseme parameters, A features, B batch of frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipforcing.audio.mel import linear_scale, log_scale
from lipforcing.audio.tiny import TinySpeechEncoder

from .losses import weighted_mse
from .optimise import Curve, Optimisation, Parts, optimise


@dataclass(frozen=True, slots=True)
class Utterance:
    """Sound and the mouth that made it.

    Attributes:
        waveform_S: float32, 16 kHz mono.
        times_V: float64, presentation times of the video frames in seconds.
        visemes_VP: float32, the mouth's parameters in each frame.
    """

    waveform_S: NDArray[np.float32]
    times_V: NDArray[np.float64]
    visemes_VP: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SpeechStage:
    """How the speech encoder is trained.

    Attributes:
        plan: the optimisation; a sample is one video frame.
        weights: of the viseme parameters' errors.
        noise: share of the items that get noise.
        warp: largest relative stretch of the mel axis, as a whole and between its ends and its middle.
        tilt: deviation of the smooth gain over the bands, in log-mel units (1 is 50 dB).
    """

    plan: Optimisation
    weights: tuple[float, ...] = (4.0, 2.0, 2.0, 1.0, 1.0, 0.5, 0.5)
    noise: float = 0.6
    warp: float = 0.15
    tilt: float = 0.15


@torch.no_grad()
def columns_of(encoder: TinySpeechEncoder, utterances: Sequence[Utterance]) -> tuple[Tensor, Tensor]:
    """Log-mel columns [V, K, M] (half precision) and visemes [V, P] of all frames of all utterances."""
    columns, visemes = [], []
    for item in utterances:
        made = encoder.columns(torch.from_numpy(item.waveform_S), torch.from_numpy(item.times_V))
        columns.append(made.half())
        visemes.append(torch.from_numpy(item.visemes_VP))
    return torch.cat(columns), torch.cat(visemes)


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


def train_speech(
    utterances: Sequence[Utterance], stage: SpeechStage, seed: int, start: TinySpeechEncoder | None = None
) -> tuple[TinySpeechEncoder, Curve]:
    """A speech encoder for ``utterances``, in evaluation mode; ``start`` continues an earlier one."""
    torch.manual_seed(seed)
    encoder = (start or TinySpeechEncoder()).train()
    columns, visemes = columns_of(encoder, utterances)
    weight = torch.tensor(stage.weights)
    spread = visemes.std(dim=0).clamp(min=0.05)

    def loss(_step: int) -> Parts:
        rows = torch.randint(len(columns), (stage.plan.batch,))
        with torch.autocast("cpu", torch.bfloat16):
            made = encoder.visemes(vary(columns[rows].float(), stage)).float()
        return {"visemes": weighted_mse(made / spread, visemes[rows] / spread, weight)}

    curve = optimise(encoder, loss, stage.plan, stage="speech", report_every=250)
    return encoder.eval(), curve


@torch.no_grad()
def viseme_correlation(encoder: TinySpeechEncoder, utterances: Sequence[Utterance]) -> list[float]:
    """Pearson correlation of every viseme parameter with the truth, over all frames of ``utterances``."""
    columns, visemes = columns_of(encoder, utterances)
    made = encoder.visemes(columns.float())
    return [float(torch.corrcoef(torch.stack([made[:, p], visemes[:, p]]))[0, 1]) for p in range(visemes.shape[1])]
