"""The error of a disk that is full, in words; torch is not needed for it."""

from safetensors import SafetensorError

from dubbing.errors import DiskFull
from dubbing.errors.disk import FULL


def disk_error(error: OSError | SafetensorError, where: str) -> OSError | SafetensorError | DiskFull:
    """``error`` as `DiskFull` where it says so, else as it is; safetensors has the system's number in its text only."""
    is_full = error.errno in FULL if isinstance(error, OSError) else any(f"(os error {code})" in str(error) for code in FULL)
    if not is_full:
        return error
    return DiskFull(
        f"No space is left for {where}.",
        where={"path": where},
        suggestions=("free some space and do the same again: what was finished is not done twice",),
    )
