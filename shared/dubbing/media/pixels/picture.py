"""One decoded picture in its own code values, and the regions of it that are seen and repainted as R'G'B'.

Compositing never sends a whole picture through R'G'B' and back. A region is shown as R'G'B' (`codes`), and what comes back
(`add_codes`) is written as a *difference* to the code values under the mask, so that every value outside the mask, and
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
from dubbing.media.pixels.chroma import averaged
from dubbing.media.pixels.codes import Channels, Coded, add_rgb, to_rgb
from dubbing.media.pixels.colour import ColourSpace, colour_space, working_format
from dubbing.media.pixels.downsample import downsampled_rgb

Image = NDArray[np.floating[Any]]  # [h,w,3] float32
_SWS_MATRIX = {
    "bt709": "ITU709", "smpte170m": "ITU601", "bt470bg": "ITU601", "fcc": "FCC", "smpte240m": "SMPTE240M",
}  # fmt: skip
_SWS_BT2020 = 9
_WHITE = 65535.0
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
        self._turns, self._mirrored = video.rotation // 90, video.mirrored
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
            return self._upright(shown)
        same = (width, height) == (self.native.width, self.native.height)
        frame = self.native.reformat(
            width, height, "rgb24", **self._sws(), interpolation=_SWS_EXACT if same else "AREA", dst_color_range="JPEG"
        )
        pixels: NDArray[Any] = frame.to_ndarray()
        return self._upright(pixels)

    def region(self, box: Box, block: int = 1) -> NDArray[np.uint8]:
        """Region of the upright picture as uint8 [h,w,3], averaged over block x block pixels: for looking at, and cheap.

        The last row and column repeat to whole blocks.
        """
        if self._turns == 0 and not self._mirrored:
            return downsampled_rgb(self.planes, self._sub, self.space, self._coded_box(box), block)
        mean = averaged(self.roi_rgb(box), block, block)
        return np.asarray(np.clip(mean, 0, 1) * 255 + np.float32(0.5), np.uint8)

    def roi_rgb(self, box: Box) -> Image:
        """Region of the upright picture as R'G'B' float32 [h,w,3], nominally 0 to 1, not clipped."""
        channels = to_rgb(self._coded(), self._coded_box(box), 1.0, cv2.CV_32F)
        return self._upright(cv2.merge(channels))

    def codes(self, box: Box) -> list[NDArray[np.uint16]]:
        """R', G' and B' of a region of the upright picture, each uint16 [h,w] with white at 65535, clipped."""
        channels = to_rgb(self._coded(), self._coded_box(box), _WHITE, cv2.CV_16U)
        return [self._upright(channel) for channel in channels]

    def add_codes(self, box: Box, change: Channels, mask: NDArray[np.uint8]) -> None:
        """Add a change of `codes` to the picture.

        Args:
            box: where, in the upright picture.
            change: R', G' and B', each float32 [h,w] with white at 65535; 0 wherever ``mask`` is.
            mask: [h,w] 255 where the change counts, 0 elsewhere.
        """
        coded, covered = self._coded_box(box), np.asarray(mask, np.float32) / np.float32(255)
        alpha, *delta = (self._as_coded(plane) for plane in (covered, *change))
        self._make_writable()
        add_rgb(self._coded(), coded, delta, alpha, _WHITE)

    def _upright(self, coded: NDArray[Any]) -> NDArray[Any]:
        """A part of the coded picture as it is shown: turned, then mirrored."""
        turned = np.rot90(coded, -self._turns)
        return np.ascontiguousarray(turned[:, ::-1] if self._mirrored else turned)

    def _as_coded(self, upright: NDArray[Any]) -> NDArray[Any]:
        """The way back."""
        return np.ascontiguousarray(np.rot90(upright[:, ::-1] if self._mirrored else upright, self._turns))

    def _coded(self) -> Coded:
        return Coded(self.planes, self._sub, self.space)

    def _coded_box(self, box: Box) -> Box:
        """The upright box in coded coordinates."""
        width, height = self.size
        if not (0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height):
            raise ValueError(f"{box} is not inside the {width}x{height} picture")
        left, top, right, bottom = box
        if self._mirrored:
            left, right = width - right, width - left
        for _ in range(self._turns):  # Undo one clockwise quarter turn: (x, y) of a w x h picture was (y, w - x) before it.
            left, top, right, bottom = top, width - right, bottom, width - left
            width, height = height, width
        return Box(left, top, right, bottom)

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
