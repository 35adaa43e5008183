"""Film grain and camera noise, for where a generated mouth replaces the footage: a student draws none.

Grain is taken to be stationary noise with the footage's own spectrum: white noise through a filter whose gain is the square
root of the power spectrum of the flattest blocks around the mouth, with their covariance between the channels.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]

BLOCK: Final = 16
_FLATTEST: Final = 0.3  # part of the blocks, least uneven first, that show grain and nothing else
_FEWEST: Final = 4
# Standard deviation of code values. Pores, beards and a codec's errors stay below, and nobody misses them.
_VISIBLE: Final = 6 / 255
# Blocks of a small face show eyes and lips, not skin, and what is no shading there passes for grain in strength. Grain is as
# strong in one flat block as in the next, where there are enough of them to tell, or nearly as strong in fine detail as in
# coarse. Of 211 inputs, faces of 18 to 30 pixels between the eyes without grain have at most 0.09 of the one; grain has 0.26.
_EVEN: Final = 0.4  # energy of the least uneven flat block, in parts of the most uneven one's
_ENOUGH: Final = 6  # flat blocks
_FINE: Final = 0.2  # power of periods from 2 to 4 pixels, in parts of that of periods over 5


class Grain(NamedTuple):
    """What grain looks like.

    Attributes:
        kernel: float32 [16, 16], the filter that makes it of white noise, of norm 1.
        mixing: float32 [3, 3], from three independent fields to R', G' and B' in code values.
    """

    kernel: Planes
    mixing: Planes


def measure(bands: Sequence[Sequence[NDArray[np.uint16]]]) -> Grain | None:
    """The grain of a region, or None where there is none to be seen.

    Args:
        bands: some of its rows, 16 at a time: R', G' and B', each uint16 [16, w].
    """
    blocks = _blocks(bands)
    if len(blocks) < _FEWEST:
        return None
    rest = _without_shading(blocks)
    energy = (rest**2).mean(axis=(1, 2, 3))
    flattest = np.argsort(energy)[: max(_FEWEST, round(len(rest) * _FLATTEST))]
    flat = rest[flattest]
    if float(np.sqrt((flat**2).mean())) < _VISIBLE * 0xFFFF:
        return None
    power = (np.abs(np.fft.fft2(flat, axes=(1, 2))) ** 2).mean(axis=(0, 3))
    if not (_fine(power) or _even(energy[flattest])):
        return None
    kernel = np.fft.fftshift(np.fft.ifft2(np.sqrt(power)).real)
    mixing = np.linalg.cholesky(np.cov(flat.reshape(-1, 3).T) + np.eye(3))
    return Grain((kernel / np.linalg.norm(kernel)).astype(np.float32), mixing.astype(np.float32))


def field(grain: Grain, size: tuple[int, int], seed: int) -> Planes:
    """Grain for a region of that width and height, float32 [h, w, 3] in code values; the same for the same seed."""
    width, height = size
    white = np.random.default_rng(seed).standard_normal((height, width, 3), np.float32)
    coloured = cv2.filter2D(white, -1, grain.kernel, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.transform(coloured, grain.mixing), np.float32)


def _blocks(bands: Sequence[Sequence[NDArray[np.uint16]]]) -> Planes:
    """float32 [N, 16, 16, 3]: those that are neither black nor white, where noise is clipped."""
    cut = [
        np.stack(band, axis=-1)[:, : band[0].shape[1] // BLOCK * BLOCK].reshape(BLOCK, -1, BLOCK, 3).swapaxes(0, 1)
        for band in bands
        if band[0].shape[0] == BLOCK and band[0].shape[1] >= BLOCK
    ]
    if not cut:
        return np.zeros((0, BLOCK, BLOCK, 3), np.float32)
    blocks = np.concatenate(cut).astype(np.float32)
    mean = blocks.mean(axis=(1, 2, 3)) / 0xFFFF
    return np.asarray(blocks[(mean > 0.03) & (mean < 0.97)])


def _without_shading(blocks: Planes) -> Planes:
    """What is left of each block without its shading, a quadratic surface."""
    flat = blocks.reshape(len(blocks), BLOCK * BLOCK, 3)
    surfaces = _surfaces()
    return np.asarray((flat - surfaces @ (surfaces.T @ flat)).reshape(blocks.shape), np.float32)


def _even(energy: NDArray[np.float32]) -> bool:
    """Whether flat blocks, given by their energies in ascending order, show the same."""
    return len(energy) >= _ENOUGH and bool(energy[0] >= _EVEN * energy[-1])


def _fine(power: NDArray[np.float64]) -> bool:
    """Whether a spectrum, float [16, 16], reaches to the finest details."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(BLOCK), np.fft.fftfreq(BLOCK)))
    fine, coarse = (frequency > 1 / 4) & (frequency <= 1 / 2), (frequency > 0) & (frequency < 1 / 5)
    return bool(power[fine].mean() >= _FINE * power[coarse].mean())


@cache
def _surfaces() -> NDArray[np.float64]:
    """An orthonormal basis of the quadratic surfaces over a block, float64 [256, 6]."""
    y, x = np.mgrid[-1 : 1 : BLOCK * 1j, -1 : 1 : BLOCK * 1j]
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6))
    return np.asarray(basis)
