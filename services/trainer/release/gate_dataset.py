"""What candidates of a preset are measured on, and the version that serves with them: set by the operator, never by a run.

Generated speakers for the small model; for the big ones, which learn from footage, the test split of prepared footage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubbing.errors import BadInput, GateDataMissing
from dubbing.settings import S3Settings, TrainerSettings
from lipforcing.weights.digests import sha256_of
from services.trainer.footage.frozen import FrozenClips
from services.trainer.footage.place import place_at
from services.trainer.metrics.gate import FOOTAGE_RULES, RULES, SYNC_RULES, Rule
from synthetic.splits import Split

SEED = 1
_DATA, _SYNCNET = "DUBLINE_TRAINER_GATE_DATA", "DUBLINE_TRAINER_GATE_SYNCNET"


@dataclass(frozen=True, slots=True)
class GateDataset:
    """A frozen set and its judges: arguments of `release.measure`, and what figures say of themselves that were measured by it.

    Those of an incumbent that say so are known.
    """

    arguments: tuple[str, ...]
    about: Mapping[str, Any]
    rules: Mapping[str, Rule]


def gate_dataset(preset: str, settings: TrainerSettings, s3: S3Settings) -> GateDataset:
    """What a candidate of ``preset`` is measured on; the data set is looked at, and read when it is measured.

    Raises:
        GateDataMissing: the operator has named no footage for a big preset.
        BadDataset: it cannot be read, has crops of another size, or fewer than two clips are held out for the test.
        BadInput: the SyncNet's file is absent.
    """
    clips, frames = settings.gate_clips, settings.gate_frames
    if preset == "tiny":
        return GateDataset((str(clips), str(frames)), {"clips": clips, "frames": frames}, RULES)
    if not settings.gate_data:
        raise GateDataMissing(
            f"Students of {preset} are measured on held-out footage, and {_DATA} names none.",
            where={"setting": _DATA, "stage": "publishing"},
            suggestions=(f"prepare footage with `dubline data prepare --crop 512`, name the place in {_DATA}, publish again",),
        )
    try:
        place = place_at(settings.gate_data, s3)
        held = FrozenClips(place, preset, split=Split.TEST, clips=clips, frames=frames, seed=SEED)
    except BadInput as error:
        error.where = {**error.where, "setting": _DATA, "stage": "publishing"}
        raise
    syncnet = settings.gate_syncnet
    named = ("--preset", preset, "--data", settings.gate_data, *(("--syncnet", str(syncnet)) if syncnet else ()))
    about = {"clips": len(held), "frames": frames, "data": held.digest, "syncnet": _digest(syncnet) if syncnet else None}
    return GateDataset((str(clips), str(frames), *named), about, SYNC_RULES if syncnet else FOOTAGE_RULES)


def _digest(syncnet: Path) -> str:
    try:
        return sha256_of(syncnet)
    except OSError as error:
        raise BadInput(
            f"{_SYNCNET} names {syncnet}, which cannot be read: {error}", where={"setting": _SYNCNET, "stage": "publishing"}
        ) from error
