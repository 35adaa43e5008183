"""Named laps of wall time."""

from collections.abc import Iterator
from contextlib import contextmanager

from dubbing import clock


class Stopwatch:
    """Collects seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        """Time the block under ``name``."""
        began = clock.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(clock.monotonic() - began, 3)
