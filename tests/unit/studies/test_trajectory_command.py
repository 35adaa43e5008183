"""The command that analyses a teacher's trajectory, on a shrunken teacher that has learned nothing."""

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from method_runs import MODELS, SIZES
from safetensors.torch import save_file

from lipforcing.network import LipNetwork, initialise
from lipforcing.presets import StudentConfig
from lipforcing.syncnet import TINY, SyncNet
from services.trainer.methods.encoders import load_encoders
from services.trainer.methods.folders import save_network
from studies.trajectory.__main__ import main
from studies.trajectory.analysis import COST, SYNC

WIDTHS: dict[str, Any] = {**SIZES, "text_dim": 6, "text_len": 3, "audio_input": 64, "latent": 16}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    network = LipNetwork(StudentConfig(**WIDTHS))
    initialise(network, 5)
    with torch.no_grad():
        network.head.head.weight.normal_(std=0.05)
    ours = load_encoders(MODELS, "tiny", 1, torch.device("cpu")).digests
    for name, encoders in (("teacher", ours), ("strange", dict.fromkeys(ours, "0" * 64))):
        save_network(folder / name, network, torch.zeros(3, 6), torch.zeros(3, 6), {"encoders": encoders})
    save_file(SyncNet(TINY).state_dict(), folder / "syncnet.safetensors")
    return folder


def words(given: Path, out: Path, *more: str, model: str = "teacher", syncnet: str = "syncnet.safetensors") -> list[str]:
    usual = ["--model", str(given / model), "--syncnet", str(given / syncnet), "--out", str(out)]
    return [*usual, "--clips", "1", "--frames", "21", "--steps", "4", *more]


@pytest.mark.slow
def test_every_step_of_a_clip_is_written_down_even_where_the_curves_show_no_window(
    given: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status = main(words(given, tmp_path))
    said = capfd.readouterr()
    assert "1 of 1 clips, about 0 s left" in said.err
    with (tmp_path / "trajectory.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["experiment"] for row in rows} == {"trajectory", "jump", "truth"}
    assert {row["step"] for row in rows if row["experiment"] == "trajectory"} == {"0", "1", "2", "3"}
    assert {row["metric"] for row in rows} >= {SYNC, COST}
    assert (status == 0) == (tmp_path / "derived.py").exists()
    assert status == 0 or f"The rows are in {tmp_path}" in said.err


@pytest.mark.parametrize(
    ("changed", "more", "said"),
    [
        ({"model": "strange"}, [], "other encoders"),
        ({"model": "none"}, [], "none"),
        ({"syncnet": "none.safetensors"}, [], "none.safetensors"),
        ({}, ["--frames", "22"], "22 frames"),
        ({}, ["--clips", "0"], "0 clips"),
        ({}, ["--encoders", "77"], "Version 77"),
    ],
)
def test_what_cannot_be_analysed_is_named_and_nothing_is_written(
    changed: dict[str, str], more: list[str], said: str, given: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words(given, given / "out", *more, **changed)) == 2
    assert said in capfd.readouterr().err
    assert not (given / "out").exists()
