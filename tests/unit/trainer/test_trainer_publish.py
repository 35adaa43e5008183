"""Version folders of the demonstration model in a repository."""

import json
import shutil
from pathlib import Path

import pytest

from lipforcing.weights.folder import read_manifest
from services.trainer.publish import MODELS, keep_version

COMMITTED = Path(__file__).parents[3] / "model_repo"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The committed models as versions 1 and 2, of which the second says that a run has made it."""
    for model in MODELS:
        for version in ("1", "2"):
            shutil.copytree(COMMITTED / model / "1", tmp_path / model / version)
        path = tmp_path / model / "2" / "model.json"
        told = {**json.loads(path.read_text()), "source": {"run": "run_2"}, "version": 2}
        path.write_text(json.dumps(told))
    return tmp_path


def test_a_kept_version_is_the_first_with_its_origin_and_without_its_number(repository: Path) -> None:
    keep_version(repository, 2)
    for model in MODELS:
        manifest = read_manifest(repository / model / "1")
        assert manifest["source"] == {"run": "run_2"}
        assert "version" not in manifest
        assert not list((repository / model).glob(".*"))


def test_keeping_it_again_changes_nothing(repository: Path) -> None:
    keep_version(repository, 2)
    before = {path: path.read_bytes() for path in repository.rglob("1/*")}
    keep_version(repository, 2)
    assert {path: path.read_bytes() for path in repository.rglob("1/*")} == before


def test_a_version_that_is_not_there_leaves_the_first_alone(repository: Path) -> None:
    before = {path: path.read_bytes() for path in repository.rglob("1/*")}
    with pytest.raises(FileNotFoundError):
        keep_version(repository, 3)
    assert {path: path.read_bytes() for path in repository.rglob("1/*")} == before
