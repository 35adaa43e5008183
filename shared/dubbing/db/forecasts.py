"""What estimates are made of: how fast work was done, who is at work, which jobs wait in which turn, and what is known already.

These are facts of the whole installation: they are read across organisations, and nothing of them but times is shown to any.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Float, Integer, and_, case, cast, exists, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, array, distinct_on, insert
from sqlalchemy.orm import Session

from dubbing.db.items import ALL_WORK
from dubbing.db.models import Job, WorkItem, WorkPace
from dubbing.db.times import NOW, ago
from dubbing.domain.jobs import LIVE, JobState
from dubbing.domain.paces import KEPT, LENGTH, Measure, MeasuredPace, PaceKey, settled
from dubbing.domain.progress import KindCount
from dubbing.domain.work import QUEUE_OF, Queue, WorkKind, WorkState, kinds_of

_SERVED_AGO = 60.0
"""Seconds that work may wait, with nobody at any of its queue's, until nobody is taken to serve that queue."""


_LIVE_JOBS = text("SELECT * FROM live_jobs(:wanted, :most_of_each, :most)")
_PROGRESS = text("SELECT * FROM progress_of_running(:names)")
_TURN = (Job.deadline.asc().nulls_last(), Job.priority.desc(), Job.created_at)
"""The order in which an organisation's jobs are served, as `WorkItems.claim` has it and the index ``ix_jobs_turn``."""


class LiveJob(NamedTuple):
    """A job that has not ended, as others see what it will cost; sizes are 0 where no probe has found them yet.

    The API is told names instead of the id, the organisation and the footage of a job of others, the same for the same.
    """

    id: str
    organisation_id: str
    sharing: str | None
    deadline: datetime | None
    priority: int
    created_at: datetime
    running: bool
    phase: str
    preset: str | None
    has_sound: bool
    has_earlier: bool
    footage: str
    """The SHA-256 of its picture's file; the file's id where that was not read yet."""
    encoder: str | None
    bytes: int
    sound_bytes: int
    track: int
    frames: int
    width: int
    height: int
    place: int
    """Among the waiting jobs of its organisation, from 1; 0 where that was not asked for."""


