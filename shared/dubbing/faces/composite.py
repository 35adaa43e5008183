"""Paste-back: the generated mouth into the frame, in linear light, resampled once, matched in colour, without a seam.

What is pasted is made in the crop, at its own resolution, and travels to the frame as one picture with premultiplied
opacity. What lies behind the face is not touched: the paste ends with the face's outline (`dubbing.faces.outline`). Three
things hide where it ends:

* colour: the student's decoder does not return the kept skin around the mouth quite as it was. That error is measured on
  the kept cells that border the mouth region and continued into it as a membrane (harmonic function; Perez et al., 2003),
  so that generated and filmed skin meet without a step. Cells beside the face, and those of something else that lies there
  (a caption, a hand), say nothing about skin: they take the error of the skin around.
* feather: opacity rises from the border of the mouth region inwards; outside the region no pixel changes.
* detail: a small crop enlarged to a large face is soft. Where the generated picture shows what the filmed one shows, only
  their difference is added and the footage keeps its own grain; where the two differ, the generated picture replaces it.

Letters: n side of the crop, h w size of the touched part of the frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Box
from dubbing.faces.align import Matrix, Picture, Points, invert
from dubbing.faces.distance import depth
from dubbing.faces.hues import Hues, hues_of
from dubbing.faces.transfer import TransferCurve
from lipforcing.contract import mouth_mask

Planes = NDArray[np.float32]
Plane = NDArray[Any]  # [h, w] uint8 or uint16

JUDGED_SIDE: Final = 64  # side of the picture in which a patch is judged
_GRID: Final = 32  # cells of the membrane along each side
_COARSE: Final = 128  # side of the picture in which likeness is judged
_FINE_FROM: Final = 2.0  # pixels of the frame for one of the crop from which on a patch is enlarged before it is laid
_FINE: Final = 4
_FEATHER: Final = 5 / 64  # of the crop's side
_SKIN_REACH: Final = 3.0  # cells over which the error of skin is carried to cells that show none
_OUTLIER: Final = 4.0  # times the usual deviation from which on an error is not the decoder's
_LEAST_OUTLIER: Final = 0.02  # in linear light
_LIKENESS: Final = 0.06  # difference, as a part of the square root of light, at which footage and generated picture are others


@dataclass(frozen=True, eq=False)
class Patch:
    """A generated mouth, ready to be laid over its frame.

    Attributes:
        light: float32 [h, w, 4], linear light to add and the share of the frame to take away first; 0 along its edges.
        matrix: float64 [2, 3], frame to patch.
        interpolation: cv2's.
        before: the crop as it was filmed, small: uint8 [64, 64, 3].
        after: the same with the mouth.
    """

    light: Planes
    matrix: Matrix
    interpolation: int
    before: Picture
    after: Picture

    def box(self, size: tuple[int, int]) -> Box | None:
        """The pixels of a frame of that width and height that the patch can reach; None when there are none."""
        height, width = self.light.shape[:2]
        places = np.array([(x, y, 1.0) for x in (-1, width) for y in (-1, height)]) @ invert(self.matrix).T
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
        self._light = TransferCurve(transfer)
        self._opacity: dict[int, tuple[Planes, Box]] = {}  # and where it is not 0; by the block that the patch is averaged over
        self._ring, self._membrane = _membrane_operator()
        self._kept = ~_inner_cells()

    def paste(
        self, frame: Picture, matrix: Matrix, source: Picture, generated: Picture, limit: Planes | None = None
    ) -> Picture:
        """The frame with the generated mouth.

        Args:
            frame: uint8 or uint16 [H, W, 3] RGB.
            matrix: float64 [2, 3], frame to crop, by which ``source`` was cut out.
            source: the aligned crop of this very frame, uint8 or uint16 [n, n, 3].
            generated: the student's picture for it, uint8 [n, n, 3].
            limit: how far it may show, 0 to 1, float32 [n, n] (`outline.limit`); everywhere when None.

        Returns:
            A new picture of the frame's type; pixels outside the mouth region are the frame's own.
        """
        result = frame.copy()
        patch = self.patch(matrix, source, generated, limit)
        box = patch.box((frame.shape[1], frame.shape[0]))
        if box is not None:
            self.lay(result[box.top : box.bottom, box.left : box.right], patch, box)
        return result

    def patch(
        self,
        matrix: Matrix,
        source: Picture,
        generated: Picture,
        limit: Planes | None = None,
        outline: Points | None = None,
    ) -> "Patch":
        """What has to be laid over the frame.

        Arguments as for `paste`, and ``outline``: the filmed face's, in pixels of the crop. With it, and with a limit, what is
        painted has the hues of that face.
        """
        block = _block(matrix, self._size)
        if block not in self._opacity:
            opacity = feathered_mask(self._size, 2 * block)
            self._opacity[block] = opacity, _reach(opacity, block)
        opacity, reach = self._opacity[block]
        filmed = self._light.decode(source)
        hues = None if limit is None or outline is None else hues_of(filmed, outline, limit)
        whole = self._blended(filmed, generated, opacity, limit, hues)
        previews = self._small(filmed, whole)
        light = whole[reach.top : reach.bottom, reach.left : reach.right]
        moved = _from(matrix, 0, 0)
        moved[:, 2] -= reach[:2]
        if block > 1:
            small = (light.shape[1] // block, light.shape[0] // block)
            averaged = np.asarray(cv2.resize(light, small, interpolation=cv2.INTER_AREA), np.float32)
            return Patch(averaged, _scaled(moved, 1 / block), cv2.INTER_LINEAR, *previews)
        if np.hypot(*matrix[:, :2]).max() * _FINE_FROM > 1:
            return Patch(light, moved, cv2.INTER_CUBIC, *previews)
        # Enlarged far: cubic once, by a whole factor, and linear between its close samples costs a fifth of cubic everywhere.
        fine = np.asarray(cv2.resize(light, None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_CUBIC), np.float32)
        return Patch(fine, _scaled(moved, _FINE), cv2.INTER_LINEAR, *previews)

    def lay(self, part: Picture, patch: "Patch", box: Box) -> None:
        """Lays the patch, in place, over that part of a frame which `Patch.box` named."""
        after, changed = self.mix(cv2.split(part), patch, box)
        cv2.copyTo(cv2.merge(after), changed, part)

    def mix(
        self, before: Sequence[Plane], patch: "Patch", box: Box, grain: Planes | None = None
    ) -> tuple[list[Plane], NDArray[np.uint8]]:
        """What the patch makes of a part of a frame.

        Args:
            before: R', G' and B', each [h, w] uint8 or uint16.
            patch: the mouth.
            box: where in the frame that part is.
            grain: noise to add where footage is replaced, float32 [h, w, 3] in code values.

        Returns:
            The new R', G' and B', and where they count: uint8 [h, w], 255 where the patch lies and 0 elsewhere.
        """
        size = (box.right - box.left, box.bottom - box.top)
        place = _from(patch.matrix, box.left, box.top)
        warped = cv2.warpAffine(patch.light, place, size, flags=patch.interpolation | cv2.WARP_INVERSE_MAP)
        changed = np.asarray(cv2.bitwise_not(cv2.inRange(warped, np.zeros(4), np.zeros(4))), np.uint8)
        *added, replaced = cv2.split(warped)
        kept = 1 - np.asarray(replaced, np.float32)
        after: list[Plane] = []
        for plane, light in zip(before, added, strict=True):
            filmed = self._light.decode(plane)
            mixed = np.asarray(cv2.add(cv2.multiply(filmed, kept, dst=filmed), light, dst=filmed), np.float32)
            after.append(self._light.encode(mixed, plane.dtype))
        return after if grain is None else _grained(after, grain, kept), changed

    def _small(self, filmed: Planes, light: Planes) -> tuple[Picture, Picture]:
        """The crop before and after, small, as code values."""
        size = (JUDGED_SIDE, JUDGED_SIDE)
        before, patch = (
            np.asarray(cv2.resize(planes, size, interpolation=cv2.INTER_AREA), np.float32) for planes in (filmed, light)
        )
        after = np.asarray(before * (1 - patch[..., 3:]) + patch[..., :3], np.float32)
        return self._light.encode(before, np.uint8), self._light.encode(after, np.uint8)

    def _blended(self, filmed: Planes, generated: Picture, opacity: Planes, limit: Planes | None, hues: Hues | None) -> Planes:
        """What replaces the mouth region: float32 [n, n, 4], light to add and the share of the frame to take away first."""
        made = self._light.decode(generated)
        made += self._correction(filmed - made, limit)
        if limit is not None:
            opacity = opacity * limit
        unlike = self._unlike(filmed, made)
        if hues is not None:
            made = hues.turned(made, unlike)
        replaced = opacity * unlike
        added = (opacity * m + (replaced - opacity) * f for m, f in zip(cv2.split(made), cv2.split(filmed), strict=True))
        return np.asarray(cv2.merge([*added, replaced]), np.float32)

    def _correction(self, error: Planes, limit: Planes | None) -> Planes:
        """The decoder's error around the mouth region, continued into it; float32 [n, n, 3]."""
        cells = np.asarray(cv2.resize(error, (_GRID, _GRID), interpolation=cv2.INTER_AREA), np.float32)
        if limit is not None:
            allowed = np.asarray(cv2.resize(limit, (_GRID, _GRID), interpolation=cv2.INTER_AREA), np.float32)
            cells = self._of_skin(cells, allowed)
        # In float64: in whatever order a product is summed, it rounds to the same float32.
        around = cells.reshape(_GRID * _GRID, 3)[self._ring].astype(np.float64)
        spread = (self._membrane @ around).astype(np.float32).reshape(_GRID, _GRID, 3)
        return np.asarray(cv2.resize(spread, (self._size, self._size), interpolation=cv2.INTER_LINEAR))

    def _of_skin(self, cells: Planes, limit: Planes) -> Planes:
        """The errors [_GRID, _GRID, 3], and that of the skin around in place of those that are not of skin."""
        skin = (limit > 0) & ((limit < 1) | self._kept)
        if not skin.any():
            return cells
        apart = np.abs(cells - np.median(cells[skin], axis=0)).max(axis=2)
        usual = _OUTLIER * float(np.median(apart[skin])) + _LEAST_OUTLIER
        trusted = (skin & (apart <= usual)).astype(np.float32)
        weight = cv2.GaussianBlur(trusted, (0, 0), _SKIN_REACH) + np.float32(1e-6)
        carried = cv2.GaussianBlur(cells * trusted[..., None], (0, 0), _SKIN_REACH) / weight[..., None]
        return np.where(trusted[..., None] > 0, cells, carried)

    def _unlike(self, filmed: Planes, made: Planes) -> Planes:
        """How far generated and filmed picture show different things: 0 the same .. 1 others, float32 [n, n]."""
        coarse = (min(self._size, _COARSE), min(self._size, _COARSE))
        apart = cv2.absdiff(cv2.sqrt(np.maximum(made, 0)), cv2.sqrt(filmed))
        red, green, blue = cv2.split(cv2.resize(apart, coarse, interpolation=cv2.INTER_AREA))
        worst = cv2.GaussianBlur(cv2.max(cv2.max(red, green), blue), (0, 0), coarse[0] / 48)
        unlike = 1 - np.exp(-((worst / _LIKENESS) ** 2))
        return np.asarray(cv2.resize(unlike, (self._size, self._size), interpolation=cv2.INTER_LINEAR), np.float32)


