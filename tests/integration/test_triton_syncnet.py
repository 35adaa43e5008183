"""SyncNet behind a real Triton server, with random weights."""

from pathlib import Path

import numpy as np
import pytest
from triton_chunks import TINY, Weights
from tritonclient import grpc
from waiting import until

from dubbing.errors import ChunkFailed, ModelUnavailable
from dubbing.inference.syncnet import TritonSyncNet
from lipforcing.contract import SYNCNET, syncnet_samples
from lipforcing.serving.sync import SyncJudge

pytestmark = [pytest.mark.stack]


def a_piece(places: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Pictures and sound of the first places of a track that is twice as long."""
    rng = np.random.default_rng(6)
    pictures = rng.integers(0, 256, (places + 4, 224, 224, 3), np.uint8)
    return pictures, rng.standard_normal(syncnet_samples(places)).astype(np.float32) * 0.1, (0, 2 * places)


def test_mouths_are_compared_with_sounds_as_the_library_does(server: dict[str, str], weights: Weights) -> None:
    pictures, waveform, inside = a_piece(6)
    syncnet = TritonSyncNet(server["DUBLINE_TRITON_URL"])
    assert syncnet.is_served()
    got = syncnet.distances(pictures, waveform, inside)
    want = SyncJudge(weights.syncnet).distances(pictures, waveform, np.array(inside, np.int64))
    assert got.shape == (6, 31)
    np.testing.assert_allclose(got, want, rtol=1e-4)
    with pytest.raises(ChunkFailed, match="syncnet refused the request: invalid_block: WAVEFORM must have shape"):
        syncnet.distances(pictures, waveform[:-1], inside)


def test_a_server_without_weights_for_mouths_and_sounds_serves_on_and_says_so(
    server: dict[str, str], client: grpc.InferenceServerClient
) -> None:
    syncnet, weights = TritonSyncNet(server["DUBLINE_TRITON_URL"]), Path(server["repository"]) / SYNCNET / "1"
    client.unload_model(SYNCNET)
    until(lambda: not client.is_model_ready(SYNCNET), "the model is not unloaded")
    weights.rename(weights.with_name("aside"))
    try:
        assert not syncnet.is_served()
        with pytest.raises(ModelUnavailable, match=SYNCNET):
            syncnet.distances(*a_piece(1))
        assert client.is_model_ready(TINY.student)
    finally:
        weights.with_name("aside").rename(weights)
        client.load_model(SYNCNET)
    assert syncnet.is_served()
    assert not TritonSyncNet("127.0.0.1:1").is_served()
