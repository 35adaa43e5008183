"""Checkpoints on a local disk: whole or not at all, and only for the run that they are of."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from full_disk import largest_file
from method_runs import ALONE, opened

from dubbing.errors import CheckpointMismatch, DiskFull
from services.trainer.common.group import Group
from services.trainer.methods.stage import MethodStage
from services.trainer.runtime import checkpoint


def stage_of(cache: Path, **settings: Any) -> MethodStage:
    cache.mkdir(exist_ok=True)
    return opened("selftest", cache, {}, **settings)


def test_a_checkpoint_of_another_shape_names_what_does_not_fit(tmp_path: Path) -> None:
    folder = checkpoint.save(stage_of(tmp_path / "cache").state(), tmp_path, 0, ALONE)
    deeper = stage_of(tmp_path / "cache", **{"network.layers": 6})
    with pytest.raises(CheckpointMismatch, match="tensors of the checkpoint do not fit, among them ema/"):
        deeper.restore(checkpoint.load(folder, ALONE))


def test_a_checkpoint_of_another_number_of_processes_is_refused(tmp_path: Path) -> None:
    folder = checkpoint.save(stage_of(tmp_path / "cache").state(), tmp_path, 0, ALONE)
    pair = Group(0, 1)
    pair.world = 2
    with pytest.raises(CheckpointMismatch, match="written by 1 processes, and this run has 2"):
        checkpoint.load(folder, pair)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = checkpoint.save(stage_of(tmp_path / "cache").state(), tmp_path, 0, ALONE)
    weights = folder / "rank-0" / "model.safetensors"
    bytes_ = bytearray(weights.read_bytes())
    bytes_[-5] ^= 1
    weights.write_bytes(bytes_)
    with pytest.raises(CheckpointMismatch, match="damaged"):
        checkpoint.load(folder, ALONE)


def test_a_full_disk_leaves_no_half_of_a_checkpoint_and_the_earlier_one_whole(tmp_path: Path) -> None:
    stage, kept = stage_of(tmp_path / "cache"), tmp_path / "kept"
    before = checkpoint.save(stage.state(), kept, 0, ALONE)
    with largest_file(10_000), pytest.raises(DiskFull, match="step 1"):
        checkpoint.save(stage.state(), kept, 1, ALONE)
    assert [path.name for path in kept.iterdir()] == [before.name]
    assert checkpoint.load(before, ALONE).values["step"] == 0
    assert os.strerror(errno.EFBIG)
