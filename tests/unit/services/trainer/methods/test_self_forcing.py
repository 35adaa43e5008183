"""Stage 2: the rollout's gradient, the guidance window, critic and student updates, rewards in the loss."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from method_clips import F64, NULL, SMALL, TEACHER, clips, every, moved, network, teacher
from torch import Tensor

from lipforcing.cache import Bidirectional, BlockCausal
from lipforcing.network import LipNetwork
from lipforcing.rollout import Student, generate
from lipforcing.schedule import sampling_grid
from services.trainer.common.losses import sample_means
from services.trainer.common.update import UpdatePlan
from services.trainer.methods import teacher as teacher_module
from services.trainer.methods.draws import Draws, Purpose
from services.trainer.methods.guidance import Gate, Guidance
from services.trainer.methods.networks import CellWeights
from services.trainer.methods.reward import Weighting
from services.trainer.methods.samples import Clips
from services.trainer.methods.self_forcing import SelfForcing, Stage2, self_rollout
from services.trainer.methods.teacher import Teacher

PLAN = UpdatePlan(lr=1e-3, betas=(0.0, 0.999), clip=1e9)
STAGE = Stage2(PLAN, PLAN, Guidance.of(TEACHER), student_update_freq=2)


def exits_at(step: int, places: Sequence[int] = (0, 1)) -> Draws:
    """Draws whose rollout leaves after the given denoising step."""
    return next(one for seed in range(50) if (one := Draws(seed, 1, tuple(places))).choice(Purpose.EXIT, 2) == step)


def scales(guidance: Guidance, t_B: Tensor) -> Tensor:
    """The scale that each timestep is to be guided with."""
    low, high = guidance.window
    inside = (t_B >= low) & (t_B <= high)
    on = {"window": inside, "outside": ~inside, "always": inside | True, "never": inside & False}[guidance.gate]
    return torch.where(on, guidance.scale, 1.0).to(t_B.dtype)


class TestWindow:
    """Derived from the schedule, both end steps inside."""

    def test_it_is_open_from_step_20_to_step_40_of_the_teachers_grid(self) -> None:
        grid, guidance = sampling_grid(50, 5.0), Guidance.of(TEACHER)
        assert (scales(guidance, grid) > 1).nonzero().flatten().tolist() == list(range(20, 41))

    @pytest.mark.parametrize(
        ("t", "scale"), [(0.5551, 1.0), (0.5553, 4.5), (0.769, 4.5), (0.88209, 4.5), (0.8821, 1.0), (0.8823, 1.0)]
    )
    def test_gate_table(self, t: float, scale: float) -> None:
        assert scales(Guidance.of(TEACHER), torch.tensor([t], dtype=F64)).item() == scale

    @pytest.mark.parametrize("gate", ["window", "outside", "always", "never"])
    def test_ablations_open_it_elsewhere(self, gate: Gate) -> None:
        guidance = Guidance.of(TEACHER, gate)
        for step in range(40):
            levels = guidance.draw(Draws(1, step, (0, 1, 2, 3)), Purpose.STUDENT_LEVEL)
            assert set(scales(guidance, levels.t_B).tolist()) == {4.5 if levels.guided else 1.0}

    def test_an_unknown_gate_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not 'sometimes'"):
            Guidance.of(TEACHER, "sometimes")  # type: ignore[arg-type]

    def test_timesteps_keep_the_published_law_and_batches_lie_on_one_side(self) -> None:
        guidance, found, guided = Guidance.of(TEACHER), [], 0
        for step in range(400):
            levels = guidance.draw(Draws(1, step, (0, 1, 2, 3)), Purpose.STUDENT_LEVEL)
            assert set(scales(guidance, levels.t_B).tolist()) == {4.5 if levels.guided else 1.0}
            found += levels.t_B.tolist()
            guided += levels.guided
        assert 0.33 < guided / 400 < 0.47  # u in [0.2003, 0.5992]
        u = torch.tensor([t / (5 - 4 * t) for t in found]).sort().values
        even = torch.linspace(0.001, 0.999, len(u))
        assert float((u - even).abs().max()) < 0.09  # Kolmogorov-Smirnov over 400 independent groups

    def test_all_ranks_agree_without_a_message_and_their_clips_differ(self) -> None:
        one, two = (Guidance.of(TEACHER).draw(Draws(1, 7, p, rng_group=4), Purpose.STUDENT_LEVEL) for p in ((0, 1), (2, 3)))
        assert one.guided == two.guided
        assert not torch.equal(one.t_B, two.t_B)


class TestRollout:
    """Self-generated past, gradient at the exit step, nothing across blocks."""

    def test_at_the_last_step_it_is_what_serving_generates(self, monkeypatch: pytest.MonkeyPatch) -> None:
        net, some, draws = network(1), clips(frames=9), exits_at(1)
        shape = (16, 3, 8, 8)

        def noise(_config: object, places: Sequence[tuple[int, int, int]]) -> object:
            block = places[0][2]
            return lambda draw: draws.normal(Purpose.ROLLOUT, shape, 256 * block + draw).double()

        monkeypatch.setattr("lipforcing.rollout.seeded_noise", noise)
        same = replace(some, text_BLE=some.text_BLE[:1].expand(2, -1, -1))
        want = generate(Student.frozen(net, same.text_BLE[:1]), same.conditions, seed=0)
        torch.testing.assert_close(self_rollout(net, same, draws, gradient=False), want)

    @pytest.mark.parametrize("step", [0, 1])
    def test_with_gradient_it_gives_the_same_clips(self, step: int) -> None:
        net, some, draws = network(1), clips(frames=9), exits_at(step)
        with torch.no_grad():
            want = self_rollout(net, some, draws, gradient=False)
        torch.testing.assert_close(self_rollout(net, some, draws, gradient=True), want)

    @pytest.mark.parametrize("step", [0, 1])
    def test_its_gradient_reaches_every_parameter(self, step: int) -> None:
        net = network(1)
        self_rollout(net, clips(), exits_at(step), gradient=True).square().sum().backward()
        assert moved(net) == every(net)

    def test_a_blocks_gradient_is_that_of_one_call_on_a_constant_past(self) -> None:
        """At K = 1 the rollout equals one full-sequence forward whose past is clean and detached."""
        net, some, draws = network(1), clips(places=(0,), frames=9), exits_at(0, places=(0,))
        x0 = self_rollout(net, some, draws, gradient=True)
        x0[:, :, 6:].square().sum().backward()
        got = {name: parameter.grad.clone() for name, parameter in net.named_parameters() if parameter.grad is not None}
        net.zero_grad()
        # The past as constants: the first blocks' own K/V come from their clean latents at t = 0, without gradient.
        past = x0.detach().clone()
        past[:, :, 6:] = draws.normal(Purpose.ROLLOUT, (16, 3, 8, 8), 512).double()
        t_BT = torch.tensor([[0.0] * 6 + [0.999] * 3], dtype=F64)
        attention = _ConstantPast(BlockCausal(SMALL, 9, net.device, F64), 6 * SMALL.frame_tokens)
        flow = net(past, t_BT, some.conditions, some.text_BLE, attention)
        again = (past - t_BT[:, None, :, None, None] * flow)[:, :, 6:]
        torch.testing.assert_close(again, x0[:, :, 6:])
        again.square().sum().backward()
        for name, parameter in net.named_parameters():
            torch.testing.assert_close(got[name], parameter.grad, rtol=1e-7, atol=1e-9, msg=name)

    def test_all_blocks_leave_after_the_same_step_and_both_steps_occur(self) -> None:
        steps = [Draws(1, step, (0, 1)).choice(Purpose.EXIT, 2) for step in range(200)]
        assert 70 < sum(steps) < 130


class _ConstantPast:
    """Attention in which keys and values of the first tokens carry no gradient."""

    stores = False

    def __init__(self, inner: BlockCausal, tokens: int) -> None:
        self._inner, self._tokens = inner, tokens

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        cut = self._tokens
        k, v = (torch.cat((x[:, :cut].detach(), x[:, cut:]), dim=1) for x in (k, v))
        return self._inner(layer, q, k, v)

    def store(self, *_: object) -> None:
        raise AssertionError


def _method(stage: Stage2 = STAGE, reward: object = None) -> SelfForcing:
    return SelfForcing(network(1), network(2), teacher(), stage, seed=5, reward=reward)  # type: ignore[arg-type]


def _gradients(module: LipNetwork) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


class TestUpdates:
    """Who learns when, from what."""

    def test_the_direction_is_that_of_the_definition(self) -> None:
        method, some = _method(), clips()
        draws = next(d for s in range(50) if STAGE.guidance.draw(d := Draws(s, 1, (0, 1)), Purpose.STUDENT_LEVEL).guided)
        x0 = torch.randn(2, 16, 6, 8, 8, dtype=F64, generator=torch.Generator().manual_seed(8))
        t_B = STAGE.guidance.draw(draws, Purpose.STUDENT_LEVEL).t_B
        t = t_B.view(2, 1, 1, 1, 1)
        x_t = (1 - t) * x0 + t * draws.normal(Purpose.STUDENT_NOISE, (16, 6, 8, 8)).double()
        look = Bidirectional(SMALL, 6, torch.device("cpu"), F64)

        def clean(net: LipNetwork, told: Clips) -> Tensor:
            with torch.no_grad():
                return x_t - t * net(x_t, t_B, told.conditions, told.text_BLE, look)

        fake = clean(network(2), some)
        p, n = clean(teacher().network, some), clean(teacher().network, NULL.negative(some))
        real = n + 4.5 * (p - n)
        weight = STAGE.places.weight(x0).expand(16, 6, 8, 8)
        for row in range(2):
            size = float((weight * (x0 - real)[row].abs()).sum() / weight.sum()) + 1e-6
            torch.testing.assert_close(method.direction(x0, some, draws)[row], (fake - real)[row] / size)

    def test_the_pass_without_conditions_runs_only_inside_the_window(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[bool] = []
        real = teacher_module.predict_flow
        monkeypatch.setattr(
            teacher_module, "predict_flow",
            lambda net, x, t, told: calls.append(bool(told.conditions.speech_BTGA.any())) or real(net, x, t, told),
        )  # fmt: skip
        method, some, x0 = _method(), clips(), torch.zeros(2, 16, 6, 8, 8, dtype=F64)
        seen = set()
        for seed in range(12):
            draws, calls[:] = Draws(seed, 1, (0, 1)), []
            method.direction(x0, some, draws)
            guided = STAGE.guidance.draw(draws, Purpose.STUDENT_LEVEL).guided
            assert calls == ([True, False] if guided else [True])
            seen.add(guided)
        assert seen == {True, False}

    def test_the_critics_loss_is_its_error_in_x0_and_reaches_the_critic_only(self) -> None:
        method, some, draws = _method(), clips(), Draws(5, 1, (0, 1))
        x0 = torch.randn(2, 16, 6, 8, 8, dtype=F64, generator=torch.Generator().manual_seed(8)).requires_grad_()
        loss_B = method.critic_losses(x0, some, draws)
        t_B = STAGE.guidance.law(draws.uniform(Purpose.CRITIC_LEVEL))
        t = t_B.view(2, 1, 1, 1, 1)
        x_t = (1 - t) * x0.detach() + t * draws.normal(Purpose.CRITIC_NOISE, (16, 6, 8, 8)).double()
        flow = network(2)(x_t, t_B, some.conditions, some.text_BLE, Bidirectional(SMALL, 6, torch.device("cpu"), F64))
        weight = STAGE.places.weight(x0).detach().expand(16, 6, 8, 8)
        for row in range(2):
            want = (weight * (x0.detach() - x_t + t * flow)[row].square()).sum() / weight.sum()
            torch.testing.assert_close(loss_B[row], want)
        loss_B.sum().backward()
        critic = method.networks["critic"]
        assert moved(critic) == every(critic)
        assert x0.grad is None
        assert moved(method.networks["student"]) == set()

    def test_the_critic_learns_in_every_step_and_the_student_in_every_second(self) -> None:
        method = _method()
        before = {name: _weights(net) for name, net in method.networks.items()}
        for number in (1, 2, 3):
            figures = method.step(number, [clips()])
            changed = {name for name, net in method.networks.items() if not torch.equal(before[name], _weights(net))}
            assert changed == ({"critic", "student"} if number == 2 else {"critic"})
            assert ("student/loss" in figures) == (number == 2)
            before = {name: _weights(net) for name, net in method.networks.items()}
        assert (method.critic_update.steps, method.student_update.steps) == (3, 1)

    def test_the_critics_rollout_also_serves_the_reward_and_the_student_adds_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[bool] = []

        def counted(*args: object, gradient: bool) -> Tensor:
            calls.append(gradient)
            return self_rollout(*args, gradient=gradient)  # type: ignore[arg-type]

        monkeypatch.setattr("services.trainer.methods.self_forcing.self_rollout", counted)
        method = _method(replace(STAGE, weighting=Weighting()), lambda x0, _: x0.mean(dim=(1, 2, 3, 4)))
        method.step(1, [clips(frames=3)])
        assert calls == [False]
        method.step(2, [clips(frames=3)])
        assert calls == [False, False, True]

    def test_a_run_of_n_steps_takes_n_and_five_critic_updates_for_one_of_the_student(self) -> None:
        stage = replace(STAGE, student_update_freq=5)
        taken = [number for number in range(1, 601) if number % stage.student_update_freq == 0]
        assert (len(range(1, 601)), len(taken)) == (600, 120)
        assert Stage2(PLAN, PLAN, STAGE.guidance).student_update_freq == 5

    def test_the_students_gradient_reaches_all_of_it_and_neither_teacher_nor_critic(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        method = _method()
        monkeypatch.setattr(method.student_update, "apply", lambda _: {})
        monkeypatch.setattr(method.critic_update, "apply", lambda _: {})
        method._teach_student([clips()], [Draws(5, 2, (0, 1))], [torch.zeros(1)])
        assert moved(method.networks["student"]) == every(method.networks["student"])
        assert moved(method.networks["critic"]) == set()

    @pytest.mark.parametrize("name", ["student", "critic"])
    def test_gradients_do_not_depend_on_how_the_batch_is_cut(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def of(parts: list[Clips]) -> dict[str, Tensor]:
            method = _method()
            for update in method.updates.values():
                monkeypatch.setattr(update, "apply", lambda _: {})
            method.step(2, parts)
            return _gradients(method.networks[name])  # type: ignore[arg-type]

        whole = of([clips((0, 1, 2, 3))])
        cut = of([clips((0,)), clips((1, 2)), clips((3,))])
        assert whole.keys() == cut.keys()
        for key, gradient in whole.items():
            torch.testing.assert_close(gradient, cut[key], rtol=1e-7, atol=1e-9, msg=key)

    def test_a_teacher_that_would_be_trained_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not frozen"):
            SelfForcing(network(1), network(2), Teacher(TEACHER, network(3), NULL), STAGE, seed=1)


def _weights(module: torch.nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


class TestReward:
    """Rewards weight the samples' losses and do nothing else."""

    def test_a_rewarded_sample_pulls_harder_and_no_gradient_passes_the_reward(self) -> None:
        class Likes:
            def __call__(self, x0: Tensor, some: Clips) -> Tensor:
                assert not x0.requires_grad
                return torch.tensor([float(place) for place in some.places])

        weighting = Weighting("self_normalised", beta=1.0)
        stage = replace(STAGE, weighting=weighting)
        method = _method(stage, Likes())
        made = [torch.zeros(1, 16, 6, 8, 8, dtype=F64)] * 3
        parts = [clips((place,)) for place in range(3)]
        weights, figures = method._weights(parts, made)
        want = torch.softmax(torch.arange(3, dtype=F64), 0) * 3
        torch.testing.assert_close(torch.cat(weights), want)
        assert figures["reward/mean"] == 1.0

    @pytest.mark.parametrize("which", ["reward", "weighting"])
    def test_a_reward_without_its_weighting_or_the_reverse_is_refused(self, which: str) -> None:
        stage = replace(STAGE, weighting=Weighting()) if which == "weighting" else STAGE
        with pytest.raises(ValueError, match="needs"):
            _method(stage, (lambda x0, _: x0) if which == "reward" else None)


def test_channels_that_carry_the_picture_may_count_more() -> None:
    latents = torch.zeros(2, 3, 6, 8, 8)
    plain, told = CellWeights(outside=0.5).weight(latents), CellWeights(outside=0.5, channels=(1.0, 0.0, 2.0)).weight(latents)
    assert told.shape == (3, 1, 8, 8)
    for channel, share in enumerate((1.0, 0.0, 2.0)):
        assert torch.equal(told[channel, 0], share * plain)
    assert sample_means(torch.ones_like(latents), told).tolist() == [1.0, 1.0]


def test_places_count_the_mouth_and_a_little_of_the_rest() -> None:
    weight = CellWeights(outside=0.05).weight(torch.zeros(1, 1, 1, 64, 64, dtype=F64))
    assert sorted(weight.unique().tolist()) == [0.05, 1.0]
    assert 0.35 < float((weight == 1.0).double().mean()) < 0.45
