"""Work in several processes."""

import os
from functools import partial
from pathlib import Path

import cv2
import pytest

from services.trainer.data.takes import SHARD, in_processes


def _twice(folder: Path, item: int) -> int:
    if item == SHARD + 1 and not (folder / "fallen").exists():
        (folder / "fallen").touch()
        os._exit(1)
    return 2 * item


def _threads(_: int) -> int:
    return cv2.getNumThreads()


def test_results_come_in_order_and_a_process_that_falls_costs_nothing(tmp_path: Path) -> None:
    items = range(2 * SHARD + 5)
    shards = list(in_processes(partial(_twice, tmp_path), items, 2))
    assert (tmp_path / "fallen").exists()
    assert [len(shard) for shard in shards] == [SHARD, SHARD, 5]
    assert [result for shard in shards for result in shard] == [2 * item for item in items]


@pytest.mark.parametrize("processes", [1, 2])
def test_every_process_works_with_one_thread(processes: int) -> None:
    assert set(next(in_processes(_threads, range(3), processes))) == {1}
