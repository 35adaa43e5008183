"""DELIVER: what is due to one webhook endpoint, call after call, so that a slow endpoint keeps nobody waiting but itself."""

import structlog

from dubbing import clock
from dubbing.db.engine import Database
from dubbing.db.unit_of_work import RingBell, UnitOfWork, unit_of_work
from dubbing.db.webhooks import Due, signing
from dubbing.domain.deliveries import DeliverResult, DeliverTask
from dubbing.domain.webhooks import Attempt, body_of, signed_headers
from dubbing.encryption import SecretBox
from dubbing.errors import EndpointUnreachable, UrlNotAllowed
from dubbing.queue.context import Context
from dubbing.settings import WebhookSettings
from dubbing.storage.posting import Poster

_SHOWN = 500

log = structlog.get_logger()


class DeliverHandler:
    """Handler of ``deliver`` items. A call is written down before the next one: a worker that dies costs one call twice."""

    def __init__(
        self, database: Database, ring_bell: RingBell, secrets: SecretBox, poster: Poster, settings: WebhookSettings
    ) -> None:
        self._database = database
        self._ring_bell = ring_bell
        self._secrets = secrets
        self._poster = poster
        self._settings = settings

    def __call__(self, task: DeliverTask, context: Context) -> DeliverResult:
        """Call until nothing is due or the turn is over; the item is opened again for what is left.

        Raises:
            EncryptionUnavailable: the endpoint's URL and secrets cannot be read.
            LeaseLost: another worker has the endpoint.
        """
        until, calls = clock.monotonic() + self._settings.turn, 0
        while calls == 0 or clock.monotonic() < until:
            with unit_of_work(self._database.sessions(), self._ring_bell) as work:
                work.items.renew(context.item)
                due = work.webhooks.next_due(task.endpoint_id)
            if due is None:
                break
            made = self._call(due)
            with unit_of_work(self._database.sessions(), self._ring_bell) as work:
                self._write(work, due, made, context)
            calls += 1
        return DeliverResult(calls=calls)

    def _call(self, due: Due) -> Attempt:
        endpoint, delivery = due.endpoint, due.delivery
        url = self._secrets.decrypt(endpoint.url)
        keys = [self._secrets.decrypt(one["secret"]) for one in signing(endpoint, due.now)]
        body = body_of(endpoint.format, delivery.type, delivery.occurred_at, delivery.data)
        began = clock.monotonic()
        try:
            answer = self._poster.post(url, body, signed_headers(keys, delivery.id, due.now, body))
        except (EndpointUnreachable, UrlNotAllowed) as error:
            return Attempt(due.now, round(clock.monotonic() - began, 3), error=f"{error.code}: {error.detail}")
        beginning = answer.body.decode("utf-8", "replace").replace("\x00", "\ufffd")[:_SHOWN]
        return Attempt(due.now, round(clock.monotonic() - began, 3), answer.status, beginning)

    def _write(self, work: UnitOfWork, due: Due, made: Attempt, context: Context) -> None:
        endpoint = work.webhooks.lock(due.endpoint.id)
        work.items.renew(context.item)
        log.info(
            "webhook_called",
            endpoint_id=due.endpoint.id,
            delivery_id=due.delivery.id,
            status=made.status,
            reason=made.error,
            seconds=made.seconds,
        )
        if endpoint is None:  # it was deleted meanwhile
            return
        work.ring(*work.webhooks.record(endpoint, due.delivery.id, made, self._settings))
        if endpoint.disabled_at is not None:
            log.warning("webhook_endpoint_disabled", endpoint_id=endpoint.id, reason=endpoint.disabled_reason)
