"""One engine per preset, version and thread: a gRPC client must not be shared."""

import threading
from collections.abc import Callable

from dubbing.inference.engine import LipSyncEngine

OpenEngine = Callable[[str, int | None], LipSyncEngine]


class Engines:
    """Opens engines on first use and keeps them for the thread that asked."""

    def __init__(self, open_engine: OpenEngine) -> None:
        self._open = open_engine
        self._local = threading.local()

    def get(self, preset: str, version: int | None = None) -> LipSyncEngine:
        """The calling thread's engine for a version of ``preset``."""
        held: dict[tuple[str, int | None], LipSyncEngine] = self._local.__dict__.setdefault("engines", {})
        if (preset, version) not in held:
            held[preset, version] = self._open(preset, version)
        return held[preset, version]
