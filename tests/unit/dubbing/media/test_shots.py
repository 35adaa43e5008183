from collections.abc import Callable
from fractions import Fraction
from functools import cache

import cv2
import numpy as np
import pytest
from drawn import HALF_OPEN, Picture, bookshelf, speaker

from dubbing.domain.faces import Shot
from dubbing.media.shots import Change, ShotFinder

FPS = Fraction(25)
Film = list[Picture]


@cache
def scene(who: int) -> tuple[Picture, ...]:
    """Forty frames of a person who nods and sways before a wall of their own, with a camera's noise."""
    rng, one = np.random.default_rng(who), speaker(who)
    wall = bookshelf(who)
    left, top, size = 160 + 60 * who, 150 + 12 * who, 1.1 - 0.09 * who
    drawn = []
    for turn in np.linspace(0, 2 * np.pi, 8, endpoint=False):
        pose = one.pose(left + 14 * np.sin(turn), top + 6 * np.cos(turn), size=size, yaw=0.2 * np.sin(turn))
        drawn.append(cv2.resize(one.draw(pose, HALF_OPEN, wall), (320, 180), interpolation=cv2.INTER_AREA).astype(np.int16))
    noisy = (drawn[i % 8] + rng.integers(-4, 5, (180, 320, 3)) for i in range(40))
    return tuple(np.clip(picture, 0, 255).astype(np.uint8) for picture in noisy)


def of(who: int, frames: int, start: int = 0) -> Film:
    return list(scene(who)[start : start + frames])


def brighter(picture: Picture, by: float) -> Picture:
    return np.clip(picture * by + 20 * (by - 1), 0, 255).astype(np.uint8)


WHITE = np.full((180, 320, 3), 255, np.uint8)


def pushed(frames: Film, fps: Fraction = FPS) -> tuple[list[Shot], list[Change]]:
    finder = ShotFinder(fps)
    changes = [finder.push(frame) for frame in frames]
    shots = finder.finish()
    assert [s.start for s in shots][1:] == [s.end for s in shots][:-1]
    assert (shots[0].start, shots[-1].end) == (0, len(frames))
    assert [s.index for s in shots] == list(range(len(shots)))
    return shots, changes


def starts(frames: Film) -> list[int]:
    shots, changes = pushed(frames)
    assert not any(shot.flashes for shot in shots)
    found = [shot.start for shot in shots]
    assert [i for i, change in enumerate(changes) if change.cut] == found
    return found


@pytest.mark.parametrize("between", [1, 2, 3, 5, 6, 7])
def test_a_shot_of_few_frames_between_two_others_is_a_shot(between: int) -> None:
    assert starts(of(1, 20) + of(2, between) + of(3, 15)) == [0, 20, 20 + between]


@pytest.mark.parametrize("last", [1, 2, 3, 4])
def test_a_last_shot_of_less_than_a_fifth_of_a_second_is_a_shot(last: int) -> None:
    assert starts(of(4, 20) + of(5, last)) == [0, 20]


def test_cuts_in_every_other_frame_are_all_found() -> None:
    frames = [picture for who in range(6) for picture in of(who, 2)]
    assert starts(frames) == [0, 2, 4, 6, 8, 10]


# Drawn when they are shown: every process of a shared run reads this module.
FLASHES: dict[str, Callable[[], Film]] = {
    "white": lambda: [WHITE],
    "two white": lambda: [WHITE] * 2,
    "bright": lambda: [brighter(scene(1)[20], 1.5)],
    "two bright": lambda: [brighter(scene(1)[20], 1.5), brighter(scene(1)[21], 1.4)],
    "black": lambda: [WHITE * 0],
    "another picture": lambda: of(2, 1),
    "two of another picture": lambda: of(2, 2),
    "two other pictures": lambda: of(2, 1) + of(3, 1),
}


@pytest.mark.parametrize("name", FLASHES)
def test_a_flash_is_no_cut_and_is_listed_in_its_shot(name: str) -> None:
    flash = FLASHES[name]()
    length = len(flash)
    shots, changes = pushed(of(1, 20) + flash + of(1, 18, 20 + length))
    ((start, end),) = [(part.start, part.end) for shot in shots for part in shot.flashes]
    assert len(shots) == 1
    assert (start, end) == (20, 20 + length)
    # The tracker is told where the shot went on, and since when it was interrupted.
    assert [(i, change.resumes) for i, change in enumerate(changes) if change.resumes is not None] == [(20 + length, 20)]


def test_every_flash_of_a_shot_is_listed() -> None:
    frames = of(1, 36)
    for at in (8, 10, 20):
        frames[at] = WHITE
    (shot,), _ = pushed(frames)
    assert [(part.start, part.end) for part in shot.flashes] == [(8, 9), (10, 11), (20, 21)]


def test_what_is_longer_than_a_flash_is_a_shot_of_its_own() -> None:
    assert starts(of(1, 12) + of(2, 3) + of(1, 12, 15)) == [0, 12, 15]


def test_a_flash_at_a_cut_keeps_the_two_pictures_apart() -> None:
    shots, _ = pushed([*of(1, 20), WHITE, *of(2, 20)])
    assert not any(shot.start < 20 and shot.end > 21 for shot in shots)


@pytest.mark.parametrize("seed", range(3))
def test_however_the_camera_shakes_there_is_no_cut(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wide = [cv2.resize(picture, None, fx=1.25, fy=1.25, interpolation=cv2.INTER_LINEAR) for picture in scene(seed)]
    shaken = [picture[y : y + 180, x : x + 320] for picture, (y, x) in zip(wide, rng.integers(0, 45, (40, 2)), strict=True)]
    assert starts([np.ascontiguousarray(picture) for picture in shaken]) == [0]


def test_a_fade_through_black_is_cut_in_the_dark() -> None:
    out = [(picture * (1 - t / 12)).astype(np.uint8) for t, picture in enumerate(of(1, 12, 20), 1)]
    into = [(picture * (t / 12)).astype(np.uint8) for t, picture in enumerate(of(2, 12))]
    assert starts(of(1, 20) + out + into + of(2, 20, 12)) == [0, 31, 33]


def test_one_frame_is_one_shot() -> None:
    finder = ShotFinder(Fraction(24))
    finder.push(np.zeros((48, 64, 3), np.uint8))
    assert finder.finish() == [Shot(index=0, start=0, end=1)]
