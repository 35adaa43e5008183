"""The interface behind which objects live. Keys come from `dubbing.ids`."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol


class Part(NamedTuple):
    """One part of a multipart upload; numbers count from 1."""

    number: int
    etag: str
    size: int


class StoredObject(NamedTuple):
    """An object as it lies in the store."""

    key: str
    size: int
    sha256: str


class ObjectStore(Protocol):
    """Objects by key. Methods raise `StoreUnavailable` when the store does not answer and `ObjectMissing` for no such key."""

    def check(self) -> None:
        """Return when the bucket can be used."""

    def ensure_bucket(self) -> None:
        """Create the bucket if it is absent."""

    def put_file(self, key: str, path: Path) -> StoredObject:
        """Upload a file in parts, in bounded memory."""

    def put_bytes(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> StoredObject:
        """Upload a small object."""

    def get_file(self, key: str, path: Path) -> StoredObject:
        """Download to ``path`` and hash on the way; ``path`` appears only when complete."""

    def get_bytes(self, key: str) -> bytes:
        """A small object, whole."""

    def read(self, key: str) -> Iterator[bytes]:
        """The object in pieces."""

    def size(self, key: str) -> int | None:
        """Size in bytes; None when there is no such object."""

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Keys below a prefix."""

    def delete_prefix(self, prefix: str) -> int:
        """Delete everything below a prefix; returns how many objects."""

    def url(self, key: str, expires: int, *, filename: str | None = None, inline: bool = False) -> str:
        """A presigned GET; ``filename`` becomes the download's name."""

    def start_upload(self, key: str) -> str:
        """Begin a multipart upload; returns the store's id for it."""

    def part_url(self, key: str, upload_id: str, number: int, expires: int) -> str:
        """A presigned PUT for one part."""

    def list_parts(self, key: str, upload_id: str) -> list[Part]:
        """Parts that have arrived, by number; empty when there is no such upload."""

    def finish_upload(self, key: str, upload_id: str, parts: Sequence[tuple[int, str]]) -> None:
        """Assemble (number, etag) parts into the object. Raises `BadParts` when they do not fit what arrived."""

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Drop an unfinished upload; an unknown one is dropped already."""


def sha256_of_bytes(data: bytes) -> str:
    """Hex SHA-256 of a small object."""
    return hashlib.sha256(data).hexdigest()


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file, read in pieces: what `StoredObject` tells of it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
