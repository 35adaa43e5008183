"""Rewards and the weights they become."""

import math
from typing import get_args

import pytest
import torch
from method_clips import clips
from torch import Tensor

from lipforcing.syncnet import ClipScorer, SyncNet, SyncSizes, score_of
from lipforcing.vae.base import to_uint8
from lipforcing.vae.tiny import TinyCodec
from services.trainer.methods.reward import Mode, SyncReward, Weighting

MODES: tuple[Mode, ...] = get_args(Mode)
NORMALISED = MODES[1:]
REWARDS = torch.tensor([0.1, 0.5, 2.0, 7.0, 3.0, 1.0, 0.2, 0.4], dtype=torch.float64)


@pytest.mark.parametrize("mode", ["self_normalised", "centred"])
def test_a_constant_added_to_all_rewards_changes_no_weight(mode: Mode) -> None:
    weighting = Weighting(mode)
    torch.testing.assert_close(weighting.weights(REWARDS), weighting.weights(REWARDS + 6.0))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_no_weight_exceeds_the_cap_however_large_the_rewards(mode: Mode, scale: float) -> None:
    weights = Weighting(mode, cap=4.0).weights(scale * REWARDS)
    assert torch.isfinite(weights).all()
    assert float(weights.max()) <= 4.0 + 1e-12
    assert (weights >= 0.0).all()


@pytest.mark.parametrize("mode", NORMALISED)
def test_normalised_weights_have_mean_1_also_where_the_cap_cuts(mode: Mode) -> None:
    for rewards in (REWARDS, REWARDS * 0.1):
        assert float(Weighting(mode, cap=4.0).weights(rewards).mean()) == pytest.approx(1.0)


def test_one_very_good_clip_is_not_the_whole_batch() -> None:
    weights = Weighting().weights(torch.tensor([7.0] + [0.1, 0.2, 0.3] * 5, dtype=torch.float64))
    others = weights[1:]
    assert float(weights[0]) == pytest.approx(4.0)
    assert float(others.sum() ** 2 / others.square().sum()) > 10.0  # effective number of the others


def test_modes_are_what_they_say() -> None:
    rewards = torch.tensor([0.0, 0.3, 0.6], dtype=torch.float64)
    exponents: dict[Mode, list[float]] = {
        "self_normalised": [0.0, 0.6, 1.2],
        "clamped": [0.2, 0.6, 1.0],
        "centred": [-2 * 1.5**0.5, 0.0, 2 * 1.5**0.5],
    }
    for mode, powers in exponents.items():
        raw = [math.exp(power) for power in powers]
        want = [3 * one / sum(raw) for one in raw]
        got = Weighting(mode, bounds=(0.1, 0.5), cap=100.0).weights(rewards).tolist()
        assert got == pytest.approx(want, rel=1e-9), mode
    assert Weighting("per_sample", cap=2.0).weights(rewards).tolist() == pytest.approx([1.0, math.exp(0.6), 2.0])


@pytest.mark.parametrize("mode", NORMALISED)
def test_equal_rewards_weigh_alike(mode: Mode) -> None:
    assert Weighting(mode).weights(torch.full((4,), 3.3)).tolist() == pytest.approx([1.0] * 4)


def test_a_single_sample_is_weighted_within_its_step_not_alone() -> None:
    """Two micro-batches of one: alone each would get weight 1 and the reward would do nothing."""
    weights = Weighting("self_normalised").weights(torch.tensor([0.0, 1.0]))
    assert float(weights[1]) > 1.5


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="not 'best'"):
        Weighting("best")  # type: ignore[arg-type]


def test_a_cap_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Weighting(cap=0.5)


def small_reward() -> tuple[SyncReward, TinyCodec, ClipScorer]:
    torch.manual_seed(0)
    codec, scorer = TinyCodec(), ClipScorer(SyncNet(SyncSizes(side=64, divide=32)))
    return SyncReward(codec, scorer), codec, scorer


def test_the_reward_is_the_metrics_table_at_shift_0_and_has_no_gradient() -> None:
    reward, codec, scorer = small_reward()
    some = clips((0, 1), frames=3, dtype=torch.float32, sound=True)
    x0 = some.x0_BZThw.clone().requires_grad_()
    got = reward(x0, some)
    assert not got.requires_grad
    assert some.waveform_BS is not None
    with torch.no_grad():
        pictures = to_uint8(codec.decode(x0))
    for row, value in enumerate(got.tolist()):
        score = scorer.score(pictures[row], some.waveform_BS[row])
        table = scorer.table(pictures[row], scorer.sounds(some.waveform_BS[row]))
        assert value == pytest.approx(float(table.median() - table[15]), rel=1e-5)
        assert score == score_of(table)


def test_a_sound_is_embedded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reward, _, scorer = small_reward()
    heard: list[Tensor] = []
    real = scorer.sounds
    monkeypatch.setattr(scorer, "sounds", lambda x: heard.append(x) or real(x))
    some = clips((0,), frames=3, dtype=torch.float32, sound=True)
    one, two = (reward(some.x0_BZThw, some) for _ in range(2))
    assert torch.equal(one, two)
    assert len(heard) == 1


def test_a_batch_without_waveforms_is_an_error_not_a_step_without_reward() -> None:
    reward, _, _ = small_reward()
    with pytest.raises(ValueError, match="clip 0 came without them"):
        reward(torch.zeros(1, 16, 3, 8, 8), clips((0,), frames=3))
