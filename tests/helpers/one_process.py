"""Work that the trainer shares out to processes, done in the test's own: each of them would import torch anew."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch


@contextmanager
def in_this_process() -> Iterator[None]:
    """With one thread, as those processes have. Of generated takes only those that are asked for are rendered, not twenty."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with pytest.MonkeyPatch.context() as monkeypatch:
            for place in ("data.takes", "encoders.run", "evaluation.speakers"):
                monkeypatch.setattr(f"services.trainer.{place}.in_processes", _in_order)
            monkeypatch.setattr("services.trainer.data.takes.SHARD", 2)
            yield
    finally:
        torch.set_num_threads(threads)


def _in_order(
    task: Callable[[int], Any], items: Sequence[int], processes: int | None = None, at_once: int = 20
) -> Iterator[list[Any]]:
    del processes
    for first in range(0, len(items), at_once):
        yield [task(item) for item in items[first : first + at_once]]
