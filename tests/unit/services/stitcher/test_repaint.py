"""What is painted where: measured against the outlines that speakers were drawn with, not against landmarks."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from drawn import (
    CLOSED,
    HALF_OPEN,
    HEIGHT,
    WIDE_OPEN,
    WIDTH,
    Picture,
    Speaker,
    aligned,
    as_frame,
    filled,
    outlines_in,
    speaker,
    tiles,
)
from places import LANDMARKER

from dubbing.domain.media import Box
from dubbing.faces.composite import Compositor
from dubbing.faces.detector import FaceDetector, MediaPipeDetector
from services.stitcher.mouths import GeneratedMouth
from services.stitcher.repaint import crop_box, grain_of, lay, patch_of
from synthetic.renderer import HeadPose
from synthetic.shape import Mouth as DrawnMouth

SIDE = 512
COMPOSITOR = Compositor(SIDE)
RNG = np.random.default_rng(0)
WIDER = DrawnMouth(open=0.6)
# Cells in every colour: no correction can make skin of it, and every pixel that is painted shows.
RUBBISH = cv2.resize(RNG.integers(0, 256, (32, 32, 3)).astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceDetector]:
    with MediaPipeDetector(LANDMARKER) as opened:
        yield opened


def painted(
    detector: FaceDetector, picture: Picture, crop: Picture | None = None, like: Picture | None = None, **stored: Any
) -> Picture:
    """A picture with a generated crop laid over its face, or over the face of a picture ``like`` it."""
    face = aligned(detector, picture if like is None else like, SIDE)
    made = RUBBISH if crop is None else crop
    mouth = GeneratedMouth(0, face.matrix, made, face.outline, outlines_in(detector, made))
    frame = as_frame(picture, **stored)
    patch = patch_of(frame, mouth, COMPOSITOR)
    assert lay(frame, patch, COMPOSITOR, grain_of(frame, patch))
    return np.asarray(frame.rgb())


def crop_of(detector: FaceDetector, like: Picture, picture: Picture) -> Picture:
    """What an ideal student makes for the face in ``like``: the same place of ``picture``."""
    matrix = aligned(detector, like, SIDE).matrix
    return np.asarray(cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def repainted(before: Picture, after: Picture) -> Any:
    """Pixels that differ by more than 20 after a blur of 5 x 5."""
    apart = np.abs(cv2.blur(before, (5, 5)).astype(int) - cv2.blur(after, (5, 5)))
    return apart.max(axis=2) > 20


def behind(one: Speaker, pose: HeadPose, before: Picture, after: Picture, *mouths: DrawnMouth) -> float:
    """Repainted pixels that lie more than 0.15 eye distances outside the drawn outlines, in percent of a squared one."""
    inside = np.logical_or.reduce([filled(one.outline(pose, mouth)) for mouth in mouths])
    far = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    eyes = one.eyes(pose)
    return 100 * float((repainted(before, after) & (far > 0.15 * eyes)).sum()) / eyes**2


# Radians. The drawing tears beyond, and landmarks leave its far cheek.
TURNS = np.linspace(-0.3, 0.3, 7)


@pytest.mark.parametrize("who", [3, 4, 6])
def test_the_wall_behind_a_turning_head_is_not_painted_whatever_was_made(detector: FaceDetector, who: int) -> None:
    one, wall, found = speaker(who), tiles(), []
    for yaw in TURNS:
        pose = one.pose(yaw=yaw, roll=0.3 * yaw)
        before = one.draw(pose, HALF_OPEN, wall)
        after = painted(detector, before)
        assert repainted(before, after).sum() > 0.5 * one.eyes(pose) ** 2
        found.append(behind(one, pose, before, after, HALF_OPEN))
    assert np.mean(found) <= 0.05, found
    assert np.max(found) <= 1, found


@pytest.mark.parametrize("who", [1, 5])
def test_a_wall_that_a_student_moved_stays_where_it_was_filmed(detector: FaceDetector, who: int) -> None:
    one, wall, found = speaker(who), tiles(), []
    for yaw in TURNS[::2]:
        pose = one.pose(yaw=yaw)
        before = one.draw(pose, CLOSED, wall)
        moved = one.draw(pose, WIDE_OPEN, np.roll(wall, 12, axis=1))
        after = painted(detector, before, crop_of(detector, before, moved))
        found.append(behind(one, pose, before, after, CLOSED, WIDE_OPEN))
    assert np.mean(found) <= 0.05, found
    assert np.max(found) <= 1, found


@pytest.mark.parametrize("who", [1, 3, 4, 5, 6])
def test_a_cheek_that_a_student_draws_where_a_turned_head_has_none_is_not_painted(detector: FaceDetector, who: int) -> None:
    one, wall, found = speaker(who), tiles(), []
    from_the_front = one.draw(one.pose(), HALF_OPEN, np.roll(wall, 12, axis=1))
    for yaw in (-0.3, 0.3):
        pose = one.pose(yaw=yaw)
        before = one.draw(pose, CLOSED, wall)
        crop = crop_of(detector, before, from_the_front)
        assert outlines_in(detector, crop)
        after = painted(detector, before, crop)
        assert repainted(before, after).any()
        found.append(behind(one, pose, before, after, CLOSED, HALF_OPEN))
    assert np.mean(found) <= 0.05, found
    assert np.max(found) <= 1, found


def below_the_lips(one: Speaker, pose: HeadPose) -> Any:
    """Where only the wider jaw is, half an eye distance to both sides of the mouth's middle."""
    x, eyes = one.lips(pose)[0], one.eyes(pose)
    new = filled(one.outline(pose, WIDER)) & ~filled(one.outline(pose, CLOSED))
    return new & (np.abs(np.arange(WIDTH) - x) < 0.5 * eyes)[None]


