"""Captions over drawn faces: found by their colour, kept from the paste and from the student."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from drawn import CLOSED, WIDE_OPEN, Aligned, Picture, aligned, speaker
from places import LANDMARKER

from dubbing.faces.detector import MediaPipeDetector
from dubbing.faces.foreign import cleared, foreign, foreign_mouth
from dubbing.faces.outline import CHIN, LIPS, limit

SIDE = 256
COLOURS = {"blue": (20, 60, 220), "yellow": (250, 220, 30), "green": (30, 200, 60)}


class Faces(NamedTuple):
    """One person, silent and with the mouth wide open."""

    silent: Aligned
    open: Aligned


@pytest.fixture(scope="module", params=[3, 4, 6], ids=str)
def faces(request: pytest.FixtureRequest) -> Iterator[Faces]:
    one = speaker(request.param)
    with MediaPipeDetector(LANDMARKER) as detector:
        yield Faces(*(aligned(detector, one.draw(one.pose(), mouth), SIDE) for mouth in (CLOSED, WIDE_OPEN)))


def banner(face: Aligned, colour: tuple[int, int, int], rows: slice) -> Picture:
    crop = face.crop.copy()
    crop[rows] = colour
    return crop


def over_the_lips(face: Aligned) -> slice:
    return slice(int(face.outline[LIPS, 1].min()) - 6, int(face.outline[LIPS, 1].max()) + 6)


def over_the_chin(face: Aligned) -> slice:
    return slice(int(face.outline[LIPS, 1].max()) + 8, int(face.outline[CHIN, 1]) + 6)


def test_a_bare_mouth_shows_nothing_foreign(faces: Faces) -> None:
    for face in faces:
        assert foreign_mouth(face.crop, face.outline) == 0
        assert cleared(face.crop, face.outline) is face.crop


@pytest.mark.parametrize("name", COLOURS)
def test_a_banner_over_lips_or_chin_is_foreign(faces: Faces, name: str) -> None:
    face = faces.silent
    for rows in (over_the_lips(face), over_the_chin(face)):
        assert foreign_mouth(banner(face, COLOURS[name], rows), face.outline) > 0.2


@pytest.mark.parametrize("name", COLOURS)
def test_nothing_is_pasted_over_a_banner_and_skin_is(faces: Faces, name: str) -> None:
    face = faces.silent
    rows = over_the_chin(face)
    where = limit(face.outline, (), SIDE)
    found = foreign(banner(face, COLOURS[name], rows), face.outline, where)
    inside, above = np.zeros_like(where, bool), np.zeros_like(where, bool)
    inside[rows.start + 6 : rows.stop - 6] = where[rows.start + 6 : rows.stop - 6] > 0.5
    middle = slice(SIDE * 5 // 16, SIDE * 11 // 16)  # beside the face, a wall in another colour is foreign too
    above[: rows.start - 20, middle] = where[: rows.start - 20, middle] > 0.5
    assert found[inside].min() > 0.9
    assert found[above].max() < 0.1
    sixteen = foreign(banner(face, COLOURS[name], rows).astype(np.uint16) * 257, face.outline, where)
    np.testing.assert_allclose(sixteen[inside], found[inside], atol=0.05)


@pytest.mark.parametrize("name", COLOURS)
def test_a_student_sees_nothing_of_a_banner_below_the_chin(faces: Faces, name: str) -> None:
    face = faces.silent
    rows = slice(SIDE * 15 // 16, SIDE)
    seen = cleared(banner(face, COLOURS[name], rows), face.outline)
    assert np.abs(np.array(COLOURS[name]) - seen[rows.start + 4 :].astype(int)).max(axis=-1).min() > 50
    above = np.s_[: rows.start - 20, SIDE // 4 : SIDE * 3 // 4]  # a wall in another colour may go with it
    np.testing.assert_array_equal(seen[above], face.crop[above])


@pytest.mark.parametrize("name", COLOURS)
def test_a_student_sees_skin_in_place_of_a_banner(faces: Faces, name: str) -> None:
    face = faces.silent
    rows = over_the_chin(face)
    seen = cleared(banner(face, COLOURS[name], rows), face.outline)
    middle = np.s_[rows.start + 4 : rows.stop - 8, SIDE * 2 // 5 : SIDE * 3 // 5]
    apart = np.abs(seen[middle].astype(int) - face.crop[middle]).max(axis=-1)
    assert np.median(apart) < 40
    assert np.abs(np.array(COLOURS[name]) - seen[middle].astype(int)).max(axis=-1).min() > 50
    np.testing.assert_array_equal(seen[: rows.start - 20], face.crop[: rows.start - 20])
