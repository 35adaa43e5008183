"""The tiny speech encoder: exact in windows, deaf to loudness, silent in silence."""

from fractions import Fraction

import pytest
import torch

from lipforcing.audio.mel import QUIETEST_LEVEL, MelColumns, linear_scale, local_level, log_scale
from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.contract import SAMPLE_RATE, SPEECH_CONTEXT


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


def test_scales_are_each_others_inverse() -> None:
    power = torch.tensor([0.0, 1e-4, 0.1, 1.0, 3.0])
    assert torch.allclose(linear_scale(log_scale(power)), power, rtol=1e-4, atol=1e-8)


def test_features_hold_the_mouth_shape_and_nothing_else() -> None:
    encoder = TinySpeechEncoder()
    visemes = torch.rand(5, 7)
    back = encoder.spread(visemes) @ torch.linalg.pinv(encoder.axes.T)
    assert encoder.spread(visemes).shape == (5, 64)
    assert torch.allclose(back, visemes, atol=1e-5)
