"""A published version that becomes the one that a checkout commits."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from places import ROOT

from dubbing.errors import ModelUnavailable
from lipforcing.weights.folder import read_manifest
from services.trainer.models.publish import MODELS, TINY
from services.trainer.models.repository import keep_version

COMMITTED = ROOT / "model_repo"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The committed models as versions 1 and 2, of which a run has made the second: its student has other weights."""
    for model in MODELS:
        for version in ("1", "2"):
            shutil.copytree(COMMITTED / model / "1", tmp_path / model / version)
        path = tmp_path / model / "2" / "model.json"
        told = {**json.loads(path.read_text()), "source": {"run": "run_2"}, "version": 2}
        if model == TINY.student:
            weights = path.with_name("model.safetensors")
            changed = bytearray(weights.read_bytes())
            changed[-1] ^= 1
            weights.write_bytes(changed)
            told["digest"] = hashlib.sha256(changed).hexdigest()
        path.write_text(json.dumps(told))
    return tmp_path


def test_a_kept_student_is_the_first_with_its_origin(repository: Path) -> None:
    keep_version(repository, TINY.preset, 2)
    manifest = read_manifest(repository / TINY.student / "1")
    assert manifest["source"] == {"run": "run_2"}
    assert manifest["version"] == 1
    assert not list((repository / TINY.student).glob(".*"))


def test_encoders_that_it_only_learned_with_keep_the_origin_that_they_have(repository: Path) -> None:
    before = {
        path: path.read_bytes() for model in MODELS if model != TINY.student for path in (repository / model).rglob("1/*")
    }
    keep_version(repository, TINY.preset, 2)
    assert {path: path.read_bytes() for path in before} == before


def test_keeping_it_again_changes_nothing(repository: Path) -> None:
    keep_version(repository, TINY.preset, 2)
    before = {path: path.read_bytes() for path in repository.rglob("1/*")}
    keep_version(repository, TINY.preset, 2)
    assert {path: path.read_bytes() for path in repository.rglob("1/*")} == before


def test_a_version_that_is_not_there_leaves_the_first_alone(repository: Path) -> None:
    before = {path: path.read_bytes() for path in repository.rglob("1/*")}
    with pytest.raises(ModelUnavailable):
        keep_version(repository, TINY.preset, 3)
    assert {path: path.read_bytes() for path in repository.rglob("1/*")} == before
