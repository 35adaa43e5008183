import numpy as np
import pytest

from dubbing.errors import TruncatedMedia
from dubbing.media.crops import iter_crops, pack_crops, unpack_crops


@pytest.mark.parametrize("size", [33, 128, 512])
def test_crops_come_back_bit_for_bit(size: int) -> None:
    crops = np.random.default_rng(size).integers(0, 256, (5, size, size, 3), np.uint8)
    assert np.array_equal(unpack_crops(pack_crops(crops)), crops)
    assert np.array_equal(next(iter_crops(pack_crops(crops[:1]))), crops[0])


def test_the_same_crops_are_the_same_bytes() -> None:
    crops = np.random.default_rng(1).integers(0, 256, (5, 33, 33, 3), np.uint8)
    assert pack_crops(crops) == pack_crops(crops)


def test_nothing_and_uneven_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="no crops"):
        pack_crops([])
    with pytest.raises(ValueError, match="among"):
        pack_crops([np.zeros((32, 32, 3), np.uint8), np.zeros((16, 16, 3), np.uint8)])


def test_bytes_that_are_no_crops_are_named() -> None:
    with pytest.raises(TruncatedMedia):
        unpack_crops(b"nonsense" * 50)