@pytest.mark.parametrize("who", [1, 2, 4, 6])
def test_a_jaw_that_opens_wider_than_the_filmed_one_keeps_its_chin(detector: FaceDetector, who: int) -> None:
    one = speaker(who)
    pose = one.pose()
    before, ideal = one.draw(pose, CLOSED), one.draw(pose, WIDER)
    after = painted(detector, before, crop_of(detector, before, ideal))
    chin = below_the_lips(one, pose)
    assert chin.sum() > 0.05 * one.eyes(pose) ** 2

    def error(picture: Picture) -> float:
        return float(np.abs(cv2.blur(picture, (3, 3)).astype(int) - cv2.blur(ideal, (3, 3)))[chin].mean())

    assert error(after) < 0.35 * error(before)


ORIENTATIONS = [(rotation, mirrored) for rotation in (0, 90, 180, 270) for mirrored in (False, True)]


@pytest.mark.parametrize(("rotation", "mirrored"), ORIENTATIONS)
def test_however_a_picture_is_stored_the_mouth_is_painted_at_the_same_place(
    detector: FaceDetector, rotation: int, mirrored: bool
) -> None:
    one = speaker(3)
    before = one.draw(one.pose(230, 160))
    np.testing.assert_array_equal(painted(detector, before, rotation=rotation, mirrored=mirrored), painted(detector, before))


CAPTIONS = {"yellow": (250, 220, 30), "blue": (20, 60, 220), "white": (255, 255, 255), "green": (30, 200, 60)}


@pytest.mark.parametrize("name", CAPTIONS)
def test_a_caption_across_the_chin_stays_and_its_colour_does_not_flood_the_skin(detector: FaceDetector, name: str) -> None:
    one = speaker(6)
    pose = one.pose()
    before, made = one.draw(pose, CLOSED), one.draw(pose, HALF_OPEN)
    x, y, eyes = *one.lips(pose), one.eyes(pose)
    banner = np.zeros((HEIGHT, WIDTH), bool)
    banner[int(y + 0.42 * eyes) : int(y + 0.75 * eyes), int(x - 1.5 * eyes) : int(x + 1.5 * eyes)] = True
    captioned = np.where(banner[..., None], np.uint8(CAPTIONS[name]), before)
    crop = crop_of(detector, before, made)
    after, bare = painted(detector, captioned, crop, before), painted(detector, before, crop)
    inside = cv2.erode(banner.astype(np.uint8), np.ones((5, 5))) > 0
    assert not repainted(captioned, after)[inside].any()
    skin = filled(one.outline(pose, CLOSED)) & ~cv2.dilate(banner.astype(np.uint8), np.ones((25, 25))).astype(bool)
    skin[: int(y - 0.2 * eyes)] = False
    apart = np.abs(after.astype(int) - bare)[skin].mean(axis=1)
    assert repainted(captioned, after).any()
    assert apart.mean() < 2
    assert np.percentile(apart, 99) < 12


