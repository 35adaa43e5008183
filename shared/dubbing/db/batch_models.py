"""Tables of batches."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from dubbing.db.models import Base
from dubbing.db.times import NOW


class JobBatch(Base):
    """Many jobs that were asked for at once, inline or as the lines of a file.

    ``asset_id`` is that file. (It is no foreign key: the file may be deleted when the batch has ended.)
    """

    __tablename__ = "batches"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str | None]
    state: Mapped[str]
    asset_id: Mapped[str | None]
    labels: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('submitting','running','canceling','completed','canceled')", name="state"),
        Index(None, "organisation_id", "created_at", "id"),
        Index("ix_batches_open", "state", postgresql_where=text("finished_at IS NULL")),
    )


class BatchItem(Base):
    """One item: ``request`` is what is asked for while it waits, ``job_id`` the job that it became, ``error`` why it did not.

    ``number`` counts items from 0, or is the line of the file, from 1. ``replayed``: the job was there already, made by a call
    with the same Idempotency-Key.
    """

    __tablename__ = "batch_items"
    batch_id: Mapped[str] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    state: Mapped[str]
    key: Mapped[str | None]
    request: Mapped[dict[str, Any] | None]
    job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    replayed: Mapped[bool] = mapped_column(server_default=text("false"))
    error: Mapped[dict[str, Any] | None]

    __table_args__ = (
        CheckConstraint("state IN ('waiting','submitted','refused','canceled')", name="state"),
        Index("ix_batch_items_waiting", "batch_id", "number", postgresql_where=text("state = 'waiting'")),
    )
