"""Samples: the same for the same seed, equal outside the mouth."""

import numpy as np

from lipforcing.contract import mouth_mask
from services.trainer.speaker_samples import samples
from synthetic.splits import Split

_FRAMES = 6


def test_the_same_seed_gives_the_same_sample_and_another_seed_another() -> None:
    first, again, other = (next(samples(Split.TRAIN, 1, seed, _FRAMES)) for seed in (7, 7, 8))
    assert np.array_equal(first.target, again.target)
    assert np.array_equal(first.sound, again.sound)
    assert not np.array_equal(first.target, other.target)
    assert first.target.shape == (_FRAMES, 128, 128, 3)
    assert first.sound.shape == (_FRAMES * 640,)


def test_source_and_target_differ_in_the_mouth_region_and_hardly_elsewhere() -> None:
    sample = next(samples(Split.TRAIN, 1, 11, 20))
    apart = np.abs(sample.source.astype(int) - sample.target).mean(-1)
    inside = np.kron(mouth_mask(16), np.ones((8, 8))) > 0.5
    assert apart[:, inside].mean() > 10 * apart[:, ~inside].mean()
    assert np.percentile(apart[:, ~inside], 99) < 6
