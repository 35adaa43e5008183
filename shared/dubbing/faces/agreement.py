"""How the opening of a mouth agrees with the loudness of a track, and whether chance would agree as well.

The score is the correlation of the mouth's opening, measured by landmarks, with the track's loudness in the speech band, at the
best lag of up to half a second. The best of so many lags is large by chance where frames are few: over 81 frames unrelated
speech reaches 0.25 at the median and 0.55 in one try of twenty. So a score says nothing without its significance. It is coarse
(mouths also move for what is quiet, and sound goes on behind closed lips), and it is not SyncNet's confidence.

The significance comes from a permutation test by circular shifts. The frames of every shot are cut into stretches of about two
seconds. In each, the loudness is shifted circularly against the openings by a number of frames that is drawn evenly from all
that the stretch has, apart from the other stretches, and the best of all lags is taken anew, as for the real order. The
significance is the share of `ORDERS`, the real one among them, whose best is at least the real best. The draws are seeded: the
same openings and loudness give the same significance.

Where mouth and sound have nothing to do with each other, every shift is as likely as the real order, so a significance of 0.05
or less would come up in one try of twenty. Measured, it comes up in 5 to 6.5 %, most where two voices keep one rhythm longer
than a stretch. So an agreement is told at `LEVEL` or below, which unrelated sound reaches in about 5 % at most.

Choices:
- One shift for a whole shot would leave too few orders: neighbouring shifts share their best lag, so that ten seconds have ten
  that differ, and nothing could be rarer than one in ten. Stretches that are shifted apart have millions.
- Lags are circular within a stretch too, so that the real order is treated as all others are. A mouth that is late by five
  frames loses a tenth of its score by that.
- Openings and loudness are centred in every stretch, and scaled in every shot by itself: a language is pooled from shots of
  other faces at other distances, and what hardly moves hardly counts.

Legend: V frames of the title, n frames of a stretch, M of these with an opening, O orders, L lags.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.findings import FrameRange
from dubbing.domain.receipt import Agreement

Series = NDArray[np.float64]

LEVEL: Final = 0.04
_FALL: Final = 0.001
_GONE: Final = 0.1
ORDERS: Final = 10_000
_AT_ONCE: Final = 1_000  # what is worked on stays in the processor's cache
_SEED: Final = 0
# Seconds: of a stretch, of the shortest that is judged, and of the largest lag.
_STRETCH: Final = 2
_SHORTEST: Final = 1
_REACH: Final = Fraction(12, 25)
# Fewer openings, or a mouth or sound that hardly moves, say nothing about agreement.
_LEAST_FRAMES: Final = 8
_LEAST_SPREAD: Final = 1e-3
_TINY: Final = 1e-9


class TakeSeries(NamedTuple):
    """A mouth and its sound: opening and loudness per frame of the title, as `agreement` takes them."""

    opening_V: Series
    loudness_V: Series


class Loss(NamedTuple):
    """What became of the agreement of mouth and sound when both were replaced.

    Attributes:
        before: of the source's mouth with the source's sound; None where there is nothing to judge by.
        after: of the painted mouth with the new track, over the same frames.
        significance: share of the orders in which stretches of both takes change places and the score falls as much.
    """

    before: Agreement | None
    after: Agreement | None
    significance: float

    @property
    def lost(self) -> bool:
        """The source agreed beyond chance, the new take agrees as chance does, and chance does not explain the fall.

        A master that is as good as its source shall hardly ever be told of: the fall has to be clearer than an agreement.
        """
        fell = differs_from_chance(self.before) and self.significance <= _FALL
        return fell and (self.after is None or self.after.significance > _GONE)


def differs_from_chance(found: Agreement | None) -> bool:
    """Whether an agreement may be told as one."""
    return found is not None and found.significance <= LEVEL


def agreement(opening_V: Series, loudness_V: Series, shots: Sequence[FrameRange], fps: Fraction) -> Agreement | None:
    """The agreement of mouths with a sound, pooled over shots; None where there is nothing to judge by.

    Args:
        opening_V: mouth opening per frame of the title, in any unit; NaN where none was measured.
        loudness_V: speech-band loudness at the same frames, in decibels.
        shots: the frames to judge; nothing is compared across their ends.
        fps: frames per second, the mean where they vary.
    """
    lags_L = _lags(fps)
    tables = [_Table.of(stretch, lags_L) for stretch in _stretches(opening_V, loudness_V, shots, fps)]
    real_L = _scores(sum((table.rows()[0] for table in tables), np.zeros(2 * len(lags_L) + 1)))
    if not real_L.any():
        return None
    place = int(real_L.argmax())
    best_O = np.concatenate([_scores(sums).max(axis=1) for sums in _drawn([table.rows for table in tables])])
    return Agreement(score=round(float(real_L[place]), 3), lag_frames=int(lags_L[place]), significance=_share(best_O))


def loss(before: TakeSeries, after: TakeSeries, shots: Sequence[FrameRange], fps: Fraction) -> Loss:
    """Whether a new take agrees less than the source does, over the frames that both show and the shots where both sound.

    If it agrees as well, the two may change places in any stretch and the difference of their scores stays what it was but for
    chance; so the fall is compared with its falls when they do, in stretches drawn by lot. Fewer than ten stretches have too
    few orders: under 20 seconds nothing is lost.

    Args:
        before: the source's mouth and sound.
        after: the painted mouth and the new track. Frames in which either mouth was not measured are left out.
        shots: see `agreement`. Those in which either sound keeps its loudness, as silence does, are left out.
        fps: see `agreement`.
    """
    both_V = np.isfinite(before.opening_V) & np.isfinite(after.opening_V)
    takes = [take._replace(opening_V=np.where(both_V, take.opening_V, np.nan)) for take in (before, after)]
    sounding = [shot for shot in shots if all(_sounds(take.loudness_V, shot) for take in takes)]
    lags_L = _lags(fps)
    real = [[_Table.of(stretch, lags_L).rows()[0] for stretch in _stretches(*take, sounding, fps)] for take in takes]
    pairs = [partial(_exchanged, *pair) for pair in zip(*real, strict=True)]
    if not pairs:
        return Loss(None, None, 1.0)
    falls_O = np.concatenate([_fall(sums) for sums in _drawn(pairs)])
    was_so, is_so = (agreement(*take, sounding, fps) for take in takes)
    return Loss(was_so, is_so, _share(falls_O))


def _sounds(loudness_V: Series, shot: FrameRange) -> bool:
    return float(np.std(loudness_V[shot.start : shot.end])) > _LEAST_SPREAD


class _Stretch(NamedTuple):
    """Openings of the frames ``at_M``, and the loudness of all frames, both centred and scaled."""

    at_M: NDArray[np.intp]
    opening_M: Series
    loudness_n: Series


class _Table(NamedTuple):
    """What a stretch adds to correlations for each circular shift of its loudness, [n] or a number."""

    products_n: Series
    loudness_n: Series
    opening: float
    lags_L: NDArray[np.int64]

    @classmethod
    def of(cls, stretch: _Stretch, lags_L: NDArray[np.int64]) -> "_Table":
        """Sums of products, of squared loudness where an opening was measured, and of squared openings."""
        frames = len(stretch.loudness_n)
        shifted = stretch.loudness_n[(stretch.at_M - np.arange(frames)[:, None]) % frames]
        squared = float(np.square(stretch.opening_M).sum())
        return cls(shifted @ stretch.opening_M, np.square(shifted).sum(axis=1), squared, lags_L)

    def rows(self) -> Series:
        """For each shift, products and squared loudness at all lags, and squared openings: [n, 2 L + 1]."""
        frames = len(self.products_n)
        total = (np.arange(frames)[:, None] + self.lags_L) % frames  # a lag is a shift more
        return np.hstack([self.products_n[total], self.loudness_n[total], np.full((frames, 1), self.opening)])


def _exchanged(one: Series, other: Series) -> Series:
    """The real orders of two takes side by side, as they are and in each other's place."""
    return np.stack([np.concatenate([one, other]), np.concatenate([other, one])])


