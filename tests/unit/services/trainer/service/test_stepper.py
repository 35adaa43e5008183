"""The stepper is the optimisation loop cut into steps; a restored one goes on as if nothing had happened, bit for bit."""

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from full_disk import largest_file
from torch import Tensor, nn

from dubbing.errors import CheckpointMismatch, DiskFull, TrainingDiverged
from services.trainer.diffusion_forcing import loss_weight, train_forcing
from services.trainer.optimise import Optimisation, optimise
from services.trainer.service import checkpoint, forcing
from services.trainer.service.forcing import ForcingRun, Ingredients
from services.trainer.service.group import Group
from services.trainer.service.selftest import SelfTest, selftest
from services.trainer.service.stepper import Stepper

PLAN = Optimisation(steps=8, batch=4, lr=1e-2, warm_up=3, patience=3)
RECIPE = SelfTest(steps=4, clips=3)
ALONE = Group()


def module(width: int = 8) -> nn.Module:
    torch.manual_seed(3)
    layers = [nn.Linear(6, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 6)]
    return nn.Sequential(*layers).to(torch.bfloat16)


def loss(net: nn.Module) -> Mapping[str, Tensor]:
    x = torch.randn(PLAN.batch, 6)
    return {"error": (net(x.to(torch.bfloat16)).float() - x.flip(1)).square().mean()}


def named(net: nn.Module) -> tuple[Mapping[str, Tensor], Sequence[str]]:
    return loss(net), ["a", "b", "c", "d"]


def losses(stage: ForcingRun, count: int) -> list[float]:
    return [stage.advance().parts["x0"] for _ in range(count)]


@pytest.mark.parametrize("muon", [False, True])
def test_steps_one_at_a_time_are_the_loop_bit_for_bit_also_over_a_restart(muon: bool) -> None:
    plan, whole, parts = replace(PLAN, muon=muon), module(96), module(96)
    torch.manual_seed(9)
    curve = optimise(whole, lambda _: loss(whole), plan, stage="test", report_every=1)
    torch.manual_seed(9)
    stopped = Stepper(parts, plan, ALONE)
    seen = [stopped.advance(lambda: named(parts)) for _ in range(3)]
    held, rng = stopped.state(), torch.get_rng_state()
    again = module(96)
    stepper = Stepper(again, plan, ALONE)
    assert not torch.equal(rng, torch.get_rng_state())
    stepper.restore(held)
    seen += [stepper.advance(lambda: named(again)) for _ in range(plan.steps - 3)]
    assert [round(report.parts["error"], 5) for report in seen] == [step["error"] for step in curve.losses]
    assert [round(report.gradient or 0.0, 5) for report in seen] == [step["gradient"] for step in curve.losses]
    for name, averaged in stepper.average().items():
        assert torch.equal(averaged, whole.get_parameter(name))


def test_the_service_trains_a_student_as_the_pipeline_does_bit_for_bit() -> None:
    run = selftest(RECIPE, ALONE)
    made_of: Ingredients = run._made_of
    energy = torch.ones(16)
    weight = loss_weight(made_of.clips, energy, made_of.stage)
    whole, _ = train_forcing(made_of.config, made_of.clips, energy, made_of.stage, made_of.seed)
    stage = ForcingRun(replace(made_of, weight_Z1hw=weight), ALONE)
    losses(stage, RECIPE.steps)
    wanted = whole.state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in stage.averaged().state_dict().items())


def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one_bit_for_bit(tmp_path: Path) -> None:
    straight = selftest(RECIPE, ALONE)
    expected = losses(straight, 4)
    stopped = selftest(RECIPE, ALONE)
    first = losses(stopped, 2)
    folder = checkpoint.save(stopped.state(), tmp_path, stopped.step, ALONE)
    torch.manual_seed(12345)  # another process has another history
    resumed = selftest(RECIPE, ALONE)
    resumed.restore(checkpoint.load(folder, ALONE))
    assert resumed.step == 2
    assert first + losses(resumed, 2) == expected
    for name, tensor in straight.state().shared.items():
        assert torch.equal(tensor, resumed.state().shared[name]), name


