from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from places import LANDMARKER

from dubbing.errors import Permanent
from dubbing.faces import landmarks
from dubbing.faces.detector import Face, MediaPipeDetector, distinct


@pytest.fixture(scope="module")
def detector() -> Iterator[MediaPipeDetector]:
    with MediaPipeDetector(LANDMARKER) as opened:
        yield opened


@pytest.fixture(scope="module")
def portrait() -> Any:
    """A face that is drawn: shaded skin, hair, brows, eyes, nose and lips, 480 x 480."""
    picture = np.full((480, 480, 3), (120, 140, 150), np.uint8)
    skin, shade, dark, lips = (224, 178, 148), (196, 146, 118), (60, 40, 30), (176, 84, 84)
    cv2.ellipse(picture, (240, 230), (130, 165), 0, 0, 360, dark, -1, cv2.LINE_AA)
    cv2.rectangle(picture, (195, 350), (285, 480), shade, -1)
    cv2.ellipse(picture, (240, 255), (108, 145), 0, 0, 360, skin, -1, cv2.LINE_AA)
    cv2.ellipse(picture, (240, 120), (105, 50), 0, 0, 360, dark, -1, cv2.LINE_AA)
    for x in (195, 285):
        cv2.ellipse(picture, (x, 205), (26, 7), 0, 180, 360, dark, -1, cv2.LINE_AA)
        cv2.ellipse(picture, (x, 230), (22, 11), 0, 0, 360, (245, 245, 245), -1, cv2.LINE_AA)
        cv2.circle(picture, (x, 230), 9, (70, 50, 40), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (240, 275), (12, 40), 0, 0, 360, (232, 190, 162), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (240, 300), (24, 12), 0, 0, 360, shade, -1, cv2.LINE_AA)
    cv2.ellipse(picture, (240, 345), (40, 13), 0, 0, 360, lips, -1, cv2.LINE_AA)
    cv2.line(picture, (202, 345), (278, 345), (110, 40, 45), 2, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), 2)


def placed(portrait: Any, size: tuple[int, int], side: float, at: tuple[float, float]) -> Any:
    scale = side / portrait.shape[0]
    matrix = np.array([[scale, 0, at[0]], [0, scale, at[1]]])
    canvas = np.full((size[1], size[0], 3), (120, 140, 150), np.uint8)
    small = cv2.resize(portrait, None, fx=min(1, scale), fy=min(1, scale), interpolation=cv2.INTER_AREA)
    matrix[:, :2] *= portrait.shape[0] / small.shape[0]
    return cv2.warpAffine(small, matrix, size, canvas, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)


def test_a_face_is_found_with_its_features_in_place(detector: MediaPipeDetector, portrait: Any) -> None:
    (face,) = detector.find(portrait)
    left, right, nose = landmarks.anchors(face.landmarks)
    assert np.hypot(*(left - [195, 205])) < 25
    assert np.hypot(*(right - [285, 205])) < 25
    assert np.hypot(*(nose - [240, 290])) < 25
    assert landmarks.eye_distance(face.landmarks) == pytest.approx(90, rel=0.12)


@pytest.mark.parametrize("side", [150, 300, 1000])
def test_small_and_large_faces_of_a_wide_frame_are_found(detector: MediaPipeDetector, portrait: Any, side: int) -> None:
    frame = placed(portrait, (1920, 1080), side, (1500 - side / 2, 540 - side / 2))
    (face,) = detector.find(frame, deep=True)
    assert landmarks.eye_distance(face.landmarks) == pytest.approx(90 * side / 480, rel=0.15)
    assert np.hypot(*(face.landmarks.mean(axis=0) - [1500, 540 + side * 0.05])) < 0.1 * side


def test_two_faces_are_both_found(detector: MediaPipeDetector, portrait: Any) -> None:
    frame = np.hstack([placed(portrait, (480, 480), 300, (90, 90)), portrait])
    assert len(detector.find(frame)) == 2


