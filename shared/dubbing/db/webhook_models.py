"""Tables of webhooks: endpoints, and what is delivered to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from dubbing.db.models import Base
from dubbing.db.times import NOW


class WebhookEndpoint(Base):
    """Where an organisation wants to be told of events. One that is ``disabled_at`` some time is told nothing.

    ``url`` is encrypted, and ``origin`` what of it is no secret. ``secrets`` are ``{"secret": encrypted, "expires_at": ...}``,
    the newest first: when it no longer signs, null for the newest. ``failing_since`` is the first call after the last success
    that failed.
    """

    __tablename__ = "webhook_endpoints"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    url: Mapped[str]
    origin: Mapped[str]
    format: Mapped[str]
    events: Mapped[list[str]]
    description: Mapped[str]
    secrets: Mapped[list[Any]]
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)

    __table_args__ = (
        CheckConstraint("format IN ('standard','chat')", name="format"),
        Index(None, "organisation_id", "created_at", "id"),
    )


class WebhookDelivery(Base):
    """One event for one endpoint; its id is the ``webhook-id`` of every call. The log of these calls is ``attempts``.

    ``attempt`` counts them since the event, or since the last replay; ``not_before`` is when the next one is due.
    """

    __tablename__ = "webhook_deliveries"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    type: Mapped[str]
    data: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    state: Mapped[str]
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    attempts: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    not_before: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)

    __table_args__ = (
        CheckConstraint("state IN ('pending','delivered','failed')", name="state"),
        CheckConstraint("(state = 'pending') = (not_before IS NOT NULL)", name="due"),
        Index(None, "endpoint_id", "created_at", "id"),
        Index("ix_webhook_deliveries_due", "endpoint_id", "not_before", postgresql_where=text("state = 'pending'")),
    )
