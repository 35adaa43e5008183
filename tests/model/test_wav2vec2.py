import os
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest
import torch
from places import ROOT
from torch import Tensor

from dubbing.inference.speech import FRAMES, windows
from lipforcing.audio.wav2vec2 import Wav2Vec2Features, Wav2Vec2Sizes

SMALL = Wav2Vec2Sizes(conv=32, hidden=48, layers=3, heads=4, inner=96, reach=128, groups=4)


@pytest.fixture(scope="module")
def encoder() -> Wav2Vec2Features:
    torch.manual_seed(11)
    return Wav2Vec2Features(SMALL).requires_grad_(requires_grad=False).eval()


@pytest.fixture(scope="module")
def library(encoder: Wav2Vec2Features) -> Any:
    """The public library's model with the same weights."""
    import transformers  # noqa: PLC0415 - half a second in every process of a shared run, and one needs it

    config = transformers.Wav2Vec2Config(
        hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96, conv_dim=(32,) * 7,
        num_conv_pos_embedding_groups=4, attn_implementation="eager",
    )  # fmt: skip
    model = transformers.Wav2Vec2Model(config)
    theirs = {Wav2Vec2Features.local_name(f"wav2vec2.{name}"): name for name in model.state_dict()}
    named = {theirs[name]: tensor for name, tensor in encoder.state_dict().items()}
    missing = model.load_state_dict(named, strict=False)
    assert missing.missing_keys == ["masked_spec_embed"]
    assert not missing.unexpected_keys
    return model.requires_grad_(requires_grad=False).eval()


def speech(seconds: float) -> Tensor:
    """Noise in syllables of a quarter second: loud and quiet parts, as the level and the norms see them."""
    generator = torch.Generator().manual_seed(2)
    samples = int(seconds * 16_000)
    beat = torch.sin(torch.arange(samples) / 16_000 * 2 * torch.pi * 4).clamp(min=0.02)
    return torch.randn(samples, generator=generator) * beat * 0.1 + 0.01


def times(frames: int, fps: float = 25.0) -> Tensor:
    return torch.arange(frames, dtype=torch.float64) / fps


def track_level(waveform: Tensor) -> Tensor:
    wide = waveform.double()
    return torch.stack([wide.mean(), wide.std(correction=0)]).float()


