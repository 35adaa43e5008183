"""Files of every form, of a student that is as small as it can be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.distributed import checkpoint as dcp

from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.weights.containers import open_container
from lipforcing.weights.importer import (
    Part,
    student_part,
)

MICRO = StudentConfig(dim=16, ffn=24, heads=2, layers=4, text_dim=8, text_len=2, audio_input=4, latent=4)
State = dict[str, Tensor]


def micro() -> LipNetwork:
    with torch.device("meta"):
        return LipNetwork(MICRO)


def random_state() -> State:
    torch.manual_seed(1)
    return {name: torch.randn(tensor.shape).to(torch.bfloat16) for name, tensor in micro().state_dict().items()}


def made(part: Part) -> State:
    return {name: entry.make() for name, entry in part.items()}


def imported(path: Path, lora: Path | None = None, alpha: float = 64.0) -> State:
    opened = open_container(lora) if lora else None
    return made(student_part(open_container(path), opened, micro(), "14b", alpha))


def same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def prefixed(state: State, prefix: str) -> State:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def save_pickle(content: Any, folder: Path) -> Path:
    torch.save(content, folder / "student.pth")
    return folder / "student.pth"


def save_distributed(state: State, folder: Path) -> Path:
    dcp.save(dict(state), checkpoint_id=folder, no_dist=True)
    return folder


def save_sibling(state: State, folder: Path) -> Path:
    (folder / "student.pth").write_bytes(b"holds the optimizer's state, which is not looked at")
    save_distributed(state, folder / "student.net_model")
    return folder / "student.pth"


def save_shards(state: State, folder: Path) -> Path:
    names = sorted(state)
    halves = {"a-1.safetensors": names[::2], "a-2.safetensors": names[1::2]}
    for file, part in halves.items():
        save_file({name: state[name] for name in part}, folder / file)
    index = {"weight_map": {name: file for file, part in halves.items() for name in part}}
    (folder / "a.safetensors.index.json").write_text(json.dumps(index))
    return folder


def save_safetensors(state: State, folder: Path) -> Path:
    save_file(state, folder / "anything.bin")
    return folder / "anything.bin"


FORMS: dict[str, Callable[[State, Path], Path]] = {
    "flat": save_pickle,
    "flat of before zip archives": lambda state, folder: (
        torch.save(state, folder / "old.pth", _use_new_zipfile_serialization=False) or folder / "old.pth"
    ),
    "net": lambda state, folder: save_pickle({"net": state, "step": 3}, folder),
    "model.net": lambda state, folder: save_pickle({"model": {"net": state}, "optimizer": {"lr": 1.0}}, folder),
    "live student": lambda state, folder: save_pickle(prefixed(state, "_core."), folder),
    "teacher": lambda state, folder: save_pickle(prefixed(state, "model."), folder),
    "data parallel": lambda state, folder: save_pickle(prefixed(state, "module._core."), folder),
    "distributed": save_distributed,
    "distributed, nested": lambda state, folder: save_distributed({"net": prefixed(state, "_core.")}, folder),  # type: ignore[dict-item]
    "sibling folder": save_sibling,
    "shards": save_shards,
    "safetensors under another name": save_safetensors,
}
