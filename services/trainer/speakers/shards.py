"""Writes samples as .npz shards with several processes; stops and resumes, and is the same for the same seed.

A shard holds its samples stacked: `source`, `target` uint8 [N, V, 128, 128, 3], `sound` int16 [N, S], `controls` float32
[N, V, 7], `truth` and `source_truth` float32 [N, V, 2] (opening, width) and `meta`, N JSON strings.
"""

import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from .dataset import FRAMES, Sample, crop_sample, scene
from .splits import Split

_log = structlog.get_logger()
_ARRAYS = ("source", "target", "sound", "controls", "truth", "source_truth")


@dataclass(frozen=True)
class ShardPlan:
    """What to write: `count` samples of `split` from `seed`, `per_shard` in each file, `frames` long."""

    split: Split
    count: int
    seed: int
    per_shard: int = 20
    frames: int = FRAMES

    def path(self, folder: Path, index: int) -> Path:
        """The file of one shard."""
        return folder / f"{self.split.value}-{self.seed}-{self.frames}-{index:05d}.npz"

    def shards(self) -> int:
        """How many files."""
        return -(-self.count // self.per_shard)

    def members(self, index: int) -> range:
        """The sample numbers of one shard."""
        return range(index * self.per_shard, min((index + 1) * self.per_shard, self.count))


def write_shards(folder: Path, plan: ShardPlan, processes: int = 2) -> list[Path]:
    """Writes the missing shards of a plan and returns all its files in order.

    Args:
        folder: created if it does not exist.
        plan: what to write.
        processes: worker processes (one thread each).
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [plan.path(folder, i) for i in range(plan.shards())]
    missing = [i for i, path in enumerate(paths) if not path.exists()]
    start = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(min(processes, max(1, len(missing)))) as pool:
        jobs = [(folder, plan, i) for i in missing]
        for done, index in enumerate(pool.imap_unordered(_write, jobs), 1):
            left = (time.monotonic() - start) / done * (len(missing) - done)
            _log.info("speakers.shard", file=paths[index].name, done=done, of=len(missing), eta_s=round(left))
    return paths


def _write(job: tuple[Path, ShardPlan, int]) -> int:
    folder, plan, index = job
    cv2.setNumThreads(1)
    made = [crop_sample(scene(plan.split, plan.seed * 1_000_003 + i, plan.frames)) for i in plan.members(index)]
    stacked: dict[str, NDArray[np.generic]] = {name: np.stack([getattr(s, name) for s in made]) for name in _ARRAYS}
    stacked["meta"] = np.array([json.dumps(s.meta, sort_keys=True) for s in made])
    path = plan.path(folder, index)
    partial = path.with_suffix(f".{os.getpid()}.part")
    with partial.open("wb") as file:
        np.savez(file, **stacked)  # type: ignore[arg-type] # numpy's stub takes a flag among the keywords
    partial.replace(path)
    return index


def read_shard(path: Path) -> Iterator[Sample]:
    """The samples of one shard."""
    with np.load(path) as data:
        columns = [data[name] for name in _ARRAYS]
        for *arrays, meta in zip(*columns, data["meta"], strict=True):
            yield Sample(*arrays, json.loads(str(meta)))
