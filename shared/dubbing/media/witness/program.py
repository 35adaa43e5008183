"""What the ffmpeg program shows of a file: every frame with its time, every sample, and what its decoders complained about.

The program is another build of the libraries that the first reading uses, in a process of its own. It shares libavformat with
them, so what it says of times must follow from the container's own tables (`boxes`) or from MediaInfo (`headers`).
"""

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

THUMB = (32, 18)
"""Width and height of the grey picture that each frame leaves behind, to be compared with the master's."""

_FRAME = re.compile(
    rb"\] n: *(\d+) pts: *(-?\d+|NOPTS) pts_time:\S+ +duration: *(-?\d+|NOPTS) duration_time:\S+ +"
    rb"fmt:(\S+) cl:(\S+) sar:(\d+)/(\d+) s:(\d+)x(\d+) i:(.)"
)
_SOUND = re.compile(
    rb"\] n:(\d+) pts:(-?\d+|NOPTS) pts_time:\S+ fmt:\S+ channels:(\d+) chlayout:(.+) rate:(\d+) nb_samples:(\d+)"
)
_BASE = re.compile(rb"config in time_base: (\d+)/(\d+),")
_COLOUR = re.compile(rb"color_range:(\S+) color_space:(\S+) color_primaries:(\S+) color_trc:(\S+)")
_COMPLAINT = re.compile(
    rb"^(?:\[(?P<who>[^\]]*?) @ [^\]]*\] )?(?:\[[^\]]* @ [^\]]*\] )?\[(?:error|fatal|panic)\] (?P<words>.*)$"
)
# What decoders say of streams that are whole: order of references, parameter sets that repeat, a stream that was cut at a place
# where pictures refer to what is before it.
_HARMLESS = re.compile(
    r"mmco: |co located POCs|reference frames exceeds max|number of reference frames|Last message repeated|"
    r"non-existing [PS]PS|no frame!|Could not find ref with POC|First slice in a frame missing|sps_id|pps_id|"
    r"SEI type|Late SEI|Missing reference picture, default|Reference picture missing",
    re.IGNORECASE,
)


# What it ends with when a frame could not be decoded (ffmpeg's manual, -max_error_rate). A filter writes its line in pieces,
# and a decoder's complaint that comes between two of them stands in it without who and what it is: the end tells it then.
_UNDECODED_STATUS = 69
_UNDECODED = b"[error] some of it could not be decoded"

# What the program says of its own output is no fault of the file.
_OURS = ("out#", "vost#", "aost#", "vf#", "af#", "fc#", "Parsed_", "rawvideo", "f64le", "auto_")


class Complaint(NamedTuple):
    """What a decoder or demuxer said, and how many frames or pieces had been shown by then."""

    who: str
    words: str
    after: int


@dataclass
class ShownPicture:
    """Every frame of a picture as a player shows it.

    Attributes:
        ticks: when each frame is shown, ``base`` seconds per tick, in order of presentation.
        lengths: ticks that each is shown for, as the program says; 0 where it does not know.
        thumbs: uint8 [frames, 18, 32], each frame in grey.
        shapes: (first frame, width, height, pixel format) of each run of frames of one shape, as coded.
        aspect: sample aspect ratio; 1 where the file says nothing.
        interlaced: how many frames are flagged so, and of these how many show the top field first.
        site: where chroma samples lie.
        colour: range, matrix, primaries, transfer as ffmpeg names them, ``unknown`` where the file says nothing.
        complaints: of decoder and demuxer, without harmless ones.
    """

    base: Fraction = Fraction(1)
    ticks: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    lengths: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    thumbs: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, *THUMB[::-1]), np.uint8))
    shapes: list[tuple[int, int, int, str]] = field(default_factory=list)
    aspect: Fraction = Fraction(1)
    interlaced: tuple[int, int] = (0, 0)
    site: str = "unspecified"
    colour: tuple[str, str, str, str] = ("unknown",) * 4
    complaints: list[Complaint] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.ticks)


@dataclass
class ShownSound:
    """Every piece of a sound track as a player hears it: when it begins and how many samples it has.

    Attributes:
        starts: seconds at which each piece begins, None where the file does not say.
        lengths: samples of each.
        rate, channels, layout: of the first piece.
        complaints: of decoder and demuxer, without harmless ones.
    """

    starts: list[Fraction | None] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    rate: int = 0
    channels: int = 0
    layout: str = ""
    complaints: list[Complaint] = field(default_factory=list)

    @property
    def samples(self) -> int:
        """Number of samples."""
        return sum(self.lengths)


class Ended(Exception):
    """The program was killed by ``signal``."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"ffmpeg was ended by signal {signal}")
        self.signal = signal


def program() -> str:
    """The ffmpeg program."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


@cache
def version() -> str:
    """Its name and version, asked once by each process."""
    return f"ffmpeg {imageio_ffmpeg.get_ffmpeg_version()}"


