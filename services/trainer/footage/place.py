"""Where a data set lies: a folder, or a prefix of an object store. Names are relative, with slashes.

Both kinds of place store files that appear whole or not at all, and raise `ObjectMissing` for no such name.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from dubbing.errors import BadInput, ObjectMissing
from dubbing.settings import S3Settings
from dubbing.storage.s3 import S3Store
from dubbing.storage.store import ObjectStore

from .disk import disk_error

Fill = Callable[[IO[bytes]], Any]


class FolderPlace:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_file(self, name: str, path: Path) -> None:
        """Store a file; raises `DiskFull` when there is no room."""
        with path.open("rb") as source:
            self._write(name, lambda target: shutil.copyfileobj(source, target, 1 << 20))

    def put_bytes(self, name: str, data: bytes) -> None:
        """Store a few bytes; raises `DiskFull` when there is no room."""
        self._write(name, lambda target: target.write(data))

    def get_bytes(self, name: str) -> bytes:
        """A small file, whole."""
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError as error:
            raise ObjectMissing(f"There is no {self._root / name}.", where={"object": name}) from error

    def get_file(self, name: str, path: Path) -> None:
        """Copy a file to ``path``."""
        try:
            shutil.copyfile(self._root / name, path)
        except FileNotFoundError as error:
            raise ObjectMissing(f"There is no {self._root / name}.", where={"object": name}) from error

    def names(self, prefix: str) -> Iterator[str]:
        """Names that begin with ``prefix`` (ends in a slash), ascending."""
        for path in sorted((self._root / prefix).glob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self._root).as_posix()

    def _write(self, name: str, fill: Fill) -> None:
        path = self._root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".partial-", delete=False) as target:
                try:
                    fill(target)
                    target.flush()
                    os.fsync(target.fileno())
                    Path(target.name).replace(path)
                finally:
                    Path(target.name).unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, str(path)) from error


class StorePlace:
    """A prefix of an object store: "", or ends in a slash."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store, self._prefix = store, prefix

    def put_file(self, name: str, path: Path) -> None:
        """Store a file."""
        self._store.put_file(self._prefix + name, path)

    def put_bytes(self, name: str, data: bytes) -> None:
        """Store a few bytes."""
        self._store.put_bytes(self._prefix + name, data)

    def get_bytes(self, name: str) -> bytes:
        """A small file, whole."""
        return self._store.get_bytes(self._prefix + name)

    def get_file(self, name: str, path: Path) -> None:
        """Copy a file to ``path``."""
        self._store.get_file(self._prefix + name, path)

    def names(self, prefix: str) -> Iterator[str]:
        """Names that begin with ``prefix``, ascending."""
        for key in sorted(self._store.list_keys(self._prefix + prefix)):
            yield key.removeprefix(self._prefix)


Place = FolderPlace | StorePlace


def place_at(address: str, settings: S3Settings, *, make: bool = False) -> Place:
    """The place that ``s3://bucket/prefix`` or a folder's path names; who only reads does not ``make`` a bucket.

    Raises:
        BadInput: the address has no bucket.
    """
    if not address.startswith("s3://"):
        return FolderPlace(Path(address))
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    if not bucket:
        raise BadInput(f"{address} names no bucket.", where={"option": "out"}, suggestions=("write s3://bucket/prefix",))
    store = S3Store(settings.model_copy(update={"bucket": bucket}))
    if make:
        store.ensure_bucket()
    return StorePlace(store, f"{prefix.strip('/')}/" if prefix.strip("/") else "")
