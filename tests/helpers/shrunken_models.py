"""The models of preset 1.3b with shrunken widths: the same classes, loaders and file format, for crops of 128 pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from lipforcing.audio.wav2vec2 import Wav2Vec2Features, Wav2Vec2Sizes
from lipforcing.contract import STUDENTS
from lipforcing.network import LipNetwork, initialise
from lipforcing.presets import StudentConfig
from lipforcing.serving import loading
from lipforcing.vae.taew import Taew
from lipforcing.vae.wan import WanVae
from lipforcing.weights.folder import join_parts, write_folder
from services.trainer.models.publish import publish_student

PRESET = "1.3b"
CONTRACT = replace(STUDENTS[PRESET], crop=128, speech_features=4 * 8)
WIDTHS: dict[str, Any] = {
    "dim": 132, "ffn": 32, "heads": 3, "layers": 4, "text_dim": 6, "text_len": 3,
    "audio_input": CONTRACT.speech_features, "latent": CONTRACT.latent,
}  # fmt: skip
_SPEECH = Wav2Vec2Sizes(conv=8, hidden=8, layers=2, heads=2, inner=8, reach=16, groups=2)
_taew, _wan, _wav2vec2 = partial(Taew, (8, 8, 8, 8)), partial(WanVae, 4), partial(Wav2Vec2Features, _SPEECH)


@contextmanager
def shrunken() -> Iterator[None]:
    """The loaders expect the shrunken widths, and preset 1.3b small crops."""
    with (
        mock.patch.dict(STUDENTS, {PRESET: CONTRACT}),
        mock.patch.multiple(loading, Taew=_taew, WanVae=_wan, Wav2Vec2Features=_wav2vec2),
    ):
        yield


def network(seed: int = 5) -> LipNetwork:
    """A network that makes something, with a prompt that says something."""
    made = LipNetwork(StudentConfig(**WIDTHS))
    initialise(made, seed)
    with torch.no_grad():
        made.head.head.weight.normal_(std=0.05, generator=torch.Generator().manual_seed(seed))
    return made


def write_encoders(repository: Path, version: int = 1, seed: int = 1) -> dict[str, str]:
    """Both encoders as an import writes them; gives their digests by model."""
    torch.manual_seed(seed)
    parts = {CONTRACT.face_encoder: ("codec", _wan()), CONTRACT.speech_encoder: ("encoder", _wav2vec2())}
    found = {}
    for model, (part, module) in parts.items():
        tensors = join_parts({part: module.state_dict()})
        found[model] = str(write_folder(repository / model / str(version), tensors, {"model": model})["digest"])
    return found


def write_student(repository: Path, source: dict[str, Any], seed: int = 5) -> Path:
    """A student as a run leaves it, with a decoder in half precision."""
    torch.manual_seed(seed)
    codec = {name: tensor.half() for name, tensor in _taew().state_dict().items()}
    publish_student(repository, PRESET, network(seed), source, codec=codec, text_LE=torch.randn(3, 6))
    return repository / CONTRACT.student / "1"
