"""The processes of one run: torchrun's environment, and the few collectives that the service itself needs."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Self

import torch
from torch import distributed

# Rank 0 prepares data while the others wait.
_TIMEOUT = timedelta(hours=12)


class Group:
    """This process among those of the run; a run of one process needs no backend."""

    def __init__(self, rank: int = 0, world: int = 1) -> None:
        self.rank, self.world = rank, world

    @classmethod
    def join(cls, meeting: Path, backend: str = "gloo") -> Self:
        """Join the group that torchrun's environment describes; ``meeting`` is a file of this group alone, not there yet."""
        group = cls(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))
        if backend == "nccl":
            torch.cuda.set_device(group.rank)  # torchrun runs on one machine
        if group.world > 1:
            # Without a store of ours, the first would open a port for the others, and for everybody else.
            store = distributed.FileStore(str(meeting), group.world)  # type: ignore[attr-defined]
            distributed.init_process_group(backend, timeout=_TIMEOUT, store=store, rank=group.rank, world_size=group.world)
        return group

    def leave(self) -> None:
        """End the group."""
        if self.world > 1:
            distributed.destroy_process_group()

    def all_of(self, *, flag: bool) -> bool:
        """True when the flag is true everywhere."""
        return self._least(int(flag)) == 1

    def any_of(self, *, flag: bool) -> bool:
        """True when the flag is true anywhere."""
        return self._least(int(not flag)) == 0

    def barrier(self) -> None:
        """Wait for all."""
        self._least(0)

    def _least(self, value: int) -> int:
        if self.world == 1:
            return value
        held = torch.tensor(value, device="cuda" if distributed.get_backend() == "nccl" else "cpu")
        distributed.all_reduce(held, distributed.ReduceOp.MIN)
        return int(held)
