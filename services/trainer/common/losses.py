"""Training losses on plain tensors. Every one is a mean, so its size does not depend on batch or picture.

The losses of the methods give one value per sample: a step may then weight samples, and name the one that is no number.
All of them take a weight of the latent cells, because most of a crop is pasted over by the footage afterwards and must not
thin out the mouth.

Legend: B samples, Z latent channels, T latent frames, h/w latent side.
"""

import torch
from torch import Tensor

_LEAST_ERROR = 1e-6


def weighted_mse(predicted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Half the squared error, averaged with ``weight`` (broadcast over the operands)."""
    weight = weight.expand_as(target)
    return 0.5 * (weight * (predicted - target).square()).sum() / weight.sum()


def picture_loss(predicted: Tensor, target: Tensor, weight: Tensor, edges: float) -> Tensor:
    """Weighted absolute error of pixels [..., H, W] plus ``edges`` times that of their differences to the right and downward.

    Absolute differences of neighbours punish blur, to which the pixels' own error is nearly blind.
    """
    error = predicted - target
    weight = weight.expand_as(error)
    pixels = (weight * error.abs()).sum() / weight.sum()
    across, down = torch.diff(error, dim=-1).abs(), torch.diff(error, dim=-2).abs()
    return pixels + edges * (
        (weight[..., 1:] * across).sum() / weight[..., 1:].sum() + (weight[..., 1:, :] * down).sum() / weight[..., 1:, :].sum()
    )


def sample_means(x_BZThw: Tensor, weight: Tensor) -> Tensor:
    """Mean of every sample, [B], with ``weight`` (broadcast over [B, Z, T, h, w]); 0 for a sample of no weight at all."""
    weight = weight.expand_as(x_BZThw)
    return (weight * x_BZThw).flatten(1).sum(dim=1) / weight.flatten(1).sum(dim=1).clamp(min=torch.finfo(weight.dtype).tiny)


def flow_loss(flow: Tensor, x0: Tensor, noise: Tensor, weight: Tensor, level_weight_B: Tensor) -> Tensor:
    """Squared error of the flow ε - x0, weighted by place and by noise level, [B].

    As published, ``weight`` multiplies and does not normalise: a mouth weight of 2 doubles the mouth's share of the loss.
    """
    error = (flow - (noise - x0)).square() * weight
    return level_weight_B * error.flatten(1).mean(dim=1)


def forcing_loss(predicted: Tensor, x0: Tensor, weight: Tensor, t_BT: Tensor) -> Tensor:
    """Half the squared error of x0 over the noisy latent frames, [B].

    Latent frames at t = 0 are context: their prediction is exact by definition, so they neither add error nor dilute it.
    """
    noisy = (t_BT > 0).to(x0.dtype)[:, None, :, None, None]
    return 0.5 * sample_means((predicted - x0).square(), weight * noisy)


def vsd_direction(x0: Tensor, fake: Tensor, real: Tensor, weight: Tensor) -> Tensor:
    """Distribution matching's direction g = (fake - real) / (mean |x0 - real| + 1e-6), one mean per sample (DMD, eq. 8).

    ``fake`` is the critic's x0 for noisy versions of the student's clips, ``real`` the teacher's, after guidance.
    """
    size_B = sample_means((x0 - real).abs(), weight) + _LEAST_ERROR
    return (fake - real) / size_B[:, None, None, None, None]


def vsd_loss(x0: Tensor, direction: Tensor, weight: Tensor) -> Tensor:
    """A loss [B] whose gradient with respect to x0 is ``direction`` · weight / Σ weight."""
    target = (x0 - direction).detach()
    return 0.5 * sample_means((x0 - target).square(), weight)


def critic_loss(x0: Tensor, predicted: Tensor, weight: Tensor) -> Tensor:
    """Squared error of the critic's x0 on clips of the student, [B]; the clips are constants."""
    return sample_means((x0.detach() - predicted).square(), weight)


def guided(conditional: Tensor, unconditional: Tensor, scale_B: Tensor) -> Tensor:
    """Classifier-free guidance p + (s - 1) (p - n) with a scale of its own for every sample."""
    scale = scale_B.to(conditional.dtype).view(-1, *(1,) * (conditional.ndim - 1))
    return conditional + (scale - 1.0) * (conditional - unconditional)


def contrastive_loss(distances_NN: Tensor, temperature: Tensor) -> Tensor:
    """Symmetric cross-entropy that picture i belongs to sound i and to no other, from their distances [N, N].

    Distances are divided by a (learned) temperature: on bare distances or cosines the softmax could not become sharp.
    """
    logits = -distances_NN / temperature
    right = torch.arange(len(logits), device=logits.device)
    each = [torch.nn.functional.cross_entropy(side, right) for side in (logits, logits.t())]
    return 0.5 * (each[0] + each[1])
