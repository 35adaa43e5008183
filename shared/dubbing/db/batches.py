"""Batches and their items.

An item is claimed by the lock of its row, for as long as it takes to make its job. No transaction that ends a job looks at
batches: whether one has ended is asked by the sweeper, and written down once.
"""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import case, func, insert, or_, select, text, update
from sqlalchemy.orm import Session

from dubbing.db.batch_models import BatchItem, JobBatch
from dubbing.db.models import Job
from dubbing.db.pages import Before, paged
from dubbing.db.times import NOW
from dubbing.domain.batches import OPEN, BatchState, ItemState
from dubbing.domain.jobs import LIVE, TERMINAL, JobState
from dubbing.errors import NotFound

_SUBMITTING = text("SELECT batch, organisation FROM submitting_batches()")
_STATE = case((BatchItem.job_id.is_not(None), Job.state), else_=BatchItem.state)
"""What an item is shown as: the state of its job, where it became one."""


class ItemFilter(NamedTuple):
    """Which items of a batch to list: those of these states, all for none, behind the number ``after``."""

    batch_id: str
    states: tuple[str, ...] = ()
    after: int | None = None


class ShownItem(NamedTuple):
    """An item, what it is shown as, and why it failed."""

    item: BatchItem
    state: str
    error: dict[str, Any] | None


