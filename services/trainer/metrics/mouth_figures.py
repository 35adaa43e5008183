"""What a student's mouths are worth: figures of one clip from the mouths that are seen in it, and of all clips.

The same for generated speakers, whose wanted mouth was drawn, and for footage, where it was filmed.

Legend: V video frames, H/W picture height and width, C colours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .mouth_series import MouthSeries, Series, best_lag, correlation

Frames = NDArray[np.uint8]
FPS = 25
LATE = 3 / FPS  # seconds by which the sound of the control comes late


@dataclass(frozen=True, slots=True)
class Measured:
    """One clip: its figures, its frames ``source``, ``generated``, ``true``, ``silence``, and the mouths in two of them."""

    figures: dict[str, float]
    pictures: Mapping[str, Sequence[Frames]]
    mouths: dict[str, MouthSeries]


def mouth_figures(
    seen: Mapping[str, MouthSeries], wanted: MouthSeries, true: MouthSeries, others_V: Series
) -> dict[str, float]:
    """Figures of one clip, by name.

    Args:
        seen: mouths generated for the clip's ``own`` sound, for the same ``late`` by `LATE`, for another clip's (``other``) and
            for ``silence``.
        wanted: what the own sound asks for.
        true: what the landmarker sees of it in true pictures.
        others_V: opening that the other clip's sound asks for.
    """
    return {
        "r_open": correlation(seen["own"].opening, wanted.opening),
        "r_width": correlation(seen["own"].width, wanted.width),
        "lag": float(best_lag(seen["own"].opening, wanted.opening)),
        "lag_late": float(best_lag(seen["late"].opening, wanted.opening)),
        "mae_open": _of_known(np.mean, np.abs(seen["own"].opening - true.opening)),
        "r_wrong": correlation(seen["own"].opening, others_V),
        "r_swapped": correlation(seen["other"].opening, others_V),
        "r_swapped_leak": correlation(seen["other"].opening, wanted.opening),
        "silence": _of_known(np.mean, seen["silence"].opening),
        "silence_std": _of_known(np.std, seen["silence"].opening),
        "spread": _of_known(np.std, true.opening),
        "mean_open": _of_known(np.mean, true.opening),
    }


def _of_known(figure: Callable[[Series], Any], values: Series) -> float:
    """A figure of the values that are known; NaN where none is, as of a clip in which no face is seen."""
    known = values[~np.isnan(values)]
    return float(figure(known)) if known.size else float("nan")


def summary(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Means over all clips, the worst opening, shares of clips whose lag is right, and two figures clip by clip."""

    def column(name: str) -> Series:
        return np.array([row[name] for row in rows], np.float64)

    def mean(name: str) -> float:
        return round(_of_known(np.mean, column(name)), 4)

    def share(name: str, fits: Callable[[float], bool]) -> float:
        return round(float(np.mean([fits(row[name]) for row in rows])), 4)

    def standard_error(name: str) -> float:
        spread = _of_known(lambda known: np.std(known, ddof=min(1, len(known) - 1)), column(name))
        return round(float(spread / len(rows) ** 0.5), 4)

    names = [name for name in rows[0] if name not in ("lag", "lag_late")]
    return {
        **{name: mean(name) for name in names},
        **{f"{name}_standard_error": standard_error(name) for name in ("r_open", "r_width")},
        "r_open_worst": round(_of_known(np.min, column("r_open")), 4),
        "each": {name: [round(float(row[name]), 4) for row in rows] for name in ("r_open", "r_width")},
        "lag_within_1": share("lag", lambda lag: abs(lag) <= 1),
        "late_lag_2_to_4": share("lag_late", lambda lag: 2 <= lag <= 4),
    }
