"""What a stage gives and takes: everything that must be known to go on exactly, and the report of a step.

Two stages with the same state take the same steps, bit for bit, on the same machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass(frozen=True, slots=True)
class State:
    """A stage's state as one process sees it.

    Attributes:
        shared: tensors that are equal in all processes; stored once.
        own: tensors of this process: its shards.
        values: counts and such, JSON values, equal in all processes.
    """

    shared: Mapping[str, Tensor] = field(default_factory=dict)
    own: Mapping[str, Tensor] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepReport:
    """One optimiser step.

    Attributes:
        parts: the loss's parts, and whatever else is watched (rewards, rates), by name.
        gradient: norm of the gradient before clipping; None for a step that was skipped.
        samples: that all processes together learned from.
        skipped: steps so far whose loss was no number.
    """

    parts: Mapping[str, float]
    gradient: float | None
    samples: int
    skipped: int
