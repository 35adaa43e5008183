"""What lies over a mouth, by kind and by speaker: found wherever it is, and nothing is found where it is not."""

from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from drawn import Picture, Speaker, as_frame, speaker
from drawn_covers import Cover, banner, hand
from places import ROOT

from dubbing.errors import Permanent
from dubbing.faces.align import Frame
from dubbing.faces.detector import Face, MediaPipeDetector
from dubbing.faces.follow import FaceTracker
from dubbing.faces.hands import HandDetector, MediaPipeHands
from dubbing.faces.mouth_occlusion import under_a_hand
from dubbing.faces.tracks import choose_faces
from dubbing.media.shots import ShotFinder
from synthetic.renderer import HeadPose
from synthetic.shape import Mouth

THIRD_PARTY = ROOT / "third_party"
FPS = Fraction(25)
FRAMES, COMES, GOES = 28, 8, 20


class Witnesses(NamedTuple):
    """Who sees faces, and who sees hands."""

    faces: MediaPipeDetector
    hands: MediaPipeHands


@pytest.fixture(scope="module")
def witnesses() -> Iterator[Witnesses]:
    faces, hands = THIRD_PARTY / "face_landmarker/face_landmarker.task", THIRD_PARTY / "hand_landmarker/hand_landmarker.task"
    with MediaPipeDetector(faces) as face, closing(MediaPipeHands(hands)) as hand_:
        yield Witnesses(face, hand_)


def swaying(one: Speaker, i: int) -> HeadPose:
    return one.pose(320 + 3 * np.sin(i / 7), 150 + 2 * np.sin(i / 5))


@cache
def talk(who: int) -> tuple[Picture, ...]:
    one = speaker(who)
    return tuple(one.draw(swaying(one, i), Mouth(open=0.4 + 0.4 * np.sin(0.9 * i))) for i in range(FRAMES))


class WrongInOneLook:
    """Sees what ``hands`` see, but for its second look, the first after a pause: there it is sure of one that is not there."""

    def __init__(self, hands: MediaPipeHands) -> None:
        self._hands = hands
        self._looks = 0

    def over(self, frame: Frame, face: Face) -> float:
        self._looks += 1
        return 0.9 if self._looks == 2 else self._hands.over(frame, face)


def dubbed(witnesses: Witnesses, film: list[Picture], hands: HandDetector | None = None) -> set[int]:
    """The frames that would be painted."""
    finder, tracker = ShotFinder(FPS), FaceTracker(witnesses.faces, sparse=True, hands=hands or witnesses.hands)
    for frame in film:
        change = finder.push(frame)
        tracker.push(frame, cut=change.cut, resumes=change.resumes, steady=change.difference < 4)
    found = choose_faces(tracker.finish(), finder.finish(), FPS).faces
    return {i for face in found for i in range(face.track.start, face.track.end)} - {
        i for face in found for i in face.track.missing
    }


def moving(start: int, end: int, frames: int) -> Callable[[int], float]:
    """How far something has come over a mouth: within some frames, and away again."""
    return lambda i: float(np.clip(min((i - start + 1) / frames, (end - i) / frames), 0, 1))


ALWAYS, HALF_A_SECOND = (lambda _: 1.0), (lambda i: float(COMES <= i < GOES))
PALE, RED, DARK = (238, 232, 226), (190, 40, 40), (25, 25, 30)
EVERYBODY = tuple(range(8))
# What it is, when it is there, who speaks, and of whom it is not found.
TABLE: dict[str, tuple[Cover, Callable[[int], float], tuple[int, ...], set[int]]] = {
    "a fast hand": (hand, moving(COMES, GOES, 2), EVERYBODY, set()),
    "a slow hand": (hand, moving(2, FRAMES - 1, 8), (1, 2, 5, 7), {5}),
    "a hand all the time": (hand, ALWAYS, (0, 3, 4, 6), set()),
    "a pale banner": (banner(PALE), HALF_A_SECOND, (2, 5, 7), set()),
    "a pale banner all the time": (banner(PALE), ALWAYS, (2,), set()),
    "a red banner": (banner(RED), HALF_A_SECOND, (3, 6), set()),
    "a dark banner": (banner(DARK), HALF_A_SECOND, (0, 2, 5), {5}),  # as dark as that speaker's hair and brows
}


