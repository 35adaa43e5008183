"""A method as what a run drives: one step at a time, its whole state given and taken.

Two stages with the same state take the same steps, bit for bit, on the same machine.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from dubbing.errors import BadDataset, CheckpointMismatch, TrainingDiverged
from services.trainer.common.update import DivergedError
from services.trainer.methods.samples import BadSampleError, Clips
from services.trainer.methods.training import Method, MethodState, restore, state_of

Draw = Callable[[Path], None]
Export = Callable[[Path, Mapping[str, Any]], bool]


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


class MethodStage:
    """One process's part of a run.

    Args:
        method: takes the steps.
        steps: of the whole run.
        batches: step number (from 1) -> this process's micro-batches; a pure function, so that a resumed run sees the same.
        samples: of one step, over all processes.
        facts: ``parameters``, ``data`` and what else a model version should say of its origin.
        draw: writes a contact sheet of what the weights make now.
        export: writes the models that the run makes.
        sharded: every process holds its own part of the state.
        within: surrounds every step, to choose its precision.
    """

    def __init__(
        self, method: Method, steps: int, batches: Callable[[int], Sequence[Clips]], *,
        samples: int, facts: Mapping[str, Any], draw: Draw, export: Export, sharded: bool = False,
        within: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:  # fmt: skip
        self._method, self._batches, self._samples = method, batches, samples
        self._facts, self._draw, self._export, self._sharded = dict(facts), draw, export, sharded
        self._within, self.step, self.steps = within, 0, steps

    @property
    def facts(self) -> dict[str, Any]:
        """``parameters`` (trained), ``data`` (its SHA-256) and what else a model version should say of its origin."""
        return self._facts

    def advance(self) -> StepReport:
        """Take one step.

        Raises:
            TrainingDiverged: too many steps in a row had no finite gradient; names the samples.
            BadDataset: a sample cannot be put into a batch; names it.
        """
        number = self.step + 1  # steps count from 1
        try:
            batches = self._batches(number)
            with self._within():
                figures = self._method.step(number, batches)
        except BadSampleError as error:
            raise BadDataset(str(error), where={"stage": "training", "step": number, "sample": error.name}) from error
        except DivergedError as error:
            raise TrainingDiverged(
                f"{error}.", where={"stage": "training", "step": number, "samples": list(error.samples)},
                suggestions=("look at these samples", "start a run with a lower learning rate"),
            ) from error  # fmt: skip
        self.step = number  # only now: a step that failed is taken again
        # The largest of all networks; NaN and infinity stand for a step that was not taken.
        norm = max(value for name, value in figures.items() if name.endswith("/gradient"))
        skipped = sum(one.counts()["skipped"] for one in self._method.updates.values())
        return StepReport(figures, norm if math.isfinite(norm) else None, self._samples, skipped)

    def state(self) -> State:
        """The state now; its tensors are the live ones, so save them before the next step."""
        now = state_of(self._method)
        values = {"step": self.step, "counts": {name: dict(counts) for name, counts in now.counts.items()}}
        # Whole networks are equal in all processes, and stored once.
        return State(own=now.tensors, values=values) if self._sharded else State(shared=now.tensors, values=values)

    def restore(self, state: State) -> None:
        """Go on from ``state``.

        Raises:
            CheckpointMismatch: it is another network's, or another recipe's.
        """
        try:
            restore(self._method, MethodState({**state.shared, **state.own}, state.values["counts"]))
        except (KeyError, ValueError) as error:
            raise CheckpointMismatch(
                f"The checkpoint does not fit: {error}.", where={"stage": "training"},
                suggestions=("resume with the recipe and settings that made the checkpoint",),
            ) from error  # fmt: skip
        self.step = int(state.values["step"])

    def sample(self, path: Path) -> None:
        """Write a contact sheet (PNG) of what the weights make now; no random generator of training is disturbed.

        All processes call it together, for the weights may be sharded; the first one writes.
        """
        self._draw(path)

    def export(self, repository: Path, source: Mapping[str, Any]) -> bool:
        """Write what the run makes: version 1 of every model, networks for other runs, each with ``source`` in its manifest.

        All processes call it together; True where something was written.
        """
        return self._export(repository, source)
