"""The files that weights come in, opened without running their code and without reading them whole.

Read, in this order of preference: a sibling ``<stem>.net_model/`` folder beside the file (a distributed checkpoint); a folder
that is one itself; a folder of safetensors shards; a safetensors file; a torch pickle that is a flat dictionary,
``{"net": ...}``, ``{"model": {"net": ...}}`` or ``{"model_state": ...}``.

Choices:
- Pickles are read weights-only and memory-mapped: a tensor costs memory when it is used, not when the file is opened.
"""

import json
import pickle
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lipforcing.weights.errors import UnreadableWeightsError
from lipforcing.weights.folder import Spec

_INDEX = ".metadata"
_SIBLING = ".net_model"
# How a weights-only reader words a class that it will not build.
_GLOBAL = re.compile(r"GLOBAL (\S+)")
# What the readers raise on bytes that are not what they expect.
_DAMAGE = (
    SafetensorError, pickle.UnpicklingError, zipfile.BadZipFile, struct.error,
    RuntimeError, EOFError, ValueError, OSError, IndexError, KeyError, TypeError, AttributeError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Container:
    """Named tensors in a file or folder.

    Attributes:
        path: what was opened (the sibling folder, if there was one).
        specs: dtype and shape by name.
        read: gives one tensor, on the CPU.
    """

    path: Path
    specs: Mapping[str, Spec]
    read: Callable[[str], Tensor]


def open_container(path: Path) -> Container:
    """Open weights of any form.

    Raises:
        UnreadableWeightsError: absent, cut short, of no known form, or a pickle that wants to run code.
    """
    path = path.absolute()
    sibling = path.with_name(path.stem + _SIBLING)
    if sibling.is_dir():
        path = sibling
    if not path.exists():
        raise UnreadableWeightsError(f"{path} does not exist")
    with _readable(path):
        if path.is_dir():
            return _open_distributed(path) if (path / _INDEX).exists() else _open_shards(path)
        return _open_safetensors([path]) if _is_safetensors(path) else _open_pickle(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say in our own words what a reader finds wrong with a file."""
    try:
        yield
    except UnreadableWeightsError:
        raise
    except _DAMAGE as error:
        if called := _GLOBAL.search(str(error)):
            raise UnreadableWeightsError(
                f"{path} holds more than tensors: opening it would run code ({called[1]}), so it was not opened"
            ) from error
        cause = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise UnreadableWeightsError(
            f"{path} cannot be read as weights ({cause}); it is cut short or of another kind: fetch it again"
        ) from error


def _is_safetensors(path: Path) -> bool:
    """By content: the length of a JSON header that fits the file, then the header."""
    with path.open("rb") as file:
        head = file.read(9)
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size


def _open_shards(folder: Path) -> Container:
    shards = sorted(folder.glob("*.safetensors"))
    if not shards:
        raise UnreadableWeightsError(f"{folder} holds neither a distributed checkpoint ({_INDEX}) nor *.safetensors")
    for index in folder.glob("*.safetensors.index.json"):
        named = set(json.loads(index.read_text())["weight_map"].values())
        if absent := sorted(named - {shard.name for shard in shards}):
            raise UnreadableWeightsError(f"{index} names files that are absent: {', '.join(absent)}")
    opened = _open_safetensors(shards)
    return Container(folder, opened.specs, opened.read)


def _open_safetensors(paths: list[Path]) -> Container:
    files: list[Any] = [safe_open(path, framework="pt") for path in paths]
    home, specs = {}, {}
    for file in files:
        for name in file.keys():  # noqa: SIM118 - a handle is no mapping
            part = file.get_slice(name)
            if name in home:
                raise UnreadableWeightsError(f"tensor {name} is in more than one file of {paths[0].parent}")
            home[name] = file
            specs[name] = (_SAFETENSORS_DTYPES[part.get_dtype()], tuple(part.get_shape()))
    return Container(paths[0], specs, lambda name: home[name].get_tensor(name))


_SAFETENSORS_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


def _open_pickle(path: Path) -> Container:
    # Files of before torch 1.6 are no zip archives and cannot be memory-mapped.
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path) or None)
    tensors = _unwrap(content, path)
    foreign = sorted(str(name) for name, value in tensors.items() if not isinstance(value, Tensor))
    if foreign:
        raise UnreadableWeightsError(f"{path} holds entries that are no tensors: {', '.join(foreign[:20])}")
    return Container(path, {name: (value.dtype, tuple(value.shape)) for name, value in tensors.items()}, tensors.__getitem__)


def _unwrap(content: Any, path: Path) -> dict[str, Any]:
    """The state dict inside one of the known wrappings. A single tensor is named by the empty string."""
    if isinstance(content, Tensor):
        return {"": content}
    for keys in (("model", "net"), ("net",), ("model_state",)):
        inner = content
        for key in keys:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            return inner
    if isinstance(content, dict):
        return content
    raise UnreadableWeightsError(f"{path} holds a {type(content).__name__}, not a dictionary of tensors")


def _open_distributed(folder: Path) -> Container:
    from lipforcing.weights.distributed import opened  # noqa: PLC0415 - half of torch comes with it, and few folders are such

    specs, load = opened(folder, _INDEX)

    def read(name: str) -> Tensor:
        with _readable(folder):
            return load(name)

    return Container(folder, specs, read)