class Forecasts:
    """Repository of what estimates follow from. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def learn(self, item_id: str, kind: WorkKind, measured: Iterable[Measure]) -> None:
        """Keep what a finished item tells, whether other jobs ran, and how many workers of its queue were busy, its own too."""
        busy = (
            select(func.count() + 1)
            .where(WorkItem.state == WorkState.LEASED, WorkItem.kind.in_(kinds_of(QUEUE_OF[kind])), WorkItem.id != item_id)
            .scalar_subquery()
        )
        running = select(func.count() > 1).select_from(Job).where(Job.state == JobState.RUNNING).scalar_subquery()
        for key, pace in measured:
            row = select(
                WorkItem.organisation_id,
                *(literal(value) for value in key),
                running,
                array([literal(pace, Float)]),
                array([cast(busy, Integer)]),
                NOW,
            ).where(WorkItem.id == item_id)
            names = ("organisation_id", "kind", "model", "size", "crowded", "paces", "workers", "updated_at")
            fresh = insert(WorkPace).from_select(names, row)
            newest = {
                name: func.trim_array(
                    fresh.excluded[name].op("||")(WorkPace.__table__.c[name]),
                    func.greatest(func.cardinality(WorkPace.__table__.c[name]) + 1 - KEPT, 0),
                    type_=ARRAY(kind_of),
                )
                for name, kind_of in (("paces", Float), ("workers", Integer))
            }
            index = [WorkPace.organisation_id, WorkPace.kind, WorkPace.model, WorkPace.size, WorkPace.crowded]
            self._session.execute(fresh.on_conflict_do_update(index_elements=index, set_={**newest, "updated_at": NOW}))

    def measured(self) -> tuple[dict[PaceKey, MeasuredPace], dict[Queue, int]]:
        """How fast each kind of work was done last, and how many workers each queue had at once at most."""
        key = (WorkPace.kind, WorkPace.model, WorkPace.size, WorkPace.crowded)
        rows = self._session.execute(
            select(*key, WorkPace.paces, WorkPace.workers).ext(distinct_on(*key)).order_by(*key, WorkPace.updated_at.desc())
        )
        paces: dict[PaceKey, MeasuredPace] = {}
        workers: dict[Queue, int] = {}
        for kind, model, size, crowded, measured, busy in rows:
            known = paces.get(PaceKey(kind, model, size), MeasuredPace())
            paces[PaceKey(kind, model, size)] = known._replace(**{"crowded" if crowded else "quiet": settled(measured)})
            if kind != LENGTH:
                queue = QUEUE_OF[WorkKind(kind)]
                workers[queue] = max(workers.get(queue, 0), *busy)
        return paces, workers

    def at_work(self) -> dict[Queue, int]:
        """How many workers hold something now, by queue."""
        rows = self._session.execute(
            select(ALL_WORK.kind, func.count()).where(ALL_WORK.state == WorkState.LEASED).group_by(ALL_WORK.kind)
        )
        found: dict[Queue, int] = {}
        for kind, count in rows:
            found[QUEUE_OF[WorkKind(kind)]] = found.get(QUEUE_OF[WorkKind(kind)], 0) + count
        return found

    def unserved(self, queues: Sequence[Queue]) -> set[Queue]:
        """Those of the queues that nobody serves: work waits there for a minute, and nobody is at any."""
        row = self._session.execute(select(*(_waits_unserved(queue) for queue in queues))).one()
        return {queue for queue, unserved in zip(queues, row, strict=True) if unserved}

    def live(self, wanted: Collection[str], most_of_each: int, most: int) -> list[LiveJob]:
        """The jobs that are served next, ``most_of_each`` organisation at most, and the wanted ones that have not ended."""
        rows = self._session.execute(_LIVE_JOBS, {"wanted": list(wanted), "most_of_each": most_of_each, "most": most})
        return [LiveJob(*row) for row in rows]

    def progress(self, names: Collection[str]) -> dict[str, dict[WorkKind, KindCount]]:
        """How far running jobs are, by the names that `live` gave them, and by kind; units, but no shots."""
        found: dict[str, dict[WorkKind, KindCount]] = {}
        for name, kind, *numbers in self._session.execute(_PROGRESS, {"names": list(names)}):
            counted = dict(zip(("items", "done", "leased", "units_done", "units_total", "held_seconds"), numbers, strict=True))
            found.setdefault(name, {})[WorkKind(kind)] = KindCount(**counted)
        return found

    def places(self, job_ids: Collection[str]) -> dict[str, int]:
        """The places of jobs that are far behind, among the live ones of their organisations; the API's caller has one."""
        ids = list(job_ids)
        theirs = select(Job.organisation_id).where(Job.id.in_(ids))
        place = func.row_number().over(partition_by=Job.organisation_id, order_by=_TURN).label("place")
        ranked = select(Job.id, place).where(Job.state.in_(LIVE), Job.organisation_id.in_(theirs)).subquery()
        rows = self._session.execute(select(ranked.c.id, ranked.c.place).where(ranked.c.id.in_(ids)))
        return {job_id: place for job_id, place in rows}  # noqa: C416 - a Row is no tuple to mypy

    def known(self, keys: Collection[str]) -> dict[str, KindCount]:
        """Items that exist, by key; a job need not have asked for them yet. The API sees those of whom it acts for."""
        held = case((WorkItem.state == WorkState.LEASED, func.extract("epoch", NOW - WorkItem.claimed_at)), else_=0.0)
        rows = self._session.execute(
            select(WorkItem.key, WorkItem.state, WorkItem.units_done, WorkItem.units_total, held).where(
                WorkItem.key.in_(list(keys)), WorkItem.state.not_in([WorkState.FAILED, WorkState.CANCELED])
            )
        )
        return {
            key: KindCount(items=1, done=state == WorkState.DONE, units_done=done, units_total=total, held_seconds=since or 0.0)
            for key, state, done, total, since in rows
        }


def _waits_unserved(queue: Queue) -> Any:
    kinds = ALL_WORK.kind.in_(kinds_of(queue))
    due = func.coalesce(ALL_WORK.not_before, ALL_WORK.created_at) < ago(_SERVED_AGO)
    waits = exists().where(ALL_WORK.state == WorkState.PENDING, kinds, due)
    recently = exists().where(WorkPace.kind.in_(kinds_of(queue)), WorkPace.updated_at > ago(_SERVED_AGO))
    return and_(waits, ~exists().where(ALL_WORK.state == WorkState.LEASED, kinds), ~recently)
