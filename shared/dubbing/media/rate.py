"""The constant frame rate behind a file's time stamps, where there is one."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_STANDARD_RATES = [
    *(Fraction(r) for r in (10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)),
    *(Fraction(r * 1000, 1001) for r in (12, 15, 24, 30, 48, 60, 120, 240)),
]
# Containers round times to their tick (Matroska to 1 ms). Where a frame has fewer ticks than this, a time beside the grid is no
# rounding but a time of its own: 24 frames laid on a grid of 60, or one that was dropped.
_LEAST_TICKS = 8
_EXACT = 1e-6  # of a tick: what floating-point numbers lose over a film


def constant_rate(ticks: NDArray[np.int64], base: Fraction, hints: list[Fraction]) -> Fraction | None:
    """The frame rate whose grid holds every time stamp, or None: then every frame keeps its own time.

    A rate that holds every time exactly is taken first, the header's own before standard ones. Else one whose rounding explains
    them: a time may lie one tick beside the grid, and never more than an eighth of a frame.

    Args:
        ticks: ascending frame times.
        base: seconds per tick.
        hints: rates that the container names, most trusted first.
    """
    if len(ticks) == 1:
        return hints[0] if hints else None
    near = [s for s in _STANDARD_RATES for h in hints if h != s and abs(s - h) <= h / 5000]
    known = list(dict.fromkeys([*hints, *near, *_STANDARD_RATES]))
    places = np.arange(len(ticks), dtype=np.float64)

    def beside(rate: Fraction) -> float:
        return float(np.abs(ticks - ticks[0] - places * float(1 / (rate * base))).max())

    exact = next((rate for rate in known if beside(rate) < _EXACT), None)
    if exact is not None:
        return exact
    mean = (len(ticks) - 1) / (int(ticks[-1] - ticks[0]) * base)
    fine = [rate for rate in [*known, mean] if rate * base <= Fraction(1, _LEAST_TICKS)]
    rounded = next((rate for rate in fine if beside(rate) <= 1.0 + _EXACT), None)
    return mean if rounded is None and beside(mean) < _EXACT else rounded
