"""Between code values and linear light, by tables.

Transfer functions: ITU-R BT.709-6 item 1.2 (the same curve as BT.601 and BT.2020), IEC 61966-2-1, ARIB STD-B67. Where a file
says nothing, BT.709 is assumed, as players do.

PQ (SMPTE ST 2084) is taken for BT.709 as well, knowingly. A student sees its codes as if they were BT.709's, and its errors are
even in them; in PQ's light, which spans a hundred times more, those of a bright cheek become a stain on a dark chin.
"""

from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_ROOTS: Final = 65536  # entries of the table back; over the square root of light, so that shadows get as many as highlights


def _bt709(v: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(v < 0.0812428583, v / 4.5, ((v + 0.0992968268) / 1.0992968268) ** (1 / 0.45))


def _srgb(v: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def _hlg(v: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(v <= 0.5, v**2 / 3, (np.exp((v - c) / a) + b) / 12)


def _power(exponent: float) -> Curve:
    return lambda v: np.asarray(v**exponent)


_CURVES: Final[dict[str, Curve]] = {
    "bt709": _bt709,
    "iec61966-2-1": _srgb,
    "bt470m": _power(2.2),
    "gamma22": _power(2.2),
    "bt470bg": _power(2.8),
    "gamma28": _power(2.8),
    "linear": _power(1.0),
    "arib-std-b67": _hlg,
}


class TransferCurve:
    """Code values to linear light (float32, 0 .. 1) and back.

    Args:
        transfer: ffmpeg's name of the transfer function; a name that is not known is treated as BT.709.
    """

    def __init__(self, transfer: str | None) -> None:
        curve = _CURVES.get(transfer or "", _bt709)
        self._decode: dict[Any, NDArray[np.float32]] = {}
        self._encode: dict[Any, NDArray[Any]] = {}
        for kind in (np.uint8, np.uint16):
            top = np.iinfo(kind).max
            light = curve(np.arange(top + 1) / top)
            roots = np.sqrt(light / light[-1])
            codes = np.interp(np.linspace(0, 1, _ROOTS), roots, np.arange(top + 1))
            self._decode[np.dtype(kind)] = (light / light[-1]).astype(np.float32)
            self._encode[np.dtype(kind)] = (codes + 0.5).astype(kind)

    def decode(self, picture: NDArray[Any]) -> NDArray[np.float32]:
        """Linear light of a uint8 or uint16 picture, same shape."""
        return np.asarray(cv2.LUT(picture, self._decode[picture.dtype]), np.float32).reshape(picture.shape)

    def encode(self, light: NDArray[np.float32], kind: Any) -> NDArray[Any]:
        """Code values of type ``kind`` (uint8 or uint16) for linear light, which is clipped to 0 .. 1."""
        roots = np.sqrt(np.clip(light, 0, 1))
        np.multiply(roots, np.float32(_ROOTS - 1), out=roots)
        places = np.add(roots, np.float32(0.5), out=roots).astype(np.uint16)
        return np.asarray(cv2.LUT(places, self._encode[np.dtype(kind)])).reshape(light.shape)
