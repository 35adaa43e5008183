"""Tables of reviews: one for each master that somebody is to judge, with its comments and decisions."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from dubbing.db.models import Base
from dubbing.db.times import NOW


class Review(Base):
    """The review of the master that ``job_id`` made. ``version`` grows with whatever happens in it."""

    __tablename__ = "reviews"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    title_id: Mapped[str] = mapped_column(ForeignKey("titles.id"))
    language: Mapped[str]
    revision: Mapped[int]
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), unique=True)
    status: Mapped[str]
    requested_by: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=sql("1"))
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    updated_at: Mapped[datetime] = mapped_column(default=NOW, onupdate=NOW)

    __table_args__ = (
        CheckConstraint("status IN ('in_review','approved','changes_requested')", name="status"),
        Index(None, "organisation_id", "created_at", "id"),
        Index(None, "title_id", "language", "created_at"),
    )


class ReviewEntry(Base):
    """A decision on the language, or on one ``shot`` of it. Only ever appended: the last one counts."""

    __tablename__ = "review_decisions"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    review_id: Mapped[str] = mapped_column(ForeignKey("reviews.id", ondelete="CASCADE"))
    shot: Mapped[int | None]
    decision: Mapped[str]
    note: Mapped[str | None]
    principal: Mapped[str]
    name: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)

    __table_args__ = (
        CheckConstraint("decision IN ('approve','request_changes','keep_original')", name="decision"),
        CheckConstraint("shot IS NOT NULL OR decision <> 'keep_original'", name="original"),
        Index(None, "review_id", "id"),
    )


class ReviewComment(Base):
    """What somebody says of a master, or, with a ``code``, what the platform found in it.

    ``frames`` are ranges as of findings, ``region`` a rectangle of these frames. ``carried_from`` is the comment of an earlier
    revision that settled this one.
    """

    __tablename__ = "review_comments"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    review_id: Mapped[str] = mapped_column(ForeignKey("reviews.id", ondelete="CASCADE"))
    code: Mapped[str | None]
    text: Mapped[str]
    severity: Mapped[str]
    frames: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'"))
    region: Mapped[dict[str, Any] | None]
    principal: Mapped[str]
    name: Mapped[str | None]
    state: Mapped[str]
    answer: Mapped[str | None]
    settled_by: Mapped[str | None]
    settled_name: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    carried_from: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)

    __table_args__ = (
        CheckConstraint("severity IN ('fyi','issue','blocker')", name="severity"),
        CheckConstraint("state IN ('open','fix','creative_intent','best_possible','not_an_issue')", name="state"),
        CheckConstraint("(state = 'open') = (settled_at IS NULL)", name="settled"),
        Index(None, "review_id", "created_at", "id"),
    )


class ReviewGuest(Base):
    """Whoever has a link to the reviews of one language. Of its token only the SHA-256 of 256 random bits is kept.

    ``name`` is what the link is for; a guest gives a name of its own with what it says.
    """

    __tablename__ = "review_guests"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    title_id: Mapped[str] = mapped_column(ForeignKey("titles.id"))
    language: Mapped[str]
    name: Mapped[str]
    may: Mapped[str]
    secret_sha256: Mapped[str]
    invited_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("may IN ('read','comment','decide')", name="may"),
        Index(None, "organisation_id", "created_at", "id"),
    )
