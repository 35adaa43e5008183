"""Crops of drawn speakers: the same for the same seed, equal outside the mouth."""

import numpy as np

from lipforcing.contract import mouth_mask
from services.trainer.data.takes import crop_pair
from synthetic.scene import scene
from synthetic.splits import Split

_FRAMES = 6


def test_the_same_seed_gives_the_same_crops_and_another_seed_others() -> None:
    first, again, other = (crop_pair(scene(Split.TRAIN, seed, _FRAMES))[1] for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (_FRAMES, 128, 128, 3)


def test_source_and_target_differ_in_the_mouth_region_and_hardly_elsewhere() -> None:
    source, target = crop_pair(scene(Split.TRAIN, 11, 20))
    apart = np.abs(source.astype(int) - target).mean(-1)
    inside = np.kron(mouth_mask(16), np.ones((8, 8))) > 0.5
    assert apart[:, inside].mean() > 10 * apart[:, ~inside].mean()
    assert np.percentile(apart[:, ~inside], 99) < 6
