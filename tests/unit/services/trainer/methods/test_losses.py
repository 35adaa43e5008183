"""Each loss against its definition written out number by number in float64."""

import math

import pytest
import torch
from torch import Tensor

from services.trainer.common.losses import (
    contrastive_loss,
    critic_loss,
    flow_loss,
    forcing_loss,
    guided,
    sample_means,
    vsd_direction,
    vsd_loss,
)

SHAPE = (2, 3, 6, 4, 4)


def some(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape or SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def weight() -> Tensor:
    return torch.rand(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(9)) + 0.1


def cells() -> list[tuple[int, int, int, int]]:
    return [(z, t, y, x) for z in range(3) for t in range(6) for y in range(4) for x in range(4)]


def test_flow_loss_is_the_weighted_squared_error_of_noise_minus_x0() -> None:
    flow, x0, noise, level = some(1), some(2), some(3), torch.tensor([0.5, 1.5], dtype=torch.float64)
    for sample, got in enumerate(flow_loss(flow, x0, noise, weight(), level).tolist()):
        total = sum(float(weight()[c[2:]]) * float(flow[sample][c] - (noise[sample][c] - x0[sample][c])) ** 2 for c in cells())
        assert got == pytest.approx(float(level[sample]) * total / len(cells()), rel=1e-12)


def test_forcing_loss_averages_over_noisy_frames_only() -> None:
    predicted, x0 = some(1), some(2)
    t_BT = torch.tensor([[0.999, 0.999, 0.999, 0.0, 0.0, 0.0], [0.0] * 6], dtype=torch.float64)
    got = forcing_loss(predicted, x0, weight(), t_BT).tolist()
    noisy = [c for c in cells() if c[1] < 3]
    total = sum(float(weight()[c[2:]]) * float(predicted[0][c] - x0[0][c]) ** 2 for c in noisy)
    assert got[0] == pytest.approx(0.5 * total / sum(float(weight()[c[2:]]) for c in noisy), rel=1e-12)
    assert got[1] == 0.0


def test_clean_frames_neither_feel_nor_dilute_the_forcing_loss() -> None:
    predicted = some(1).requires_grad_()
    t_BT = torch.tensor([[0.999] * 3 + [0.0] * 3] * 2, dtype=torch.float64)
    forcing_loss(predicted, some(2), weight(), t_BT).sum().backward()
    assert predicted.grad is not None
    assert predicted.grad[:, :, :3].all()
    assert not predicted.grad[:, :, 3:].any()
    alone = forcing_loss(predicted[:, :, :3], some(2)[:, :, :3], weight(), t_BT[:, :3])
    torch.testing.assert_close(forcing_loss(predicted, some(2), weight(), t_BT), alone)


def test_gradient_of_distribution_matching_is_fake_minus_real_over_their_distance() -> None:
    x0, fake, real = some(1).requires_grad_(), some(2), some(3)
    everywhere = torch.ones(4, 4, dtype=torch.float64)
    vsd_loss(x0, vsd_direction(x0.detach(), fake, real, everywhere), everywhere).sum().backward()
    assert x0.grad is not None
    for sample in range(2):
        distance = sum(abs(float(x0.detach()[sample][c] - real[sample][c])) for c in cells()) / len(cells()) + 1e-6
        for c in cells()[::7]:
            want = float(fake[sample][c] - real[sample][c]) / distance / len(cells())
            assert float(x0.grad[sample][c]) == pytest.approx(want, rel=1e-9)


def test_the_kept_region_neither_pulls_nor_dilutes_distribution_matching() -> None:
    x0, fake, real = some(1).requires_grad_(), some(2), some(3)
    mouth = torch.zeros(4, 4, dtype=torch.float64)
    mouth[2:] = 1.0
    direction = vsd_direction(x0.detach(), fake, real, mouth)
    vsd_loss(x0, direction, mouth).sum().backward()
    assert x0.grad is not None
    assert not x0.grad[..., :2, :].any()
    whole = torch.ones(2, 4, dtype=torch.float64)
    cut = [x[..., 2:, :].detach() for x in (x0, fake, real)]
    torch.testing.assert_close(direction[..., 2:, :], vsd_direction(*cut, whole))
    want = direction[..., 2:, :] / (3 * 6 * 2 * 4)
    torch.testing.assert_close(x0.grad[..., 2:, :], want)


def test_the_loss_of_distribution_matching_is_half_the_mean_square_of_its_direction() -> None:
    direction, ones = some(4), torch.ones(4, 4, dtype=torch.float64)
    want = 0.5 * direction.square().flatten(1).mean(dim=1)
    torch.testing.assert_close(vsd_loss(some(1), direction, ones), want)


def test_critic_loss_is_the_weighted_squared_error_and_leaves_the_clips_alone() -> None:
    x0, predicted = some(1).requires_grad_(), some(2).requires_grad_()
    loss_B = critic_loss(x0, predicted, weight())
    for sample, got in enumerate(loss_B.tolist()):
        total = sum(float(weight()[c[2:]]) * float((x0 - predicted).detach()[sample][c]) ** 2 for c in cells())
        assert got == pytest.approx(total / sum(float(weight()[c[2:]]) for c in cells()), rel=1e-12)
    loss_B.sum().backward()
    assert x0.grad is None
    assert predicted.grad is not None


def test_guidance_moves_from_the_unconditional_through_the_conditional() -> None:
    conditional, unconditional = some(1), some(2)
    scale = torch.tensor([1.0, 4.5], dtype=torch.float64)
    got = guided(conditional, unconditional, scale)
    assert torch.equal(got[0], conditional[0])
    torch.testing.assert_close(got[1], unconditional[1] + 4.5 * (conditional[1] - unconditional[1]))


def test_contrastive_loss_is_the_cross_entropy_of_both_directions() -> None:
    distances, temperature = some(5, 3, 3).abs(), torch.tensor(0.5, dtype=torch.float64)
    total = 0.0
    for table in (distances, distances.t()):
        for row in range(3):
            logits = [-float(value) / 0.5 for value in table[row]]
            total += math.log(sum(math.exp(one) for one in logits)) - logits[row]
    assert float(contrastive_loss(distances, temperature)) == pytest.approx(total / 6, rel=1e-12)


def test_contrastive_loss_can_become_sharp() -> None:
    """On bare cosines between -1 and 1 even a perfect table would keep a loss of 0.24."""
    perfect = 1.0 - torch.eye(4, dtype=torch.float64)
    assert float(contrastive_loss(perfect, torch.tensor(0.05, dtype=torch.float64))) < 1e-6


def test_a_sample_of_no_weight_has_mean_zero() -> None:
    assert sample_means(some(1), torch.zeros(1, dtype=torch.float64)).tolist() == [0.0, 0.0]
