"""Footage of any rate on the grid of 25 frames per second, and its sound on the same clock.

A frame of the grid shows the source's frame whose time is nearest, so that no picture is more than half a source interval
away from its sound; a constant 25 fps source passes as it is, and one whose rate only averages 25 does not drift.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import MediaInfo
from dubbing.errors import NotAudio
from dubbing.media.mono import SPEECH_RATE, mono_windows

FPS = Fraction(25)
SAMPLES_PER_FRAME = SPEECH_RATE // int(FPS)


def conform(times: Sequence[Fraction], duration: Fraction) -> list[int]:
    """The source's frame for every frame of the grid, from exact ascending times and the duration, both in seconds."""
    chosen, at = [], 0
    for frame in range(int(duration * FPS)):
        now = frame / FPS
        while at + 1 < len(times) and abs(times[at + 1] - now) < abs(times[at] - now):
            at += 1
        chosen.append(at)
    return chosen


class Sound:
    """A source's own sound at 16 kHz mono (int16), addressed by frames of the grid (115 MB in memory for an hour).

    It starts ``lead`` samples after the picture (negative: before).
    """

    def __init__(self, samples_S: NDArray[np.int16], lead: int) -> None:
        self._samples_S, self._lead = samples_S, lead

    @classmethod
    def of(cls, path: Path, media: MediaInfo) -> "Sound":
        """The sound of a probed file; NotAudio and TruncatedMedia pass through."""
        if media.audio is None:
            raise NotAudio(f"{path.name} has no audio stream.")
        windows = mono_windows(path, media.audio, SPEECH_RATE)
        blocks = [np.clip(np.round(window * 32_768), -32_768, 32_767).astype(np.int16) for window in windows]
        lead = media.audio.start - media.video.start if media.video is not None else Fraction(0)
        return cls(np.concatenate(blocks) if blocks else np.zeros(0, np.int16), round(lead * SPEECH_RATE))

    def cut(self, start: int, frames: int, *, margin: int = 0, late: int = 0) -> NDArray[np.int16]:
        """The sound of ``frames`` frames from ``start`` on and ``margin`` samples around; silent where there is none.

        A mouth that comes ``late`` frames after its sound gets a cut that much earlier.
        """
        begin = (start - late) * SAMPLES_PER_FRAME - self._lead - margin
        length = frames * SAMPLES_PER_FRAME + 2 * margin
        out = np.zeros(length, np.int16)
        low, high = max(begin, 0), min(begin + length, len(self._samples_S))
        if high > low:
            out[low - begin : high - begin] = self._samples_S[low:high]
        return out


def loudness(sound_S: NDArray[np.int16]) -> float:
    """Level in decibels below full scale (RMS), at least -100."""
    rms = float(np.sqrt(np.mean(np.square(sound_S.astype(np.float64) / 32_768)))) if len(sound_S) else 0.0
    return float(20 * np.log10(max(rms, 1e-5)))
