"""Training the student: where it starts, what it learns from, and what cannot reach it."""

from dataclasses import fields, replace

import torch

from lipforcing.cache import BlockCausal
from lipforcing.network import LipNetwork, initialise
from lipforcing.presets import PRESETS
from services.trainer.diffusion_forcing import (
    Forcing,
    ForcingStage,
    draw_levels,
    loss_weight,
    start_from_reference,
    train_forcing,
)
from services.trainer.latents import ClipLatents
from services.trainer.optimise import Optimisation

SMALL = replace(PRESETS["tiny"], dim=144, ffn=96, heads=3, layers=4, latent=8)


def _clips(count: int = 4) -> ClipLatents:
    generator = torch.Generator().manual_seed(5)
    footage = [torch.randn(count, 16, 6, 8, 8, generator=generator).half() for _ in range(3)]
    return ClipLatents(*footage, torch.randn(count, 21, 64, generator=generator).half())


def test_the_untrained_network_answers_with_the_footage() -> None:
    network, clips, rows = LipNetwork(SMALL), _clips(), torch.arange(2)
    initialise(network, 0)
    start_from_reference(network)
    noise = torch.randn(2, 16, 6, 8, 8, generator=torch.Generator().manual_seed(1))
    t = torch.full((2, 6), 0.999, dtype=torch.float64)
    attention = BlockCausal(SMALL, 6, network.device, network.dtype)
    with torch.no_grad():
        flow = network(noise, t, clips.conditions(rows, torch.float32), torch.zeros(1, 2, 64), attention)
    wanted = noise - clips.reference_NZThw[rows].float()
    assert float(torch.corrcoef(torch.stack([flow.flatten(), wanted.flatten()]))[0, 1]) > 0.9


def test_levels_are_equal_within_a_block_and_drawn_for_each_alone() -> None:
    torch.manual_seed(0)
    levels = draw_levels(200, 3, SMALL.t_list, (0.5, 0.3, 0.2))
    blocks = levels.reshape(200, 3, 3)
    assert (blocks == blocks[..., :1]).all()
    assert set(levels.flatten().tolist()) == set(SMALL.t_list)
    assert 0.4 < float((levels == 0.999).double().mean()) < 0.6
    assert not torch.equal(blocks[:, 0, 0], blocks[:, 1, 0])


def test_conditions_hold_nothing_of_the_target() -> None:
    clips, rows = _clips(), torch.arange(2)
    other = ClipLatents(clips.reference_NZThw, clips.masked_NZThw, torch.zeros_like(clips.target_NZThw), clips.speech_NVA)
    one, two = (c.conditions(rows, torch.float32) for c in (clips, other))
    for field in fields(one):
        assert torch.equal(getattr(one, field.name), getattr(two, field.name)), field.name


def test_a_few_steps_lower_the_loss() -> None:
    plan = Optimisation(60, 4, 3e-3, warm_up=5)
    _, curve = train_forcing(SMALL, _clips(), torch.ones(16), ForcingStage(plan, half=False), seed=1)
    _, short = train_forcing(SMALL, _clips(), torch.ones(16), ForcingStage(replace(plan, steps=5), half=False), seed=1)
    assert curve.losses[-1]["x0"] < 0.8 * short.losses[-1]["x0"]


def test_a_channel_counts_for_what_it_does_to_the_picture() -> None:
    clips, energy = _clips(), torch.arange(1.0, 17.0)
    stage = ForcingStage(Optimisation(1, 1, 1.0), energy=1.0)
    weight = loss_weight(clips, energy, stage)
    assert weight.shape == (16, 1, 8, 8)
    assert torch.allclose(weight[15] / weight[0], torch.tensor(16.0))
    assert weight[:, :, 0, 0].max() < weight[:, :, 5, 4].min()  # what is kept, and the mouth
    even = loss_weight(clips, energy, replace(stage, energy=0.0))
    assert torch.allclose(even, even[:1])


def test_the_students_own_first_answers_take_the_place_of_the_input_and_not_of_the_target() -> None:
    torch.manual_seed(3)
    clips, network = _clips(), LipNetwork(SMALL)
    initialise(network, 0)
    start_from_reference(network)
    seen: list[torch.Tensor] = []
    network.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach().clone()))
    for own, passes in ((0.0, 1), (1.0, 2)):
        seen.clear()
        stage = ForcingStage(Optimisation(1, 1, 1.0), own=own, own_chances=(0.0, 0.0, 1.0), chances=(0.0, 0.0, 1.0))
        weight = loss_weight(clips, torch.ones(16), stage)
        attention = BlockCausal(SMALL, 6, network.device, network.dtype)
        objective = Forcing(clips, attention, torch.zeros(1, 2, 64), weight, stage)
        objective.loss(network, torch.arange(4))
        assert len(seen) == passes
        # At t = 0 the network is shown the clip itself: the true one, or what it answered before.
        assert torch.equal(seen[-1], clips.target_NZThw.float()) == (own == 0.0)
