"""What time stamps say: holes in a sound, frames that are held, and times that cannot be believed."""

from bisect import bisect_left
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.media import Hole

Ticks = NDArray[np.int64]

# Recorders note times with jitter of a few milliseconds; a codec's frame that is missing leaves 20 ms or more.
_HOLE = Fraction(15, 1000)
_DRIFT = Fraction(40, 1000)
# With more broken times than this part, none of the others can be believed either.
_MOST_BROKEN = Fraction(1, 10)
# A frame that is shown longer than so many others, and than so many seconds, is held: something is missing after it.
_HELD_FRAMES = 4
_HELD_SECONDS = Fraction(1, 5)


class Course(NamedTuple):
    """How a sound's pieces follow one another.

    Attributes:
        start: seconds at which the first one begins.
        samples: samples in all.
        holes: time without sound between two pieces.
        drift: seconds by which the last piece is later than its samples and the holes explain; small ones are jitter.
    """

    start: Fraction
    samples: int
    holes: tuple[Hole, ...]
    drift: Fraction

    @property
    def drifts(self) -> bool:
        """Whether clock and samples part audibly."""
        return abs(self.drift) > _DRIFT


class Follower:
    """Follows the pieces of a sound in the order in which they are decoded.

    Args:
        rate: samples per second.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._start: Fraction | None = None
        self._late = Fraction(0)
        self._filled = 0
        self._samples = 0
        self._holes: list[Hole] = []

    def take(self, at: Fraction | None, samples: int) -> int:
        """Note a piece of ``samples`` that begins at ``at`` seconds (None: right after the one before).

        Returns:
            Samples of silence that lie before it.
        """
        gap = 0
        if at is not None:
            if self._start is None:
                self._start = at - Fraction(self._samples, self._rate)
            late = at - self._start - Fraction(self._samples + self._filled, self._rate)
            if late - self._late > _HOLE:
                gap = round((late - self._late) * self._rate)
                self._holes.append(Hole(at=self._samples, samples=gap))
                self._filled += gap
            else:
                self._late = late
        self._samples += samples
        return gap

    def course(self) -> Course:
        """All of it."""
        return Course(self._start or Fraction(0), self._samples, tuple(self._holes), self._late)


def held_frames(ticks: Ticks, last: int, base: Fraction) -> list[tuple[int, Fraction]]:
    """Frames that are shown much longer than their neighbours, each with its seconds.

    Args:
        ticks: ascending frame times.
        last: ticks that the last frame is shown for.
        base: seconds per tick.
    """
    steps = np.append(np.diff(ticks), last)
    usual = float(np.median(steps))
    places = np.flatnonzero((steps > _HELD_FRAMES * usual) & (steps * float(base) > float(_HELD_SECONDS)))
    return [(int(place), int(steps[place]) * base) for place in places]


def repaired(ticks: list[int | None]) -> tuple[Ticks, list[int]] | None:
    """Frame times made strictly ascending by changing as few as possible.

    The rule: as many of the file's own times as can stand together are kept. A frame whose time is missing, or not after
    that of the frame before it, is put evenly between its kept neighbours; of two frames with one time, the one beside the
    larger gap moves. Before the first and after the last kept time, frames follow at the usual distance.

    Args:
        ticks: times in display order; None where the file has none.

    Returns:
        The times and the numbers of the frames that were changed; None where too many are broken, or there is no room.
    """
    kept = _ascending(ticks)
    broken = sorted(set(range(len(ticks))) - set(kept))
    if not kept or len(broken) > max(1, int(len(ticks) * _MOST_BROKEN)):
        return None
    kept = _beside_larger_gaps(ticks, kept)
    known = np.array([ticks[place] for place in kept], np.int64)
    steps = np.diff(known) / np.diff(kept) if len(kept) > 1 else np.ones(1)
    usual = max(1.0, float(np.median(steps)))
    before, after = kept[0], len(ticks) - 1 - kept[-1]
    places = np.concatenate([np.arange(before), kept, kept[-1] + 1 + np.arange(after)])
    values = np.concatenate([known[0] - usual * np.arange(before, 0, -1), known, known[-1] + usual * np.arange(1, after + 1)])
    times = np.rint(np.interp(np.arange(len(ticks)), places, values)).astype(np.int64)
    if (np.diff(times) <= 0).any():
        return None
    return times, sorted(set(range(len(ticks))) - set(kept))


def _ascending(ticks: list[int | None]) -> list[int]:
    """Places of the longest strictly ascending run of times (patience sorting)."""
    tails: list[int] = []
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for place, tick in enumerate(ticks):
        if tick is None:
            continue
        rank = bisect_left(tails, tick)
        before[place] = ends[rank - 1] if rank else None
        tails[rank : rank + 1] = [tick]
        ends[rank : rank + 1] = [place]
    found: list[int] = []
    last = ends[-1] if ends else None
    while last is not None:
        found.append(last)
        last = before[last]
    return found[::-1]


def _beside_larger_gaps(ticks: list[int | None], kept: list[int]) -> list[int]:
    """Of each pair with one time, the frame that has more room on its other side gives way."""
    chosen = set(kept)
    for first in range(len(ticks) - 1):
        pair = (first, first + 1)
        if ticks[first] is None or ticks[first] != ticks[first + 1] or len(chosen & set(pair)) != 1:
            continue
        now = ticks[first] or 0
        earlier, later = ticks[first - 1] if first else None, ticks[first + 2] if first + 2 < len(ticks) else None
        room_before = now - earlier if earlier is not None else 0
        room_after = later - now if later is not None else room_before + 1
        chosen -= set(pair)
        chosen.add(first + 1 if room_before > room_after else first)
    return sorted(chosen)
