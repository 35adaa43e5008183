"""Checkpoints on a local disk: written aside, complete or absent; the object store gets them from the worker.

Every process writes a version folder of its own (tensors as safetensors, values as JSON, both hashed and synced); the folder
around them takes its name when all are done. A process that dies on the way leaves a ``.partial`` folder that nobody reads.
"""

import shutil
from pathlib import Path

from dubbing.errors import CheckpointMismatch, DiskFull
from lipforcing.weights.errors import WeightsError
from lipforcing.weights.folder import join_parts, load_tensors, read_manifest, split_parts, write_folder
from services.trainer.common.group import Group
from services.trainer.footage.disk import disk_error
from services.trainer.methods.stage import State


def save(state: State, parent: Path, step: int, group: Group) -> Path:
    """Write a checkpoint; called by all processes together.

    Returns:
        Its folder, below ``parent``.

    Raises:
        DiskFull: one of the processes found no room; nothing is left.
    """
    folder = parent / f"step-{step:09d}"
    partial = folder.with_name(folder.name + ".partial")
    reason = None
    try:
        parts = {"own": state.own, **({"shared": state.shared} if group.rank == 0 else {})}
        write_folder(partial / f"rank-{group.rank}", join_parts(parts), {"values": dict(state.values), "world": group.world})
    except OSError as error:
        if not isinstance(disk_error(error, str(partial)), DiskFull):
            raise
        reason = str(error)
    if not group.all_of(flag=reason is None):
        if group.rank == 0:
            shutil.rmtree(partial, ignore_errors=True)
        raise DiskFull(
            f"The checkpoint of step {step} could not be written: {reason or 'another process found no room'}.",
            where={"stage": "training", "step": step, "folder": str(parent)},
            suggestions=("free some space in DUBLINE_TRAINER_SCRATCH",),
        )
    if group.rank == 0:
        partial.replace(folder)
    group.barrier()
    return folder


def load(folder: Path, group: Group) -> State:
    """Read what `save` wrote.

    Raises:
        CheckpointMismatch: it was written by another number of processes, or it is damaged.
    """
    try:
        manifest = read_manifest(folder / f"rank-{group.rank}")
        if manifest["world"] != group.world:
            raise CheckpointMismatch(
                f"The checkpoint was written by {manifest['world']} processes, and this run has {group.world}.",
                where={"stage": "training", "folder": folder.name},
                suggestions=("resume with as many processes as before",),
            )
        own = split_parts(load_tensors(folder / f"rank-{group.rank}"))
        shared = own if group.rank == 0 else split_parts(load_tensors(folder / "rank-0"))
    except WeightsError as error:
        raise CheckpointMismatch(
            f"The checkpoint is damaged: {error}", where={"stage": "training", "folder": folder.name}
        ) from error
    return State(shared.get("shared", {}), own.get("own", {}), manifest["values"])