def reference(library: Any, waveform: Tensor, frames: int) -> Tensor:
    """The published recipe, with the interpolation it really calls, in the public library."""
    normal = (waveform - waveform.mean()) / torch.sqrt(waveform.var(correction=0) + 1e-7)
    steps = max(-(-len(waveform) // 640), frames)
    padded = torch.nn.functional.pad(normal, (0, steps * 640 - len(normal)))
    features = library.feature_extractor(padded[None])
    stretched = torch.nn.functional.interpolate(features, size=steps, mode="linear", align_corners=True)
    hidden = library.feature_projection(stretched.transpose(1, 2))[0]
    states = [library.encoder.layer_norm(hidden + library.encoder.pos_conv_embed(hidden))]
    for layer in library.encoder.layers:
        out = layer(states[-1])
        states.append(out[0] if isinstance(out, tuple) else out)
    return torch.cat([states[-1], *states], -1)[0, :frames]


@pytest.mark.parametrize(("seconds", "frames"), [(2.0, 50), (2.013, 50), (1.5, 50), (2.4, 41)])
def test_at_25_fps_it_is_the_published_recipe(encoder: Wav2Vec2Features, library: Any, seconds: float, frames: int) -> None:
    waveform = speech(seconds)
    ours = encoder(waveform, times(frames), track_level(waveform))
    assert ours.shape == (frames, 5 * 48)
    assert torch.allclose(ours, reference(library, waveform, frames), rtol=0, atol=1e-5)


def test_the_last_state_comes_first_and_again_last(encoder: Wav2Vec2Features) -> None:
    waveform = speech(1.0)
    features = encoder(waveform, times(20), track_level(waveform))
    assert torch.equal(features[:, :48], features[:, -48:])
    assert not torch.allclose(features[:, :48], features[:, 48:96])


def test_frames_between_the_steps_are_mixed_linearly(encoder: Wav2Vec2Features) -> None:
    waveform = speech(2.0)
    level = track_level(waveform)
    at_25, at_50 = encoder(waveform, times(40), level), encoder(waveform, times(79, 50.0), level)
    assert torch.allclose(at_50[::2], at_25, atol=1e-6)
    assert torch.allclose(at_50[1::2], (at_25[:-1] + at_25[1:]) / 2, atol=1e-5)


@pytest.mark.parametrize("fps", [24000 / 1001, 60.0, 15.0])
def test_any_frame_rate_gives_one_finite_row_per_frame(encoder: Wav2Vec2Features, fps: float) -> None:
    waveform = speech(1.2)
    features = encoder(waveform, times(30, fps), track_level(waveform))
    assert features.shape[0] == 30
    assert torch.isfinite(features).all()


def test_silence_and_a_sound_shorter_than_one_window_are_fine(encoder: Wav2Vec2Features) -> None:
    assert torch.isfinite(encoder(torch.zeros(16_000), times(25), torch.zeros(2))).all()
    assert encoder(speech(0.01), times(9), torch.tensor([0.0, 1.0])).shape[0] == 9


def windowed(encoder: Wav2Vec2Features, waveform: Tensor, frames: int, fps: Fraction) -> Tensor:
    """Features of a track as the platform asks for them, window by window."""
    level = track_level(waveform)
    pieces = (piece.numpy() for piece in waveform.split(50_000))
    cut = windows(pieces, [i / fps for i in range(frames)], (level[0].item(), level[1].item()))
    return torch.cat([encoder(*(torch.from_numpy(x) for x in (w.waveform_S, w.frame_times_V)), level) for w in cut])


def seam_error(encoder: Wav2Vec2Features) -> tuple[float, float]:
    """Mean error at the seams between windows and away from them, relative to the spread of the features."""
    waveform, frames = speech(96.0), 4 * FRAMES
    whole = encoder(waveform, times(frames), track_level(waveform))
    pieces = windowed(encoder, waveform, frames, Fraction(25))
    assert pieces.shape == whole.shape
    error = (pieces - whole).pow(2).mean(1).sqrt() / (whole - whole.mean(0)).pow(2).mean().sqrt()
    seams = torch.cat([error[edge - 5 : edge + 5] for edge in (FRAMES, 2 * FRAMES, 3 * FRAMES)])
    middles = torch.cat([error[edge - 60 : edge + 60] for edge in range(FRAMES // 2, frames, FRAMES)])
    return seams.mean().item(), middles.mean().item()


def test_a_seam_between_windows_is_no_worse_than_the_rest_of_a_window(encoder: Wav2Vec2Features) -> None:
    seams, middles = seam_error(encoder)
    assert seams < 0.05
    assert seams < 1.25 * middles


def test_less_context_than_the_positional_convolution_reaches_would_show(
    encoder: Wav2Vec2Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dubbing.inference.speech.SPEECH_CONTEXT", 2)
    seams, middles = seam_error(encoder)
    assert seams > 5 * middles


@pytest.mark.parametrize(("seconds", "frames"), [(4.0, 100), (10.0, 250), (2.013, 50), (1.5, 50), (2.4, 41), (26.9, 672)])
def test_a_track_that_fits_one_window_gives_the_published_features(
    encoder: Wav2Vec2Features, library: Any, seconds: float, frames: int
) -> None:
    waveform = speech(seconds)
    got = windowed(encoder, waveform, frames, Fraction(25))
    assert torch.allclose(got, reference(library, waveform, frames), rtol=0, atol=1e-5)


def test_a_longer_tracks_ends_are_no_further_from_the_published_features_than_its_middle(encoder: Wav2Vec2Features) -> None:
    waveform, frames = speech(73.0), 25 * 73  # the last window serves a single second
    whole = encoder(waveform, times(frames), track_level(waveform))
    error = (windowed(encoder, waveform, frames, Fraction(25)) - whole).pow(2).mean(1).sqrt()
    middle = error[FRAMES:-FRAMES].mean()
    assert error[:25].mean() < 1.5 * middle
    assert error[-25:].mean() < 1.5 * middle


@pytest.mark.slow
def test_a_track_of_two_hours_is_encoded_in_the_memory_of_a_few_windows() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWO_HOURS], env={**os.environ, "PYTHONPATH": "shared", "OMP_NUM_THREADS": "1"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    frames, growth = map(int, done.stdout.split())
    assert frames == 2 * 60 * 60 * 25
    # The sound alone has 460 million bytes.
    assert growth < 64e6, f"{growth / 1e6:.0f} MB"


# A network of the published depth in time, as narrow as can be: what grows with the track grows in it too.
TWO_HOURS = """
import resource
from fractions import Fraction
import numpy as np, torch
from dubbing.inference.speech import FRAMES, windows
from lipforcing.audio.wav2vec2 import Wav2Vec2Features, Wav2Vec2Sizes

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

torch.manual_seed(0)
encoder = Wav2Vec2Features(Wav2Vec2Sizes(conv=4, hidden=8, layers=1, heads=1, inner=8, groups=1)).eval()
level, hours = torch.tensor([0.0, 1.0]), 2
sound = (np.random.default_rng(i).standard_normal(160_000, np.float32) for i in range(hours * 360))
times, done = [Fraction(i, 25) for i in range(hours * 90_000)], 0
for number, window in enumerate(windows(sound, times, (0.0, 1.0))):
    with torch.inference_mode():
        rows = encoder(torch.from_numpy(window.waveform_S), torch.from_numpy(window.frame_times_V), level)
    assert torch.isfinite(rows).all()
    done += len(rows)
    before = peak() if number < 4 else before
print(done, peak() - before)
"""


def test_the_published_size_and_names() -> None:
    with torch.device("meta"):
        published = Wav2Vec2Features()
    names = set(published.state_dict())
    assert sum(tensor.numel() for tensor in published.state_dict().values()) == 94_371_712 - 768
    assert Wav2Vec2Features.local_name("lm_head.weight") is None
    assert Wav2Vec2Features.local_name("wav2vec2.masked_spec_embed") is None
    for theirs in (
        "wav2vec2.feature_extractor.conv_layers.0.layer_norm.weight",
        "wav2vec2.encoder.pos_conv_embed.conv.weight_g",
        "wav2vec2.encoder.pos_conv_embed.conv.weight_v",
        "wav2vec2.encoder.layers.11.attention.out_proj.bias",
        "wav2vec2.feature_projection.projection.weight",
    ):
        assert Wav2Vec2Features.local_name(theirs) in names
