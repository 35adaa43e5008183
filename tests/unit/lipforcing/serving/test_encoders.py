"""The stateless models: what they compute, and which requests they refuse."""

import numpy as np
import pytest
import torch

from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.mask import grey_mouth
from lipforcing.serving.encoders import FaceEncoder, SpeechEncoder
from lipforcing.serving.errors import InvalidBlockError, NonFiniteOutputError
from lipforcing.vae.base import from_uint8
from lipforcing.vae.tiny import TinyCodec


def codec() -> TinyCodec:
    torch.manual_seed(2)
    return TinyCodec().eval()


def test_both_streams_in_one_batch_equal_each_stream_alone() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (33, 128, 128, 3), np.uint8)
    reference, masked = FaceEncoder(codec(), 128).encode(crops)
    x = from_uint8(torch.from_numpy(crops))[None]
    assert reference.dtype == masked.dtype == np.float16
    assert reference.shape == masked.shape == (9, 16, 16, 16)
    with torch.no_grad():
        for got, clip in ((reference, x), (masked, grey_mouth(x))):
            want = codec().encode(clip)[0].transpose(0, 1).numpy()
            np.testing.assert_allclose(got, want, atol=2e-3)


@pytest.mark.parametrize("shape", [(10, 128, 128, 3), (1, 128, 128, 3), (9, 64, 128, 3), (9, 128, 128, 4), (9, 128, 128)])
def test_crops_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidBlockError, match="CROPS must have shape"):
        FaceEncoder(codec(), 128).encode(np.zeros(shape, np.uint8))


def test_latents_that_are_not_finite_are_not_returned() -> None:
    broken = codec()
    broken.std.zero_()
    with pytest.raises(NonFiniteOutputError):
        FaceEncoder(broken, 128).encode(np.zeros((9, 128, 128, 3), np.uint8))


SOUND = np.sin(np.arange(16_000) / 9.0).astype(np.float32)
TIMES = np.arange(20) / 30_000 * 1001
LEVEL = np.array([0.0, 0.7], np.float32)


def test_features_are_those_of_the_encoder() -> None:
    torch.manual_seed(3)
    encoder = TinySpeechEncoder().eval()
    got = SpeechEncoder(encoder).encode(SOUND, TIMES, LEVEL)
    with torch.no_grad():
        want = encoder(torch.from_numpy(SOUND), torch.from_numpy(TIMES)).numpy()
    assert got.dtype == np.float16
    np.testing.assert_allclose(got, want, atol=5e-3)


@pytest.mark.parametrize(
    ("sound", "times", "level", "words"),
    [
        (SOUND[:0], TIMES, LEVEL, "WAVEFORM must have shape"),
        (np.full(100, np.nan, np.float32), TIMES, LEVEL, "WAVEFORM holds values that are not finite"),
        (SOUND, TIMES[:0], LEVEL, "FRAME_TIMES must have shape"),
        (SOUND, TIMES[::-1].copy(), LEVEL, "FRAME_TIMES must rise"),
        (SOUND, TIMES - 1, LEVEL, "FRAME_TIMES must rise"),
        (SOUND, TIMES * 1e9, LEVEL, "within the longest window"),
        (SOUND, TIMES, LEVEL[:1], "LEVEL must have shape"),
        (np.zeros(61 * 16_000, np.float32), TIMES, LEVEL, "WAVEFORM must have shape"),
    ],
)
def test_unusable_sound_is_refused_by_name(sound: np.ndarray, times: np.ndarray, level: np.ndarray, words: str) -> None:
    with pytest.raises(InvalidBlockError, match=words):
        SpeechEncoder(TinySpeechEncoder()).encode(sound, times, level)
