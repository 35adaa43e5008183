"""Upstream files -> version folders: ``import_weights``.

Choices:
- Strict: a tensor that the model does not have, lacks or has in another shape is listed, and nothing is written. The only
  tensors left out by name are the speech recogniser's read-out and training mask, which feature extraction does not use.
- The model is built on the meta device for its names and shapes; tensors then go one by one from the mapped file to the
  folder. The peak is the file's own pages plus the largest tensor.
- Students are rounded to bf16, the type they were released and are served in; codecs and wav2vec2 keep their file's type.
- Patch embeddings that lack input channels are widened by zeros, so a fresh channel changes nothing until it is trained
  (the reference leaves random values there when no adapter follows).
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from lipforcing.audio.wav2vec2 import Wav2Vec2Features
from lipforcing.contract import STUDENTS, SYNCNET
from lipforcing.network import LipNetwork
from lipforcing.presets import PRESETS, StudentConfig
from lipforcing.syncnet import SyncNet
from lipforcing.text import PROMPT, encode_prompt, load_umt5, pick_embedding
from lipforcing.vae.taew import Taew, keep_last_frames
from lipforcing.vae.tiny import TinyCodec
from lipforcing.vae.wan import WanVae
from lipforcing.weights.containers import Container, open_container
from lipforcing.weights.digests import sha256_of
from lipforcing.weights.errors import KeyMismatchError, UnreadableWeightsError
from lipforcing.weights.folder import Spec, stream_folder
from lipforcing.weights.lora import ALPHA, adapters_in, check_fit, merge, plain_name
from lipforcing.weights.names import published_names

_PATCH = "patch_embedding.weight"


@dataclass(frozen=True, slots=True)
class PendingTensor:
    """One tensor to come: what it will be, and how to get it."""

    spec: Spec
    make: Callable[[], Tensor]


Part = dict[str, PendingTensor]


def import_student(
    source: Path, preset: str, out: Path, *, text: Path, codec: Path, lora: Path | None = None, alpha: float | None = None
) -> dict[str, Any]:
    """Write the version folder of a student and return its manifest.

    Args:
        source: the student, or the base weights that ``lora`` completes.
        preset: ``tiny``, ``1.3b`` or ``14b``.
        out: the version folder.
        text: precomputed embedding of the prompt.
        codec: decoder of the latents, TAEW 2.1 (the tiny codec for ``tiny``).
        lora: adapter; its full tensors replace the source's, its factors are merged into them.
        alpha: of the adapter's scale alpha / rank; None for the release's.

    Raises:
        WeightsError: a file is unreadable or is not what it is taken for.
    """
    config = PRESETS[preset]
    paths = {"network": source, "text": text, "codec": codec, **({"lora": lora} if lora else {})}
    opened = {part: open_container(path) for part, path in paths.items()}
    with torch.device("meta"):
        network = LipNetwork(config)
    parts = {
        "network": student_part(opened["network"], opened.get("lora"), network, preset, alpha or ALPHA),
        "text": text_part(opened["text"], (config.text_len, config.text_dim)),
        "codec": (tiny_codec_part if preset == "tiny" else taew_part)(opened["codec"]),
    }
    return write_student(out, preset, config, parts, _origins(opened))


def write_student(
    out: Path, preset: str, config: StudentConfig, parts: Mapping[str, Part], source: Mapping[str, Any]
) -> dict[str, Any]:
    """Write the version folder of a student, whether imported or trained here, and return its manifest.

    Args:
        out: the version folder.
        preset: ``tiny``, ``1.3b`` or ``14b``.
        config: sizes of the network.
        parts: ``network``, ``codec`` and ``text``; every tensor is made when its turn comes, so one at a time is in memory.
        source: how it came about; JSON values.

    Raises:
        UnreadableWeightsError: a value is not finite; nothing is written.
    """
    about = {"model": STUDENTS[preset].student, "preset": preset, "config": config.to_json(), "source": dict(source)}
    return _write(out, parts, about)


def import_encoder(source: Path, kind: str, out: Path) -> dict[str, Any]:
    """Write the version folder of a stateless model, and return its manifest; as ``import_student``.

    Args:
        source: its upstream file.
        kind: ``wan-vae`` (a face encoder), ``wav2vec2`` (a speech encoder) or ``syncnet`` (which judges mouths).
        out: the version folder.
    """
    part, make, model = {
        "wan-vae": ("codec", wan_part, STUDENTS["14b"].face_encoder),
        "wav2vec2": ("encoder", wav2vec2_part, STUDENTS["14b"].speech_encoder),
        "syncnet": ("network", syncnet_part, SYNCNET),
    }[kind]
    opened = open_container(source)
    return _write(out, {part: make(opened)}, {"model": model, "source": _origins({part: opened})})


def import_text(source: Path, tokenizer: Path, out: Path) -> dict[str, Any]:
    """Embed the prompt with UMT5 and write the embedding as a safetensors file; returns what was embedded.

    Raises:
        WeightsError: the file or the tokenizer is not UMT5's.
    """
    opened = open_container(source)
    try:
        weights = {ours: opened.read(theirs) for ours, theirs in published_names(opened.specs).items()}
        embedding = encode_prompt(*load_umt5(weights, tokenizer))
    except (ValueError, OSError) as error:
        raise UnreadableWeightsError(f"{source} with {tokenizer}: {error}") from error
    save_file({"text_emb": embedding}, out)
    return {"prompt": PROMPT, "shape": list(embedding.shape)}


def student_part(source: Container, lora: Container | None, network: nn.Module, model: str, alpha: float) -> Part:
    """The network's tensors, from the source and an adapter."""
    found: Part = {}
    for container in (source, lora) if lora else (source,):
        named = published_names(container.specs)
        found |= {plain_name(name): _entry(container, theirs) for name, theirs in named.items()}
    factors = adapters_in(found)
    for weight, adapter in factors.items():
        a, b = found.pop(adapter.a), found.pop(adapter.b)
        if weight not in found:
            raise KeyMismatchError(model, [adapter.a, adapter.b], [weight], ())
        base = found[weight]
        check_fit(weight, base.spec[1], a.spec[1], b.spec[1])
        found[weight] = replace(base, make=partial(_merged, base, a, b, alpha))
    shapes = _shapes(network)
    if _PATCH in found and _PATCH in shapes:
        found[_PATCH] = _widened(found[_PATCH], shapes[_PATCH])
    dtype = None if model == "tiny" else torch.bfloat16
    return {name: _rounded(entry, dtype) for name, entry in _strict(found, shapes, model).items()}


