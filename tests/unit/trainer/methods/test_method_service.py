"""A method driven by the service: its state goes through a checkpoint and back, and the steps after it are the same."""

from pathlib import Path
from typing import Any

import pytest
import torch
from method_clips import NULL, SMALL, clips, network

from dubbing.errors import CheckpointMismatch, TrainingDiverged
from services.trainer.methods.forcing import DiffusionForcing, Stage1
from services.trainer.methods.samples import Clips
from services.trainer.methods.training import Supervised
from services.trainer.methods.update import UpdatePlan
from services.trainer.service import checkpoint
from services.trainer.service.group import Group
from services.trainer.service.method import MethodStage, Supplies

ALONE = Group()
PLAN = UpdatePlan(1e-2, warm_up=2, ema=0.9, patience=1)


def stage(plan: UpdatePlan = PLAN, seed: int = 1, *, broken: bool = False) -> MethodStage:
    def batches(number: int) -> list[Clips]:
        return [clips((number, number + 1))]

    net = network(seed)
    if broken:
        with torch.no_grad():
            next(net.parameters()).fill_(float("nan"))
    method = Supervised(net, DiffusionForcing(Stage1(), NULL), plan, seed=5)
    facts: dict[str, Any] = {"parameters": sum(p.numel() for p in net.parameters()), "data": "x", "width": SMALL.dim}
    return MethodStage(method, Supplies(batches, 4, 2, facts, lambda path: path.write_bytes(b"")))


def test_a_resumed_method_takes_the_steps_of_an_uninterrupted_one(tmp_path: Path) -> None:
    straight, stopped = stage(), stage()
    expected = [straight.advance().parts for _ in range(4)]
    first = [stopped.advance().parts for _ in range(2)]
    folder = checkpoint.save(stopped.state(), tmp_path, 2, ALONE)
    resumed = stage(seed=2)  # whatever it began with
    resumed.restore(checkpoint.load(folder, ALONE))
    assert resumed.step == 2
    assert first + [resumed.advance().parts for _ in range(2)] == expected
    kept = resumed.state().shared
    assert all(torch.equal(tensor, kept[name]) for name, tensor in straight.state().shared.items())


def test_a_checkpoint_with_other_settings_is_refused(tmp_path: Path) -> None:
    one = stage()
    one.advance()
    folder = checkpoint.save(one.state(), tmp_path, 1, ALONE)
    with pytest.raises(CheckpointMismatch, match="does not fit the method"):
        stage(UpdatePlan(1e-2)).restore(checkpoint.load(folder, ALONE))


def test_a_method_that_diverges_names_its_samples() -> None:
    with pytest.raises(TrainingDiverged, match="clip 1"):
        stage(broken=True).advance()
