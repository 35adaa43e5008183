from typing import Any

import cv2
import numpy as np
import pytest

from dubbing.faces import landmarks as marks
from dubbing.faces.align import TEMPLATE, crop_transform
from dubbing.faces.outline import (
    CHIN,
    EYES,
    JAW,
    LIPS,
    NOSTRILS,
    POINTS,
    crop_outlines,
    in_crop,
    limit,
    lips_outside,
    outline_of,
    pack,
    scaled,
    unpack,
)

SIDE = 256
EYE = EYES * SIDE  # distance between the eyes, along the crop's rows
RNG = np.random.default_rng(3)


def face(x: float = 300, y: float = 200, scale: float = 1.0, roll: float = 0.0) -> Any:
    """Landmarks of a face whose brows and nose lie as the template's do, and whose jaw is half an ellipse."""
    points = np.tile([210.0, 280.0], (marks.COUNT, 1))
    for group, place in zip((marks.LEFT_BROW, marks.RIGHT_BROW, marks.NOSE), TEMPLATE, strict=True):
        points[list(group)] = place
    turn = np.linspace(0, np.pi, len(POINTS[JAW]))
    points[list(POINTS[JAW])] = np.stack([210 + 160 * np.cos(turn), 230 + 250 * np.sin(turn)], axis=1)
    lips = np.linspace(0, 2 * np.pi, len(POINTS[LIPS]), endpoint=False)
    points[list(POINTS[LIPS])] = np.stack([210 + 60 * np.cos(lips), 360 + 25 * np.sin(lips)], axis=1)
    way = scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    return (points - [210, 280]) @ way.T + [x, y]


PLACES = [(300, 200, 1.0, 0.0), (50, 900, 0.2, 0.0), (800, 300, 3.0, 0.7), (300, 200, 0.5, -2.5)]


@pytest.mark.parametrize("place", PLACES)
def test_an_outline_is_the_same_wherever_the_face_is(place: tuple[float, ...]) -> None:
    np.testing.assert_allclose(outline_of(face(*place)), outline_of(face()), atol=1e-9)


def test_what_the_edges_cut_off_a_mouth_is_measured_as_its_area() -> None:
    landmarks = face(300, 200)  # whose mouth is an ellipse around (300, 280)
    assert lips_outside(landmarks, (640, 360)) == pytest.approx(0, abs=1e-6)
    for shift, picture in (((0, 0), (640, 280)), ((0, 0), (300, 360)), ((-300, 0), (640, 360)), ((0, -280), (640, 360))):
        assert lips_outside(landmarks + shift, picture) == pytest.approx(0.5, abs=0.02)
    assert lips_outside(landmarks, (300, 280)) == pytest.approx(0.75, abs=0.02)
    assert lips_outside(landmarks, (640, 200)) == 1


@pytest.mark.parametrize("place", PLACES)
def test_an_outline_lies_in_a_crop_where_its_landmarks_do(place: tuple[float, ...]) -> None:
    landmarks = face(*place)
    anchors = marks.anchors(landmarks)
    for matrix in (crop_transform(anchors, SIDE), crop_transform(anchors + RNG.normal(0, 5, (3, 2)), SIDE)):
        expected = landmarks[list(POINTS)] @ matrix[:, :2].T + matrix[:, 2]
        np.testing.assert_allclose(in_crop(outline_of(landmarks), anchors, matrix), expected, atol=1e-6)
    own = crop_transform(anchors, SIDE)
    np.testing.assert_allclose(scaled(outline_of(landmarks), SIDE), in_crop(outline_of(landmarks), anchors, own), atol=1e-6)


def test_outlines_are_kept_to_a_fortieth_of_a_pixel_of_a_large_crop() -> None:
    outlines = np.stack([outline_of(face())] * 3) + RNG.normal(0, 0.05, (3, len(POINTS), 2))
    np.testing.assert_allclose(unpack(pack(outlines)), outlines, atol=1 / (40 * 512))


def test_a_place_far_outside_is_kept_as_outside() -> None:
    outlines = np.full((1, len(POINTS), 2), 40.0)
    assert unpack(pack(outlines)).min() > 1.9


