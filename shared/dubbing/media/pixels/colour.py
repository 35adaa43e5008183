"""Between Y'CbCr code values and R'G'B': matrices and ranges of ITU-T H.273, working pixel formats.

Arrays here: h, w rows and columns of a region; the last axis is (Y', Cb, Cr) or (R', G', B'). R'G'B' is the file's own
gamma-encoded signal, nominally 0 to 1 and not clipped.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import ColourTags

# Luma weights (Kr, Kb) by matrix coefficients, H.273 table 4.
_WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "smpte170m": (0.299, 0.114),
    "bt470bg": (0.299, 0.114),
    "fcc": (0.30, 0.11),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
    "bt2020c": (0.2627, 0.0593),
}


@dataclass(frozen=True)
class ColourSpace:
    """How one file's code values stand for colour.

    Attributes:
        matrix: name in `_WEIGHTS`, or ``"gbr"`` for planes that already are R'G'B'.
        full: full range code values (0 .. max) instead of limited (16 .. 235 at 8 bits).
        bits: bits per component.
    """

    matrix: str
    full: bool
    bits: int

    @property
    def luma_scale(self) -> float:
        """Code values per unit of Y'."""
        return float((1 << self.bits) - 1) if self.full else 219.0 * (1 << (self.bits - 8))

    @property
    def luma_offset(self) -> float:
        """Code value of black."""
        return 0.0 if self.full else 16.0 * (1 << (self.bits - 8))

    @property
    def chroma_scale(self) -> float:
        """Code values per unit of Cb and Cr."""
        return float((1 << self.bits) - 1) if self.full else 224.0 * (1 << (self.bits - 8))

    @property
    def chroma_zero(self) -> float:
        """Code value of no colour."""
        return float(1 << (self.bits - 1))

    def to_rgb_matrix(self) -> NDArray[np.float32]:
        """[3,3] matrix M with R'G'B' = M (Y', Cb, Cr)."""
        kr, kb = _WEIGHTS[self.matrix]
        kg = 1 - kr - kb
        return np.array(
            [[1, 0, 2 * (1 - kr)], [1, -2 * (1 - kb) * kb / kg, -2 * (1 - kr) * kr / kg], [1, 2 * (1 - kb), 0]], np.float32
        )

    def to_ycc_matrix(self) -> NDArray[np.float32]:
        """[3,3] inverse of `to_rgb_matrix`."""
        inverse: NDArray[np.float32] = np.linalg.inv(self.to_rgb_matrix().astype(np.float64)).astype(np.float32)
        return inverse


def colour_space(tags: ColourTags, pixel_format: str, bits: int, height: int) -> ColourSpace:
    """The colour space of a stream; where the file says nothing, what players assume (BT.709 from 720 lines up)."""
    if pixel_format.startswith("gbr"):
        return ColourSpace("gbr", full=True, bits=bits)
    matrix = tags.matrix if tags.matrix in _WEIGHTS else ("bt709" if height >= 720 else "smpte170m")
    return ColourSpace(matrix, full=tags.range == "pc" or pixel_format.startswith("yuvj"), bits=bits)


def has_alpha(pixel_format: str) -> bool:
    """Whether an ffmpeg pixel format has an alpha component."""
    return pixel_format.startswith(("yuva", "gbrap", "ya8", "ya16", "rgba", "bgra", "argb", "abgr", "ayuv", "vuya"))


def working_format(pixel_format: str, bits: int) -> str:
    """The planar format that pictures are edited in: the source's own sampling and depth, without loss.

    Packed and semi-planar layouts become planar, grey gets neutral chroma, R'G'B' becomes planar G'B'R'. Only alpha is
    dropped, since no delivery codec here carries it.
    """
    depth = "" if bits <= 8 else "10le" if bits <= 10 else "12le" if bits <= 12 else "16le"
    name = pixel_format.replace("yuva", "yuv").replace("yuvj", "yuv")
    for sampling in ("420", "422", "444", "411", "440", "410"):
        if name.startswith(f"yuv{sampling}p"):
            return f"yuv{sampling if sampling in {'420', '422', '444'} else '444'}p{depth}"
    if name.startswith(("gray", "ya", "mono", "nv12", "nv21", "p010", "p012", "p016")):
        return f"yuv420p{depth}"
    if name.startswith(("yuyv", "uyvy", "yvyu", "y210", "y212", "nv16", "nv20", "p210", "p212")):
        return f"yuv422p{depth}"
    if name.startswith(("nv24", "vuy", "ayuv", "xv30", "xv36", "xyz", "p410", "p412")):
        return f"yuv444p{depth}"
    return f"gbrp{depth}"
