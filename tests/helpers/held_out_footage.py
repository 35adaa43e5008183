"""Prepared footage of a held-out split for tests: drawn speakers, packed as `dubline data prepare` packs film."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dubbing.media.crops import pack_crops
from services.trainer.data import takes as drawn
from services.trainer.footage.shards import ShardEntry, stage, wav_bytes, write_shard
from synthetic.splits import Split

FRAMES = 21


@cache
def _take(number: int) -> dict[str, Any]:
    return drawn._take(Split.TEST, FRAMES, 1_000_003 + number)


def held_out(folder: Path, *, clips: int = 2, crop: int = 128, split: Split = Split.TEST) -> Path:
    """A data set with ``clips`` clips of 21 frames, one shard each: mouth B is filmed, and the reference shows mouth A."""
    (folder / "shards").mkdir(parents=True)
    shards = []
    for number in range(clips):
        take = _take(number % 2)
        reference, target = (_sized(take["crops"][mouth], crop) for mouth in (0, 1))
        about = {"source_sha256": f"source {number}", "clip": [0, FRAMES], "reference": [60, 60 + FRAMES],
                 "held_out": ["identity"], "language": f"x{number}"}  # fmt: skip
        media = {"target.mkv": pack_crops(target), "reference.mkv": pack_crops(reference), "wav": wav_bytes(take["sound"][1])}
        name = f"shards/{number}.tar"
        entry = ShardEntry(name, *write_shard(folder / name, [stage(f"clip-{number}", media, about)]))
        shards.append({**entry._asdict(), "split": split.value})
    (folder / "dataset.json").write_text(json.dumps({"format": 1, "crop": crop, "shards": shards}))
    return folder


def _sized(crops: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray([cv2.resize(crop, (side, side)) for crop in crops], np.uint8)
