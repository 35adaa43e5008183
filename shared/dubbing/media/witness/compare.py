"""Holding one reading against another: what must be equal, how equal, and what differs in words.

Frame times are equal when each is within one tick of the coarser time base and never more than a quarter of its own duration
off: where a tick is a whole frame, a tick is no tolerance.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction

from dubbing.domain.findings import FrameRange, frame_ranges
from dubbing.domain.witness import Difference

_QUARTER = Fraction(1, 4)
_MOST_NAMED = 20


def compare_times(
    first: Sequence[Fraction],
    second: Sequence[Fraction],
    tick: Fraction,
    last: Fraction,
    without: Collection[int] = (),
) -> list[Difference]:
    """Frames that one reading has and the other has not, or has at another time.

    Args:
        first: seconds of each frame after the first one, by one reading.
        second: the same by the other.
        tick: seconds of the coarser time base's tick.
        last: seconds that the last frame is shown for.
        without: frames whose times are not compared.
    """
    if len(first) != len(second):
        fewer = min(len(first), len(second))
        return [
            Difference(
                fact="frames",
                first=str(len(first)),
                second=str(len(second)),
                frames=(FrameRange(start=fewer, end=max(len(first), len(second))),),
            )
        ]
    wrong = [frame for frame in _displaced(first, second, tick, last) if frame not in without]
    if not wrong:
        return []
    at = wrong[0]
    return [
        Difference(
            fact="times",
            first=f"frame {at} at {float(first[at]):.6f} s",
            second=f"frame {at} at {float(second[at]):.6f} s",
            frames=frame_ranges(wrong)[:_MOST_NAMED],
        )
    ]


def _displaced(first: Sequence[Fraction], second: Sequence[Fraction], tick: Fraction, last: Fraction) -> Iterator[int]:
    for frame, (a, b) in enumerate(zip(first, second, strict=True)):
        length = first[frame + 1] - a if frame + 1 < len(first) else last
        if abs(a - b) > min(tick, _QUARTER * length):
            yield frame


def compare(fact: str, first: object, second: object) -> list[Difference]:
    """A difference when both are known and not the same."""
    if first is None or second is None or first == second:
        return []
    return [Difference(fact=fact, first=str(first), second=str(second))]


def compare_seconds(fact: str, first: Fraction | None, second: Fraction | None, tolerance: Fraction) -> list[Difference]:
    """A difference when both are known and lie further apart than the tolerance."""
    if first is None or second is None or abs(first - second) <= tolerance:
        return []
    return [Difference(fact=fact, first=f"{float(first):.6f} s", second=f"{float(second):.6f} s")]


def times_digest(seconds: Sequence[Fraction]) -> str:
    """SHA-256 of frame times, each as ``numerator/denominator`` on a line."""
    digest = hashlib.sha256()
    for time in seconds:
        digest.update(f"{time.numerator}/{time.denominator}\n".encode())
    return digest.hexdigest()
