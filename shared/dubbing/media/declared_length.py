"""How long a sound's header says that it is: what was decoded must not be shorter."""

from fractions import Fraction
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer

# Their headers count samples or frames; where a length is only guessed from the bit rate (raw AAC, MP3 without a header of its
# own) it proves nothing.
_COUNTED = ("mov", "wav", "w64", "aiff", "caf", "mxf", "avi")
_SLACK = Fraction(1, 20)
_HEAD = 1 << 16


def declared_sound_seconds(path: Path, container: InputContainer, stream: AudioStream) -> Fraction:
    """Seconds of sound that must be there; 0 where the file promises nothing.

    A FLAC file counts its samples (RFC 9639, 8.2), and none may be missing. Other counts allow for a codec's last frame.
    """
    name = container.format.name
    stated = (stream.duration or 0) * Fraction(stream.time_base or 0)
    if name == "flac":
        return stated
    if name.startswith(_COUNTED) or (name == "mp3" and _counts_frames(path)):
        return max(Fraction(0), stated * _riff_lack(path) - _SLACK)
    if name.startswith("matroska"):
        return max(Fraction(0), _tagged(stream) - _SLACK)
    return Fraction(0)


def _counts_frames(path: Path) -> bool:
    """Whether an MP3 begins with a header that counts its frames (Xing, Info or VBRI), behind its ID3 tags."""
    with path.open("rb") as file:
        head = file.read(10)
        skip = 0
        if head[:3] == b"ID3":
            skip = 10 + sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        file.seek(skip)
        frame = file.read(_HEAD)[:2048]
    return any(word in frame for word in (b"Xing", b"Info", b"VBRI"))


def _tagged(stream: AudioStream) -> Fraction:
    """The DURATION that Matroska writers leave as a tag, ``HH:MM:SS.nnnnnnnnn``."""
    fields = str(stream.metadata.get("DURATION", "")).split(":")
    try:
        hours, minutes, seconds = (Fraction(field) for field in fields)
    except ValueError:
        return Fraction(0)
    return (hours * 60 + minutes) * 60 + seconds


def _riff_lack(path: Path) -> Fraction:
    """How many times as long a RIFF file says that it is as it is; a stream's header (2 GiB or more) is not believed."""
    with path.open("rb") as file:
        head = file.read(8)
    size, there = int.from_bytes(head[4:], "little") + 8, path.stat().st_size
    short = head[:4] == b"RIFF" and size < 0x7FFFFF08 and size > there + 1
    return Fraction(size, there) if short else Fraction(1)
