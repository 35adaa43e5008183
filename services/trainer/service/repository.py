"""Version folders in the served model repository, and the server that is told about them."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tritonclient import grpc
from tritonclient.utils import InferenceServerException

from dubbing.errors import CheckpointMismatch, GoldenCheckFailed, ModelUnavailable
from dubbing.inference import versions
from lipforcing.contract import STUDENTS
from services.trainer.service.shelf import sha256_of

_LOAD_SECONDS = 600.0
_MADE = "1"  # the version that a run gives its models; they get their number here


def models_of(preset: str) -> tuple[str, str, str]:
    """The three models that one version consists of."""
    contract = STUDENTS[preset]
    return contract.student, contract.face_encoder, contract.speech_encoder


def next_version(repository: Path, preset: str) -> int:
    """A number that no model of the preset has used."""
    used = [number for model in models_of(preset) for number in versions.numbers(repository, model)]
    return max(used, default=0) + 1


def check_candidate(candidate: Path, preset: str) -> None:
    """Raise `CheckpointMismatch` unless all three models are there with the weights that their manifests name."""
    for model in models_of(preset):
        folder = candidate / model / _MADE
        try:
            named = json.loads((folder / "model.json").read_text())["digest"]
            found = sha256_of(folder / "model.safetensors")
        except (OSError, ValueError, KeyError) as error:
            raise CheckpointMismatch(f"The candidate's {model} cannot be read: {error}", where={"model": model}) from error
        if named != found:
            raise CheckpointMismatch(
                f"The candidate's {model} has SHA-256 {found}, its manifest says {named}.", where={"model": model}
            )


def place(candidate: Path, repository: Path, preset: str, version: int, about: Mapping[str, Any]) -> None:
    """Copy the candidate's folders to their places, each complete or absent; ``about`` joins the manifests."""
    for model in models_of(preset):
        final = repository / model / str(version)
        partial = final.with_name(f".{version}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(candidate / model / _MADE, partial)
        manifest = json.loads((partial / "model.json").read_text())
        (partial / "model.json").write_text(json.dumps({**manifest, **about}, indent=2, sort_keys=True) + "\n")
        shutil.rmtree(final, ignore_errors=True)
        partial.replace(final)


def remove(repository: Path, preset: str, version: int) -> None:
    """Take a version away again, whatever of it is there."""
    for model in models_of(preset):
        for name in (str(version), f".{version}.partial"):
            shutil.rmtree(repository / model / name, ignore_errors=True)


def as_version_1(repository: Path, preset: str, version: int, folder: Path) -> Path:
    """A repository in ``folder`` that shows ``version`` as version 1, which is what an evaluation looks at."""
    for model in models_of(preset):
        (folder / model).mkdir(parents=True, exist_ok=True)
        link = folder / model / _MADE
        link.unlink(missing_ok=True)
        link.symlink_to((repository / model / str(version)).resolve(), target_is_directory=True)
    return folder


def load(triton_url: str, preset: str, version: int | None = None) -> None:
    """Tell the server to look at the preset's models again; with ``version``, make sure that it serves that one.

    Raises:
        ModelUnavailable: there is no server.
        GoldenCheckFailed: it does not take the version.
    """
    client = grpc.InferenceServerClient(triton_url)
    for model in models_of(preset):
        try:
            if not client.is_server_ready(client_timeout=5.0):
                raise ModelUnavailable(f"The inference server at {triton_url} is not ready.")
        except InferenceServerException as error:
            raise ModelUnavailable(f"The inference server at {triton_url} does not answer: {error.message()}") from error
        try:
            client.load_model(model, client_timeout=_LOAD_SECONDS)
            served = version is None or client.is_model_ready(model, str(version), client_timeout=5.0)
        except InferenceServerException as error:
            raise GoldenCheckFailed(
                f"The server does not load {model}: {error.message()}", where={"model": model, "version": version}
            ) from error
        if not served:
            raise GoldenCheckFailed(
                f"The server does not serve version {version} of {model}.", where={"model": model, "version": version}
            )
