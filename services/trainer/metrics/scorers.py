"""The two judges of sync: SyncNet where its weights are at hand, else the mouth's correlation with what the sound asks for.

`SyncNetScorer` works with the published weights or with our own small ones. Its figures are Sync-C, Sync-D and the offset of
the published metric, on the product's aligned crops: not on the tracks and crops of the published protocol, so they come near
published figures and are not the same.

`MouthCorrelationScorer` correlates the opening of the mouth, measured by landmarks, with the opening that the demonstration
model's listener expects from the sound, at every offset. It has SyncNet's form (best against median over the offsets) and is
**not** SyncNet: its confidence is a difference of correlations, 0 .. 2, and must not be compared with published Sync-C.

Legend: V video frames, H/W crop side, C colours, S samples (16 kHz).
"""

from pathlib import Path
from typing import Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dubbing.faces.detector import FaceDetector
from lipforcing import syncnet
from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.contract import STUDENTS
from lipforcing.serving.loading import load_speech_encoder
from lipforcing.weights.errors import KeyMismatchError
from lipforcing.weights.syncnet import load_syncnet

from .mouth_series import Series, mouths_in
from .sync import REACH, SyncScore, SyncScorer, agreement_by_offset, score_of

_FPS = 25
_OPENING = 0  # of the viseme parameters


class SyncNetScorer:
    """`SyncScorer` by a SyncNet; the name says whose weights."""

    def __init__(self, network: syncnet.SyncNet, name: str) -> None:
        self._scorer, self.name = syncnet.ClipScorer(network), name

    @classmethod
    def of(cls, path: Path) -> Self:
        """The SyncNet in a file, of the published size or of our small one.

        Raises:
            WeightsError: the file is neither.
        """
        try:
            return cls(load_syncnet(path), "syncnet-v2")
        except KeyMismatchError:
            return cls(load_syncnet(path, syncnet.TINY), "syncnet-tiny")

    def score(self, crops_VHWC: NDArray[np.uint8], sound_S: NDArray[np.int16]) -> SyncScore | None:
        """See `SyncScorer`."""
        metric = self._scorer.score(torch.from_numpy(crops_VHWC), _waveform(sound_S))
        return SyncScore(metric.confidence, metric.distance, metric.offset)


class MouthCorrelationScorer:
    """`SyncScorer` by landmarks and the tiny speech encoder, the demonstration model's listener."""

    name = "mouth-correlation"

    def __init__(self, detector: FaceDetector, encoder: TinySpeechEncoder) -> None:
        self._detector, self._encoder = detector, encoder

    @classmethod
    def of(cls, detector: FaceDetector, repository: Path) -> Self:
        """With the speech encoder of a model repository; raises WeightsError where there is none."""
        model = STUDENTS["tiny"].speech_encoder
        encoder = load_speech_encoder(repository / model / "1", model, torch.device("cpu"))
        return cls(detector, cast("TinySpeechEncoder", encoder))

    def score(self, crops_VHWC: NDArray[np.uint8], sound_S: NDArray[np.int16]) -> SyncScore | None:
        """See `SyncScorer`; None where the mouth cannot be seen in four frames of five."""
        mouths = mouths_in(crops_VHWC, self._detector)
        if len(mouths.opening) < 2 * REACH + 2 or mouths.found < 0.8:
            return None
        return score_of(agreement_by_offset(mouths.opening, self.expected(sound_S, len(mouths.opening))))

    @torch.no_grad()
    def expected(self, sound_S: NDArray[np.int16], frames: int) -> Series:
        """The opening of the mouth that the listener expects in each frame, [V]."""
        times_V = torch.arange(frames, dtype=torch.float64) / _FPS
        columns = self._encoder.columns(_waveform(sound_S), times_V)
        return self._encoder.visemes(columns)[:, _OPENING].double().numpy()


def scorer_name(weights: Path | None) -> str:
    """What `sync_scorer` would judge by, before anything else is loaded; raises WeightsError where it could not."""
    return MouthCorrelationScorer.name if weights is None else SyncNetScorer.of(weights).name


def sync_scorer(weights: Path | None, detector: FaceDetector, repository: Path) -> SyncScorer:
    """The SyncNet whose weights are named, or the mouth's correlation.

    Raises:
        WeightsError: the file holds no SyncNet, or the repository no speech encoder.
    """
    return MouthCorrelationScorer.of(detector, repository) if weights is None else SyncNetScorer.of(weights)


def _waveform(sound_S: NDArray[np.int16]) -> Tensor:
    return torch.from_numpy(sound_S.astype(np.float32) / 32_768.0)