@pytest.mark.parametrize("name", TABLE)
def test_what_lies_over_a_mouth_is_found_on_every_speaker(witnesses: Witnesses, name: str) -> None:
    cover, there, people, missed = TABLE[name]
    painted: dict[int, list[int]] = {}
    for who in people:
        one = speaker(who)
        film = [cover(frame, one, swaying(one, i), there(i)) if there(i) > 0 else frame for i, frame in enumerate(talk(who))]
        found = dubbed(witnesses, film)
        painted[who] = [i for i in sorted(found) if there(i) > 0.75]
        if there is HALF_A_SECOND:
            assert found, who  # before it comes or after it has gone
    assert {who for who, frames in painted.items() if frames} <= missed, painted


def test_speakers_over_whose_mouths_nothing_lies_are_dubbed(witnesses: Witnesses) -> None:
    assert {who: len(dubbed(witnesses, list(talk(who)))) for who in (2, 5)} == dict.fromkeys((2, 5), FRAMES)


@pytest.mark.parametrize("who", [2, 5])
def test_one_look_that_is_wrong_costs_no_frame(witnesses: Witnesses, who: int) -> None:
    assert dubbed(witnesses, list(talk(who)), WrongInOneLook(witnesses.hands)) == set(range(FRAMES))


# Hands


@pytest.mark.parametrize("who", [1, 4, 7])
def test_a_hand_over_the_lips_is_seen_and_one_below_them_is_not_over_them(witnesses: Witnesses, who: int) -> None:
    one = speaker(who)
    pose = swaying(one, 0)
    bare = talk(who)[0]
    (face,) = witnesses.faces.find(bare)
    covered = hand(bare, one, pose, 1.0)
    assert witnesses.hands.over(covered, face) > 0.2
    assert witnesses.hands.over(covered.astype(np.uint16) << 8, face) > 0.2
    assert witnesses.hands.over(as_frame(covered), face) > 0.2
    assert witnesses.hands.over(hand(bare, one, pose, 0.4), face) == 0
    assert witnesses.hands.over(bare, face) == 0


def test_another_hand_model_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "hand_landmarker.task"
    other.write_bytes(b"not the model")
    with pytest.raises(Permanent, match="not the pinned model"):
        MediaPipeHands(other)


LOOKS: dict[str, tuple[dict[int, float], set[int]]] = {
    "nobody looked": ({}, set()),
    "none": (dict.fromkeys(range(0, 60, 12), 0.0), set()),
    "four frames, as natural speakers without one had": (
        dict.fromkeys(range(60), 0.0) | dict.fromkeys(range(24, 28), 0.5),
        set(),
    ),
    "one look alone, the frames before and after it looked at": (
        {0: 0.0, 12: 0.0} | dict.fromkeys(range(16, 37), 0.0) | {24: 0.9},
        set(),
    ),
    "the first look alone": ({0: 0.9} | dict.fromkeys(range(1, 13), 0.0), set()),
    "single sightings before one that is sure": (
        dict.fromkeys(range(60), 0.0) | {20: 0.4} | dict.fromkeys(range(24, 37), 0.5),
        set(range(18, 39)),
    ),
    "half a second": (dict.fromkeys(range(60), 0.0) | dict.fromkeys(range(24, 37), 0.5), set(range(22, 39))),
    "one that is recognised in two frames of three": (
        dict.fromkeys(range(60), 0.0) | {i: 0.4 for i in range(20, 50) if i % 3},
        set(range(18, 52)),
    ),
    "one that came while nobody looked": (
        {0: 0.0, 12: 0.0} | dict.fromkeys(range(24, 48), 0.5) | dict.fromkeys(range(48, 60), 0.0),
        set(range(11, 50)),
    ),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_hand_is_one_that_is_recognised_most_of_the_time(name: str) -> None:
    looks, expected = LOOKS[name]
    series = np.array([looks.get(i, np.nan) for i in range(60)])
    assert set(np.flatnonzero(under_a_hand(series)).tolist()) == expected
