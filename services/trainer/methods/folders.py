"""Networks between runs: a version folder with the network, its prompt and the empty prompt (``lipforcing.weights.folder``).

Legend: L text tokens, E text width.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.weights.errors import UnreadableWeightsError
from lipforcing.weights.folder import join_parts, load_tensors, read_manifest, split_parts, write_folder
from services.trainer.methods.sharding import on_meta


def save_network(folder: Path, network: LipNetwork, text_LE: Tensor, empty_LE: Tensor, source: Mapping[str, Any]) -> None:
    """Write a network and its embedded prompts, complete or not at all; ``source`` says in JSON how it came about."""
    manifest = {"model": "network", "config": network.config.to_json(), "source": dict(source)}
    parts = {"network": network.state_dict(), "text": {"embedding": text_LE, "empty": empty_LE}}
    write_folder(folder, join_parts(parts), manifest)


@dataclass(frozen=True, slots=True)
class StoredNetwork:
    """A network as it lies on disk: weights mapped into memory, embedded prompts, how it came about, SHA-256 of the file."""

    config: StudentConfig
    weights: Mapping[str, Tensor]
    text_LE: Tensor
    empty_LE: Tensor
    source: Mapping[str, Any]
    digest: str

    def network(self) -> LipNetwork:
        """The network itself, float32 on the CPU."""
        # No memory of its own: the mapped tensors become its parameters, widened where they are stored in half precision.
        network = on_meta(self.config)
        network.load_state_dict({name: tensor.float() for name, tensor in self.weights.items()}, assign=True)
        return network


def read_network(folder: Path, *, verify: bool = True) -> StoredNetwork:
    """What ``save_network`` wrote; of the processes of a run one is enough to ``verify`` the whole file by its digest.

    Raises:
        WeightsError: absent, damaged, or not such a folder.
    """
    parts, manifest = split_parts(load_tensors(folder, verify=verify)), read_manifest(folder)
    text = parts.get("text", {})
    if "network" not in parts or not {"embedding", "empty"} <= text.keys():
        raise UnreadableWeightsError(f"{folder} lacks a network, or the embedding of the prompt or of the empty prompt")
    config, source = StudentConfig.from_json(manifest["config"]), manifest.get("source", {})
    return StoredNetwork(config, parts["network"], text["embedding"], text["empty"], source, str(manifest["digest"]))


def read_served(folder: Path) -> StoredNetwork:
    """The network of a version of a served student: half precision, widened, and told nothing, as preset ``tiny`` is.

    Raises:
        WeightsError: absent, damaged, or of a student with a prompt: what it was told when guided is not kept with it.
    """
    parts, manifest = split_parts(load_tensors(folder)), read_manifest(folder)
    text_LE = parts.get("text", {}).get("embedding")
    if "network" not in parts or text_LE is None or text_LE.any():
        raise UnreadableWeightsError(f"{folder} holds no network without a prompt")
    # bfloat16 -> float32: it is trained further in full precision.
    weights = {name: tensor.float() for name, tensor in parts["network"].items()}
    config, source, nothing = StudentConfig.from_json(manifest["config"]), manifest.get("source", {}), text_LE.float()
    return StoredNetwork(config, weights, nothing, nothing, source, str(manifest["digest"]))
