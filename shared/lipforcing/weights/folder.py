"""A version folder: ``model.safetensors`` (the tensors) and ``model.json`` (what they are, with digests).

Choices:
- Tensors are streamed to disk one at a time, hashed on the way, so that writing never holds more than one of them.
- The tensors' file is replaced first and the manifest last. A reader compares the two, so a crash in between shows as a
  digest mismatch, never as other weights.
- A folder holds everything that its model computes with, in named parts (``part.tensor``): a student has ``network``
  (published names), ``codec`` (what decodes its latents) and ``text`` (one tensor, ``embedding`` [L, E], of the fixed prompt);
  a face encoder has ``codec``, a speech encoder ``encoder``. So one digest stands for everything that decides a pixel.
- ``digest`` (sha256 of ``model.safetensors``) is what receipts name as the model's version.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lipforcing.weights.digests import sha256_of
from lipforcing.weights.errors import DigestMismatchError, UnreadableWeightsError

TENSORS, MANIFEST = "model.safetensors", "model.json"
_FORMAT = 1
# safetensors' own names of the types (https://github.com/huggingface/safetensors, format).
_DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip

Spec = tuple[torch.dtype, tuple[int, ...]]


def write_folder(folder: Path, tensors: Mapping[str, Tensor], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Write a version folder and return its complete manifest.

    Args:
        folder: e.g. ``model_repo/lip_student_14b/1``; made if absent, its two files replaced.
        tensors: by name; any strides, any device.
        manifest: what the weights are (``model``, ``config``, ``source``, metrics ...); must be JSON values.
    """
    specs = {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()}
    return stream_folder(folder, specs, tensors.items(), manifest)


def stream_folder(
    folder: Path, specs: Mapping[str, Spec], tensors: Iterable[tuple[str, Tensor]], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """``write_folder`` for tensors that are made one by one, in the order of ``specs``.

    Raises:
        ValueError: ``tensors`` does not yield exactly what ``specs`` announces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with _replacing(folder / TENSORS) as file:
        for piece in _safetensors(specs, tensors):
            digest.update(piece)
            file.write(piece)
        size = file.tell()
    complete = {
        "format": _FORMAT,
        **manifest,
        "digest": digest.hexdigest(),
        "bytes": size,
        "tensors": len(specs),
        "parameters": sum(torch.Size(shape).numel() for _, shape in specs.values()),
    }
    with _replacing(folder / MANIFEST) as file:
        file.write((json.dumps(complete, indent=2, sort_keys=True) + "\n").encode())
    return complete


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a version folder, after a check that the tensors' file has the size it names.

    Raises:
        UnreadableWeightsError: a file is absent or the manifest is not ours.
        DigestMismatchError: the tensors' file has another size.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        size = (folder / TENSORS).stat().st_size
    except FileNotFoundError as error:
        raise UnreadableWeightsError(
            f"{error.filename} is absent; make it with `dubline weights fetch` or `dubline weights import`"
        ) from error
    except ValueError as error:
        raise UnreadableWeightsError(f"{folder / MANIFEST} is not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise UnreadableWeightsError(f"{folder / MANIFEST} is not a manifest of format {_FORMAT}")
    if manifest["bytes"] != size:
        raise DigestMismatchError(f"{folder / TENSORS} has {size} bytes, its manifest says {manifest['bytes']}")
    return manifest


def load_tensors(folder: Path, *, device: str = "cpu", verify: bool = True) -> dict[str, Tensor]:
    """The tensors of a version folder, memory-mapped on a CPU.

    Args:
        folder: a version folder.
        device: where the tensors go.
        verify: read the file once more first, to compare its sha256 with the manifest's.

    Raises:
        UnreadableWeightsError: absent, or not a safetensors file.
        DigestMismatchError: size or sha256 differ from the manifest.
    """
    manifest = read_manifest(folder)
    if verify and (found := sha256_of(folder / TENSORS)) != manifest["digest"]:
        raise DigestMismatchError(f"{folder / TENSORS} has sha256 {found}, its manifest says {manifest['digest']}")
    try:
        with safe_open(folder / TENSORS, framework="pt", device=device) as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the handle is no mapping
    except SafetensorError as error:
        raise UnreadableWeightsError(f"{folder / TENSORS} is not a safetensors file: {error}") from error


def join_parts(parts: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Tensors of several parts under one roof: ``{"codec": {"a.b": x}}`` -> ``{"codec.a.b": x}``."""
    return {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}


def split_parts(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The inverse of ``join_parts``."""
    parts: dict[str, dict[str, Tensor]] = {}
    for full, tensor in tensors.items():
        part, _, name = full.partition(".")
        parts.setdefault(part, {})[name] = tensor
    return parts


def _safetensors(specs: Mapping[str, Spec], tensors: Iterable[tuple[str, Tensor]]) -> Iterator[bytes | memoryview]:
    """The bytes of a safetensors file: length of the header, header, tensors back to back."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, (dtype, shape) in specs.items():
        end = offset + torch.Size(shape).numel() * dtype.itemsize
        header[name] = {"dtype": _DTYPES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little")
    yield text
    rest = iter(specs.items())
    for name, tensor in tensors:
        if next(rest, None) != (name, (tensor.dtype, tuple(tensor.shape))):
            raise ValueError(f"tensor {name} {tensor.dtype} {tuple(tensor.shape)} is not the next one announced")
        yield tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
    if missing := [name for name, _ in rest]:
        raise ValueError(f"announced but not given: {', '.join(missing)}")


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of ``path`` when it is complete and on disk, and leaves no trace otherwise."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        partial = Path(file.name)
        try:
            yield file  # type: ignore[misc]
            file.flush()
            os.fsync(file.fileno())
            partial.chmod(0o644)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
