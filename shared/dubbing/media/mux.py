"""Joining picture and sound: the picture's packets are copied, the sound goes in to the sample.

The sound needs nothing of the picture, so it is encoded beside other work and then copied as well.

AAC and ALAC from MP4 are copied as they are when nothing is cut or filled. All else is decoded, cut or filled by sample
number and encoded: AAC (its priming is hidden by the edit list, its last frame's length stands in the sample table, so
players give back every sample and no more) or ALAC (the same bits).
"""

import contextlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import ffmpeg
import imageio_ffmpeg

from dubbing.domain.media import AudioInfo, MediaInfo, SyncPlan
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


class SoundTrack:
    """The sound as it is delivered, made by a program that runs while the caller does something else.

    Use as a context manager: a program that is not done when the block ends is ended too.

    Args:
        sound: the given sound.
        out: MP4 to write it to, where it cannot stay as it is.
        info: its facts.
        plan: what of it is kept, and how much silence follows.
        settings: codec and program.

    Raises:
        NotAudio: there is no sound in it.
        EncodeFailed: the program cannot be started.
    """

    def __init__(self, sound: Path, out: Path, *, info: MediaInfo, plan: SyncPlan, settings: MuxSettings) -> None:
        if info.audio is None:
            raise NotAudio("The audio file has no audio stream.", where={"pointer": "/audio"})
        self._sound, self._out, self._seconds = sound, out, settings.seconds
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the block
        self._program: subprocess.Popen[bytes] | None = None
        if not _stays(info.audio, info.container, plan):
            try:
                self._program = subprocess.Popen(  # noqa: S603 - our own graph, no shell
                    _encoding(sound, out, info.audio, plan, settings), stdout=subprocess.DEVNULL, stderr=self._words
                )
            except OSError as error:
                self._words.close()
                raise EncodeFailed(f"ffmpeg cannot be started: {error}", where={"stage": "sound"}) from error

    def ready(self) -> Path:
        """The file whose sound `mux` copies; waits until it is complete.

        Raises:
            EncodeFailed: ffmpeg refused, carries its last words; or it took too long.
        """
        if self._program is None:
            return self._sound
        try:
            status = self._program.wait(self._seconds)
        except subprocess.TimeoutExpired as error:
            raise EncodeFailed(f"ffmpeg did not finish: {error}", where={"stage": "sound"}) from error
        if status:
            self._words.seek(0)
            raise _failed(status, self._words.read(), "sound")
        return self._out

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._program is not None:
            self._program.kill()  # nothing happens to one that has ended
            self._program.wait()
        self._words.close()


def mux(picture: Path, sound: Path, out: Path, settings: MuxSettings) -> None:
    """Write the delivery MP4 (index first); packets of both are copied.

    Args:
        picture: what `PictureWriter` wrote.
        sound: what `SoundTrack` has ready.
        out: file to write.
        settings: the program.

    Raises:
        EncodeFailed: ffmpeg refused; carries its last words.
    """
    streams = ffmpeg.input(str(picture))["v:0"], ffmpeg.input(str(sound), protocol_whitelist="file")["a:0"]
    _run(_command(streams, out, settings, {"c": "copy", "movflags": "+faststart"}), settings.seconds, out)


def _stays(sound: AudioInfo, container: str, plan: SyncPlan) -> bool:
    """Whether the sound's packets can be copied from the file that was given."""
    whole = plan.pad == 0 and plan.keep == sound.samples and sound.start == 0
    return whole and sound.codec in _COPIED and container.startswith("mov")


def _encoding(sound: Path, out: Path, info: AudioInfo, plan: SyncPlan, settings: MuxSettings) -> list[str]:
    audio = ffmpeg.input(str(sound), protocol_whitelist="file")["a:0"]
    audio = audio.filter("asetpts", "N/SR/TB").filter("atrim", end_sample=plan.keep)
    if plan.pad:
        audio = audio.filter("apad", pad_len=plan.pad)
    fits = info.sample_rate in _AAC_RATES and info.channels <= _AAC_CHANNELS
    options: dict[str, Any] = {"c:a": settings.codec if fits else "alac"}
    if options["c:a"] == "aac":
        options["b:a"] = settings.bits_per_channel * info.channels
    return _command((audio,), out, settings, options)


def _command(streams: tuple[Any, ...], out: Path, settings: MuxSettings, options: dict[str, Any]) -> list[str]:
    graph = ffmpeg.output(*streams, str(out), format="mp4", map_metadata=-1, **options).global_args("-nostdin", "-v", "error")
    command: list[str] = graph.overwrite_output().compile(cmd=settings.ffmpeg or imageio_ffmpeg.get_ffmpeg_exe())
    return command


def _run(command: list[str], seconds: float, out: Path) -> None:
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)  # noqa: S603 - our own graph, no shell
    except (subprocess.TimeoutExpired, OSError) as error:
        raise EncodeFailed(f"ffmpeg did not finish: {error}", where={"stage": "mux"}) from error
    if done.returncode:
        with contextlib.suppress(FileNotFoundError):
            out.unlink()
        raise _failed(done.returncode, done.stderr, "mux")


def _failed(status: int, words: bytes, stage: str) -> EncodeFailed:
    said = words.decode(errors="replace").strip()[-500:]
    return EncodeFailed(f"ffmpeg failed with status {status}: {said}", where={"stage": stage})
