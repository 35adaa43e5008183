"""Work that the trainer shares out to processes, done in the test's own: each of them would import torch anew."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest


def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the test ends. Of generated takes only those that are asked for are rendered, not a whole shard of twenty."""
    for place in ("data.takes", "encoders.run", "evaluation.speakers"):
        monkeypatch.setattr(f"services.trainer.{place}.in_processes", _in_order)
    monkeypatch.setattr("services.trainer.data.takes.SHARD", 2)


def _in_order(
    task: Callable[[int], Any], items: Sequence[int], processes: int | None = None, at_once: int = 20
) -> Iterator[list[Any]]:
    del processes
    for first in range(0, len(items), at_once):
        yield [task(item) for item in items[first : first + at_once]]
