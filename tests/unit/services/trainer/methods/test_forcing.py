"""Stage 1: levels, windows, and what the loss sees."""

from dataclasses import replace

import pytest
import torch
from method_clips import F64, NULL, SMALL, clips, every, moved, network

from lipforcing.cache import BlockCausal, visible_frames
from lipforcing.presets import TRAINING_WINDOWS
from services.trainer.common.losses import forcing_loss
from services.trainer.methods.draws import Draws, Purpose
from services.trainer.methods.forcing import DiffusionForcing, Stage1, draw_levels
from services.trainer.methods.networks import CellWeights

PLACES = tuple(range(300))


def test_every_block_has_a_level_of_its_own_from_the_whole_list() -> None:
    levels = draw_levels(Draws(1, 1, PLACES), 3, SMALL, Stage1()).reshape(300, 3, 3)
    assert (levels == levels[..., :1]).all()
    for t in SMALL.t_list:
        assert 0.25 < float((levels == t).double().mean()) < 0.42
    assert 0.2 < float((levels[:, 0, 0] == levels[:, 1, 0]).double().mean()) < 0.45


def test_continuous_levels_follow_the_shift_5_law() -> None:
    levels = draw_levels(Draws(1, 1, PLACES), 3, SMALL, Stage1(continuous=True))[:, ::3].flatten()
    noisy = levels[levels > 0]
    u = noisy / (5 - 4 * noisy)
    assert float(noisy.max()) <= 0.999
    assert len(noisy.unique()) > 0.98 * len(noisy)
    assert 0.45 < float(u.mean()) < 0.55
    assert 0.25 < float((levels == 0).double().mean()) < 0.42


def test_chances_that_do_not_fit_the_list_are_refused() -> None:
    with pytest.raises(ValueError, match="2 chances"):
        draw_levels(Draws(1, 1, (0,)), 2, SMALL, Stage1(chances=(0.5, 0.5)))


def test_all_five_windows_are_drawn_alike_and_all_ranks_draw_the_same() -> None:
    counts = [0] * 5
    for step in range(500):
        draws = [Draws(1, step, places, rng_group=4) for places in ((0, 1), (2, 3))]
        chosen = {one.choice(Purpose.WINDOW, 5) for one in draws}
        assert len(chosen) == 1
        counts[chosen.pop()] += 1
    assert min(counts) > 60


@pytest.mark.parametrize("window", TRAINING_WINDOWS)
def test_the_mask_of_each_window_equals_a_brute_force_table(window: tuple[int, int]) -> None:
    """Key k is visible to a query in a block that ends at e: k < e and (k >= e - (W - S) or k < S)."""
    size, sink = window
    for block in range(7):
        end = 3 * (block + 1)
        want = [k for k in range(21) if k < end and (k >= end - (size - sink) or k < sink)]
        assert visible_frames(block, size, sink) == want


@pytest.mark.parametrize("window", TRAINING_WINDOWS)
def test_no_block_feels_what_its_window_hides(window: tuple[int, int]) -> None:
    """The full-sequence forward itself, not its table: a hidden frame's values leave the output unchanged."""
    attention, frames = BlockCausal(SMALL, 18, torch.device("cpu"), F64, window), 18
    tokens = SMALL.frame_tokens
    q, k, v = (torch.randn(1, frames * tokens, 2, 12, dtype=F64, generator=torch.Generator().manual_seed(s)) for s in (1, 2, 3))
    before = attention(0, q, k, v)
    for frame in range(frames):
        other = v.clone()
        other[:, frame * tokens : (frame + 1) * tokens] += 1.0
        changed = (attention(0, q, k, other) - before).abs().amax(dim=(0, 2, 3)).unflatten(0, (6, -1)).amax(dim=1) > 1e-12
        assert changed.tolist() == [frame in visible_frames(block, *window) for block in range(6)]


def test_the_loss_is_that_of_x0_written_out() -> None:
    draws, some, net, stage = Draws(3, 2, (0, 1)), clips(), network(1), Stage1(places=CellWeights(outside=0.05))
    t_BT = draw_levels(draws, 2, SMALL, stage)
    noise = draws.normal(Purpose.NOISE, (16, 6, 8, 8)).double()
    t = t_BT[:, None, :, None, None]
    x_t = (1 - t) * some.x0_BZThw + t * noise
    attention = BlockCausal(SMALL, 6, net.device, F64, TRAINING_WINDOWS[draws.choice(Purpose.WINDOW, 5)])
    x0 = x_t - t * net(x_t, t_BT, some.conditions, some.text_BLE, attention)
    want = forcing_loss(x0, some.x0_BZThw, 0.05 + 0.95 * CellWeights(1.0, 0.0).weight(noise), t_BT)
    torch.testing.assert_close(DiffusionForcing(stage, NULL).losses(net, some, draws), want)


def test_the_loss_reaches_every_parameter() -> None:
    net, draws = network(1), Draws(3, 1, (0, 1))
    assert (draw_levels(draws, 2, SMALL, Stage1()) > 0).any()
    DiffusionForcing(Stage1(), NULL).losses(net, clips(), draws).sum().backward()
    assert moved(net) == every(net)


def test_clips_whose_blocks_are_all_clean_teach_nothing() -> None:
    net, stage = network(1), Stage1(chances=(0.0, 0.0, 1.0))
    DiffusionForcing(stage, NULL).losses(net, clips(), Draws(3, 1, (0, 1))).sum().backward()
    assert moved(net) == set()


def test_a_student_can_be_told_nothing_so_that_it_can_be_guided_later() -> None:
    net, stage = network(1), replace(Stage1(), drop_speech=1.0)
    DiffusionForcing(stage, NULL).losses(net, clips(), Draws(3, 1, (0, 1))).sum().backward()
    assert "audio_proj.proj.weight" not in moved(net)
