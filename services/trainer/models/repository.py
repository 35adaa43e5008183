"""Version folders in the served model repository, and the server that is told about them."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tritonclient.utils import InferenceServerException

from dubbing.domain.jobs import Models
from dubbing.errors import CheckpointMismatch, GoldenCheckFailed, ModelUnavailable
from dubbing.inference import versions
from dubbing.inference.channel import grpc_client
from dubbing.settings import TritonSettings
from lipforcing.contract import STUDENTS
from lipforcing.weights.digests import sha256_of

_LOAD_SECONDS = 600.0
_MANIFEST, _WEIGHTS = "model.json", "model.safetensors"
_CANDIDATE_VERSION = "1"  # the version that a run gives its models; they get their number here


def models_of(preset: str) -> tuple[str, str, str]:
    """The three models that one version consists of."""
    contract = STUDENTS[preset]
    return contract.student, contract.face_encoder, contract.speech_encoder


def sharing(preset: str) -> list[str]:
    """The presets that have a model in common with this one, itself among them."""
    return [name for name in STUDENTS if set(models_of(name)) & set(models_of(preset))]


def highest_version(repository: Path, preset: str) -> int:
    """The highest number that a model of the preset has; 0 if there is none."""
    return max((number for model in models_of(preset) for number in versions.numbers(repository, model)), default=0)


def check_candidate(candidate: Path, preset: str) -> dict[str, str]:
    """Compare every byte of what a run left; returns the digests of the encoders that are to be served with it, by model.

    A candidate holds the models that its run has trained. Encoders that it does not hold are those that its student says it
    learned with (``source.encoders``).

    Raises:
        CheckpointMismatch: a model is absent and not named either, or its weights are not those that its manifest names.
    """
    student, *encoders = models_of(preset)
    learned_with: Mapping[str, str] = _checked(candidate, student).get("source", {}).get("encoders", {})
    absent = {model: learned_with[model] for model in encoders if model in learned_with and not (candidate / model).exists()}
    for model in encoders:
        if model not in absent:
            _checked(candidate, model)
    return absent


def folders_of(candidate: Path, repository: Path, preset: str) -> dict[str, Path]:
    """The version folder of each of the candidate's three models, its own or that of a version that is served, by model.

    Raises:
        CheckpointMismatch: as `check_candidate`, or no version of an encoder has the weights that the candidate names.
    """
    absent = check_candidate(candidate, preset)
    return {
        model: _served(repository, model, absent[model]) if model in absent else candidate / model / _CANDIDATE_VERSION
        for model in models_of(preset)
    }


def _checked(candidate: Path, model: str) -> dict[str, Any]:
    """The manifest of a model of the candidate, whose weights are those that it names."""
    folder = candidate / model / _CANDIDATE_VERSION
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text())
        named, found = manifest["digest"], sha256_of(folder / _WEIGHTS)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointMismatch(f"The candidate's {model} cannot be read: {error}", where={"model": model}) from error
    if named != found:
        raise CheckpointMismatch(
            f"The candidate's {model} has SHA-256 {found}, its manifest says {named}.", where={"model": model}
        )
    return manifest


def _served(repository: Path, model: str, digest: str) -> Path:
    """The version folder of an encoder with these very weights."""
    for number in versions.numbers(repository, model):
        folder = repository / model / str(number)
        if versions.pin(repository, model, number).digest == digest and sha256_of(folder / _WEIGHTS) == digest:
            return folder
    raise CheckpointMismatch(
        f"The candidate learned with the {model} of SHA-256 {digest}, and no version in {repository} has these weights.",
        where={"model": model, "digest": digest},
        suggestions=("import these weights with `dubline weights import`, then publish again",),
    )


def place(folders: Mapping[str, Path], repository: Path, version: int, about: Mapping[str, Any]) -> None:
    """Put the three models in their places, each complete or absent; ``about`` joins the manifests.

    Weights that lie on the repository's disk already, as those of encoders do, are linked and take no more of it.
    """
    for model, folder in folders.items():
        final = repository / model / str(version)
        partial = final.with_name(f".{version}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _link(folder / _WEIGHTS, partial / _WEIGHTS)
        manifest = json.loads((folder / _MANIFEST).read_text())
        (partial / _MANIFEST).write_text(json.dumps({**manifest, **about}, indent=2, sort_keys=True) + "\n")
        shutil.rmtree(final, ignore_errors=True)
        partial.replace(final)


def keep_version(repository: Path, preset: str, version: int) -> None:
    """Make a published version the first, which is the one that a checkout commits; repeatable.

    Its manifests keep what they say of their origin and of the gate. A model whose weights are those of the first version stays
    as it is: a run that learned with encoders did not make them. What else was the first is gone.

    Raises:
        ModelUnavailable: there is no such version.
    """
    pinned = {model: [versions.pin(repository, model, number).digest for number in (1, version)] for model in models_of(preset)}
    others = {model: repository / model / str(version) for model, (first, wanted) in pinned.items() if first != wanted}
    place(others, repository, 1, {"version": 1})


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source.resolve())
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(source, target)


def remove(repository: Path, preset: str, version: int) -> None:
    """Take a version away again, whatever of it is there."""
    for model in models_of(preset):
        for name in (str(version), f".{version}.partial"):
            shutil.rmtree(repository / model / name, ignore_errors=True)


def as_version_1(folders: Mapping[str, Path], shown: Path) -> Path:
    """A repository in ``shown`` with these folders as version 1 of their models, which is what an evaluation looks at."""
    for model, folder in folders.items():
        (shown / model).mkdir(parents=True, exist_ok=True)
        link = shown / model / _CANDIDATE_VERSION
        link.unlink(missing_ok=True)
        link.symlink_to(folder.resolve(), target_is_directory=True)
    return shown


def folders_in(repository: Path, models: Models) -> dict[str, Path]:
    """The version folder of each pinned model; models that presets share have numbers of their own."""
    pins = (models.student, models.face_encoder, models.speech_encoder)
    return {pin.name: repository / pin.name / str(pin.version) for pin in pins}


def check_server(triton: TritonSettings) -> None:
    """Raise `ModelUnavailable` unless there is a server that is ready."""
    try:
        with grpc_client(triton.url, triton.secret) as client:
            ready = client.is_server_ready(client_timeout=5.0)
    except InferenceServerException as error:
        raise ModelUnavailable(f"The inference server at {triton.url} does not answer: {error.message()}") from error
    if not ready:
        raise ModelUnavailable(f"The inference server at {triton.url} is not ready.")


def load(triton: TritonSettings, preset: str, version: int) -> None:
    """Tell the server to look at the preset's models again, and make sure that it serves this version.

    Raises:
        ModelUnavailable: there is no server.
        GoldenCheckFailed: it does not take the version.
    """
    client = grpc_client(triton.url, triton.secret)
    for model in models_of(preset):
        check_server(triton)  # each time: one that died of the last model is no fault of this one
        try:
            client.load_model(model, client_timeout=_LOAD_SECONDS)
            served = client.is_model_ready(model, str(version), client_timeout=5.0)
        except InferenceServerException as error:
            raise GoldenCheckFailed(
                f"The server does not load {model}: {error.message()}", where={"model": model, "version": version}
            ) from error
        if not served:
            raise GoldenCheckFailed(
                f"The server does not serve version {version} of {model}.", where={"model": model, "version": version}
            )


def forget(triton: TritonSettings, repository: Path, preset: str) -> None:
    """Tell the server that a version of the preset's models is gone; one of which none is left would else stay in its memory.

    Raises:
        ModelUnavailable: there is no server, or it fails; it looks at the folders when it is back.
    """
    check_server(triton)
    client = grpc_client(triton.url, triton.secret)
    for model in models_of(preset):
        left = versions.numbers(repository, model)
        try:
            client.load_model(model, client_timeout=_LOAD_SECONDS) if left else client.unload_model(model)
        except InferenceServerException as error:
            raise ModelUnavailable(f"The server still holds a version of {model} that is gone: {error.message()}") from error