def test_looking_at_a_sample_and_exporting_change_no_loss(tmp_path: Path) -> None:
    looked, straight = selftest(RECIPE, ALONE), selftest(RECIPE, ALONE)
    torch.manual_seed(5)
    expected = losses(straight, 3)
    torch.manual_seed(5)
    first = losses(looked, 1)
    looked.sample(tmp_path / "sheet.png")
    assert looked.export(tmp_path / "models", {"run": "x"})
    assert first + losses(looked, 2) == expected
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_one_process_of_many_looks_at_samples_and_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("only the first process generates")

    first, other = (selftest(RECIPE, Group(rank, 1)) for rank in (0, 1))
    first.sample(tmp_path / "first.png")
    monkeypatch.setattr(forcing, "generate", forbidden)
    other.sample(tmp_path / "other.png")
    assert other.export(tmp_path / "models", {}) is False
    assert [path.name for path in tmp_path.iterdir()] == ["first.png"]


def test_a_checkpoint_of_another_shape_names_what_does_not_fit(tmp_path: Path) -> None:
    folder = checkpoint.save(selftest(RECIPE, ALONE).state(), tmp_path, 0, ALONE)
    wider = selftest(replace(RECIPE, layers=6), ALONE)
    with pytest.raises(CheckpointMismatch, match="parameters of the checkpoint do not fit") as raised:
        wider.restore(checkpoint.load(folder, ALONE))
    assert raised.value.where["parameters"]


def test_a_checkpoint_of_another_number_of_processes_is_refused(tmp_path: Path) -> None:
    folder = checkpoint.save(selftest(RECIPE, ALONE).state(), tmp_path, 0, ALONE)
    pair = Group(0, 1)
    pair.world = 2
    with pytest.raises(CheckpointMismatch, match="written by 1 processes, and this run has 2"):
        checkpoint.load(folder, pair)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = checkpoint.save(selftest(RECIPE, ALONE).state(), tmp_path, 0, ALONE)
    weights = folder / "rank-0" / "model.safetensors"
    bytes_ = bytearray(weights.read_bytes())
    bytes_[-5] ^= 1
    weights.write_bytes(bytes_)
    with pytest.raises(CheckpointMismatch, match="damaged"):
        checkpoint.load(folder, ALONE)


def test_a_full_disk_leaves_no_half_of_a_checkpoint_and_the_earlier_one_whole(tmp_path: Path) -> None:
    stage = selftest(RECIPE, ALONE)
    before = checkpoint.save(stage.state(), tmp_path, 0, ALONE)
    with largest_file(10_000), pytest.raises(DiskFull, match="step 1"):
        checkpoint.save(stage.state(), tmp_path, 1, ALONE)
    assert [path.name for path in tmp_path.iterdir()] == [before.name]
    assert checkpoint.load(before, ALONE).values["step"] == 0
    assert os.strerror(errno.EFBIG)


def test_a_gradient_that_is_no_number_is_skipped_though_the_loss_is_one() -> None:
    net = module()
    stepper = Stepper(net, PLAN, ALONE)

    def steep() -> tuple[Mapping[str, Tensor], Sequence[str]]:
        weight = next(parameter for parameter in net.parameters() if parameter.requires_grad)
        return {**loss(net), "steep": (weight * 0.0).sqrt().sum()}, ["clip 7"]

    report = stepper.advance(steep)
    assert (report.gradient, report.skipped) == (None, 1)
    stepper.advance(lambda: named(net))
    assert all(torch.isfinite(weight).all() for weight in stepper.average().values())


def test_losses_that_are_no_numbers_are_skipped_counted_and_end_the_run_with_their_samples() -> None:
    net = module()
    stepper = Stepper(net, PLAN, ALONE)

    def broken() -> tuple[Mapping[str, Tensor], Sequence[str]]:
        return {"error": loss(net)["error"] * float("nan")}, ["clip 7", "clip 2"]

    before = {name: weight.clone() for name, weight in stepper.average().items()}
    assert stepper.advance(broken).skipped == 1
    assert stepper.advance(lambda: named(net)).gradient is not None
    assert stepper.advance(broken).gradient is None
    stepper.advance(broken)
    with pytest.raises(TrainingDiverged, match="clip 7, clip 2") as raised:
        stepper.advance(broken)
    assert raised.value.where["step"] == 4
    assert any(not torch.equal(weight, before[name]) for name, weight in stepper.average().items())
