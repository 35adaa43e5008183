"""From the pictures of drawn films to tracks and findings, with the real landmarker: one test per kind of harm."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from drawn import HEIGHT, WIDTH, Picture, Speaker, bookshelf, speaker
from places import LANDMARKER

from dubbing.domain.faces import Shot
from dubbing.errors import FaceUpsideDown
from dubbing.faces.detector import FaceDetector, MediaPipeDetector
from dubbing.faces.follow import FaceTracker, follow_faces
from dubbing.faces.tracks import FacesFound, choose_faces
from dubbing.media.shots import ShotFinder
from synthetic.renderer import HeadPose
from synthetic.shape import Mouth

FPS = Fraction(10)
Film = list[Picture]
Span = tuple[int, int]


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceDetector]:
    with MediaPipeDetector(LANDMARKER) as opened:
        yield opened


class Found(NamedTuple):
    """What analysis says of a film."""

    shots: list[Shot]
    faces: FacesFound

    @property
    def tracks(self) -> list[Span]:
        return [(face.track.start, face.track.end) for face in self.faces.faces]

    @property
    def reasons(self) -> dict[str, list[Span]]:
        return {finding.code: [(part.start, part.end) for part in finding.frames] for finding in self.faces.findings}

    @property
    def dubbed(self) -> set[int]:
        return {i for face in self.faces.faces for i in range(face.track.start, face.track.end)} - {
            i for face in self.faces.faces for i in face.track.missing
        }


def analysed(detector: FaceDetector, frames: Film, fps: Fraction = FPS) -> Found:
    finder = ShotFinder(fps)
    followed = follow_faces(detector, ((frame, finder.push(frame)) for frame in frames))
    shots = finder.finish()
    return Found(shots, choose_faces(followed, shots, fps))


def speaking(i: int) -> Mouth:
    return Mouth(open=0.4 + 0.4 * np.sin(0.9 * i))


def talk(one: Speaker, frames: int, pose: Callable[[int], HeadPose] | None = None, wall: Picture | None = None) -> Film:
    def swaying(i: int) -> HeadPose:
        return one.pose(320 + 3 * np.sin(i / 7), 180 + 2 * np.sin(i / 5))

    return [one.draw((pose or swaying)(i), speaking(i), wall) for i in range(frames)]


def turned(film: Film, turn: Callable[[Picture], Picture]) -> Film:
    return [np.ascontiguousarray(turn(frame)) for frame in film]


# Orientation


@pytest.mark.parametrize("roll", [-115, -90, 45, 115])
def test_a_face_on_its_side_is_dubbed(detector: FaceDetector, roll: int) -> None:
    one = speaker(3)
    found = analysed(detector, talk(one, 8, lambda _: one.pose(size=0.8, roll=np.radians(roll))))
    assert found.tracks == [(0, 8)]
    assert found.reasons == {}
    left, right, nose = found.faces.faces[0].anchors[0]
    way = np.degrees(np.arctan2(*(right - left)[::-1]))
    assert way == pytest.approx(roll, abs=6)
    across, down = right - left, nose - left
    assert across[0] * down[1] - across[1] * down[0] > 0  # the nose lies below the brows, as the face sees it


@pytest.mark.parametrize("who", [4, 6])
def test_a_film_on_its_head_is_refused_with_the_advice_to_turn_it(detector: FaceDetector, who: int) -> None:
    with pytest.raises(FaceUpsideDown) as refused:
        analysed(detector, turned(talk(speaker(who), 12), lambda frame: np.rot90(frame, 2)))
    assert refused.value.where["frame"] == 0
    assert "180 degrees" in refused.value.suggestions[0]


@pytest.mark.parametrize("turn", [lambda frame: frame[:, ::-1], np.rot90, lambda frame: np.rot90(frame, -1)])
def test_a_film_that_is_mirrored_or_lies_on_its_side_is_dubbed(
    detector: FaceDetector, turn: Callable[[Picture], Picture]
) -> None:
    found = analysed(detector, turned(talk(speaker(5), 12), turn))
    assert found.tracks == [(0, 12)]
    assert found.reasons == {}


def test_where_a_film_stands_on_its_head_it_passes_through_and_is_told(detector: FaceDetector) -> None:
    upright, other = talk(speaker(3), 14), talk(speaker(4), 12, wall=bookshelf(2))
    found = analysed(detector, upright + turned(other, lambda frame: np.rot90(frame, 2)))
    assert found.tracks == [(0, 14)]
    assert found.reasons == {"face_upside_down": [(14, 26)]}


# Cuts and flashes


def scenes(*lengths: int) -> Film:
    """Another person before another wall after each cut, and nearly at the same place."""
    parts = []
    for i, length in enumerate(lengths):
        one = speaker((3, 5, 6)[i % 3])
        parts += [
            one.draw(one.pose(320 - 10 * i + 2 * np.sin(t / 4), size=0.9), speaking(t), bookshelf(10 + i))
            for t in range(length)
        ]
    return parts


SHOTS: dict[str, tuple[tuple[int, ...], list[Span], dict[str, list[Span]]]] = {
    "three frames": ((15, 3, 14), [(0, 15), (15, 18), (18, 32)], {}),
    "five frames": ((15, 5, 14), [(0, 15), (15, 20), (20, 34)], {}),
    "six frames": ((15, 6, 14), [(0, 15), (15, 21), (21, 35)], {}),
    "a last one of three": ((20, 3), [(0, 20), (20, 23)], {}),
    "one frame": ((15, 1, 14), [(0, 15), (16, 30)], {"shot_too_short": [(15, 16)]}),
    "two frames": ((15, 2, 14), [(0, 15), (17, 31)], {"shot_too_short": [(15, 17)]}),
    "a last one of two": ((20, 2), [(0, 20)], {"shot_too_short": [(20, 22)]}),
    "two short ones at the end": ((12, 2, 2), [(0, 12)], {"shot_too_short": [(12, 16)]}),
}


@pytest.mark.parametrize("name", SHOTS)
def test_no_track_crosses_a_cut_and_a_shot_too_short_passes_through(detector: FaceDetector, name: str) -> None:
    lengths, tracks, reasons = SHOTS[name]
    found = analysed(detector, scenes(*lengths))
    assert [shot.start for shot in found.shots] == [sum(lengths[:i]) for i in range(len(lengths))]
    assert found.tracks == tracks
    assert found.reasons == reasons
    for face in found.faces.faces:  # each stands where its own person does, from its first frame to its last
        assert np.abs(np.diff(face.anchors.mean(axis=(1, 2)))).max() < 3


def test_where_somebody_else_takes_a_face_s_place_its_track_ends_even_if_no_cut_was_told(detector: FaceDetector) -> None:
    tracker = FaceTracker(detector, sparse=True)
    for i, frame in enumerate(talk(speaker(3), 12) + talk(speaker(4), 12)):
        tracker.push(frame, cut=i == 0)
    found = choose_faces(tracker.finish(), [Shot(index=0, start=0, end=24)], FPS)
    assert [(face.track.start, face.track.end) for face in found.faces] == [(0, 12), (12, 24)]


def test_a_film_of_two_frames_is_dubbed_all_the_same(detector: FaceDetector) -> None:
    assert analysed(detector, scenes(2)).tracks == [(0, 2)]


@pytest.mark.parametrize("flash", ["white", "bright", "another picture"])
def test_a_flash_passes_through_and_the_frames_around_it_are_dubbed(detector: FaceDetector, flash: str) -> None:
    film = scenes(24)
    other = {
        "white": np.full((HEIGHT, WIDTH, 3), 255, np.uint8),
        "bright": np.clip(film[12] * 1.6 + 20, 0, 255).astype(np.uint8),
        "another picture": speaker(5).draw(speaker(5).pose(200), Mouth(), bookshelf(3)),
    }
    film[12] = other[flash]
    found = analysed(detector, film)
    (face,) = found.faces.faces
    assert (face.track.start, face.track.end, face.track.missing) == (0, 24, (12,))
    assert found.reasons == {"flash": [(12, 13)]}
    assert np.abs(np.diff(face.anchors.mean(axis=(1, 2)))).max() < 3


# Two people


def two(frames: int, left: Callable[[int], float], right: Callable[[int], float]) -> Film:
    """Two people side by side, each of the given size, or absent (0)."""
    film = []
    for i in range(frames):
        picture = bookshelf(2)
        for who, x, size in ((4, 170, left(i)), (6, 470, right(i))):
            if size:
                one = speaker(who)
                picture = one.draw(one.pose(x, 190, size=0.7 * size), speaking(i + who), picture)
        film.append(picture)
    return film


PAIRS: dict[str, tuple[int, Callable[[int], float], Callable[[int], float], list[Span], Span]] = {
    "a visitor who is larger for half a second": (
        40, lambda _: 1.0, lambda i: 1.3 if 15 <= i < 21 else 0, [(0, 40)], (15, 21),
    ),
    "a visitor who stays longer than a second": (
        50, lambda _: 1.0, lambda i: 1.3 if 15 <= i < 31 else 0, [(0, 25), (25, 31), (31, 50)], (15, 31),
    ),
    "who leaves gives the turn away": (
        40, lambda i: 1.2 if i < 20 else 0, lambda i: 1.0 if i >= 8 else 0, [(0, 20), (20, 40)], (8, 20),
    ),
    "who is a little larger waits": (
        40, lambda _: 1.0, lambda i: 1.1 if i >= 8 else 0, [(0, 40)], (8, 40),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_of_two_people_one_is_dubbed_at_any_time_and_the_less_prominent_one_while_alone(
    detector: FaceDetector, name: str
) -> None:
    frames, left, right, tracks, both = PAIRS[name]
    found = analysed(detector, two(frames, left, right))
    assert found.tracks == tracks
    assert found.reasons == {"speaker_ambiguous": [both]}
    assert found.dubbed == set(range(frames))


# What lies over a mouth

Cover = Callable[[Picture, Speaker], Picture]
FIRST, AFTER, LENGTH = 20, 34, 50


def fingers(picture: Picture, one: Speaker) -> Picture:
    """Four shaded fingers from below, as bright as the face."""
    (x, y), eyes = one.lips(one.pose()), one.eyes(one.pose())
    skin = picture[int(y - 0.9 * eyes), int(x - 0.45 * eyes)].astype(float)
    hand = picture.copy()
    for finger in range(4):
        at = int(x + (finger - 1.5) * 0.26 * eyes)
        for width, light in ((0.17, 0.45), (0.145, 0.85), (0.10, 1.0), (0.05, 1.12)):
            colour = tuple(float(v) for v in np.clip(skin * light, 0, 255))
            cv2.line(hand, (at, int(y - 0.12 * eyes)), (at, int(y + 1.2 * eyes)), colour, int(2 * width * eyes), cv2.LINE_AA)
    return hand


def letters(colour: tuple[int, int, int], below: int) -> Cover:
    def cover(picture: Picture, one: Speaker) -> Picture:
        x, y = (int(v) for v in one.lips(one.pose()))
        shown = picture.copy()
        for shade, width in (((0, 0, 0), 6), (colour, 2)):
            cv2.putText(
                shown, "WELCOME BACK", (x - 120, y + 10 + below), cv2.FONT_HERSHEY_DUPLEX, 1.1, shade, width, cv2.LINE_AA
            )
        return shown

    return cover


def banner(picture: Picture, one: Speaker) -> Picture:
    x, y = (int(v) for v in one.lips(one.pose()))
    shown = picture.copy()
    shown[y - 12 : y + 28, x - 150 : x + 150] = (20, 60, 200)
    return shown


COVERS: dict[str, tuple[int, Cover]] = {
    "a hand": (0, fingers),
    "a hand on a smooth face": (3, fingers),
    "a hand beside a beard": (7, fingers),
    "a hand on light skin": (4, fingers),
    "a hand on dark skin": (5, fingers),
    "letters over the lips": (6, letters((250, 220, 30), 0)),
    "white letters over the lips": (6, letters((255, 255, 255), 0)),
    "letters over the chin": (6, letters((250, 220, 30), 38)),
    "a banner": (6, banner),
}


@pytest.mark.parametrize("name", COVERS)
def test_a_covered_mouth_passes_through_and_the_frames_around_it_are_dubbed(detector: FaceDetector, name: str) -> None:
    who, cover = COVERS[name]
    one = speaker(who)
    film = talk(one, LENGTH, lambda _: one.pose())
    film[FIRST:AFTER] = [cover(picture, one) for picture in film[FIRST:AFTER]]
    found = analysed(detector, film)
    (reasons,) = found.reasons["mouth_covered"]
    assert set(found.reasons) == {"mouth_covered"}
    assert FIRST - 10 <= reasons[0] <= FIRST
    assert AFTER <= reasons[1] <= AFTER + 5
    assert found.dubbed == set(range(LENGTH)) - set(range(*reasons))


# What the picture's edge cuts off


def lowered(one: Speaker, below: float) -> HeadPose:
    """So that the middle of the mouth lies that many distances between the eyes above the picture's lower edge."""
    pose = one.pose()
    return one.pose(y=HEIGHT / 2 + HEIGHT - one.lips(pose)[1] - below * one.eyes(pose))


