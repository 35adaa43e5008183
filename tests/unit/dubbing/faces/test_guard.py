"""Mouths spoiled by kind, and sound ones, on drawn speakers."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from drawn import CLOSED, HALF_OPEN, WIDE_OPEN, Aligned, Picture, aligned, outlines_in, speaker
from places import LANDMARKER

from dubbing.faces import landmarks as marks
from dubbing.faces.align import extract_crop
from dubbing.faces.composite import Compositor
from dubbing.faces.detector import FaceDetector, MediaPipeDetector
from dubbing.faces.guard import BROKEN, Signs, broken_mouths, judge, remade, settled, trust
from dubbing.faces.outline import limit

SIDE = 256
EYES = 0.38 * SIDE
MOUTHS = ((0.0, CLOSED, WIDE_OPEN), (0.2, HALF_OPEN, CLOSED), (-0.2, WIDE_OPEN, HALF_OPEN))

Spoil = Callable[[Picture], Picture]


class Case(NamedTuple):
    """A filmed face, and an ideal student's crop for it."""

    face: Aligned
    made: Picture


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceDetector]:
    with MediaPipeDetector(LANDMARKER) as opened:
        yield opened


def drawn(detector: FaceDetector, *people: int) -> list[Case]:
    found = []
    for who in people:
        one = speaker(who)
        for yaw, filmed, spoken in MOUTHS:
            pose = one.pose(yaw=yaw)
            face = aligned(detector, one.draw(pose, filmed), SIDE)
            made = np.asarray(extract_crop(one.draw(pose, spoken), face.matrix, SIDE), np.uint8)
            found.append(Case(face, made))
    return found


@pytest.fixture(scope="module")
def cases(detector: FaceDetector) -> list[Case]:
    return drawn(detector, 3, 4, 5, 6)


def signs(detector: FaceDetector, case: Case, crop: Picture) -> Signs:
    face = case.face
    inside = limit(face.outline, outlines_in(detector, crop), SIDE)
    patch = Compositor(SIDE).patch(face.matrix, face.crop, crop, inside)
    return judge(patch.before, patch.after, face.outline * (len(patch.before) / SIDE))


