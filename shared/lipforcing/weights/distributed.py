"""Distributed checkpoints of torch, read on one process: a folder with an index and files of tensors.

The index is a pickle, and torch reads it unguarded; here it may build only the classes that such an index consists of.
"""

import pickle
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import Metadata, StorageMeta, TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load

from lipforcing.weights.errors import UnreadableWeightsError
from lipforcing.weights.folder import Spec


class _IndexUnpickler(pickle.Unpickler):
    """Builds nothing but the parts of a distributed checkpoint's index."""

    _PARTS: ClassVar[dict[str, set[str]]] = {
        "torch.distributed.checkpoint.metadata": {
            "Metadata", "MetadataIndex", "StorageMeta", "ChunkStorageMetadata", "TensorStorageMetadata",
            "BytesStorageMetadata", "TensorProperties", "_MEM_FORMAT_ENCODING",
        },
        "torch.distributed.checkpoint.filesystem": {"_StorageInfo"},
        "torch.serialization": {"_get_layout"},
        "collections": {"OrderedDict"},
        "pathlib": {"Path", "PosixPath"},
        "pathlib._local": {"Path", "PosixPath"},
        "torch": {"Size", "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"},
    }  # fmt: skip

    def find_class(self, module: str, name: str) -> Any:
        """Refuse everything that is not on the list."""
        if name not in self._PARTS.get(module, ()):
            raise pickle.UnpicklingError(f"GLOBAL {module}.{name}")
        return super().find_class(module, name)


class _Reader(FileSystemReader):
    """Torch's reader with an index that was read safely, once."""

    def __init__(self, folder: Path, index: str) -> None:
        super().__init__(folder)
        with (folder / index).open("rb") as file:
            content = _IndexUnpickler(file).load()
        if not isinstance(content, Metadata):
            raise UnreadableWeightsError(f"{folder / index} is not the index of a distributed checkpoint")
        content.storage_meta = content.storage_meta or StorageMeta()
        for part in (content.storage_data or {}).values():
            if Path(part.relative_path).name != part.relative_path or not (folder / part.relative_path).is_file():
                raise UnreadableWeightsError(f"{folder / index} names {part.relative_path!r}, which is not in the folder")
        self._index = content

    def read_metadata(self, *_args: Any, **_kwargs: Any) -> Metadata:
        """The index, for every tensor that is read."""
        return self._index


def opened(folder: Path, index: str) -> tuple[Mapping[str, Spec], Callable[[str], Tensor]]:
    """Dtype and shape of every tensor by name, and what reads one of them on the CPU.

    Args:
        folder: the checkpoint.
        index: name of its index.

    Raises:
        UnreadableWeightsError: the index names files that are not in the folder, or is no index.
        UnpicklingError: the index holds more than an index does.
        RuntimeError: a tensor cannot be read (when it is).
    """
    reader = _Reader(folder, index)
    entries = reader.read_metadata().state_dict_metadata
    specs = {
        name: (entry.properties.dtype, tuple(entry.size))
        for name, entry in entries.items()
        if isinstance(entry, TensorStorageMetadata)
    }

    def read(name: str) -> Tensor:
        dtype, shape = specs[name]
        into = {name: torch.empty(shape, dtype=dtype)}
        with warnings.catch_warnings():
            # It remarks for every tensor that there is one process only.
            warnings.simplefilter("ignore", UserWarning)
            try:
                load(into, storage_reader=reader, no_dist=True)
            except CheckpointException as error:  # no Exception of Python's: it would pass every handler
                raise RuntimeError(str(error)) from error
        return into[name]

    return specs, read
