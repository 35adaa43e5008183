"""When the system says that a disk is full."""

import errno
import socket
from typing import Final

from dubbing.errors.work import DiskFull

# No space, a quota, or a limit on file sizes: to the caller all of them are a disk that is full.
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def found_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says so."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def disk_full() -> DiskFull:
    """The disk of this machine is full."""
    return DiskFull(
        "The disk of the machine that does the work is full.",
        where={"stage": "worker", "machine": socket.gethostname()},
        suggestions=("free some space there: the work then goes on by itself",),
    )
