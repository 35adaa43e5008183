"""Work items: asked for once, claimed by lease, fenced by (owner, attempt)."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, and_, case, column, func, literal, or_, select, table, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, aliased

from dubbing import ids
from dubbing.db.models import Job, JobNeed, WorkItem
from dubbing.db.times import NOW, ago, in_
from dubbing.domain import work
from dubbing.domain.jobs import LIVE
from dubbing.domain.work import ItemSpec, OpenSequence, WorkKind, WorkState
from dubbing.errors import ChunkFailed, DublineError, LeaseLost

_ASK = text(
    "SELECT item_id, item_state FROM ask_for_item(:the_job, :new_id, :the_kind, :the_key, CAST(:the_payload AS jsonb),"
    " :shared, :units, :attempts)"
)
_WANT = text(
    "SELECT item_id, item_state FROM want_item(:the_organisation, :new_id, :the_kind, :the_key, CAST(:the_payload AS jsonb),"
    " :the_priority, CAST(:seconds AS double precision), :units, :attempts)"
)
ALL_WORK = table("all_work", *map(column, ("kind", "state", "not_before", "created_at", "leases_lost", "outages"))).c
"""Columns of everybody's work, which tell no more of it than its kind and its times."""


class WorkItems:
    """Repository of work items. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ensure(self, job: Job, specs: Iterable[ItemSpec], max_attempts: int) -> list[tuple[str, WorkState]]:
        """Make the items exist and note that ``job`` needs them; returns (id, state) of each.

        An item that another job made is reused, whatever its state; one that failed or was cancelled starts over. The
        more urgent deadline and priority win. The database does this by a function, since the API sees neither another
        organisation's items nor its needs.
        """
        return [self._ensure(job, spec, max_attempts) for spec in specs]

    def want(
        self, spec: ItemSpec, organisation_id: str, max_attempts: int, *, priority: int = 0, seconds: float | None = None
    ) -> tuple[str, WorkState]:
        """Make a shared item exist that no job needs yet, wanted for ``seconds`` (None: while a job needs it); as `ensure`."""
        wanted = {
            "the_organisation": organisation_id,
            "new_id": ids.new_id("wrk"),
            "the_kind": spec.kind,
            "the_key": spec.key,
            "the_payload": spec.payload.model_dump_json(),
            "the_priority": priority,
            "seconds": seconds,
            "units": spec.units,
            "attempts": max_attempts,
        }
        self._session.flush()  # the item may refer to what this transaction has written
        item_id, state = self._session.execute(_WANT, wanted).one()
        return item_id, WorkState(state)

    def unwant(self, item_id: str) -> None:
        """Nobody but jobs wants the item any more: it is cancelled if none does and it waits, else at its next check."""
        self._session.flush()
        self._session.execute(select(func.unwant_item(item_id)))

    def add(self, kind: WorkKind, key: str, payload: BaseModel, organisation_id: str, max_attempts: int) -> str:
        """Make an item that belongs to no job; returns its id."""
        item = WorkItem(
            id=ids.new_id("wrk"),
            kind=kind,
            key=key,
            payload=payload.model_dump(mode="json"),
            state=WorkState.PENDING,
            organisation_id=organisation_id,
            priority=0,
            max_attempts=max_attempts,
        )
        self._session.add(item)
        self._session.flush()
        return item.id

    def _ensure(self, job: Job, spec: ItemSpec, max_attempts: int) -> tuple[str, WorkState]:
        wanted = {
            "the_job": job.id,
            "new_id": ids.new_id("wrk"),
            "the_kind": spec.kind,
            "the_key": spec.key,
            "the_payload": spec.payload.model_dump_json(),
            "shared": spec.shared,
            "units": spec.units,
            "attempts": max_attempts,
        }
        self._session.flush()  # the function reads the job's row
        item_id, state = self._session.execute(_ASK, wanted).one()
        return item_id, WorkState(state)

    def claim(self, kinds: Iterable[WorkKind], owner: str, lease_seconds: float) -> work.LeasedItem | None:
        """Lease the best waiting item of ``kinds``, or None.

        Order: earliest deadline; then the organisation with the fewest items in work; then highest priority; then oldest.
        """
        held = aliased(WorkItem)
        load = (
            select(func.count())
            .where(held.state == WorkState.LEASED, held.organisation_id == WorkItem.organisation_id, held.kind.in_(list(kinds)))
            .correlate(WorkItem)
            .scalar_subquery()
        )
        best = self._waiting(kinds).order_by(
            WorkItem.deadline.asc().nulls_last(), load, WorkItem.priority.desc(), WorkItem.created_at, WorkItem.id
        )
        return self._lease(best, owner, lease_seconds)

    @staticmethod
    def _waiting(kinds: Iterable[WorkKind]) -> Select[Any]:
        ready = or_(WorkItem.not_before.is_(None), WorkItem.not_before <= NOW)
        return select(WorkItem.id).where(WorkItem.state == WorkState.PENDING, WorkItem.kind.in_(list(kinds)), ready)

    def _lease(self, choice: Select[Any], owner: str, lease_seconds: float) -> work.LeasedItem | None:
        chosen = choice.limit(1).with_for_update(skip_locked=True, key_share=True, of=WorkItem).cte("chosen")
        row = self._session.execute(
            update(WorkItem)
            .where(WorkItem.id == chosen.c.id)
            .values(
                state=WorkState.LEASED,
                lease_owner=owner,
                lease_expires_at=in_(lease_seconds),
                heartbeat_at=NOW,
                claimed_at=NOW,
                attempt=WorkItem.attempt + 1,
                units_done=0,
            )
            .returning(
                WorkItem.id,
                WorkItem.kind,
                WorkItem.key,
                WorkItem.payload,
                WorkItem.lease_owner,
                WorkItem.attempt,
                WorkItem.max_attempts,
                WorkItem.outages,
                WorkItem.leases_lost,
                WorkItem.sequence,
                WorkItem.units_total,
                WorkItem.job_id,
            )
            .execution_options(synchronize_session=False)
        ).one_or_none()
        return None if row is None else work.LeasedItem.model_validate(row._asdict())

    def renew(self, item: work.LeasedItem) -> None:
        """A sign of life."""
        self._fenced(item, heartbeat_at=NOW)

    def progress(self, item: work.LeasedItem, done: int, total: int) -> None:
        """How much is done, as a share of the item's size where that is known; a sign of life too."""
        size = item.units_total or total
        self._fenced(item, heartbeat_at=NOW, units_done=done * size // max(total, 1), units_total=size)

    def opens(self, item: work.LeasedItem, sequence: OpenSequence) -> None:
        """Note the sequence that the item's holder is about to open on the inference server."""
        self._fenced(item, heartbeat_at=NOW, sequence=sequence.model_dump(mode="json"))

    def save_partial_result(self, item: work.LeasedItem, result: dict[str, Any]) -> None:
        """What there is of the result while the item is still being worked on; a sign of life too."""
        self._fenced(item, heartbeat_at=NOW, result=result)

    def complete(self, item: work.LeasedItem, result: dict[str, Any]) -> None:
        """Done, with its result: every block of its sequence was answered, the last one too."""
        self._end(item, WorkState.DONE, result=result, error=None, units_done=WorkItem.units_total, sequence=None)

    def retry(self, item: work.LeasedItem, error: DublineError, seconds: float, *, uncounted: bool = False) -> None:
        """Back to the waiting ones for at least ``seconds``; an outage that is ``uncounted`` costs none of its attempts."""
        left = {"max_attempts": WorkItem.max_attempts + 1, "outages": WorkItem.outages + 1} if uncounted else {}
        self._end(item, WorkState.PENDING, error=error.problem(), not_before=in_(seconds), **left)

    def fail(self, item: work.LeasedItem, error: DublineError) -> None:
        """Failed for good."""
        self._end(item, WorkState.FAILED, error=error.problem())

    def release(self, item: work.LeasedItem) -> None:
        """Given back untouched, e.g. at shutdown; costs no attempt."""
        self._end(item, WorkState.PENDING, max_attempts=WorkItem.max_attempts + 1)

    def give_up(self, item: work.LeasedItem) -> None:
        """Stopped because no job wants it: cancelled, or back to the waiting ones if one does by now."""
        self._session.execute(select(WorkItem.id).where(WorkItem.id == item.id).with_for_update(key_share=True))
        if self.wanted(item.id):
            self.release(item)
        else:
            self._end(item, WorkState.CANCELED)

    def _end(self, item: work.LeasedItem, state: WorkState, **values: Any) -> None:
        self._fenced(item, state=state, lease_owner=None, lease_expires_at=None, heartbeat_at=None, **values)

    def _fenced(self, item: work.LeasedItem, **values: Any) -> None:
        """Write if the lease is still the one that ``item`` was claimed with.

        Raises:
            LeaseLost: another owner or attempt holds it, or nobody does.
        """
        won = self._session.execute(
            update(WorkItem)
            .where(
                WorkItem.id == item.id,
                WorkItem.state == WorkState.LEASED,
                WorkItem.lease_owner == item.lease_owner,
                WorkItem.attempt == item.attempt,
            )
            .values(**values)
            .returning(WorkItem.id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if won is None:
            raise LeaseLost(f"{item.kind} item {item.id}, attempt {item.attempt}, belongs to another worker now.")

    def wanted(self, item_id: str) -> bool:
        """True while a job that is not ending needs the item, or somebody else has asked for it."""
        return bool(self._session.scalar(select(literal(1)).where(_wanted(literal(item_id)))))

    def cancel_unwanted(self, job_id: str) -> int:
        """Cancel the waiting items that only ended jobs need; returns how many of the job's unwanted ones still run."""
        self._session.flush()  # the function reads the job's row
        return self._session.scalar(select(func.cancel_unwanted_items(job_id))) or 0

    def expired(self, heartbeat_timeout: float, limit: int = 100) -> list[tuple[str, WorkKind, WorkState]]:
        """Take back items whose holder fell silent or whose lease ran out; (id, kind, new state) of each."""
        silent = WorkItem.heartbeat_at < ago(heartbeat_timeout)
        lost = (
            select(WorkItem.id)
            .where(WorkItem.state == WorkState.LEASED, or_(silent, WorkItem.lease_expires_at < NOW))
            .limit(limit)
            .with_for_update(skip_locked=True, key_share=True)
            .cte("lost")
        )
        error = ChunkFailed("Every worker that tried this died or stopped answering.", where={"stage": "worker"})
        spent = WorkItem.attempt >= WorkItem.max_attempts
        rows = self._session.execute(
            update(WorkItem)
            .where(WorkItem.id == lost.c.id)
            .values(
                state=case((spent, WorkState.FAILED), else_=WorkState.PENDING),
                error=case((spent, literal(error.problem(), JSONB)), else_=WorkItem.error),
                lease_owner=None,
                lease_expires_at=None,
                heartbeat_at=None,
                leases_lost=WorkItem.leases_lost + 1,
            )
            .returning(WorkItem.id, WorkItem.kind, WorkItem.state)
            .execution_options(synchronize_session=False)
        )
        return [(item_id, WorkKind(kind), WorkState(state)) for item_id, kind, state in rows]

    def abandoned(self, limit: int = 20) -> list[tuple[str, OpenSequence]]:
        """Sequences that the last holder of their item may have left open: (item, sequence) of those that nobody holds now."""
        rows = self._session.execute(
            select(WorkItem.id, WorkItem.sequence).where(_abandoned()).order_by(WorkItem.updated_at).limit(limit)
        )
        return [(item_id, OpenSequence.model_validate(sequence)) for item_id, sequence in rows]

    def forget(self, item_id: str, sequence: OpenSequence) -> None:
        """The sequence has ended; one that was opened since is not touched."""
        noted = WorkItem.sequence == literal(sequence.model_dump(mode="json"), JSONB)
        self._session.execute(
            update(WorkItem)
            .where(WorkItem.id == item_id, noted, _abandoned())
            .values(sequence=None)
            .execution_options(synchronize_session=False)
        )

    def forget_abandoned(self, seconds: float) -> None:
        """Sequences that were left so long ago that the server has dropped them as idle."""
        self._session.execute(
            update(WorkItem)
            .where(_abandoned(), WorkItem.updated_at < ago(seconds))
            .values(sequence=None)
            .execution_options(synchronize_session=False)
        )

    def waiting(self) -> dict[WorkKind, tuple[int, float]]:
        """Per kind: how many items could be claimed now, and for how many seconds the oldest has waited."""
        every = ALL_WORK
        ready = or_(every.not_before.is_(None), every.not_before <= NOW)
        oldest = func.extract("epoch", NOW - func.min(func.coalesce(every.not_before, every.created_at)))
        rows = self._session.execute(
            select(every.kind, func.count(), oldest).where(every.state == WorkState.PENDING, ready).group_by(every.kind)
        )
        return {WorkKind(kind): (count, float(seconds)) for kind, count, seconds in rows}

    def leased(self) -> dict[str, int]:
        """Per kind: how many items a worker holds now."""
        every = ALL_WORK
        rows = self._session.execute(
            select(every.kind, func.count()).where(every.state == WorkState.LEASED).group_by(every.kind)
        )
        return {kind: count for kind, count in rows}  # noqa: C416 - a Row is no tuple to mypy

    def leases_lost(self) -> dict[str, int]:
        """Per kind: how many leases ended because their holder fell silent."""
        return self._summed(ALL_WORK.leases_lost)

    def outages(self) -> dict[str, int]:
        """Per kind: how many attempts ended because a part of the platform was away."""
        return self._summed(ALL_WORK.outages)

    def _summed(self, numbers: Any) -> dict[str, int]:
        rows = self._session.execute(select(ALL_WORK.kind, func.sum(numbers)).group_by(ALL_WORK.kind))
        return {kind: int(count) for kind, count in rows}

    def known(self, organisation_id: str, keys: Iterable[str]) -> dict[str, WorkItem]:
        """Items by key, of those that the organisation or one of its jobs has asked for: of others' work it learns nothing."""
        needed = (
            select(JobNeed.job_id)
            .join(Job, Job.id == JobNeed.job_id)
            .where(JobNeed.work_item_id == WorkItem.id, Job.organisation_id == organisation_id)
            .exists()
        )
        mine = or_(WorkItem.organisation_id == organisation_id, needed)
        found = self._session.scalars(select(WorkItem).where(WorkItem.key.in_(list(keys)), mine))
        return {item.key: item for item in found}

    def keys(self, job_id: str, kind: WorkKind) -> set[str]:
        """Keys of the items of a kind that a job needs."""
        needed = select(JobNeed.work_item_id).where(JobNeed.job_id == job_id)
        return set(self._session.scalars(select(WorkItem.key).where(WorkItem.id.in_(needed), WorkItem.kind == kind)))

    def results(self, job_id: str, kinds: Iterable[WorkKind]) -> list[WorkItem]:
        """The items of these kinds that a job needs, in order of creation."""
        return list(
            self._session.scalars(
                select(WorkItem)
                .join(JobNeed, JobNeed.work_item_id == WorkItem.id)
                .where(JobNeed.job_id == job_id, WorkItem.kind.in_(list(kinds)))
                .order_by(WorkItem.created_at, WorkItem.id)
                .execution_options(populate_existing=True)
            )
        )


def _abandoned() -> Any:
    return and_(WorkItem.sequence.is_not(None), WorkItem.state != WorkState.LEASED)


def _wanted(item_id: Any) -> Any:
    asked = aliased(WorkItem)
    needed = (
        select(JobNeed.job_id)
        .join(Job, Job.id == JobNeed.job_id)
        .where(JobNeed.work_item_id == item_id, Job.state.in_(LIVE))
        .exists()
    )
    return or_(needed, select(asked.id).where(asked.id == item_id, asked.wanted_until > NOW).exists())
