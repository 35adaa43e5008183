"""What a big student's run leaves to be served: the version folder that the server loads, without encoders of its own."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from method_runs import ALONE, data_set
from shrunken_models import CONTRACT, PRESET, WIDTHS, network, shrunken, write_encoders, write_student

from dubbing.errors import DecoderMissing
from lipforcing.serving.loading import load_student
from lipforcing.weights.folder import load_tensors, split_parts
from services.trainer.common.settings import changed
from services.trainer.common.site import Site
from services.trainer.methods.folders import read_network, save_network
from services.trainer.methods.init_from import NETWORK
from services.trainer.methods.run import open_run
from services.trainer.methods.stage import MethodStage
from services.trainer.models.repository import folders_of
from services.trainer.recipes import RECIPES, load

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Footage, a network to start from, and a repository with encoders and an imported student."""
    home = tmp_path_factory.mktemp("big")
    data_set(home / "set", home / "takes")
    text = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(1))
    save_network(home / "network", network(), text[0], text[1], {})
    write_encoders(home / "models")
    write_student(home / "models", {"network": "imported"}, seed=7)
    with shrunken():
        yield home


def opened(name: str, home: Path, models: Path) -> MethodStage:
    networks = ["network"] if name == "df_1_3b" else ["network", "critic", "teaching.network"]
    settings: dict[str, Any] = {f"{one}.{key}": value for one in networks for key, value in WIDTHS.items()}
    settings |= {"latents": 3, "batch": 2, "micro": 1, "rng_group": 1, "steps": 1, "half": False, "data": str(home / "set")}
    settings |= {"start": str(home / "network")}
    if name == "sf_1_3b":
        settings |= {"teacher": str(home / "network"), "reward": False, "teaching.steps": 2, "stage.student_update_freq": 1}
    return open_run(changed(load(name), settings), Site(home / "cache", ALONE, models, places=(home,)), CPU)


@pytest.mark.parametrize("name", ["df_1_3b", "sf_1_3b"])
def test_a_big_student_leaves_a_version_that_the_server_loads_and_the_digests_of_its_encoders(
    name: str, home: Path, tmp_path: Path
) -> None:
    stage = opened(name, home, home / "models")
    stage.advance()
    assert stage.export(tmp_path, {"run": "run_x", "recipe": name, **stage.facts})
    assert sorted(path.name for path in tmp_path.iterdir()) == [CONTRACT.student, NETWORK]
    student, imported = (split_parts(load_tensors(root / CONTRACT.student / "1")) for root in (tmp_path, home / "models"))
    left = read_network(tmp_path / NETWORK)
    assert student["network"].keys() == left.network().state_dict().keys()
    for key, tensor in left.network().state_dict().items():
        assert torch.equal(student["network"][key], tensor.to(torch.bfloat16)), key
    assert torch.equal(student["text"]["embedding"], left.text_LE.to(torch.bfloat16))
    assert {tensor.dtype for tensor in student["codec"].values()} == {torch.float16}
    assert all(torch.equal(tensor, student["codec"][key]) for key, tensor in imported["codec"].items())
    manifest = json.loads((tmp_path / CONTRACT.student / "1" / "model.json").read_text())
    assert (manifest["preset"], manifest["source"]["recipe"]) == (PRESET, name)
    loaded = load_student(tmp_path / CONTRACT.student / "1", CPU)
    assert loaded.digest.hex() == manifest["digest"]
    folders = folders_of(tmp_path, home / "models", PRESET)
    assert folders[CONTRACT.face_encoder] == home / "models" / CONTRACT.face_encoder / "1"


def test_without_an_imported_decoder_a_run_ends_before_anything_is_read(home: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(home / "models", models)
    shutil.rmtree(models / CONTRACT.student)
    cached = set((home / "cache").glob("*")) if (home / "cache").exists() else set()
    with pytest.raises(DecoderMissing, match="none has been imported") as raised:
        opened("df_1_3b", home, models)
    assert raised.value.code == "decoder_missing"
    assert "dubline weights import" in raised.value.suggestions[0]
    assert (set((home / "cache").glob("*")) if (home / "cache").exists() else set()) == cached


def test_runs_of_big_students_are_offered_for_publishing_and_those_of_teachers_are_not() -> None:
    assert {name: RECIPES[name].serves for name in ("df_1_3b", "sf_1_3b", "df_14b", "sf_14b", "teacher_14b_ls")} == {
        "df_1_3b": "1.3b", "sf_1_3b": "1.3b", "df_14b": "14b", "sf_14b": "14b", "teacher_14b_ls": None,
    }  # fmt: skip
