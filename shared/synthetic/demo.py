"""The demonstration's own sample: a film of a speaker in one language, and a replacement track in another."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from .clip import render_clip
from .identity import Identity
from .splits import Split, identity_seed, members
from .utterance import Utterance, Voice, fit, speak

FPS = Fraction(25)
RATE = 48_000
SIZE = (720, 1280)
_IDENTITY, _FACE, _LEAD, _TAIL = 3, 340, 0.3, 0.4
_SAID = {
    "en-us": "Good morning, and welcome to our little programme. This film was made in one language. "
    "Now my lips will speak another.",
    "it": "Buongiorno a tutti, e benvenuti al nostro piccolo programma. Adesso le mie labbra parlano un'altra lingua.",
}


class SampleCanceled(Exception):
    """The caller wants no sample any more."""


def make_demo_sample(folder: Path, go_on: Callable[[], bool] = lambda: True) -> None:
    """Makes the sample: a person, two voices and one language that the demonstration model never learnt from.

    ``speaker.mp4`` has 1280 x 720 pixels, 25 fps, H.264 and AAC; ``replacement.wav`` 48 kHz, mono, 16 bit, and is exactly as
    long as the film's frames.

    Args:
        folder: where the files go; created if it does not exist.
        go_on: asked before every frame.

    Raises:
        SampleCanceled: ``go_on`` said no; the files are not whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    variants = members("voice", Split.TEST)
    spoken = [
        speak(said, Voice(language, variants[i], 150, 45, 55, Fraction(1)), RATE, effort=1.15)
        for i, (language, said) in enumerate(_SAID.items())
    ]
    frames = int(np.ceil((max(u.seconds for u in spoken) + _LEAD + _TAIL) * FPS))
    source, target = (_levelled(fit(u, frames * RATE // int(FPS), -round(_LEAD * RATE))) for u in spoken)
    _write_wav(folder / "replacement.wav", target.pcm())
    _write_video(folder / "speaker.mp4", source, frames, go_on)


def _levelled(utterance: Utterance) -> Utterance:
    peak = float(np.abs(utterance.samples).max()) + 1e-9
    samples = (utterance.samples * np.float32(0.5 / peak)).astype(np.float32)
    return Utterance(utterance.said, utterance.voice, samples, utterance.rate, utterance.track)


def _write_wav(path: Path, pcm: NDArray[np.int16]) -> None:
    with av.open(str(path), "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        _mux_sound(container, stream, pcm)


def _write_video(path: Path, speech: Utterance, frames: int, go_on: Callable[[], bool]) -> None:
    who = Identity.draw(identity_seed(Split.TEST, _IDENTITY))
    pictures, _ = render_clip(who, speech, fps=FPS, size=SIZE, frames=frames, seed=_IDENTITY, face=_FACE)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "17"})
        video.width, video.height, video.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        sound = container.add_stream("aac", rate=RATE, layout="mono")
        for picture in pictures:
            if not go_on():
                raise SampleCanceled
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
        _mux_sound(container, sound, speech.pcm())


def _mux_sound(container: "av.container.OutputContainer", stream: "av.AudioStream", pcm: NDArray[np.int16]) -> None:
    step = 1024
    for start in range(0, len(pcm), step):
        frame = av.AudioFrame.from_ndarray(pcm[None, start : start + step], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
