"""The teacher: levels, condition dropout, the sampler, and what its loss reaches."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from method_clips import F64, NULL, SMALL, TEACHER, clips, every, moved, network, teacher
from torch import Tensor

from lipforcing.cache import Bidirectional
from lipforcing.schedule import sampling_grid
from services.trainer.methods.draws import Draws, Purpose
from services.trainer.methods.guidance import NullConditions
from services.trainer.methods.networks import CellWeights
from services.trainer.methods.samples import Clips
from services.trainer.methods.teacher import LEVELS, FlowMatching, FlowStage, Teacher, jump, training_levels


def test_training_levels_are_shifted_by_3_and_weighted_by_a_bell_of_mean_1() -> None:
    levels, weights = training_levels(3.0)
    assert (len(levels), float(levels[0])) == (LEVELS, 1.0)
    last = 0.003 / 1.002
    assert float(levels[-1]) == pytest.approx(3 * last / (1 + 2 * last), rel=1e-12)
    assert float(weights.mean()) == pytest.approx(1.0, rel=1e-12)
    assert float(weights.min()) == 0.0
    assert abs(float(levels[weights.argmax()]) - 0.5) < 0.001
    raw = [float(torch.exp(-2 * ((1000 * t - 500) / 1000) ** 2)) for t in levels]
    assert float(weights[300]) == pytest.approx((raw[300] - min(raw)) / (sum(raw) / LEVELS - min(raw)), rel=1e-9)


def test_the_teachers_loss_is_that_of_its_flow_written_out() -> None:
    stage, draws, some = FlowStage(drop_text=0.0, drop_speech=0.0), Draws(7, 1, (0, 1)), clips()
    net = network(1)
    got = FlowMatching(stage, NULL).losses(net, some, draws)
    levels, weights = training_levels(3.0)
    noise = draws.normal(Purpose.NOISE, (16, 6, 8, 8)).double()
    mask = 1.0 + CellWeights(1.0, 0.0).weight(noise)
    for row in range(2):
        index = int(draws.uniform(Purpose.LEVEL)[row] * LEVELS)
        t = levels[index]
        x_t = (1 - t) * some.x0_BZThw + t * noise
        flow = net(x_t, t.view(1).expand(2), some.conditions, some.text_BLE, Bidirectional(SMALL, 6, net.device, F64))
        error = (flow - noise + some.x0_BZThw)[row].square() * mask
        assert float(got.detach()[row]) == pytest.approx(float((weights[index] * error.mean()).detach()), rel=1e-6)


def test_the_teachers_loss_reaches_every_parameter() -> None:
    net = network(1)
    stage = FlowStage(drop_text=0.0, drop_speech=0.0)
    FlowMatching(stage, NULL).losses(net, clips(), Draws(7, 1, (0, 1))).sum().backward()
    assert moved(net) == every(net)


def test_a_clip_without_sound_teaches_the_audio_path_nothing_but_its_bias() -> None:
    net = network(1)
    stage = FlowStage(drop_text=0.0, drop_speech=1.0)
    FlowMatching(stage, NULL).losses(net, clips(), Draws(7, 1, (0, 1))).sum().backward()
    assert every(net) - moved(net) == {"audio_proj.proj.weight"}


def test_text_and_sound_are_dropped_each_for_itself_and_as_often_as_told() -> None:
    some = clips(range(400), frames=3)
    told = NULL.drop(some, Draws(1, 1, some.places), 0.1, 0.3)
    deaf = [not row.any() for row in told.conditions.speech_BTGA]
    mute = [torch.equal(row, NULL.text_LE) for row in told.text_BLE]
    assert 0.2 < sum(deaf) / 400 < 0.4
    assert 0.05 < sum(mute) / 400 < 0.15
    assert any(a and not b for a, b in zip(mute, deaf, strict=True))
    kept = [not a and not b for a, b in zip(mute, deaf, strict=True)]
    assert torch.equal(told.text_BLE[torch.tensor(kept)], some.text_BLE[torch.tensor(kept)])


def test_the_negative_is_silence_with_the_empty_prompt_or_silence_alone() -> None:
    some = clips()
    both = NULL.negative(some)
    assert not both.conditions.speech_BTGA.any()
    assert torch.equal(both.text_BLE, NULL.text_LE.expand(2, -1, -1))
    assert torch.equal(both.conditions.masked_BZThw, some.conditions.masked_BZThw)
    deaf = replace(NULL, text=False).negative(some)
    assert not deaf.conditions.speech_BTGA.any()
    assert torch.equal(deaf.text_BLE, some.text_BLE)


def test_an_empty_prompt_that_was_never_embedded_is_an_error() -> None:
    absent = NullConditions(torch.zeros(3, 6, dtype=F64))
    with pytest.raises(ValueError, match="empty prompt is all zero"):
        absent.negative(clips())
    with pytest.raises(ValueError, match="empty prompt is all zero"):
        absent.drop(clips(), Draws(1, 1, (0, 1)), 0.1, 0.0)
    silent = replace(clips(), text_BLE=torch.zeros(2, 3, 6, dtype=F64))
    assert not absent.negative(silent).text_BLE.any()


class Knows:
    """A stand-in whose flow leads straight to a known clip, or elsewhere where it hears nothing."""

    config = SMALL
    dtype = F64

    def __init__(self, goal: Tensor, deaf: Tensor) -> None:
        self.goal, self.deaf, self.calls = goal, deaf, 0

    def __call__(self, x_t: Tensor, t_B: Tensor, conditions: object, *_: object) -> Tensor:
        self.calls += 1
        hears = conditions.speech_BTGA.any()  # type: ignore[attr-defined]
        return (x_t - (self.goal if hears else self.deaf)) / t_B.view(-1, 1, 1, 1, 1)


def ask(scale: float) -> tuple[Tensor, Knows, Clips]:
    some = clips()
    knows = Knows(some.x0_BZThw, torch.zeros_like(some.x0_BZThw))
    noise = torch.randn(some.x0_BZThw.shape, dtype=F64, generator=torch.Generator().manual_seed(4))
    return Teacher(TEACHER, knows, NULL).sample(some, noise, scale), knows, some  # type: ignore[arg-type]


def test_fifty_euler_steps_arrive_at_what_the_flow_leads_to() -> None:
    made, knows, some = ask(1.0)
    torch.testing.assert_close(made, some.x0_BZThw)
    assert knows.calls == 50


def test_guidance_overshoots_by_its_scale_and_costs_a_second_pass() -> None:
    made, knows, some = ask(4.5)
    torch.testing.assert_close(made, 4.5 * some.x0_BZThw)
    assert knows.calls == 100


def test_a_run_visits_the_teachers_grid_and_starts_from_the_noise_itself() -> None:
    some, noise = clips(), torch.randn(2, 16, 6, 8, 8, dtype=F64)
    seen = list(replace(teacher(), config=replace(TEACHER, steps=4)).trajectory(some, noise, 1.0))
    assert [step.t for step in seen] == sampling_grid(4, 5.0).tolist()[:-1]
    assert torch.equal(seen[0].x_t, noise)
    for one, two in pairwise(seen):
        flow = (one.x_t - one.x0) / one.t
        torch.testing.assert_close(two.x_t, one.x_t + (two.t - one.t) * flow)


def test_a_jump_keeps_the_implied_noise() -> None:
    x0, noise = torch.randn(2, 3, dtype=F64), torch.randn(2, 3, dtype=F64)
    x_t = 0.1 * x0 + 0.9 * noise
    torch.testing.assert_close(jump(x_t, x0, 0.9, 0.4), 0.6 * x0 + 0.4 * noise)