class JobBatches:
    """Repository of batches. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, batch: JobBatch, items: Iterable[dict[str, Any]]) -> None:
        """Insert a batch with its items; the ids of batch and organisation are put to them."""
        self._session.add(batch)
        self._session.flush()
        own = {"batch_id": batch.id, "organisation_id": batch.organisation_id}
        self._session.execute(insert(BatchItem), [{**item, **own} for item in items])

    def get(self, batch_id: str, organisation_id: str, *, lock: bool = False) -> JobBatch:
        """The batch, if it is the organisation's; raises `NotFound`."""
        wanted = select(JobBatch).where(JobBatch.id == batch_id, JobBatch.organisation_id == organisation_id)
        found = self._session.scalar(wanted.with_for_update(key_share=True) if lock else wanted)
        if found is None:
            raise NotFound(f"There is no batch {batch_id}.", where={"pointer": "/id"})
        return found

    def page(self, organisation_id: str, limit: int, before: Before) -> list[JobBatch]:
        """Newest first."""
        wanted = select(JobBatch).where(JobBatch.organisation_id == organisation_id)
        return list(self._session.scalars(paged(wanted, JobBatch, limit, before)))

    def counts(self, batch_ids: Collection[str]) -> dict[str, dict[str, int]]:
        """Per batch: how many items are shown as what."""
        rows = self._session.execute(
            select(BatchItem.batch_id, _STATE, func.count())
            .outerjoin(Job, Job.id == BatchItem.job_id)
            .where(BatchItem.batch_id.in_(batch_ids))
            .group_by(BatchItem.batch_id, _STATE)
        )
        found: dict[str, dict[str, int]] = {batch_id: {} for batch_id in batch_ids}
        for batch_id, state, count in rows:
            found[batch_id][state] = count
        return found

    def items(self, wanted: ItemFilter, limit: int) -> list[ShownItem]:
        """In order."""
        statement = (
            select(BatchItem, _STATE, func.coalesce(BatchItem.error, Job.error))
            .outerjoin(Job, Job.id == BatchItem.job_id)
            .where(BatchItem.batch_id == wanted.batch_id)
        )
        if wanted.states:
            statement = statement.where(_STATE.in_(wanted.states))
        if wanted.after is not None:
            statement = statement.where(BatchItem.number > wanted.after)
        return [ShownItem(*row) for row in self._session.execute(statement.order_by(BatchItem.number).limit(limit))]

    def submitting(self) -> list[tuple[str, str]]:
        """(batch, organisation) of everybody's whose items wait to become jobs, oldest first."""
        return [(batch, organisation) for batch, organisation in self._session.execute(_SUBMITTING)]

    def next_item(self, batch_id: str) -> BatchItem | None:
        """An item that waits, its row locked; None when none does that nobody else has."""
        waiting = select(BatchItem).where(BatchItem.batch_id == batch_id, BatchItem.state == ItemState.WAITING)
        return self._session.scalar(waiting.order_by(BatchItem.number).limit(1).with_for_update(skip_locked=True))

    def submitted(self, item: BatchItem, job_id: str, *, replayed: bool) -> None:
        """The item is a job now; what was asked for is forgotten, since a URL in it may be a secret."""
        item.state, item.job_id, item.replayed, item.request = ItemState.SUBMITTED, job_id, replayed, None

    def from_file(self, batch_id: str) -> bool:
        """Whether its items are the lines of a file."""
        return self._session.scalar(select(JobBatch.asset_id).where(JobBatch.id == batch_id)) is not None

    def refuse(self, batch_id: str, number: int, problem: dict[str, Any]) -> None:
        """The item becomes no job."""
        mine = (BatchItem.batch_id == batch_id, BatchItem.number == number, BatchItem.state == ItemState.WAITING)
        self._session.execute(update(BatchItem).where(*mine).values(state=ItemState.REFUSED, error=problem, request=None))

    def all_submitted(self, batch_id: str) -> None:
        """Go on to ``running`` when no item waits."""
        waits = select(BatchItem.number).where(BatchItem.batch_id == batch_id, BatchItem.state == ItemState.WAITING).exists()
        done = update(JobBatch).where(JobBatch.id == batch_id, JobBatch.state == BatchState.SUBMITTING, ~waits)
        self._session.execute(done.values(state=BatchState.RUNNING))

    def cancel(self, batch: JobBatch) -> None:
        """Submit nothing more of a locked batch; the sweeper cancels its jobs."""
        batch.state = BatchState.CANCELING
        waiting = update(BatchItem).where(BatchItem.batch_id == batch.id, BatchItem.state == ItemState.WAITING)
        self._session.execute(waiting.values(state=ItemState.CANCELED, request=None))

    def jobs_to_cancel(self, limit: int) -> list[str]:
        """Jobs that cancelled batches have made and that nobody has told yet."""
        wanted = (
            select(Job.id)
            .join(BatchItem, BatchItem.job_id == Job.id)
            .join(JobBatch, JobBatch.id == BatchItem.batch_id)
            .where(JobBatch.state == BatchState.CANCELING, ~BatchItem.replayed, Job.state.in_(LIVE))
        )
        return list(self._session.scalars(wanted.order_by(Job.id).limit(limit)))

    def finish(self) -> list[JobBatch]:
        """Write down which batches have ended; each is given once, whoever asks."""
        running = or_(JobBatch.state != BatchState.CANCELING, ~BatchItem.replayed)  # a cancelled one waits for its own jobs
        unfinished = (
            select(BatchItem.number)
            .join(Job, Job.id == BatchItem.job_id)
            .where(BatchItem.batch_id == JobBatch.id, Job.state.not_in(TERMINAL), running)
            .correlate(JobBatch)
            .exists()
        )
        ended = case((JobBatch.state == BatchState.CANCELING, BatchState.CANCELED), else_=BatchState.COMPLETED)
        done = (
            update(JobBatch)
            .where(JobBatch.finished_at.is_(None), JobBatch.state != BatchState.SUBMITTING, ~unfinished)
            .values(state=ended, finished_at=NOW)
            .returning(JobBatch)
            .execution_options(populate_existing=True)
        )
        return list(self._session.scalars(done))


def failed_states() -> tuple[str, ...]:
    """What items are shown as that somebody should look at."""
    return (ItemState.REFUSED, JobState.FAILED)


def waiting_for(asset_id: str) -> Any:
    """Ids of unfinished batches that will read a file, or whose waiting items name it."""
    named = or_(*(BatchItem.request[role]["id"].astext == asset_id for role in ("video", "audio")))
    items = select(BatchItem.batch_id).where(BatchItem.state == ItemState.WAITING, named)
    return select(JobBatch.id).where(JobBatch.state.in_(OPEN), or_(JobBatch.asset_id == asset_id, JobBatch.id.in_(items)))
