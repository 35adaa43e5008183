import cv2
import numpy as np
import pytest

from dubbing.faces.distance import depth
from lipforcing.contract import mouth_mask

SIZES = (66, 130, 514)
RNG = np.random.default_rng(5)


def region(size: int) -> np.ndarray:
    return np.pad(mouth_mask(size - 2), 1)


@pytest.mark.parametrize("size", SIZES)
def test_a_depth_is_the_root_of_a_whole_number_and_opencvs_own_distance(size: int) -> None:
    inside = region(size)
    found = depth(inside)
    squares = np.square(found)
    np.testing.assert_allclose(squares, np.rint(squares), rtol=1e-12)
    np.testing.assert_allclose(
        found, cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), atol=1e-4
    )


def test_it_is_counted_to_the_nearest_pixel_outside() -> None:
    row = np.array([[0, 1, 1, 1, 0]])
    np.testing.assert_array_equal(depth(np.vstack([0 * row, row, row, row, 0 * row]))[2], [0, 1, 2, 1, 0])


@pytest.mark.parametrize("size", SIZES)
def test_it_does_not_depend_on_where_memory_lies(size: int) -> None:
    inside, first = region(size), depth(region(size))
    held = []
    for length in RNG.integers(1, 200_000, 60):  # moves what is allocated next
        held.append(np.empty(length, np.uint8))
        np.testing.assert_array_equal(depth(inside), first)
