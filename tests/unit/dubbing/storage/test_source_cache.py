import hashlib
from pathlib import Path
from typing import Any

import pytest

from dubbing.errors import ChecksumMismatch, StoreUnavailable
from dubbing.storage.sources import SourceCache
from dubbing.storage.store import StoredObject


class MemoryStore:
    """Objects in a dict; counts how often each was fetched."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects
        self.fetched: list[str] = []

    def size(self, key: str) -> int | None:
        return len(self.objects[key])

    def get_file(self, key: str, path: Path) -> StoredObject:
        self.fetched.append(key)
        path.write_bytes(self.objects[key])
        return StoredObject(key, len(self.objects[key]), sha(self.objects[key]))


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_source_is_fetched_once_and_read_many_times(tmp_path: Path) -> None:
    store = MemoryStore(a=b"picture")
    cache = SourceCache(store, tmp_path / "new", 1000)
    for _ in range(3):
        with cache.open("a", sha(b"picture")) as path:
            assert path.read_bytes() == b"picture"
    assert store.fetched == ["a"]


def test_the_least_recently_used_copy_makes_room_but_never_one_in_use(tmp_path: Path) -> None:
    store = MemoryStore(a=b"a" * 60, b=b"b" * 60, c=b"c" * 60)
    cache = SourceCache(store, tmp_path, 130)
    with cache.open("a", sha(store.objects["a"])) as held:
        with cache.open("b", sha(store.objects["b"])) as idle:
            pass
        with cache.open("c", sha(store.objects["c"])):
            assert held.exists()
            assert not idle.exists()


def test_an_object_that_changed_is_refused_and_not_kept(tmp_path: Path) -> None:
    cache = SourceCache(MemoryStore(a=b"tampered"), tmp_path, 1000)
    with pytest.raises(ChecksumMismatch), cache.open("a", sha(b"picture")):
        pass
    assert not (tmp_path / sha(b"picture")).exists()


def test_an_admitted_file_is_there_for_the_steps_that_know_its_content(tmp_path: Path) -> None:
    store = MemoryStore(a=b"picture")
    cache = SourceCache(store, tmp_path, 1000)
    with cache.admit("a") as (path, stored):
        assert path.read_bytes() == b"picture"
        assert stored.sha256 == sha(b"picture")
    with cache.open("a", sha(b"picture")) as path:
        assert path.read_bytes() == b"picture"
    assert store.fetched == ["a"]


def test_a_file_that_its_first_reader_rejects_is_not_kept(tmp_path: Path) -> None:
    cache = SourceCache(MemoryStore(a=b"garbage"), tmp_path, 1000)
    with pytest.raises(ValueError, match="no video"), cache.admit("a"):
        raise ValueError("no video")
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_a_fetch_that_broke_off(tmp_path: Path) -> None:
    class Broken(MemoryStore):
        def get_file(self, key: str, path: Path) -> StoredObject:
            path.write_bytes(self.objects[key][:2])
            raise StoreUnavailable("cut")

    store: Any = Broken(a=b"whole")
    cache = SourceCache(store, tmp_path, 100)
    with pytest.raises(StoreUnavailable), cache.open("a", sha(b"whole")):
        pass
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".lock"] == []
