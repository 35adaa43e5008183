"""One decoded picture in its own code values, and the regions of it that are seen and repainted as R'G'B'.

Compositing never sends a whole picture through R'G'B' and back. A region is shown as R'G'B' (`roi_rgb`), and what comes back
(`put_roi_rgb`) is written as a *difference* to the code values under the mask, so that every value outside the mask, and
every value whose colour was not changed, stays the source's own bit for bit. Subsampled chroma is written only where all the
pixels that it colours lie inside the mask.

Boxes, images and masks are in the upright picture, after display rotation; the planes stay as coded. Chroma is taken to be
sited left (MPEG-2, H.264 and HEVC's default) for 4:2:0 and 4:2:2.
"""

from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from dubbing.domain.media import Box, VideoInfo
from dubbing.media.chroma import Plane, at_luma, averaged, detail, to_chroma
from dubbing.media.colour import ColourSpace, colour_space, working_format
from dubbing.media.look import look

Image = NDArray[np.floating[Any]]  # [h,w,3] float32
Channel = NDArray[np.floating[Any]]  # [h,w] float32
_SWS_MATRIX = {
    "bt709": "ITU709", "smpte170m": "ITU601", "bt470bg": "ITU601", "fcc": "FCC", "smpte240m": "SMPTE240M",
}  # fmt: skip
_SWS_BT2020 = 9
_BAND = 48  # rows that are worked on at a time, so that they stay in the processor's cache
_SWS_EXACT = 0x2 | 0x2000 | 0x40000  # bilinear, chroma at every pixel, accurate rounding


