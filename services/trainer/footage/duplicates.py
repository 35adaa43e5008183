"""Near duplicates: the same moment of the same footage in another encoding, size or cut.

Aligned crops of one person in one room look alike at all times, so looks alone do not tell. Two clips are doubles when a
perceptual hash of their looks agrees (64 bits of the low frequencies; Zauner, 2010) and their mouths move alike.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_BITS = 12  # of 64 that may differ
_ALIKE = 0.95  # correlation of the mouths
_SHIFT = 3  # frames by which one cut may lie beside the other
_STILL = 1e-3  # spread below which a mouth does not move


@dataclass(frozen=True, slots=True)
class Signature:
    """What a clip is recognised by: the hash of its middle crop (64 bits), and the mouth's opening in each frame."""

    appearance: int
    opening: tuple[float, ...]


def perceptual_hash(crop_HWC: NDArray[np.uint8]) -> int:
    """Signs of the 64 lowest frequencies (DCT-II of 32 x 32 grey pixels, against their median)."""
    grey = cv2.resize(cv2.cvtColor(crop_HWC, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(grey.astype(np.float32))[:8, :8].flatten()
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


class Seen:
    """Signatures of the clips that were kept so far."""

    def __init__(self) -> None:
        self._signatures: list[Signature] = []
        self._appearances = np.zeros(256, np.uint64)

    def add(self, signature: Signature) -> bool:
        """Remember a clip; False where it doubles one that is remembered already."""
        count = len(self._signatures)
        apart = np.bitwise_count(self._appearances[:count] ^ np.uint64(signature.appearance))
        if any(doubles(signature, self._signatures[i]) for i in np.flatnonzero(apart <= _BITS)):
            return False
        if count == len(self._appearances):
            self._appearances = np.concatenate([self._appearances, np.zeros_like(self._appearances)])
        self._appearances[count] = signature.appearance
        self._signatures.append(signature)
        return True


def doubles(one: Signature, two: Signature) -> bool:
    """Whether two clips of the same length show the same moment."""
    return (one.appearance ^ two.appearance).bit_count() <= _BITS and _moves_alike(np.array(one.opening), np.array(two.opening))


def _moves_alike(one_V: NDArray[np.float64], two_V: NDArray[np.float64]) -> bool:
    middle = one_V[_SHIFT : len(one_V) - _SHIFT]
    shifted = [two_V[shift : shift + len(middle)] for shift in range(2 * _SHIFT + 1)]
    if middle.std() < _STILL:
        return any(other.std() < _STILL for other in shifted)
    return any(other.std() >= _STILL and float(np.corrcoef(middle, other)[0, 1]) > _ALIKE for other in shifted)
