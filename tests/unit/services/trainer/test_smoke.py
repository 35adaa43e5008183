"""The whole run, a few steps of each stage: from nothing to version folders that load."""

import json
from pathlib import Path

import pytest
import torch
from places import LANDMARKER

from lipforcing.contract import STUDENTS
from lipforcing.serving.loading import load_student
from services.trainer.pipeline import Run
from services.trainer.recipes import NAMES, load


@pytest.mark.slow
def test_a_smoke_run_publishes_models_that_load_and_is_resumed_for_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # processes that share the clips: each imports torch anew
    work, repository = tmp_path / "work", tmp_path / "repository"
    work.mkdir()
    metrics = Run(load("smoke"), work, repository, LANDMARKER).run()
    assert metrics["test"]["untouched"] == 1.0
    folder = repository / STUDENTS["tiny"].student / "1"
    manifest = json.loads((folder / "model.json").read_text())
    assert manifest["demo"] is True
    assert manifest["source"]["recipe"]["name"] == "smoke"
    assert set(manifest["source"]["stages"]) == {"both", "settled", "decoder", "speech", "reader", "forcing", "own"}
    assert load_student(folder, torch.device("cpu")).digest.hex() == manifest["digest"]
    assert sorted(p.name for p in work.glob("test-*.png"))
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*.safetensors")}
    Run(load("smoke"), work, repository, LANDMARKER).make()
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*.safetensors")} == before


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no recipe 'huge'"):
        load("huge")
    assert all(load(name).name == name for name in NAMES)
