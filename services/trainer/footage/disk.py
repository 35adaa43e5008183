"""Writing to a disk that may be full: files of tensors that appear whole or not at all, and the error in words."""

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from dubbing.errors import DiskFull
from dubbing.errors.disk import FULL


def write_whole(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file; what was there under its name is replaced at once.

    Raises:
        DiskFull: there is no room; nothing is left of it.
    """
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial)
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise disk_error(error, str(path)) from error


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
