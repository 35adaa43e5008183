"""Results of stages, each kept under a digest of what made it: a study that was stopped goes on where it was."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from lipforcing.network import LipNetwork
from lipforcing.weights.folder import MANIFEST
from services.trainer.methods.folders import read_network, save_network

log = structlog.get_logger(__name__)
Training = tuple[LipNetwork, Mapping[str, Any]]  # a trained network, and what should be known of its training


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """A network and where it lies.

    Attributes:
        network: float32, frozen.
        folder: of ``save_network``.
    """

    network: LipNetwork
    folder: Path

    @property
    def key(self) -> str:
        """Stands for everything that made it."""
        return self.folder.name


class ResultCache:
    """A folder of results.

    Args:
        folder: made if absent.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str, key: object, suffix: str = "") -> Path:
        """Where a result belongs; ``key`` is JSON."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return self._folder / f"{name}-{digest[:16]}{suffix}"

    def network(self, name: str, key: object, train: Callable[[], Training]) -> TrainedNetwork:
        """A trained network, trained if it is not there."""
        folder = self.path(name, key)
        if not (folder / MANIFEST).exists():
            log.info("stage", name=name, folder=str(folder))
            trained, notes = train()
            nothing = torch.zeros(trained.config.text_len, trained.config.text_dim)  # the study's networks have no prompt
            save_network(folder, trained, nothing, nothing, {"key": key, **notes})
        return TrainedNetwork(read_network(folder).network().eval().requires_grad_(requires_grad=False), folder)

    def tensors(self, name: str, key: object, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """Tensors by name, made if they are not there."""
        path = self.path(name, key, ".safetensors")
        if not path.exists():
            log.info("stage", name=name, file=str(path))
            partial = path.with_suffix(".partial")
            save_file({key: value.contiguous() for key, value in make().items()}, partial)
            partial.replace(path)
        return load_file(path)

    def values(self, name: str, key: object, make: Callable[[], Any]) -> Any:
        """JSON values, made if they are not there."""
        path = self.path(name, key, ".json")
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_text(json.dumps(make()))
            partial.replace(path)
        return json.loads(path.read_text())
