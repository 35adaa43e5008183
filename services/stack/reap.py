"""Ending processes for good: the whole group, all descendants, and whatever an earlier supervisor left behind."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress

import psutil

from services.stack.plan import ProcessStatus

# Every process of a stack carries "<home>:<name>" here, and so do its children, whatever group they moved to. PostgreSQL and
# Valkey write their title over it; those two are found by their recorded pids.
MARKER = "DUBLINE_SUPERVISED"


def process_tree(pid: int) -> list[psutil.Process]:
    """The process ``pid`` and all its living descendants."""
    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def marked(prefix: str) -> list[psutil.Process]:
    """Living processes whose marker is ``prefix`` or begins with ``prefix:``."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            value = process.environ().get(MARKER, "")
            if value == prefix or value.startswith(f"{prefix}:"):
                found.append(process)
    return found


def recorded(statuses: Iterable[ProcessStatus]) -> list[psutil.Process]:
    """The families of processes that a status file names, if they are still the same processes."""
    found: list[psutil.Process] = []
    for status in statuses:
        if status.pid is None or status.created is None:
            continue
        with suppress(psutil.Error):
            if abs(psutil.Process(status.pid).create_time() - status.created) < 0.1:
                found += process_tree(status.pid)
    return found


def kill_group(pid: int) -> None:
    """SIGKILL to the process group that ``pid`` leads."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def end(processes: Iterable[psutil.Process], grace: float) -> None:
    """Asks each process to end, waits up to ``grace`` seconds, then kills what is left and waits for that."""
    alive = list({process.pid: process for process in processes}.values())
    for process in alive:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(alive, timeout=grace)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
