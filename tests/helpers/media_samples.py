"""Helpers of the media tests: ffmpeg runs, and decoding in the plainest way to compare with."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

# Every second frame comes 16 ms late.
VARIABLE = ("-vf", "settb=1/1000,setpts=N*40+16*mod(N\\,2)", "-fps_mode", "passthrough", "-enc_time_base", "1:1000")
Make = Callable[..., Path]


def ffmpeg(*words: object) -> None:
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, words)],
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr.decode()


def decoded_planes(path: Path) -> list[bytes]:
    """The code values of every frame, decoded from the start: what any reader must agree with."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


def decoded_sound(path: Path) -> NDArray[np.float32]:
    """The sound [samples] as float mono, decoded by the ffmpeg program."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-ac", "1", "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)
