"""How well a mouth and a sound belong together, behind one interface.

Legend: V video frames, H/W crop side, C colours, S samples (16 kHz), O offsets.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .mouth_series import Series

REACH = 15  # offsets on either side, as SyncNet's metric has it


class SyncScore(NamedTuple):
    """How well mouth and sound agree.

    Attributes:
        confidence: best agreement over the median of all offsets; more is better.
        distance: disagreement at the best offset; less is better.
        offset: frames by which the mouth comes after the sound at the best offset (negative: before).
    """

    confidence: float
    distance: float
    offset: int


class SyncScorer(Protocol):
    """Judges aligned crops against sound."""

    @property
    def name(self) -> str:
        """What is measured, as reports call it."""

    def score(self, crops_VHWC: NDArray[np.uint8], sound_S: NDArray[np.int16]) -> SyncScore | None:
        """Judge one clip, or None where there is nothing to judge by.

        Args:
            crops_VHWC: uint8 [V, H, W, 3] aligned crops at 25 fps.
            sound_S: int16 [640 V] at 16 kHz; sample 0 belongs to the beginning of frame 0.
        """


def score_of(agreement_O: Series) -> SyncScore:
    """From agreement at the offsets -REACH .. REACH to the score: max minus median, 1 - max, argmax (smallest on a tie)."""
    offsets = sorted(range(-REACH, REACH + 1), key=abs)
    best = max(offsets, key=lambda offset: agreement_O[offset + REACH])
    top = float(agreement_O[best + REACH])
    return SyncScore(top - float(np.median(agreement_O)), 1.0 - top, best)


def sync_figures(
    scorer: SyncScorer, crops_VHWC: NDArray[np.uint8], own_S: NDArray[np.int16], other_S: NDArray[np.int16]
) -> dict[str, float]:
    """Figures of one clip with its own sound, and its confidence with another's; NaN where there is nothing to judge by."""
    own, wrong = (scorer.score(crops_VHWC, sound_S) for sound_S in (own_S, other_S))
    return {
        "sync_confidence": own.confidence if own else np.nan,
        "sync_distance": own.distance if own else np.nan,
        "sync_wrong_confidence": wrong.confidence if wrong else np.nan,
        "offset": float(own.offset) if own else np.nan,
        "offset_error": float(abs(own.offset)) if own else np.nan,
    }


def agreement_by_offset(seen_V: Series, expected_V: Series) -> Series:
    """Correlation of what is seen at frame i + offset with what is expected at frame i, [2 REACH + 1].

    Frames that have no partner at an offset, or are unknown (NaN), count as average, as SyncNet's metric pads with zeros: a
    few frames that happen to agree at a large offset do not win.
    """
    seen_V, expected_V = (_unit(series) for series in (seen_V, expected_V))
    padded = np.pad(seen_V, REACH)
    return np.array([float(padded[first : first + len(expected_V)] @ expected_V) for first in range(2 * REACH + 1)])


def _unit(series_V: Series) -> Series:
    """The series with mean 0 and length 1; all zeros where it does not move."""
    centred = np.nan_to_num(series_V - np.nanmean(series_V))
    length = float(np.linalg.norm(centred))
    return centred / length if length > 1e-9 else np.zeros_like(centred)
