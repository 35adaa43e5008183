"""Private files that are never seen half-written, and locks that vanish with their holder."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.cli.stack.errors import StackError


def write_private(path: Path, text: str) -> None:
    """Replaces ``path`` in one step, readable by its owner only."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def exclusive(path: Path, *, wait: bool, message: str = "") -> Iterator[None]:
    """Holds an advisory lock on ``path``; the kernel drops it when the holder dies, so it is never stale.

    Raises:
        StackError: the lock is taken and ``wait`` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise StackError(message or f"{path} is locked by another process") from None
        yield


def is_locked(path: Path) -> bool:
    """True while some process holds ``path`` exclusively."""
    if not path.exists():
        return False
    with path.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
