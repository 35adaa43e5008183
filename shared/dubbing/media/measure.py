"""The facts of a sound: what is used of a file, decoded once, counted, followed in time, held against its header."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.container import InputContainer

from dubbing.domain.findings import Finding, FindingCode
from dubbing.domain.media import AudioInfo, SoundChoice
from dubbing.domain.timecode import clock
from dubbing.errors import EmptyMedia, InvalidSamples, TruncatedMedia
from dubbing.media.container import open_media
from dubbing.media.declared_length import declared_sound_seconds
from dubbing.media.sound import Piece, Values, damaged_sound, decode_track, no_sound, sound_tracks
from dubbing.media.timeline import Course, Follower
from dubbing.media.tracks import choose_sound, pick_channels, require_carriable

_LOSSLESS = ("pcm_", "flac", "alac", "wavpack", "tta", "ape", "mlp", "truehd", "wmalossless", "als", "tak", "shorten")
# Containers whose time stamps are a time line; in the others, samples follow one another and a gap is damage.
_TIMED = ("mov", "matroska", "mpegts", "mpeg", "mxf", "avi", "flv", "asf", "ogg", "nut")
# Their time lines begin at zero; those of the others, with their earliest stream.
_FROM_ZERO = ("mov", "matroska")
_NO_OFFSET = Fraction(1, 1000)
_SILENT = 1 / 32768
_ALL = SoundChoice()


def measure_sound(path: Path, choice: SoundChoice = _ALL) -> tuple[AudioInfo, tuple[Finding, ...]]:
    """Decode what is used of a file's sound; count its samples and follow its time stamps.

    Args:
        path: the file.
        choice: which of its tracks and channels; see `dubbing.media.tracks`.

    Returns:
        The facts, and what is told about them.

    Raises:
        NotAudio: the file has no sound.
        EmptyMedia: the stream has no sample.
        TruncatedMedia: the header promises more than the file holds, or samples are missing.
        InvalidSamples: samples are no numbers; names channel and time.
        NoSuchTrack, UnsupportedChannels: the choice does not fit, or too many channels are left.
    """
    with open_media(path) as container:
        found = sound_tracks(container)
        if not found:
            raise no_sound()
        used, findings = choose_sound(found, choice)
        # A lone stream begins its container's time line, unless that begins at zero by definition.
        lone = len(found) == len(container.streams) == 1 and not container.format.name.startswith(_FROM_ZERO)
        timed, zero = container.format.name.startswith(_TIMED) and not lone, _zero(container)
        codec = container.streams.audio[used[0] - 1].codec_context.name
        declared_lengths = [declared_sound_seconds(path, container, container.streams.audio[number - 1]) for number in used]
        holes_timed = container.format.name.startswith(_TIMED)
    measured = [_Measured.of(path, number) for number in used]
    for one, declared in zip(measured, declared_lengths, strict=True):
        one.require_whole(declared, holes_timed=holes_timed)
    info = _joined(used, measured, codec, choice, zero=zero if timed else None)
    return info, (*findings, *_sound_findings(info, measured))


def _joined(
    tracks: tuple[int, ...], measured: "Sequence[_Measured]", codec: str, choice: SoundChoice, *, zero: Fraction | None
) -> AudioInfo:
    """The facts of all tracks as one sound.

    Args:
        tracks: numbers of those that are used.
        measured: what each of them holds.
        codec: of the first.
        choice: which of their channels.
        zero: seconds at which the container's time line begins; None where it has none.
    """
    layout, channels = _layout(measured), sum(one.channels for one in measured)
    picked = pick_channels(channels, choice)
    require_carriable(len(picked) or channels, layout)
    begins = [one.course.start if zero is not None else Fraction(0) for one in measured]
    start = min(begins) - (zero or 0)
    joined, first = len(measured) > 1, measured[0]
    leads = [round((begin - min(begins)) * first.rate) for begin in begins]
    return AudioInfo(
        codec=codec,
        tracks=tracks,
        sample_rate=first.rate,
        channels=len(picked) or channels,
        picked=picked,
        layout={1: "mono", 2: "stereo"}.get(len(picked) or channels, None if picked else layout),
        leads=tuple(leads) if joined else (),
        samples=max(lead + one.spread for lead, one in zip(leads, measured, strict=True)) if joined else first.course.samples,
        holes=() if joined else first.course.holes,
        start=start if start > _NO_OFFSET else Fraction(0),
        bits=_bits(codec, first.kind),
        floating=first.kind.kind == "f",
        lossless=codec.startswith(_LOSSLESS),
        peak=max(one.peak for one in measured),
    )


def _zero(container: InputContainer) -> Fraction:
    """Seconds of the container at which its own time line begins."""
    timed = [stream for stream in container.streams if stream.type in {"audio", "video"}]
    if container.format.name.startswith(_FROM_ZERO):
        return Fraction(0)
    return min((stream.start_time or 0) * Fraction(stream.time_base or 0) for stream in timed)


@dataclass
class _Measured:
    """One track, decoded once."""

    rate: int
    channels: int
    layout: str
    kind: np.dtype[Any]
    course: Course
    peak: float

    @property
    def spread(self) -> int:
        return self.course.samples + sum(hole.samples for hole in self.course.holes)

    @classmethod
    def of(cls, path: Path, track: int) -> "_Measured":
        first, follower, peak, samples = None, None, 0.0, 0
        for piece in decode_track(path, track):
            if first is None or follower is None:
                first, follower = piece, Follower(piece.rate)
            follower.take(piece.at, len(piece.values))
            if piece.values.dtype.kind == "f":
                _require_numbers(piece, samples)
            samples += len(piece.values)
            peak = max(peak, _peak(piece.values))
        if first is None or follower is None:
            raise EmptyMedia(
                "The audio stream holds no sample.",
                where={"stream": "audio"},
                suggestions=("Export the file again, and look whether it plays.",),
                media={"audio_samples": 0},
            )
        return cls(first.rate, first.values.shape[1], first.layout, first.values.dtype, follower.course(), peak)

    def require_whole(self, declared: Fraction, *, holes_timed: bool) -> None:
        """Compare what the header promises with what was decoded; without a time line, a hole is damage too."""
        if self.course.holes and not holes_timed:
            raise damaged_sound(Fraction(self.course.holes[0].at, self.rate))
        there = Fraction(self.spread, self.rate)
        # Some headers count from their time line's beginning, some from the first sample: the shorter meaning is taken.
        if declared - max(self.course.start, Fraction(0)) > there:
            raise TruncatedMedia(
                f"The sound ends at {clock(there)}, but its header promises {clock(declared)}.",
                where={"stream": "audio", "time": clock(there)},
                suggestions=("Upload the whole file again.", "Export the file again if the damage is in the original."),
                media={"audio_samples": self.course.samples},
            )


def _require_numbers(piece: Piece, before: int) -> None:
    wrong = np.argwhere(~np.isfinite(piece.values))
    if len(wrong):
        place, channel = (int(n) for n in wrong[0])
        at = clock(Fraction(before + place, piece.rate))
        raise InvalidSamples(
            f"Sample {before + place} of channel {channel + 1}, at {at}, is not a number.",
            where={"stream": "audio", "channel": channel + 1, "sample": before + place, "time": at},
            suggestions=("Export the track again: a plug-in or a damaged disk wrote NaN or infinity into it.",),
        )


def _peak(values: Values) -> float:
    if values.dtype.kind == "f":
        return float(np.abs(values).max())
    largest = max(-int(values.min()), int(values.max()))
    return largest / (1 << (8 * values.dtype.itemsize - 1))


def _bits(codec: str, kind: np.dtype[Any]) -> int:
    """Bits of a sample: PCM codecs have them in their names; other lossless codecs fill 32 with 24 at most."""
    digits = "".join(c for c in codec.removeprefix("pcm_").split("_")[0] if c.isdecimal())
    if codec.startswith("pcm_") and digits:
        return min(32, int(digits))
    return {"int16": 16, "int32": 24}.get(kind.name, 32)


def _layout(measured: Sequence[_Measured]) -> str | None:
    """The speaker layout that the file names; joined tracks name none."""
    name = measured[0].layout
    return None if len(measured) > 1 or name.endswith(" channels") else name


def _sound_findings(info: AudioInfo, measured: Sequence[_Measured]) -> Iterator[Finding]:
    if info.channels > 2 and info.layout is None:
        yield layout_unknown(info)
    for one in measured:
        for hole in one.course.holes:
            at, seconds = clock(Fraction(hole.at, one.rate)), hole.samples / one.rate
            yield _finding(FindingCode.SOUND_HOLE, f"The sound has a hole of {seconds:.3f} s at {at}; silence fills it.")
        if one.course.drifts:
            yield _finding(
                FindingCode.SOUND_DRIFTS,
                f"The sound's time stamps drift from its samples by {float(one.course.drift):.3f} s. Its samples are delivered "
                "one after another, as they are.",
            )
    if info.peak < _SILENT:
        yield _finding(FindingCode.SOUND_SILENT, "The sound is silent throughout: every mouth will be closed.")


def _finding(code: FindingCode, detail: str) -> Finding:
    return Finding(code=code, detail=detail)


def layout_unknown(info: AudioInfo) -> Finding:
    """What is told where nobody says which speaker each channel is for."""
    return _finding(
        FindingCode.LAYOUT_UNKNOWN,
        f"The sound has {info.channels} channels and does not say which speaker each is for. They are delivered in their "
        "order, unfiltered; players take them for their usual layout.",
    )
