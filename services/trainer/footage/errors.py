"""When the disk is full, in words."""

import errno

from dubbing.errors import DiskFull


def disk_error(error: OSError, where: str) -> OSError | DiskFull:
    """``error`` as `DiskFull` where it says so, else as it is."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    return DiskFull(
        f"No space is left for {where}.",
        where={"path": where},
        suggestions=("free some space and call the same command again: finished sources are not done twice",),
    )