class PictureFrame:
    """One picture.

    Attributes:
        index: frame number in display order.
        time: seconds after the first frame: exact.
        native: the picture as decoded, in a planar working format; `planes` look into it.
        size: width and height of the upright picture.
    """

    def __init__(self, native: VideoFrame, index: int, time: Fraction, video: VideoInfo) -> None:
        """Wrap a decoded frame; the planes are copied only when something is painted."""
        target = working_format(native.format.name, native.format.components[0].bits)
        self.native = native if native.format.name == target else _repack(native, target)
        self.index = index
        self.time = time
        self.size = video.upright_size
        self._turns = video.rotation // 90
        bits = self.native.format.components[0].bits
        self.space: ColourSpace = colour_space(
            video.colour, target if target.startswith("gbr") else native.format.name, bits, video.height
        )
        chroma = self.native.format.components[1]
        self._sub = (self.native.width // chroma.width or 1, self.native.height // chroma.height or 1)
        if not target.startswith("gbr"):
            name = target[3:6]
            self._sub = {"420": (2, 2), "422": (2, 1)}.get(name, (1, 1))
        self._writable = False

    @property
    def planes(self) -> tuple[NDArray[Any], ...]:
        """Views [h,w] of the coded planes (Y, Cb, Cr or G, B, R), uint8 or uint16."""
        dtype = np.dtype(np.uint8 if self.space.bits == 8 else np.uint16)
        return tuple(
            np.frombuffer(memoryview(p), dtype).reshape(-1, p.line_size // dtype.itemsize)[: p.height, : p.width]
            for p in self.native.planes
        )

    def rgb(self, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """The whole upright picture as uint8 [h,w,3], for looking at: detection, shot cuts, previews.

        Args:
            size: width and height to scale to; the picture's own by default.
        """
        width, height = size or self.size
        if self._turns % 2:
            width, height = height, width
        if self.space.matrix == "gbr":
            g, b, r = self.planes
            shown: NDArray[Any] = (np.stack([r, g, b], -1) >> (self.space.bits - 8)).astype(np.uint8)
            if shown.shape[1::-1] != (width, height):
                shown = cv2.resize(shown, (width, height), interpolation=cv2.INTER_AREA)
            return np.ascontiguousarray(np.rot90(shown, -self._turns))
        same = (width, height) == (self.native.width, self.native.height)
        frame = self.native.reformat(
            width, height, "rgb24", **self._sws(), interpolation=_SWS_EXACT if same else "AREA", dst_color_range="JPEG"
        )
        pixels: NDArray[Any] = frame.to_ndarray()
        return np.ascontiguousarray(np.rot90(pixels, -self._turns)) if self._turns else pixels

    def region(self, box: Box, block: int = 1) -> NDArray[np.uint8]:
        """Region of the upright picture as uint8 [h,w,3], averaged over block x block pixels: for looking at, and cheap.

        The last row and column repeat to whole blocks.
        """
        if self._turns == 0:
            return look(self.planes, self._sub, self.space, self._coded_box(box), block)
        mean = averaged(self.roi_rgb(box), block, block)
        return np.asarray(np.clip(mean, 0, 1) * 255 + np.float32(0.5), np.uint8)

    def roi_rgb(self, box: Box) -> Image:
        """Region of the upright picture as R'G'B' float32 [h,w,3], nominally 0 to 1, not clipped."""
        return np.ascontiguousarray(np.rot90(self._coded_rgb(self._coded_box(box)), -self._turns))

    def put_roi_rgb(self, box: Box, rgb: Image, mask: Channel) -> None:
        """Write a repainted region back into the code values.

        Args:
            box: where, in the upright picture.
            rgb: [h,w,3] the region's new R'G'B', already blended.
            mask: [h,w] 0 to 1, how much of the new picture ``rgb`` holds; values are written only where it is above 0.
        """
        delta = np.asarray(rgb, np.float32) - self.roi_rgb(box)
        self.add_roi_rgb(box, np.where(mask[..., None] > 0, delta, np.float32(0)), mask)

    def add_roi_rgb(self, box: Box, change: Image, mask: Channel) -> None:
        """Add a change of R'G'B' to the code values of a region.

        Args:
            box: where, in the upright picture.
            change: float32 [h,w,3], 0 wherever ``mask`` is.
            mask: [h,w] 0 to 1, how much of a new picture the change brings.
        """
        coded = self._coded_box(box)
        alpha, delta = np.rot90(mask, self._turns), np.ascontiguousarray(np.rot90(change, self._turns))
        self._make_writable()
        if self.space.matrix == "gbr":
            for plane, channel in zip(self.planes, (1, 2, 0), strict=True):
                self._add(plane, coded, delta[..., channel] * np.float32(self.space.luma_scale))
            return
        scales = np.array([[self.space.luma_scale], [self.space.chroma_scale], [self.space.chroma_scale]])
        to_codes = self.space.to_ycc_matrix() * scales
        self._add_luma(coded, delta, to_codes[:1])
        self._add_chroma(coded, delta, alpha, to_codes[1:])

    def _coded_box(self, box: Box) -> Box:
        """The upright box in coded coordinates."""
        width, height = self.size
        if not (0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height):
            raise ValueError(f"{box} is not inside the {width}x{height} picture")
        left, top, right, bottom = box
        for _ in range(self._turns):  # Undo one clockwise quarter turn: (x, y) of a w x h picture was (y, w - x) before it.
            left, top, right, bottom = top, width - right, bottom, width - left
            width, height = height, width
        return Box(left, top, right, bottom)

    def _coded_rgb(self, box: Box) -> Image:
        space = self.space
        planes = self.planes
        if space.matrix == "gbr":
            g, b, r = (p[box.top : box.bottom, box.left : box.right] for p in planes)
            return np.stack([r, g, b], -1).astype(np.float32) / np.float32(space.luma_scale)
        luma = planes[0][box.top : box.bottom, box.left : box.right].astype(np.float32)
        codes = cv2.merge([luma, *(at_luma(plane, self._sub, box, kind=np.float32) for plane in planes[1:])])
        scales = np.array([space.luma_scale, space.chroma_scale, space.chroma_scale])
        matrix = space.to_rgb_matrix() / scales
        zeros = np.array([space.luma_offset, space.chroma_zero, space.chroma_zero])
        return np.asarray(cv2.transform(codes, np.column_stack([matrix, -matrix @ zeros])), np.float32)

    def _add_luma(self, box: Box, delta: Image, to_code: NDArray[Any]) -> None:
        for row in range(0, len(delta), _BAND):
            band = delta[row : row + _BAND]
            place = Box(box.left, box.top + row, box.right, box.top + row + len(band))
            self._add(self.planes[0], place, np.asarray(cv2.transform(band, to_code), np.float32))

    def _add_chroma(self, box: Box, delta: Image, alpha: Channel, to_codes: NDArray[Any]) -> None:
        """Bring the change onto the chroma grid and add it to the cells that lie wholly inside the mask.

        A sample keeps detail finer than what its interpolation shows; under the mask that detail is the old picture's and
        goes with it, in proportion to the mask.
        """
        sx, sy = self._sub
        cells = Box(box.left // sx, box.top // sy, -(-box.right // sx), -(-box.bottom // sy))
        # The box in whole cells; at the picture's odd edge a cell colours fewer pixels, which then count as inside.
        pad = (
            box.top - cells.top * sy,
            cells.bottom * sy - box.bottom,
            box.left - cells.left * sx,
            cells.right * sx - box.right,
        )
        inside = cv2.copyMakeBorder((alpha > 0).astype(np.uint8), *pad, cv2.BORDER_CONSTANT, value=(0,)) > 0
        if box.bottom == self.native.height and pad[1]:
            inside[-1] = inside[-2]
        if box.right == self.native.width and pad[3]:
            inside[:, -1] = inside[:, -2]
        covered = inside[:, 0::sx] & inside[:, sx - 1 :: sx]
        covered = covered[0::sy] & covered[sy - 1 :: sy]
        borders = (cv2.copyMakeBorder(np.asarray(v, np.float32), *pad, cv2.BORDER_REPLICATE) for v in (delta, alpha))
        seen, mask = (np.asarray(values, np.float32) for values in borders)
        step = _BAND * sy
        small = np.concatenate([to_chroma(seen[row : row + step], self._sub) for row in range(0, len(seen), step)])
        weight = to_chroma(mask, self._sub) * covered
        for plane, row in zip(self.planes[1:], to_codes, strict=True):
            change = np.asarray(cv2.transform(small, row[None]), np.float32) * covered
            self._add(plane, cells, change - weight * detail(plane, self._sub, cells))

    def _add(self, plane: Plane, box: Box, delta: Channel) -> None:
        """Add whole code values; a change below half of one changes nothing."""
        region = plane[box.top : box.bottom, box.left : box.right]
        kind = cv2.CV_8U if plane.dtype == np.uint8 else cv2.CV_16U
        new = cv2.add(region, np.rint(delta), dtype=kind)
        np.minimum(new, (1 << self.space.bits) - 1, out=region)

    def _make_writable(self) -> None:
        """Own the planes before painting: the decoder still predicts from its own copy."""
        if not self._writable:
            self.native.make_writable()
            self._writable = True

    def _sws(self) -> dict[str, Any]:
        matrix = _SWS_MATRIX.get(self.space.matrix, _SWS_BT2020)
        return {
            "src_colorspace": matrix,
            "dst_colorspace": matrix,
            "src_color_range": "JPEG" if self.space.full else "MPEG",
        }


def _repack(native: VideoFrame, target: str) -> VideoFrame:
    """The same code values in another layout: neither matrix nor range may change."""
    frame = native.reformat(format=target, src_color_range=native.color_range, dst_color_range=native.color_range)
    frame.pts, frame.time_base, frame.duration = native.pts, native.time_base, native.duration
    return frame
