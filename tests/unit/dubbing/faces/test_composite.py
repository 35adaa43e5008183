from typing import Any

import cv2
import numpy as np
import pytest

from dubbing.faces import align
from dubbing.faces.composite import Compositor, feathered_mask
from dubbing.faces.transfer import TransferCurve
from lipforcing.contract import mouth_mask

RNG = np.random.default_rng(5)
IDENTITY = np.eye(2, 3)


def skin(height: int, width: int, dtype: Any = np.uint8) -> Any:
    """A picture like skin: smooth shading and grain."""
    y, x = np.mgrid[:height, :width]
    shade = 120 + 50 * np.sin(x / 90) * np.cos(y / 70)
    picture = np.clip(shade[..., None] + np.array([40, 5, -15]) + RNG.normal(0, 3, (height, width, 3)), 0, 255)
    return (picture * (257 if dtype == np.uint16 else 1)).astype(dtype)


def face_at(x: float, y: float, scale: float, roll: float, size: int) -> Any:
    turn = scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    return align.crop_transform((align.TEMPLATE - [210, 280]) @ turn.T + [x, y], size)


def with_open_mouth(crop: Any) -> Any:
    size = crop.shape[0]
    opened = (crop >> 8 if crop.dtype == np.uint16 else crop).astype(np.uint8)
    return cv2.ellipse(opened, (size // 2, size * 11 // 16), (size // 7, size // 10), 0, 0, 360, (60, 20, 25), -1)


def region(matrix: Any, size: int, shape: tuple[int, ...]) -> Any:
    """Frame pixels whose centre lies within a pixel of the crop's mouth region."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    u, v = np.moveaxis(np.stack([x, y], -1) @ matrix[:, :2].T + matrix[:, 2], -1, 0)
    inside = (u > -0.5) & (v > -0.5) & (u < size - 0.5) & (v < size - 0.5)
    at = np.clip(np.rint([v, u]).astype(int), 0, size - 1)
    return inside & mouth_mask(size)[at[0], at[1]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [128, 512])
@pytest.mark.parametrize(
    "place",
    [(300.3, 260.7, 0.9, 0.0), (310, 250, 0.55, 0.4), (290.5, 240, 0.2, -0.3), (310, 260, 0.08, 0.1), (20, 400, 1.0, 0.2)],
)
def test_pixels_outside_the_mouth_region_stay_bit_identical(dtype: Any, size: int, place: tuple[float, ...]) -> None:
    frame = skin(480, 640, dtype)
    matrix = face_at(*place, size)
    crop = align.extract_crop(frame, matrix, size)
    before = frame.copy()
    out = Compositor(size).paste(frame, matrix, crop, with_open_mouth(crop))
    changed = (out != before).any(axis=2)
    assert changed.any()
    assert not (changed & ~region(matrix, size, frame.shape)).any()
    np.testing.assert_array_equal(frame, before)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_generated_picture_like_the_filmed_one_changes_nothing(dtype: Any) -> None:
    frame = skin(480, 640, dtype)
    matrix = face_at(300, 240, 0.8, 0.1, 128)
    crop = align.extract_crop(frame, matrix, 128)
    same = (crop >> 8).astype(np.uint8) if dtype == np.uint16 else crop
    out = Compositor(128).paste(frame, matrix, crop, same)
    assert np.abs(out.astype(int) - frame).max() <= np.iinfo(dtype).max // 200


@pytest.mark.parametrize("offset", [-25, -8, 8, 25])
def test_a_colour_cast_of_the_decoder_does_not_show(offset: int) -> None:
    frame = skin(480, 640)
    matrix = face_at(300, 240, 0.8, 0.1, 128)
    crop = align.extract_crop(frame, matrix, 128)
    cast = np.clip(crop.astype(int) + np.array([offset, offset // 2, -offset // 2]), 0, 255).astype(np.uint8)
    error = cv2.blur(Compositor(128).paste(frame, matrix, crop, cast).astype(np.float32) - frame, (9, 9))
    assert np.abs(error).max() < 0.2 * abs(offset)


def test_along_the_border_of_the_region_the_result_meets_the_footage_without_a_step() -> None:
    frame = skin(480, 640)
    matrix = face_at(300, 240, 0.9, 0.0, 128)
    crop = align.extract_crop(frame, matrix, 128)
    slope = np.linspace(-20, 20, 128)[None, :, None] + [15, 0, -15]
    made = np.clip(with_open_mouth(crop) + slope, 0, 255).astype(np.uint8)
    change = cv2.blur(Compositor(128).paste(frame, matrix, crop, made).astype(np.float32) - frame, (5, 5))
    within = region(matrix, 128, frame.shape)
    border = within & ~cv2.erode(within.astype(np.uint8), np.ones((9, 9))).astype(bool)
    assert np.abs(change[border]).max() < 2.5


def test_the_mouth_appears_where_the_transform_says_to_a_tenth_of_a_pixel() -> None:
    frame = np.full((480, 640, 3), 160, np.uint8)
    for x in (300.0, 300.25, 300.5, 301.13):
        matrix = face_at(x, 240.4, 0.8, 0.15, 128)
        crop = align.extract_crop(frame, matrix, 128)
        spot = np.array([66.3, 88.6])
        v, u = np.mgrid[:128, :128]
        made = crop - (100 * np.exp(-((u - spot[0]) ** 2 + (v - spot[1]) ** 2) / 60))[..., None]
        out = Compositor(128).paste(frame, matrix, crop, np.rint(made).astype(np.uint8))
        light = TransferCurve(None)
        weight = (light.decode(frame) - light.decode(out))[..., 1]
        ys, xs = np.mgrid[:480, :640]
        centre = np.array([(weight * xs).sum(), (weight * ys).sum()]) / weight.sum()
        expected = align.invert(matrix) @ [*spot, 1.0]
        np.testing.assert_allclose(centre, expected, atol=0.1)


def test_the_feather_mixes_light_not_code_values() -> None:
    frame = np.full((128, 128, 3), 40, np.uint8)
    made = frame.copy()
    made[cv2.erode(mouth_mask(128).astype(np.uint8), np.ones((3, 3))).astype(bool)] = 220
    out = Compositor(128, "iec61966-2-1").paste(frame, IDENTITY, frame, made)
    opacity = feathered_mask(128, 2)
    light = TransferCurve("iec61966-2-1")
    mixed = light.decode(frame) * (1 - opacity[..., None]) + light.decode(made) * opacity[..., None]
    half = (opacity > 0.3) & (opacity < 0.7)
    assert half.sum() > 100
    assert np.abs(out[half].astype(int) - light.encode(mixed, np.uint8)[half]).max() <= 1


def test_where_the_pictures_agree_the_footage_keeps_its_grain() -> None:
    frame = skin(900, 900)
    matrix = face_at(450, 430, 1.6, 0.0, 128)
    crop = align.extract_crop(frame, matrix, 128)
    out = Compositor(128).paste(frame, matrix, crop, with_open_mouth(cv2.GaussianBlur(crop, (0, 0), 1)))
    cheek = align.invert(matrix) @ [24.0, 70.0, 1.0]
    x, y = cheek.astype(int)
    before, after = (p[y - 20 : y + 20, x - 20 : x + 20].astype(float).std(axis=(0, 1)).mean() for p in (frame, out))
    assert after > 0.85 * before


def test_inside_the_mouth_the_generated_picture_replaces_the_footage() -> None:
    frame = skin(480, 640)
    matrix = face_at(300, 240, 0.8, 0.0, 128)
    crop = align.extract_crop(frame, matrix, 128)
    out = Compositor(128).paste(frame, matrix, crop, with_open_mouth(crop))
    x, y = (align.invert(matrix) @ [64.0, 88.0, 1.0]).astype(int)
    np.testing.assert_allclose(out[y, x], [60, 20, 25], atol=4)


def test_a_face_beside_the_frame_leaves_it_as_it_is() -> None:
    frame = skin(100, 100)
    matrix = face_at(3000, 50, 0.5, 0.0, 128)
    crop = align.extract_crop(frame, matrix, 128)
    np.testing.assert_array_equal(Compositor(128).paste(frame, matrix, crop, with_open_mouth(crop)), frame)


def test_an_even_error_of_a_student_leaves_no_stain_in_a_picture_in_pq() -> None:
    """A bright cheek beside a dark chin; the student returns all of it a little too yellow."""
    crop = np.full((128, 128, 3), (120, 80, 50), np.uint8)
    crop[:, 70:] = (215, 170, 130)
    made = np.clip(crop + np.array([6, 6, -12]), 0, 255).astype(np.uint8)
    matrix = np.array([[1.0, 0, 0], [0, 1.0, 0]])
    after = Compositor(128, "smpte2084").paste(crop, matrix, crop, made)
    assert np.abs(after.astype(int) - crop).max() <= 8
