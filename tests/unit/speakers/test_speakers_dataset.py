"""Samples: the same for the same seed, split without overlap, equal outside the mouth."""

import numpy as np
import pytest

from lipforcing.contract import mouth_mask
from services.trainer.speakers.dataset import IDENTITIES, samples, scene
from services.trainer.speakers.splits import ACCENTS, Split, identity_seed, members

_FRAMES = 6


def test_the_same_seed_gives_the_same_sample_and_another_seed_another() -> None:
    first, again, other = (next(samples(Split.TRAIN, 1, seed, _FRAMES)) for seed in (7, 7, 8))
    assert np.array_equal(first.target, again.target)
    assert np.array_equal(first.sound, again.sound)
    assert not np.array_equal(first.target, other.target)
    assert first.target.shape == (_FRAMES, 128, 128, 3)
    assert first.sound.shape == (_FRAMES * 640,)


@pytest.mark.parametrize("kind", ["language", "voice"])
def test_languages_and_voices_belong_to_one_split_each(kind: str) -> None:
    groups = [set(members(kind, split)) for split in Split]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert all(len(group) >= 2 for group in groups)


def test_identities_of_the_splits_are_disjoint() -> None:
    groups = [{identity_seed(split, i) for i in range(IDENTITIES[split])} for split in Split]
    assert len(set.union(*groups)) == sum(IDENTITIES.values())


def test_a_sample_speaks_with_what_its_split_holds() -> None:
    for split in Split:
        meta = scene(split, 3, 2).meta
        accents = ACCENTS if split is Split.TRAIN else ()
        assert meta["language"] in (*members("language", split), *accents)
        assert meta["voice"] in members("voice", split)


def test_no_accent_of_the_training_voices_is_a_language_that_is_held_out() -> None:
    assert not set(ACCENTS) & {*members("language", Split.DEV), *members("language", Split.TEST)}


def test_source_and_target_differ_in_the_mouth_region_and_hardly_elsewhere() -> None:
    sample = next(samples(Split.TRAIN, 1, 11, 20))
    apart = np.abs(sample.source.astype(int) - sample.target).mean(-1)
    inside = np.kron(mouth_mask(16), np.ones((8, 8))) > 0.5
    assert apart[:, inside].mean() > 10 * apart[:, ~inside].mean()
    assert np.percentile(apart[:, ~inside], 99) < 6
