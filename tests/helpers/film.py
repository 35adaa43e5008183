"""A film that code made, small and short, with the truth about every mouth in it."""

import subprocess
import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from synthetic.clip import take
from synthetic.identity import Identity
from synthetic.splits import Split, identity_seed, members
from synthetic.utterance import Utterance, Voice, fit, speak

FPS, RATE = 25, 48_000
SIZE = (640, 360)
_FACE = 170


@dataclass(frozen=True)
class Film:
    """Files and truth.

    Attributes:
        video: a person speaks; H.264 without sound.
        track: what that person is to say instead, as long as the picture.
        frames: length of both.
        said, wanted: mouth opening over the distance of the eyes [V], in the picture and for the track.
    """

    video: Path
    track: Path
    frames: int
    said: NDArray[np.float64]
    wanted: NDArray[np.float64]


def make_film(folder: Path, frames: int = 100) -> Film:
    """An identity, two voices and two sentences that the demonstration model never learnt from."""
    # These two mouths hardly correlate, so that a picture tells which of them it follows.
    source = _speech("We all went home by bus, because it was raining far too much.", 0, 0.0, frames)
    target = _speech("Maybe a moment of patience will pay: papa and mama are away.", 1, 0.2, frames)
    shot = take(Identity.draw(identity_seed(Split.TEST, 6)), frames, SIZE[::-1], 6, face=_FACE)
    controls = [speech.track.frames(frames, Fraction(FPS)) for speech in (source, target)]
    video, track = folder / "speaker.mp4", folder / "replacement.wav"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "17"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for (picture,) in shot.shoot(controls[0]):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    write_wav(track, target.pcm())
    said, wanted = (shot.truth(rows)[:, 0].astype(np.float64) for rows in controls)
    return Film(video, track, frames, said, wanted)


def _speech(sentence: str, voice: int, lead: float, frames: int) -> Utterance:
    spoken = speak(sentence, Voice("en-us", members("voice", Split.TEST)[voice], 150, 45, 55, Fraction(1)), RATE, effort=1.15)
    return fit(spoken, frames * RATE // FPS, -round(lead * RATE))


def write_wav(path: Path, pcm: NDArray[np.int16], rate: int = RATE) -> Path:
    """16-bit mono."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, len(pcm), "NONE", ""))
        file.writeframes(pcm.astype("<i2").tobytes())
    return path


def write_tone(path: Path, seconds: float) -> Path:
    """Sound that comes and goes, of any length."""
    at = np.arange(round(seconds * RATE))
    return write_wav(path, (8000 * np.sin(at * 0.05) * (at // 6000 % 2)).astype(np.int16))


def ffmpeg(*words: object) -> None:
    """Runs ffmpeg; its last words are the failure's."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, words)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
