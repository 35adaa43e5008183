from fractions import Fraction

import numpy as np
import pytest

from dubbing.domain.findings import FrameRange
from dubbing.faces.agreement import LEVEL, ORDERS, TakeSeries, agreement, differs_from_chance, loss

FPS = Fraction(25)


def speech(frames: int = 250, seed: int = 1) -> np.ndarray:
    """Noise as slow as syllables."""
    return np.convolve(np.random.default_rng(seed).standard_normal(frames + 4), np.ones(5) / 5, "valid")


def shot(start: int, end: int) -> FrameRange:
    return FrameRange(start=start, end=end)


def late(sound: np.ndarray, frames: int, noise: float = 0.3, seed: int = 9) -> np.ndarray:
    """A mouth that moves ``frames`` after a sound, and not for that alone."""
    return np.roll(sound, frames) * 0.2 + 0.1 + np.random.default_rng(seed).normal(0, 0.2 * noise * sound.std(), len(sound))


@pytest.mark.parametrize("lag", [-7, 0, 3])
def test_a_mouth_that_follows_its_sound_is_found_at_its_lag_and_differs_from_chance(lag: int) -> None:
    sound = speech()
    found = agreement(late(sound, lag), sound, [shot(0, 250)], FPS)
    assert found is not None
    assert found.lag_frames == lag
    assert found.score > 0.7
    assert found.significance <= 1 / 1000
    assert differs_from_chance(found)


def test_unrelated_sound_differs_from_chance_in_one_try_of_twenty_at_most() -> None:
    tries, passed, scores = 200, 0, []
    for seed in range(tries):
        found = agreement(speech(250, 2 * seed), speech(250, 2 * seed + 1), [shot(0, 250)], FPS)
        assert found is not None
        passed += differs_from_chance(found)
        scores.append(found.score)
    assert np.median(scores) > 0.15  # so large is the best of 25 lags by chance
    assert passed <= 0.05 * tries + 2 * (0.05 * 0.95 * tries) ** 0.5
    assert passed > 0


def test_the_best_lag_over_a_short_shot_is_large_and_says_nothing() -> None:
    found = [agreement(speech(40, seed), speech(40, seed + 50), [shot(0, 40)], FPS) for seed in range(20)]
    assert max(one.score for one in found if one is not None) > 0.5
    assert not any(differs_from_chance(one) for one in found)


def test_shots_too_short_to_tell_alone_tell_together() -> None:
    shots = [shot(start, start + 30) for start in range(0, 300, 30)]
    sound = speech(300)
    mouth = late(sound, 0, noise=1.0)
    for start in range(0, 300, 60):  # another face at another distance
        mouth[start : start + 30] *= 40
    assert not any(differs_from_chance(agreement(mouth, sound, [one], FPS)) for one in shots)
    assert differs_from_chance(agreement(mouth, sound, shots, FPS))


def test_nothing_is_compared_across_a_cut() -> None:
    sound = speech(120)
    mouth = sound.copy()
    mouth[60:] += 50  # the next shot's face is nearer: within a shot that says nothing, across one it would be everything
    loud = sound.copy()
    loud[60:] += 80
    apart = agreement(
        np.where(np.arange(120) < 60, speech(120, 5), speech(120, 6) + 50), loud, [shot(0, 60), shot(60, 120)], FPS
    )
    assert apart is not None
    assert apart.score < 0.6
    together = agreement(mouth, loud, [shot(0, 60), shot(60, 120)], FPS)
    assert together is not None
    assert together.score > 0.99


def test_the_same_input_gives_the_same_significance() -> None:
    found = [agreement(speech(173, 1), speech(173, 2), [shot(0, 173)], FPS) for _ in range(2)]
    assert found[0] == found[1]
    assert found[0] is not None
    orders = found[0].significance * ORDERS
    assert orders == pytest.approx(round(orders))


def test_frames_without_a_face_are_left_out() -> None:
    sound = speech()
    mouth = late(sound, 0, noise=0.0)
    mouth[50:80] = np.nan
    mouth[100:200][np.arange(100) % 3 > 0] = np.nan
    found = agreement(mouth, sound, [shot(0, 250)], FPS)
    assert found is not None
    assert (found.lag_frames, found.score) == (0, pytest.approx(1.0, abs=0.01))


