"""Frame numbers as people read them: SMPTE ST 12-1 time code and wall-clock time."""

from fractions import Fraction

from dubbing.errors import BadInput

# Rates that drop-frame counting is defined for: 30000/1001 and its double.
_DROP_RATES = {Fraction(30_000, 1001): 2, Fraction(60_000, 1001): 4}


def to_timecode(frame: int, fps: Fraction, *, drop: bool = False) -> str:
    """Frame number to ``HH:MM:SS:FF`` (``HH:MM:SS;FF`` for drop-frame).

    Args:
        frame: frame number from 0.
        fps: exact frame rate; counted at the nearest whole rate, as time code is.
        drop: drop-frame counting: numbers 0 and 1 (0 to 3 at 60) are left out each minute but every tenth.

    Raises:
        BadInput: drop-frame counting at a rate that does not know it.
    """
    base = max(1, round(fps))
    if drop:
        lost = _dropped(fps)
        minute, ten = base * 60 - lost, base * 600 - lost * 9
        tens, rest = divmod(frame, ten)
        frame += lost * 9 * tens + (lost * ((rest - lost) // minute) if rest > lost else 0)
    seconds, ff = divmod(frame, base)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{';' if drop else ':'}{ff:02d}"


def from_timecode(text: str, fps: Fraction) -> int:
    """``HH:MM:SS:FF`` (or with ``;`` for drop-frame) to the frame number.

    Raises:
        BadInput: not a time code, a frame field beyond the rate, or a number that drop-frame counting leaves out.
    """
    drop = ";" in text
    base = max(1, round(fps))
    fields = text.replace(";", ":").split(":")
    if len(fields) != 4 or not all(f.isdecimal() for f in fields):
        raise BadInput(f"{text!r} is not a time code of the form HH:MM:SS:FF.", where={"timecode": text})
    h, m, s, f = (int(v) for v in fields)
    if m > 59 or s > 59 or f >= base:
        raise BadInput(f"{text} does not exist at {fps} frames per second.", where={"timecode": text})
    frame = ((h * 60 + m) * 60 + s) * base + f
    if not drop:
        return frame
    lost, minutes = _dropped(fps), h * 60 + m
    if s == 0 and f < lost and m % 10:
        raise BadInput(f"{text} is a number that drop-frame counting leaves out.", where={"timecode": text})
    return frame - lost * (minutes - minutes // 10)


def _dropped(fps: Fraction) -> int:
    if fps not in _DROP_RATES:
        raise BadInput(f"Drop-frame time code is not defined at {fps} frames per second.")
    return _DROP_RATES[fps]


def clock(seconds: Fraction) -> str:
    """Seconds as ``M:SS.mmm`` for messages."""
    ms = round(seconds * 1000)
    return f"{ms // 60_000}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"