def test_a_search_beside_a_known_face_finds_the_other_one_and_nothing_when_both_are_known(
    detector: MediaPipeDetector, portrait: Any
) -> None:
    frame = np.hstack([placed(portrait, (480, 480), 300, (90, 90)), portrait])
    both = detector.find(frame)
    for known, other in (both, both[::-1]):
        (found,) = detector.find(frame, known=[known])
        assert found.overlap(other) > 0.8
    assert detector.find(frame, known=both) == []


@pytest.mark.parametrize("size", [(1921, 1081), (3840, 2160), (719, 1279), (300, 200)])
def test_a_search_knows_a_known_face_in_pictures_of_any_size(
    detector: MediaPipeDetector, portrait: Any, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = placed(portrait, size, 0.9 * min(size), (5, 5))
    (face,) = detector.find(frame)
    monkeypatch.setattr(detector, "_search", None)  # the landmarker itself is not asked
    assert detector.find(frame, deep=True, known=[face]) == []


def test_a_known_face_that_is_not_there_hides_no_other(detector: MediaPipeDetector, portrait: Any) -> None:
    (face,) = detector.find(portrait)
    frame = placed(portrait, (1280, 720), 400, (800, 150))
    (found,) = detector.find(frame, known=[face])
    assert found.landmarks[:, 0].mean() > 800


def test_a_followed_face_moves_by_parts_of_a_pixel(detector: MediaPipeDetector, portrait: Any) -> None:
    frames = [placed(portrait, (1280, 720), 400, (300 + dx, 150)) for dx in (0.0, 0.5, 5.25)]
    (start,) = detector.find(frames[0])
    points = []
    for frame in frames:
        (face,) = detector.follow(frame, [start])
        assert face is not None
        points.append(landmarks.anchors(face.landmarks).mean(axis=0))
    assert points[1][0] - points[0][0] == pytest.approx(0.5, abs=0.4)
    assert points[2][0] - points[0][0] == pytest.approx(5.25, abs=0.8)


def test_a_face_that_is_gone_is_not_followed(detector: MediaPipeDetector, portrait: Any) -> None:
    (face,) = detector.find(portrait)
    assert detector.follow(np.full_like(portrait, 128), [face]) == [None]


def test_an_empty_picture_has_no_face(detector: MediaPipeDetector) -> None:
    assert detector.find(np.full((1080, 1920, 3), 90, np.uint8), deep=True) == []


def test_sixteen_bit_frames_are_seen_as_eight_bit_ones_are(detector: MediaPipeDetector, portrait: Any) -> None:
    (eight,), (sixteen,) = detector.find(portrait), detector.find(portrait.astype(np.uint16) << 8)
    np.testing.assert_array_equal(eight.landmarks, sixteen.landmarks)


def test_the_same_frames_give_the_same_landmarks(detector: MediaPipeDetector, portrait: Any) -> None:
    runs = [detector.follow(portrait, detector.find(portrait))[0] for _ in range(2)]
    assert runs[0] is not None
    assert runs[1] is not None
    np.testing.assert_array_equal(runs[0].landmarks, runs[1].landmarks)


def test_another_model_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "face_landmarker.task"
    other.write_bytes(b"not the model")
    with pytest.raises(Permanent, match="not the pinned model"):
        MediaPipeDetector(other)
    with pytest.raises(Permanent, match="cannot be read"):
        MediaPipeDetector(tmp_path / "missing.task")


def test_doubles_of_a_face_are_dropped_and_the_largest_comes_first() -> None:
    def box(left: float, top: float, side: float) -> Face:
        points = np.full((landmarks.COUNT, 2), [left, top], float)
        points[1] += side
        return Face(points)

    small, large, double = box(300, 0, 50), box(0, 0, 100), box(10, 5, 95)
    assert distinct([small, double, large]) == [large, small]
