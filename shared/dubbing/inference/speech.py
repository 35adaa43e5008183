"""Cuts a track into windows that fit one request each, so that a track of any length needs bounded memory.

A window serves the frames whose times fall into its `SPEECH_WINDOW` seconds and carries `SPEECH_CONTEXT` more seconds of
sound on both sides, which only inform it.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from dubbing.inference.engine import SpeechWindow
from lipforcing.contract import SAMPLE_RATE, SPEECH_CONTEXT, SPEECH_WINDOW


def window_of(time: Fraction) -> int:
    """Number of the window that serves a frame at ``time`` seconds."""
    return int(time // SPEECH_WINDOW)


def windows(
    samples: Iterator[NDArray[np.float32]], times: list[Fraction], level: tuple[float, float]
) -> Iterator[tuple[int, SpeechWindow]]:
    """The windows of a track, in order, each with its number.

    Args:
        samples: the track at 16 kHz mono, in consecutive pieces of any length.
        times: presentation time of every video frame in seconds, ascending; frames may lie beyond the track's end, where
            the window is filled with silence.
        level: mean and standard deviation of the whole track.
    """
    held: NDArray[np.float32] = np.zeros(0, np.float32)
    start = 0  # position of held[0] in the track
    for number, served in groupby(times, key=window_of):
        begin = max(0, (number * SPEECH_WINDOW - SPEECH_CONTEXT) * SAMPLE_RATE)
        end = ((number + 1) * SPEECH_WINDOW + SPEECH_CONTEXT) * SAMPLE_RATE
        held = _filled(held, begin, end, start, samples)
        start = begin
        offset = Fraction(begin, SAMPLE_RATE)
        frame_times = np.array([float(time - offset) for time in served])
        yield number, SpeechWindow(_covering(held[: end - begin], frame_times), frame_times, level)


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


def _covering(waveform: NDArray[np.float32], frame_times: NDArray[np.float64]) -> NDArray[np.float32]:
    """The waveform with silence appended up to the context after its last frame, where the track ends earlier."""
    wanted = int((frame_times[-1] + 1) * SAMPLE_RATE)
    return np.pad(waveform, (0, max(0, wanted - len(waveform))))
