"""What the service drives: a stage that takes one step at a time, and gives and takes its whole state.

A stage is everything that must be known to go on exactly: weights, optimiser, averages, the state of every random generator,
and the number of steps. Two stages with the same state take the same steps, bit for bit, on the same machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor


@dataclass(frozen=True, slots=True)
class State:
    """A stage's state as one process sees it.

    Attributes:
        shared: tensors that are equal in all processes; stored once.
        own: tensors of this process: its shards, its random generators.
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


class Stage(Protocol):
    """One process's part of a run."""

    @property
    def step(self) -> int:
        """Steps taken."""

    @property
    def steps(self) -> int:
        """Steps of the whole run."""

    @property
    def facts(self) -> dict[str, Any]:
        """``parameters`` (trained), ``data`` (its SHA-256) and what else a model version should say of its origin."""

    def advance(self) -> StepReport:
        """Take one step.

        Raises:
            TrainingDiverged: too many steps in a row gave no finite loss; names the samples.
        """

    def state(self) -> State:
        """The state now; its tensors are the live ones, so save them before the next step."""

    def restore(self, state: State) -> None:
        """Go on from ``state``.

        Raises:
            CheckpointMismatch: it is another network's, or another run's.
        """

    def sample(self, path: Path) -> None:
        """Write a contact sheet (PNG) of what the weights make now, without disturbing any random generator.

        All processes call it together, for the weights may be sharded; the first one writes.
        """

    def export(self, repository: Path, source: Mapping[str, Any]) -> bool:
        """Write what the stage makes: version 1 of every model, networks for other runs, each with ``source`` in its manifest.

        All processes call it together; True where something was written.
        """
