"""Times of a picture as requests have them, in frames."""

from fractions import Fraction
from math import ceil, floor

from dubbing.domain.findings import FrameRange
from dubbing.domain.timecode import from_timecode
from dubbing.errors import BadInput, NoSuchShot
from services.api.title_schemas import TimeRange


def frames(given: TimeRange | str | float, fps: Fraction, count: int, pointer: str) -> FrameRange:
    """The frames of a range, or the one of a time; a part of a frame names the whole of it.

    Args:
        given: time codes from 00:00:00:00, or seconds from the first frame.
        fps: the picture's rate.
        count: how many frames it has.
        pointer: where in the request ``given`` stands.

    Raises:
        NoSuchShot: the picture has no such time.
    """
    where = {"pointer": pointer}
    try:
        if isinstance(given, TimeRange):
            first, last = floor(_frame(given.start, fps)), ceil(_frame(given.end, fps))
        else:
            first = floor(_frame(given, fps))
            last = first + 1
    except BadInput as error:
        raise NoSuchShot(error.detail, where={**where, **error.where}) from error
    if not first < last <= count:
        raise NoSuchShot(f"Frames {first} to {last} are no part of a picture of {count} frames.", where=where)
    return FrameRange(start=first, end=last)


def _frame(time: str | float, fps: Fraction) -> Fraction:
    """Where a time lies, in frames; a decimal is taken as it is written."""
    return Fraction(from_timecode(time, fps)) if isinstance(time, str) else Fraction(str(time)) * fps
