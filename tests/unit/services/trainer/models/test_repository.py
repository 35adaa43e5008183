"""A candidate's folders: its own, and encoders by digest from the served repository; each version complete or absent."""

import json
import shutil
from pathlib import Path

import pytest
from shrunken_models import CONTRACT, PRESET, write_encoders, write_student

from dubbing.domain.jobs import ModelPin, Models
from dubbing.errors import CheckpointMismatch
from services.trainer.models.repository import (
    as_version_1,
    check_candidate,
    folders_in,
    folders_of,
    highest_version,
    models_of,
    place,
    remove,
    sharing,
)

ENCODERS = (CONTRACT.face_encoder, CONTRACT.speech_encoder)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A repository with other encoders as version 1, and those that the candidate learned with as version 2."""
    write_encoders(tmp_path / "served", 1, seed=2)
    write_encoders(tmp_path / "served", 2)
    return tmp_path / "served"


@pytest.fixture
def candidate(tmp_path: Path, served: Path) -> Path:
    digests = {model: json.loads((served / model / "2" / "model.json").read_text())["digest"] for model in ENCODERS}
    write_student(tmp_path / "candidate", {"run": "run_x", "encoders": digests})
    return tmp_path / "candidate"


def test_a_big_candidate_gets_the_encoders_that_it_learned_with_and_they_take_no_room(candidate: Path, served: Path) -> None:
    folders = folders_of(candidate, served, PRESET)
    assert folders == {
        CONTRACT.student: candidate / CONTRACT.student / "1",
        **{model: served / model / "2" for model in ENCODERS},
    }
    version = highest_version(served, PRESET) + 1
    assert version == 3
    place(folders, served, version, {"version": version})
    for model in models_of(PRESET):
        weights, manifest = (served / model / "3" / name for name in ("model.safetensors", "model.json"))
        assert weights.samefile(folders[model] / "model.safetensors")
        before = json.loads((folders[model] / "model.json").read_text())
        assert json.loads(manifest.read_text()) == {**before, "version": 3}
    assert not list(served.glob("*/.*"))
    remove(served, PRESET, version)
    assert folders_of(candidate, served, PRESET) == folders


def test_encoders_that_nobody_serves_are_named_with_their_digest_and_what_to_do(candidate: Path, served: Path) -> None:
    shutil.rmtree(served / CONTRACT.speech_encoder / "2")
    with pytest.raises(CheckpointMismatch, match="has these weights") as raised:
        folders_of(candidate, served, PRESET)
    assert raised.value.where == {
        "model": CONTRACT.speech_encoder, "digest": check_candidate(candidate, PRESET)[CONTRACT.speech_encoder],
    }  # fmt: skip
    assert "dubline weights import" in raised.value.suggestions[0]


def test_damaged_weights_are_nobodys_encoders(candidate: Path, served: Path) -> None:
    weights = served / CONTRACT.face_encoder / "2" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointMismatch, match="no version in"):
        folders_of(candidate, served, PRESET)


def test_a_candidate_that_is_damaged_or_names_no_encoders_is_refused(candidate: Path, served: Path, tmp_path: Path) -> None:
    weights = candidate / CONTRACT.student / "1" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + b"x")
    with pytest.raises(CheckpointMismatch, match="its manifest says"):
        folders_of(candidate, served, PRESET)
    write_student(tmp_path / "strange", {"run": "run_x"})
    with pytest.raises(CheckpointMismatch, match=f"{CONTRACT.face_encoder} cannot be read"):
        check_candidate(tmp_path / "strange", PRESET)


def test_an_incumbent_is_shown_with_the_versions_that_it_is_pinned_to(candidate: Path, served: Path, tmp_path: Path) -> None:
    shutil.copytree(candidate / CONTRACT.student, served / CONTRACT.student)
    face, speech = (ModelPin(name=model, digest="", version=2) for model in ENCODERS)
    student = ModelPin(name=CONTRACT.student, digest="", version=1)
    pinned = Models(preset=PRESET, demo=False, student=student, face_encoder=face, speech_encoder=speech)
    shown = as_version_1(folders_in(served, pinned), tmp_path / "shown")
    for model, version in ((CONTRACT.student, "1"), *((model, "2") for model in ENCODERS)):
        assert (shown / model / "1").resolve() == (served / model / version).resolve()


def test_presets_that_share_encoders_are_known() -> None:
    assert sharing("14b") == ["1.3b", "14b"]
    assert sharing("tiny") == ["tiny"]
