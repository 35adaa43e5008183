"""Paste-back: the generated mouth into the frame, in linear light, resampled once, matched in colour, without a seam.

What is pasted is made in the crop, at its own resolution, and travels to the frame as one picture with premultiplied
opacity. Three things hide where it ends:

* colour: the student's decoder does not return the kept skin around the mouth quite as it was. That error is measured on
  the kept cells that border the mouth region and continued into it as a membrane (harmonic function; Perez et al., 2003),
  so that generated and filmed skin meet without a step.
* feather: opacity rises from the border of the mouth region inwards; outside the region no pixel changes.
* detail: a small crop enlarged to a large face is soft. Where the generated picture shows what the filmed one shows, only
  their difference is added and the footage keeps its own grain; where the two differ, the generated picture replaces it.

Letters: n side of the crop, h w size of the touched part of the frame.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Box
from dubbing.faces.align import Matrix, Picture, invert
from dubbing.faces.light import Light
from lipforcing.contract import mouth_mask

Planes = NDArray[np.float32]

_GRID: Final = 32  # cells of the membrane along each side
_COARSE: Final = 128  # side of the picture in which likeness is judged
_BAND: Final = 48  # rows that are worked on at a time, so that they stay in the processor's cache
_FEATHER: Final = 5 / 64  # of the crop's side
_LIKENESS: Final = 0.06  # difference, as a part of the square root of light, at which footage and generated picture are others


@dataclass(frozen=True, eq=False)
class Patch:
    """A generated mouth, ready to be laid over its frame.

    Attributes:
        light: float32 [m, m, 4], linear light to add and the share of the frame to take away first.
        matrix: float64 [2, 3], frame to patch.
        interpolation: cv2's.
    """

    light: Planes
    matrix: Matrix
    interpolation: int

    def box(self, size: tuple[int, int]) -> Box | None:
        """The pixels of a frame of that width and height that the mouth region can reach; None when there are none."""
        region = mouth_mask(_COARSE)
        rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
        edges = np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]]) * len(self.light) / _COARSE - 0.5
        places = np.array([(x, y, 1.0) for x in edges[:, 0] for y in edges[:, 1]]) @ invert(self.matrix).T
        left, top = np.clip(np.floor(places.min(axis=0)), 0, size).astype(int)
        right, bottom = np.clip(np.ceil(places.max(axis=0)) + 1, 0, size).astype(int)
        return Box(int(left), int(top), int(right), int(bottom)) if left < right and top < bottom else None


class Compositor:
    """Pastes generated crops of one size into frames of one transfer function.

    Args:
        size: n, side of the crop.
        transfer: ffmpeg's name of the frames' transfer function; None is BT.709.
    """

    def __init__(self, size: int, transfer: str | None = None) -> None:
        self._size = size
        self._light = Light(transfer)
        self._opacity: dict[int, Planes] = {}  # by the block that the patch is averaged over
        self._ring, self._membrane = _membrane_operator()

    def paste(self, frame: Picture, matrix: Matrix, source: Picture, generated: Picture) -> Picture:
        """The frame with the generated mouth.

        Args:
            frame: uint8 or uint16 [H, W, 3] RGB.
            matrix: float64 [2, 3], frame to crop, by which ``source`` was cut out.
            source: the aligned crop of this very frame, uint8 or uint16 [n, n, 3].
            generated: the student's picture for it, uint8 [n, n, 3].

        Returns:
            A new picture of the frame's type; pixels outside the mouth region are the frame's own.
        """
        result = frame.copy()
        patch = self.patch(matrix, source, generated)
        box = patch.box((frame.shape[1], frame.shape[0]))
        if box is not None:
            self.lay(result[box.top : box.bottom, box.left : box.right], patch, box)
        return result

    def patch(self, matrix: Matrix, source: Picture, generated: Picture) -> "Patch":
        """What has to be laid over the frame; arguments as for `paste`."""
        block = _block(matrix, self._size)
        if block not in self._opacity:
            self._opacity[block] = feathered_mask(self._size, 2 * block)
        light = self._blended(source, generated, self._opacity[block])
        if block > 1:
            small = (self._size // block, self._size // block)
            light = np.asarray(cv2.resize(light, small, interpolation=cv2.INTER_AREA), np.float32)
        return Patch(light, _reduced(matrix, block), cv2.INTER_CUBIC if block == 1 else cv2.INTER_LINEAR)

    def lay(self, part: Picture, patch: "Patch", box: Box) -> None:
        """Lays the patch, in place, over that part of a frame which `Patch.box` named."""
        for row in range(0, len(part), _BAND):
            band = part[row : row + _BAND]
            height, width = band.shape[:2]
            place, how = _from(patch.matrix, box.left, box.top + row), patch.interpolation | cv2.WARP_INVERSE_MAP
            warped = cv2.warpAffine(patch.light, place, (width, height), flags=how)
            changed = cv2.bitwise_not(cv2.inRange(warped, np.zeros(4), np.zeros(4)))
            red, green, blue, replaced = cv2.split(warped)
            kept = 1 - replaced
            filmed = cv2.multiply(self._light.decode(band), cv2.merge([kept, kept, kept]))
            mixed = np.asarray(cv2.add(filmed, cv2.merge([red, green, blue])), np.float32)
            cv2.copyTo(self._light.encode(mixed, band.dtype), changed, band)

    def _blended(self, source: Picture, generated: Picture, opacity: Planes) -> Planes:
        """What replaces the mouth region: float32 [n, n, 4], light to add and the share of the frame to take away first."""
        filmed = self._light.decode(source)
        made = self._light.decode(generated)
        made += self._correction(filmed - made)
        replaced = opacity * self._unlike(filmed, made)
        added = (opacity * m + (replaced - opacity) * f for m, f in zip(cv2.split(made), cv2.split(filmed), strict=True))
        return np.asarray(cv2.merge([*added, replaced]), np.float32)

    def _correction(self, error: Planes) -> Planes:
        """The decoder's error around the mouth region, continued into it; float32 [n, n, 3]."""
        cells = cv2.resize(error, (_GRID, _GRID), interpolation=cv2.INTER_AREA).reshape(_GRID * _GRID, 3)
        spread = (self._membrane @ cells[self._ring]).reshape(_GRID, _GRID, 3)
        return np.asarray(cv2.resize(spread, (self._size, self._size), interpolation=cv2.INTER_LINEAR))

    def _unlike(self, filmed: Planes, made: Planes) -> Planes:
        """How far generated and filmed picture show different things: 0 the same .. 1 others, float32 [n, n]."""
        coarse = (min(self._size, _COARSE), min(self._size, _COARSE))
        apart = cv2.absdiff(cv2.sqrt(np.maximum(made, 0)), cv2.sqrt(filmed))
        red, green, blue = cv2.split(cv2.resize(apart, coarse, interpolation=cv2.INTER_AREA))
        worst = cv2.GaussianBlur(cv2.max(cv2.max(red, green), blue), (0, 0), coarse[0] / 48)
        unlike = 1 - np.exp(-((worst / _LIKENESS) ** 2))
        return np.asarray(cv2.resize(unlike, (self._size, self._size), interpolation=cv2.INTER_LINEAR), np.float32)


