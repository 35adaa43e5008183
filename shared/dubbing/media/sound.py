"""Sound as numbers: exact counts, mono windows for the speech encoder, levels, and an envelope to draw.

Priming and padding that the container declares (edit lists, LAME and Opus headers) are left out, as players do: sample 0 is
the first sample that is heard.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from dubbing.domain.media import AudioInfo, SyncPlan
from dubbing.errors import EmptyMedia, NotAudio, TruncatedMedia
from dubbing.media.container import open_media, require_decoder
from dubbing.media.timecode import clock

SPEECH_RATE = 16_000
Samples = NDArray[np.float32]


def decode_sound(path: Path) -> Iterator[AudioFrame]:
    """Decoded frames of the first audio stream, from the first sample that is heard.

    Raises:
        NotAudio: the file has no sound.
        TruncatedMedia: decoding stops in the middle; names the time.
    """
    with open_media(path) as container:
        if not container.streams.audio:
            raise NotAudio(
                f"{Path(path).name} has no audio stream.",
                where={"file": Path(path).name},
                suggestions=("Send a file with sound, e.g. WAV, FLAC, M4A or MP3.",),
            )
        require_decoder(container, "audio")
        stream = container.streams.audio[0]
        # The last AAC frame in MP4 is filled up; its sample table says how much of it is sound.
        stated = (stream.duration or 0) * (stream.time_base or 0) if container.format.name.startswith("mov") else 0
        heard, held = Fraction(0), None
        try:
            for frame in container.decode(stream):
                if held is not None:
                    heard += Fraction(held.samples, held.sample_rate)
                    yield held
                held = frame
            if held is not None:
                left = round((stated - heard) * held.sample_rate)
                yield _head(held, left) if 0 < left < held.samples else held
        except av.FFmpegError as error:
            raise TruncatedMedia(
                f"The sound is damaged at {clock(heard)}.",
                where={"stream": "audio", "time": clock(heard)},
                suggestions=("Upload the file again.",),
            ) from error


def count_sound(path: Path) -> AudioInfo:
    """Decode the whole stream and count its samples.

    Raises:
        NotAudio: the file has no sound.
        EmptyMedia: the stream has no sample.
        TruncatedMedia: the header promises more than the file holds.
    """
    samples, first = 0, None
    for frame in decode_sound(path):
        first = first or frame
        samples += frame.samples
    with open_media(path) as container:
        stream = container.streams.audio[0]
        context = stream.codec_context
        base = stream.time_base or Fraction(1, context.sample_rate or 1)
        # Where the length is only guessed from the bit rate (raw MP3 and AAC) it proves nothing.
        exact = container.format.name.startswith(("mov", "wav", "w64", "flac", "aiff", "caf"))
        declared = (stream.duration or 0) * base if exact else Fraction(0)
        name = context.name
    if first is None:
        raise EmptyMedia(
            "The audio stream holds no sample.",
            where={"stream": "audio"},
            suggestions=("Export the file again, and look whether it plays.",),
            media={"audio_samples": 0},
        )
    duration = Fraction(samples, first.sample_rate)
    declared += _riff_lack(path) * duration
    if declared - duration > Fraction(1, 4):
        raise TruncatedMedia(
            f"The sound ends at {clock(duration)}, but its header promises {clock(declared)}.",
            where={"stream": "audio", "time": clock(duration)},
            suggestions=("Upload the whole file again.",),
            media={"audio_samples": samples},
        )
    start = first.pts * Fraction(first.time_base) if first.pts is not None and first.time_base else Fraction(0)
    return AudioInfo(
        codec=name,
        sample_rate=first.sample_rate,
        channels=first.layout.nb_channels,
        layout=first.layout.name,
        samples=samples,
        start=start,
    )


def _riff_lack(path: Path) -> int:
    """1 when a RIFF file is shorter than its header says, else 0; a stream's header says 2 GiB or more and is not believed."""
    with path.open("rb") as file:
        head = file.read(8)
    size = int.from_bytes(head[4:], "little")
    return int(head[:4] == b"RIFF" and size < 0x7FFFFF00 and size + 8 > path.stat().st_size + 1)


def planned_sound(path: Path, plan: SyncPlan | None) -> Iterator[AudioFrame]:
    """Decoded frames of what the plan keeps (its padding is the writer's); the last frame is cut to the sample."""
    left = plan.keep if plan is not None else None
    for frame in decode_sound(path):
        if left is None:
            yield frame
            continue
        if frame.samples > left:
            if left:
                yield _head(frame, left)
            return
        left -= frame.samples
        yield frame


