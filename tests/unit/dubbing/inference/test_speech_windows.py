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


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(24000, 1001), Fraction(60)])
@pytest.mark.parametrize("seconds", [4, 24, 27])
def test_a_track_of_up_to_27_seconds_is_heard_whole_by_every_frame_and_nothing_is_appended(fps: Fraction, seconds: int) -> None:
    track = ramp(seconds)
    for window in windows(pieces(track, 999), [i / fps for i in range(int(seconds * fps))], LEVEL):
        np.testing.assert_array_equal(window.waveform_S, track)


def test_the_last_window_ends_where_the_track_does_and_is_as_long_as_the_others() -> None:
    track, times = ramp(100), [Fraction(i, 25) for i in range(4 * FRAMES + 1)]
    *_, before, last = windows(pieces(track, 4096), times, LEVEL)
    assert len(last.frame_times_V) == 1
    shown = int(times[-1] * SAMPLE_RATE)
    assert last.waveform_S[-1] == min(len(track), shown + SPEECH_CONTEXT * SAMPLE_RATE) - 1
    *_, ends = windows(pieces(track[: shown + 640], 4096), times, LEVEL)
    assert ends.waveform_S[-1] == shown + 639
    assert abs(len(ends.waveform_S) - len(before.waveform_S)) <= SPEECH_CONTEXT * SAMPLE_RATE


def test_frames_beyond_the_track_are_left_to_the_encoder() -> None:
    times = [Fraction(i, 25) for i in range(50)]
    (window,) = windows(pieces(np.ones(SAMPLE_RATE, np.float32), 100), times, LEVEL)
    assert len(window.waveform_S) == SAMPLE_RATE
    assert len(window.frame_times_V) == 50


def test_a_window_that_lies_behind_the_track_holds_its_mean() -> None:
    times = [Fraction(i, 25) for i in range(3 * FRAMES)]
    *_, last = windows(pieces(ramp(5), 1000), times, (0.25, 1.0))
    assert last.waveform_S.tolist() == [0.25]
    assert len(last.frame_times_V) == FRAMES


def test_a_slow_picture_is_served_by_windows_that_one_request_can_hold() -> None:
    times = [Fraction(i, 4) for i in range(FRAMES + 40)]
    served = 0
    for window in windows(pieces(ramp(170), SAMPLE_RATE), times, LEVEL):
        assert len(window.waveform_S) < 60 * SAMPLE_RATE
        assert served // FRAMES == (served + len(window.frame_times_V) - 1) // FRAMES
        for time in window.frame_times_V:
            assert window.waveform_S[round(float(time) * SAMPLE_RATE)] == times[served] * SAMPLE_RATE
            served += 1
    assert served == len(times)


def test_a_picture_that_stands_still_for_long_skips_the_sound_in_between() -> None:
    times = [Fraction(i, 100) for i in range(FRAMES)] + [Fraction(90)]
    got = list(windows(pieces(ramp(95), SAMPLE_RATE), times, LEVEL))
    late = got[1]
    assert late.waveform_S[round(float(late.frame_times_V[0]) * SAMPLE_RATE)] == 90 * SAMPLE_RATE
    assert len(late.waveform_S) < 60 * SAMPLE_RATE
