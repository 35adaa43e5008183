"""Masters on their way to customers' buckets: one row for each delivery, and one work item that does it.

Whoever ends an item ends its delivery in the same transaction. Rows of jobs that wait for no work any more are locked after
that of the item, and by nobody else before it.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from dubbing import ids
from dubbing.db.connection_models import MasterDelivery, StorageConnection
from dubbing.db.items import WorkItems
from dubbing.db.jobs import Jobs
from dubbing.db.models import Job, WorkItem
from dubbing.db.times import NOW
from dubbing.domain.connections import MasterState, folder
from dubbing.domain.deliveries import DeliverMasterTask
from dubbing.domain.work import Ring, StitchResult, WorkKind, WorkState


class MasterDeliveries:
    """Repository of deliveries of masters. Never commits."""

    def __init__(self, session: Session, jobs: Jobs, items: WorkItems) -> None:
        self._session = session
        self._jobs = jobs
        self._items = items

    def ask(self, job: Job, connection: StorageConnection, prefix: str) -> MasterDelivery:
        """Have the job's master delivered below ``prefix`` as soon as there is one."""
        delivery = MasterDelivery(
            id=ids.new_id("dlv"),
            organisation_id=job.organisation_id,
            job_id=job.id,
            connection_id=connection.id,
            prefix=prefix,
            state=MasterState.WAITING,
        )
        self._session.add(delivery)
        self._session.flush()
        return delivery

    def begin(self, job: Job, made: StitchResult, max_attempts: int) -> list[Ring]:
        """Send the master of a locked job that has just ended well, where that was asked for."""
        waiting = select(MasterDelivery).where(MasterDelivery.job_id == job.id, MasterDelivery.state == MasterState.WAITING)
        joined = waiting.join(StorageConnection, StorageConnection.id == MasterDelivery.connection_id)
        found = self._session.execute(joined.add_columns(StorageConnection)).all()
        return [self.send(delivery, connection, made, max_attempts) for delivery, connection in found]

    def send(self, delivery: MasterDelivery, connection: StorageConnection, made: StitchResult, max_attempts: int) -> Ring:
        """Have a delivery done now."""
        stem = folder(connection.prefix, delivery.prefix) + made.output_filename
        place = f"s3://{connection.bucket}/"
        delivery.state, delivery.url = MasterState.PENDING, place + stem
        delivery.receipt_url = f"{place}{stem.rpartition('.')[0]}.receipt.json"
        task = DeliverMasterTask(
            delivery_id=delivery.id,
            connection_id=connection.id,
            master=made.output_key,
            receipt=made.receipt_key,
            size=made.receipt.output_video.size_bytes,
            sha256=made.receipt.output_video.sha256,
            url=delivery.url,
            receipt_url=delivery.receipt_url,
        )
        key = f"deliver_master:{delivery.id}"
        return Ring(
            WorkKind.DELIVER_MASTER,
            self._items.add(WorkKind.DELIVER_MASTER, key, task, delivery.organisation_id, max_attempts),
        )

    def settle(self, item_id: str) -> None:
        """Note how an item ended; calling it again changes nothing."""
        item = self._session.scalar(
            select(WorkItem)
            .where(
                WorkItem.id == item_id,
                WorkItem.kind == WorkKind.DELIVER_MASTER,
                WorkItem.state.in_([WorkState.DONE, WorkState.FAILED]),
            )
            .execution_options(populate_existing=True)
        )
        if item is None:
            return
        delivery = self._session.get_one(MasterDelivery, item.payload["delivery_id"], populate_existing=True)
        if delivery.state != MasterState.PENDING:
            return
        self._jobs.lock(delivery.job_id)
        delivery.ended_at = NOW
        if item.state == WorkState.DONE:
            delivery.state = MasterState.DELIVERED
            self._jobs.event(delivery.job_id, "job.delivered", {"url": delivery.url})
        else:
            delivery.state, delivery.error = MasterState.FAILED, item.error
            self._jobs.event(delivery.job_id, "job.delivery_failed", {"url": delivery.url, "error": item.error})

    def is_pending(self, job_id: str) -> bool:
        """Whether the job's master is on its way."""
        pending = select(MasterDelivery.id).where(MasterDelivery.job_id == job_id, MasterDelivery.state == MasterState.PENDING)
        return self._session.scalar(pending.limit(1)) is not None

    def latest(self, job_ids: Iterable[str]) -> dict[str, MasterDelivery]:
        """The newest delivery of each job that has one."""
        newest = (
            select(MasterDelivery)
            .where(MasterDelivery.job_id.in_(list(job_ids)))
            .ext(distinct_on(MasterDelivery.job_id))
            .order_by(MasterDelivery.job_id, MasterDelivery.created_at.desc(), MasterDelivery.id.desc())
        )
        return {delivery.job_id: delivery for delivery in self._session.scalars(newest)}
