"""The stack's object store on a disk that is all but full."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.stack.context import Context
from services.cli.stack.errors import StackError
from services.cli.stack.home import home_at
from services.cli.stack.processes import s3
from services.cli.stack.state import StackState

_SIZE = 256 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 256 MB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(tmp_path)], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a disk of its own needs the right to mount one: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_disk_on_which_the_store_would_refuse_everything_is_told_before_it_starts(disk: Path) -> None:
    home = home_at(disk / "home")
    home.create()
    filling = disk / "filling"
    with filling.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, _SIZE - (2 << 20))
    with pytest.raises(StackError, match=re.escape("0.00 of 0.27 GB free; the object store needs 1% of it")) as caught:
        s3.describe(Context(home, StackState()))
    assert "DUBLINE_HOME" in caught.value.suggestions[-1]

    os.truncate(filling, _SIZE - (4 << 20))
    assert s3.describe(Context(home, StackState())).name == "s3"
