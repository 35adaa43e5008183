"""Private files that are never seen half-written, and locks that vanish with their holder."""

import fcntl
import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from services.stack.errors import StackError


def private_folder(path: Path, mode: int = 0o700) -> Path:
    """Makes the folder ``path``, which is ours and which nobody else can pass; gives it.

    Raises:
        StackError: there is something else at that place, or it belongs to another user.
    """
    with suppress(FileExistsError):
        path.mkdir(mode)
    found = path.lstat()  # in a folder that everybody may write to, a link leads where somebody else wants it to
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        what = f"belongs to {_user(found.st_uid)}" if stat.S_ISDIR(found.st_mode) else "is no folder"
        raise StackError(f"{path} {what}", suggestions=("Run this as its owner, or set DUBLINE_HOME to another folder.",))
    path.chmod(mode)
    return path


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def open_private(path: Path) -> BinaryIO:
    """Opens a log to write at its end, readable by its owner only."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


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
