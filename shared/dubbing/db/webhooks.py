"""Webhook endpoints and deliveries: an outbox that is written with the events, and emptied by one work item per endpoint.

Whoever writes a delivery also writes the item, and whoever ends the item holds its row while looking for deliveries. So a
delivery is either seen by the item that ends, or opens it again. Rows of endpoints are locked before those of items.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dubbing import ids
from dubbing.db.models import Job, WorkItem
from dubbing.db.pages import Before, paged
from dubbing.db.times import NOW, ago, in_, now
from dubbing.db.title_models import Title
from dubbing.db.webhook_models import WebhookDelivery, WebhookEndpoint
from dubbing.domain.deliveries import DeliverTask
from dubbing.domain.webhooks import (
    GONE,
    TEST_EVENT,
    Attempt,
    DeliveryState,
    JobChange,
    WebhookEvent,
    data_of,
    wait_before,
)
from dubbing.domain.work import Ring, WorkKind, WorkState
from dubbing.errors import Conflict, NotFound
from dubbing.settings import WebhookSettings

MOST_ENDPOINTS = 50
"""Of one organisation: each of its events is looked up among them."""
MOST_SECRETS = 5
"""That sign side by side: every one of them makes the header longer."""
_LOGGED = 30
_ITEM_ATTEMPTS = 8
_AFTER_FAILURE = 60.0
_ENDED = (WorkState.DONE, WorkState.FAILED, WorkState.CANCELED)


class Due(NamedTuple):
    """What is to be sent now, and when now is."""

    endpoint: WebhookEndpoint
    delivery: WebhookDelivery
    now: datetime


class Webhooks:
    """Repository of endpoints and deliveries. Never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, endpoint: WebhookEndpoint) -> None:
        """Insert an endpoint; raises `Conflict` where the organisation has too many."""
        mine = select(func.count()).where(WebhookEndpoint.organisation_id == endpoint.organisation_id)
        if (self._session.scalar(mine) or 0) >= MOST_ENDPOINTS:
            raise Conflict(
                f"There are {MOST_ENDPOINTS} webhook endpoints already.",
                suggestions=("delete one that is not used",),
                media={"limit": MOST_ENDPOINTS},
            )
        self._session.add(endpoint)
        self._session.flush()

    def get(self, endpoint_id: str, organisation_id: str, *, lock: bool = False) -> WebhookEndpoint:
        """The endpoint, if it is the organisation's, for changes with its row locked; raises `NotFound`."""
        wanted = select(WebhookEndpoint).where(
            WebhookEndpoint.id == endpoint_id, WebhookEndpoint.organisation_id == organisation_id
        )
        found = self._session.scalar(_locked(wanted) if lock else wanted)
        if found is None:
            raise NotFound(f"There is no webhook endpoint {endpoint_id}.", where={"pointer": "/id"})
        return found

    def page(self, organisation_id: str, limit: int, before: Before = None) -> list[WebhookEndpoint]:
        """Newest first."""
        wanted = select(WebhookEndpoint).where(WebhookEndpoint.organisation_id == organisation_id)
        return list(self._session.scalars(paged(wanted, WebhookEndpoint, limit, before)))

    def delete(self, endpoint: WebhookEndpoint) -> None:
        """Remove an endpoint with its deliveries."""
        self._session.delete(endpoint)
        self._session.flush()

    def replace_secret(self, endpoint: WebhookEndpoint, encrypted: str, overlap: float) -> None:
        """A locked endpoint's newest secret; those before sign on for ``overlap`` seconds.

        Raises:
            Conflict: too many of them still sign.
        """
        valid = signing(endpoint, now(self._session))
        if len(valid) >= MOST_SECRETS:
            raise Conflict(
                f"{MOST_SECRETS} secrets of the endpoint still sign.",
                suggestions=("wait until one has expired", "make another"),
                media={"limit": MOST_SECRETS},
            )
        until = (now(self._session) + timedelta(seconds=overlap)).isoformat()
        aged = [{**one, "expires_at": one["expires_at"] or until} for one in valid]
        endpoint.secrets = [{"secret": encrypted, "expires_at": None}, *aged]

    def renew_secrets(self, renew: Callable[[str], str]) -> int:
        """Encrypt the URL and the secrets of every endpoint anew; returns how many endpoints there are."""
        endpoints = self._session.scalars(_locked(select(WebhookEndpoint).order_by(WebhookEndpoint.id))).all()
        for endpoint in endpoints:
            endpoint.url = renew(endpoint.url)
            endpoint.secrets = [{**one, "secret": renew(one["secret"])} for one in endpoint.secrets]
        return len(endpoints)

    def enable(self, endpoint: WebhookEndpoint) -> None:
        """Let a locked endpoint be told of events again."""
        endpoint.disabled_at = endpoint.disabled_reason = endpoint.failing_since = None

    def disable(self, endpoint: WebhookEndpoint, reason: str) -> None:
        """Tell a locked endpoint of nothing any more; what waits for it has failed, and can be replayed."""
        if endpoint.disabled_at is not None:
            return
        endpoint.disabled_at, endpoint.disabled_reason = now(self._session), reason
        waiting = update(WebhookDelivery).where(
            WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.state == DeliveryState.PENDING
        )
        self._session.flush()
        self._session.execute(
            waiting.values(state=DeliveryState.FAILED, not_before=None).execution_options(synchronize_session="fetch")
        )

    def delivery(self, endpoint: WebhookEndpoint, delivery_id: str) -> WebhookDelivery:
        """One of the endpoint's deliveries; raises `NotFound`."""
        wanted = select(WebhookDelivery).where(WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint.id)
        found = self._session.scalar(wanted)
        if found is None:
            raise NotFound(f"There is no delivery {delivery_id}.", where={"pointer": "/id"})
        return found

    def deliveries(self, endpoint: WebhookEndpoint, limit: int, before: Before = None) -> list[WebhookDelivery]:
        """The endpoint's deliveries, newest first."""
        wanted = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
        return list(self._session.scalars(paged(wanted, WebhookDelivery, limit, before)))

    def test(self, endpoint: WebhookEndpoint) -> tuple[WebhookDelivery, Ring]:
        """Send a locked endpoint something, whatever it has asked for; raises `Conflict` where it is disabled."""
        _check_enabled(endpoint)
        made = self._deliver(endpoint, TEST_EVENT, {"endpoint_id": endpoint.id}, now(self._session))
        return made, self._open_item(endpoint)

    def replay(self, endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> Ring:
        """Send a delivery of a locked endpoint again, with all its attempts; raises `Conflict` where that is disabled."""
        _check_enabled(endpoint)
        delivery.state, delivery.attempt, delivery.not_before = DeliveryState.PENDING, 0, now(self._session)
        self._session.flush()
        return self._open_item(endpoint)

    def publish(self, changes: Sequence[JobChange]) -> list[Ring]:
        """Write the deliveries of events that this transaction has written, in their order."""
        if not changes:
            return []
        of_job: dict[str, list[tuple[WebhookEndpoint, Mapping[str, str | None]]]] = {}
        # What the job is of; where it is of no title, what its caller has named so.
        title = func.coalesce(Title.name, Job.labels["title"].astext)
        language = func.coalesce(Job.language, Job.labels["language"].astext)
        wanted: Any = (  # of five columns, which `_locked` does not name
            select(Job.id, Job.title_id, title, language, WebhookEndpoint)
            .outerjoin(Title, Title.id == Job.title_id)
            .join(WebhookEndpoint, WebhookEndpoint.organisation_id == Job.organisation_id)
            .where(
                Job.id.in_({change.job_id for change in changes}),
                WebhookEndpoint.events.op("&&")(sorted({change.type for change in changes})),
                WebhookEndpoint.disabled_at.is_(None),
            )
            .order_by(WebhookEndpoint.id)
        )
        for job_id, title_id, title_name, spoken, endpoint in self._session.execute(_locked(wanted)):
            named = {"title": title_name, "language": spoken, "title_id": title_id}
            of_job.setdefault(job_id, []).append((endpoint, named))
        touched: dict[str, WebhookEndpoint] = {}
        for change in changes:
            for endpoint, names in of_job.get(change.job_id, ()):
                if change.type in endpoint.events and endpoint.disabled_at is None:
                    self._deliver(endpoint, change.type, data_of(change, names), change.at)
                    touched[endpoint.id] = endpoint
        return [self._open_item(endpoint) for endpoint in touched.values()]

    def next_due(self, endpoint_id: str) -> Due | None:
        """What an endpoint is to be sent next: what has been due longest, so that first attempts come in order of events."""
        row = self._session.execute(
            select(WebhookEndpoint, WebhookDelivery, NOW)
            .join(WebhookDelivery, WebhookDelivery.endpoint_id == WebhookEndpoint.id)
            .where(
                WebhookEndpoint.id == endpoint_id,
                WebhookDelivery.state == DeliveryState.PENDING,
                WebhookDelivery.not_before <= NOW,
            )
            .order_by(WebhookDelivery.not_before, WebhookDelivery.id)
            .limit(1)
        ).one_or_none()
        return None if row is None else Due(*row)

    def lock(self, endpoint_id: str) -> WebhookEndpoint | None:
        """The endpoint as it is now, its row locked until commit; None when it was deleted."""
        wanted = _locked(select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id))
        return self._session.scalars(wanted).one_or_none()

    def record(self, endpoint: WebhookEndpoint, delivery_id: str, made: Attempt, settings: WebhookSettings) -> list[Ring]:
        """Write down a call of a locked endpoint and what follows from it; rings for those who are told that it is disabled."""
        delivery = self._session.get(WebhookDelivery, delivery_id, populate_existing=True)
        if delivery is None:
            return []
        entry = {**made._asdict(), "at": made.at.isoformat()}
        delivery.attempts = [*delivery.attempts, entry][-_LOGGED:]
        delivery.attempt += 1
        if made.succeeded:
            endpoint.failing_since = None
            delivery.state, delivery.not_before = DeliveryState.DELIVERED, None
            return []
        endpoint.failing_since = endpoint.failing_since or made.at
        if made.status == GONE:
            return self._disable_for(endpoint, "it answered that it is gone (410)")
        if delivery.state == DeliveryState.PENDING:  # else the endpoint was disabled meanwhile
            return self._try_again(endpoint, delivery, settings)
        return []

    def _try_again(self, endpoint: WebhookEndpoint, delivery: WebhookDelivery, settings: WebhookSettings) -> list[Ring]:
        """Set the time of the next attempt at a delivery, or give it up; an endpoint that has failed for long is disabled."""
        wait = wait_before(delivery.attempt + 1, settings.waits, settings.jitter)
        if wait is not None:
            delivery.not_before = now(self._session) + timedelta(seconds=wait)
            return []
        delivery.state, delivery.not_before = DeliveryState.FAILED, None
        since = endpoint.failing_since or now(self._session)
        failing = (now(self._session) - since).total_seconds()
        if failing < settings.disable_after:
            return []
        return self._disable_for(endpoint, f"nothing has arrived there for {failing / 86400:.1f} days")

    def settle(self, item_id: str) -> list[Ring]:
        """Open an item again that has ended while something waits for its endpoint; calling it again changes nothing."""
        wanted = (
            select(WebhookEndpoint)
            .join(WorkItem, WorkItem.payload["endpoint_id"].astext == WebhookEndpoint.id)
            .where(WorkItem.id == item_id, WorkItem.kind == WorkKind.DELIVER, WorkItem.state.in_(_ENDED))
            .with_for_update(key_share=True, of=WorkItem)
        )
        endpoint = self._session.scalar(wanted)
        if endpoint is None:
            return []
        due = self._session.scalar(
            select(func.min(WebhookDelivery.not_before)).where(
                WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.state == DeliveryState.PENDING
            )
        )
        if due is None:
            return []
        ring, time = self._open_item(endpoint, due), now(self._session)
        return [ring] if due <= time else []

    def unsettled(self) -> list[str]:
        """Work items that ended while something waits for their endpoint."""
        waiting = select(WebhookDelivery.id).where(
            WebhookDelivery.endpoint_id == WorkItem.payload["endpoint_id"].astext,
            WebhookDelivery.state == DeliveryState.PENDING,
        )
        wanted = select(WorkItem.id).where(WorkItem.kind == WorkKind.DELIVER, WorkItem.state.in_(_ENDED), waiting.exists())
        return list(self._session.scalars(wanted))

    def forget(self, age_seconds: float) -> None:
        """Delete deliveries that ended, and are older than that."""
        old = WebhookDelivery.created_at < ago(age_seconds)
        self._session.execute(delete(WebhookDelivery).where(old, WebhookDelivery.state != DeliveryState.PENDING))

    def _deliver(self, endpoint: WebhookEndpoint, kind: str, data: dict[str, Any], at: datetime) -> WebhookDelivery:
        made = WebhookDelivery(
            id=ids.new_id("whd"),
            organisation_id=endpoint.organisation_id,
            endpoint_id=endpoint.id,
            type=kind,
            data=data,
            occurred_at=at,
            state=DeliveryState.PENDING,
            attempt=0,
            attempts=[],
            not_before=NOW,
        )
        self._session.add(made)
        self._session.flush()
        return made

    def _disable_for(self, endpoint: WebhookEndpoint, reason: str) -> list[Ring]:
        """Disable an endpoint without having been asked to, and tell the organisation's others."""
        self.disable(endpoint, reason)
        others = select(WebhookEndpoint).where(
            WebhookEndpoint.organisation_id == endpoint.organisation_id,
            WebhookEndpoint.events.contains([WebhookEvent.ENDPOINT_DISABLED.value]),
            WebhookEndpoint.disabled_at.is_(None),
        )
        data = {"endpoint_id": endpoint.id, "url": endpoint.origin, "reason": reason}
        rings = []
        for other in self._session.scalars(_locked(others.order_by(WebhookEndpoint.id))).all():
            self._deliver(other, WebhookEvent.ENDPOINT_DISABLED, data, now(self._session))
            rings.append(self._open_item(other))
        return rings

    def _open_item(self, endpoint: WebhookEndpoint, not_before: datetime | None = None) -> Ring:
        """Have the endpoint's item wait, also where it has ended; one that a worker holds is settled when it ends.

        It waits from now on, not since the endpoint was made: other endpoints have their turn first.
        """
        fresh = insert(WorkItem).values(
            id=ids.new_id("wrk"),
            kind=WorkKind.DELIVER,
            key=f"deliver:{endpoint.id}",
            payload=DeliverTask(endpoint_id=endpoint.id).model_dump(mode="json"),
            state=WorkState.PENDING,
            organisation_id=endpoint.organisation_id,
            priority=0,
            max_attempts=_ITEM_ATTEMPTS,
            not_before=not_before or NOW,
        )
        ended, failed = WorkItem.state.in_(_ENDED), WorkItem.state == WorkState.FAILED
        changed = {
            "state": case((ended, WorkState.PENDING), else_=WorkItem.state),
            "max_attempts": case((ended, WorkItem.attempt + _ITEM_ATTEMPTS), else_=WorkItem.max_attempts),
            "error": case((ended, None), else_=WorkItem.error),
            "created_at": case((ended, NOW), else_=WorkItem.created_at),
            "not_before": case(
                (failed, func.greatest(fresh.excluded.not_before, in_(_AFTER_FAILURE))), else_=fresh.excluded.not_before
            ),
        }
        statement = fresh.on_conflict_do_update(index_elements=[WorkItem.key], set_=changed).returning(WorkItem.id)
        return Ring(WorkKind.DELIVER, self._session.execute(statement).scalar_one())


def signing(endpoint: WebhookEndpoint, time: datetime) -> list[dict[str, Any]]:
    """The endpoint's secrets that sign at ``time``, the newest first."""
    return [one for one in endpoint.secrets if one["expires_at"] is None or datetime.fromisoformat(one["expires_at"]) > time]


def _locked(wanted: Select[Any]) -> Select[Any]:
    return wanted.with_for_update(key_share=True, of=WebhookEndpoint).execution_options(populate_existing=True)


def _check_enabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.disabled_at is not None:
        raise Conflict(f"The endpoint is disabled: {endpoint.disabled_reason}.", suggestions=("enable it first",))
