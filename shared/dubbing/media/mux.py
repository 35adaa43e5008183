"""Joining picture and sound: the picture's packets are copied, the sound goes in to the sample.

The sound needs nothing of the picture, so it is encoded beside other work and then copied as well.

AAC and ALAC from MP4 are copied as they are when nothing is cut, filled or left out. All else is decoded by the first reading,
cut or filled by sample number, and encoded as `choose_sound_codec` decides.
"""

import contextlib
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import ffmpeg
import imageio_ffmpeg
import numpy as np

from dubbing.domain.media import AudioInfo, MediaInfo, SyncPlan
from dubbing.errors import DiskFull, DublineError, EncodeFailed, NotAudio
from dubbing.errors.disk import FULL, disk_full
from dubbing.media.sound import sound_blocks
from dubbing.media.sound_codec import SoundCodec, choose_sound_codec, sound_codec_findings

if TYPE_CHECKING:
    from dubbing.domain.findings import Finding

_COPIED = {"aac", "alac"}
_RAW = {"s16le": np.int16, "s32le": np.int32, "f32le": np.float32}
# Edit lists count in the movie's time scale; ffmpeg's default is the millisecond.
_MOVIE_TICKS = 1000
_MOST_MOVIE_TICKS = 10_000_000


@dataclass(frozen=True)
class MuxSettings:
    """How sound is delivered.

    Attributes:
        sound: ``lossless`` keeps every sample; ``aac`` is smaller and plays everywhere.
        bits_per_channel: AAC bit rate of one channel.
        ffmpeg: the ffmpeg program; the packaged one when empty.
        seconds: longest time that one run may take.
    """

    sound: Literal["lossless", "aac"] = "lossless"
    bits_per_channel: int = 160_000
    ffmpeg: str = ""
    seconds: float = 3600.0


class ReadySound(NamedTuple):
    """A file whose sound track number ``track`` (from 0) `mux` copies."""

    path: Path
    track: int = 0


