"""Files of the object store on this machine's disk, kept by content for the next step that reads them.

A source is read by several steps and, on a worker with many jobs, by several jobs. Each worker machine keeps what it fetched
in one folder, shared by its processes: a reader holds a lock on its file, and what nobody holds is dropped, least recently
used first, when the folder grows beyond its limit.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import structlog

from dubbing.errors import ChecksumMismatch
from dubbing.storage.scratch import scratch_folder
from dubbing.storage.store import ObjectStore, StoredObject

log = structlog.get_logger()


class SourceCache:
    """Local copies of objects whose content is known by SHA-256.

    Args:
        store: where the objects lie.
        folder: where the copies go; made if absent.
        limit: bytes that the folder may hold before unused copies are dropped.
    """

    def __init__(self, store: ObjectStore, folder: Path, limit: int) -> None:
        self._store = store
        self._folder = folder
        self._limit = limit

    @contextmanager
    def open(self, key: str, sha256: str) -> Iterator[Path]:
        """A local path with the object's bytes, valid inside the block.

        Raises:
            ChecksumMismatch: the object under ``key`` has other bytes than ``sha256`` names.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / sha256
        while True:
            with (self._folder / f"{sha256}.lock").open("ab") as lock:
                self._fetch(key, sha256, path, lock)
                fcntl.flock(lock, fcntl.LOCK_SH)
                if not path.exists():  # dropped between the two locks
                    continue
                os.utime(path)
                yield path
                return

    @contextmanager
    def admit(self, key: str) -> Iterator[tuple[Path, StoredObject]]:
        """Fetch an object whose content is not known yet, and keep it under the digest that it turns out to have."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._make_room(self._store.size(key) or 0)
        with scratch_folder(self._folder) as folder:
            path = folder / "source"
            stored = self._store.get_file(key, path)
            yield path, stored
            path.replace(self._folder / stored.sha256)

    def bring(self, key: str, fetch: Callable[[Path], None]) -> bool:
        """Put what ``fetch`` writes into the store, unless the object is there already; whether it was put."""
        if self._store.size(key) is not None:
            return False
        with scratch_folder(self._folder) as folder:
            fetch(folder / "source")
            self._store.put_file(key, folder / "source")
        return True

    def _fetch(self, key: str, sha256: str, path: Path, lock: BinaryIO) -> None:
        if path.exists():
            return
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        self._make_room(self._store.size(key) or 0)
        with scratch_folder(self._folder) as folder:
            stored = self._store.get_file(key, folder / "source")
            if stored.sha256 != sha256:
                raise ChecksumMismatch(
                    f"The object {key} has changed since it was verified.",
                    where={"object": key},
                    suggestions=("upload the file again",),
                    media={"expected_sha256": sha256, "sha256": stored.sha256},
                )
            (folder / "source").replace(path)

    def _make_room(self, wanted: int) -> None:
        copies = sorted(self._copies(), key=lambda copy: copy[1].st_mtime)
        held = sum(facts.st_size for _, facts in copies)
        for file, facts in copies:
            if held + wanted <= self._limit:
                return
            if self._drop(file):
                held -= facts.st_size

    def _copies(self) -> Iterator[tuple[Path, os.stat_result]]:
        """What lies here now; another process may drop a file while this one looks."""
        for file in self._folder.iterdir():
            if not file.name.startswith(".") and file.suffix != ".lock":
                with suppress(FileNotFoundError):
                    yield file, file.stat()

    def _drop(self, file: Path) -> bool:
        with (self._folder / f"{file.name}.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            file.unlink(missing_ok=True)
        log.info("source_dropped", sha256=file.name)
        return True
