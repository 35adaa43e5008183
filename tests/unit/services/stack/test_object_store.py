"""The stack's object store on a disk that is all but full."""

import re
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from services.stack.context import StackContext
from services.stack.errors import StackError
from services.stack.home import home_at
from services.stack.processes import s3
from services.stack.state import StackState

Disk = namedtuple("Disk", "total used free")  # noqa: PYI024 - as shutil's own, which has no public name


def test_a_disk_on_which_the_store_would_refuse_everything_is_told_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_at(tmp_path / "home")
    home.create()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(200 * 10**9, 198_100_000_000, 1_900_000_000))
    with pytest.raises(StackError, match=re.escape("1.90 of 200.00 GB free; the object store needs 1% of it")) as caught:
        s3.describe(StackContext(home, StackState()))
    assert "DUBLINE_HOME" in caught.value.suggestions[-1]

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(200 * 10**9, 197_900_000_000, 2_100_000_000))
    assert s3.describe(StackContext(home, StackState())).name == "s3"
