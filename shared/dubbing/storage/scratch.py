"""Folders for work in the making, of which nothing stays: not even when the process is killed that works there."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import structlog

log = structlog.get_logger()
_PREFIX = ".making-"


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A new folder in ``parent``, which is made if absent, for the length of the block.

    Whoever works holds a lock on its folder, which the system lets go when the process ends, however it ends. What lies
    beside and is not held was left by a killed process, and goes first.
    """
    parent.mkdir(parents=True, exist_ok=True)
    gate = _locked(parent, fcntl.LOCK_EX)  # nobody sweeps between a folder's making and its lock
    try:
        _sweep(parent)
        folder = Path(mkdtemp(dir=parent, prefix=_PREFIX))
        held = _locked(folder)
    finally:
        os.close(gate)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*/"):
        with suppress(OSError):  # held, or gone by now
            handle = _locked(folder)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)
            log.info("scratch_of_a_dead_process_removed", folder=folder.name)


def _locked(folder: Path, how: int = fcntl.LOCK_EX | fcntl.LOCK_NB) -> int:
    """A handle that holds the folder's lock until it is closed.

    Raises:
        OSError: another one holds it, or there is no such folder.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, how)
    except OSError:
        os.close(handle)
        raise
    return handle
