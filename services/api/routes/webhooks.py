"""Webhook endpoints: announce, list, change, test, rotate the secret; what was delivered, and delivering it again."""

from collections.abc import Callable, Collection
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from dubbing import ids
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.db.webhook_models import WebhookDelivery, WebhookEndpoint
from dubbing.db.webhooks import signing
from dubbing.domain.webhooks import USUAL_EVENTS, DeliveryState, WebhookEvent, WebhookFormat, new_secret, origin_of
from dubbing.errors import Conflict, EncryptionUnavailable, InvalidCursor, UrlNotAllowed
from services.api import paging
from services.api.bootstrap import Services
from services.api.filters import PageQuery
from services.api.problems import refuses
from services.api.requests import Built, Caller, Once, OnceOnly, Reading, WebhooksRead, WebhooksWrite
from services.api.webhook_schemas import (
    AttemptOut,
    DeliveryOut,
    DeliveryPage,
    EndpointCreate,
    EndpointOut,
    EndpointPage,
    EndpointSecret,
    EndpointUpdate,
)

router = APIRouter(prefix="/v1", tags=["webhooks"])
_ENDPOINT = "/v1/webhook-endpoints/{id}"
_DELIVERY = "/v1/webhook-endpoints/{endpoint_id}/deliveries/{id}"
_SECRET = ("secret",)
_SEALED = refuses(EncryptionUnavailable)
EndpointId = Annotated[str, Path(pattern=r"^whe_[0-9a-z]{26}$")]
DeliveryId = Annotated[str, Path(pattern=r"^whd_[0-9a-z]{26}$")]


Page = Annotated[PageQuery, Query()]


