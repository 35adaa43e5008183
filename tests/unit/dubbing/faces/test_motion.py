from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from shaken import EYES, FACE, Array, drawn, path, place, seen

from dubbing.faces import landmarks
from dubbing.faces.align import TEMPLATE
from dubbing.faces.detector import Face
from dubbing.faces.follow import FaceTracker, Followed
from dubbing.faces.motion import FaceMotion, UpperFace, motion_between

PICTURE = drawn()
STILL = path(1)[0]


def upper(matrix: Array, frame: int = 0) -> UpperFace:
    return UpperFace.cut(seen(PICTURE, matrix, frame), place(matrix))


def follow(motion: FaceMotion, cameras: Array, start: int = 0) -> None:
    for frame, matrix in enumerate(cameras, start):
        motion.see(frame, seen(PICTURE, matrix, frame), place(matrix))


@pytest.mark.parametrize("matrix", [
    path(1, x=4.3, y=-2.7)[0], path(1, zoom=1.08)[0], path(1, roll=0.1)[0], path(1, x=-3.2, y=6.1, zoom=0.93, roll=-0.06)[0],
])  # fmt: skip
def test_pictures_tell_shift_zoom_and_roll_to_a_small_part_of_a_pixel(matrix: Array) -> None:
    found = motion_between(upper(STILL), upper(matrix, 1))
    assert found is not None
    assert found.share > 0.9
    np.testing.assert_allclose(place(found.matrix), place(matrix), atol=0.1)


def test_a_face_is_found_again_that_moved_while_nobody_looked_for_landmarks() -> None:
    matrix = path(1, x=14.0, y=-9.0)[0]  # a quarter of the distance between the eyes
    found = motion_between(upper(STILL), UpperFace.cut(seen(PICTURE, matrix, 1), FACE))
    assert found is not None
    np.testing.assert_allclose(place(found.matrix), place(matrix), atol=0.1)


def test_eyes_that_blink_and_a_mouth_that_speaks_take_no_part() -> None:
    quiet, other = seen(PICTURE, STILL), seen(PICTURE, STILL, 1)
    scale = (FACE[1] - FACE[0])[0] / (TEMPLATE[1] - TEMPLATE[0])[0]
    for x, y in ((128, 160), (290, 160), (210, 400)):
        left, top = (np.array([x, y]) - TEMPLATE[0]) * scale + FACE[0] - [40 * scale, 20 * scale]
        part = np.s_[round(top) : round(top + 40 * scale), round(left) : round(left + 80 * scale)]
        other[part] = np.roll(other[part], 3, axis=0)[::-1]
    one = UpperFace.cut(quiet, FACE)
    at = (one.corners[:, 0] / 0.45 + [40, 60])[:, None] - [[128, 160], [290, 160]]  # from the eyes, in pixels of the template
    assert (np.square(at / [48, 28]).sum(axis=-1) > 1).all()
    found = motion_between(one, UpperFace.cut(other, FACE))
    assert found is not None
    assert found.share > 0.8
    np.testing.assert_allclose(place(found.matrix), FACE, atol=0.1)


@pytest.mark.parametrize("other", [np.full_like(PICTURE, 90), drawn(seed=5)], ids=["a flat one", "another one"])
def test_a_picture_that_shows_something_else_tells_nothing(other: Array) -> None:
    one, two = UpperFace.cut(PICTURE, FACE), UpperFace.cut(other, FACE)
    assert motion_between(one, two) is None
    assert motion_between(two, one) is None


def test_frames_are_compared_with_one_reference_while_they_show_the_same() -> None:
    motion, cameras = FaceMotion(), path(30, x=np.arange(30) * 1.5, y=3 * np.sin(np.arange(30)))
    follow(motion, cameras)
    gathered = motion.through(0, 30)
    assert set(gathered.references[1:].tolist()) == {0}
    for frame, whole in enumerate(gathered.carried()):
        np.testing.assert_allclose(place(whole[:2]), place(cameras[frame]), atol=0.12)


def test_a_reference_that_no_longer_looks_alike_is_replaced_by_the_frame_before() -> None:
    motion = FaceMotion()
    motion.see(0, seen(PICTURE, STILL, 0), FACE)
    for frame in range(1, 13):  # the face becomes another one
        mixed = PICTURE * (1 - frame / 12) + drawn(seed=5) * (frame / 12)
        motion.see(frame, seen(mixed.astype(np.uint8), STILL, frame), FACE)
    gathered = motion.through(0, 13)
    assert len(set(gathered.references.tolist())) > 1
    assert not np.isnan(gathered.steps[1:]).any()
    np.testing.assert_allclose(place(gathered.carried()[-1, :2]), FACE, atol=1.0)


def test_a_frame_in_which_nobody_looked_for_landmarks_is_followed_too() -> None:
    motion, cameras = FaceMotion(), path(3, x=[0, 5, 1])
    follow(motion, cameras[:1])
    assert motion.follow(1, seen(PICTURE, cameras[1], 1))
    motion.see(2, seen(PICTURE, cameras[2], 2), place(cameras[2]))
    np.testing.assert_allclose(motion.through(0, 3).steps[1:, 0, 2], [5, -4], atol=0.1)


