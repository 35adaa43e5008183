"""Tables. Relationships are not declared: repositories join what they need, and nothing is loaded behind one's back."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Float, ForeignKey, Index, Integer, MetaData, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, synonym

from dubbing.db.times import NOW

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Declarative base: text ids, aware times, jsonb for values."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        list[str]: ARRAY(Text),
        list[float]: ARRAY(Float),
        list[int]: ARRAY(Integer),
    }


class Organisation(Base):
    """A studio or a department: it owns keys, files, jobs and runs, and sees its own only. ``id`` is short and readable."""

    __tablename__ = "organisations"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=NOW)


class ApiKey(Base):
    """A caller. Only the SHA-256 of the secret is kept; the secret itself has 256 random bits.

    After a rotation the secret before is valid until ``previous_until``. ``created_by`` is the principal that made it through
    the API (``key:PREFIX``, ``person:ID``), null for one that an operator made.
    """

    __tablename__ = "api_keys"
    prefix: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = synonym("prefix")
    secret_sha256: Mapped[str]
    previous_sha256: Mapped[str | None]
    previous_until: Mapped[datetime | None]
    name: Mapped[str]
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    scopes: Mapped[list[str]]
    created_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Upload(Base):
    """A multipart upload in progress, or the record of one. It becomes the asset of the same number when completed."""

    __tablename__ = "uploads"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    asset_id: Mapped[str]
    object_key: Mapped[str]
    s3_upload_id: Mapped[str]
    filename: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    part_size: Mapped[int] = mapped_column(BigInteger)
    claimed_sha256: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    expires_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    aborted_at: Mapped[datetime | None]


class Asset(Base):
    """A file that was uploaded, or is fetched from ``source_url`` when it is first probed; by a connection, from its bucket.

    ``sha256`` and ``media`` are what the probe measured, null before it ran; so is the size of a file that is fetched.
    """

    __tablename__ = "assets"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    object_key: Mapped[str]
    filename: Mapped[str]
    size: Mapped[int | None] = mapped_column(BigInteger)
    source_url: Mapped[str | None]
    connection_id: Mapped[str | None] = mapped_column(ForeignKey("storage_connections.id", ondelete="SET NULL"), index=True)
    claimed_sha256: Mapped[str | None]
    sha256: Mapped[str | None]
    media: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)


class Job(Base):
    """One dub: a picture, a track, a model. Progress is counted from its work items, not stored here.

    A job without a track and a model analyses a title's picture. ``language`` and ``revision`` say what of a title it renders.
    """

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    state: Mapped[str]
    phase: Mapped[str]
    phase_times: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    video_asset: Mapped[str] = mapped_column(ForeignKey("assets.id"))
    audio_asset: Mapped[str | None] = mapped_column(ForeignKey("assets.id"))
    title_id: Mapped[str | None] = mapped_column(ForeignKey("titles.id"))
    language: Mapped[str | None]
    revision: Mapped[int | None]
    models: Mapped[dict[str, Any] | None]
    sync: Mapped[dict[str, Any]]
    options: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    labels: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    seed: Mapped[int] = mapped_column(BigInteger)
    priority: Mapped[int]
    deadline: Mapped[datetime | None]
    deadline_at_risk: Mapped[bool] = mapped_column(server_default=text("false"))
    error: Mapped[dict[str, Any] | None]
    warnings: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    output: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "state IN ('queued','running','canceling','succeeded','succeeded_with_warnings','failed','canceled')",
            name="state",
        ),
        Index(None, "organisation_id", "created_at", "id"),
        Index(None, "title_id", "language", "created_at"),
        Index("ix_jobs_live", "state", postgresql_where=text("state IN ('queued','running','canceling')")),
        Index(
            *("ix_jobs_turn", "organisation_id", "deadline", text("priority DESC"), "created_at"),
            postgresql_where=text("state IN ('queued','running')"),
        ),
        Index("ix_jobs_due", "deadline", postgresql_where=text("state IN ('queued','running') AND deadline IS NOT NULL")),
    )


class WorkItem(Base):
    """A unit of work that is claimed by lease. ``attempt`` only grows, so (lease_owner, attempt) is a fence.

    An attempt that ends because a part of the platform is away costs none: ``max_attempts`` grows with ``outages``.
    ``sequence`` is what the holder opened on the inference server, for whoever takes the item over to end. ``claimed_at`` is
    when the last attempt began.
    """

    __tablename__ = "work_items"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    priority: Mapped[int]
    deadline: Mapped[datetime | None]
    job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    lease_owner: Mapped[str | None]
    lease_expires_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    max_attempts: Mapped[int]
    not_before: Mapped[datetime | None]
    leases_lost: Mapped[int] = mapped_column(server_default=text("0"))
    outages: Mapped[int] = mapped_column(server_default=text("0"))
    sequence: Mapped[dict[str, Any] | None]
    units_done: Mapped[int] = mapped_column(server_default=text("0"))
    units_total: Mapped[int] = mapped_column(server_default=text("0"))
    error: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    updated_at: Mapped[datetime] = mapped_column(default=NOW, onupdate=NOW)

    __table_args__ = (
        CheckConstraint("state IN ('pending','leased','done','failed','canceled')", name="state"),
        CheckConstraint("(state = 'leased') = (lease_owner IS NOT NULL)", name="lease"),
        Index(
            "ix_work_items_waiting", "kind", "deadline", "priority", "created_at", postgresql_where=text("state = 'pending'")
        ),
        Index("ix_work_items_leased", "kind", "organisation_id", postgresql_where=text("state = 'leased'")),
        Index("ix_work_items_abandoned", "updated_at", postgresql_where=text("sequence IS NOT NULL AND state <> 'leased'")),
    )


class WorkPace(Base):
    """What finished items took over what was foreseen, newest first, and how many workers were at such work with them.

    ``crowded`` says whether other jobs ran meanwhile.
    """

    __tablename__ = "work_paces"
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(primary_key=True)
    crowded: Mapped[bool] = mapped_column(primary_key=True)
    paces: Mapped[list[float]]
    workers: Mapped[list[int]]
    updated_at: Mapped[datetime] = mapped_column(default=NOW)


class JobNeed(Base):
    """A job waits for an item; shared items have many such rows."""

    __tablename__ = "job_needs"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    work_item_id: Mapped[str] = mapped_column(ForeignKey("work_items.id", ondelete="CASCADE"), primary_key=True, index=True)


class JobEvent(Base):
    """What happened to a job, in order. Writers hold the job's row, so ids of one job become visible in order."""

    __tablename__ = "job_events"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    type: Mapped[str]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=NOW)

    __table_args__ = (Index(None, "job_id", "id"),)


class IdempotencyKey(Base):
    """The answer to a mutating call, kept to be given again; ``response`` is null while the first call is in flight."""

    __tablename__ = "idempotency_keys"
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int | None]
    response: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    locked_until: Mapped[datetime]
