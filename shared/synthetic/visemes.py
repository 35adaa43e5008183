"""Mouth trajectories from phones: dominance functions (Cohen and Massaro 1993) with closures that are always reached."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from fractions import Fraction

import numpy as np

from .canonical import F32, f32
from .espeak import Phone
from .phonemes import SILENCE, Viseme, is_stressed, parts
from .shape import Mouth

CONTROLS = tuple(f.name for f in fields(Mouth))
TRACK_RATE = 200
# Lips lead the sound: targets begin to act this much earlier (seconds).
_LEAD = 0.035
_SPREAD = 0.060
# A closure is at least this long, so that a 25 fps camera sees it.
_CLOSURE = 0.064
# Shorter gaps between words do not act on the lips.
_PAUSE = 0.1


@dataclass(frozen=True)
class MouthTrack:
    """Mouth controls over time, [n, 7] in the order of `CONTROLS`, `TRACK_RATE` rows per second from time 0."""

    values: F32

    def at(self, seconds: F32) -> F32:
        """Controls [k, 7] at the given times; beyond the ends the first and last rows hold."""
        t = np.arange(len(self.values)) / TRACK_RATE
        return np.stack([np.interp(seconds, t, column) for column in self.values.T], 1).astype(np.float32)

    def frames(self, count: int, fps: Fraction, start: float = 0.0) -> F32:
        """Controls [count, 7] at the frames' centres, (i + 1/2) / fps after `start`."""
        centres = (np.arange(count) + 0.5) / float(fps) + start
        return self.at(centres.astype(np.float32))


@dataclass(frozen=True)
class _Segment:
    viseme: Viseme
    start: float
    end: float
    gain: float


def mouth(row: F32) -> Mouth:
    """A row of controls as a mouth pose."""
    return Mouth(*(float(v) for v in row))


def _segments(phones: Sequence[Phone]) -> list[_Segment]:
    out: list[_Segment] = []
    for phone in phones:
        visemes = parts(phone.ipa)
        step = (phone.end - phone.start) / len(visemes)
        gain = 1.08 if is_stressed(phone.ipa) else 1.0
        for i, viseme in enumerate(visemes):
            start = phone.start + i * step
            if out and viseme is SILENCE and out[-1].viseme is SILENCE:
                out[-1] = replace(out[-1], end=start + step)
            else:
                out.append(_Segment(viseme, start, start + step, gain))
    # What espeak marks as a pause between words but hardly lasts is no pause for the lips.
    return [s for s in out if s.viseme is not SILENCE or s.end - s.start >= _PAUSE]


def trajectory(phones: Sequence[Phone], seconds: float, effort: float = 1.0) -> MouthTrack:
    """The mouth over `seconds` of speech; `effort` scales how wide vowels open.

    Where no phone is, the mouth is closed. For m b p and f v, and in pauses of 100 ms or more, the lips meet.
    """
    t = (np.arange(int(np.ceil(seconds * TRACK_RATE)) + 1) / TRACK_RATE).astype(np.float32)
    segments = _segments(phones)
    first, last = (segments[0].start, segments[-1].end) if segments else (seconds, seconds)
    segments = [_Segment(SILENCE, -1.0, first, 1.0), *segments, _Segment(SILENCE, last, max(seconds, last) + 1.0, 1.0)]
    weighted = np.zeros((len(t), len(CONTROLS)), np.float32)
    total = np.full(len(t), 1e-6, np.float32)
    sealed = np.zeros(len(t), np.float32)
    for s in segments:
        target = f32(astuple(s.viseme.mouth))
        target[0] *= s.gain * effort
        hold = _hold(t, s)
        weighted += hold[:, None] * target
        total += hold
        if s.viseme.closure:
            sealed = np.maximum(sealed, _seal(t, s))
    values = weighted / total[:, None]
    kernel = np.hanning(9).astype(np.float32)
    padded = np.pad(values, ((4, 4), (0, 0)), mode="edge")
    values = np.stack([np.convolve(c, kernel / kernel.sum(), "valid") for c in padded.T], 1).astype(np.float32)
    values[:, 0] *= 1 - sealed
    values[:, 0] = np.clip(values[:, 0], 0, 1)
    return MouthTrack(values)


def _hold(t: F32, s: _Segment) -> F32:
    """Dominance of a segment over time: 1 inside, falling off exponentially outside."""
    inset = 0.2 * (s.end - s.start)
    outside = np.maximum(s.start - _LEAD + inset - t, t - (s.end - _LEAD * 0.5 - inset))
    spread = _SPREAD * (0.6 if s.viseme.closure else 1.0)
    return f32(s.viseme.dominance) * np.exp(-np.clip(outside, 0, None) / spread).astype(np.float32)


def _seal(t: F32, s: _Segment) -> F32:
    """How closed the lips are because of one closure: 1 through it, with ramps of about 50 ms.

    Silence closes late and opens early (speech breathes around its sound), and a very short one does not close.
    """
    if s.viseme is SILENCE:
        start, end = s.start + 0.06, s.end - 0.09
        if end - start < 0.01:
            return np.zeros_like(t)
        ramp = 0.07
    else:
        middle, half = (s.start + s.end) / 2 - 0.01, max((s.end - s.start) * 0.75, _CLOSURE) / 2
        start, end, ramp = middle - half, middle + half, 0.05
    outside = np.maximum(start - t, t - end)
    x = np.clip(1 - outside / ramp, 0, 1)
    return (x * x * (3 - 2 * x)).astype(np.float32)
