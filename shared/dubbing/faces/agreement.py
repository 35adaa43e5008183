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
than a stretch. So an agreement is told at `LEVEL` or below, which unrelated sound reaches in 5 % at most.

Choices:
- One shift for a whole shot would leave too few orders: neighbouring shifts share their best lag, so that ten seconds have ten
  that differ, and nothing could be rarer than one in ten. Stretches that are shifted apart have millions.
- Lags are circular within a stretch too, so that the real order is treated as all others are. A mouth that is late by five
  frames loses a tenth of its score by that.
- Openings and loudness are centred in every stretch, and scaled in every shot by itself: a language is pooled from shots of
  other faces at other distances, and what hardly moves hardly counts.

Legend: V frames of the title, n frames of a stretch, M of these with an opening, O orders, L lags.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dubbing.domain.findings import FrameRange
from dubbing.domain.receipt import Agreement

Series = NDArray[np.float64]

LEVEL: Final = 0.04
ORDERS: Final = 10_000
_SEED: Final = 0
# Seconds: of a stretch, of the shortest that is judged, and of the largest lag.
_STRETCH: Final = 2
_SHORTEST: Final = 1
_REACH: Final = Fraction(12, 25)
# Fewer openings, or a mouth or sound that hardly moves, say nothing about agreement.
_LEAST_FRAMES: Final = 8
_LEAST_SPREAD: Final = 1e-3
_TINY: Final = 1e-9


class Loss(NamedTuple):
    """What became of a mouth's agreement with a sound when it was painted anew.

    Attributes:
        before: of the source's mouth; None where there is nothing to judge by.
        after: of the painted one, over the same frames.
        significance: share of the orders in which stretches of both mouths change places and the score falls as much.
    """

    before: Agreement | None
    after: Agreement | None
    significance: float

    @property
    def less(self) -> bool:
        """The source's mouth agreed beyond chance, and the painted one agrees less than chance explains."""
        return differs_from_chance(self.before) and self.significance <= LEVEL

    @property
    def lost(self) -> bool:
        """Less, and what is left is no more than chance."""
        return self.less and not differs_from_chance(self.after)


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
    lags_L, draw = _lags(fps), np.random.default_rng(_SEED)
    pool = _Sums.empty(len(lags_L))
    for stretch in _stretches(opening_V, loudness_V, shots, fps):
        shifts_O = draw.integers(0, len(stretch.loudness_n), ORDERS)
        shifts_O[0] = 0
        pool = pool.plus(_by_shift(stretch, lags_L).at(shifts_O))
    return _judged(pool.scores(), lags_L)


def loss(before_V: Series, after_V: Series, loudness_V: Series, shots: Sequence[FrameRange], fps: Fraction) -> Loss:
    """Whether a painted mouth agrees with a sound less than the source's mouth does, frame by frame the same.

    If it agrees as well, the two may change places in any stretch and the difference of their scores stays what it was but for
    chance; so the fall is compared with its falls when they do, in stretches drawn by lot.

    Args:
        before_V: opening of the source's mouth per frame of the title; NaN where none was measured.
        after_V: of the painted one. Frames that lack either are left out.
        loudness_V: of the sound that both are compared with.
        shots: see `agreement`.
        fps: see `agreement`.
    """
    both_V = np.isfinite(before_V) & np.isfinite(after_V)
    lags_L, draw = _lags(fps), np.random.default_rng(_SEED)
    before_V, after_V = (np.where(both_V, opening_V, np.nan) for opening_V in (before_V, after_V))
    one, other = (_Sums.empty(len(lags_L)) for _ in range(2))
    for was, now in zip(*(_stretches(opening_V, loudness_V, shots, fps) for opening_V in (before_V, after_V)), strict=True):
        places_O = draw.integers(0, 2, ORDERS)
        places_O[0] = 0
        pair = _Sums.pair(_by_shift(was, lags_L), _by_shift(now, lags_L))
        one, other = one.plus(pair.at(places_O)), other.plus(pair.at(1 - places_O))
    falls_O = one.scores().max(axis=1) - other.scores().max(axis=1)
    before, after = (agreement(opening_V, loudness_V, shots, fps) for opening_V in (before_V, after_V))
    return Loss(before, after, _share(falls_O))


class _Stretch(NamedTuple):
    """Openings of the frames ``at_M``, and the loudness of all frames, both centred and scaled."""

    at_M: NDArray[np.intp]
    opening_M: Series
    loudness_n: Series


class _Sums(NamedTuple):
    """What correlations are made of, by order: sums of products and squared loudness [O, L], and of squared opening [O, 1]."""

    products: Series
    loudness: Series
    opening: Series

    @classmethod
    def empty(cls, lags: int) -> "_Sums":
        """Nothing yet."""
        return cls(*(np.zeros((ORDERS, width)) for width in (lags, lags, 1)))

    @classmethod
    def pair(cls, one: "_Sums", other: "_Sums") -> "_Sums":
        """The real orders of two."""
        return cls(*(np.stack([a[0], b[0]]) for a, b in zip(one, other, strict=True)))

    def at(self, orders_O: NDArray[np.int64]) -> "_Sums":
        """The rows that were drawn."""
        return _Sums(*(values[orders_O] for values in self))

    def plus(self, other: "_Sums") -> "_Sums":
        """Itself, with the other's added."""
        for mine, theirs in zip(self, other, strict=True):
            np.add(mine, theirs, out=mine)
        return self

    def scores(self) -> Series:
        """Correlations [O, L]; 0 where nothing moves."""
        scale = np.sqrt(self.loudness * self.opening)
        return np.divide(self.products, scale, out=np.zeros_like(scale), where=scale > _TINY)


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


def _by_shift(stretch: _Stretch, lags_L: NDArray[np.int64]) -> _Sums:
    """The sums for every circular shift of a stretch's loudness, [n, L]."""
    frames = len(stretch.loudness_n)
    shifted = stretch.loudness_n[(stretch.at_M - np.arange(frames)[:, None]) % frames]
    by_shift, squares = shifted @ stretch.opening_M, np.square(shifted).sum(axis=1)
    total = (np.arange(frames)[:, None] + lags_L) % frames  # a lag is a shift more
    return _Sums(by_shift[total], squares[total], np.full((frames, 1), np.square(stretch.opening_M).sum()))


def _judged(scores_OL: Series, lags_L: NDArray[np.int64]) -> Agreement | None:
    if not scores_OL[0].any():
        return None
    place = int(scores_OL[0].argmax())
    return Agreement(
        score=round(float(scores_OL[0, place]), 3),
        lag_frames=int(lags_L[place]),
        significance=_share(scores_OL.max(axis=1)),
    )


def _share(values_O: Series) -> float:
    """Share of the orders whose value is at least the real one's."""
    return float(np.mean(values_O >= values_O[0] - _TINY))
