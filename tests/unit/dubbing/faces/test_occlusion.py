"""What comes over a mouth and leaves it again, from the looks of one face."""

import numpy as np
import pytest

from dubbing.domain.findings import FrameRange
from dubbing.faces.appearance import SIDE, likeness
from dubbing.faces.occlusion import Occlusions

LENGTH = 40


def look(seed: int) -> np.ndarray:
    """Blotches that no other seed has."""
    coarse = np.random.default_rng(seed).integers(60, 200, (16, 16, 3), np.uint8)
    return np.asarray(coarse.repeat(SIDE // 16, axis=0).repeat(SIDE // 16, axis=1))


FACE, HAND, CUP = look(1), look(2), look(3)
# What is seen from which frame on, and where something lies over the mouth.
FILMS: dict[str, tuple[dict[int, np.ndarray], list[FrameRange]]] = {
    "nothing": ({0: FACE}, []),
    "a hand that comes and goes": ({0: FACE, 10: HAND, 22: FACE}, [FrameRange(start=10, end=22)]),
    "a hand that stays": ({0: FACE, 10: HAND}, []),
    "a hand that was there and goes": ({0: HAND, 10: FACE}, []),
    "a cup behind the hand": ({0: FACE, 8: HAND, 16: CUP, 28: FACE}, [FrameRange(start=8, end=28)]),
    "a wave": ({0: FACE, 10: HAND, 11: FACE, 12: HAND, 13: FACE}, []),
    "two hands": (
        {0: FACE, 4: HAND, 12: FACE, 24: CUP, 32: FACE},
        [FrameRange(start=4, end=12), FrameRange(start=24, end=32)],
    ),
}


@pytest.mark.parametrize("name", FILMS)
def test_what_comes_over_a_mouth_and_leaves_it_is_found(name: str) -> None:
    film, expected = FILMS[name]
    seen = Occlusions()
    was = now = film[0]
    for frame in range(LENGTH):
        was, now = now, film.get(frame, now)
        seen.see(frame, was, now, likeness(was, now).lower)
    assert seen.found == expected
