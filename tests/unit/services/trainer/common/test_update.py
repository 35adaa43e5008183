"""Optimiser steps: clipping, bad numbers, warm-up, averages, resuming."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from method_clips import NULL, clips, network, teacher
from torch import Tensor, nn

from services.trainer.common.update import DivergedError, UpdatePlan, Updater
from services.trainer.methods.draws import Draws
from services.trainer.methods.forcing import DiffusionForcing, Stage1
from services.trainer.methods.guidance import Guidance
from services.trainer.methods.samples import Clips
from services.trainer.methods.self_forcing import SelfForcing, Stage2
from services.trainer.methods.training import Method, Supervised, restore, state_of

PLAN = UpdatePlan(lr=0.1, betas=(0.9, 0.999), clip=1.0, ema=0.9, max_skipped=3)


def line() -> nn.Linear:
    made = nn.Linear(2, 1)
    nn.init.ones_(made.weight)
    nn.init.zeros_(made.bias)
    return made


def losses(module: nn.Module, *rows: list[float]) -> Tensor:
    out: Tensor = module(torch.tensor(rows)).squeeze(1)
    return out


def test_the_norm_is_reported_as_it_was_and_the_step_is_that_of_the_clipped_gradient() -> None:
    module, plain = line(), line()
    update = Updater("net", module, replace(PLAN, betas=(0.0, 0.999), eps=1.0, weight_decay=0.0))
    update.backward(losses(module, [30.0, 40.0]), ["a"], 1)
    assert update.apply(["a"])["net/gradient"] == pytest.approx((30**2 + 40**2 + 1) ** 0.5, rel=1e-5)
    optimiser = torch.optim.AdamW(plain.parameters(), lr=0.1, betas=(0.0, 0.999), eps=1.0, weight_decay=0.0)
    losses(plain, [30.0, 40.0]).sum().backward()
    nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
    optimiser.step()
    torch.testing.assert_close(module.weight, plain.weight)


def test_rates_rise_linearly_and_then_stay() -> None:
    plan = replace(PLAN, lr=2.0, warm_up=4)
    assert [plan.rate(step) for step in (1, 2, 4, 5, 600)] == [0.5, 1.0, 2.0, 2.0, 2.0]
    assert PLAN.rate(1) == PLAN.lr


def test_a_rate_that_decays_linearly_does_so_over_the_second_half_and_has_something_left_for_the_last_step() -> None:
    plan = replace(PLAN, lr=2.0, warm_up=2, lr_decay="linear")
    assert [plan.rate(step, 10) for step in (1, 2, 6, 8, 10)] == pytest.approx([1.0, 2.0, 2.0, 1.2, 0.4])
    module = line()
    update = Updater("net", module, replace(PLAN, lr_decay="linear"), steps=2)
    rates = []
    for _ in range(2):
        update.backward(losses(module, [1.0, 2.0]), ["a"], 1)
        rates.append(update.apply(["a"])["net/rate"])
    assert rates == pytest.approx([0.1, 0.1])
    with pytest.raises(ValueError, match="steps are not known"):
        Updater("net", line(), replace(PLAN, lr_decay="linear"))
    with pytest.raises(ValueError, match="not 'step'"):
        replace(PLAN, lr_decay="step")


class TestBadNumbers:
    """No step is taken, it is counted, and the sample is named."""

    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
    def test_a_step_without_a_finite_gradient_is_not_taken(self, bad: float) -> None:
        module = line()
        update, before = Updater("net", module, PLAN), module.weight.detach().clone()
        update.backward(losses(module, [1.0, 2.0], [bad, 1.0]), ["good", "bad"], 2)
        assert update.apply(["good", "bad"])["net/skipped"] == 1.0
        assert torch.equal(module.weight, before)
        assert module.weight.grad is None
        update.backward(losses(module, [1.0, 2.0]), ["good"], 1)
        assert update.apply(["good"])["net/skipped"] == 1.0
        assert not torch.equal(module.weight, before)

    def test_a_finite_loss_with_an_infinite_gradient_is_seen_too(self) -> None:
        module = line()
        update, before = Updater("net", module, PLAN), module.weight.detach().clone()
        loss = losses(module, [1.0, 2.0]) - 3.0 + 1e-45
        update.backward(loss.clamp(min=0).sqrt(), ["steep"], 1)
        update.parameters[0].grad = torch.full((1, 2), torch.inf)
        assert update.apply(["steep"])["net/skipped"] == 1.0
        assert torch.equal(module.weight, before)

    def test_too_many_in_a_row_end_the_run_and_name_the_sample(self) -> None:
        module = line()
        update = Updater("net", module, PLAN)

        def step(*rows: list[float]) -> None:
            names = [f"clip {row[0]}" for row in rows]
            update.backward(losses(module, *rows), names, len(rows))
            update.apply(names)

        step([float("nan"), 1.0])
        step([float("nan"), 1.0])
        step([1.0, 1.0])
        step([float("nan"), 1.0])
        step([float("nan"), 1.0])
        with pytest.raises(DivergedError, match=r"net: 3 steps up to step 6 .* last samples: clip nan$"):
            step([2.0, 1.0], [float("nan"), 1.0])

    def test_the_critic_is_guarded_like_the_student(self) -> None:
        stage = Stage2(PLAN, replace(PLAN, max_skipped=2), Guidance.of(teacher().config))
        method = SelfForcing(network(1), network(2), teacher(), stage, seed=1)
        before = [parameter.detach().clone() for parameter in method.critic_update.parameters]
        method.critic_update.parameters[0].register_hook(lambda gradient: gradient * torch.nan)
        figures = method.step(1, [clips()])
        assert figures["critic/skipped"] == 1.0
        for one, two in zip(before, method.critic_update.parameters, strict=True):
            assert torch.equal(one, two)
        with pytest.raises(DivergedError, match="critic: 2 steps"):
            method.step(2, [clips()])


def test_averaged_weights_follow_and_can_be_swapped_in_and_out() -> None:
    module = line()
    update = Updater("net", module, PLAN)
    for _ in range(3):
        update.backward(losses(module, [1.0, 2.0]), ["a"], 1)
        update.apply(["a"])
    live = module.weight.detach().clone()
    update.swap_ema()
    assert (live < module.weight).all()
    assert (module.weight < 1.0).all()
    update.swap_ema()
    assert torch.equal(module.weight, live)


def test_a_network_with_nothing_to_train_is_refused() -> None:
    with pytest.raises(ValueError, match="no parameter"):
        Updater("net", line().requires_grad_(requires_grad=False), PLAN)


def supervised() -> Method:
    stage = replace(Stage1(), drop_speech=0.5)
    return Supervised(network(1, torch.float32), DiffusionForcing(stage, NULL), replace(PLAN, lr=1e-3), seed=9)


def distilled() -> Method:
    frozen = teacher(dtype=torch.float32)
    plan = replace(PLAN, lr=1e-3)
    stage = Stage2(plan, plan, Guidance.of(frozen.config), student_update_freq=2)
    return SelfForcing(network(1, torch.float32), network(2, torch.float32), frozen, stage, seed=9)


def batch(number: int) -> list[Clips]:
    return [clips((10 * number, 10 * number + 1), frames=3, dtype=torch.float32)]


@pytest.mark.parametrize("make", [supervised, distilled])
def test_a_resumed_run_continues_bit_for_bit(make: Callable[[], Method]) -> None:
    whole, first, second = make(), make(), make()
    want = [whole.step(number, batch(number)) for number in (1, 2, 3, 4)]
    assert [first.step(number, batch(number)) for number in (1, 2)] == want[:2]
    saved = state_of(first)
    restore(second, replace(saved, tensors={name: tensor.clone() for name, tensor in saved.tensors.items()}))
    torch.manual_seed(12345)
    assert [second.step(number, batch(number)) for number in (3, 4)] == want[2:]
    for name, module in whole.networks.items():
        for key, parameter in module.named_parameters():
            assert torch.equal(parameter, dict(second.networks[name].named_parameters())[key]), key


def test_the_state_of_another_network_is_refused_and_changes_nothing() -> None:
    method, other = supervised(), supervised()
    method.step(1, batch(1))
    state = state_of(method)
    missing = {name: tensor for name, tensor in state.tensors.items() if not name.endswith("weights/head.head.weight")}
    with pytest.raises(ValueError, match="do not fit"):
        restore(other, replace(state, tensors=missing))
    with pytest.raises(ValueError, match="is of network, not of student, critic"):
        restore(distilled(), state)
    for one, two in zip(supervised().networks["network"].parameters(), other.networks["network"].parameters(), strict=True):
        assert torch.equal(one, two)


def test_losses_do_not_depend_on_how_the_batch_is_cut() -> None:
    objective = DiffusionForcing(Stage1(), NULL)
    whole = objective.losses(network(1), clips((0, 1, 2)), Draws(1, 1, (0, 1, 2)))
    parts = [objective.losses(network(1), clips((place,)), Draws(1, 1, (place,))) for place in range(3)]
    torch.testing.assert_close(whole, torch.cat(parts))
