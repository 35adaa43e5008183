"""What turns crops into latents and sound into features: the encoders of a served version, never trained here."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dubbing.errors import InvalidSetting
from dubbing.inference.versions import numbers
from lipforcing.contract import STUDENTS
from lipforcing.serving.loading import load_codec, load_face_encoder, load_speech_encoder
from lipforcing.vae.base import Codec
from lipforcing.weights.errors import WeightsError
from lipforcing.weights.folder import read_manifest


@dataclass(frozen=True, slots=True)
class Encoders:
    """Both encoders, frozen.

    Attributes:
        codec: of crops; decodes too.
        speech: of sound.
        digests: SHA-256 of the weights of each, by the model's name. Networks fit each other only where these are equal.
    """

    codec: Codec
    speech: nn.Module
    digests: dict[str, str]

    def taught(self, source: Mapping[str, Any]) -> bool:
        """Whether a network that came about as ``source`` says learned from what these encoders make, or does not say."""
        return bool(source.get("encoders", self.digests) == self.digests)


def load_encoders(models: Path, preset: str, version: int, device: torch.device) -> Encoders:
    """The encoders of one version.

    Raises:
        InvalidSetting: the repository has no such version, or it is damaged.
    """
    contract = STUDENTS[preset]
    folders = {name: models / name / str(version) for name in (contract.face_encoder, contract.speech_encoder)}
    try:
        return Encoders(
            load_face_encoder(folders[contract.face_encoder], contract.face_encoder, device),
            load_speech_encoder(folders[contract.speech_encoder], contract.speech_encoder, device),
            {name: str(read_manifest(folder)["digest"]) for name, folder in folders.items()},
        )
    except WeightsError as error:
        raise InvalidSetting(
            f"Version {version} of the encoders of {preset} cannot be read: {error}",
            where={"pointer": "/settings/encoders"},
            suggestions=("name a version that DUBLINE_MODEL_REPO holds",),
        ) from error


def load_decoder(models: Path, preset: str, encoders: Encoders, device: torch.device) -> Codec:
    """What decodes the clips that are rewarded: the quick decoder that the students of a preset are served with.

    Args:
        models: the served model repository; a student of any big preset will do, for they share their latents.
        preset: of the run.
        encoders: of the run; the small model's own codec is that decoder.
        device: where to.

    Raises:
        InvalidSetting: no big student has been imported, or it is damaged.
    """
    if preset == "tiny":
        return copy.deepcopy(encoders.codec)
    students = [STUDENTS[preset].student, *(one.student for name, one in STUDENTS.items() if name not in ("tiny", preset))]
    folders = [models / student / str(number) for student in students for number in numbers(models, student)[::-1]]
    where = {"pointer": "/settings/reward"}
    if not folders:
        raise InvalidSetting(
            "Rewards are decoded by TAEW 2.1, which comes with an imported student, and none has been imported.",
            where=where, suggestions=("run `dubline weights import` for 14b", "set reward=false"),
        )  # fmt: skip
    try:
        return load_codec(folders[0], device)
    except WeightsError as error:
        raise InvalidSetting(f"The decoder of {folders[0]} cannot be read: {error}", where=where) from error