def noisy(picture: Picture, sigma: float, seed: int) -> Picture:
    grain = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, sigma, picture.shape), (0, 0), 0.6)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def fine(picture: Picture, where: Any) -> float:
    """Standard deviation of what is finer than shading, in code values of 255."""
    detail = picture.astype(np.float32) - cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 2)
    return float(detail[where].std())


@pytest.mark.parametrize(("sigma", "kept"), [(0.0, 0.0), (20.0, 1.0), (30.0, 1.0)])
def test_a_painted_mouth_has_as_much_grain_as_the_film_around_it(detector: FaceDetector, sigma: float, kept: float) -> None:
    one = speaker(4, face=220)
    pose = one.pose()
    clean = one.draw(pose, CLOSED)
    before = noisy(clean, sigma, 1)
    smooth = cv2.GaussianBlur(one.draw(pose, DrawnMouth(open=0.6)), (0, 0), 1.5)
    crop = crop_of(detector, clean, np.asarray(smooth, np.uint8))
    after = painted(detector, before, crop)
    x, y, eyes = *one.lips(pose), one.eyes(pose)
    mouth, chin = (np.zeros((HEIGHT, WIDTH), bool) for _ in range(2))
    mouth[int(y + 0.05 * eyes) : int(y + 0.2 * eyes), int(x - 0.2 * eyes) : int(x + 0.2 * eyes)] = True
    chin[int(y - 0.8 * eyes) : int(y - 0.6 * eyes), int(x - 0.6 * eyes) : int(x - 0.3 * eyes)] = True
    filmed = fine(before, chin)
    if kept:
        assert 0.6 * filmed < fine(after, mouth) < 1.4 * filmed
    else:
        assert fine(after, mouth) < 1.5 * fine(crop_back(detector, clean, crop), mouth) + 0.5


def crop_back(detector: FaceDetector, picture: Picture, crop: Picture) -> Picture:
    matrix = aligned(detector, picture, SIDE).matrix
    return np.asarray(cv2.warpAffine(crop, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP))


def moved(x: float, y: float, scale: float = 1.0) -> Any:
    """The transform of a crop whose first pixel lies at (x, y) of the picture, enlarged by ``scale``."""
    return np.array([[scale, 0, -scale * x], [0, scale, -scale * y]])


# Where a crop of 10 pixels lies in a picture of 64 x 48, and the picture's pixels that it may touch: one more on every side.
BOXES: dict[str, tuple[Any, Box | None]] = {
    "inside": (moved(20, 10), Box(19, 9, 31, 21)),
    "half as large as its place": (moved(20, 10, 0.5), Box(18, 8, 41, 31)),
    "at a broken place": (moved(20.5, 10.5), Box(19, 9, 32, 22)),
    "over the upper left corner": (moved(-4, -6), Box(0, 0, 7, 5)),
    "over the lower right corner": (moved(60, 40), Box(59, 39, 64, 48)),
    "with two columns inside": (moved(63, 0), Box(62, 0, 64, 11)),
    "with one": (moved(64, 0), None),
    "to the right": (moved(80, 0), None),
    "above": (moved(0, -30), None),
}


@pytest.mark.parametrize("name", BOXES)
def test_a_crop_touches_the_pixels_under_it_and_none_where_it_lies_outside(name: str) -> None:
    matrix, expected = BOXES[name]
    assert crop_box(matrix, 10, (64, 48)) == expected


def test_a_mouth_outside_the_picture_has_no_grain_and_changes_nothing() -> None:
    frame = as_frame(tiles())
    mouth = GeneratedMouth(0, moved(WIDTH + 50, 0), RUBBISH)
    patch = patch_of(frame, mouth, COMPOSITOR)
    assert grain_of(frame, patch) is None
    assert not lay(frame, patch, COMPOSITOR, None)
    np.testing.assert_array_equal(frame.rgb(), tiles())


def test_a_face_too_small_to_show_grain_has_none() -> None:
    frame = as_frame(noisy(tiles(), 20, 1))
    small, large = (GeneratedMouth(0, moved(100, 60, SIDE / side), RUBBISH) for side in (24, 240))
    assert grain_of(frame, patch_of(frame, small, COMPOSITOR)) is None
    assert grain_of(frame, patch_of(frame, large, COMPOSITOR)) is not None
