from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from dubbing.inference.speech import FRAMES, windows
from lipforcing.contract import SAMPLE_RATE, SPEECH_CONTEXT

LEVEL = (0.0, 1.0)


def pieces(track: np.ndarray, length: int) -> Iterator[np.ndarray]:
    return iter([track[i : i + length] for i in range(0, len(track), length)])


def ramp(seconds: float) -> np.ndarray:
    return np.arange(int(seconds * SAMPLE_RATE), dtype=np.float32)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(15), Fraction(60)])
@pytest.mark.parametrize("piece", [999, SAMPLE_RATE * 7])
def test_every_frame_is_served_once_by_the_sound_of_its_own_time(fps: Fraction, piece: int) -> None:
    times = [Fraction(i) / fps for i in range(int(95 * fps))]
    served = 0
    for number, window in enumerate(windows(pieces(ramp(95), piece), times, LEVEL)):
        assert served == number * FRAMES
        for time in window.frame_times_V:
            sample = round(float(time) * SAMPLE_RATE)
            # the ramp's value is its position in the track
            assert window.waveform_S[sample] == pytest.approx(float(times[served]) * SAMPLE_RATE, abs=1)
            served += 1
    assert served == len(times)


def test_a_window_holds_its_context_and_no_more_than_a_bounded_stretch_of_the_track() -> None:
    times = [Fraction(i, 25) for i in range(25 * 100)]
    got = list(windows(pieces(ramp(100), 4096), times, LEVEL))
    longest = (Fraction(FRAMES, 25) + 2 * SPEECH_CONTEXT) * SAMPLE_RATE
    assert len(got) == -(-len(times) // FRAMES)
    assert all(len(window.waveform_S) <= longest for window in got)
    assert got[1].waveform_S[0] == (times[FRAMES] - SPEECH_CONTEXT) * SAMPLE_RATE


def test_frames_beyond_the_track_hear_silence() -> None:
    times = [Fraction(i, 25) for i in range(50)]
    (window,) = windows(pieces(np.ones(SAMPLE_RATE, np.float32), 100), times, LEVEL)
    assert window.waveform_S[:SAMPLE_RATE].all()
    assert not window.waveform_S[SAMPLE_RATE:].any()
    assert len(window.waveform_S) >= float(window.frame_times_V[-1]) * SAMPLE_RATE


def test_a_picture_that_stands_still_for_long_skips_the_sound_in_between() -> None:
    times = [Fraction(i, 100) for i in range(FRAMES)] + [Fraction(90)]
    got = list(windows(pieces(ramp(95), SAMPLE_RATE), times, LEVEL))
    late = got[1]
    assert late.waveform_S[round(float(late.frame_times_V[0]) * SAMPLE_RATE)] == 90 * SAMPLE_RATE
