"""Files of tensors that appear whole or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from .disk import disk_error


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
