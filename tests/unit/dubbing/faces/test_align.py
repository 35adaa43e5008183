from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dubbing.faces import align, landmarks

Array = NDArray[np.float64]
FACE = np.array([[400.3, 300.7], [520.9, 310.2], [450.1, 372.4]])


def place(matrix: Array, points: Array) -> Array:
    return points @ matrix[:, :2].T + matrix[:, 2]


def reference_similarity(source: Array, target: Array) -> Array:
    """The published fit, step by step."""
    c1, c2 = source.mean(0), target.mean(0)
    p1, p2 = source - c1, target - c2
    s1, s2 = p1.std(ddof=1), p2.std(ddof=1)
    u, _, vt = np.linalg.svd((p1 / s1).T @ (p2 / s2))
    v = vt.T
    rotation = v @ u.T
    if np.linalg.det(rotation) < 0:
        v[:, -1] *= -1
        rotation = v @ u.T
    linear = s2 / s1 * rotation
    return np.column_stack([linear, c2 - linear @ c1])


def smooth_picture(height: int, width: int, dtype: Any = np.uint8, shift: tuple[float, float] = (0.0, 0.0)) -> Any:
    y, x = np.mgrid[:height, :width].astype(float)
    wave = np.sin((x + shift[0]) / 37) * np.cos((y + shift[1]) / 29)
    top = np.iinfo(dtype).max
    return np.repeat(((0.5 + 0.4 * wave) * top + 0.5).astype(dtype)[..., None], 3, axis=2)


def test_a_face_that_lies_on_the_template_is_only_stretched_to_the_square() -> None:
    matrix = align.crop_transform(align.TEMPLATE, 512)
    edges = np.array([[-0.5, -0.5], [419.5, 559.5]])
    np.testing.assert_allclose(place(matrix, edges), [[-0.5, -0.5], [511.5, 511.5]], atol=1e-9)


def test_the_transform_is_the_published_fit_followed_by_the_stretch() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        face = FACE + rng.normal(0, 25, (3, 2))
        published = place(reference_similarity(face, align.TEMPLATE), face)
        expected = (published + 0.5) * [128 / 420, 128 / 560] - 0.5
        np.testing.assert_allclose(place(align.crop_transform(face, 128), face), expected, atol=1e-9)


@pytest.mark.parametrize("shift", [(0.25, 0.0), (0.0, 0.125), (1000.37, 2000.61)])
def test_moving_the_face_by_a_part_of_a_pixel_moves_the_transform_by_as_much(shift: tuple[float, float]) -> None:
    before, after = align.crop_transform(FACE, 128), align.crop_transform(FACE + shift, 128)
    np.testing.assert_allclose(place(after, FACE + shift), place(before, FACE), atol=1e-9)


def test_the_inverse_undoes_the_transform() -> None:
    matrix = align.crop_transform(FACE, 512)
    np.testing.assert_allclose(place(align.invert(matrix), place(matrix, FACE)), FACE, atol=1e-9)


@pytest.mark.parametrize("size", [128, 512])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_crop_shows_what_the_frame_shows_at_the_inverse_place(size: int, dtype: Any) -> None:
    frame = smooth_picture(720, 1280, dtype)
    matrix = align.crop_transform(FACE * [1.2, 1.0], size)
    crop = align.extract_crop(frame, matrix, size)
    v, u = np.mgrid[8 : size - 8, 8 : size - 8]
    x, y = place(align.invert(matrix), np.stack([u, v], -1).reshape(-1, 2).astype(float)).T
    inside = (x > 8) & (x < 1271) & (y > 8) & (y < 711)
    expected = 0.5 + 0.4 * np.sin(x / 37) * np.cos(y / 29)
    measured = crop[8:-8, 8:-8, 0].reshape(-1) / np.iinfo(dtype).max
    assert crop.dtype == dtype
    assert inside.mean() > 0.7
    assert np.abs(measured - expected)[inside].max() < 0.001 + 1.5 / np.iinfo(dtype).max


def test_a_subpixel_shift_of_the_picture_with_its_face_leaves_the_crop_alone() -> None:
    crops = [
        align.extract_crop(smooth_picture(720, 1280, np.uint16, (dx, 0)), align.crop_transform(FACE - [dx, 0], 128), 128)
        for dx in (0.0, 0.3, 0.77)
    ]
    worst = max(np.abs(c.astype(int) - crops[0])[8:-8, 8:-8].max() for c in crops[1:])
    assert worst < 0.002 * 65535


def test_shrinking_averages_fine_detail_instead_of_aliasing() -> None:
    frame = np.zeros((1400, 1400, 3), np.uint8)
    frame[:, ::2] = 255
    face = align.TEMPLATE * 2 + 100
    crop = align.extract_crop(frame, align.crop_transform(face, 128), 128)
    assert np.abs(crop[10:-10, 10:-10].astype(int) - 128).max() <= 25


def test_a_crop_beyond_the_border_repeats_the_outermost_pixels() -> None:
    frame = np.full((200, 200, 3), 77, np.uint8)
    assert (align.extract_crop(frame, align.crop_transform(align.TEMPLATE - 150, 128), 128) == 77).all()


def test_the_transforms_of_a_track_are_those_of_its_frames() -> None:
    path = FACE + np.random.default_rng(1).normal(0, 9, (7, 3, 2))
    exact = np.stack([align.crop_transform(a, 512) for a in path])
    np.testing.assert_allclose(align.crop_transforms(path, 512), exact, atol=1e-9)


def test_mouth_measures_are_distances_between_the_lips() -> None:
    points = np.zeros((2, landmarks.COUNT, 2))
    points[1, landmarks.LOWER_LIP, 1] = 9
    points[:, landmarks.MOUTH_CORNERS[1], 0] = 50
    np.testing.assert_allclose(landmarks.mouth_opening(points), [0, 9])
    np.testing.assert_allclose(landmarks.mouth_width(points), [50, 50])
