"""WAV files written by hand, so that headers can say, or not say, whatever a test needs."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def write_wave(path: Path, samples: NDArray[np.generic], rate: int = 48_000) -> Path:
    """A plain WAVE file of samples [n, channels], int16 or float32: it has no channel mask."""
    kind = 3 if samples.dtype.kind == "f" else 1
    width, channels = samples.dtype.itemsize, samples.shape[1]
    header = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * width, channels * width, 8 * width)
    data = np.ascontiguousarray(samples).tobytes()
    chunks = b"fmt " + struct.pack("<I", len(header)) + header + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    return path


def voices(channels: int, samples: int = 96_000) -> NDArray[np.int16]:
    """Another sound on every channel [samples, channels]: noise that never repeats, louder from channel to channel."""
    noise = np.random.default_rng(channels).standard_normal((samples, channels))
    return (noise * 600 * (1 + np.arange(channels))).astype(np.int16)