def _grained(planes: list[Plane], grain: Planes, kept: Planes) -> list[Plane]:
    """With as much of the grain as was taken away: variances add up, so what is kept has ``kept`` squared of its own."""
    weight = np.sqrt(np.clip(1 - kept * kept, 0, 1))
    tops = [np.iinfo(plane.dtype).max for plane in planes]
    noisy = [plane + weight * noise for plane, noise in zip(planes, np.moveaxis(grain, -1, 0), strict=True)]
    return [np.clip(p + 0.5, 0, top).astype(plane.dtype) for p, top, plane in zip(noisy, tops, planes, strict=True)]


def feathered_mask(size: int, inset: int) -> Planes:
    """Opacity of the generated picture, float32 [size, size].

    0 outside the mouth region and up to ``inset`` rows and columns inside it, as far as resampling reaches; 1 well inside.
    """
    inside = depth(np.pad(mouth_mask(size), 1))[1:-1, 1:-1]
    rise = np.clip((inside - 1.5 * inset) / (_FEATHER * size), 0, 1)  # the diagonal of inset x inset, and a little
    return np.asarray(rise * rise * (3 - 2 * rise), np.float32)


def _block(matrix: Matrix, size: int) -> int:
    """Crop pixels that share one frame pixel along each side: by how much the patch is averaged before it is resampled."""
    most = max(1, int(np.hypot(*matrix[:, :2]).min() + 1e-9))
    return max(block for block in range(1, most + 1) if size % block == 0)


