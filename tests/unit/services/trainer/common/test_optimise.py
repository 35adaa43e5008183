"""The optimisation loop: it learns, survives NaN, and gives up where it must."""

import pytest
import torch
from torch import nn

from services.trainer.common.optimise import Optimisation, optimise
from services.trainer.common.update import DivergedError


def _line() -> tuple[nn.Linear, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    x = torch.randn(64, 3)
    return nn.Linear(3, 1), x, x @ torch.tensor([[1.0], [-2.0], [0.5]])


def test_the_averaged_weights_fit_a_line() -> None:
    layer, x, y = _line()
    plan = Optimisation(300, 64, 0.05, warm_up=10, weight_decay=0.0, ema=0.9)
    curve = optimise(layer, lambda _: {"error": (layer(x) - y).square().mean()}, plan, stage="test", report_every=100)
    assert torch.allclose(layer.weight, torch.tensor([[1.0, -2.0, 0.5]]), atol=0.02)
    assert curve.steps == [100, 200, 300]
    assert curve.losses[-1]["error"] < 0.01 < curve.losses[0]["error"]


def test_weights_decay_and_biases_do_not() -> None:
    layer, _, _ = _line()
    before = [parameter.detach().clone() for parameter in layer.parameters()]
    plan = Optimisation(3, 64, 0.1, warm_up=1, weight_decay=0.5, ema=0.0)
    optimise(layer, lambda _: {"none": sum(p.sum() for p in layer.parameters()) * 0.0}, plan, stage="test")
    shrunk, same = (torch.equal(*pair) for pair in zip(before, layer.parameters(), strict=True))
    assert (shrunk, same) == (False, True)


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
    with pytest.raises(DivergedError, match="5 steps up to step 5"):
        optimise(layer, lambda _: {"error": layer(x).mean() * float("inf")}, Optimisation(100, 64, 0.01), stage="test")


def test_the_rate_rises_linearly_and_falls_to_zero_along_a_cosine() -> None:
    plan = Optimisation(100, 1, 1.0, warm_up=10).update
    assert plan.rate(1, 100) == pytest.approx(0.1)
    assert plan.rate(10, 100) == pytest.approx(1.0)
    assert plan.rate(56, 100) == pytest.approx(0.5)
    assert plan.rate(100, 100) < 0.01
