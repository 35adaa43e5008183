"""Bodies of requests and responses about webhooks."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from dubbing.domain.webhooks import DeliveryState, WebhookEvent, WebhookFormat
from services.api.schemas import Body
from services.api.values import Line, Url

Events = Annotated[list[Annotated[WebhookEvent, Field(strict=False)]], Field(min_length=1, max_length=50)]


class EndpointCreate(Body):
    """Announces an endpoint. Without ``events`` it is told of all but the frequent ones; a chat, of what people wait for."""

    url: Url
    format: Annotated[WebhookFormat, Field(strict=False)] = WebhookFormat.STANDARD
    events: Events | None = None
    description: Line | None = None


class EndpointUpdate(Body):
    """What is to change; members that are not there stay as they are."""

    url: Url | None = None
    events: Events | None = None
    description: Line | None = None


class EndpointOut(BaseModel):
    """An endpoint. Of a chat's hook, ``url`` tells only where it is: whoever has all of it can speak there.

    ``failing_since`` is null while calls succeed; ``secrets`` counts those that sign now.
    """

    id: str
    url: str
    format: WebhookFormat
    events: list[WebhookEvent]
    description: str | None
    status: Literal["enabled", "disabled"]
    secrets: int
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    created_at: datetime


class EndpointSecret(EndpointOut):
    """An endpoint with its new secret, which is shown this once: null where the same request is answered again."""

    secret: str | None


class EndpointPage(BaseModel):
    """Endpoints, newest first; ``next_cursor`` is null on the last page."""

    items: list[EndpointOut]
    next_cursor: str | None


class AttemptOut(BaseModel):
    """One call: the ``status`` and the beginning of the ``answer``, or the ``error`` that there was none for."""

    at: datetime
    seconds: float
    status: int | None
    answer: str
    error: str | None


class DeliveryOut(BaseModel):
    """One event for one endpoint; ``id`` is the ``webhook-id`` of every call. ``next_attempt_at`` is null when it has ended."""

    id: str
    endpoint_id: str
    type: str
    occurred_at: datetime
    data: dict[str, Any]
    status: DeliveryState
    attempts: list[AttemptOut]
    next_attempt_at: datetime | None
    created_at: datetime


class DeliveryPage(BaseModel):
    """Deliveries, newest first; ``next_cursor`` is null on the last page."""

    items: list[DeliveryOut]
    next_cursor: str | None
