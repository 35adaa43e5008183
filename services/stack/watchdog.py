"""Tells a slow start from one that leads nowhere: on a busy machine a server may need many minutes, but it works meanwhile."""

import time
from contextlib import suppress

import psutil

from services.stack import reap
from services.stack.plan import ProcessStatus

# A process that waits in vain (for a port, a lock, a server that is away) uses less processor time than this share; one that
# loads its models uses more even where thirty others want the same two cores.
LEAST_SHARE = 0.01
STUCK_SECONDS = 90.0
# Whatever it does: a start that takes longer is a mistake.
LONGEST_SECONDS = 1800.0
_POLL_SECONDS = 5.0


class Watchdog:
    """Watches processes that are not ready: those of one start, or one that has stopped answering.

    Args:
        stuck: seconds without work after which a process is given up.
        longest: seconds after which it is given up although it works.
    """

    def __init__(self, stuck: float = STUCK_SECONDS, longest: float = LONGEST_SECONDS) -> None:
        self._stuck = stuck
        self._longest = longest
        self._began = time.monotonic()
        self._marks: dict[str, tuple[float, float, int | None]] = {}  # when, processor seconds by then, pid
        self._polled: dict[str, float] = {}

    def stall_reason(self, process: ProcessStatus) -> str | None:
        """Why it is of no use to wait for ``process`` any longer; None while it is. Cheap enough for every tick."""
        now = time.monotonic()
        if now - self._polled.get(process.name, 0.0) < min(_POLL_SECONDS, self._stuck / 4):
            return None
        self._polled[process.name] = now
        if now - self._began > self._longest:
            return f"it is not ready after {self._longest:.0f} s"
        used = _processor_seconds(process.pid)
        since, before, pid = self._marks.get(process.name, (now, used, process.pid))
        if pid != process.pid or used - before >= LEAST_SHARE * self._stuck:
            since, before = now, used
        self._marks[process.name] = since, before, process.pid
        if now - since > self._stuck:
            return f"it is not ready and has done nothing for {now - since:.0f} s"
        return None


def _processor_seconds(pid: int | None) -> float:
    """Of a process and its descendants that live."""
    total = 0.0
    for process in reap.process_tree(pid) if pid is not None else []:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total