def _reach(opacity: Planes, block: int) -> Box:
    """Where a patch with this opacity can be anything but 0 after it is resampled, in whole blocks of the crop."""
    sides = []
    for axis in (0, 1):
        used = np.flatnonzero(opacity.any(axis=axis))
        first, last = (int(used[0]) - 2 * block) // block * block, -(-(int(used[-1]) + 1 + 2 * block) // block) * block
        sides.append((max(0, first), min(len(opacity), last)))
    (left, right), (top, bottom) = sides
    return Box(left, top, right, bottom)


def _scaled(matrix: Matrix, scale: float) -> Matrix:
    """The same transform, to a picture with ``scale`` times as many pixels along each side."""
    other = matrix * scale
    other[:, 2] += 0.5 * scale - 0.5
    return np.asarray(other)


def _from(matrix: Matrix, left: int, top: int) -> Matrix:
    """The same transform for the part of the frame whose first pixel is (left, top)."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ [left, top]
    return moved


def _inner_cells() -> NDArray[np.bool_]:
    """The cells [_GRID, _GRID] that hold any of the mouth region."""
    return np.asarray(cv2.resize(mouth_mask(2 * _GRID).astype(np.float32), (_GRID, _GRID), interpolation=cv2.INTER_AREA) > 0)


def _membrane_operator() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The kept cells that border the mouth region, and the matrix from their values to the harmonic function on all cells.

    Returns:
        Indices [R] into the flattened grid, and float64 [_GRID², R]; rows of cells that are neither are 0.
    """
    inner = _inner_cells()
    ring = (cv2.dilate(inner.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~inner
    at_inner, at_ring = np.flatnonzero(inner), np.flatnonzero(ring)
    laplace = np.zeros((_GRID * _GRID, _GRID * _GRID))
    for step in (-1, 1, -_GRID, _GRID):
        laplace[at_inner, at_inner + step] = -0.25
    laplace[at_inner, at_inner] = 1
    operator = np.zeros((_GRID * _GRID, len(at_ring)))
    operator[at_ring, np.arange(len(at_ring))] = 1
    operator[at_inner] = np.linalg.solve(laplace[np.ix_(at_inner, at_inner)], -laplace[np.ix_(at_inner, at_ring)])
    return at_ring, operator
