"""How the processes of a run talk to the worker that launched them: files in one folder, nothing else.

``order.json`` says what to do, ``stop`` asks to end, ``events.jsonl`` tells what happened, ``error-<rank>.json`` why a process
gave up. A worker that dies leaves nothing that could be taken for another attempt's: every attempt has its own folder.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from dubbing import clock
from dubbing.domain.frozen import Frozen
from dubbing.domain.training import LegEnd
from dubbing.errors import CheckpointMismatch, DublineError, from_problem

_ORDER, _STOP, _EVENTS = "order.json", "stop", "events.jsonl"
_RENAMED = {"starts": "init_from"}  # fields of an order


class Order(Frozen):
    """What the processes of one attempt do.

    Attributes:
        run_id: of the run.
        recipe, settings: what to train.
        cache: folder of prepared data, shared by all runs of this machine.
        models: model repository whose encoders make latents and features.
        init_from: folders of what other runs made that this one starts from, by setting.
        places: folders that settings may name something in.
        checkpoint: folder to go on from, None at the start.
        facts: what earlier attempts said of data and network; this one must say the same.
        event_files: folder of the run's curves for TensorBoard, which all attempts share; None for none.
        checkpoint_every, sample_every, metrics_every: seconds.
    """

    run_id: str
    recipe: str
    settings: dict[str, Any]
    cache: Path
    models: Path
    init_from: dict[str, Path] = Field(default_factory=dict)
    places: tuple[Path, ...] = ()
    checkpoint: Path | None = None
    facts: dict[str, Any] = Field(default_factory=dict)
    event_files: Path | None = None
    checkpoint_every: float = 600.0
    sample_every: float = 1800.0
    metrics_every: float = 2.0


class Outbox:
    """One attempt's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def order(self) -> Order:
        """What to do.

        Raises:
            CheckpointMismatch: an earlier version wrote it, which called something else.
        """
        given = json.loads((self.folder / _ORDER).read_text())
        if before := next((name for name in given if name in _RENAMED), None):
            raise CheckpointMismatch(
                f"{_ORDER} of an earlier version says {before}, which is now called {_RENAMED[before]}.",
                where={"folder": str(self.folder), "field": before},
                suggestions=("let the revision that began the run finish it", "make the run anew"),
            )
        return Order.model_validate(given)

    def give_order(self, order: Order) -> None:
        """Write what to do; before the processes start."""
        (self.folder / _ORDER).write_text(order.model_dump_json())

    def ask_to_stop(self, why: LegEnd) -> None:
        """Ask the processes to save and end."""
        (self.folder / _STOP).write_text(why)

    def asked_to_stop(self) -> LegEnd | None:
        """Why they should, if they should."""
        path = self.folder / _STOP
        # Read while it is being written, the file may still be empty; the next step looks again.
        return LegEnd(text) if path.exists() and (text := path.read_text()) else None

    def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """Append one event, with its time."""
        with (self.folder / _EVENTS).open("a") as file:
            file.write(json.dumps({"at": clock.now().isoformat(), "kind": kind, **data}) + "\n")

    def events(self) -> Iterator[dict[str, Any] | None]:
        """Events as they come; None whenever there are no more for now."""
        path = self.folder / _EVENTS
        path.touch()
        with path.open() as file:
            rest = ""
            while True:
                rest += file.readline()
                if rest.endswith("\n"):
                    yield json.loads(rest)
                    rest = ""
                else:
                    yield None

    def recorded(self) -> list[dict[str, Any]]:
        """The events so far; a last one that was cut short is none."""
        return list(iter(self.events().__next__, None))

    def give_up(self, rank: int, error: DublineError) -> None:
        """Say why a process ends without having done its work."""
        (self.folder / f"error-{rank}.json").write_text(json.dumps(error.problem()))

    def error(self) -> DublineError | None:
        """Why the processes gave up: the most telling reason of them all."""
        found = [from_problem(json.loads(path.read_text())) for path in sorted(self.folder.glob("error-*.json"))]
        return next((error for error in found if type(error) is not DublineError), found[0] if found else None)
