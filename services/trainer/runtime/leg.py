"""TRAIN: one leg of a run. Launches its processes, follows them, and keeps in the database and the store what they make.

Every write is fenced by the work item's lease, so a worker that was given up by mistake can change nothing. Whatever dies, the
next attempt goes on from the last checkpoint whose manifest is in the store.
"""

import shutil
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from dubbing import clock, ids
from dubbing.db.engine import Database
from dubbing.db.training_models import TrainingRun
from dubbing.db.unit_of_work import UnitOfWork, unit_of_work
from dubbing.domain.training import Checkpoint, LegEnd, RunState
from dubbing.domain.work import LeasedItem, TrainResult, TrainTask
from dubbing.errors import (
    CheckpointMismatch,
    ChecksumMismatch,
    DublineError,
    ObjectMissing,
    StoreUnavailable,
    TrainingInterrupted,
    UnfitStart,
)
from dubbing.queue.context import Context
from dubbing.settings import TrainerSettings
from dubbing.storage.store import ObjectStore
from dubbing.workflow.training_starts import made_by_starts
from services.trainer.common.event_files import EVENT_FILES
from services.trainer.common.folder_store import drop_folder, get_folder, put_folder
from services.trainer.runtime.outbox import Order, Outbox
from services.trainer.runtime.processes import Processes

_BEAT = 1.0

log = structlog.get_logger()


