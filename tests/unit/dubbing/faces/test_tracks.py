from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest

from dubbing.domain.faces import Shot
from dubbing.domain.findings import frame_ranges
from dubbing.errors import NoFaceAnywhere
from dubbing.faces import landmarks
from dubbing.faces.align import TEMPLATE
from dubbing.faces.detector import Face
from dubbing.faces.follow import FaceTracker
from dubbing.faces.tracks import FacesFound, choose_faces

HEIGHT, WIDTH = 120, 200
FPS = Fraction(10)
# Bright, and with edges that tell how it moved.
SKIN = cv2.resize(np.random.default_rng(0).integers(140, 256, (12, 12, 1)).astype(np.uint8), (96, 96))[..., None].repeat(3, 2)


def face_in(left: float, top: float, width: float, height: float) -> Face:
    points = np.empty((landmarks.COUNT, 2))
    points[:] = [left + width / 2, top + height / 2]
    for indices, (x, y) in zip((landmarks.LEFT_BROW, landmarks.RIGHT_BROW, landmarks.NOSE), TEMPLATE, strict=True):
        points[list(indices)] = [left + x / 420 * width, top + y / 560 * height]
    points[list(landmarks.LEFT_EYE)] = [left + 0.25 * width, top + 0.3 * height]
    points[list(landmarks.RIGHT_EYE)] = [left + 0.75 * width, top + 0.3 * height]
    points[0], points[1] = [left, top], [left + width, top + height]
    return Face(points)


class BlobDetector:
    """Takes every bright rectangle for a face."""

    def __init__(self) -> None:
        self.searched: list[bool] = []

    def find(self, frame: Any, *, deep: bool = False, known: Sequence[Face] = ()) -> list[Face]:
        self.searched.append(deep)
        return [face for face in self._blobs(frame) if all(face.overlap(other) < 0.3 for other in known)]

    def follow(self, frame: Any, faces: Sequence[Face], *, doubting: bool = False) -> list[Face | None]:
        del doubting
        blobs = self._blobs(frame)
        nearest = [max(blobs, key=face.overlap, default=None) for face in faces]
        return [n if n is not None and n.overlap(f) > 0.2 else None for n, f in zip(nearest, faces, strict=True)]

    def close(self) -> None:
        pass

    @staticmethod
    def _blobs(frame: Any) -> list[Face]:
        _, _, stats, _ = cv2.connectedComponentsWithStats((frame[..., 0] > 128).astype(np.uint8))
        return [face_in(*(float(v) for v in row[:4])) for row in sorted(stats[1:], key=lambda r: -r[cv2.CC_STAT_AREA])]


def film(*scripts: dict[int, tuple[int, int, int]], frames: int) -> Iterator[Any]:
    """Frames with a face (left, top, size) wherever a script says so."""
    for index in range(frames):
        frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for script in scripts:
            if index in script:
                left, top, size = script[index]
                frame[top : top + size, left : left + size] = SKIN[:size, :size]
        yield frame


def shots(cuts: Sequence[int], frames: int) -> list[Shot]:
    ends = [*cuts[1:], frames]
    return [Shot(index=i, start=a, end=b) for i, (a, b) in enumerate(zip(cuts, ends, strict=True)) if b > a]


def track(*scripts: dict[int, tuple[int, int, int]], frames: int, cuts: Sequence[int] = (0,)) -> FacesFound:
    tracker = FaceTracker(BlobDetector())
    for index, frame in enumerate(film(*scripts, frames=frames)):
        tracker.push(frame, cut=index in cuts)
    return choose_faces(tracker.finish(), shots(cuts, frames), FPS)


def still(frames: Sequence[int] | range, place: tuple[int, int, int] = (20, 20, 60)) -> dict[int, tuple[int, int, int]]:
    return dict.fromkeys(frames, place)


def codes(found: FacesFound) -> dict[str, list[tuple[int, int]]]:
    return {f.code: [(r.start, r.end) for r in f.frames] for f in found.findings}


