"""How well a mouth and a sound agree: a measure that needs no model and says plainly what it is.

The mouth's opening, measured by landmarks, is correlated with the speech-band loudness of the track at lags of up to half a
second. Real speakers reach about 0.5 (mouths also move for what is quiet, and sound goes on behind closed lips); unrelated
sound stays within 0.2. It tells a mouth that follows its track from one that does not. It is not SyncNet's confidence.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

_MAX_LAG = 12
# Fewer frames, or a mouth or sound that hardly moves, say nothing about agreement.
_LEAST_FRAMES = 25
_LEAST_SPREAD = 1e-3


class Agreement(NamedTuple):
    """``score`` is the correlation at ``lag`` frames (positive: the mouth moves after the sound)."""

    lag: int
    score: float


def agreement(opening_V: Series, loudness_V: Series) -> Agreement | None:
    """Best agreement of a mouth with a sound over one shot, or None where there is nothing to judge by.

    Args:
        opening_V: mouth opening per frame, any unit; NaN where the face was not seen.
        loudness_V: speech-band loudness at the same frames, in decibels above the track's floor.
    """
    seen = np.isfinite(opening_V)
    if seen.sum() < _LEAST_FRAMES or np.nanstd(opening_V) < _LEAST_SPREAD or loudness_V.std() < _LEAST_SPREAD:
        return None
    scores = {lag: _correlation(opening_V, loudness_V, lag) for lag in range(-_MAX_LAG, _MAX_LAG + 1)}
    best = max(scores, key=lambda lag: (scores[lag], -abs(lag)))
    return Agreement(best, round(scores[best], 3))


def _correlation(opening_V: Series, loudness_V: Series, lag: int) -> float:
    """Pearson correlation of the opening at frame i + ``lag`` with the loudness at frame i."""
    length = len(opening_V) - abs(lag)
    mouth = opening_V[max(lag, 0) :][:length]
    sound = loudness_V[max(-lag, 0) :][:length]
    both = np.isfinite(mouth)
    if both.sum() < _LEAST_FRAMES // 2 or mouth[both].std() < _LEAST_SPREAD or sound[both].std() < _LEAST_SPREAD:
        return -1.0
    return float(np.corrcoef(mouth[both], sound[both])[0, 1])
