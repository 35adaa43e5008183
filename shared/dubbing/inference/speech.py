"""Cuts a track into windows that fit one request each, so that a track of any length needs bounded memory.

A window serves `FRAMES` frames of the picture and carries `SPEECH_CONTEXT` more seconds of sound on both sides, which only
inform it. It starts on a whole step of the speech encoder, so that features do not depend on where a track was cut.
"""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dubbing.inference.engine import SpeechWindow
from lipforcing.contract import SAMPLE_RATE, SPEECH_CONTEXT, SPEECH_STEP

# 10 s at 60 frames per second, 40 s at 15: a request of a few megabytes at most.
FRAMES = 600


def windows(
    samples: Iterator[NDArray[np.float32]], times: list[Fraction], level: tuple[float, float]
) -> Iterator[SpeechWindow]:
    """The windows of a track, in order; window i serves frames i * `FRAMES` and on.

    Args:
        samples: the track at 16 kHz mono, in consecutive pieces of any length.
        times: presentation time of every video frame in seconds, ascending; frames may lie beyond the track's end, where
            the window is filled with silence.
        level: mean and standard deviation of the whole track.
    """
    held: NDArray[np.float32] = np.zeros(0, np.float32)
    start = 0  # position of held[0] in the track
    for first in range(0, len(times), FRAMES):
        served = times[first : first + FRAMES]
        begin = max(0, int((served[0] - SPEECH_CONTEXT) * SAMPLE_RATE)) // SPEECH_STEP * SPEECH_STEP
        end = int((served[-1] + SPEECH_CONTEXT) * SAMPLE_RATE)
        held = _filled(held, begin, end, start, samples)
        start = begin
        offset = Fraction(begin, SAMPLE_RATE)
        waveform = held[: end - begin]
        waveform = np.pad(waveform, (0, end - begin - len(waveform)))
        yield SpeechWindow(waveform, np.array([float(time - offset) for time in served]), level)


def _filled(
    held: NDArray[np.float32], begin: int, end: int, start: int, samples: Iterator[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """The track from ``begin`` to ``end`` or beyond, or to its own end, given that ``held`` starts at ``start``."""
    pieces = [held[begin - start :]]
    position = start + len(held)
    while position < end and (piece := next(samples, None)) is not None:
        pieces.append(piece[max(0, begin - position) :])
        position += len(piece)
    return np.concatenate(pieces)
