"""Jobs, their events, and the counts that progress is made of."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, case, column, delete, func, select, table, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dubbing.db.batch_models import BatchItem
from dubbing.db.models import Job, JobEvent, JobNeed, WorkItem
from dubbing.db.pages import Before, made_within, paged
from dubbing.db.times import NOW, ago, now
from dubbing.domain.jobs import LIVE, TERMINAL, JobState, Phase
from dubbing.domain.progress import KindCount
from dubbing.domain.webhooks import JobChange
from dubbing.domain.work import WorkKind, WorkState
from dubbing.errors import NotFound


class JobFilter(NamedTuple):
    """Which jobs to list; None means all. ``before`` is the (created_at, id) that the previous page ended with."""

    organisation_id: str
    states: tuple[JobState, ...] = ()
    title_id: str | None = None
    language: str | None = None
    model: str | None = None
    batch_id: str | None = None
    labels: Mapping[str, str] = {}
    created_after: datetime | None = None
    created_before: datetime | None = None
    before: Before = None


_ALL_JOBS = table("all_jobs", *map(column, ("state", "code", "seen_at", "at_risk"))).c


class Jobs:
    """Repository of jobs. Never commits.

    Attributes:
        changes: the events that were written here, for whoever else is told of them before the transaction commits.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.changes: list[JobChange] = []

    def add(self, job: Job) -> None:
        """Insert a job and its first event."""
        self._session.add(job)
        self._session.flush()
        self.event(job.id, "job.queued", {})

    def get(self, job_id: str, organisation_id: str) -> Job:
        """The job, if it is the organisation's; raises `NotFound`."""
        job = self._session.scalar(select(Job).where(Job.id == job_id, Job.organisation_id == organisation_id))
        if job is None:
            raise NotFound(f"There is no job {job_id}.", where={"pointer": "/id"})
        return job

    def by_ids(self, job_ids: Iterable[str]) -> dict[str, Job]:
        """Jobs by id."""
        return {job.id: job for job in self._session.scalars(select(Job).where(Job.id.in_(list(job_ids))))}

    def lock(self, job_id: str) -> Job:
        """The job as it is now, its row locked until commit; every change to a job is made under this lock."""
        statement = (
            select(Job).where(Job.id == job_id).with_for_update(key_share=True).execution_options(populate_existing=True)
        )
        return self._session.scalars(statement).one()

    def page(self, wanted: JobFilter, limit: int) -> list[Job]:
        """Newest first."""
        statement = select(Job).where(Job.organisation_id == wanted.organisation_id)
        if wanted.states:
            statement = statement.where(Job.state.in_(wanted.states))
        model = Job.models["preset"].astext
        for known, value in ((Job.title_id, wanted.title_id), (Job.language, wanted.language), (model, wanted.model)):
            if value is not None:
                statement = statement.where(known == value)
        if wanted.batch_id is not None:
            statement = statement.where(Job.id.in_(select(BatchItem.job_id).where(BatchItem.batch_id == wanted.batch_id)))
        if wanted.labels:
            statement = statement.where(Job.labels.contains(dict(wanted.labels)))
        statement = made_within(statement, Job, wanted.created_after, wanted.created_before)
        return list(self._session.scalars(paged(statement, Job, limit, wanted.before)))

    def unfinished(self) -> list[str]:
        """Ids of all jobs that are not in a terminal state, oldest first."""
        return list(self._session.scalars(select(Job.id).where(Job.state.not_in(TERMINAL)).order_by(Job.created_at)))

    def lock_needing(self, item_id: str) -> list[str]:
        """Lock the unfinished jobs that need an item, in id order; returns their ids.

        Every transaction takes the rows of jobs before those of items, so that two of them never wait in a ring.
        """
        return list(
            self._session.scalars(
                select(Job.id)
                .join(JobNeed, JobNeed.job_id == Job.id)
                .where(JobNeed.work_item_id == item_id, Job.state.not_in(TERMINAL))
                .order_by(Job.id)
                .with_for_update(key_share=True, of=Job)
            )
        )

    def started(self, item_id: str) -> None:
        """An item was claimed: its queued jobs run now, and all of them show life."""
        needing = self.beat(item_id)
        begun = self._session.scalars(
            update(Job)
            .where(Job.id.in_(needing), Job.state == JobState.QUEUED)
            .values(
                state=JobState.RUNNING,
                started_at=NOW,
                phase_times=_entered(Job.phase),
            )
            .returning(Job.id)
            .execution_options(synchronize_session=False)
        ).all()
        for job_id in begun:
            self.event(job_id, "job.running", {})

    def show_progress(self, item_id: str, kind: WorkKind, done: int, total: int) -> None:
        """Tell every job that needs the item how far it is."""
        for job_id in self.beat(item_id):
            self.event(job_id, "job.progress", {"kind": kind, "done": done, "total": total})

    def show_phase(self, item_id: str, phase: Phase) -> None:
        """Replace the phase that readers see."""
        for job_id in self.beat(item_id):
            if self.enter(job_id, phase):
                self.event(job_id, "job.phase", {"phase": phase})

    def beat(self, item_id: str) -> list[str]:
        """A sign of life for every unfinished job that needs the item; returns their ids, locked."""
        needing = self.lock_needing(item_id)
        alive = update(Job).where(Job.id.in_(needing)).values(heartbeat_at=NOW)
        self._session.execute(alive.execution_options(synchronize_session=False))
        return needing

    def enter(self, job_id: str, phase: Phase, leaving: Phase | None = None) -> bool:
        """Move a job to ``phase`` if it is not there yet (and still in ``leaving``, when given); True for the one who did.

        A phase that had begun before the one that is left was over (``begin_early``) keeps that time.
        """
        moved = self._session.execute(
            update(Job)
            .where(
                Job.id == job_id,
                Job.state.in_(LIVE),
                Job.phase == leaving if leaving is not None else Job.phase != phase,
            )
            .values(phase=phase, phase_times=(_entered if leaving is None else _begun)(phase.value))
            .returning(Job.id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        return moved is not None

    def begin_early(self, job_id: str, phase: Phase) -> None:
        """Note when work of a later phase began; the caller holds the job's row."""
        times = update(Job).where(Job.id == job_id).values(phase_times=_begun(phase.value))
        self._session.execute(times.execution_options(synchronize_session=False))

    def finish(self, job_id: str, state: JobState, **values: Any) -> bool:
        """Move an unfinished job to a terminal state; True for the one who did."""
        ended = self._session.execute(
            update(Job)
            .where(Job.id == job_id, Job.state.not_in(TERMINAL))
            .values(state=state, finished_at=NOW, **values)
            .returning(Job.id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if ended is not None:
            kind = "job.succeeded" if state.startswith("succeeded") else f"job.{state.value}"
            self.event(job_id, kind, {"state": state, "error": values.get("error")})
        return ended is not None

    def reprioritize(self, job: Job, priority: int, deadline: datetime | None) -> None:
        """Change how urgent a job is, and with it the work that waits; work that others need keeps the most urgent of all."""
        if deadline != job.deadline:
            job.deadline_at_risk = False
        job.priority, job.deadline = priority, deadline
        self._session.flush()
        self._session.execute(select(func.reprioritize_items(job.id)))
        self.event(job.id, "job.reprioritized", {"priority": priority, "deadline": deadline and deadline.isoformat()})

    def due(self, limit: int = 100) -> list[Job]:
        """Jobs with a deadline that have not ended, the most urgent first: those behind them are served later anyway."""
        live = select(Job).where(Job.state.in_(LIVE), Job.deadline.is_not(None))
        return list(self._session.scalars(live.order_by(Job.deadline, Job.id).limit(limit)))

    def put_at_risk(self, job: Job, finish_at: datetime | None) -> None:
        """Note that a job may miss its deadline, and tell of it; the caller holds the job's row."""
        job.deadline_at_risk = True
        self._session.flush()
        times = {"deadline": job.deadline, "estimated_finish_at": finish_at}
        self.event(job.id, "job.deadline_at_risk", {name: at and at.isoformat() for name, at in times.items()})

    def at_risk(self) -> int:
        """Number of jobs that have not ended and may miss their deadline."""
        return self._session.scalar(select(func.count()).where(_ALL_JOBS.state.in_(LIVE), _ALL_JOBS.at_risk)) or 0

    def request_cancel(self, job: Job) -> None:
        """Note the request; the flow ends the job as soon as nothing of it runs."""
        job.cancel_requested_at = now(self._session)
        job.state = JobState.CANCELING
        self._session.flush()
        self.event(job.id, "job.canceling", {})

    def event(self, job_id: str, kind: str, data: Mapping[str, Any]) -> None:
        """Append to the job's events; the caller holds the job's row."""
        written = insert(JobEvent).values(job_id=job_id, type=kind, data=dict(data))
        number, at = self._session.execute(written.returning(JobEvent.id, JobEvent.created_at)).one()
        self.changes.append(JobChange(job_id, number, kind, data, at))

    def events_after(self, job_id: str, last_id: int, limit: int = 500) -> list[JobEvent]:
        """Events of a job with an id above ``last_id``, in order."""
        return list(
            self._session.scalars(
                select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.id > last_id).order_by(JobEvent.id).limit(limit)
            )
        )

    def counts(self, job_ids: Iterable[str]) -> dict[str, dict[WorkKind, KindCount]]:
        """Per job and kind: items, the units inside them, and the shots that they belong to."""
        state = WorkItem.state
        reused = and_(state == WorkState.DONE, WorkItem.updated_at < Job.created_at)
        pending_retry = and_(state == WorkState.PENDING, WorkItem.not_before > NOW)
        held = case((state == WorkState.LEASED, func.extract("epoch", NOW - WorkItem.claimed_at)))
        rows = self._session.execute(
            select(
                JobNeed.job_id,
                WorkItem.kind,
                func.count(),
                func.count().filter(state == WorkState.DONE),
                func.count().filter(state == WorkState.LEASED),
                func.count().filter(pending_retry),
                func.coalesce(func.sum(WorkItem.units_done), 0),
                func.coalesce(func.sum(WorkItem.units_total), 0),
                func.coalesce(func.max(WorkItem.result["shots"].as_integer()), 0),
                func.count(WorkItem.payload["chunk"]["shot"].as_integer().distinct()).filter(state != WorkState.DONE),
                func.coalesce(func.sum(WorkItem.units_done).filter(reused), 0),
                func.coalesce(func.max(held), 0.0),
            )
            .join(WorkItem, WorkItem.id == JobNeed.work_item_id)
            .join(Job, Job.id == JobNeed.job_id)
            .where(JobNeed.job_id.in_(list(job_ids)))
            .group_by(JobNeed.job_id, WorkItem.kind)
        )
        names = (
            *("items", "done", "leased", "retrying", "units_done", "units_total"),
            *("shots", "shots_open", "units_reused", "held_seconds"),
        )
        found: dict[str, dict[WorkKind, KindCount]] = {}
        for job_id, kind, *numbers in rows:
            found.setdefault(job_id, {})[WorkKind(kind)] = KindCount(**dict(zip(names, numbers, strict=True)))
        return found

    def open_items(self, job_id: str, kinds: Iterable[WorkKind]) -> tuple[int, dict[str, Any] | None]:
        """How many needed items of ``kinds`` are not done, and the error of the first one that failed."""
        needed = select(JobNeed.work_item_id).where(JobNeed.job_id == job_id)
        mine = and_(WorkItem.id.in_(needed), WorkItem.kind.in_(list(kinds)))
        undone = self._session.scalar(select(func.count()).select_from(WorkItem).where(mine, WorkItem.state != WorkState.DONE))
        error = self._session.scalar(
            select(WorkItem.error).where(mine, WorkItem.state == WorkState.FAILED).order_by(WorkItem.updated_at).limit(1)
        )
        return undone or 0, error

    def forget_events(self, age_seconds: float) -> None:
        """Delete the events of jobs that ended more than ``age_seconds`` ago."""
        ended = select(Job.id).where(Job.finished_at < ago(age_seconds))
        self._session.execute(delete(JobEvent).where(JobEvent.job_id.in_(ended)))

    def by_state(self) -> dict[str, int]:
        """Number of jobs in each state."""
        rows = self._session.execute(select(_ALL_JOBS.state, func.count()).group_by(_ALL_JOBS.state))
        return {state: count for state, count in rows}  # noqa: C416 - a Row is no tuple to mypy

    def failed_by_code(self) -> dict[str, int]:
        """Number of failed jobs by the code of their problem."""
        failed = select(_ALL_JOBS.code, func.count()).where(_ALL_JOBS.state == JobState.FAILED)
        rows = self._session.execute(failed.group_by(_ALL_JOBS.code))
        return {name or "internal_error": count for name, count in rows}

    def silent(self, seconds: float) -> int:
        """Number of running jobs that have shown no life for so long."""
        alive = _ALL_JOBS.state.in_([JobState.RUNNING, JobState.CANCELING])
        return self._session.scalar(select(func.count()).where(alive, _ALL_JOBS.seen_at < ago(seconds))) or 0


def _entered(phase: Any) -> Any:
    """The times at which phases began, with that of ``phase``: ISO 8601, as PostgreSQL writes a time into JSON."""
    return Job.phase_times.op("||")(func.jsonb_build_object(phase, NOW))


def _begun(phase: Any) -> Any:
    """The same, where a phase that has a time keeps it."""
    return func.jsonb_build_object(phase, NOW).op("||")(Job.phase_times)
