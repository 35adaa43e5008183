from fractions import Fraction

import numpy as np

from dubbing.domain.faces import Shot
from dubbing.media.shots import ShotFinder


def scene(seed: int, frames: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    base = np.kron(rng.integers(40, 220, (6, 8, 3)), np.ones((20, 20, 1))).astype(np.int16)
    return [np.clip(np.roll(base, t, 1) + rng.integers(-4, 5, base.shape), 0, 255).astype(np.uint8) for t in range(frames)]


def starts(frames: list[np.ndarray]) -> list[int]:
    finder = ShotFinder(Fraction(25))
    for frame in frames:
        finder.push(frame)
    shots = finder.finish()
    assert [s.start for s in shots][1:] == [s.end for s in shots][:-1]
    assert (shots[0].start, shots[-1].end) == (0, len(frames))
    return [s.start for s in shots]


def test_hard_cuts_are_found_on_their_frame() -> None:
    assert starts(scene(1, 30) + scene(2, 25) + scene(3, 40)) == [0, 30, 55]


def test_a_flash_is_no_cut() -> None:
    frames = scene(1, 60)
    frames[30] = np.full_like(frames[30], 255)
    assert starts(frames) == [0]


def test_a_fade_through_black_is_cut_in_the_dark() -> None:
    out = [(f * (1 - t / 20)).astype(np.uint8) for t, f in enumerate(scene(1, 40)[-20:], 1)]
    into = [(f * (t / 20)).astype(np.uint8) for t, f in enumerate(scene(2, 50)[:20])]
    found = starts(scene(1, 20) + out + into + scene(2, 50)[20:])
    assert len(found) == 2
    assert 36 <= found[1] <= 44


def test_one_frame_is_one_shot() -> None:
    finder = ShotFinder(Fraction(24))
    finder.push(np.zeros((48, 64, 3), np.uint8))
    assert finder.finish() == [Shot(index=0, start=0, end=1)]