def feathered_mask(size: int, inset: int) -> Planes:
    """Opacity of the generated picture, float32 [size, size].

    0 outside the mouth region and up to ``inset`` rows and columns inside it, as far as resampling reaches; 1 well inside.
    """
    inside = cv2.distanceTransform(np.pad(mouth_mask(size), 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    rise = np.clip((inside - 1.5 * inset) / (_FEATHER * size), 0, 1)  # the diagonal of inset x inset, and a little
    return np.asarray(rise * rise * (3 - 2 * rise), np.float32)


def _block(matrix: Matrix, size: int) -> int:
    """Crop pixels that share one frame pixel along each side: by how much the patch is averaged before it is resampled."""
    most = max(1, int(np.hypot(*matrix[:, :2]).min() + 1e-9))
    return max(block for block in range(1, most + 1) if size % block == 0)


def _reduced(matrix: Matrix, block: int) -> Matrix:
    """The same transform, to a crop averaged over block x block pixels."""
    small = matrix / block
    small[:, 2] += 0.5 / block - 0.5
    return small


def _from(matrix: Matrix, left: int, top: int) -> Matrix:
    """The same transform for the part of the frame whose first pixel is (left, top)."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ [left, top]
    return moved


def _membrane_operator() -> tuple[NDArray[np.intp], Planes]:
    """The kept cells that border the mouth region, and the matrix from their values to the harmonic function on all cells.

    Returns:
        Indices [R] into the flattened grid, and float32 [_GRID², R]; rows of cells that are neither are 0.
    """
    inner = cv2.resize(mouth_mask(2 * _GRID).astype(np.float32), (_GRID, _GRID), interpolation=cv2.INTER_AREA) > 0
    ring = (cv2.dilate(inner.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~inner
    at_inner, at_ring = np.flatnonzero(inner), np.flatnonzero(ring)
    laplace = np.zeros((_GRID * _GRID, _GRID * _GRID))
    for step in (-1, 1, -_GRID, _GRID):
        laplace[at_inner, at_inner + step] = -0.25
    laplace[at_inner, at_inner] = 1
    operator = np.zeros((_GRID * _GRID, len(at_ring)), np.float32)
    operator[at_ring, np.arange(len(at_ring))] = 1
    operator[at_inner] = np.linalg.solve(laplace[np.ix_(at_inner, at_inner)], -laplace[np.ix_(at_inner, at_ring)])
    return at_ring, operator
