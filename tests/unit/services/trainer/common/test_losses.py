"""Losses against plain float64 arithmetic, and where their gradients go."""

import numpy as np
import torch

from services.trainer.common.losses import picture_loss, weighted_mse


def test_weighted_mse_equals_the_sum_written_out() -> None:
    generator = torch.Generator().manual_seed(1)
    made, true = (torch.randn(2, 3, 4, 4, dtype=torch.float64, generator=generator) for _ in range(2))
    weight = torch.rand(4, 4, dtype=torch.float64, generator=generator)
    total = 0.0
    for (b, c, y, x), value in np.ndenumerate(made.numpy()):
        total += 0.5 * float(weight[y, x]) * (value - float(true[b, c, y, x])) ** 2
    assert float(weighted_mse(made, true, weight)) == float(torch.tensor(total / (6 * float(weight.sum())))) or np.isclose(
        float(weighted_mse(made, true, weight)), total / (6 * float(weight.sum())), rtol=1e-12
    )


def test_weight_zero_stops_the_gradient() -> None:
    made = torch.randn(1, 1, 4, 4, requires_grad=True)
    weight = torch.zeros(4, 4)
    weight[2:] = 1.0
    weighted_mse(made, torch.zeros_like(made), weight).backward()
    assert made.grad is not None
    assert not made.grad[..., :2, :].any()
    assert made.grad[..., 2:, :].all()


def test_edge_term_sees_a_checkerboard_that_flat_error_equals_in_pixels() -> None:
    flat = torch.full((1, 1, 8, 8), 0.1)
    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    board = 0.1 * (1.0 - 2.0 * ((rows + columns) % 2))[None, None]
    zero, one = torch.zeros(1, 1, 8, 8), torch.ones(8, 8)
    assert torch.isclose(picture_loss(flat, zero, one, edges=0.0), picture_loss(board, zero, one, edges=0.0))
    assert torch.isclose(picture_loss(flat, zero, one, edges=1.0), torch.tensor(0.1))
    assert torch.isclose(picture_loss(board, zero, one, edges=1.0), torch.tensor(0.5))