@router.post(
    "/webhook-endpoints",
    status_code=201,
    response_model=EndpointSecret,
    openapi_extra=refuses(Conflict, EncryptionUnavailable, UrlNotAllowed),
)
def create_webhook_endpoint(body: EndpointCreate, caller: WebhooksWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Announce an endpoint. The answer holds the secret that its calls are signed with, and nothing else ever does."""

    def create(work: UnitOfWork) -> EndpointSecret:
        _check_url(built, body.url)
        secret = new_secret()
        endpoint = WebhookEndpoint(
            id=ids.new_id("whe"),
            organisation_id=caller.organisation,
            url=built.secrets.encrypt(body.url),
            origin=origin_of(body.url),
            format=body.format,
            events=_distinct(body.events or USUAL_EVENTS[body.format]),
            description=body.description or "",
            secrets=[{"secret": built.secrets.encrypt(secret), "expires_at": None}],
        )
        work.webhooks.add(endpoint)
        return _with_secret(built, work, endpoint, secret)

    return once.run(caller, 201, body, create, at=_ENDPOINT, unkept=_SECRET)


@router.get("/webhook-endpoints", openapi_extra=refuses(EncryptionUnavailable, InvalidCursor))
def list_webhook_endpoints(caller: WebhooksRead, built: Built, work: Reading, query: Page) -> EndpointPage:
    """Endpoints, newest first."""
    found = work.webhooks.page(caller.organisation, query.limit + 1, query.before)
    page, cursor = paging.cut(found, query.limit)
    return EndpointPage(items=[_endpoint_view(built, work, endpoint) for endpoint in page], next_cursor=cursor)


@router.get("/webhook-endpoints/{endpoint_id}", openapi_extra=refuses(EncryptionUnavailable))
def read_webhook_endpoint(endpoint_id: EndpointId, caller: WebhooksRead, built: Built, work: Reading) -> EndpointOut:
    """One endpoint."""
    return _endpoint_view(built, work, work.webhooks.get(endpoint_id, caller.organisation))


@router.patch(
    "/webhook-endpoints/{endpoint_id}", response_model=EndpointOut, openapi_extra=refuses(EncryptionUnavailable, UrlNotAllowed)
)
def change_webhook_endpoint(
    endpoint_id: EndpointId, body: EndpointUpdate, caller: WebhooksWrite, built: Built, once: OnceOnly
) -> JSONResponse:
    """Change its URL, its description or what it is told of. Deliveries that wait go to the new URL."""

    def change(work: UnitOfWork) -> EndpointOut:
        endpoint = work.webhooks.get(endpoint_id, caller.organisation, lock=True)
        if body.url is not None:
            _check_url(built, body.url)
            endpoint.url, endpoint.origin = built.secrets.encrypt(body.url), origin_of(body.url)
        if body.events is not None:
            endpoint.events = _distinct(body.events)
        if body.description is not None:
            endpoint.description = body.description
        return _endpoint_view(built, work, endpoint)

    return once.run(caller, 200, body, change)


@router.post(
    "/webhook-endpoints/{endpoint_id}/rotate-secret",
    response_model=EndpointSecret,
    openapi_extra=refuses(Conflict, EncryptionUnavailable),
)
def rotate_webhook_secret(endpoint_id: EndpointId, caller: WebhooksWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Make a new secret, shown this once. For 24 hours calls are signed with the one before, too."""

    def rotate(work: UnitOfWork) -> EndpointSecret:
        endpoint, secret = work.webhooks.get(endpoint_id, caller.organisation, lock=True), new_secret()
        work.webhooks.replace_secret(endpoint, built.secrets.encrypt(secret), built.webhooks.overlap)
        return _with_secret(built, work, endpoint, secret)

    return once.run(caller, 200, None, rotate, unkept=_SECRET)


@router.post(
    "/webhook-endpoints/{endpoint_id}/test", status_code=202, response_model=DeliveryOut, openapi_extra=refuses(Conflict)
)
def test_webhook_endpoint(endpoint_id: EndpointId, caller: WebhooksWrite, once: OnceOnly) -> JSONResponse:
    """Send it a `webhook_endpoint.test`, whatever it asked to be told of; read the delivery to see what came of it."""

    def test(work: UnitOfWork) -> DeliveryOut:
        delivery, ring = work.webhooks.test(work.webhooks.get(endpoint_id, caller.organisation, lock=True))
        work.ring(ring)
        return _delivery_view(delivery)

    return once.run(caller, 202, None, test, at=_DELIVERY)


@router.post("/webhook-endpoints/{endpoint_id}/disable", response_model=EndpointOut, openapi_extra=_SEALED)
def disable_webhook_endpoint(endpoint_id: EndpointId, caller: WebhooksWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Tell it nothing any more. What waits for it has failed, and can be replayed when it is enabled again."""
    return _changed(endpoint_id, built, caller, once, lambda work, it: work.webhooks.disable(it, "on request"))


@router.post("/webhook-endpoints/{endpoint_id}/enable", response_model=EndpointOut, openapi_extra=_SEALED)
def enable_webhook_endpoint(endpoint_id: EndpointId, caller: WebhooksWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Tell it of events again, from now on."""
    return _changed(endpoint_id, built, caller, once, lambda work, it: work.webhooks.enable(it))


@router.post("/webhook-endpoints/{endpoint_id}/delete", response_model=EndpointOut, openapi_extra=_SEALED)
def delete_webhook_endpoint(endpoint_id: EndpointId, caller: WebhooksWrite, built: Built, once: OnceOnly) -> JSONResponse:
    """Remove it, with the log of its deliveries; the answer is what it was."""
    return _changed(endpoint_id, built, caller, once, lambda work, it: work.webhooks.delete(it))


@router.get("/webhook-endpoints/{endpoint_id}/deliveries", openapi_extra=refuses(InvalidCursor))
def list_webhook_deliveries(endpoint_id: EndpointId, caller: WebhooksRead, work: Reading, query: Page) -> DeliveryPage:
    """What it was told of, newest first, with every call. Deliveries are kept for 30 days."""
    found = work.webhooks.deliveries(work.webhooks.get(endpoint_id, caller.organisation), query.limit + 1, query.before)
    page, cursor = paging.cut(found, query.limit)
    return DeliveryPage(items=[*map(_delivery_view, page)], next_cursor=cursor)


@router.get("/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}")
def read_webhook_delivery(endpoint_id: EndpointId, delivery_id: DeliveryId, caller: WebhooksRead, work: Reading) -> DeliveryOut:
    """One delivery, with every call."""
    return _delivery_view(work.webhooks.delivery(work.webhooks.get(endpoint_id, caller.organisation), delivery_id))


@router.post(
    "/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    response_model=DeliveryOut,
    openapi_extra=refuses(Conflict),
)
def replay_webhook_delivery(
    endpoint_id: EndpointId, delivery_id: DeliveryId, caller: WebhooksWrite, once: OnceOnly
) -> JSONResponse:
    """Send it again, under the same `webhook-id`, with all its attempts; one that waits is sent at once."""

    def replay(work: UnitOfWork) -> DeliveryOut:
        endpoint = work.webhooks.get(endpoint_id, caller.organisation, lock=True)
        delivery = work.webhooks.delivery(endpoint, delivery_id)
        work.ring(work.webhooks.replay(endpoint, delivery))
        return _delivery_view(delivery)

    return once.run(caller, 202, None, replay, at=_DELIVERY)


def _changed(
    endpoint_id: str, built: Services, caller: Caller, once: Once, do: Callable[[UnitOfWork, WebhookEndpoint], None]
) -> JSONResponse:
    def change(work: UnitOfWork) -> EndpointOut:
        endpoint = work.webhooks.get(endpoint_id, caller.organisation, lock=True)
        do(work, endpoint)
        return _endpoint_view(built, work, endpoint)

    return once.run(caller, 200, None, change)


def _check_url(built: Services, url: str) -> None:
    try:
        built.poster.check(url)
    except UrlNotAllowed as error:
        error.where = {"pointer": "/url", **error.where}
        raise


def _distinct(events: Collection[WebhookEvent]) -> list[str]:
    """The events in the order of their list, each once."""
    return [event.value for event in WebhookEvent if event in events]


def _endpoint_view(built: Services, work: UnitOfWork, endpoint: WebhookEndpoint) -> EndpointOut:
    return EndpointOut(
        id=endpoint.id,
        url=built.secrets.decrypt(endpoint.url) if endpoint.format == WebhookFormat.STANDARD else endpoint.origin,
        format=WebhookFormat(endpoint.format),
        events=[WebhookEvent(event) for event in endpoint.events],
        description=endpoint.description or None,
        status="enabled" if endpoint.disabled_at is None else "disabled",
        secrets=len(signing(endpoint, work.now())),
        failing_since=endpoint.failing_since,
        disabled_at=endpoint.disabled_at,
        disabled_reason=endpoint.disabled_reason,
        created_at=endpoint.created_at,
    )


def _with_secret(built: Services, work: UnitOfWork, endpoint: WebhookEndpoint, secret: str) -> EndpointSecret:
    return EndpointSecret(**_endpoint_view(built, work, endpoint).model_dump(), secret=secret)


def _delivery_view(delivery: WebhookDelivery) -> DeliveryOut:
    return DeliveryOut(
        id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        type=delivery.type,
        occurred_at=delivery.occurred_at,
        data=delivery.data,
        status=DeliveryState(delivery.state),
        attempts=[AttemptOut.model_validate(one) for one in delivery.attempts],
        next_attempt_at=delivery.not_before,
        created_at=delivery.created_at,
    )
