"""Between the code values of a picture's planes and R'G'B', for a part of it, plane by plane.

Planes are worked on one by one, since a library's passes over single planes are several times as fast as over pixels of three.
Boxes are in coded coordinates.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Box
from dubbing.media.pixels.chroma import Plane, at_luma, detail, to_chroma
from dubbing.media.pixels.colour import ColourSpace

Channels = Sequence[NDArray[Any]]  # R', G', B', each [h,w]
Channel = NDArray[np.floating[Any]]  # [h,w] float32


class Coded(NamedTuple):
    """The planes of one picture.

    Attributes:
        planes: Y, Cb, Cr or G, B, R; written to by `add_rgb`.
        sub: luma pixels per chroma sample along both sides.
        space: what the code values mean.
    """

    planes: tuple[Plane, ...]
    sub: tuple[int, int]
    space: ColourSpace


def to_rgb(coded: Coded, box: Box, top: float, depth: int) -> list[NDArray[Any]]:
    """R', G' and B' of a box.

    Args:
        coded: the picture.
        box: the part.
        top: value of nominal white.
        depth: cv2's depth of the result: ``CV_32F``, or ``CV_16U``, which is rounded and clipped.

    Returns:
        Three planes [h,w].
    """
    planes, sub, space = coded
    first = planes[0][box.top : box.bottom, box.left : box.right]
    if space.matrix == "gbr":
        blue, red = (plane[box.top : box.bottom, box.left : box.right] for plane in planes[1:])
        scale = top / space.luma_scale
        return [np.asarray(cv2.addWeighted(plane, scale, plane, 0, 0, dtype=depth)) for plane in (red, first, blue)]
    luma = first.astype(np.float32)
    cb, cr = (at_luma(plane, sub, box, kind=np.float32) for plane in planes[1:])
    matrix = space.to_rgb_matrix() * top / np.array([space.luma_scale, space.chroma_scale, space.chroma_scale])
    black = -matrix @ np.array([space.luma_offset, space.chroma_zero, space.chroma_zero])
    part = cv2.addWeighted(luma, matrix[1, 0], cb, matrix[1, 1], black[1])
    return [
        np.asarray(cv2.addWeighted(luma, matrix[0, 0], cr, matrix[0, 2], black[0], dtype=depth)),
        np.asarray(cv2.addWeighted(part, 1, cr, matrix[1, 2], 0, dtype=depth)),
        np.asarray(cv2.addWeighted(luma, matrix[2, 0], cb, matrix[2, 1], black[2], dtype=depth)),
    ]


def add_rgb(coded: Coded, box: Box, change: Channels, mask: Channel, top: float) -> None:
    """Add a change of R'G'B' to the planes, in place.

    Args:
        coded: the picture.
        box: the part.
        change: float32, 0 wherever ``mask`` is.
        mask: 0 to 1, how much of a new picture the change brings.
        top: value of nominal white in ``change``.
    """
    planes, _, space = coded
    if space.matrix == "gbr":
        for plane, channel in zip(planes, (1, 2, 0), strict=True):
            _add(plane, box, np.asarray(change[channel], np.float32) * np.float32(space.luma_scale / top), space.bits)
        return
    red, green, blue = change
    weights = space.to_ycc_matrix()[0]
    luma = cv2.addWeighted(red, weights[0], green, weights[1], 0)
    luma = np.asarray(cv2.scaleAdd(blue, weights[2], luma, dst=luma), np.float32)
    _add_chroma(coded, box, [cv2.subtract(blue, luma), cv2.subtract(red, luma)], mask, top)
    _add(planes[0], box, np.multiply(luma, np.float32(space.luma_scale / top), out=luma), space.bits)


def _add_chroma(coded: Coded, box: Box, differences: Channels, mask: Channel, top: float) -> None:
    """Bring B' - Y' and R' - Y' onto the chroma grid and add them to the cells that lie wholly inside the mask.

    A sample keeps detail finer than what its interpolation shows; under the mask that detail is the old picture's and
    goes with it, in proportion to the mask.
    """
    planes, sub, space = coded
    sx, sy = sub
    cells = Box(box.left // sx, box.top // sy, -(-box.right // sx), -(-box.bottom // sy))
    # The box in whole cells; at the picture's odd edge a cell colours fewer pixels, which then count as inside.
    pad = (box.top - cells.top * sy, cells.bottom * sy - box.bottom, box.left - cells.left * sx, cells.right * sx - box.right)
    seen, *shown = (_padded(np.asarray(plane, np.float32), pad) for plane in (mask, *differences))
    whole = _whole_cells(mask, sub, pad, edges=(box.bottom == planes[0].shape[0], box.right == planes[0].shape[1]))
    weight = to_chroma(seen, sub) * whole
    blue, red = space.to_ycc_matrix()[0, 2], space.to_ycc_matrix()[0, 0]
    for plane, difference, share in zip(planes[1:], shown, (blue, red), strict=True):
        scale = np.float32(0.5 / (1 - share) * space.chroma_scale / top)
        change = to_chroma(difference, sub) * whole * scale
        _add(plane, cells, np.asarray(change - weight * detail(plane, sub, cells), np.float32), space.bits)


def _padded(plane: NDArray[Any], pad: tuple[int, int, int, int]) -> NDArray[Any]:
    return np.asarray(cv2.copyMakeBorder(plane, *pad, cv2.BORDER_REPLICATE)) if any(pad) else plane


def _whole_cells(
    mask: Channel, sub: tuple[int, int], pad: tuple[int, int, int, int], edges: tuple[bool, bool]
) -> NDArray[np.float32]:
    """1 for each chroma sample all of whose pixels are in the mask, else 0."""
    sx, sy = sub
    inside = (mask > 0).astype(np.uint8)
    if any(pad):
        inside = np.asarray(cv2.copyMakeBorder(inside, *pad, cv2.BORDER_CONSTANT, value=(0,)), np.uint8)
        if edges[0] and pad[1]:
            inside[-1] = inside[-2]
        if edges[1] and pad[3]:
            inside[:, -1] = inside[:, -2]
    across = inside[:, 0::sx] & inside[:, sx - 1 :: sx]
    return (across[0::sy] & across[sy - 1 :: sy]).astype(np.float32)


def _add(plane: Plane, box: Box, delta: Channel, bits: int) -> None:
    """Add whole code values; a change below half of one changes nothing."""
    region = plane[box.top : box.bottom, box.left : box.right]
    kind = cv2.CV_8U if plane.dtype == np.uint8 else cv2.CV_16U
    new = cv2.add(region, np.rint(delta, out=delta), dtype=kind)
    np.minimum(new, (1 << bits) - 1, out=region)