def spans(found: FacesFound) -> list[tuple[int, int, int]]:
    return [(f.track.start, f.track.end, f.track.shot) for f in found.faces]


def test_a_face_that_stays_is_one_track_over_the_whole_film() -> None:
    found = track(still(range(40)), frames=40)
    assert spans(found) == [(0, 40, 0)]
    assert found.findings == ()
    assert found.faces[0].track.size == 30
    assert found.faces[0].anchors.shape == (40, 3, 2)


def test_tracks_end_at_cuts_even_when_the_face_stays_in_place() -> None:
    found = track(still(range(30)), frames=30, cuts=(0, 12, 20))
    assert spans(found) == [(0, 12, 0), (12, 20, 1), (20, 30, 2)]


def test_a_short_gap_is_bridged_by_a_straight_line_and_listed_as_missing() -> None:
    path = {i: (20 + 2 * i, 20, 50) for i in range(30) if i not in (10, 11, 12)}
    found = track(path, frames=30)
    assert spans(found) == [(0, 30, 0)]
    assert found.faces[0].track.missing == (10, 11, 12)
    np.testing.assert_allclose(np.diff(found.faces[0].anchors[..., 0], axis=0), 2, atol=0.01)
    assert codes(found) == {"face_lost": [(10, 13)]}


def test_the_longest_gap_that_is_bridged_is_five_frames() -> None:
    five = track(still([*range(10), *range(15, 30)]), frames=30)
    six = track(still([*range(10), *range(16, 30)]), frames=30)
    assert spans(five) == [(0, 30, 0)]
    assert spans(six) == [(0, 10, 0), (16, 30, 0)]
    assert codes(six) == {"face_lost": [(10, 16)]}


def test_frames_before_and_after_the_face_are_reported_as_lost() -> None:
    found = track(still(range(7, 20)), frames=33)
    assert spans(found) == [(7, 20, 0)]
    assert codes(found) == {"face_lost": [(0, 7), (20, 33)]}


def test_of_two_faces_the_more_prominent_one_is_dubbed_and_the_choice_reported() -> None:
    small, large = still(range(20), (10, 30, 40)), still(range(20), (100, 20, 80))
    found = track(small, large, frames=20)
    assert spans(found) == [(0, 20, 0)]
    assert found.faces[0].track.size == 40
    assert codes(found) == {"speaker_ambiguous": [(0, 20)]}


def test_each_shot_chooses_its_own_face() -> None:
    first = {**still(range(10), (10, 30, 80)), **still(range(10, 20), (10, 30, 40))}
    second = {**still(range(10), (110, 30, 40)), **still(range(10, 20), (110, 30, 80))}
    found = track(first, second, frames=20, cuts=(0, 10))
    assert [f.anchors[0, 0, 0] > 100 for f in found.faces] == [False, True]


def test_a_face_that_enters_while_another_is_followed_is_found_too() -> None:
    found = track(still(range(80), (10, 20, 60)), still(range(5, 80), (110, 20, 50)), frames=80)
    (rival,) = codes(found)["speaker_ambiguous"]
    assert rival[0] <= 25
    assert rival[1] == 80


def test_a_face_that_is_found_after_a_cut_is_not_followed_back_over_it() -> None:
    # The second one comes in between two searches, and is found by the first search of the next shot.
    found = track(still(range(30)), still(range(9, 30), (110, 20, 50)), frames=30, cuts=(0, 12))
    assert spans(found) == [(0, 12, 0), (12, 30, 1)]
    assert codes(found) == {"speaker_ambiguous": [(12, 30)]}


def test_a_flash_of_a_face_is_no_track() -> None:
    found = track(still(range(20)), still(range(3), (110, 20, 50)), frames=20)
    assert found.findings == ()


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_a_film_of_very_few_frames_still_has_its_face(frames: int) -> None:
    assert spans(track(still(range(frames)), frames=frames)) == [(0, frames, 0)]


