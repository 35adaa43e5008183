"""A method inside the service: steps, reports, state, errors."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from method_clips import NULL, clips, network

from dubbing.errors import CheckpointMismatch, TrainingDiverged
from services.trainer.common.update import UpdatePlan
from services.trainer.methods.forcing import DiffusionForcing, Stage1
from services.trainer.methods.samples import Clips
from services.trainer.methods.stage import MethodStage, State
from services.trainer.methods.training import Supervised

PLAN = UpdatePlan(1e-3, ema=0.9, max_skipped=2)


def batches(number: int) -> Sequence[Clips]:
    return [clips((10 * number, 10 * number + 1), frames=3, dtype=torch.float32)]


def broken(number: int) -> Sequence[Clips]:
    good = batches(number)[0]
    return [replace(good, x0_BZThw=good.x0_BZThw * torch.tensor([1.0, torch.nan]).view(2, 1, 1, 1, 1))]


def staged(plan: UpdatePlan = PLAN, *, source: object = batches, sharded: bool = False) -> MethodStage:
    method = Supervised(network(1, torch.float32), DiffusionForcing(Stage1((0.5, 0.5, 0.0)), NULL), plan, seed=3)
    return MethodStage(
        method, 4, source, samples=2, facts={"parameters": 1, "data": "x"},  # type: ignore[arg-type]
        draw=lambda path: path.touch(), export=lambda _repository, _source: False, sharded=sharded,
    )  # fmt: skip


def copied(state: State) -> State:
    return State(*({name: x.clone() for name, x in part.items()} for part in (state.shared, state.own)), state.values)


@pytest.mark.parametrize("sharded", [False, True])
def test_a_stopped_stage_goes_on_exactly(sharded: bool, tmp_path: Path) -> None:
    whole, first, second = (staged(sharded=sharded) for _ in range(3))
    want = [whole.advance() for _ in range(4)]
    assert [first.advance() for _ in range(2)] == want[:2]
    state = copied(first.state())
    assert (bool(state.own), bool(state.shared)) == (sharded, not sharded)
    second.restore(state)
    assert (second.step, second.steps) == (2, 4)
    assert [second.advance() for _ in range(2)] == want[2:]
    second.sample(tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").exists()
    assert second.export(tmp_path, {}) is False
    assert second.facts == {"parameters": 1, "data": "x"}


def test_a_bad_sample_is_skipped_counted_and_named_when_it_goes_on() -> None:
    stage = staged(source=broken)
    report = stage.advance()
    assert (report.gradient, report.skipped, report.samples) == (None, 1, 2)
    with pytest.raises(TrainingDiverged, match="last samples: clip 21") as raised:
        stage.advance()
    assert raised.value.where["samples"] == ["clip 21"]


def test_the_state_of_other_settings_is_refused() -> None:
    stage = staged()
    stage.advance()
    with pytest.raises(CheckpointMismatch, match="does not fit"):
        staged(replace(PLAN, ema=None)).restore(stage.state())
    with pytest.raises(CheckpointMismatch, match="does not fit"):
        staged().restore(State(values={"step": 1}))