def test_lags_reach_half_a_second_at_every_rate() -> None:
    sound = np.repeat(speech(250), 2)  # 50 frames a second
    found = agreement(late(sound, 20, noise=0.0), sound, [shot(0, 500)], Fraction(50))
    assert found is not None
    assert found.lag_frames == 20


@pytest.mark.parametrize(
    ("mouth", "sound", "frames"),
    [
        (np.zeros(100), speech(100), 100),
        (speech(100), np.zeros(100), 100),
        (speech(24), speech(24), 24),
        (np.full(100, np.nan), speech(100), 100),
    ],
)
def test_a_still_mouth_silence_or_a_short_shot_gives_nothing_to_judge_by(
    mouth: np.ndarray, sound: np.ndarray, frames: int
) -> None:
    assert agreement(mouth, sound, [shot(0, frames)], FPS) is None


class TestLoss:
    shots = (FrameRange(start=0, end=500),)

    def source(self, noise: float = 0.3) -> TakeSeries:
        """A mouth that follows its own sound."""
        return TakeSeries(late(speech(500, 20), -1, noise), speech(500, 20))

    def test_a_mouth_that_does_not_follow_its_new_track_has_lost_its_agreement(self) -> None:
        found = loss(self.source(), TakeSeries(speech(500, 8), speech(500, 33)), self.shots, FPS)
        assert differs_from_chance(found.before)
        assert not differs_from_chance(found.after)
        assert found.significance <= LEVEL
        assert found.lost

    def test_so_has_one_that_still_follows_the_old_track(self) -> None:
        source = self.source()
        assert loss(source, TakeSeries(source.opening_V, speech(500, 30)), self.shots, FPS).lost

    def test_fourteen_seconds_are_too_short_to_tell_a_loss_from_chance(self) -> None:
        source, made = self.source(), TakeSeries(speech(500, 8), speech(500, 33))
        found = loss(source, made, [shot(0, 350)], FPS)
        assert differs_from_chance(found.before)
        assert not differs_from_chance(found.after)
        assert not found.lost

    def test_so_has_one_that_stands_still(self) -> None:
        found = loss(self.source(), TakeSeries(np.full(500, 0.2), speech(500, 30)), self.shots, FPS)
        assert found.after is None
        assert found.lost

    def test_a_mouth_that_follows_less_well_but_beyond_chance_has_not_lost_it(self) -> None:
        sound = speech(500, 30)
        source = TakeSeries(late(speech(500, 20), 0, 0.1), speech(500, 20))
        found = loss(source, TakeSeries(late(sound, 0, 1.5), sound), [shot(0, 500)], FPS)
        assert found.significance <= LEVEL
        assert not found.lost

    def test_a_mouth_that_follows_as_well_loses_nothing_at_whatever_lag(self) -> None:
        lost = 0
        for seed in range(40):
            old, new = speech(500, seed), speech(500, 100 + seed)
            source, made = TakeSeries(late(old, 0, 0.8, 200 + seed), old), TakeSeries(late(new, 4, 0.8, 300 + seed), new)
            lost += loss(source, made, self.shots, FPS).lost
        assert lost == 0

    def test_where_the_source_does_not_agree_with_its_own_sound_nothing_can_be_lost(self) -> None:
        found = loss(
            TakeSeries(speech(500, 1040), speech(500, 1041)), TakeSeries(np.full(500, 0.2), speech(500, 1043)), self.shots, FPS
        )
        assert found.significance <= 0.001  # a still mouth has less than the little that comes by chance
        assert not found.lost
        unseen = TakeSeries(np.full(500, np.nan), speech(500))
        assert not loss(unseen, TakeSeries(speech(500, 5), speech(500, 6)), self.shots, FPS).lost

    @pytest.mark.parametrize("level", [0.0, 31.5])
    def test_where_the_new_track_is_silent_or_does_not_change_there_is_nothing_to_follow(self, level: float) -> None:
        found = loss(self.source(), TakeSeries(speech(500, 7), np.full(500, level)), self.shots, FPS)
        assert found == (None, None, 1.0)
        assert not found.lost

    def test_frames_that_lack_one_of_the_two_mouths_are_left_out_of_both(self) -> None:
        sound = speech(500)
        before, after = late(sound, 0), late(sound, 0)
        after[150:] = np.nan
        before[150:] = speech(350, 8)
        found = loss(TakeSeries(before, sound), TakeSeries(after, sound), self.shots, FPS)
        assert found.before == found.after
        assert found.significance == 1.0
