"""The trajectory analysis: what it runs, what it writes, and what it derives from the published curves."""

import csv
import json
import runpy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from method_clips import SMALL, TEACHER, clips, teacher
from torch import Tensor

from lipforcing.schedule import guidance_window, sampling_grid
from lipforcing.syncnet import ClipScorer, SyncNet, SyncSizes
from lipforcing.vae.tiny import TinyCodec
from services.trainer.methods.samples import Clips
from studies.trajectory.analysis import COST, SYNC, PictureJudge, TrajectoryRow, analyse, means, recommend, write

# Means over ten clips of the 14B teacher (Sync-C, LPIPS of the mouth) by step. Unguided, steps 10 and 40 lie between their
# published neighbours.
GUIDED = {0: (7.30, 0.1335), 10: (7.20, 0.1136), 20: (7.66, 0.1009), 30: (7.78, 0.0958), 40: (7.69, 0.0972), 49: (7.64, 0.1024)}
PLAIN = {0: (6.51, 0.1052), 10: (6.50, 0.097), 20: (6.48, 0.0891), 30: (6.25, 0.0864), 40: (6.09, 0.0866), 49: (5.94, 0.0867)}
JUMP = {20: (7.34, 0.1007), 25: (7.47, 0.0931), 28: (7.36, 0.0889), 30: (7.28, 0.0869), 35: (6.97, 0.0841), 40: (6.72, 0.0869)}


def published() -> list[TrajectoryRow]:
    grid, rows = sampling_grid(50, 5.0).tolist(), []
    curves = (("trajectory", 4.5, 4.5, GUIDED), ("trajectory", 1.0, 1.0, PLAIN), ("jump", 1.0, 4.5, JUMP))
    for experiment, s0, s1, curve in curves:
        for step, values in curve.items():
            for metric, value in zip((SYNC, COST), values, strict=True):
                rows.append(TrajectoryRow(experiment, s0, s1, step, grid[step], "all", metric, value))
    rows += [TrajectoryRow("truth", 1.0, 1.0, -1, 0.0, "all", metric, value) for metric, value in ((SYNC, 6.64), (COST, 0.0))]
    return rows


def test_the_published_curves_give_the_published_window_and_timestep() -> None:
    found = recommend(published())
    assert found.guidance_steps == (20, 40)
    assert found.window == pytest.approx(guidance_window(TEACHER))
    assert found.landing == 30
    assert found.t_list == (0.999, 0.769, 0.0) == SMALL.t_list


def test_curves_in_other_units_give_the_same() -> None:
    scaled = [replace(row, value=row.value * (0.12 if row.metric == SYNC else 1000.0)) for row in published()]
    assert recommend(scaled) == recommend(published())


def test_guidance_that_gains_nothing_and_missing_experiments_are_errors() -> None:
    with pytest.raises(ValueError, match="needs a guided and an unguided"):
        recommend([row for row in published() if row.experiment != "jump"])
    flat = [replace(row, value=1.0) if row.metric == SYNC else row for row in published()]
    with pytest.raises(ValueError, match="no window"):
        recommend(flat)


class Counts:
    """A judge that is cheap: sync and cost are moments of the latents."""

    def __call__(self, x0: Tensor, some: Clips) -> Mapping[str, Sequence[float]]:
        assert len(x0) == len(some)
        return {
            SYNC: (1.0 + x0.abs().mean(dim=(1, 2, 3, 4))).tolist(),
            COST: (x0 - some.x0_BZThw).square().flatten(1).mean(1).tolist(),
        }


def few() -> list[TrajectoryRow]:
    short = replace(teacher(), config=replace(TEACHER, steps=5))
    return list(analyse(short, clips(), Counts(), seed=1))


def test_every_step_is_judged_with_and_without_guidance_and_every_jump_with_all_four_pairs() -> None:
    table = means(few())
    assert sorted(table) == sorted(
        [("truth", 1.0, 1.0), ("trajectory", 1.0, 1.0), ("trajectory", 4.5, 4.5),
         ("jump", 1.0, 1.0), ("jump", 1.0, 4.5), ("jump", 4.5, 1.0), ("jump", 4.5, 4.5)]
    )  # fmt: skip
    assert all(len(steps) == {"truth": 1, "trajectory": 5, "jump": 4}[key[0]] for key, steps in table.items())
    assert table["truth", 1.0, 1.0][-1][COST] == 0.0


def test_both_trajectories_start_from_the_same_noise_and_jumps_from_their_own_prediction() -> None:
    rows = few()
    assert rows == few()
    asked: list[Tensor] = []

    class Watches(Counts):
        def __call__(self, x0: Tensor, some: Clips) -> Mapping[str, Sequence[float]]:
            asked.append(x0)
            return super().__call__(x0, some)

    short = replace(teacher(), config=replace(TEACHER, steps=2))
    list(analyse(short, clips(), Watches(), seed=1))
    assert len(asked) == 1 + 2 * 2 + 2 * 1 * 2
    # With two steps, the jump 1 -> 1 to step 1 is the unguided trajectory's own second step.
    torch.testing.assert_close(asked[5], asked[2])
    torch.testing.assert_close(asked[8], asked[4])


def test_rows_plots_and_a_recipe_fragment_are_written(tmp_path: Path) -> None:
    found = write(published(), tmp_path)
    with (tmp_path / "trajectory.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{name: str(value) for name, value in asdict(row).items()} for row in published()]
    content = json.loads((tmp_path / "trajectory.json").read_text())
    assert content["recommendation"]["guidance_steps"] == [20, 40]
    assert len(content["means"]) == 4
    for name in ("trajectory.png", "trade.png"):
        assert (tmp_path / name).read_bytes()[:4] == b"\x89PNG"
    derived = runpy.run_path(str(tmp_path / "derived.py"))["derived"]
    changed, student = derived(replace(TEACHER, guidance_steps=(0, 1)), replace(SMALL, t_list=(0.999, 0.5, 0.0)))
    assert (changed.guidance_steps, student.t_list) == (found.guidance_steps, found.t_list)
    assert changed == TEACHER


def test_pictures_are_judged_in_the_mouth_and_by_the_metric() -> None:
    torch.manual_seed(0)
    judge = PictureJudge(TinyCodec(), ClipScorer(SyncNet(SyncSizes(side=64, divide=32))))
    some = clips((0, 1), frames=3, dtype=torch.float32, sound=True)
    true = judge(some.x0_BZThw, some)
    assert true[COST] == [0.0, 0.0]
    assert set(true) == {SYNC, COST, "sync_d", "offset"}
    assert judge(some.x0_BZThw + 0.5, some)[COST][0] > 0.0
    with pytest.raises(ValueError, match="waveforms are needed"):
        judge(some.x0_BZThw, replace(some, waveform_BS=None))
