"""Cuts a track into windows that fit one request each, so that a track of any length needs bounded memory.

A window serves at most `FRAMES` frames of the picture. It carries `SPEECH_CONTEXT` more seconds of sound on both sides, which
only inform it, and `_LEAST` seconds in all where the track has them, because the speech encoder's first norm runs over all that
it is given. It ends where the track ends: appended silence would move that norm. So a track of up to 27 s at 25 frames a second
is heard whole by every frame, as the students' training clips were; what windows cost longer ones stands in
docs/results/performance.md. Windows start on whole steps of the speech encoder, so that its steps are the track's.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from dubbing.inference.engine import SpeechWindow
from lipforcing.contract import SAMPLE_RATE, SPEECH_CONTEXT, SPEECH_STEP

# 10 s at 60 frames per second, 40 s at 15.
FRAMES = 600
# Slower pictures, and those that stand still, get windows of fewer frames: a request of a few megabytes at most.
_LONGEST = FRAMES // 15
# What `FRAMES` at 25 a second take with their context.
_LEAST = Fraction(FRAMES - 1, 25) + 2 * SPEECH_CONTEXT


def windows(
    samples: Iterator[NDArray[np.float32]], times: list[Fraction], level: tuple[float, float]
) -> Iterator[SpeechWindow]:
    """The windows of a track, in order; none serves frames on both sides of a multiple of `FRAMES`.

    Args:
        samples: the track at 16 kHz mono, in consecutive pieces of any length.
        times: presentation time of every video frame in seconds, ascending; frames may lie beyond the track's end, where
            the encoder hears the track's mean.
        level: mean and standard deviation of the whole track.
    """
    held: NDArray[np.float32] = np.zeros(0, np.float32)
    start = 0  # position of held[0] in the track
    for served in _runs(times):
        after = served[-1] + SPEECH_CONTEXT
        begin = max(0, min(served[0] - SPEECH_CONTEXT, after - _LEAST) * SAMPLE_RATE // SPEECH_STEP * SPEECH_STEP)
        end = max(ceil(after * SAMPLE_RATE / SPEECH_STEP) * SPEECH_STEP, begin + int(_LEAST * SAMPLE_RATE))
        held = _filled(held, begin, end, start, samples)
        start = begin
        waveform = held[: end - begin]
        if not len(waveform):
            waveform = np.full(1, level[0], np.float32)
        offset = Fraction(begin, SAMPLE_RATE)
        yield SpeechWindow(waveform, np.array([float(time - offset) for time in served]), level)


def _runs(times: list[Fraction]) -> Iterator[list[Fraction]]:
    """The times of the frames of each window."""
    first = 0
    for frame in range(1, len(times) + 1):
        if frame == len(times) or frame % FRAMES == 0 or times[frame] - times[first] > _LONGEST:
            yield times[first:frame]
            first = frame


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
