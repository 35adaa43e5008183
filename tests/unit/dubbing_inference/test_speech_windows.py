from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from dubbing.inference.speech import window_of, windows
from lipforcing.contract import SAMPLE_RATE, SPEECH_CONTEXT, SPEECH_WINDOW

LEVEL = (0.0, 1.0)


def pieces(track: np.ndarray, length: int) -> Iterator[np.ndarray]:
    return iter([track[i : i + length] for i in range(0, len(track), length)])


def ramp(seconds: float) -> np.ndarray:
    return np.arange(int(seconds * SAMPLE_RATE), dtype=np.float32)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(15), Fraction(60)])
@pytest.mark.parametrize("piece", [999, SAMPLE_RATE * 7])
def test_every_frame_is_served_once_by_the_sound_of_its_own_time(fps: Fraction, piece: int) -> None:
    times = [Fraction(i) / fps for i in range(int(95 * fps))]
    served = []
    for number, window in windows(pieces(ramp(95), piece), times, LEVEL):
        for time in window.frame_times_V:
            absolute = times[len(served)]
            sample = round(float(time) * SAMPLE_RATE)
            # the ramp's value is its position in the track
            assert window.waveform_S[sample] == pytest.approx(float(absolute) * SAMPLE_RATE, abs=1)
            assert window_of(absolute) == number
            served.append(absolute)
    assert served == times


def test_a_window_holds_its_context_and_no_more_than_a_bounded_stretch_of_the_track() -> None:
    times = [Fraction(i, 25) for i in range(25 * 100)]
    longest = (SPEECH_WINDOW + 2 * SPEECH_CONTEXT) * SAMPLE_RATE
    got = list(windows(pieces(ramp(100), 4096), times, LEVEL))
    assert [number for number, _ in got] == [0, 1, 2, 3]
    assert all(len(window.waveform_S) <= longest for _, window in got)
    assert got[1][1].waveform_S[0] == (SPEECH_WINDOW - SPEECH_CONTEXT) * SAMPLE_RATE


def test_frames_beyond_the_track_hear_silence() -> None:
    times = [Fraction(i, 25) for i in range(50)]
    ((_, window),) = windows(pieces(np.ones(SAMPLE_RATE, np.float32), 100), times, LEVEL)
    assert window.waveform_S[:SAMPLE_RATE].all()
    assert not window.waveform_S[SAMPLE_RATE:].any()
    assert len(window.waveform_S) >= float(window.frame_times_V[-1]) * SAMPLE_RATE


def test_a_gap_of_frames_longer_than_a_window_is_skipped() -> None:
    times = [Fraction(0), Fraction(SPEECH_WINDOW * 3)]
    got = list(windows(pieces(ramp(SPEECH_WINDOW * 3 + 5), SAMPLE_RATE), times, LEVEL))
    assert [number for number, _ in got] == [0, 3]
    late = got[1][1]
    assert late.waveform_S[round(float(late.frame_times_V[0]) * SAMPLE_RATE)] == SPEECH_WINDOW * 3 * SAMPLE_RATE
