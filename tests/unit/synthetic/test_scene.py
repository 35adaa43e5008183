"""Scenes: split without overlap, and drawn on the mesh that the product measures by."""

import pytest

from dubbing.faces import landmarks
from synthetic.canonical import ANCHORS, EYES
from synthetic.scene import IDENTITIES, scene
from synthetic.splits import ACCENTS, Split, identity_seed, members


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


def test_eyes_and_anchors_are_those_that_the_product_aligns_by() -> None:
    assert EYES == (landmarks.LEFT_EYE, landmarks.RIGHT_EYE)
    assert ANCHORS == (landmarks.LEFT_BROW, landmarks.RIGHT_BROW, landmarks.NOSE)
