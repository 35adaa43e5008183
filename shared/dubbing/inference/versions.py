"""The version folders of a model repository, and the pins that jobs keep of them."""

import json
from pathlib import Path

from dubbing.domain.jobs import ModelPin, Models
from dubbing.errors import ModelUnavailable
from lipforcing.contract import STUDENTS

_MANIFEST = "model.json"


def numbers(repository: Path, model: str) -> list[int]:
    """The versions of a model that have a manifest, ascending."""
    return sorted(int(path.parent.name) for path in (repository / model).glob(f"*/{_MANIFEST}") if path.parent.name.isdigit())


def pin(repository: Path, model: str, version: int | None = None) -> ModelPin:
    """A model's version with the digest of its weights; the highest, as the server would choose, unless told.

    Raises:
        ModelUnavailable: it has no weights here.
    """
    found = numbers(repository, model)
    if not found or (version is not None and version not in found):
        which = model if version is None else f"version {version} of {model}"
        raise ModelUnavailable(
            f"{which} has no weights in {repository}.",
            where={"pointer": "/model"},
            suggestions=("fetch or import the weights, or choose another model",),
        )
    chosen = found[-1] if version is None else version
    digest = str(json.loads((repository / model / str(chosen) / _MANIFEST).read_text())["digest"])
    return ModelPin(name=model, digest=digest, version=chosen)


def pin_all(repository: Path, preset: str, version: int | None = None) -> Models:
    """The three models of a preset, pinned; raises `ModelUnavailable`."""
    contract = STUDENTS[preset]
    return Models(
        preset=preset,
        demo=contract.demo,
        student=pin(repository, contract.student, version),
        face_encoder=pin(repository, contract.face_encoder, version),
        speech_encoder=pin(repository, contract.speech_encoder, version),
    )


def pin_again(repository: Path, models: Models) -> Models:
    """The same versions with the digests of the weights that lie there now; raises `ModelUnavailable`."""
    pins = {"student": models.student, "face_encoder": models.face_encoder, "speech_encoder": models.speech_encoder}
    return models.model_copy(update={part: pin(repository, one.name, one.version) for part, one in pins.items()})