def below(change: Spoil) -> Spoil:
    """A change of the crop's lower half."""

    def spoil(crop: Picture) -> Picture:
        return np.vstack([crop[: SIDE // 2], change(crop[SIDE // 2 :])])

    return spoil


def blocks(crop: Picture) -> Picture:
    steps = np.random.default_rng(1).integers(-60, 60, (16, 16, 1))
    return np.clip(crop + np.kron(steps, np.ones((16, 16, 1))), 0, 255).astype(np.uint8)


def spot(crop: Picture) -> Picture:
    return np.asarray(cv2.circle(crop.copy(), (SIDE // 2, 175), 24, (30, 180, 60), -1), np.uint8)


def noise(crop: Picture) -> Picture:
    return np.clip(crop + np.random.default_rng(2).normal(0, 40, crop.shape), 0, 255).astype(np.uint8)


def smear(crop: Picture) -> Picture:
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), 12), np.uint8)


def tinted(crop: Picture) -> Picture:
    return np.clip(crop * [0.6, 1.2, 0.6], 0, 255).astype(np.uint8)


# What is done to the crop, and the least share of frames in which that is noticed.
SPOILS: dict[str, tuple[Spoil, float]] = {
    "blocks": (blocks, 1.0),
    "another colour": (below(tinted), 1.0),
    "red and blue exchanged": (below(lambda part: part[..., ::-1]), 1.0),
    "a spot in a foreign colour": (spot, 1.0),
    "upside down": (below(lambda part: part[::-1]), 0.9),
    "shifted to the right": (lambda crop: np.roll(crop, round(0.3 * EYES), axis=1), 0.75),
    "shifted to the left": (lambda crop: np.roll(crop, -round(0.3 * EYES), axis=1), 0.75),
    "noise": (noise, 0.9),
}


@pytest.mark.parametrize("name", SPOILS)
def test_a_spoiled_mouth_is_noticed(detector: FaceDetector, cases: list[Case], name: str) -> None:
    spoil, share = SPOILS[name]
    worst = [signs(detector, case, spoil(case.made)).worst for case in cases]
    assert np.mean(np.array(worst) > 1) >= share, np.round(worst, 2)


def test_a_smeared_mouth_is_noticed_where_skin_and_beard_show(detector: FaceDetector) -> None:
    worst = [signs(detector, case, smear(case.made)).worst for case in drawn(detector, 0, 7)]
    assert min(worst) > 1, np.round(worst, 2)


def test_a_sound_mouth_is_not(detector: FaceDetector, cases: list[Case]) -> None:
    worst = [signs(detector, case, case.made).worst for case in cases]
    assert max(worst) < 1, np.round(worst, 2)


def test_a_mouth_that_is_the_filmed_one_has_no_sign(cases: list[Case]) -> None:
    for case in cases:
        small = np.asarray(cv2.resize(case.face.crop, (64, 64), interpolation=cv2.INTER_AREA), np.uint8)
        assert judge(small, small, case.face.outline / 4).worst == 0


def test_a_face_of_which_nothing_is_inside_is_not_judged() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    assert judge(picture, picture + np.uint8(200), np.full((35, 2), -50.0)).worst == 0


def test_eight_and_sixteen_bits_are_judged_alike(detector: FaceDetector, cases: list[Case]) -> None:
    case = cases[0]
    patch = Compositor(SIDE).patch(case.face.matrix, case.face.crop, blocks(case.made))
    outline = case.face.outline / 4
    eight = judge(patch.before, patch.after, outline)
    sixteen = judge(*(picture.astype(np.uint16) * 257 for picture in (patch.before, patch.after)), outline)
    assert sixteen.worst == pytest.approx(eight.worst, rel=1e-3)
    assert signs(detector, case, blocks(case.made)).worst > BROKEN


FPS = Fraction(25)


def test_broken_mouths_are_told_in_ranges_with_time_codes_the_worst_first() -> None:
    worst = {**dict.fromkeys(range(10, 14), 1.6), 30: 9.0, **dict.fromkeys(range(1500, 1502), 4.0)}
    (found,) = broken_mouths(worst, {}, FPS)
    assert found.code == "mouth_broken"
    assert [(part.start, part.end) for part in found.frames] == [(30, 31), (1500, 1502), (10, 14)]
    assert "in 7 of" in found.detail
    assert "pass through unchanged" in found.detail
    assert "worst first: 00:00:01:05, 00:01:00:00 to 00:01:00:01, 00:00:00:10 to 00:00:00:13)" in found.detail


def test_of_many_ranges_three_are_named_and_all_are_listed() -> None:
    doubtful = {frame: 1.0 + frame / 100 for frame in range(0, 20, 4)}
    (found,) = broken_mouths({}, doubtful, FPS)
    assert found.code == "mouth_doubtful"
    assert [part.start for part in found.frames] == [16, 12, 8, 4, 0]
    assert found.detail.endswith("(worst first: 00:00:00:16, 00:00:00:12, 00:00:00:08 and 2 more).")


def test_a_film_without_any_is_told_nothing() -> None:
    assert list(broken_mouths({}, {}, FPS)) == []


# What is told of a track


def sound_ones(frames: int, **signs: float) -> dict[int, Signs]:
    return dict.fromkeys(range(frames), Signs(0.0, 0.0, 0.0, 1.0)._replace(**signs))


def changed(track: dict[int, Signs], frames: range, **signs: float) -> dict[int, Signs]:
    return track | {frame: track[frame]._replace(**signs) for frame in frames}


TRACKS: dict[str, tuple[dict[int, Signs], set[int]]] = {
    "nothing": ({}, set()),
    "sound ones": (sound_ones(20, unsure=0.01), set()),
    "a single frame that landmarks are unsure of": (changed(sound_ones(20, unsure=0.0), range(9, 10), unsure=0.2), set()),
    "some": (changed(sound_ones(20, unsure=0.0), range(8, 12), unsure=0.04), set(range(8, 12))),
    "some of which every third was asked": (
        changed(changed(sound_ones(20), range(0, 20, 3), unsure=0.0), range(6, 13, 3), unsure=0.06),
        set(range(5, 14)),
    ),
    "nobody asked": (sound_ones(20), set()),
    "a single smooth frame": (changed(sound_ones(20), range(9, 10), rough=0.3), set()),
    "smooth ones": (changed(sound_ones(20), range(5, 15), rough=0.3), set(range(5, 15))),
    "a single rough frame": (changed(sound_ones(20), range(9, 10), rough=1.9), {9}),
    "a foreign colour, once": (changed(sound_ones(20), range(9, 10), strange=0.1), {9}),
}


@pytest.mark.parametrize("name", TRACKS)
def test_what_one_frame_says_by_chance_is_not_told_of_a_track(name: str) -> None:
    track, doubtful = TRACKS[name]
    assert set(settled(track)) == doubtful


def test_the_landmarks_of_small_dark_and_cut_faces_are_trusted_less() -> None:
    picture = np.full((100, 100, 3), 120, np.uint8)
    face = np.random.default_rng(1).uniform(20, 80, (marks.COUNT, 2))
    face[list(marks.LEFT_EYE)], face[list(marks.RIGHT_EYE)] = (30, 40), (70, 40)
    assert trust(picture, face) == 1
    assert trust(picture // 4, face) == pytest.approx(0.5)
    assert trust(picture[:, ::2], face * [0.5, 1], 2) == 1
    assert trust(picture, (face - 50) / 4 + 50) == pytest.approx(1 / 9)
    beside = trust(picture, face + np.array([45, 0]))
    assert 0.5 < beside < 0.7
    assert trust(picture, face + np.array([200, 0])) == 0


def test_lips_are_others_when_they_open_and_the_same_under_another_light(detector: FaceDetector) -> None:
    one = speaker(3)
    face = aligned(detector, one.draw(one.pose(), CLOSED), 64)
    opened = np.asarray(extract_crop(one.draw(one.pose(), WIDE_OPEN), face.matrix, 64), np.uint8)
    brighter = np.clip(face.crop * 1.1 + 8, 0, 255).astype(np.uint8)
    assert remade(face.crop, opened, face.outline)
    assert not remade(face.crop, brighter, face.outline)
