"""From trained modules to version folders that the server loads.

Weights are stored in half precision: the transformer in bfloat16, in which it was trained and is served, codec and speech
encoder in float16, from which they are widened again.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dubbing.settings import TrainerSettings
from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.contract import STUDENTS
from lipforcing.network import LipNetwork
from lipforcing.vae.tiny import TinyCodec
from lipforcing.weights.folder import MANIFEST, join_parts, write_folder
from lipforcing.weights.importer import given_part, write_student

TINY = STUDENTS["tiny"]
MODELS = (TINY.student, TINY.face_encoder, TINY.speech_encoder)


def version_folder(repository: Path, model: str) -> Path:
    """Where version 1 of a model lives."""
    return repository / model / "1"


def publish_encoders(repository: Path, codec: TinyCodec, encoder: TinySpeechEncoder, provenance: Mapping[str, Any]) -> None:
    """Write the version folders of both encoders of preset ``tiny``; ``provenance`` is JSON on how their weights came about."""
    _write_tiny(repository, TINY.face_encoder, {"codec": _as(codec, torch.float16)}, {}, provenance)
    _write_tiny(repository, TINY.speech_encoder, {"encoder": _as(encoder, torch.float16)}, {}, provenance)


def publish(
    repository: Path, codec: TinyCodec, encoder: TinySpeechEncoder, network: LipNetwork, provenance: Mapping[str, Any]
) -> None:
    """Write the three version folders of preset ``tiny``: the encoders, and ``network`` as the student with the codec."""
    publish_encoders(repository, codec, encoder, provenance)
    config = network.config
    student = {
        "network": _as(network, torch.bfloat16),
        "codec": _as(codec, torch.float16),
        "text": {"embedding": torch.zeros(config.text_len, config.text_dim, dtype=torch.bfloat16)},
    }
    _write_tiny(repository, TINY.student, student, config.to_json(), provenance)


def _write_tiny(
    repository: Path, model: str, parts: Mapping[str, dict[str, Tensor]], config: Mapping[str, Any], source: Mapping[str, Any]
) -> None:
    manifest = {"preset": TINY.preset, "demo": TINY.demo, "source": dict(source), "model": model, "config": dict(config)}
    write_folder(version_folder(repository, model), join_parts(parts), manifest)


def publish_student(
    repository: Path, preset: str, network: LipNetwork, provenance: Mapping[str, Any], *,
    codec: Mapping[str, Tensor], text_LE: Tensor,
) -> None:  # fmt: skip
    """Write the student's version folder of a big preset; its encoders are never trained, and those that serve are taken.

    ``provenance`` holds the digests of the ``encoders`` that it learned with; the quick decoder's tensors keep their type.

    Raises:
        WeightsError: a weight is not finite.
    """
    half = torch.bfloat16
    parts = {
        "network": given_part(network.state_dict(), half),
        "text": given_part({"embedding": text_LE}, half),
        "codec": given_part(codec),
    }
    write_student(version_folder(repository, STUDENTS[preset].student), preset, network.config, parts, provenance)


def add_metrics(repository: Path, metrics: Mapping[str, Any]) -> None:
    """Add what an evaluation found to the student's manifest; its tensors stay as they are."""
    path = version_folder(repository, TINY.student) / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["metrics"] = dict(metrics)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    partial.replace(path)


def revision(tree: Path) -> str:
    """The git revision of ``tree``, with a mark if it has changes; the one that the settings name goes first."""
    if named := TrainerSettings().revision:
        return named
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(tree), "describe", "--always", "--abbrev=40", "--dirty"],  # noqa: S607 - git from the path
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _as(module: nn.Module, dtype: torch.dtype) -> dict[str, Tensor]:
    return {name: tensor.detach().to(dtype) for name, tensor in module.state_dict().items()}
