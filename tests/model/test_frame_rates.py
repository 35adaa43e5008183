"""Speech is sampled at the exact time of every frame, at every frame rate that films have."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
import torch

from dubbing.inference.engine import SpeechWindow
from dubbing.inference.speech import windows
from lipforcing.audio.mel import sample_index
from lipforcing.audio.wav2vec2 import Wav2Vec2Features, Wav2Vec2Sizes
from lipforcing.contract import SAMPLE_RATE, SPEECH_CONTEXT, SPEECH_STEP

RATES = {
    "15": Fraction(15), "23.976": Fraction(24_000, 1001), "29.97": Fraction(30_000, 1001), "30": Fraction(30),
    "50": Fraction(50), "59.94": Fraction(60_000, 1001), "60": Fraction(60),
}  # fmt: skip
MINUTES = 10
each_rate = pytest.mark.parametrize("fps", RATES.values(), ids=RATES)


def cut(fps: Fraction) -> Iterator[tuple[int, SpeechWindow]]:
    """The windows of ten minutes of a sound whose samples are their own numbers, each with the number of its first frame."""
    times = [i / fps for i in range(int(MINUTES * 60 * fps))]
    sound = (np.arange(i * 96_000, (i + 1) * 96_000, dtype=np.float32) for i in range(MINUTES * 10))
    first = 0
    for window in windows(sound, times, (0.0, 1.0)):
        yield first, window
        first += len(window.frame_times_V)
    assert first == len(times)


@each_rate
def test_every_frame_of_ten_minutes_hears_the_sample_nearest_to_its_exact_time(fps: Fraction) -> None:
    for first, window in cut(fps):
        index = sample_index(torch.from_numpy(window.frame_times_V)).numpy()
        frames = np.arange(first, first + len(index), dtype=np.int64)
        # floor(16000 i / fps + 1/2) in whole numbers
        exact = (2 * SAMPLE_RATE * frames * fps.denominator + fps.numerator) // (2 * fps.numerator)
        inside = exact < MINUTES * 60 * SAMPLE_RATE
        np.testing.assert_array_equal(window.waveform_S[index[inside]], exact[inside])


@each_rate
def test_every_window_starts_on_a_whole_step_of_the_track_and_holds_the_context(fps: Fraction) -> None:
    for first, window in cut(fps):
        start = int(window.waveform_S[0])
        assert start % SPEECH_STEP == 0
        assert start == 0 or float(first / fps) - start / SAMPLE_RATE >= SPEECH_CONTEXT
        behind = len(window.waveform_S) / SAMPLE_RATE - window.frame_times_V[-1]
        ends = start + len(window.waveform_S)
        assert behind >= SPEECH_CONTEXT or ends == MINUTES * 60 * SAMPLE_RATE


@each_rate
def test_features_are_those_at_25_a_second_mixed_at_the_exact_fraction_of_each_frame(fps: Fraction) -> None:
    torch.manual_seed(1)
    encoder = Wav2Vec2Features(Wav2Vec2Sizes(conv=8, hidden=16, layers=1, heads=2, inner=16, groups=2)).eval()
    sound, level = torch.randn(4 * SAMPLE_RATE), torch.tensor([0.0, 1.0])
    count = int(3.5 * fps)
    with torch.no_grad():
        grid = encoder(sound, torch.arange(100, dtype=torch.float64) / 25, level).double()
        got = encoder(sound, torch.tensor([float(i / fps) for i in range(count)], dtype=torch.float64), level).double()
    for i in range(count):
        at = 25 * i / fps
        low, part = at.numerator // at.denominator, float(at % 1)
        torch.testing.assert_close(got[i], (1 - part) * grid[low] + part * grid[low + 1], rtol=1e-5, atol=1e-5)