def _drawn(tables: Sequence[Callable[[], Series]]) -> Iterator[Series]:
    """Sums of one row of each table [a part of O, row], the rows drawn by lot; in the very first sum the first rows."""
    width = tables[0]().shape[1]
    for first in range(0, ORDERS, _AT_ONCE):
        draw = np.random.default_rng((_SEED, first))
        sums, taken = np.zeros((_AT_ONCE, width)), np.empty((_AT_ONCE, width))
        for table in tables:
            rows = table()
            order = draw.integers(0, len(rows), _AT_ONCE)
            if first == 0:
                order[0] = 0
            sums += np.take(rows, order, axis=0, out=taken, mode="clip")
        yield sums


def _scores(sums: Series) -> Series:
    """Correlations [..., L] of sums [..., 2 L + 1]; 0 where nothing moves."""
    lags = sums.shape[-1] // 2
    products, scale = sums[..., :lags], np.sqrt(sums[..., lags:-1] * sums[..., -1:])
    return np.divide(products, scale, out=np.zeros_like(scale), where=scale > _TINY)


def _fall(sums: Series) -> Series:
    """By how much the best score of the second half's take is below that of the first."""
    one, other = np.split(sums, 2, axis=-1)
    return np.asarray(_scores(one).max(axis=-1) - _scores(other).max(axis=-1))


def _lags(fps: Fraction) -> NDArray[np.int64]:
    """Lags in frames, the smallest first, so that ties go to it."""
    reach = max(1, round(_REACH * fps))
    return np.array(sorted(range(-reach, reach + 1), key=abs))


def _stretches(opening_V: Series, loudness_V: Series, shots: Sequence[FrameRange], fps: Fraction) -> Iterator[_Stretch]:
    for shot in shots:
        parts = list(_centred(opening_V, loudness_V, shot, fps))
        mouth, sound = _spread([part.opening_M for part in parts]), _spread([part.loudness_n for part in parts])
        for at_M, opening_M, loudness_n in parts:
            yield _Stretch(at_M, opening_M / mouth, loudness_n / sound)


def _centred(opening_V: Series, loudness_V: Series, shot: FrameRange, fps: Fraction) -> Iterator[_Stretch]:
    if len(shot) < _SHORTEST * fps:
        return
    count = max(1, round(len(shot) / (_STRETCH * fps)))
    edges = [shot.start + len(shot) * number // count for number in range(count + 1)]
    for start, end in pairwise(edges):
        at_M = np.flatnonzero(np.isfinite(opening_V[start:end]))
        if len(at_M) >= _LEAST_FRAMES:
            opening_M, loudness_n = opening_V[start:end][at_M], loudness_V[start:end]
            yield _Stretch(at_M, opening_M - opening_M.mean(), loudness_n - loudness_n.mean())


def _spread(parts: list[Series]) -> float:
    """Standard deviation within the parts of one shot; infinite where there is next to none: that shot shall count nothing."""
    spread = float(np.sqrt(np.mean(np.concatenate(parts) ** 2))) if parts else 0.0
    return spread if spread > _LEAST_SPREAD else np.inf


def _share(values_O: Series) -> float:
    """Share of the orders whose value is at least the real one's."""
    return float(np.mean(values_O >= values_O[0] - _TINY))
