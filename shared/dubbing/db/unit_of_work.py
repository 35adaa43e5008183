"""The unit of work: one transaction, and the doorbells that it earns, rung only after commit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from dubbing.db import times
from dubbing.db.assets import Assets
from dubbing.db.batches import JobBatches
from dubbing.db.connections import Connections
from dubbing.db.forecasts import Forecasts
from dubbing.db.guests import Guests
from dubbing.db.items import WorkItems
from dubbing.db.jobs import Jobs
from dubbing.db.keys import Keys
from dubbing.db.master_deliveries import MasterDeliveries
from dubbing.db.organisations import Organisations
from dubbing.db.people import People
from dubbing.db.releases import Releases
from dubbing.db.reviews import Reviews
from dubbing.db.roles import act_from_the_start
from dubbing.db.titles import Titles
from dubbing.db.training import Runs
from dubbing.db.webhooks import Webhooks
from dubbing.domain.webhooks import Notice, WebhookEvent
from dubbing.domain.work import Ring

RingBell = Callable[[Sequence[Ring]], None]


class UnitOfWork:
    """A session, its repositories and the pending rings."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rings: list[Ring] = []
        self._notices: list[Notice] = []

    @cached_property
    def jobs(self) -> Jobs:
        """Jobs and events."""
        return Jobs(self.session)

    @cached_property
    def items(self) -> WorkItems:
        """Work items, claimed by lease."""
        return WorkItems(self.session)

    @cached_property
    def assets(self) -> Assets:
        """Uploads and assets."""
        return Assets(self.session)

    @cached_property
    def keys(self) -> Keys:
        """API and idempotency keys."""
        return Keys(self.session)

    @cached_property
    def organisations(self) -> Organisations:
        """Whose all of it is."""
        return Organisations(self.session)

    @cached_property
    def people(self) -> People:
        """People, and the tokens that sign them in."""
        return People(self.session)

    @cached_property
    def titles(self) -> Titles:
        """Titles and their languages."""
        return Titles(self.session)

    @cached_property
    def reviews(self) -> Reviews:
        """Reviews of masters, with their comments and decisions."""
        return Reviews(self.session, self.jobs)

    @cached_property
    def guests(self) -> Guests:
        """Links to the reviews of one language."""
        return Guests(self.session)

    @cached_property
    def batches(self) -> JobBatches:
        """Many jobs that were asked for at once."""
        return JobBatches(self.session)

    @cached_property
    def runs(self) -> Runs:
        """Training runs and events."""
        return Runs(self.session)

    @cached_property
    def releases(self) -> Releases:
        """Versions of the served models."""
        return Releases(self.session)

    @cached_property
    def forecasts(self) -> Forecasts:
        """What estimates are made of: how fast work is done, and what waits."""
        return Forecasts(self.session)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Webhook endpoints, and what is delivered to them."""
        return Webhooks(self.session)

    @cached_property
    def connections(self) -> Connections:
        """Connections to customers' buckets."""
        return Connections(self.session)

    @cached_property
    def deliveries(self) -> MasterDeliveries:
        """Masters on their way to customers' buckets."""
        return MasterDeliveries(self.session, self.jobs, self.items)

    def now(self) -> datetime:
        """The time of day by the database's clock, which all leases and heartbeats go by."""
        return times.now(self.session)

    def ring(self, *rings: Ring) -> None:
        """Ring after commit."""
        self.rings.extend(rings)

    def tell(self, organisation_id: str, event: WebhookEvent, data: Mapping[str, Any]) -> None:
        """Have webhook endpoints told of something else than a job."""
        self._notices.append(Notice(organisation_id, event, data))

    def publish(self) -> None:
        """Write what webhook endpoints are told of this transaction's events, as its last step."""
        changes = self.jobs.changes if "jobs" in self.__dict__ else []
        if changes or self._notices:
            self.ring(*self.webhooks.publish(changes, self._notices))


@contextmanager
def unit_of_work(
    sessions: sessionmaker[Session], ring_bell: RingBell, organisation_id: str | None = None
) -> Iterator[UnitOfWork]:
    """Commit once at the end, then ring; on an error roll back and ring nothing.

    Args:
        sessions: where it gets its session.
        ring_bell: must not raise: what is committed stays committed, and the sweeper makes up for a lost ring.
        organisation_id: whom it acts for. The API sees nobody's rows without it.
    """
    with sessions() as session:
        work = UnitOfWork(session)
        if organisation_id is not None:
            act_from_the_start(session, organisation_id)
        with session.begin():
            yield work
            work.publish()
    if work.rings:
        ring_bell(work.rings)