@pytest.mark.parametrize("who", [3, 5, 6])
def test_a_mouth_that_the_edge_cuts_off_all_the_time_is_told_and_nothing_is_dubbed(detector: FaceDetector, who: int) -> None:
    one = speaker(who)
    found = analysed(detector, talk(one, 12, lambda i: lowered(one, 0.12 + 0.02 * np.sin(i))))
    assert found.reasons == {"mouth_cut_off": [(0, 12)]}
    assert found.tracks == []


@pytest.mark.parametrize("who", [3, 5, 6])
def test_a_speaker_whose_chin_alone_is_cut_off_is_dubbed(detector: FaceDetector, who: int) -> None:
    one = speaker(who)
    found = analysed(detector, talk(one, 12, lambda _: lowered(one, 0.38)))
    assert found.reasons == {}
    assert found.tracks == [(0, 12)]


def test_a_mouth_that_sinks_below_the_edge_passes_through_until_it_is_back(detector: FaceDetector) -> None:
    one = speaker(3)
    below = [0.45 - 0.6 * float(np.clip(min(i - 8, 40 - i) / 6, 0, 1)) for i in range(48)]
    found = analysed(detector, talk(one, len(below), lambda i: lowered(one, below[i])))
    (cut,) = found.reasons["mouth_cut_off"]
    assert {i for i, above in enumerate(below) if above < 0.15} <= set(range(*cut))
    assert found.dubbed == set(range(48)) - set(range(*cut))
    assert found.dubbed >= {*range(6), *range(43, 48)}


# What only speaks


@pytest.mark.parametrize("who", [3, 5, 6])
def test_a_mouth_that_only_speaks_is_not_covered(detector: FaceDetector, who: int) -> None:
    one = speaker(who)
    film = talk(one, 32, lambda i: one.pose(320 + 20 * np.sin(i / 6), yaw=0.35 * np.sin(i / 8), roll=0.1 * np.sin(i / 5)))
    found = analysed(detector, film)
    assert found.tracks == [(0, 32)]
    assert found.reasons == {}


def test_small_faces_are_told_as_such(detector: FaceDetector) -> None:
    large, small = speaker(3), speaker(5)
    film = talk(large, 14) + talk(small, 14, lambda _: small.pose(size=0.2), bookshelf(2))
    found = analysed(detector, film)
    assert found.tracks == [(0, 14)]
    assert set(found.reasons) <= {"face_too_small", "face_lost"}
    assert [frame for spans in found.reasons.values() for frame in spans] == [(14, 28)]