class SoundWriter:
    """The sound as it is delivered, made by a program that runs while the caller does something else.

    Use as a context manager: a program that is not done when the block ends is ended too.

    Args:
        sound: the given sound.
        out: MP4 to write it to, where it cannot stay as it is.
        info: its facts.
        plan: what of it is kept, and how much silence is around it.
        settings: codec and program.

    Attributes:
        codec: how it is encoded; None where its packets are copied.
        findings: what is lost by that.

    Raises:
        NotAudio: there is no sound in it.
        EncodeFailed: the program cannot be started.
    """

    def __init__(self, sound: Path, out: Path, *, info: MediaInfo, plan: SyncPlan, settings: MuxSettings) -> None:
        if info.audio is None:
            raise NotAudio("The audio file has no audio stream.", where={"pointer": "/audio"})
        self._sound, self._out, self._seconds, self._info, self._plan = sound, out, settings.seconds, info.audio, plan
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the block
        self._program: subprocess.Popen[bytes] | None = None
        self._feeder: threading.Thread | None = None
        self._broken: BaseException | None = None
        self.codec: SoundCodec | None = None
        self.findings: tuple[Finding, ...] = ()
        if not _stays(info.audio, info.container, plan):
            self.codec = choose_sound_codec(info.audio, settings.sound, settings.bits_per_channel)
            self.findings = sound_codec_findings(info.audio, self.codec)
            self._start(_encoding(out, info.audio, self.codec, settings))

    def _start(self, command: list[str]) -> None:
        try:
            self._program = subprocess.Popen(  # noqa: S603 - our own graph, no shell
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._words
            )
        except OSError as error:
            self._words.close()
            raise EncodeFailed(f"ffmpeg cannot be started: {error}", where={"stage": "sound"}) from error
        self._feeder = threading.Thread(target=self._feed, name="sound", daemon=True)
        self._feeder.start()

    def _feed(self) -> None:
        """Write the samples into the program; on a thread of its own."""
        if self._program is None or self._program.stdin is None or self.codec is None:
            return
        kind = np.dtype(_RAW[self.codec.raw])
        try:
            with self._program.stdin as pipe:
                for block in sound_blocks(self._sound, self._info, self._plan):
                    pipe.write(np.ascontiguousarray(block, kind).tobytes())
        except BrokenPipeError:  # the program has ended, and says why itself
            return
        except BaseException as error:  # noqa: BLE001 - it is raised where the sound is wanted
            self._broken = error

    def ready(self) -> ReadySound:
        """The file whose sound `mux` copies; waits until it is complete.

        Raises:
            DiskFull: there is no room for it.
            EncodeFailed: ffmpeg refused, carries its last words; or it took too long.
            TruncatedMedia: the given sound could not be decoded.
        """
        if self._program is None:
            return ReadySound(self._sound, self._info.tracks[0] - 1)
        try:
            status = self._program.wait(self._seconds)
        except subprocess.TimeoutExpired as error:
            raise EncodeFailed(f"ffmpeg did not finish: {error}", where={"stage": "sound"}) from error
        if self._feeder is not None:
            self._feeder.join()
        if isinstance(self._broken, DublineError):
            raise self._broken
        if status or self._broken is not None:
            self._words.seek(0)
            raise _failed(status, self._words.read() or repr(self._broken).encode(), "sound")
        return ReadySound(self._out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._program is not None:
            self._program.kill()  # nothing happens to one that has ended
            self._program.wait()
        if self._feeder is not None:
            self._feeder.join()
        self._words.close()


def mux(picture: Path, sound: ReadySound, out: Path, settings: MuxSettings, plan: SyncPlan) -> None:
    """Write the delivery MP4 (index first); packets of both are copied.

    The master's time line is the source programme's: where picture or sound begins later, an empty edit says so (ISO/IEC
    14496-12, 8.6.6).

    Args:
        picture: what `PictureWriter` wrote.
        sound: what `SoundWriter` has ready.
        out: file to write.
        settings: the program.
        plan: where both begin.

    Raises:
        DiskFull: there is no room for it.
        EncodeFailed: ffmpeg refused; carries its last words.
    """
    begins = plan.start + plan.picture_after
    streams = (
        ffmpeg.input(str(picture), **_late(begins))["v:0"],
        ffmpeg.input(str(sound.path), protocol_whitelist="file", **_late(plan.start))[f"a:{sound.track}"],
    )
    options: dict[str, Any] = {"c": "copy", "movflags": "+faststart"}
    if begins or plan.start:
        options["movie_timescale"] = _movie_ticks(begins, plan.start)
    _run(_command(streams, out, settings, options), settings.seconds, out)


def _late(seconds: Fraction) -> dict[str, str]:
    return {"itsoffset": f"{float(seconds):.6f}"} if seconds else {}


def _movie_ticks(*starts: Fraction) -> int:
    """A time scale in which every start is whole, where there is one."""
    ticks = _MOVIE_TICKS
    for start in starts:
        ticks *= (start * ticks).denominator
    return ticks if ticks <= _MOST_MOVIE_TICKS else 90_000


def _stays(sound: AudioInfo, container: str, plan: SyncPlan) -> bool:
    """Whether the sound's packets can be copied from the file that was given."""
    whole = plan.lead == plan.pad == 0 and plan.keep == sound.samples and sound.start == 0
    plain = len(sound.tracks) == 1 and not sound.picked and not sound.holes
    return whole and plain and sound.codec in _COPIED and container.startswith("mov")


def _encoding(out: Path, info: AudioInfo, made: SoundCodec, settings: MuxSettings) -> list[str]:
    raw = ffmpeg.input("pipe:0", format=made.raw, ar=info.sample_rate, ch_layout=made.layout)["a:0"]
    return _command((raw,), out, settings, {"c:a": made.codec, **dict(made.options)})


def _command(streams: tuple[Any, ...], out: Path, settings: MuxSettings, options: dict[str, Any]) -> list[str]:
    graph = ffmpeg.output(*streams, str(out), format="mp4", map_metadata=-1, **options).global_args("-v", "error")
    command: list[str] = graph.overwrite_output().compile(cmd=settings.ffmpeg or imageio_ffmpeg.get_ffmpeg_exe())
    return command


def _run(command: list[str], seconds: float, out: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own graph, no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise EncodeFailed(f"ffmpeg did not finish: {error}", where={"stage": "mux"}) from error
    if done.returncode:
        with contextlib.suppress(FileNotFoundError):
            out.unlink()
        raise _failed(done.returncode, done.stderr, "mux")


def _failed(status: int, words: bytes, stage: str) -> EncodeFailed | DiskFull:
    if 256 - status in FULL:  # ffmpeg ends with the system's number, negative, in one byte
        return disk_full()
    said = words.decode(errors="replace").strip()[-500:]
    return EncodeFailed(f"ffmpeg failed with status {status}: {said}", where={"stage": stage})
