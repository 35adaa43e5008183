"""`SyncScorer` by landmarks and the demonstration model's own listener, for want of a trained judge.

The opening of the mouth, measured by landmarks, is correlated with the opening that the listener expects from the sound, at
every offset. It has SyncNet's form (best against median over the offsets) and is **not** SyncNet: its confidence is a
difference of correlations, 0 .. 2, and must not be compared with published Sync-C.

Legend: V video frames, H/W crop side, C colours, S samples (16 kHz).
"""

from pathlib import Path
from typing import Self, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from dubbing.faces.align import TEMPLATE_HEIGHT, TEMPLATE_WIDTH
from dubbing.faces.detector import FaceDetector
from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.contract import STUDENTS
from lipforcing.serving.loading import load_speech_encoder
from services.trainer.mouth_series import MouthSeries, Series, mouth_series

from .sync import REACH, SyncScore, agreement_by_offset, score_of

_FPS = 25
_OPENING = 0  # of the viseme parameters


class MouthCorrelationScorer:
    """`SyncScorer` by landmarks and the tiny speech encoder.

    Args:
        detector: of landmarks.
        encoder: the demonstration model's listener.
    """

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
        return self.score_series(mouths_in(crops_VHWC, self._detector), sound_S)

    def score_series(self, mouths: MouthSeries, sound_S: NDArray[np.int16]) -> SyncScore | None:
        """The same for mouths that are measured already."""
        if len(mouths.opening) < 2 * REACH + 2 or mouths.found < 0.8:
            return None
        return score_of(agreement_by_offset(mouths.opening, self.expected(sound_S, len(mouths.opening))))

    @torch.no_grad()
    def expected(self, sound_S: NDArray[np.int16], frames: int) -> Series:
        """The opening of the mouth that the listener expects in each frame, [V]."""
        times_V = torch.arange(frames, dtype=torch.float64) / _FPS
        columns = self._encoder.columns(torch.from_numpy(sound_S.astype(np.float32) / 32_768.0), times_V)
        return self._encoder.visemes(columns)[:, _OPENING].double().numpy()


def mouths_in(crops_VHWC: NDArray[np.uint8], detector: FaceDetector, *, mirrored: bool = False) -> MouthSeries:
    """Mouths of aligned crops; the crop's stretch is undone, and it is framed, for the landmarker's sake.

    Args:
        crops_VHWC: uint8 [V, H, W, 3].
        detector: finds the landmarks.
        mirrored: as `mouth_series`.
    """
    height = max(280, crops_VHWC.shape[1])
    width, frame = height * TEMPLATE_WIDTH // TEMPLATE_HEIGHT, height // 4

    def shown(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
        straight = cv2.resize(crop, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(cv2.copyMakeBorder(straight, frame, frame, frame, frame, cv2.BORDER_REPLICATE), np.uint8)

    return mouth_series(map(shown, crops_VHWC), detector, mirrored=mirrored)
