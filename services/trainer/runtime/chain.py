"""A recipe with all that it starts from on one machine, without database, queue and object store: for a GPU that is rented.

Every run has a folder of its own, ``OUT/RECIPE``, which is one attempt's outbox: order, events, contact sheets, candidate.
``dubline train adopt`` brings them home. Called again, finished runs are kept and an unfinished one goes on from its last
checkpoint; a run of other settings, or of a recipe that has changed since, is made anew.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dubbing import clock, ids
from dubbing.domain.training import LegEnd, check_chain, in_order, recipe_sha256
from dubbing.errors import DublineError, TrainingInterrupted
from dubbing.settings import EngineSettings
from services.trainer.common.console import say
from services.trainer.common.event_files import EVENT_FILES
from services.trainer.common.settings import flat
from services.trainer.recipes import RECIPES
from services.trainer.recipes.offers import offered
from services.trainer.runtime.outbox import Order, Outbox
from services.trainer.runtime.processes import Processes

Tell = Callable[[str, dict[str, Any]], None]
_POLL, _SELDOM = 0.2, 5.0  # seconds between two looks, and between two lines of how far preparing is


class FinishedRun(NamedTuple):
    """A finished run: its id, and the folder of what it made."""

    run_id: str
    candidate: Path


class ChainRunner:
    """Runs, one after the other, each in a folder of ``out``; a setting goes to every recipe that has it."""

    def __init__(self, out: Path, models: Path, settings: Mapping[str, Any], processes: int, tell: Tell) -> None:
        self._out, self._models, self._processes, self._tell = out.resolve(), models.resolve(), processes, tell
        self._settings = dict(settings)
        self._finished_runs: dict[str, FinishedRun] = {}

    def make(self, last: str) -> FinishedRun:
        """The run of ``last``, after those of everything that it starts from.

        Raises:
            UnknownRecipe: there is no such recipe.
            InvalidSetting: no recipe of the chain has a setting of that name.
            DublineError: what a run gave up for.
        """
        offered(last)
        names = in_order(last, {name: tuple(one.init_from.values()) for name, one in RECIPES.items()})
        check_chain(self._settings, {name: flat(offered(name)) for name in names})
        for name in names:
            self._finished_runs[name] = self._finished(name)
        return self._finished_runs[last]

    def _finished(self, name: str) -> FinishedRun:
        folder, resume_dir, order = self._out / name, self._out / f".{name}", self._order(name)
        before, earlier = _Attempt.read(folder), []
        if before is not None and before.is_of(order):
            if before.finished:
                self._tell(name, {"kind": "found", "run": before.order.run_id})
                return FinishedRun(before.order.run_id, folder / "candidate")
            order = order.model_copy(update={"run_id": before.order.run_id, **before.resumed(resume_dir)})
            earlier = before.events if order.checkpoint is not None else []
        else:
            for anothers in (resume_dir, self._out / EVENT_FILES / name):
                shutil.rmtree(anothers, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "checkpoints").mkdir(parents=True)
        outbox = Outbox(folder)
        outbox.give_order(order)
        for event in earlier:
            outbox.tell(event["kind"], event)
        with Processes(folder, self._processes, threads=0) as processes:
            self._follow(name, outbox, processes, len(earlier))
            last_words = processes.last_words()
        attempt = _Attempt.read(folder)
        if attempt is None or not attempt.finished:
            raise outbox.error() or TrainingInterrupted(
                f"The processes of {name} ended before their work was done: {last_words[-400:]}",
                where={"stage": "training", "recipe": name},
                suggestions=("call the same command again: it goes on from the last checkpoint",),
            )
        for superfluous in (folder / "checkpoints", resume_dir):
            shutil.rmtree(superfluous, ignore_errors=True)
        return FinishedRun(order.run_id, folder / "candidate")

    def _order(self, name: str) -> Order:
        offer = offered(name)
        settings = {key: value for key, value in self._settings.items() if key in flat(offer)}
        init_from = {setting: self._finished_runs[recipe] for setting, recipe in offer.init_from.items()}
        (cache := self._out / "cache").mkdir(parents=True, exist_ok=True)
        return Order(
            run_id=ids.new_id("run"), recipe=name, settings={**settings, **{key: one.run_id for key, one in init_from.items()}},
            cache=cache, models=self._models, init_from={key: one.candidate for key, one in init_from.items()},
            event_files=self._out / EVENT_FILES / name, metrics_every=0.0,
        )  # fmt: skip

    def _follow(self, name: str, outbox: Outbox, processes: Processes, recorded: int) -> None:
        events = outbox.events()
        for _ in range(recorded):
            next(events)
        while True:
            ended = processes.ended() is not None
            event = next(events)
            if event is not None:
                if event["kind"] == "checkpoint":
                    _keep_newest(outbox.folder / "checkpoints")
                self._tell(name, event)
            elif ended:
                return
            else:
                time.sleep(_POLL)


class _Attempt:
    """What an earlier call left in a run's folder."""

    def __init__(self, folder: Path, order: Order, events: list[dict[str, Any]]) -> None:
        self._folder, self.order, self.events = folder, order, events

    @classmethod
    def read(cls, folder: Path) -> "_Attempt | None":
        if not (folder / "order.json").exists():
            return None
        outbox = Outbox(folder)
        return cls(folder, outbox.order(), outbox.recorded())

    @property
    def finished(self) -> bool:
        return any(event["kind"] == "end" and event["end"] == LegEnd.FINISHED for event in self.events)

    def is_of(self, order: Order) -> bool:
        """Whether it followed the same order, by a recipe whose defaults have not changed since."""
        facts = self._facts()
        now = recipe_sha256(flat(offered(order.recipe)), order.settings)
        same = (self.order.recipe, self.order.settings) == (order.recipe, order.settings)
        return same and facts.get("recipe_sha256", now) == now

    def resumed(self, resume_dir: Path) -> dict[str, Any]:
        """What the next attempt is told: the run's newest checkpoint, which is moved to ``resume_dir``, and its facts."""
        if newest := _checkpoints(self._folder / "checkpoints")[-1:]:
            shutil.rmtree(resume_dir, ignore_errors=True)
            newest[0].replace(resume_dir)
        # An attempt that wrote none leaves the one that it went on from.
        return {"checkpoint": resume_dir, "facts": self._facts()} if resume_dir.exists() else {}

    def _facts(self) -> dict[str, Any]:
        began = [event["facts"] for event in self.events if event["kind"] == "began"]
        return dict(began[-1]) if began else {}