def show_picture(path: Path, track: int, on_frames: Callable[[int], None] = lambda _: None, threads: int = 2) -> ShownPicture:
    """Decode every frame of moving picture number ``track`` (from 1).

    Args:
        path: the file.
        track: cover art does not count.
        on_frames: called with the number of frames so far, every now and then.
        threads: decoder threads.

    Raises:
        Ended: the program was killed by a signal.
    """
    # Point samples across, averages down: a tenth of a millisecond for a 1080p frame.
    graph = f"showinfo=checksum=0,scale={THUMB[0]}:{THUMB[1]}:flags=fast_bilinear,format=gray"
    words = ["-noautorotate", "-threads", str(threads), *_input(path), "-map", f"0:V:{track - 1}?", "-vf", graph]
    found = ShownPicture()
    ticks: list[int | None] = []
    lengths: list[int] = []
    fields = [0, 0]

    def line(text: bytes) -> None:
        if (frame := _FRAME.search(text)) is not None:
            _take_frame(found, frame, ticks, lengths, fields)
            if len(ticks) % 64 == 0:
                on_frames(len(ticks))
        elif (base := _BASE.search(text)) is not None and not ticks:
            found.base = Fraction(int(base[1]), int(base[2]))
        elif (colour := _COLOUR.search(text)) is not None:
            if len(ticks) == 1:
                found.colour = (colour[1].decode(), colour[2].decode(), colour[3].decode(), colour[4].decode())
        else:
            _complain(found.complaints, text, len(ticks))

    thumbs = b"".join(_run([*words, "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"], line))
    size = THUMB[0] * THUMB[1]
    found.ticks = np.array([-1 if tick is None else tick for tick in ticks], np.int64)
    found.lengths = np.array(lengths, np.int64)
    found.thumbs = np.frombuffer(thumbs[: len(thumbs) // size * size], np.uint8).reshape(-1, THUMB[1], THUMB[0])
    found.interlaced = (fields[0], fields[1])
    return found


def _take_frame(
    found: ShownPicture, frame: re.Match[bytes], ticks: list[int | None], lengths: list[int], fields: list[int]
) -> None:
    shape = (int(frame[8]), int(frame[9]), frame[4].decode())
    if not found.shapes:
        found.site = frame[5].decode()
        aspect = Fraction(int(frame[6]), int(frame[7])) if int(frame[7]) else Fraction(0)
        found.aspect = aspect or Fraction(1)
    if not found.shapes or found.shapes[-1][1:] != shape:
        found.shapes.append((len(ticks), *shape))
    ticks.append(_tick(frame[2]))
    lengths.append(_tick(frame[3]) or 0)
    fields[0] += frame[10] in {b"T", b"B"}
    fields[1] += frame[10] == b"T"


def hear(path: Path, track: int, found: ShownSound) -> Iterator[NDArray[np.float64]]:
    """Decode sound track number ``track`` (from 1): its samples [n, channels], full scale 1; ``found`` is complete at the end.

    Raises:
        Ended: the program was killed by a signal.
    """
    torn: int | None = None  # piece in whose line somebody else's words stand

    def line(text: bytes) -> None:
        nonlocal torn
        if (piece := _SOUND.search(text)) is not None:
            tick = _tick(piece[2])
            found.starts.append(None if tick is None else tick * Fraction(1, int(piece[5])))
            found.lengths.append(int(piece[6]))
            if not found.rate:
                found.rate, found.layout = int(piece[5]), piece[4].decode()
                found.channels = int(piece[3])  # last: the reader of the samples waits for it
            if torn is None and not text.endswith(b"]"):
                torn = len(found.lengths)
        else:
            _complain(found.complaints, text, torn if torn is not None and text == _UNDECODED else len(found.lengths))

    words = [*_input(path), "-map", f"0:a:{track - 1}?", "-af", "ashowinfo", "-c:a", "pcm_f64le", "-f", "f64le", "pipe:1"]
    rest = b""
    for block in _run(words, line):
        rest += block
        width = 8 * found.channels
        if width and len(rest) >= width:
            whole = len(rest) // width * width
            yield np.frombuffer(rest[:whole], np.float64).reshape(-1, found.channels)
            rest = rest[whole:]
    if rest and found.channels:  # the listener was behind
        yield np.frombuffer(rest[: len(rest) // (8 * found.channels) * 8 * found.channels], np.float64).reshape(
            -1, found.channels
        )


def _input(path: Path) -> list[str]:
    return ["-copyts", "-protocol_whitelist", "file,pipe", "-i", f"file:{path}"]


def _run(words: list[str], line: Callable[[bytes], None]) -> Iterator[bytes]:
    """Run the program; yields what it writes to stdout while ``line`` gets every line of stderr, on a thread of its own.

    At last it gets `_UNDECODED` where the program says by its status that a frame could not be decoded.
    """
    options = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "repeat+level+info", "-max_error_rate", "0")
    command = [program(), *options, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=1 << 16) as running:  # noqa: S603
        listener = threading.Thread(target=_listen, args=(running.stderr, line), name="witness", daemon=True)
        listener.start()
        try:
            while running.stdout is not None and (block := os.read(running.stdout.fileno(), 1 << 20)):
                yield block
        finally:
            if running.stdout is not None:
                running.stdout.close()  # a program that nobody reads from any more ends
            listener.join()
    if running.returncode < 0:
        raise Ended(-running.returncode)
    if running.returncode == _UNDECODED_STATUS:
        line(_UNDECODED)


def _listen(stream: Any, line: Callable[[bytes], None]) -> None:
    for text in stream:
        line(text.rstrip())


def _complain(complaints: list[Complaint], text: bytes, after: int) -> None:
    said = _COMPLAINT.match(text)
    if said is None:
        return
    words, who = said["words"].decode(errors="replace").strip(), (said["who"] or b"").decode(errors="replace")
    if words and not who.startswith(_OURS) and not _HARMLESS.search(words):
        complaints.append(Complaint(who, words, after))


def _tick(text: bytes) -> int | None:
    return None if text == b"NOPTS" else int(text)
