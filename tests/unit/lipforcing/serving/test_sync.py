"""Tracks that are judged piece by piece score as the library scores them whole."""

import numpy as np
import pytest
import torch

from lipforcing.contract import SYNCNET_REACH, SYNCNET_SIDE, SYNCNET_STEP, syncnet_samples
from lipforcing.serving.errors import InvalidBlockError
from lipforcing.serving.sync import SyncJudge
from lipforcing.syncnet import ClipScorer, SyncNet, score_of

FRAMES = 24


@pytest.fixture(scope="module")
def network() -> SyncNet:
    torch.manual_seed(7)
    return SyncNet().eval().requires_grad_(requires_grad=False)


@pytest.fixture(scope="module")
def clip() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    sound = rng.standard_normal(FRAMES * SYNCNET_STEP) * np.repeat(rng.random(FRAMES), SYNCNET_STEP) * 0.3
    return rng.integers(0, 256, (FRAMES, SYNCNET_SIDE, SYNCNET_SIDE, 3), np.uint8), sound.astype(np.float32)


def piece(pictures: np.ndarray, sound: np.ndarray, first: int, places: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a caller sends for some places of a clip."""
    start = (first - SYNCNET_REACH - 1) * SYNCNET_STEP
    silence = np.zeros(syncnet_samples(places) + len(sound), np.float32)
    waveform = np.concatenate([silence, sound, silence])[len(silence) + start :][: syncnet_samples(places)]
    return pictures[first : first + places + 4], waveform, np.array([-first, FRAMES - 5 - first], np.int64)


@pytest.mark.parametrize("pieces", [(19,), (1, 17, 1)])
def test_pieces_make_the_table_of_the_whole_clip(
    network: SyncNet, clip: tuple[np.ndarray, np.ndarray], pieces: tuple[int, ...]
) -> None:
    judge, rows, first = SyncJudge(network), [], 0
    for places in pieces:
        rows.append(judge.distances(*piece(*clip, first, places)))
        first += places
    scorer = ClipScorer(network)
    whole = scorer.table(torch.from_numpy(clip[0]), scorer.sounds(torch.from_numpy(clip[1])))
    table = torch.from_numpy(np.concatenate(rows)).mean(dim=0)
    torch.testing.assert_close(table, whole, rtol=1e-4, atol=1e-5)
    found, wanted = score_of(table), score_of(whole)
    assert found.offset == wanted.offset
    assert found.confidence == pytest.approx(wanted.confidence, abs=1e-4)


def test_what_does_not_fit_is_refused_with_what_would(network: SyncNet, clip: tuple[np.ndarray, np.ndarray]) -> None:
    pictures, waveform, inside = piece(*clip, 0, 8)
    judge = SyncJudge(network)
    with pytest.raises(InvalidBlockError, match=r"PICTURES must have shape \[5 .. 256, 224, 224, 3\], not \[12, 224, 224\]"):
        judge.distances(pictures[..., 0], waveform, inside)
    with pytest.raises(InvalidBlockError, match=rf"WAVEFORM must have shape \[{syncnet_samples(8)}\]"):
        judge.distances(pictures, waveform[:-1], inside)
    with pytest.raises(InvalidBlockError, match="INSIDE must hold the request's 8 places"):
        judge.distances(pictures, waveform, np.array([1, 19], np.int64))
    waveform[5] = np.nan
    with pytest.raises(InvalidBlockError, match="not finite"):
        judge.distances(pictures, waveform, inside)