def test_no_face_anywhere_says_how_much_was_looked_at() -> None:
    with pytest.raises(NoFaceAnywhere) as caught:
        track(frames=17, cuts=(0, 9))
    assert caught.value.media["frames"] == 17
    assert caught.value.media["shots"] == 2
    assert "17 frames in 2 shots" in caught.value.detail


def test_faces_that_are_too_small_are_named_with_their_size() -> None:
    with pytest.raises(NoFaceAnywhere, match=r"1 candidates were rejected.*largest seen 10\.0 pixels"):
        track(still(range(20), (10, 10, 20)), frames=20)


def test_a_film_without_frames_has_no_face() -> None:
    with pytest.raises(NoFaceAnywhere, match="0 frames"):
        track(frames=0)


def test_while_a_face_is_followed_the_whole_frame_is_searched_rarely() -> None:
    detector = BlobDetector()
    tracker = FaceTracker(detector)
    for frame in film(still(range(100)), frames=100):
        tracker.push(frame)
    assert detector.searched == [True] + [False] * 12


def test_ranges_are_maximal_and_ascending() -> None:
    assert [(r.start, r.end) for r in frame_ranges([5, 1, 2, 2, 3, 9])] == [(1, 4), (5, 6), (9, 10)]


class Counting(BlobDetector):
    """Counts the frames that it is asked to follow faces into."""

    def __init__(self) -> None:
        super().__init__()
        self.followed = 0

    def follow(self, frame: Any, faces: Sequence[Face], *, doubting: bool = False) -> list[Face | None]:
        self.followed += bool(faces)
        return super().follow(frame, faces, doubting=doubting)


def sparsely(*scripts: dict[int, tuple[int, int, int]], frames: int, unsteady: Sequence[int] = ()) -> tuple[FacesFound, int]:
    detector = Counting()
    tracker = FaceTracker(detector, sparse=True)
    for index, frame in enumerate(film(*scripts, frames=frames)):
        tracker.push(frame, cut=index == 0, steady=index not in unsteady)
    return choose_faces(tracker.finish(), shots((0,), frames), FPS), detector.followed


def test_while_a_face_moves_steadily_every_other_frame_is_left_out_and_its_place_is_exact() -> None:
    path = {i: (10 + 2 * i, 20, 50) for i in range(60)}
    found, followed = sparsely(path, frames=60)
    dense = track(path, frames=60)
    assert followed < 35
    assert spans(found) == spans(dense)
    assert found.faces[0].track.missing == ()
    assert found.findings == ()
    np.testing.assert_allclose(found.faces[0].anchors, dense.faces[0].anchors, atol=0.01)
    assert np.isfinite(found.faces[0].opening).all()


def test_where_a_face_changes_its_motion_every_frame_is_looked_at() -> None:
    path = {i: (20 + (12 if i >= 17 else 0), 20, 60) for i in range(40)}
    sparse, dense = sparsely(path, frames=40)[0], track(path, frames=40)
    np.testing.assert_allclose(sparse.faces[0].anchors, dense.faces[0].anchors, atol=0.01)


@pytest.mark.parametrize("gone", [16, 17, 18, 39])
def test_a_face_that_is_gone_for_one_unsteady_frame_is_missing_there_when_frames_are_left_out(gone: int) -> None:
    path = still([i for i in range(40) if i != gone])
    found, _ = sparsely(path, frames=40, unsteady=(gone, gone + 1))
    assert codes(found) == {"face_lost": [(gone, gone + 1)]}


def test_a_face_that_leaves_ends_its_track_at_the_same_frame_when_frames_are_left_out() -> None:
    for last in (20, 21):
        assert spans(sparsely(still(range(last)), frames=40)[0]) == [(0, last, 0)]


def test_a_second_face_is_found_and_reported_when_frames_are_left_out() -> None:
    small, large = still(range(60), (10, 30, 40)), still(range(60), (100, 20, 80))
    found, followed = sparsely(small, large, frames=60)
    assert codes(found) == {"speaker_ambiguous": [(0, 60)]}
    assert followed < 35
