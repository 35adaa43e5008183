"""The tiny speech encoder: exact in windows, deaf to loudness, silent in silence."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from lipforcing.audio.mel import QUIETEST_LEVEL, MelColumns, linear_scale, local_level, log_scale
from lipforcing.audio.tiny import COLUMNS, STRIDE, TinySpeechEncoder
from lipforcing.contract import SAMPLE_RATE, SPEECH_CONTEXT
from services.trainer.common.optimise import Optimisation
from services.trainer.encoders.speech import SpeechSample, SpeechStage, UtteranceColumns, train_speech


def _speechlike(seconds: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    t = torch.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return 0.2 * torch.sin(2 * torch.pi * 150 * t) * (1 + torch.sin(9 * t)) + 0.02 * torch.randn(len(t), generator=generator)


@torch.no_grad()
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(24), Fraction(30_000, 1_001)])
def test_a_window_with_context_gives_what_the_whole_track_gives(fps: Fraction) -> None:
    torch.manual_seed(0)
    encoder, track = TinySpeechEncoder().eval(), _speechlike(8.0)
    times = torch.tensor([float(i / fps) for i in range(int(8 * fps))], dtype=torch.float64)
    whole = encoder(track, times)
    inside = (times >= 3.0) & (times < 5.0)
    start = 3.0 - SPEECH_CONTEXT
    part = track[int(start * SAMPLE_RATE) : int((5.0 + SPEECH_CONTEXT) * SAMPLE_RATE)]
    assert torch.allclose(encoder(part, times[inside] - start), whole[inside], atol=1e-5)


@torch.no_grad()
def test_a_whisper_looks_like_a_shout() -> None:
    columns, track = MelColumns(3), _speechlike(3.0)
    times = torch.arange(20, 50, dtype=torch.float64) / 25
    assert torch.allclose(columns(track * 0.2, times), columns(track, times), atol=5e-3)


@torch.no_grad()
def test_silence_is_not_amplified() -> None:
    faint = 1e-5 * torch.randn(SAMPLE_RATE * 2, generator=torch.Generator().manual_seed(1))
    assert torch.all(local_level(faint, torch.tensor([SAMPLE_RATE])) == QUIETEST_LEVEL)
    columns = MelColumns(2)(faint, torch.tensor([1.0], dtype=torch.float64))
    assert float(columns.max()) < 0.45


def test_variation_calms_down_over_the_last_two_fifths_alone() -> None:
    stage = SpeechStage(Optimisation(100, 4, 1e-3), noise=0.6, warp=0.1, tilt=0.2, calm=0.5)
    assert stage.at(0) == stage.at(60) == stage
    middle, last = stage.at(80), stage.at(100)
    assert (middle.noise, middle.warp, middle.tilt) == pytest.approx((0.45, 0.075, 0.15))
    assert (last.noise, last.warp, last.tilt) == pytest.approx((0.3, 0.05, 0.1))


def test_scales_are_each_others_inverse() -> None:
    power = torch.tensor([0.0, 1e-4, 0.1, 1.0, 3.0])
    assert torch.allclose(linear_scale(log_scale(power)), power, rtol=1e-4, atol=1e-8)


def test_features_hold_the_mouth_shape_and_nothing_else() -> None:
    encoder = TinySpeechEncoder()
    visemes = torch.rand(5, 7)
    back = encoder.spread(visemes) @ torch.linalg.pinv(encoder.axes.T)
    assert encoder.spread(visemes).shape == (5, 64)
    assert torch.allclose(back, visemes, atol=1e-5)


@torch.no_grad()
def test_sliding_along_a_stretch_gives_what_each_frames_own_columns_give() -> None:
    torch.manual_seed(1)
    encoder, stretch = TinySpeechEncoder().eval(), torch.rand(2, COLUMNS + 4 * STRIDE, 40)
    along = encoder.along(stretch)
    each = [encoder.along(stretch[:, STRIDE * frame : STRIDE * frame + COLUMNS])[:, 0] for frame in range(5)]
    assert torch.allclose(along, torch.stack(each, dim=1), atol=1e-5)


def test_training_hears_the_columns_that_serving_hears() -> None:
    track, encoder = _speechlike(3.0).numpy(), TinySpeechEncoder()
    heard = UtteranceColumns.of([SpeechSample(track, np.zeros((75, 7), np.float32))])
    columns, visemes = heard.stretches(torch.tensor([0]), torch.tensor([30]), 1)
    served = encoder.columns(torch.from_numpy(track), torch.tensor([30 / 25], dtype=torch.float64))
    assert visemes.shape == (1, 1, 7)
    assert torch.allclose(columns, served, atol=5e-3)


def test_parts_that_are_heard_one_by_one_are_the_whole() -> None:
    rng = np.random.default_rng(1)
    spoken = [SpeechSample(rng.standard_normal(8_000).astype(np.float32), np.zeros((12, 7), np.float32)) for _ in range(3)]
    whole, joined = (
        UtteranceColumns.of(spoken),
        UtteranceColumns.joined([UtteranceColumns.of(spoken[:1]), UtteranceColumns.of(spoken[1:])]),
    )
    assert torch.equal(whole.power_NKM, joined.power_NKM)
    assert torch.equal(whole.level_NV, joined.level_NV)
    assert torch.equal(whole.visemes_NVP, joined.visemes_NVP)


def test_a_few_steps_of_training_lower_the_error() -> None:
    rng = np.random.default_rng(0)
    spoken = [
        SpeechSample((0.2 * rng.standard_normal(32_000)).astype(np.float32), np.full((50, 7), i / 4, np.float32))
        for i in range(4)
    ]
    plan = Optimisation(30, 8, 2e-3, warm_up=3)
    _, curve = train_speech(UtteranceColumns.of(spoken), SpeechStage(plan, frames=4), seed=1)
    _, short = train_speech(UtteranceColumns.of(spoken), SpeechStage(replace(plan, steps=2), frames=4), seed=1)
    assert curve.losses[-1]["visemes"] < short.losses[-1]["visemes"]
