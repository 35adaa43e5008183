"""Time, asked for in one place: wall time in UTC, and seconds that never go back."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The time of day, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds from an arbitrary start; for durations and pacing."""
    return time.monotonic()
