"""Training losses on plain tensors. Every one is a mean, so its size does not depend on batch or picture."""

import torch
from torch import Tensor


def weighted_mse(predicted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Half the squared error, averaged with ``weight`` (broadcast over the operands)."""
    weight = weight.expand_as(target)
    return 0.5 * (weight * (predicted - target).square()).sum() / weight.sum()


def picture_loss(predicted: Tensor, target: Tensor, weight: Tensor, edges: float) -> Tensor:
    """Weighted absolute error of the pixels plus ``edges`` times that of their differences to the right and downward.

    Absolute differences of neighbours punish blur, to which the pixels' own error is nearly blind.

    Args:
        predicted: [..., H, W].
        target: the same shape.
        weight: [H, W] or broadcastable.
        edges: weight of the differences.
    """
    error = predicted - target
    weight = weight.expand_as(error)
    pixels = (weight * error.abs()).sum() / weight.sum()
    across, down = torch.diff(error, dim=-1).abs(), torch.diff(error, dim=-2).abs()
    return pixels + edges * (
        (weight[..., 1:] * across).sum() / weight[..., 1:].sum() + (weight[..., 1:, :] * down).sum() / weight[..., 1:, :].sum()
    )
