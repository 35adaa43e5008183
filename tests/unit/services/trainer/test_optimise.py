"""The optimisation loop: it learns, survives NaN, and gives up where it must."""

import pytest
import torch
from torch import nn

from services.trainer.optimise import DivergedError, Optimisation, optimise


def _line(dtype: torch.dtype = torch.float32) -> tuple[nn.Linear, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    x = torch.randn(64, 3)
    return nn.Linear(3, 1).to(dtype), x, x @ torch.tensor([[1.0], [-2.0], [0.5]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_averaged_weights_fit_a_line_and_are_float32(dtype: torch.dtype) -> None:
    layer, x, y = _line(dtype)
    optimise(
        layer,
        lambda _: {"error": (layer(x.to(dtype)).float() - y).square().mean()},
        Optimisation(300, 64, 0.05, warm_up=10, weight_decay=0.0, average=0.9),
        stage="test",
    )
    assert layer.weight.dtype == torch.float32
    assert torch.allclose(layer.weight, torch.tensor([[1.0, -2.0, 0.5]]), atol=0.02)


def test_one_step_without_a_number_is_skipped_and_counted() -> None:
    layer, x, y = _line()
    curve = optimise(
        layer,
        lambda step: {"error": (layer(x) - y).square().mean() * (float("nan") if step == 3 else 1.0)},
        Optimisation(10, 64, 0.01),
        stage="test",
    )
    assert curve.skipped == 1
    assert torch.isfinite(layer.weight).all()


def test_a_step_whose_loss_is_a_number_and_whose_gradient_is_none_is_skipped_and_counted() -> None:
    layer, x, y = _line()

    def loss(step: int) -> dict[str, torch.Tensor]:
        error = (layer(x) - y).square().mean()
        return {"error": error, "steep": (layer.weight * 0.0).sqrt().sum() if step == 3 else error * 0.0}

    curve = optimise(layer, loss, Optimisation(10, 64, 0.01), stage="test")
    assert curve.skipped == 1
    assert torch.isfinite(layer.weight).all()


def test_a_loss_that_stays_no_number_stops_the_stage() -> None:
    layer, x, _ = _line()
    with pytest.raises(DivergedError, match="5 steps up to step 4"):
        optimise(layer, lambda _: {"error": layer(x).mean() * float("inf")}, Optimisation(100, 64, 0.01), stage="test")


def test_the_rate_rises_linearly_and_falls_to_zero() -> None:
    plan = Optimisation(100, 1, 1.0, warm_up=10)
    assert plan.rate(0) == pytest.approx(0.1)
    assert plan.rate(9) == pytest.approx(1.0)
    assert plan.rate(99) < 0.01


def test_hidden_matrices_move_evenly_in_all_directions_under_muon() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 96), nn.Linear(96, 96), nn.Linear(96, 1))
    before = [p.detach().clone() for p in net.parameters()]
    x = torch.randn(64, 3)
    (steepest,) = torch.autograd.grad(net(x).square().mean(), [net[1].weight])
    plan = Optimisation(1, 64, 0.01, warm_up=1, weight_decay=0.0, average=0.0, muon=True)
    optimise(net, lambda _: {"error": net(x).square().mean()}, plan, stage="test")
    moved = [after.detach() - old for after, old in zip(net.parameters(), before, strict=True)]
    assert all(change.abs().max() > 0 for change in moved)
    steep, made = torch.linalg.svdvals(steepest), torch.linalg.svdvals(moved[2])
    assert made[2] / made[0] > 3 * steep[2] / steep[0]
    assert torch.allclose(moved[0].abs(), moved[0].abs().max(), rtol=1e-3)  # a narrow end: AdamW's first step, all of one size
