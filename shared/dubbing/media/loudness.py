"""Speech-band loudness of a track at the frames of a picture."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

# Telephone band (ITU-T G.712): speech without rumble and hiss.
_BAND = (300.0, 3400.0)
_FLOOR_DB = -60.0


def loudness(samples: Iterator[NDArray[np.float32]], times: list[Fraction], rate: int) -> NDArray[np.float64]:
    """Decibels above `_FLOOR_DB`, one value for each frame: the mean power from half a frame before to half a frame after.

    Args:
        samples: the track, mono at ``rate``, in consecutive pieces.
        times: presentation time of every frame in seconds, ascending.
        rate: samples per second.
    """
    from scipy.signal import butter, sosfilt  # noqa: PLC0415 - it imports all of scipy.stats, which most workers never need

    filtering = butter(4, _BAND, "bandpass", fs=rate, output="sos")
    state = np.zeros((len(filtering), 2))
    edges = _edges(times, rate)
    energy, count = np.zeros(len(times)), np.zeros(len(times))
    position = 0
    for piece in samples:
        sound, state = sosfilt(filtering, piece, zi=state)
        frame = np.searchsorted(edges, np.arange(position, position + len(piece)), side="right") - 1
        inside = (frame >= 0) & (frame < len(times))
        energy += np.bincount(frame[inside], sound[inside] ** 2, len(times))
        count += np.bincount(frame[inside], minlength=len(times))
        position += len(piece)
    power = energy / np.maximum(count, 1)
    decibels: NDArray[np.float64] = np.maximum(10 * np.log10(power + 1e-12), _FLOOR_DB) - _FLOOR_DB
    return decibels


def _edges(times: list[Fraction], rate: int) -> NDArray[np.float64]:
    """Sample positions between frames: [V + 1]."""
    at = np.array([float(time) for time in times])
    middle = (at[1:] + at[:-1]) / 2
    reach = middle[-1] - at[-2] if len(at) > 1 else 0.02
    return np.concatenate([[at[0] - reach], middle, [at[-1] + reach]]) * rate
