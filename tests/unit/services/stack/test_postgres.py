"""A database changes its place with all that it holds, and one without a password stands aside."""

import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.stack.context import StackContext
from services.stack.errors import StackError
from services.stack.home import home_at
from services.stack.processes.postgres import describe, move
from services.stack.state import StackState


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder on another disk, which is memory."""
    folder = Path("/dev/shm") / f"dubline-test-{uuid.uuid4().hex}"  # noqa: S108 - a file system that is there everywhere
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def contexts(tmp_path: Path) -> Iterator[Iterator[StackContext]]:
    """Of one home, twice without a state that remembers anything."""
    home = home_at(tmp_path / "home")
    home.create()
    states = [StackState() for _ in range(2)]
    yield (StackContext(home, state) for state in states)
    for folder in {folder for state in states for folder in state.folders.values()}:
        shutil.rmtree(folder)


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    """What a database looks like from outside."""
    cluster = tmp_path / "data" / "postgres-15"
    (cluster / "base" / "5").mkdir(parents=True)
    cluster.chmod(0o700)
    (cluster / "PG_VERSION").write_text("15\n")
    (cluster / "base" / "5" / "1259").write_bytes(os.urandom(100_000))
    (cluster / "base" / "5" / "1259").chmod(0o600)
    (cluster / "pg_tblspc").symlink_to("/elsewhere")
    os.utime(cluster / "PG_VERSION", (1_000_000_000, 1_000_000_000))
    if os.geteuid() == 0:
        for path in (cluster, *cluster.rglob("*")):
            os.chown(path, 65_534, 65_534, follow_symlinks=False)
    return cluster


def seen(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything in ``folder``: content, mode, owner, time, where links lead."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        about = path.lstat()
        content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        time = about.st_mtime if path.is_file() else None
        found[str(path.relative_to(folder))] = (content, stat.filemode(about.st_mode), about.st_uid, about.st_gid, time)
    return found


def test_on_the_same_disk(cluster: Path, tmp_path: Path) -> None:
    before = seen(cluster)
    move(cluster, tmp_path / "postgres-15")
    assert seen(tmp_path / "postgres-15") == before
    assert not cluster.exists()


def test_to_another_disk_where_an_earlier_try_was_cut(cluster: Path, memory: Path) -> None:
    before = seen(cluster)
    (memory / "postgres-15.new" / "base").mkdir(parents=True)
    (memory / "postgres-15.new" / "half").touch()
    move(cluster, memory / "postgres-15")
    assert seen(memory / "postgres-15") == before
    assert not cluster.exists()
    assert [path.name for path in memory.iterdir()] == ["postgres-15"]


def test_one_that_is_there_already_is_not_overwritten_and_both_are_named(cluster: Path, tmp_path: Path) -> None:
    other = tmp_path / "postgres-15"
    other.mkdir()
    before = seen(cluster)
    with pytest.raises(StackError, match=f"{cluster} and another one in {other}") as refused:
        move(cluster, other)
    assert refused.value.suggestions
    assert (seen(cluster), list(other.iterdir())) == (before, [])


def test_a_copy_that_fails_leaves_the_database_where_it_was(cluster: Path, memory: Path) -> None:
    before = seen(cluster)
    with pytest.raises(StackError, match=r"cannot be moved|cp failed"):
        move(cluster, memory / "nowhere" / "postgres-15")
    assert seen(cluster) == before


def test_a_database_whose_password_went_with_its_home_makes_room_for_a_new_one(contexts: Iterator[StackContext]) -> None:
    """pg_control holds the number that initdb drew for the cluster."""
    cluster = Path(describe(next(contexts)).cwd or "")
    first = (cluster / "global" / "pg_control").read_bytes()
    said: list[str] = []
    assert describe(replace(next(contexts), say=said.append)).cwd == str(cluster)
    lost = cluster.with_name(f"{cluster.name}.lost-1")
    assert any(str(lost) in text for text in said)
    assert (lost / "global" / "pg_control").read_bytes() == first
    assert (cluster / "global" / "pg_control").read_bytes() != first