def _head(frame: AudioFrame, samples: int) -> AudioFrame:
    """The first samples of a frame."""
    values: NDArray[Any] = frame.to_ndarray()
    width = samples if frame.format.is_planar else samples * frame.layout.nb_channels
    short = AudioFrame.from_ndarray(np.ascontiguousarray(values[:, :width]), frame.format.name, frame.layout.name)
    short.sample_rate, short.pts, short.time_base = frame.sample_rate, frame.pts, frame.time_base
    return short


def mono_samples(samples: int, sample_rate: int, rate: int = SPEECH_RATE) -> int:
    """How many samples at ``rate`` a stream of ``samples`` becomes: the last one counts when it has begun."""
    return -(-samples * rate // sample_rate)


def mono_windows(path: Path, window: int, plan: SyncPlan | None = None, rate: int = SPEECH_RATE) -> Iterator[Samples]:
    """The sound as mono float32 windows of exactly ``window`` samples at ``rate``; only the last may be shorter.

    One resampler (libswresample) runs over the whole stream, so that windows join without a seam and sample i lies at
    i / rate seconds. The plan's cut and silence are applied. Their total is `mono_samples` of what was kept and padded.

    Args:
        path: any file with sound.
        window: samples per window.
        plan: what of the sound is used; all of it by default.
        rate: samples per second.
    """
    pending: list[Samples] = []
    held = 0
    for block in _mono_blocks(path, plan, rate):
        pending.append(block)
        held += len(block)
        if held >= window:
            joined = np.concatenate(pending)
            whole = held // window * window
            yield from np.split(joined[:whole], whole // window)
            pending, held = [joined[whole:]], held - whole
    if held:
        yield np.concatenate(pending)


def _mono_blocks(path: Path, plan: SyncPlan | None, rate: int) -> Iterator[Samples]:
    """Blocks of resampled mono, cut or filled to the exact count."""
    # Normalised down-mix: equal channels keep their level instead of adding up.
    resampler = AudioResampler("flt", "mono", rate, options={"rematrix_maxval": "1.0"})
    source, sample_rate, made = 0, 0, 0
    for frame in planned_sound(path, plan):
        source, sample_rate = source + frame.samples, frame.sample_rate
        frame.pts = None
        for out in resampler.resample(frame):
            made += out.samples
            yield _flat(out)
    if source == 0:
        return
    total = mono_samples(source + (plan.pad if plan is not None else 0), sample_rate, rate)
    for out in resampler.resample(None):
        block = _flat(out)[: max(0, total - made)]
        made += len(block)
        yield block
    while made < total:
        block = np.zeros(min(rate, total - made), np.float32)
        made += len(block)
        yield block


def _flat(frame: AudioFrame) -> Samples:
    return frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)


@dataclass(frozen=True)
class SoundLevel:
    """Level of a whole stream: mean, standard deviation and peak of the mono signal (full scale 1)."""

    mean: float
    std: float
    peak: float
    samples: int


def sound_level(path: Path, plan: SyncPlan | None = None) -> SoundLevel:
    """Level statistics in one streaming pass, accumulated in float64."""
    count, total, square, peak = 0, 0.0, 0.0, 0.0
    for block in mono_windows(path, SPEECH_RATE, plan):
        wide = block.astype(np.float64)
        count, total, square = count + len(wide), total + float(wide.sum()), square + float(wide @ wide)
        peak = max(peak, float(np.abs(wide).max()))
    if count == 0:
        return SoundLevel(0.0, 0.0, 0.0, 0)
    mean = total / count
    return SoundLevel(mean, max(0.0, square / count - mean * mean) ** 0.5, peak, count)


def envelope(path: Path, bins: int, samples: int, plan: SyncPlan | None = None) -> Samples:
    """Peak level [bins] over equal parts of the sound, to draw a waveform.

    Args:
        path: any file with sound.
        bins: number of parts.
        samples: length of the sound at `SPEECH_RATE` (see `mono_samples`).
        plan: what of the sound is used.
    """
    peaks = np.zeros(bins, np.float32)
    at = 0
    for block in mono_windows(path, SPEECH_RATE, plan):
        part = np.minimum((np.arange(at, at + len(block)) * bins) // max(1, samples), bins - 1)
        np.maximum.at(peaks, part, np.abs(block))
        at += len(block)
    return peaks