def test_an_analysis_without_outlines_has_none() -> None:
    assert crop_outlines("", np.zeros((2, 3, 2)), np.zeros((2, 2, 3))) is None


def in_template(outline: Any) -> Any:
    return scaled(outline, SIDE)


def far_from(outline: Any) -> Any:
    """Distances from the jaw's hull in distances between the eyes, negative inside; the crop is stretched, faces are not."""
    wide, high = SIDE, SIDE * 4 // 3
    hull = cv2.convexHull((outline[JAW] * [1, 4 / 3]).astype(np.float32)).round().astype(np.int32)
    plane = np.zeros((high, wide), np.uint8)
    cv2.fillConvexPoly(plane, hull, 1)
    far = cv2.distanceTransform(1 - plane, cv2.DIST_L2, 5) - cv2.distanceTransform(plane, cv2.DIST_L2, 5)
    return cv2.resize(far / EYE, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def test_nothing_shows_further_from_the_outline_than_a_jaw_moves_between_frames() -> None:
    outline = in_template(outline_of(face()))
    shows, far = limit(outline, (), SIDE), far_from(outline)
    assert shows[far > 0.15].max() < 0.01
    assert shows[far < -0.15].min() == 1


def test_beside_the_face_the_limit_rises_inwards_and_below_the_lips_outwards() -> None:
    outline = in_template(outline_of(face()))
    shows, far = limit(outline, (), SIDE), far_from(outline)
    above = np.arange(SIDE)[:, None] < outline[LIPS, 1].min()
    assert shows[(far > 0.05) & above].max() < 0.05
    chin = outline[CHIN].round().astype(int)
    assert shows[chin[1], chin[0]] > 0.9


def test_the_limit_rises_without_a_step() -> None:
    shows = limit(in_template(outline_of(face())), (), SIDE)
    assert max(np.abs(np.diff(shows, axis=axis)).max() for axis in (0, 1)) < 0.25
    assert shows.dtype == np.float32


def test_a_jaw_that_opens_wider_shows_whole_and_no_outline_takes_from_another() -> None:
    closed = in_template(outline_of(face()))
    opened = closed.copy()
    opened[CHIN, 1] += 0.25 * EYE
    one, both = limit(closed, (), SIDE), limit(closed, (opened,), SIDE)
    assert (both >= one - 1e-3).all()
    at = opened[CHIN].round().astype(int)
    assert one[at[1], at[0]] < 0.1
    assert both[at[1] - 2, at[0]] > 0.9


def test_what_was_generated_adds_below_the_filmed_face_and_nowhere_beside_it() -> None:
    filmed = in_template(outline_of(face()))
    made = filmed.copy()
    made[JAW] = (made[JAW] - made[CHIN]) * [1.3, 1] + made[CHIN] + [0, 0.25 * EYE]
    alone, both = limit(filmed, (), SIDE), limit(filmed, (made,), SIDE)
    left, right = filmed[JAW, 0].min(), filmed[JAW, 0].max()
    beside = (np.arange(SIDE) < left - 0.15 * EYE) | (np.arange(SIDE) > right + 0.15 * EYE)
    above = np.arange(SIDE) < filmed[NOSTRILS, 1].mean() - 0.1 * EYE
    assert limit(made, (), SIDE)[:, beside].max() > 0.9
    assert both[:, beside].max() < 0.01
    np.testing.assert_allclose(both[above], alone[above], atol=0.02)
    assert both[int(made[CHIN, 1]) - 2, int(made[CHIN, 0])] > 0.9


def test_a_chin_lower_than_any_mouth_opens_is_not_believed() -> None:
    filmed = in_template(outline_of(face())) * [1, 0.6]
    made = filmed + np.array([0, 2 * EYE])
    nose, chin = filmed[NOSTRILS, 1].mean(), filmed[CHIN, 1]
    shows = limit(filmed, (made,), SIDE).max(axis=1)
    assert shows[int(nose + 1.3 * (chin - nose))] > 0.9
    assert shows[int(nose + 1.4 * (chin - nose) + 0.15 * EYE) :].max() < 0.01