class Trainer:
    """Handler of ``train`` items; ``models`` is the served repository, whose encoders make latents and features."""

    def __init__(self, database: Database, store: ObjectStore, settings: TrainerSettings, models: Path) -> None:
        self.database, self.store, self.settings, self.models = database, store, settings, models

    def __call__(self, task: TrainTask, context: Context) -> TrainResult:
        """Run one leg to its end.

        Raises:
            TrainingInterrupted: a process died; the next attempt goes on from the last checkpoint.
            DublineError: what the processes gave up for.
        """
        folder = self.settings.scratch / "runs" / f"{task.run_id}-{context.item.id}-{context.item.attempt}"
        shutil.rmtree(folder, ignore_errors=True)
        leg = _Leg(self, context.item, task.run_id, folder)
        try:
            return leg.run()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class _Leg:
    def __init__(self, trainer: Trainer, item: LeasedItem, run_id: str, folder: Path) -> None:
        self._database, self._store, self._settings = trainer.database, trainer.store, trainer.settings
        self._models = trainer.models
        self._item, self._run_id, self._folder = item, run_id, folder
        self._outbox = Outbox(folder)
        self._attempt = f"{item.id.removeprefix('wrk_')}-{item.attempt}"
        self._end: TrainResult | None = None
        self._died: dict[str, int] = {}

    def run(self) -> TrainResult:
        run = self._transact(lambda _, run: run)
        if run.state == RunState.STOPPING:
            return TrainResult(end=LegEnd.STOPPED, step=run.step)
        (self._folder / "checkpoints").mkdir(parents=True)
        cache = self._settings.scratch / "cache"
        cache.mkdir(exist_ok=True)
        self._outbox.give_order(
            Order(
                run_id=run.id, recipe=run.recipe, settings=run.settings, cache=cache, models=self._models,
                init_from=self._init_from(), places=self._settings.places, checkpoint=self._fetch(run), facts=run.facts,
                event_files=self._settings.scratch / EVENT_FILES / run.id,
                checkpoint_every=self._settings.checkpoint, sample_every=self._settings.sample,
                metrics_every=self._settings.metrics,
            )
        )  # fmt: skip
        with Processes(self._folder, run.processes, self._settings.threads) as processes:
            log.info("training_launched", run_id=run.id, processes=run.processes, pid=processes.pid)
            self._follow(processes)
            return self._outcome(processes)

    def _fetch(self, run: TrainingRun) -> Path | None:
        """The newest checkpoint that is whole; a run never starts over in silence."""
        known = [Checkpoint.model_validate(one) for one in run.checkpoints]
        for one in known:
            folder = self._folder / f"resume-{one.step:09d}"
            try:
                get_folder(self._store, one.manifest_key, folder)
            except (ObjectMissing, ChecksumMismatch) as error:
                log.warning("checkpoint_damaged", run_id=run.id, step=one.step, reason=error.detail)
                self._tell("run.warning", {"code": error.code, "detail": error.detail, "step": one.step})
            else:
                return folder
        if known:
            raise CheckpointMismatch(
                f"None of the run's checkpoints (steps {', '.join(str(one.step) for one in known)}) can be read.",
                where={"stage": "training", "run": run.id},
                suggestions=("start a new run",),
            )
        return None

    def _init_from(self) -> dict[str, Path]:
        """What the runs made that this one starts from, by setting."""
        keys = self._transact(lambda work, run: made_by_starts(work.runs, run))
        folders = {name: self._folder / f"start-{name}" for name in keys}
        for name, key in keys.items():
            try:
                get_folder(self._store, key, folders[name])
            except (ObjectMissing, ChecksumMismatch) as error:
                raise UnfitStart(
                    f"What the run made that {name} names cannot be read any more: {error.detail}",
                    where={"pointer": f"/settings/{name}", "object": key},
                    suggestions=("train it again, and name the new run",),
                ) from error
        return folders

    def _follow(self, processes: Processes) -> None:
        """Until they end: take in what they tell, show life, pass on the wish to stop."""
        events, handlers = self._outbox.events(), self._handlers()
        time_up, beaten, give_up_at = clock.monotonic() + self._settings.leg, 0.0, float("inf")
        while True:
            ended = processes.ended() is not None
            event = next(events)
            if event is not None:
                del event["at"]  # rows have times of their own
                handlers[event.pop("kind")](event)
            elif ended:
                return
            # Also between events: processes that tell faster than they are listened to must not outrun the wish to stop.
            now = clock.monotonic()
            if now - beaten > _BEAT and give_up_at == float("inf"):
                beaten, why = now, self._why_stop(late=now > time_up)
                if why is not None:
                    self._outbox.ask_to_stop(why)
                    give_up_at = now + self._settings.grace
            if now > give_up_at and not ended:
                raise TrainingInterrupted(
                    f"The processes did not end within {self._settings.grace:.0f} s of the request to stop.",
                    where={"stage": "training"},
                )
            if event is None:
                time.sleep(self._settings.poll)

    def _why_stop(self, *, late: bool) -> LegEnd | None:
        run = self._transact(lambda _, run: run)
        if run.state == RunState.STOPPING:
            return LegEnd.STOPPED
        return LegEnd.TIME_UP if late else None

    def _outcome(self, processes: Processes) -> TrainResult:
        if self._end is not None and processes.ended() == 0:
            return self._end
        error, killed = self._outbox.error(), any(_was_killed(code) for code in self._died.values())
        # When one process is killed, the others' collectives fail: that is no reason of its own.
        if error is not None and not (killed and type(error) is DublineError):
            raise error
        log.warning("training_died", run_id=self._run_id, ranks=self._died, last_words=processes.last_words())
        raise TrainingInterrupted(
            f"{_how(self._died, processes.ended())}; the run goes on from its last checkpoint.",
            where={"stage": "training", "ranks": self._died},
            suggestions=("see the trainer's log for the processes' last words",),
        )

    def _handlers(self) -> Mapping[str, Callable[[dict[str, Any]], None]]:
        return {
            "preparing": lambda event: self._tell("run.preparing", event),
            "began": self._began,
            "metrics": self._metrics,
            "checkpoint": self._checkpoint,
            "sample": self._sample,
            "candidate": self._candidate,
            "warning": lambda event: self._tell("run.warning", event),
            "died": lambda event: self._died.update(event["ranks"]),
            "end": self._ended,
        }

    def _began(self, event: dict[str, Any]) -> None:
        def note(work: UnitOfWork, run: TrainingRun) -> None:
            run.steps, run.step, run.facts = event["steps"], event["step"], {**run.facts, **event["facts"]}
            work.runs.event(run.id, "run.began", {"step": event["step"], "attempt": self._item.attempt})

        self._transact(note)

    def _metrics(self, event: dict[str, Any]) -> None:
        self._tell("run.metrics", event, metrics=event, step=event["step"])

    def _checkpoint(self, event: dict[str, Any]) -> None:
        step, folder = event["step"], Path(event["folder"])
        prefix = ids.checkpoint_prefix(self._run_id, step, self._attempt)
        try:
            key = put_folder(self._store, folder, prefix, {"run": self._run_id, "step": step})
        except StoreUnavailable as error:
            # The one before stays good. The processes wait for nobody, and the next one may find the store again.
            self._tell("run.warning", {"code": error.code, "detail": error.detail, "step": step})
            return
        finally:
            shutil.rmtree(folder, ignore_errors=True)

        def note(work: UnitOfWork, run: TrainingRun) -> list[Checkpoint]:
            gone = work.runs.keep_checkpoint(run, Checkpoint(step=step, manifest_key=key))
            work.runs.event(run.id, "run.checkpoint", {"step": step})
            return gone

        for old in self._transact(note):
            with suppress(StoreUnavailable):
                drop_folder(self._store, old.manifest_key)

    def _sample(self, event: dict[str, Any]) -> None:
        key = ids.sample_key(self._run_id, event["step"])
        try:
            self._store.put_bytes(key, Path(event["path"]).read_bytes(), "image/png")
        except StoreUnavailable as error:
            self._tell("run.warning", {"code": error.code, "detail": error.detail, "step": event["step"]})
        else:
            self._tell("run.sample", {"step": event["step"]}, sample_key=key)

    def _candidate(self, event: dict[str, Any]) -> None:
        prefix = ids.candidate_prefix(self._run_id, self._attempt)
        key = put_folder(self._store, Path(event["folder"]), prefix, {"run": self._run_id})

        def note(_: UnitOfWork, run: TrainingRun) -> None:
            run.candidate_key = key

        self._transact(note)

    def _ended(self, event: dict[str, Any]) -> None:
        self._end = TrainResult(end=LegEnd(event["end"]), step=event["step"])

    def _tell(self, kind: str, data: Mapping[str, Any], **changed: Any) -> None:
        """Change the run, and tell its readers of it."""

        def tell(work: UnitOfWork, run: TrainingRun) -> None:
            for name, value in changed.items():
                setattr(run, name, value)
            work.runs.event(run.id, kind, data)

        self._transact(tell)

    def _transact(self, do: Callable[[UnitOfWork, TrainingRun], Any]) -> Any:
        """Change the run under its lock, if the lease is still ours; a sign of life too.

        Raises:
            LeaseLost: it is not.
        """
        with unit_of_work(self._database.sessions(), _no_rings) as work:
            run = work.runs.lock(self._run_id)
            work.items.progress(self._item, run.step, max(run.steps, 1))
            work.runs.started(run)
            return do(work, run)


def _no_rings(_: object) -> None:
    """Signs of life earn no rings."""


def _was_killed(code: int) -> bool:
    """By a signal that is not the one with which torchrun ends the rest."""
    return code < 0 and code != -signal.SIGTERM


def _how(died: Mapping[str, int], status: int | None) -> str:
    """Who died, and of what."""
    if not died:
        return f"The processes ended with status {status}"
    rank, code = min(died.items(), key=lambda one: (not _was_killed(one[1]), one[0]))
    if code < 0:
        with suppress(ValueError):
            return f"Process {rank} was killed by {signal.Signals(-code).name}"
    return f"Process {rank} ended with status {code}"
