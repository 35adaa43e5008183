"""What every `LipSyncEngine` must do, over each implementation, with the demonstration model's weights."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dubbing.errors import DublineError, ModelUnavailable
from dubbing.inference.engine import ChunkRequest, FaceLatents, LipSyncEngine, SpeechWindow, pad_to_blocks
from dubbing.inference.factory import open_engine
from dubbing.settings import TritonSettings
from lipforcing.contract import block_start, frames_in_block, latents_of, mouth_mask
from services.stack.bootstrap import triton_settings
from services.stack.home import CHECKOUT
from services.stack.local import LocalStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]
ENGINES = ("passthrough", "in-process", "triton")
REPOSITORY = os.environ.get("DUBLINE_MODEL_REPO", str(CHECKOUT / "model_repo"))
BLOCKS = 3
FRAMES = block_start(BLOCKS)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, system: LocalStack) -> LipSyncEngine:
    return open_engine(request.param, "tiny", triton_settings(system.env()), REPOSITORY)


@pytest.fixture(scope="module")
def crops() -> NDArray[np.uint8]:
    """Soft blobs that move: nothing like a face, and enough to tell frames apart."""
    y, x = np.mgrid[:128, :128] / 128
    frames = [[128 + 100 * np.sin(6 * (x + c / 3) + i / 5) * np.cos(5 * y) for c in range(3)] for i in range(FRAMES)]
    return np.moveaxis(np.array(frames), 1, -1).astype(np.uint8)


@pytest.fixture(scope="module")
def window() -> SpeechWindow:
    at = np.arange(2 * 16_000)
    sound = (0.3 * np.sin(at * 0.1) * (at // 3000 % 2)).astype(np.float32)
    return SpeechWindow(sound, np.arange(FRAMES) / 25, (float(sound.mean()), float(sound.std())))


@pytest.fixture(scope="module")
def request_of(engine: LipSyncEngine, crops: NDArray[np.uint8], window: SpeechWindow) -> ChunkRequest:
    return ChunkRequest(seed=3, chunk=1, attempt=1, latents=engine.encode_faces(crops), speech_VA=engine.encode_speech(window))


def generated(engine: LipSyncEngine, request: ChunkRequest) -> NDArray[np.uint8]:
    return np.concatenate([block.frames_VHWC for block in engine.generate(request)])


def test_a_preset_with_weights_is_there(engine: LipSyncEngine) -> None:
    engine.check()


def test_latents_cover_every_block(request_of: ChunkRequest) -> None:
    latents: FaceLatents = request_of.latents
    assert latents.reference_TZhw.dtype == np.float16
    assert np.isfinite(latents.reference_TZhw).all()
    if len(latents.masked_TZhw):
        assert latents.reference_TZhw.shape == latents.masked_TZhw.shape == (latents_of(BLOCKS), 16, 16, 16)


def test_there_is_one_row_of_features_for_each_frame(engine: LipSyncEngine, request_of: ChunkRequest) -> None:
    assert request_of.speech_VA.shape == (FRAMES, engine.contract.speech_features)
    assert request_of.speech_VA.dtype == np.float16
    assert np.isfinite(request_of.speech_VA).all()


def test_blocks_come_in_order_with_their_frames_and_one_digest(engine: LipSyncEngine, request_of: ChunkRequest) -> None:
    blocks = list(engine.generate(request_of))
    side = engine.contract.crop
    assert [block.frames_VHWC.shape for block in blocks] == [(frames_in_block(i), side, side, 3) for i in range(BLOCKS)]
    assert {block.frames_VHWC.dtype for block in blocks} == {np.dtype(np.uint8)}
    (digest,) = {block.digest for block in blocks}
    assert len(bytes.fromhex(digest)) == 32


def test_the_first_block_is_there_before_the_second_is_asked_for(engine: LipSyncEngine, request_of: ChunkRequest) -> None:
    stream = engine.generate(request_of)
    assert isinstance(stream, Iterator)
    assert len(next(stream).frames_VHWC) == frames_in_block(0)
    stream.close()  # type: ignore[attr-defined]


def test_a_chunk_that_was_abandoned_does_not_disturb_the_next_try(engine: LipSyncEngine, request_of: ChunkRequest) -> None:
    whole = generated(engine, request_of)
    stream = engine.generate(request_of)
    next(stream), next(stream)
    stream.close()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(generated(engine, request_of), whole)


def test_every_attempt_makes_the_same_frames(engine: LipSyncEngine, request_of: ChunkRequest) -> None:
    again = ChunkRequest(3, 1, 2, request_of.latents, request_of.speech_VA)
    np.testing.assert_array_equal(generated(engine, again), generated(engine, request_of))


def test_encoding_the_same_crops_again_gives_the_same_latents(
    engine: LipSyncEngine, request_of: ChunkRequest, crops: NDArray[np.uint8]
) -> None:
    np.testing.assert_array_equal(engine.encode_faces(crops).reference_TZhw, request_of.latents.reference_TZhw)


def test_crops_that_fill_no_whole_block_are_padded_or_refused(engine: LipSyncEngine, crops: NDArray[np.uint8]) -> None:
    padded = pad_to_blocks(crops[:10]).astype(np.uint8)
    assert len(padded) == block_start(2)
    assert len(engine.encode_faces(padded).reference_TZhw)


def test_the_server_and_this_process_make_the_same_frames(
    system: LocalStack, crops: NDArray[np.uint8], window: SpeechWindow
) -> None:
    frames, latents = [], []
    for name in ("in-process", "triton"):
        engine = open_engine(name, "tiny", triton_settings(system.env()), REPOSITORY)
        latents.append(engine.encode_faces(crops))
        frames.append(generated(engine, ChunkRequest(3, 1, 1, latents[0], engine.encode_speech(window))).astype(int))
    assert np.abs(latents[0].reference_TZhw.astype(float) - latents[1].reference_TZhw).max() < 0.02
    assert np.abs(frames[0] - frames[1]).max() <= 2
    assert frames[0][:, mouth_mask(128)].std() > 1


@pytest.mark.parametrize("name", ["in-process", "triton"])
def test_a_preset_without_weights_is_unavailable_with_advice(name: str, system: LocalStack, tmp_path: Path) -> None:
    engine = open_engine(name, "14b", triton_settings(system.env()), str(tmp_path))
    with pytest.raises(ModelUnavailable) as refused:
        engine.check()
    assert refused.value.retryable
    assert refused.value.suggestions


def test_a_server_that_is_away_is_unavailable(crops: NDArray[np.uint8]) -> None:
    engine = open_engine("triton", "tiny", TritonSettings(url="127.0.0.1:9"), REPOSITORY)
    for call in (engine.check, lambda: engine.encode_faces(crops)):
        with pytest.raises(ModelUnavailable):
            call()


@pytest.mark.parametrize("name", ["in-process", "triton"])
def test_a_refused_request_is_an_error_of_ours(name: str, system: LocalStack) -> None:
    engine = open_engine(name, "tiny", triton_settings(system.env()), REPOSITORY)
    with pytest.raises(DublineError) as refused:
        engine.encode_faces(np.zeros((10, 128, 128, 3), np.uint8))
    assert not refused.value.retryable
    assert "CROPS must have shape" in refused.value.detail
