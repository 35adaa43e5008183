"""From a version folder to modules that are ready to serve.

Networks are built on the meta device and take the file's tensors as they are (memory-mapped on a CPU), so a model is in memory
once. On an accelerator everything but ``tiny`` computes in bf16 (TAEW in fp16, as published). On a CPU codecs compute in fp32,
because convolutions in less are slow there, and students in bf16 where the CPU has instructions for it, else in fp32, in
twice the memory.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.audio.wav2vec2 import Wav2Vec2Features
from lipforcing.contract import STUDENTS
from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.rollout import Student
from lipforcing.serving import gpu
from lipforcing.serving.fp8 import Quantised, quantise_checked
from lipforcing.serving.memory import Need, check_fits, encoder_need, held, student_need
from lipforcing.syncnet import SyncNet
from lipforcing.vae.base import Codec
from lipforcing.vae.taew import Taew
from lipforcing.vae.tiny import TinyCodec
from lipforcing.vae.wan import WanVae
from lipforcing.weights.errors import KeyMismatchError, UnreadableWeightsError
from lipforcing.weights.folder import load_tensors, read_manifest, split_parts

ModuleT = TypeVar("ModuleT", bound=nn.Module)
Parts = dict[str, dict[str, Tensor]]


@dataclass(frozen=True, slots=True)
class LoadedStudent:
    """A student that is ready to generate.

    Attributes:
        student: with its prompt and timesteps embedded.
        codec: decodes its latents.
        digest: SHA-256 of the weights file.
        fp8: what FP8 costs; None where it is off.
        need: memory that it takes; on a CPU, where nothing is refused, what it holds.
    """

    student: Student
    codec: Codec
    digest: bytes
    fp8: Quantised | None
    need: Need


def load_student(folder: Path, device: torch.device, *, fp8: bool = False, slots: int = 1) -> LoadedStudent:
    """Load a student's version folder.

    Args:
        folder: the version folder.
        device: where the student runs.
        fp8: run the transformer's linear layers in FP8, if they pass its quality gate (``serving.fp8``).
        slots: sequences that it shall hold; for what it needs of a GPU's memory.

    Raises:
        WeightsError: the folder is absent, damaged, or not a student's; the GPU cannot hold it with these slots; or its
            frames do not bear FP8.
    """
    parts, manifest = _read(folder)
    preset, config = manifest["preset"], StudentConfig.from_json(manifest["config"])
    dtype, codec_dtype = _network_dtype(preset, device), _codec_dtype(preset, device)
    need = None
    if gpu.is_gpu(device):
        need = student_need(config, dtype or _stored_dtype(parts), partial(_decoder, preset), codec_dtype, fp8=fp8)
        check_fits(need, slots, device)
    codec = _decoder(preset)
    with torch.device("meta"):
        network = LipNetwork(config)
    _fill(network, parts, "network", device, dtype)
    _fill(codec, parts, "codec", device, codec_dtype)
    network.fuse_qkv()
    if "embedding" not in parts.get("text", {}):
        raise UnreadableWeightsError(f"{folder} holds no text embedding")
    student = Student.frozen(network, parts["text"]["embedding"].unsqueeze(0).to(device))
    quantised = quantise_checked(student, codec) if fp8 else None
    return LoadedStudent(student, codec, bytes.fromhex(manifest["digest"]), quantised, need or held(student, codec))


def load_codec(folder: Path, device: torch.device) -> Codec:
    """The codec alone of a student's version folder, which decodes its latents; raises WeightsError like ``load_student``."""
    parts, manifest = _read(folder)
    preset = manifest["preset"]
    return _fill(_decoder(preset), parts, "codec", device, _codec_dtype(preset, device))


def _decoder(preset: str) -> Codec:
    with torch.device("meta"):
        return TinyCodec() if preset == "tiny" else Taew()


def load_face_encoder(folder: Path, model: str, device: torch.device) -> Codec:
    """Load the codec of ``face_encoder_*``; raises WeightsError like ``load_student``."""
    parts, _ = _read(folder)
    tiny = model == STUDENTS["tiny"].face_encoder
    dtype = torch.bfloat16 if gpu.is_gpu(device) and not tiny else torch.float32
    make = TinyCodec if tiny else WanVae
    crop = next(contract.crop for contract in STUDENTS.values() if contract.face_encoder == model)
    if gpu.is_gpu(device):
        check_fits(encoder_need(make, dtype, crop), 0, device)
    with torch.device("meta"):
        codec: Codec = make()
    return _fill(codec, parts, "codec", device, dtype)


def load_speech_encoder(folder: Path, model: str, device: torch.device) -> nn.Module:
    """Load ``speech_encoder_*`` (always in fp32); raises WeightsError like ``load_student``."""
    parts, _ = _read(folder)
    encoder: nn.Module = TinySpeechEncoder() if model == STUDENTS["tiny"].speech_encoder else Wav2Vec2Features()
    return _fill(encoder, parts, "encoder", device, torch.float32)


def load_served_syncnet(folder: Path, device: torch.device) -> SyncNet:
    """Load ``syncnet`` (always in fp32, and of the published size); raises WeightsError like ``load_student``."""
    parts, _ = _read(folder)
    with torch.device("meta"):
        network = SyncNet()
    return _fill(network, parts, "network", device, torch.float32)


def _read(folder: Path) -> tuple[Parts, dict[str, Any]]:
    return split_parts(load_tensors(folder)), read_manifest(folder)


def _fill(module: ModuleT, parts: Parts, part: str, device: torch.device, dtype: torch.dtype | None) -> ModuleT:
    """Give a module its tensors; every name and shape must fit."""
    given, wanted = parts.get(part, {}), module.state_dict()
    misshaped = [
        f"{name}: {tuple(tensor.shape)}, not {tuple(wanted[name].shape)}"
        for name, tensor in given.items()
        if name in wanted and tensor.shape != wanted[name].shape
    ]
    unknown, missing = given.keys() - wanted.keys(), wanted.keys() - given.keys()
    if unknown or missing or misshaped:
        raise KeyMismatchError(part, list(unknown), list(missing), misshaped)
    module.load_state_dict(given, assign=True)
    return module.to(device=device, dtype=dtype).eval().requires_grad_(requires_grad=False)


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bf16 itself; without, it would be emulated, which is slower than fp32."""
    found = torch.cpu.get_capabilities()
    return any(found.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _network_dtype(preset: str, device: torch.device) -> torch.dtype | None:
    if not gpu.is_gpu(device) and not cpu_has_bf16():
        return torch.float32
    return None if preset == "tiny" else torch.bfloat16


def _stored_dtype(parts: Parts) -> torch.dtype:
    return next(iter(parts["network"].values())).dtype if parts.get("network") else torch.float32


def _codec_dtype(preset: str, device: torch.device) -> torch.dtype:
    return torch.float16 if gpu.is_gpu(device) and preset != "tiny" else torch.float32
