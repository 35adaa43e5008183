"""The delivered sound as mono at the speech encoder's rate: windows, levels, and an envelope to draw."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from dubbing.domain.media import AudioInfo, SyncPlan
from dubbing.media.sound import Values, sound_blocks

SPEECH_RATE = 16_000
Samples = NDArray[np.float32]

_FORMATS = {"int16": "s16", "int32": "s32", "float32": "flt"}


def mono_samples(samples: int, sample_rate: int, rate: int = SPEECH_RATE) -> int:
    """How many samples at ``rate`` a stream of ``samples`` becomes: the last one counts when it has begun."""
    return -(-samples * rate // sample_rate)


def mono_windows(
    path: Path, info: AudioInfo, window: int, plan: SyncPlan | None = None, rate: int = SPEECH_RATE
) -> Iterator[Samples]:
    """The sound as mono float32 windows of exactly ``window`` samples at ``rate``; only the last may be shorter.

    One resampler (libswresample) runs over the whole stream, so that windows join without a seam and sample i lies at
    i / rate seconds of the delivered track. Their total is `mono_samples` of its length.

    Args:
        path: any file with sound.
        info: what `dubbing.media.measure.measure_sound` found in it.
        window: samples per window.
        plan: how the sound is used; all of it by default.
        rate: samples per second.
    """
    pending: list[Samples] = []
    held = 0
    for block in _mono_blocks(path, info, plan, rate):
        pending.append(block)
        held += len(block)
        if held >= window:
            joined = np.concatenate(pending)
            whole = held // window * window
            yield from np.split(joined[:whole], whole // window)
            pending, held = [joined[whole:]], held - whole
    if held:
        yield np.concatenate(pending)


def _mono_blocks(path: Path, info: AudioInfo, plan: SyncPlan | None, rate: int) -> Iterator[Samples]:
    """Blocks of resampled mono, cut or filled to the exact count."""
    # Normalised down-mix: equal channels keep their level instead of adding up.
    resampler = AudioResampler("flt", "mono", rate, options={"rematrix_maxval": "1.0"})
    source, made = 0, 0
    for values in sound_blocks(path, info, plan):
        source += len(values)
        for out in resampler.resample(_frame(values, info)):
            made += out.samples
            yield _flat(out)
    if source == 0:
        return
    total = mono_samples(source, info.sample_rate, rate)
    for out in resampler.resample(None):
        block = _flat(out)[: max(0, total - made)]
        made += len(block)
        yield block
    while made < total:
        block = np.zeros(min(rate, total - made), np.float32)
        made += len(block)
        yield block


def _frame(values: Values, info: AudioInfo) -> AudioFrame:
    """A frame of the values; channels without a layout count equally."""
    layout = info.layout or "mono"
    if info.layout is None:
        scale = 1.0 if values.dtype.kind == "f" else 1.0 / (1 << (8 * values.dtype.itemsize - 1))
        values = (values.astype(np.float32) * np.float32(scale)).mean(axis=1, keepdims=True, dtype=np.float32)
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(values).reshape(1, -1), _FORMATS[values.dtype.name], layout)
    frame.sample_rate = info.sample_rate
    return frame


def _flat(frame: AudioFrame) -> Samples:
    return frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)


@dataclass(frozen=True)
class SoundLevel:
    """Level of a whole stream: mean, standard deviation and peak of the mono signal (full scale 1)."""

    mean: float
    std: float
    peak: float
    samples: int


def sound_level(path: Path, info: AudioInfo, plan: SyncPlan | None = None) -> SoundLevel:
    """Level statistics in one streaming pass, accumulated in float64."""
    count, total, square, peak = 0, 0.0, 0.0, 0.0
    for block in mono_windows(path, info, SPEECH_RATE, plan):
        wide = block.astype(np.float64)
        count, total, square = count + len(wide), total + float(wide.sum()), square + float(wide @ wide)
        peak = max(peak, float(np.abs(wide).max()))
    if count == 0:
        return SoundLevel(0.0, 0.0, 0.0, 0)
    mean = total / count
    return SoundLevel(mean, max(0.0, square / count - mean * mean) ** 0.5, peak, count)


def envelope(path: Path, info: AudioInfo, bins: int, samples: int, plan: SyncPlan | None = None) -> Samples:
    """Peak level [bins] over equal parts of the sound, to draw a waveform.

    Args:
        path: any file with sound.
        info: its facts.
        bins: number of parts.
        samples: length of the sound at `SPEECH_RATE` (see `mono_samples`).
        plan: how the sound is used.
    """
    peaks = np.zeros(bins, np.float32)
    at = 0
    for block in mono_windows(path, info, SPEECH_RATE, plan):
        part = np.minimum((np.arange(at, at + len(block)) * bins) // max(1, samples), bins - 1)
        np.maximum.at(peaks, part, np.abs(block))
        at += len(block)
    return peaks
