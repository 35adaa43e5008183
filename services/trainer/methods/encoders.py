"""What turns crops into latents and sound into features: the encoders of a served version, never trained here."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dubbing.errors import DecoderMissing, InvalidSetting
from dubbing.inference.versions import numbers
from lipforcing.contract import STUDENTS
from lipforcing.serving.loading import load_codec, load_face_encoder, load_speech_encoder
from lipforcing.vae.base import Codec
from lipforcing.weights.errors import WeightsError
from lipforcing.weights.folder import load_tensors, read_manifest, split_parts


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

    It is taken from any big student that has been imported or published, of this preset where there is one.

    Raises:
        DecoderMissing: no big student has been imported, or it is damaged.
    """
    if preset == "tiny":
        return copy.deepcopy(encoders.codec)  # the run's own encoder stays as it is, whatever the reward does to its copy
    return _decoder_of(_decoder_folder(models, preset), device)


def stored_decoder(models: Path, preset: str) -> dict[str, Tensor]:
    """The tensors of the same decoder as its student's folder holds them, for the folder of another student.

    Raises:
        DecoderMissing: as `load_decoder`.
    """
    folder = _decoder_folder(models, preset)
    _decoder_of(folder, torch.device("cpu"))  # compares the file with its digest, and the tensors with the decoder's
    return split_parts(load_tensors(folder, verify=False))["codec"]


def _decoder_folder(models: Path, preset: str) -> Path:
    # This preset's own first; the newest version of each.
    students = [STUDENTS[preset].student, *(one.student for name, one in STUDENTS.items() if name not in ("tiny", preset))]
    folders = [models / student / str(number) for student in students for number in numbers(models, student)[::-1]]
    if not folders:
        raise _no_decoder("Students and rewards are decoded by TAEW 2.1, which comes with an imported student, "
                          f"and none has been imported into {models}.")  # fmt: skip
    return folders[0]


def _decoder_of(folder: Path, device: torch.device) -> Codec:
    try:
        return load_codec(folder, device)
    except WeightsError as error:
        raise _no_decoder(f"The decoder of {folder} cannot be read: {error}") from error


def _no_decoder(detail: str) -> DecoderMissing:
    advice = "run `dubline weights import` for 14b on the trainer's machine"
    return DecoderMissing(detail, where={"pointer": "/settings/preset", "stage": "training"}, suggestions=(advice,))
