"""What lies in the folder of a run that was made on a machine without the platform: its row to be, and what it told.

The folder is that of the run's only attempt (`Outbox`). Paths in it are the other machine's, so only their last parts count.
Events say ``at`` (ISO time), and may say ``machine`` (where the run was made) and ``processes``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from dubbing import clock, ids
from dubbing.db.training_models import TrainingRun
from dubbing.domain.training import LegEnd, RunState
from dubbing.errors import CheckpointMismatch
from services.trainer.runtime.outbox import Order, Outbox

UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)  # what files that were cut or changed raise
COPY_AGAIN = ("copy the folder again from the machine that made it",)
_RUN_ID = re.compile(r"run_[0-9a-z]{26}")
_REPORTED = ("preparing", "began", "metrics", "sample", "warning")


@dataclass(slots=True)
class AdoptedRun:
    """One run as it lies in its folder: its row to be, its newest contact sheet, and its events as the platform keeps them.

    Finished means that it took its last step and left what it made.
    """

    folder: Path
    run: TrainingRun
    finished: bool = False
    sample: Path | None = None
    events: list[tuple[datetime, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def candidate(self) -> Path:
        """What the run made."""
        return self.folder / "candidate"


def read(folder: Path, organisation_id: str) -> AdoptedRun:
    """What order and events say; raises `CheckpointMismatch` where they cannot be read."""
    outbox = Outbox(folder)
    try:
        return _folded(folder, organisation_id, outbox.order(), outbox.recorded())
    except UNREADABLE as error:
        raise CheckpointMismatch(
            f"The run in {folder} cannot be read: {type(error).__name__}: {error}",
            where={"folder": str(folder)},
            suggestions=COPY_AGAIN,
        ) from error


def _folded(folder: Path, organisation_id: str, order: Order, events: Sequence[dict[str, Any]]) -> AdoptedRun:
    if not _RUN_ID.fullmatch(order.run_id):
        raise ValueError(f"{order.run_id!r} is no id of a run")
    now = clock.now()
    run = TrainingRun(
        id=order.run_id, organisation_id=organisation_id, recipe=order.recipe, settings=order.settings, processes=1,
        state=RunState.SUCCEEDED, step=0, steps=0, leg=0, checkpoints=[], facts={**order.facts, "adopted": True},
    )  # fmt: skip
    adopted, at, attempt = AdoptedRun(folder, run), None, 0
    for event in events:
        kind, at = event.pop("kind"), _time(event.pop("at", None)) or at
        run.created_at = run.started_at = run.started_at or at or now
        _note_machine(run, event)
        attempt += kind == "began"
        data = _note(adopted, kind, event, attempt)
        if kind in _REPORTED:
            adopted.events.append((at or now, f"run.{kind}", data))
    run.finished_at = run.heartbeat_at = at or now
    return adopted


def _note(adopted: AdoptedRun, kind: str, event: dict[str, Any], attempt: int) -> dict[str, Any]:
    """Change the run by an event, as the worker does that follows one; returns what its readers are told."""
    run = adopted.run
    if kind == "began":
        adopted.finished, run.steps, run.step = False, event["steps"], event["step"]
        run.facts = {**run.facts, **event["facts"]}
        return {"step": event["step"], "attempt": attempt}
    if kind == "metrics":
        run.metrics, run.step = event, event["step"]
    elif kind == "sample":
        path = adopted.folder / PurePosixPath(event["path"]).name  # the rest of it is the other machine's
        if path.is_file():
            adopted.sample, run.sample_key = path, ids.sample_key(run.id, event["step"])
        return {"step": event["step"]}
    elif kind == "end":
        adopted.finished, run.step = event["end"] == LegEnd.FINISHED, event["step"]
    return event


def _note_machine(run: TrainingRun, event: dict[str, Any]) -> None:
    run.processes = int(event.pop("processes", run.processes))
    if machine := event.pop("machine", None):
        run.facts = {**run.facts, "made_on": machine}


def _time(text: str | None) -> datetime | None:
    """A time without a zone is in UTC."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
