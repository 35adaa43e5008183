"""Tables of customers' buckets, and of the masters that are delivered to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dubbing.db.models import Base
from dubbing.db.times import NOW


class StorageConnection(Base):
    """A customer's bucket. ``secret_key`` is encrypted; ``prefix`` is where the platform stays in it."""

    __tablename__ = "storage_connections"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str]
    endpoint: Mapped[str]
    region: Mapped[str]
    bucket: Mapped[str]
    prefix: Mapped[str]
    access_key: Mapped[str]
    secret_key: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    rotated_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "organisation_id", "created_at", "id"),)


class MasterDelivery(Base):
    """A job's master on its way to a customer's bucket, below ``prefix``.

    ``url`` and ``receipt_url`` are known when there is a master; ``error`` is why it failed. The connection may be deleted
    when the delivery has ended.
    """

    __tablename__ = "master_deliveries"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    connection_id: Mapped[str | None] = mapped_column(ForeignKey("storage_connections.id", ondelete="SET NULL"), index=True)
    prefix: Mapped[str]
    state: Mapped[str]
    url: Mapped[str | None]
    receipt_url: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('waiting','pending','delivered','failed')", name="state"),
        Index(None, "job_id", "created_at", "id"),
    )