def text_part(source: Container, shape: tuple[int, int]) -> Part:
    """The prompt's embedding, in bf16."""
    try:
        embedding = pick_embedding({name: source.read(name) for name in source.specs}, shape)
    except ValueError as error:
        raise UnreadableWeightsError(f"{source.path}: {error}") from error
    return {"embedding": _given(embedding.to(torch.bfloat16))}


def given_part(tensors: Mapping[str, Tensor], dtype: torch.dtype | None = None) -> Part:
    """Tensors that are there already, in ``dtype`` (None: their own)."""
    return {name: _rounded(_given(tensor.detach()), dtype) for name, tensor in tensors.items()}


def taew_part(source: Container) -> Part:
    """TAEW 2.1, encoder and decoder."""
    with torch.device("meta"):
        codec = Taew()
    named = published_names(source.specs)
    tensors = keep_last_frames({name: source.read(theirs) for name, theirs in named.items()}, codec)
    return _strict({name: _given(tensor) for name, tensor in tensors.items()}, _shapes(codec), "TAEW 2.1")


def tiny_codec_part(source: Container) -> Part:
    """The demonstration model's codec."""
    with torch.device("meta"):
        codec = TinyCodec()
    return _direct(source, codec, "the tiny codec")


def wan_part(source: Container) -> Part:
    """The Wan 2.1 VAE."""
    with torch.device("meta"):
        codec = WanVae()
    return _direct(source, codec, "the Wan 2.1 VAE")


def wav2vec2_part(source: Container) -> Part:
    """wav2vec2-base-960h without its read-out."""
    with torch.device("meta"):
        encoder = Wav2Vec2Features()
    names = {encoder.local_name(name): name for name in source.specs}
    found = {ours: _entry(source, theirs) for ours, theirs in names.items() if ours is not None}
    return _strict(found, _shapes(encoder), "wav2vec2-base-960h")