def test_only_consecutive_frames_are_compared() -> None:
    motion = FaceMotion()
    follow(motion, path(4))
    assert not motion.follow(5, seen(PICTURE, STILL, 5), FACE)
    follow(motion, path(4, x=20), start=5)
    known = ~np.isnan(motion.through(0, 9).steps).any(axis=(1, 2))
    assert known.tolist() == [False, True, True, True, False, False, True, True, True]


def test_landmarks_that_jump_where_pictures_do_not_begin_anew() -> None:
    motion = FaceMotion()
    follow(motion, path(4))
    motion.see(4, seen(PICTURE, STILL, 4), FACE + 8)
    motion.see(5, seen(PICTURE, STILL, 5), FACE + 8)
    known = ~np.isnan(motion.through(0, 6).steps).any(axis=(1, 2))
    assert known.tolist() == [False, True, True, True, False, True]
    assert motion.through(0, 6).references[5] == 4


def test_motion_leads_to_landmarks_within_what_they_may_err() -> None:
    motion, cameras = FaceMotion(), path(2, x=[0, 6])
    follow(motion, cameras[:1])
    motion.follow(1, seen(PICTURE, cameras[1], 1))
    assert motion.leads_to(1, place(cameras[1]) + 1.0, within=0.03)
    assert not motion.leads_to(1, place(cameras[1]) + 3.0, within=0.03)
    assert not motion.leads_to(2, place(cameras[1]), within=0.03)  # never compared


class TruthfulDetector:
    """Knows where the face is in each picture; finds it, unless it is followed, from some frame on."""

    def __init__(self, cameras: Array, finds_from: int = 0) -> None:
        self.pictures = [seen(PICTURE, matrix, frame) for frame, matrix in enumerate(cameras)]
        self._faces = {id(picture): _face(place(matrix)) for picture, matrix in zip(self.pictures, cameras, strict=True)}
        self._finds = {id(picture) for picture in self.pictures[finds_from:]}

    def find(self, frame: Any, *, known: Sequence[Face] = (), **_: bool) -> list[Face]:
        return [self._faces[id(frame)]] if id(frame) in self._finds and not known else []

    def follow(self, frame: Any, faces: Sequence[Face], **_: bool) -> list[Face | None]:
        return [self._faces[id(frame)] for _ in faces]

    def close(self) -> None:
        pass


def _face(anchors: Array) -> Face:
    points = np.tile(anchors.mean(axis=0), (landmarks.COUNT, 1))
    for indices, point in zip((landmarks.LEFT_BROW, landmarks.RIGHT_BROW, landmarks.NOSE), anchors, strict=True):
        points[list(indices)] = point
    points[list(landmarks.LEFT_EYE)] -= [EYES / 2, 0]
    points[list(landmarks.RIGHT_EYE)] += [EYES / 2, 0]
    return Face(points)


def tracked(detector: TruthfulDetector, cuts: Sequence[int] = (0,), *, sparse: bool = False) -> list[Followed]:
    tracker = FaceTracker(detector, sparse=sparse)
    for frame, picture in enumerate(detector.pictures):
        tracker.push(picture, cut=frame in cuts)
    return sorted(tracker.finish(), key=lambda one: one.range.start)


def known_steps(one: Followed) -> list[bool]:
    return [not np.isnan(step).any() for step in one.motion.through(one.range.start, one.range.end).steps]


def test_a_tracker_learns_the_motion_of_frames_that_it_leaves_out() -> None:
    cameras = path(20, y=3 * np.sin(1.9 * np.arange(20)))
    (one,) = tracked(TruthfulDetector(cameras), sparse=True)
    assert len(one.left_out) > 5
    assert known_steps(one) == [False, *[True] * 19]
    for frame, whole in enumerate(one.motion.through(0, 20).carried()):
        np.testing.assert_allclose(place(whole[:2], place(cameras[0])), place(cameras[frame]), atol=0.15)


def test_a_tracker_learns_the_motion_of_frames_that_it_looks_back_into() -> None:
    (one,) = tracked(TruthfulDetector(path(20, x=np.arange(20) * 2.0), finds_from=5))
    assert one.range.start < 5
    steps = one.motion.through(one.range.start, one.range.end).steps
    np.testing.assert_allclose(
        [place(step) - FACE for step in steps[1:]], np.full((len(steps) - 1, 3, 2), [2.0, 0.0]), atol=0.15
    )


def test_motion_never_reaches_over_a_cut() -> None:
    ones = tracked(TruthfulDetector(path(24)), cuts=(0, 10, 17), sparse=True)
    assert [(one.range.start, one.range.end) for one in ones] == [(0, 10), (10, 17), (17, 24)]
    assert [known_steps(one) for one in ones] == [[False, *[True] * (len(one.range) - 1)] for one in ones]
    assert np.isnan(ones[0].motion.through(0, 24).steps[10:]).all()
