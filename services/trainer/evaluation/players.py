"""Films to look at: source, result and truth side by side, with the sound that was asked for."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from dubbing.media.mono import SPEECH_RATE

FILMS = 8  # clips of which a report shows films, the first ones
_FPS = 25
_BLOCK = 1_024


def film_of(index: int) -> str:
    """Where the film of a clip lies in the folder of a report."""
    return f"players/clip-{index:02d}.mp4"


def write_player(path: Path, panels: Sequence[Sequence[NDArray[np.uint8]]], sound_S: NDArray[np.int16]) -> None:
    """Write an MP4 (H.264, AAC) that browsers play: equally many frames uint8 [H, W, 3] a panel, and sound at 16 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        height, width = panels[0][0].shape[:2]
        picture = container.add_stream("libx264", rate=_FPS, options={"preset": "veryfast", "crf": "20"})
        picture.width, picture.height, picture.pix_fmt = width * len(panels), height, "yuv420p"
        voice = container.add_stream("aac", rate=SPEECH_RATE, layout="mono")
        for row in zip(*panels, strict=True):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(np.concatenate(row, axis=1), format="rgb24")))
        container.mux(picture.encode())
        for start in range(0, len(sound_S), _BLOCK):
            block = av.AudioFrame.from_ndarray(sound_S[None, start : start + _BLOCK], format="s16", layout="mono")
            block.sample_rate, block.pts, block.time_base = SPEECH_RATE, start, Fraction(1, SPEECH_RATE)
            container.mux(voice.encode(block))
        container.mux(voice.encode())
