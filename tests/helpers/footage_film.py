"""Small footage for tests: a dozen drawn pictures of one face, shown in the order in which a voice opens its mouth."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from synthetic.clip import take
from synthetic.identity import Identity
from synthetic.splits import Split, identity_seed, members
from synthetic.utterance import Voice, fit, speak

FRAMES, FPS, RATE, SIDE = 140, 25, 16_000, 256
_MOUTHS = 12


def speech(sentence: str) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Mouth controls [FRAMES, 7] and the sound of a sentence."""
    voice = Voice("en-us", members("voice", Split.TRAIN)[0], 150, 45, 55, Fraction(1))
    said = fit(speak(sentence, voice, RATE, effort=1.15), FRAMES * RATE // FPS)
    return said.track.frames(FRAMES, Fraction(FPS)), said.pcm()


def pictures(controls_V7: NDArray[np.float32]) -> list[NDArray[np.uint8]]:
    """A face that does not move but for its mouth, uint8 [SIDE, SIDE, 3] each."""
    order = np.argsort(controls_V7[:, 0])
    chosen = controls_V7[order[np.linspace(0, FRAMES - 1, _MOUTHS).astype(int)]]
    shot = take(Identity.draw(identity_seed(Split.TRAIN, 1)), _MOUTHS, (SIDE, SIDE), 5, face=140)
    shot = replace(shot, poses=(shot.poses[0],) * _MOUTHS)
    drawn = [frame for (frame,) in shot.shoot(chosen)]
    return [drawn[int(np.abs(chosen[:, 0] - row[0]).argmin())] for row in controls_V7]


def write_film(path: Path, frames: list[NDArray[np.uint8]], sound_S: NDArray[np.int16] | None, crf: int = 15) -> Path:
    """H.264 and PCM in Matroska."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="matroska") as container:
        video = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": str(crf)})
        video.width, video.height, video.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=RATE, layout="mono") if sound_S is not None else None
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(video.encode())
        if audio is not None and sound_S is not None:
            whole = av.AudioFrame.from_ndarray(sound_S[None], format="s16", layout="mono")
            whole.sample_rate, whole.pts, whole.time_base = RATE, 0, Fraction(1, RATE)
            container.mux(audio.encode(whole))
            container.mux(audio.encode())
    return path
