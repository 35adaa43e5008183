"""The study of the distillation's steps: sizes, intervals, what is kept, and a run of everything at the smallest size."""

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from method_clips import SMALL, clips
from places import ROOT

from lipforcing.network import LipNetwork, initialise
from lipforcing.vae.tiny import TinyCodec
from services.trainer.common.timing import MARGIN
from services.trainer.methods.self_forcing import Stage2
from studies.ablation.__main__ import main
from studies.ablation.held_out import StudyClips
from studies.ablation.judge import FIGURES
from studies.ablation.result_cache import ResultCache
from studies.ablation.sizes import FORMS, SMOKE, StudySizes, distilling_recipe
from studies.ablation.table import ROWS, markdown, summarise

_MODELS = ROOT / "model_repo"


def _scores(**rows: list[list[float]]) -> dict[str, dict[str, list[list[float]]]]:
    return {row: dict.fromkeys(FIGURES, values) for row, values in rows.items()}


def test_a_difference_is_paired_clip_by_clip_and_seed_by_seed() -> None:
    hard = np.random.default_rng(1).normal(0.0, 5.0, (3, 20))  # clips differ far more than rows do
    summary = summarise(_scores(always=(hard + 0.5).tolist(), never=hard.tolist()), 500)
    mean, low, high = summary["differences"]["always - never"]["sync_c"]
    assert (mean, low, high) == pytest.approx((0.5, 0.5, 0.5))
    mean, low, high = summary["rows"]["never"]["sync_c"]
    assert low < mean < high
    assert high - low > 1.0


def test_seeds_widen_the_interval() -> None:
    apart = np.repeat([[-1.0], [0.0], [1.0]], 20, axis=1)
    mean, low, high = summarise(_scores(window=apart.tolist()), 500)["rows"]["window"]["sync_c"]
    assert mean == pytest.approx(0.0)
    assert low < -0.5
    assert high > 0.5


def test_a_teacher_that_seeds_share_counts_once() -> None:
    summary = summarise(_scores(teacher=[[1.0, 3.0]], forcing=[[2.0, 4.0], [2.0, 4.0]]), 200)
    assert summary["seeds"] == 2
    assert summary["differences"]["forcing - teacher"]["sync_c"] == pytest.approx([1.0, 1.0, 1.0])


def test_rows_of_different_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="different clips or seeds"):
        summarise(_scores(window=[[1.0, 2.0]], reward=[[1.0, 2.0, 3.0]]), 10)


def test_the_table_marks_what_can_be_said() -> None:
    text = markdown(summarise(_scores(always=[[2.0, 2.0]], never=[[1.0, 1.0]]), 50), {"always": 1234.5})
    assert "| always - never | +1.00 [+1.00, +1.00] * |" in text
    assert "| 1234 |" in text


@pytest.mark.parametrize(("form", "gate", "rewarded"), [(form, *how) for form, how in FORMS.items()])
def test_the_forms_of_stage_2_differ_in_guidance_and_reward_alone(form: str, gate: str, *, rewarded: bool) -> None:
    made = distilling_recipe(SMOKE, 1, TinyCodec(), form)
    base = distilling_recipe(SMOKE, 1, TinyCodec(), "window")
    assert isinstance(made.stage, Stage2)
    assert isinstance(base.stage, Stage2)
    assert (made.stage.guidance.gate, made.rewarded) == (gate, rewarded)
    same = replace(made, reward=base.reward, stage=replace(made.stage, guidance=base.stage.guidance))
    assert same.stage.student == base.stage.student
    assert replace(same, stage=base.stage) == base


def test_the_window_is_the_same_share_of_every_grid() -> None:
    assert StudySizes().teaching.guidance_steps == (20, 40)
    assert replace(StudySizes(), ode=25).teaching.guidance_steps == (10, 20)


def test_what_is_kept_is_not_made_again_and_another_key_is(tmp_path: Path) -> None:
    cache, made = ResultCache(tmp_path), []

    def make() -> dict[str, int]:
        made.append(1)
        return {"n": len(made)}

    assert [cache.values("x", key, make)["n"] for key in ("a", "a", "b", "a")] == [1, 1, 2, 1]


def test_a_network_comes_back_frozen_and_under_its_key(tmp_path: Path) -> None:
    def train() -> tuple[LipNetwork, dict[str, int]]:
        network = LipNetwork(SMALL)
        initialise(network, 5)
        return network, {"seconds": 1}

    def never() -> tuple[LipNetwork, dict[str, int]]:
        raise AssertionError

    first = ResultCache(tmp_path).network("teacher", ["recipe"], train)
    again = ResultCache(tmp_path).network("teacher", ["recipe"], never)
    assert first.key == again.key
    assert not any(parameter.requires_grad for parameter in again.network.parameters())
    wanted, found = first.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)


def test_the_control_gives_every_clip_the_next_ones_sound() -> None:
    some, empty = clips((0, 1, 2), dtype=torch.float32), torch.zeros(3)
    others = StudyClips(some, empty, empty, empty, empty, empty, "").of_others()
    speech = some.conditions.speech_BTGA
    assert torch.equal(others.conditions.speech_BTGA, speech[[1, 2, 0]])
    assert torch.equal(others.conditions.reference_BZThw, some.conditions.reference_BZThw)


@pytest.mark.slow
def test_everything_runs_and_a_second_call_finds_it_all(tmp_path: Path) -> None:
    takes = tmp_path / "takes"
    _draw_takes(takes, SMOKE.frames)
    out = tmp_path / "out"
    command = ["--out", str(out), "--seeds", "1", "--profile", "smoke", "--takes", str(takes), "--repository", str(_MODELS)]
    main([*command, "--split", "dev"])
    report = json.loads((out / "dev.json").read_text())
    assert list(report["summary"]["rows"]) == list(ROWS)
    assert set(report["frames_per_second"]) == set(ROWS) - {"truth", "codec", "footage"}
    assert set(report["controls"]["1"]) == {"swapped", "silence", "delayed"}
    assert report["scores"]["truth"]["mouth_mse"] == [[0.0, 0.0]]
    assert (out / "dev.png").stat().st_size > 1_000
    assert (out / "dev-sheet-0.png").exists()
    before = {path: path.stat().st_mtime_ns for path in (out / "kept").rglob("*") if path.is_file()}
    main([*command, "--split", "dev"])
    after = {path: path.stat().st_mtime_ns for path in (out / "kept").rglob("*") if path.is_file()}
    assert cast("object", after) == before


def _draw_takes(folder: Path, frames: int) -> None:
    """Noise in the shape of a take: nothing is rendered."""
    folder.mkdir()
    rng = np.random.default_rng(3)
    np.savez(
        folder / f"train-{frames}-1-00000.npz",
        crops=rng.integers(0, 255, (1, 2, frames, 128, 128, 3), np.uint8),
        sound=rng.integers(-9_000, 9_000, (1, 2, 640 * frames + 2 * MARGIN), np.int16),
        visemes=rng.random((1, 2, frames, 7), np.float32),
        truth=rng.random((1, 2, frames, 2), np.float32),
        meta=json.dumps([{}]),
    )
