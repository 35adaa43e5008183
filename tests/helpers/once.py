"""What several processes of one run need is made by the first of them that asks."""

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def made_once(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """What ``make`` gives, whose files lie in a folder of the whole run; nobody may change them.

    Args:
        folders: of this process.
        name: of the folder.
        make: is called with the empty folder, by one process.
    """
    run = folders.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent
    folder, result = run / name, run / f"{name}.pickle"
    with (run / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            folder.mkdir(exist_ok=True)
            made = make(folder)
            result.write_bytes(pickle.dumps(made))
        return pickle.loads(result.read_bytes())  # noqa: S301 - written above
