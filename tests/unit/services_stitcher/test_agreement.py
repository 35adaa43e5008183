import numpy as np
import pytest

from services.stitcher.agreement import agreement


def speech(frames: int = 200, seed: int = 1) -> np.ndarray:
    return np.convolve(np.random.default_rng(seed).standard_normal(frames + 4), np.ones(5) / 5, "valid")


@pytest.mark.parametrize("lag", [-7, 0, 3])
def test_a_mouth_that_follows_its_sound_is_found_at_its_lag(lag: int) -> None:
    sound = speech()
    found = agreement(np.roll(sound, lag) * 0.2 + 0.1, sound)
    assert found is not None
    assert found.lag == lag
    assert found.score > 0.99


def test_another_speakers_sound_scores_low() -> None:
    found = agreement(speech(600, 1), speech(600, 2))
    assert found is not None
    assert found.score < 0.3


def test_frames_without_a_face_are_left_out() -> None:
    sound = speech()
    mouth = sound.copy()
    mouth[50:80] = np.nan
    found = agreement(mouth, sound)
    assert found is not None
    assert (found.lag, found.score) == (0, pytest.approx(1.0))


@pytest.mark.parametrize(
    ("mouth", "sound"),
    [
        (np.zeros(100), speech(100)),
        (speech(100), np.zeros(100)),
        (speech(10), speech(10)),
        (np.full(100, np.nan), speech(100)),
    ],
)
def test_a_still_mouth_silence_or_a_short_shot_gives_no_score(mouth: np.ndarray, sound: np.ndarray) -> None:
    assert agreement(mouth, sound) is None
