"""One process of a run: ``torchrun --module services.trainer.runtime.rank FOLDER``.

All decisions (save, stop, show) are rank 0's and are agreed on at the step's end, so that every process takes the same steps.
"""

import math
import os
import signal
import sys
import traceback
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dubbing.imports import lasting

with lasting():
    from dubbing import clock
    from dubbing.domain.training import LegEnd, recipe_sha256
    from dubbing.errors import CheckpointMismatch, DiskFull, DublineError
    from dubbing.settings import S3Settings
    from services.trainer.common.event_files import EventFiles
    from services.trainer.common.group import Group
    from services.trainer.common.settings import flat
    from services.trainer.common.site import Site
    from services.trainer.footage.disk import disk_error
    from services.trainer.methods.stage import MethodStage, StepReport
    from services.trainer.models.publish import revision
    from services.trainer.recipes import offers
    from services.trainer.runtime import checkpoint
    from services.trainer.runtime.agent import die_with_parent
    from services.trainer.runtime.outbox import Order, Outbox


class Pace:
    """What is due by the clock."""

    def __init__(self, every: float) -> None:
        self._every, self._last = every, clock.monotonic()

    def due(self) -> bool:
        """True once in ``every`` seconds."""
        if clock.monotonic() - self._last < self._every:
            return False
        self._last = clock.monotonic()
        return True


class TimeLeft:
    """How long the rest of a run takes, by the pace of its last steps.

    Many are looked at, since steps differ (in Stage 2 every fifth trains two networks) and saving takes its time between them.
    """

    _STEPS = 50

    def __init__(self) -> None:
        self._ends = deque([clock.monotonic()], maxlen=self._STEPS + 1)
        self._first = True

    def after_step(self, left: int) -> float:
        """Seconds that ``left`` steps take; called once after every step."""
        self._ends.append(clock.monotonic())
        if len(self._ends) == 3 and self._first:
            self._ends.popleft()  # the first step of a process warms up, and says nothing of the others
            self._first = False
        return left * (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1)