def syncnet_part(source: Container) -> Part:
    """SyncNet v2. Its file is older than the counters of batches, which nobody reads; they become 0."""
    with torch.device("meta"):
        network = SyncNet()
    counters = {name: torch.zeros((), dtype=torch.int64) for name in _shapes(network) if name.endswith(".num_batches_tracked")}
    found = {name: _entry(source, theirs) for name, theirs in published_names(source.specs).items()}
    return _strict({**given_part(counters), **found}, _shapes(network), "SyncNet v2")


def _direct(source: Container, module: nn.Module, model: str) -> Part:
    named = published_names(source.specs)
    return _strict({name: _entry(source, theirs) for name, theirs in named.items()}, _shapes(module), model)


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def _strict(found: Part, shapes: Mapping[str, tuple[int, ...]], model: str) -> Part:
    """The found tensors in the model's order, if they are exactly its own."""
    misshaped = [
        f"{name}: {entry.spec[1]}, not {shapes[name]}"
        for name, entry in found.items()
        if name in shapes and entry.spec[1] != shapes[name]
    ]
    unknown, missing = found.keys() - shapes.keys(), shapes.keys() - found.keys()
    if unknown or missing or misshaped:
        raise KeyMismatchError(model, list(unknown), list(missing), misshaped)
    return {name: found[name] for name in shapes}


def _entry(container: Container, name: str) -> PendingTensor:
    return PendingTensor(container.specs[name], partial(container.read, name))


def _given(tensor: Tensor) -> PendingTensor:
    return PendingTensor((tensor.dtype, tuple(tensor.shape)), lambda: tensor)


def _merged(base: PendingTensor, a: PendingTensor, b: PendingTensor, alpha: float) -> Tensor:
    return merge(base.make(), a.make(), b.make(), alpha)


def _widened(entry: PendingTensor, shape: tuple[int, ...]) -> PendingTensor:
    """The entry with zeros for the input channels that it lacks; misfits of any other kind are left for ``_strict``."""
    dtype, have = entry.spec
    if len(have) != len(shape) or have[1] >= shape[1] or have[2:] != shape[2:] or have[0] != shape[0]:
        return entry

    def make() -> Tensor:
        narrow = entry.make()
        wide = narrow.new_zeros(shape)
        wide[:, : have[1]] = narrow
        return wide

    return PendingTensor((dtype, shape), make)


def _rounded(entry: PendingTensor, dtype: torch.dtype | None) -> PendingTensor:
    """The entry in ``dtype`` (None: its own), whatever the type it is made in."""
    target = dtype or entry.spec[0]
    return PendingTensor((target, entry.spec[1]), lambda: entry.make().to(target))


def _write(out: Path, parts: Mapping[str, Part], about: Mapping[str, Any]) -> dict[str, Any]:
    entries = {f"{part}.{name}": entry for part, tensors in parts.items() for name, entry in tensors.items()}
    specs = {name: entry.spec for name, entry in entries.items()}
    return stream_folder(out, specs, _checked(entries), about)


def _origins(opened: Mapping[str, Container]) -> dict[str, Any]:
    return {part: _origin(container.path) for part, container in opened.items()}


def _checked(entries: Mapping[str, PendingTensor]) -> Iterator[tuple[str, Tensor]]:
    """The tensors one by one; a value that is not finite ends the writing."""
    for name, entry in entries.items():
        tensor = entry.make()
        # In pieces: a mask as large as the largest tensor would be a peak of its own.
        if not all(torch.isfinite(piece).all() for piece in torch.split(tensor.reshape(-1), 1 << 22)):
            raise UnreadableWeightsError(f"tensor {name} holds a value that is not finite; fetch or train it again")
        yield name, tensor


def _origin(path: Path) -> dict[str, Any]:
    """Name, size and sha256 of what was imported, file by file."""
    files = sorted(itertools.chain([path] if path.is_file() else path.rglob("*")))
    return {
        "name": path.name,
        "files": [
            {"name": file.name, "bytes": file.stat().st_size, "sha256": sha256_of(file)} for file in files if file.is_file()
        ],
    }
