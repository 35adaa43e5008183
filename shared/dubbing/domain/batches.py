"""Batches: where they and their items stand."""

from collections.abc import Mapping
from enum import StrEnum

from dubbing.domain.jobs import TERMINAL


class BatchState(StrEnum):
    """``submitting`` while items become jobs, ``running`` until the last of these has ended; or it was cancelled."""

    SUBMITTING = "submitting"
    RUNNING = "running"
    CANCELING = "canceling"
    COMPLETED = "completed"
    CANCELED = "canceled"


OPEN = (BatchState.SUBMITTING, BatchState.RUNNING, BatchState.CANCELING)


class ItemState(StrEnum):
    """``submitted`` items are told by their job."""

    WAITING = "waiting"
    SUBMITTED = "submitted"
    REFUSED = "refused"
    CANCELED = "canceled"


_ENDED = frozenset({ItemState.REFUSED.value, ItemState.CANCELED.value, *TERMINAL})


def percent(counts: Mapping[str, int]) -> float:
    """The share of items that have ended, one decimal; ``counts`` are by the state of the item or its job."""
    total = sum(counts.values())
    ended = sum(count for state, count in counts.items() if state in _ENDED)
    return round(100 * ended / total, 1) if total else 100.0