class Rank:
    """Drives a stage to its end, or to where it is asked to stop."""

    def __init__(self, outbox: Outbox, order: Order, group: Group) -> None:
        self._outbox, self._order, self._group = outbox, order, group
        self._saves, self._shows = Pace(order.checkpoint_every), Pace(order.sample_every)
        self._speaks = Pace(order.metrics_every)
        self._since, self._samples, self._time_left = clock.monotonic(), 0, TimeLeft()
        self._events = EventFiles(None)

    def run(self) -> None:
        """The whole attempt."""
        order, group = self._order, self._group
        site = Site(order.cache, group, order.models, order.init_from, S3Settings(), order.places, self._prepare)
        stage = offers.open_stage(order.recipe, order.settings, site)
        if order.checkpoint is not None:
            stage.restore(checkpoint.load(order.checkpoint, group))
        facts = self._facts(stage)
        self._compare(facts)
        self._events = EventFiles(order.event_files if group.rank == 0 else None, stage.step)
        self._time_left = TimeLeft()
        self._tell("began", {"steps": stage.steps, "step": stage.step, "facts": facts, "processes": self._group.world})
        end = self._steps(stage)
        saved = self._save(stage)
        if end is LegEnd.FINISHED:
            self._show(stage)
            self._export(stage)
        self._tell("end", {"end": end, "step": stage.step, "saved": saved})

    def _steps(self, stage: MethodStage) -> LegEnd:
        while stage.step < stage.steps:
            self._report(stage, stage.advance())
            if self._agree(self._outbox.asked_to_stop() is not None):
                return self._outbox.asked_to_stop() or LegEnd.STOPPED
            if stage.step < stage.steps and self._agree(self._saves.due()):
                try:
                    self._save(stage)
                except DiskFull as error:  # the last checkpoint stays good, and the disk may be cleared by the next one
                    self._tell("warning", {"code": error.code, "detail": error.detail})
            if self._agree(self._shows.due()):
                self._show(stage)
        return LegEnd.FINISHED

    def _agree(self, request: bool) -> bool:
        """Rank 0's wish, known to all."""
        return self._group.any_of(flag=request and self._group.rank == 0)

    def _report(self, stage: MethodStage, report: StepReport) -> None:
        self._samples += report.samples
        left = self._time_left.after_step(stage.steps - stage.step)
        self._events.figures(stage.step, {**report.parts, "gradient_norm/largest": report.gradient})
        if not self._speaks.due() and stage.step < stage.steps:
            return
        seconds = max(clock.monotonic() - self._since, 1e-6)
        rate = self._samples / seconds
        self._since, self._samples = clock.monotonic(), 0
        parts = {name: _finite(value) for name, value in report.parts.items()}
        figures: dict[str, Any] = {"parts": parts, "gradient": _finite(report.gradient), "skipped": report.skipped}
        self._tell(
            "metrics", {"step": stage.step, **figures, "samples_per_second": round(rate, 3), "eta_seconds": round(left, 1)}
        )

    def _save(self, stage: MethodStage) -> str:
        folder = checkpoint.save(stage.state(), self._outbox.folder / "checkpoints", stage.step, self._group)
        self._tell("checkpoint", {"step": stage.step, "folder": str(folder)})
        return str(folder)

    def _show(self, stage: MethodStage) -> None:
        path = self._outbox.folder / f"sample-{stage.step:09d}.png"
        stage.sample(path)
        self._events.sheet(stage.step, path)
        self._tell("sample", {"step": stage.step, "path": str(path)})

    def _export(self, stage: MethodStage) -> None:
        folder = self._outbox.folder / "candidate"
        order = self._order
        source = {"run": order.run_id, "recipe": order.recipe, "settings": order.settings, **self._facts(stage)}
        if stage.export(folder, {**source, "step": stage.step}):
            self._tell("candidate", {"folder": str(folder)})

    def _facts(self, stage: MethodStage) -> dict[str, Any]:
        """What a model version says of its origin, with every git revision that took part, in order."""
        earlier, now = list(self._order.facts.get("revisions", ())), revision(Path(__file__).parents[3])
        defaults = flat(offers.offered(self._order.recipe))
        recipe = recipe_sha256(defaults, self._order.settings)
        return {**stage.facts, "recipe_sha256": recipe, "revisions": earlier if now in earlier else [*earlier, now]}

    def _compare(self, facts: Mapping[str, Any]) -> None:
        """A resumed run must be the same run: same recipe, data and number of parameters, same networks beside its own.

        Raises:
            CheckpointMismatch: it is not; for one that a version with other defaults began, too.
        """
        for name in ("recipe_sha256", "data", "parameters", "starts", "reward"):
            before, now = self._order.facts.get(name), facts.get(name)
            if before is not None and before != now:
                raise CheckpointMismatch(
                    f"The run began with {name} {before}, and now has {now}.",
                    where={"stage": "training", "fact": name},
                    suggestions=("start a new run, or let the revision that began this one finish it",),
                )

    def _prepare(self, what: str, done: int, of: int) -> None:
        if self._speaks.due() or done == of:
            self._tell("preparing", {"what": what, "done": done, "of": of})

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        if self._group.rank == 0:
            self._outbox.tell(kind, data)


def _finite(value: float | None) -> float | None:
    """JSON knows no other numbers."""
    return value if value is not None and math.isfinite(value) else None


def as_dubline_error(error: Exception, rank: int) -> DublineError:
    """What no part of the run has named: a full disk, wherever it was met, or an error of ours."""
    if isinstance(error, OSError) and isinstance(full := disk_error(error, error.filename or "the run"), DublineError):
        return full
    return DublineError(f"{type(error).__name__}: {error}", where={"stage": "training", "rank": rank})


def main() -> int:
    """Entry point of one process."""
    die_with_parent(os.getppid(), signal.SIGKILL)
    outbox = Outbox(Path(sys.argv[1]))
    rank = int(os.environ.get("RANK", "0"))
    try:
        order = outbox.order()
        world = int(os.environ.get("WORLD_SIZE", "1"))
        group = Group.join(outbox.folder / f"group-{os.getppid()}", offers.backend(order.recipe, order.settings, rank, world))
        Rank(outbox, order, group).run()
        group.leave()
    except DublineError as error:
        outbox.give_up(rank, error)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it is, the run's row must say it
        traceback.print_exc()
        outbox.give_up(rank, as_dubline_error(error, rank))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
