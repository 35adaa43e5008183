from fractions import Fraction

import numpy as np

from dubbing.media.loudness import loudness

RATE = 16_000
TIMES = [Fraction(i, 25) for i in range(50)]


def tone(start: float, end: float, hertz: float = 1000.0) -> np.ndarray:
    at = np.arange(2 * RATE) / RATE
    return np.where((at >= start) & (at < end), np.sin(2 * np.pi * hertz * at), 0).astype(np.float32)


def test_speech_is_loud_in_its_own_frames_and_nowhere_else() -> None:
    found = loudness(iter([tone(0.78, 1.22)]), TIMES, RATE)
    assert found[21:30].min() > 50
    assert found[:19].max() == 0
    assert found[33:].max() < 20


def test_rumble_below_speech_is_not_heard() -> None:
    found = loudness(iter([tone(0, 2, hertz=50)]), TIMES, RATE)
    assert found[10:].max() < loudness(iter([tone(0, 2)]), TIMES, RATE)[10:].min() - 30


def test_pieces_of_any_length_make_the_same_curve() -> None:
    sound = tone(0.3, 1.1)
    whole = loudness(iter([sound]), TIMES, RATE)
    np.testing.assert_allclose(loudness(iter(np.array_split(sound, 37)), TIMES, RATE), whole, atol=1e-6)


def test_frames_after_the_end_of_the_sound_are_silent() -> None:
    found = loudness(iter([tone(0, 2)[:RATE]]), TIMES, RATE)
    assert found[27:].max() == 0
