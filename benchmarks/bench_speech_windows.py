"""What windows cost: speech features of a long track, window by window, against those of the whole track at once.

The network is wav2vec2-base-960h's at its full size with random weights, the sound is noise in syllables, or a file.
Errors are root mean squares over the features, relative to their spread over the track.
"""

import argparse
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from models import machine
from numpy.typing import NDArray
from report import save
from torch import Tensor

from dubbing.inference.speech import FRAMES, windows
from lipforcing.audio.wav2vec2 import Wav2Vec2Features
from lipforcing.contract import SAMPLE_RATE

EDGE = 25  # frames: a second


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, action="append", help="lengths of the track; default 24, 30, 60, 120")
    parser.add_argument("--fps", type=Fraction, default=Fraction(25))
    parser.add_argument("--sound", type=Path, help="a WAV file, 16 kHz mono 16 bit, repeated as often as needed")
    parser.add_argument("--out", type=Path, help="folder; default benchmarks/results")
    options = parser.parse_args()
    torch.manual_seed(0)
    encoder = Wav2Vec2Features().eval()
    rows = {}
    for seconds in options.seconds or [24, 30, 60, 120]:
        rows[seconds] = measure(
            encoder, sound(seconds, options.sound), [i / options.fps for i in range(int(seconds * options.fps))]
        )
        print(
            f"{seconds:4} s at {options.fps}: "
            + ", ".join(f"{name} {100 * error:.1f} %" for name, error in rows[seconds].items())
        )
    device = torch.device("cpu")
    save("speech_windows_cpu", {"machine": machine(device), "fps": str(options.fps), "seconds": rows}, options.out)


def sound(seconds: int, path: Path | None) -> NDArray[np.float32]:
    """A track of that length."""
    samples = seconds * SAMPLE_RATE
    if path is None:
        beat = np.sin(np.arange(samples) / SAMPLE_RATE * 2 * np.pi * 4).clip(0.02)
        return (np.random.default_rng(2).standard_normal(samples) * beat * 0.1).astype(np.float32)
    with wave.open(str(path)) as file:
        given = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return np.resize(given, samples).astype(np.float32) / 32_768


@torch.inference_mode()
def measure(encoder: Wav2Vec2Features, track: NDArray[np.float32], times: list[Fraction]) -> dict[str, float]:
    """Errors everywhere, within a second of seams, and in the first and the last second."""
    level = torch.tensor([track.mean(dtype=np.float64), track.std(dtype=np.float64)], dtype=torch.float32)
    at = torch.tensor([float(time) for time in times], dtype=torch.float64)
    whole = encoder(torch.from_numpy(track), at, level)
    pieces = torch.cat(list(windowed(encoder, track, times, level)))
    error = (pieces - whole).square().mean(dim=1)
    spread = (whole - whole.mean(dim=0)).square().mean()
    seams = [error[edge - EDGE : edge + EDGE] for edge in range(FRAMES, len(times), FRAMES)]
    parts = {"all": error, "seams": torch.cat(seams or [error[:0]]), "first second": error[:EDGE], "last second": error[-EDGE:]}
    return {name: float((part.mean() / spread).sqrt()) for name, part in parts.items() if len(part)}


def windowed(encoder: Wav2Vec2Features, track: NDArray[np.float32], times: list[Fraction], level: Tensor) -> Iterator[Tensor]:
    """Features as a job asks for them."""
    for window in windows(iter([track]), times, (float(level[0]), float(level[1]))):
        yield encoder(torch.from_numpy(window.waveform_S), torch.from_numpy(window.frame_times_V), level)


if __name__ == "__main__":
    main()