def _checkpoints(folder: Path) -> list[Path]:
    """Complete ones, oldest first."""
    return sorted(path for path in folder.glob("step-*") if path.suffix != ".partial")


def _keep_newest(folder: Path) -> None:
    for old in _checkpoints(folder)[:-1]:
        shutil.rmtree(old, ignore_errors=True)


def said(began: float, seldom: float) -> Tell:
    """Says events with the minutes since ``began`` (`clock.monotonic`), how far preparing is once in ``seldom`` seconds."""
    shown = began - seldom

    def tell(name: str, event: dict[str, Any]) -> None:
        nonlocal shown
        now, kind = clock.monotonic(), event["kind"]
        often = kind == "preparing"
        if often and now - shown < seldom and event.get("done", 0) != event.get("of"):
            return
        shown = now if often else shown
        say(f"[{(now - began) / 60:5.1f} min] {name:16} {_line(kind, event)}")

    return tell


def _line(kind: str, event: Mapping[str, Any]) -> str:
    if kind == "preparing":
        return f"{event['what']}  {event['done']} of {event['of']}"
    if kind == "metrics":
        parts = "  ".join(f"{name} {value:.5f}" for name, value in event["parts"].items() if value is not None)
        rate = f"{event['samples_per_second']:.1f} samples/s  {event['eta_seconds']:.0f} s left"
        return f"step {event['step']}  {parts}  {rate}"
    rest = {name: value for name, value in event.items() if name in ("step", "steps", "end", "run", "code", "detail")}
    return f"{kind}  {'  '.join(f'{name} {value}' for name, value in rest.items())}"


def main() -> int:
    """Entry point; exit code 2 when something is wrong, said in words."""
    parser = argparse.ArgumentParser(prog="python -m services.trainer.runtime.chain", description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("out", type=Path)
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON object")
    parser.add_argument("--processes", type=int, default=1, help="one for each GPU")
    parser.add_argument("--models", type=Path, default=EngineSettings().model_repo)
    options = parser.parse_args()
    began = clock.monotonic()
    tell = said(began, _SELDOM)
    try:
        last = ChainRunner(options.out, options.models, options.settings, options.processes, tell).make(options.recipe)
    except DublineError as error:
        say(f"Error {error}", *(f"  - {advice}" for advice in error.suggestions))
        return 2
    except KeyboardInterrupt:
        return 130
    say(f"[{(clock.monotonic() - began) / 60:5.1f} min] {options.recipe} succeeded: {last.run_id}, {last.candidate.parent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
