"""Joining picture and sound: the picture's packets are copied, the sound goes in to the sample.

AAC and ALAC from MP4 are copied as they are when nothing is cut or filled. All else is decoded, cut or filled by sample
number and encoded: AAC (its priming is hidden by the edit list, its last frame's length stands in the sample table, so
players give back every sample and no more) or ALAC (the same bits).
"""

import contextlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ffmpeg
import imageio_ffmpeg

from dubbing.domain.media import MediaInfo, SyncPlan
from dubbing.errors import EncodeFailed, NotAudio

_COPIED = {"aac", "alac"}
_AAC_RATES = {96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000}
_AAC_CHANNELS = 8


@dataclass(frozen=True)
class MuxSettings:
    """How sound is delivered.

    Attributes:
        codec: ``aac`` plays everywhere; ``alac`` is lossless.
        bits_per_channel: AAC bit rate of one channel.
        ffmpeg: the ffmpeg program; the packaged one when empty.
        seconds: longest time that one run may take.
    """

    codec: Literal["aac", "alac"] = "aac"
    bits_per_channel: int = 160_000
    ffmpeg: str = ""
    seconds: float = 3600.0


def mux(picture: Path, sound: Path, out: Path, *, info: MediaInfo, plan: SyncPlan, settings: MuxSettings) -> None:
    """Write the delivery MP4 (index first) from the encoded picture and the given sound.

    Args:
        picture: what `PictureWriter` wrote.
        sound: the given sound.
        out: file to write.
        info: facts of the given sound.
        plan: what of it is kept, and how much silence follows.
        settings: codec and program.

    Raises:
        EncodeFailed: ffmpeg refused; carries its last words.
    """
    if info.audio is None:
        raise NotAudio("The audio file has no audio stream.", where={"pointer": "/audio"})
    video = ffmpeg.input(str(picture))["v:0"]
    audio = ffmpeg.input(str(sound), protocol_whitelist="file")["a:0"]
    copied = (
        plan.pad == 0
        and plan.keep == info.audio.samples
        and info.audio.codec in _COPIED
        and info.audio.start == 0
        and info.container.startswith("mov")
    )
    options: dict[str, Any] = {"c:v": "copy", "c:a": "copy", "movflags": "+faststart", "map_metadata": -1}
    if not copied:
        audio = audio.filter("asetpts", "N/SR/TB").filter("atrim", end_sample=plan.keep)
        if plan.pad:
            audio = audio.filter("apad", pad_len=plan.pad)
        fits = info.audio.sample_rate in _AAC_RATES and info.audio.channels <= _AAC_CHANNELS
        options["c:a"] = settings.codec if fits else "alac"
        if options["c:a"] == "aac":
            options["b:a"] = settings.bits_per_channel * info.audio.channels
    graph = ffmpeg.output(video, audio, str(out), format="mp4", **options).global_args("-nostdin", "-v", "error")
    _run(graph.overwrite_output().compile(cmd=settings.ffmpeg or imageio_ffmpeg.get_ffmpeg_exe()), settings.seconds, out)


def _run(command: list[str], seconds: float, out: Path) -> None:
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)  # noqa: S603 - our own graph, no shell
    except (subprocess.TimeoutExpired, OSError) as error:
        raise EncodeFailed(f"ffmpeg did not finish: {error}", where={"stage": "mux"}) from error
    if done.returncode:
        with contextlib.suppress(FileNotFoundError):
            out.unlink()
        words = done.stderr.decode(errors="replace").strip()[-500:]
        raise EncodeFailed(f"ffmpeg failed with status {done.returncode}: {words}", where={"stage": "mux"})
