"""Noise as a pure function of (job seed, chunk, block, draw).

A block's noise depends on nothing else: not on the clip's length, on batch neighbours, on the device, or on what was drawn
before. It is made on the CPU from Philox4x64-10 (Salmon et al., SC 2011; a counter-based generator whose bits are fixed by
its key) and the Box-Muller transform in float64, then rounded once to float32, from which every other dtype is cast.
"""

import numpy as np
import torch
from torch import Tensor

_MASK = (1 << 64) - 1
_CHUNK_BITS = 32
CHUNKS = 1 << _CHUNK_BITS
_BLOCK_BITS = 24


def block_noise(seed: int, chunk: int, block: int, draw: int, shape: tuple[int, ...]) -> Tensor:
    """Standard normal noise of one draw of one block.

    Args:
        seed: of the job; any signed or unsigned 64-bit integer.
        chunk: number of the chunk in its job, 0 .. 2^32 - 1.
        block: number of the block in its chunk, 0 .. 2^24 - 1.
        draw: 0 for the initial noise, k for the re-noising after step k - 1; 0 .. 255.
        shape: of the tensor.

    Returns:
        float32 on the CPU.

    Raises:
        ValueError: a number is out of its range.
    """
    for name, value, bits in (("chunk", chunk, _CHUNK_BITS), ("block", block, _BLOCK_BITS), ("draw", draw, 8)):
        if not 0 <= value < 1 << bits:
            raise ValueError(f"{name} must be in 0 .. 2^{bits} - 1, not {value}")
    place = chunk << (64 - _CHUNK_BITS) | block << 8 | draw
    count = int(np.prod(shape))
    raw = np.random.Philox(key=np.array([seed & _MASK, place], np.uint64), counter=0).random_raw(count + count % 2)
    # 53 random bits in (0, 1]: the logarithm never meets zero.
    uniform = ((raw >> np.uint64(11)).astype(np.float64) + 1.0) * 2.0**-53
    radius, angle = np.sqrt(-2.0 * np.log(uniform[0::2])), 2.0 * np.pi * uniform[1::2]
    normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[:count]
    return torch.from_numpy(normal.astype(np.float32).reshape(shape))
