"""Networks between runs: a version folder with the network, its prompt and the empty prompt (``lipforcing.weights.folder``).

Legend: L text tokens, E text width.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lipforcing.network import LipNetwork
from lipforcing.presets import StudentConfig
from lipforcing.weights.errors import UnreadableWeightsError
from lipforcing.weights.folder import join_parts, load_tensors, read_manifest, split_parts, write_folder


@dataclass(frozen=True, slots=True)
class Kept:
    """A network and what it was told.

    Attributes:
        network: float32.
        text_LE: the embedded prompt.
        empty_LE: the embedded empty prompt.
    """

    network: LipNetwork
    text_LE: Tensor
    empty_LE: Tensor


def save_network(folder: Path, kept: Kept, source: Mapping[str, Any]) -> None:
    """Write a network, complete or not at all.

    Args:
        folder: made if absent.
        kept: what to write.
        source: how it came about; JSON values.
    """
    text = {"embedding": kept.text_LE, "empty": kept.empty_LE}
    manifest = {"model": "network", "config": kept.network.config.to_json(), "source": dict(source)}
    write_folder(folder, join_parts({"network": kept.network.state_dict(), "text": text}), manifest)


def load_network(folder: Path) -> Kept:
    """Read what ``save_network`` wrote.

    Raises:
        WeightsError: absent, damaged, or not such a folder.
    """
    parts, config = split_parts(load_tensors(folder)), StudentConfig.from_json(read_manifest(folder)["config"])
    if not {"embedding", "empty"} <= parts.get("text", {}).keys():
        raise UnreadableWeightsError(f"{folder} lacks the embedding of the prompt or of the empty prompt")
    with torch.device("meta"):
        network = LipNetwork(config)
    network.load_state_dict({name: tensor.float() for name, tensor in parts["network"].items()}, assign=True)
    return Kept(network, parts["text"]["embedding"], parts["text"]["empty"])
