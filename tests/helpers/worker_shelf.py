"""Objects in a dict, for handlers that only read and write small ones; and a context that nobody cancels."""

from collections.abc import Iterator
from typing import Any

from dubbing.domain.work import OpenSequence
from dubbing.storage.store import StoredObject


class Shelf:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_bytes(self, key: str, data: bytes, content_type: str = "") -> StoredObject:
        del content_type
        self.objects[key] = data
        return StoredObject(key, len(data), "")

    def get_bytes(self, key: str) -> bytes:
        return self.objects[key]

    def list_keys(self, prefix: str) -> Iterator[str]:
        return (key for key in self.objects if key.startswith(prefix))


class Told:
    """Keeps what it was told."""

    def __init__(self, attempt: int = 1) -> None:
        self.item: Any = type("Item", (), {"attempt": attempt, "sequence": None})()
        self.progressed: list[tuple[int, int]] = []
        self.opened: list[OpenSequence] = []

    def raise_if_canceled(self) -> None:
        """Nobody cancels."""

    def opens(self, sequence: OpenSequence) -> None:
        self.opened.append(sequence)

    def progress(self, done: int, total: int) -> None:
        self.progressed.append((done, total))
