"""Training runs and their events. A run is cut into legs; each leg is one work item, claimed by lease like any other."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dubbing.db.items import WorkItems
from dubbing.db.models import WorkItem
from dubbing.db.pages import Before, paged
from dubbing.db.times import NOW, now
from dubbing.db.training_models import TrainingEvent, TrainingRecipe, TrainingRun
from dubbing.domain.training import LIVE_RUNS, Checkpoint, LegEnd, RecipeOffer, RunState, unknown_recipe
from dubbing.domain.work import Ring, TrainResult, TrainTask, WorkKind, WorkState
from dubbing.errors import Conflict, NotFound, TrainerUnavailable

KEPT_CHECKPOINTS = 2


class Runs:
    """Repository of recipes, runs and events. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def offer(self, offers: Sequence[RecipeOffer]) -> None:
        """Replace the recipes on offer."""
        self._session.execute(delete(TrainingRecipe).where(TrainingRecipe.name.not_in([offer.name for offer in offers])))
        for offer in offers:
            values = {"offer": offer.model_dump(mode="json"), "updated_at": NOW}
            fresh = insert(TrainingRecipe).values(name=offer.name, **values)
            self._session.execute(fresh.on_conflict_do_update(index_elements=[TrainingRecipe.name], set_=values))

    def offers(self) -> list[RecipeOffer]:
        """The recipes on offer, by name."""
        found = self._session.scalars(select(TrainingRecipe).order_by(TrainingRecipe.name))
        return [RecipeOffer.model_validate(row.offer) for row in found]

    def recipe(self, name: str) -> RecipeOffer:
        """One recipe.

        Raises:
            TrainerUnavailable: no trainer has registered its recipes.
            UnknownRecipe: it is not among them.
        """
        known = {offer.name: offer for offer in self.offers()}
        if not known:
            raise TrainerUnavailable(
                "No trainer has registered its recipes.",
                suggestions=("start the trainer: set DUBLINE_TRAINER_ENABLED=true and run `dubline up`",),
            )
        if name not in known:
            raise unknown_recipe(name, known)
        return known[name]

    def add(self, run: TrainingRun, max_attempts: int) -> Ring:
        """Insert a run with its first leg."""
        self._session.add(run)
        self._session.flush()
        self.event(run.id, "run.queued", {})
        return self._leg(run, max_attempts)

    def for_adoption(self, run_id: str) -> TrainingRun | None:
        """The run of that id, whosever it is; None where there is none, and then nobody else can adopt it until commit.

        Raises:
            Conflict: somebody else adopts it now.
        """
        lock = func.pg_try_advisory_xact_lock(func.hashtextextended(run_id, 0))
        if not self._session.scalar(select(lock)):
            raise Conflict(f"Run {run_id} is being adopted by another process.", suggestions=("wait until it is done",))
        return self._session.get(TrainingRun, run_id, populate_existing=True)

    def adopt(self, run: TrainingRun, events: Iterable[tuple[datetime, str, Mapping[str, Any]]]) -> None:
        """Insert a run that was made elsewhere and has ended, with its events and their times; it never has a leg."""
        self._session.add(run)
        self._session.flush()
        ended = (run.finished_at or now(self._session), f"run.{run.state}", {"step": run.step, "error": run.error})
        for at, kind, data in (*events, ended):
            self._session.add(TrainingEvent(run_id=run.id, type=kind, data=dict(data), created_at=at))
        self._session.flush()

    def get(self, run_id: str, organisation_id: str) -> TrainingRun:
        """The run, if it is the organisation's; raises `NotFound`."""
        run = self._session.scalar(
            select(TrainingRun).where(TrainingRun.id == run_id, TrainingRun.organisation_id == organisation_id)
        )
        if run is None:
            raise NotFound(f"There is no training run {run_id}.", where={"pointer": "/id"})
        return run

    def of(self, run_ids: Iterable[str], organisation_id: str) -> set[str]:
        """Which of these runs are the organisation's."""
        mine = select(TrainingRun.id).where(TrainingRun.organisation_id == organisation_id)
        return set(self._session.scalars(mine.where(TrainingRun.id.in_(list(run_ids)))))

    def lock(self, run_id: str) -> TrainingRun:
        """The run as it is now, its row locked until commit; every change to a run is made under this lock."""
        wanted = select(TrainingRun).where(TrainingRun.id == run_id).with_for_update(key_share=True)
        return self._session.scalars(wanted.execution_options(populate_existing=True)).one()

    def lock_of(self, item_id: str) -> None:
        """Lock the run whose leg an item is; before the item's own row, as everybody takes them in this order."""
        self._session.execute(select(TrainingRun.id).where(TrainingRun.work_item_id == item_id).with_for_update(key_share=True))

    def page(self, organisation_id: str, limit: int, before: Before = None) -> list[TrainingRun]:
        """Newest first."""
        wanted = select(TrainingRun).where(TrainingRun.organisation_id == organisation_id)
        return list(self._session.scalars(paged(wanted, TrainingRun, limit, before)))

    def events_after(self, run_id: str, last_id: int, limit: int = 500) -> list[TrainingEvent]:
        """Events of a run with an id above ``last_id``, in order."""
        wanted = select(TrainingEvent).where(TrainingEvent.run_id == run_id, TrainingEvent.id > last_id)
        return list(self._session.scalars(wanted.order_by(TrainingEvent.id).limit(limit)))

    def stop(self, run: TrainingRun) -> None:
        """Ask a locked run to stop; one that nobody works on stops at once.

        Raises:
            Conflict: it has ended otherwise.
        """
        if run.state in (RunState.STOPPING, RunState.STOPPED):
            return
        if run.state not in LIVE_RUNS:
            raise Conflict(f"Run {run.id} is {run.state}; only a run that has not ended can be stopped.")
        run.stop_requested_at = now(self._session)
        idle = self._session.execute(
            update(WorkItem)
            .where(WorkItem.id == run.work_item_id, WorkItem.state == WorkState.PENDING)
            .values(state=WorkState.CANCELED)
            .returning(WorkItem.id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if idle is None:
            self._enter(run, RunState.STOPPING)
        else:
            self._finish(run, RunState.STOPPED)

    def resume(self, run: TrainingRun, max_attempts: int) -> Ring:
        """Let a locked run that stopped or failed go on from its last checkpoint.

        Raises:
            Conflict: it is neither.
        """
        if run.state not in (RunState.STOPPED, RunState.FAILED):
            raise Conflict(f"Run {run.id} is {run.state}; only a run that was stopped or failed can be resumed.")
        run.finished_at = run.stop_requested_at = run.error = None
        self._enter(run, RunState.QUEUED)
        return self._leg(run, max_attempts)

    def started(self, run: TrainingRun) -> None:
        """A worker has the leg of a locked run."""
        time = now(self._session)
        run.heartbeat_at, run.started_at = time, run.started_at or time
        if run.state == RunState.QUEUED:
            self._enter(run, RunState.RUNNING)

    def settle(self, item_id: str, max_attempts: int) -> list[Ring]:
        """Carry the end of a leg over to its run; calling it again changes nothing. Returns the rings of a next leg."""
        wanted = select(TrainingRun.id).where(TrainingRun.work_item_id == item_id, TrainingRun.state.in_(LIVE_RUNS))
        run_id = self._session.scalar(wanted)
        if run_id is None:
            return []
        run = self.lock(run_id)
        item = self._session.get_one(WorkItem, item_id, populate_existing=True)
        if run.state not in LIVE_RUNS or run.work_item_id != item_id:
            return []
        if item.state == WorkState.FAILED:
            self._finish(run, RunState.FAILED, item.error)
        elif item.state == WorkState.PENDING and item.error is not None:
            self.event(run.id, "run.interrupted", {"code": item.error["code"], "detail": item.error["detail"]})
        elif item.state == WorkState.DONE:
            result = TrainResult.model_validate(item.result)
            if result.end is LegEnd.TIME_UP and run.state != RunState.STOPPING:
                return [self._leg(run, max_attempts)]
            self._finish(run, RunState.SUCCEEDED if result.end is LegEnd.FINISHED else RunState.STOPPED)
        return []

    def unsettled(self) -> list[str]:
        """Work items that ended while their run still counts on them."""
        ended = WorkItem.state.in_([WorkState.DONE, WorkState.FAILED])
        wanted = select(WorkItem.id).join(TrainingRun, TrainingRun.work_item_id == WorkItem.id)
        return list(self._session.scalars(wanted.where(ended, TrainingRun.state.in_(LIVE_RUNS))))

    def event(self, run_id: str, kind: str, data: Mapping[str, Any]) -> None:
        """Append an event. The caller holds the run's row, so ids of one run become visible in order."""
        self._session.add(TrainingEvent(run_id=run_id, type=kind, data=dict(data)))
        self._session.flush()

    @staticmethod
    def keep_checkpoint(run: TrainingRun, made: Checkpoint) -> list[Checkpoint]:
        """Note a checkpoint on a locked run; returns those that it makes superfluous."""
        known = [Checkpoint.model_validate(one) for one in run.checkpoints]
        rest = [one for one in known if one.manifest_key != made.manifest_key]
        kept = [made, *rest[: KEPT_CHECKPOINTS - 1]]
        run.checkpoints = [one.model_dump(mode="json") for one in kept]
        return [one for one in known if one not in kept]

    def _leg(self, run: TrainingRun, max_attempts: int) -> Ring:
        run.leg = (run.leg or 0) + 1
        task = TrainTask(run_id=run.id)
        run.work_item_id = WorkItems(self._session).add(
            WorkKind.TRAIN, f"train:{run.id}:{run.leg}", task, run.organisation_id, max_attempts
        )
        self._session.flush()
        return Ring(WorkKind.TRAIN, run.work_item_id)

    def _enter(self, run: TrainingRun, state: RunState) -> None:
        run.state = state
        self._session.flush()
        self.event(run.id, f"run.{state}", {})

    def _finish(self, run: TrainingRun, state: RunState, error: dict[str, Any] | None = None) -> None:
        run.finished_at, run.error = now(self._session), error
        run.state = state
        self._session.flush()
        self.event(run.id, f"run.{state}", {"step": run.step, "error": error})
