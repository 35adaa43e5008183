"""Objects in a dict, for handlers that only read and write small ones; and a context that nobody cancels."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dubbing.domain.jobs import Phase
from dubbing.domain.work import OpenSequence
from dubbing.errors import ObjectMissing
from dubbing.storage.store import StoredObject, sha256_of


class MemoryStore:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_bytes(self, key: str, data: bytes, content_type: str = "") -> StoredObject:
        del content_type
        self.objects[key] = data
        return StoredObject(key, len(data), "")

    def get_bytes(self, key: str) -> bytes:
        try:
            return self.objects[key]
        except KeyError as error:
            raise ObjectMissing(f"There is no {key}.") from error

    def put_file(self, key: str, path: Path) -> StoredObject:
        self.objects[key] = path.read_bytes()
        return StoredObject(key, len(self.objects[key]), sha256_of(path))

    def get_file(self, key: str, path: Path) -> StoredObject:
        path.write_bytes(self.get_bytes(key))
        return StoredObject(key, len(self.objects[key]), sha256_of(path))

    def size(self, key: str) -> int | None:
        return len(self.objects[key]) if key in self.objects else None

    def list_keys(self, prefix: str) -> Iterator[str]:
        return (key for key in self.objects if key.startswith(prefix))


class RecordingContext:
    """Keeps what it was told."""

    def __init__(self, attempt: int = 1) -> None:
        self.item: Any = type("Item", (), {"attempt": attempt, "sequence": None})()
        self.progressed: list[tuple[int, int]] = []
        self.opened: list[OpenSequence] = []
        self.phases: list[Phase] = []

    def raise_if_canceled(self) -> None:
        """Nobody cancels."""

    def opens(self, sequence: OpenSequence) -> None:
        self.opened.append(sequence)

    def phase(self, phase: Phase) -> None:
        self.phases.append(phase)

    def progress(self, done: int, total: int) -> None:
        self.progressed.append((done, total))
