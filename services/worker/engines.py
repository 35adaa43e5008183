"""One engine per preset and thread: a gRPC client must not be shared."""

import threading
from collections.abc import Callable

from dubbing.inference.engine import LipSyncEngine

OpenEngine = Callable[[str], LipSyncEngine]


class Engines:
    """Opens engines on first use and keeps them for the thread that asked."""

    def __init__(self, open_engine: OpenEngine) -> None:
        self._open = open_engine
        self._local = threading.local()

    def get(self, preset: str) -> LipSyncEngine:
        """The calling thread's engine for ``preset``."""
        held: dict[str, LipSyncEngine] = self._local.__dict__.setdefault("engines", {})
        if preset not in held:
            held[preset] = self._open(preset)
        return held[preset]
