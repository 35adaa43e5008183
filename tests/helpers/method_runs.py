"""Method recipes of a size for tests: a few steps of a shrunken network on two short takes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from places import ROOT

from dubbing.media.crops import pack_crops
from services.trainer.common.group import Group
from services.trainer.common.site import Site
from services.trainer.common.timing import MARGIN
from services.trainer.data import takes as drawn
from services.trainer.footage.shards import ShardEntry, stage, wav_bytes, write_shard
from services.trainer.methods.stage import MethodStage
from services.trainer.recipes.offers import open_stage
from synthetic.splits import Split

MODELS = ROOT / "model_repo"
ALONE = Group()
ANYWHERE = (Path("/"),)
SIZES = {"dim": 132, "ffn": 32, "heads": 3, "layers": 4}
_SMALL: dict[str, Any] = {"latents": 3, "takes": 2, "batch": 4, "micro": 2, "steps": 4}


def _sizes(*networks: str) -> dict[str, Any]:
    return {f"{network}.{name}": value for network in networks for name, value in SIZES.items()}


SETTINGS: dict[str, dict[str, Any]] = {
    "teacher_tiny": {**_SMALL, **_sizes("network", "teaching.network"), "teaching.steps": 4, "update.warm_up": 0},
    "df_tiny": {**_SMALL, **_sizes("network"), "update.warm_up": 0},
    "sf_tiny": {
        **_SMALL, **_sizes("network", "critic", "teaching.network"), "stage.student_update_freq": 2, "sync.plan.steps": 2,
        "sync.plan.batch": 4,
    },
    "selftest": {"steps": 4},
    "teacher_tiny_tuned": _SMALL,
    "df_tiny_tuned": _SMALL,
}  # fmt: skip


def render(cache: Path) -> Path:
    """Leave two takes of nine frames in ``cache``, as `render_takes` would leave twenty."""
    folder = cache / "takes"
    folder.mkdir(parents=True, exist_ok=True)
    shard = drawn._shard(folder, Split.TRAIN, 9, 1, 0)
    if not shard.exists():
        drawn._write(shard, [drawn._take(Split.TRAIN, 9, 1_000_003 + index) for index in range(2)])
    return cache


def opened(
    name: str, cache: Path, starts: dict[str, Path], group: Group = ALONE, places: tuple[Path, ...] = ANYWHERE, **settings: Any
) -> MethodStage:
    """A shrunken run that starts from what is in the folders."""
    named = {setting: f"run_{setting}" for setting in starts}
    site = Site(cache, group, MODELS, starts, places=places)
    return open_stage(name, {**SETTINGS[name], **named, **settings}, site)


def made(stage: MethodStage, name: str, folder: Path, steps: int = 2) -> Path:
    """What a run leaves after some steps, as a process of the service writes it."""
    for _ in range(steps):
        stage.advance()
    assert stage.export(folder, {"run": f"run_{name}", "recipe": name, **stage.facts, "step": stage.step})
    return folder


def data_set(folder: Path, cache: Path, *, crop: int = 128, **facts: Any) -> Path:
    """Prepared footage of two people to learn from and one who is held out: two windows of nine frames each."""
    (folder / "shards").mkdir(parents=True)
    takes = drawn.read_takes(render(cache) / "takes", Split.TRAIN, 2, frames=9, seed=1)
    splits = [Split.TRAIN, Split.TRAIN, Split.DEV]
    shards = []
    for number, split in enumerate(splits):
        target, reference = (_twice(takes.crops[number % 2, mouth]) for mouth in (number // 2, 1 - number // 2))
        about = {"source_sha256": f"source {number}", "clip": [0, 18], "reference": [60, 78], "held_out": [], **facts}
        heard = np.resize(takes.sound[number % 2, number // 2], 18 * 640 + 2 * MARGIN)
        media = {"target.mkv": pack_crops(target), "reference.mkv": pack_crops(reference), "wav": wav_bytes(heard)}
        name = f"shards/{number}.tar"
        entry = ShardEntry(name, *write_shard(folder / name, [stage(str(number), media, about)]))
        shards.append({**entry._asdict(), "split": split.value, "source_sha256": about["source_sha256"]})
    (folder / "dataset.json").write_text(json.dumps({"format": 1, "crop": crop, "shards": shards}))
    return folder


def _twice(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate([frames, frames[::-1]])
