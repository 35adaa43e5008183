"""Tables of people, and of the tokens that sign them in once."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dubbing.db.models import Base
from dubbing.db.times import NOW


class Person(Base):
    """Somebody in an organisation, noted at their first call. One that is ``disabled_at`` some time is shut out.

    ``issuer`` and ``subject`` say who it is. Without a ``role`` they may do nothing; ``role_from`` is who gave it.
    """

    __tablename__ = "people"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    issuer: Mapped[str]
    subject: Mapped[str]
    name: Mapped[str | None]
    email: Mapped[str | None]
    role: Mapped[str | None]
    role_from: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    last_seen_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("organisation_id", "issuer", "subject"),
        CheckConstraint("role IN ('owner','producer','reviewer','auditor')", name="role"),
        CheckConstraint("role_from IN ('provider','organisation')", name="role_from"),
        CheckConstraint("(role IS NULL) = (role_from IS NULL)", name="role_is_from_somebody"),
        Index(None, "organisation_id", "created_at", "id"),
    )


class SignInToken(Base):
    """Signs a person in, once and not after ``expires_at``. Only the SHA-256 of its 256 random bits is kept."""

    __tablename__ = "sign_in_tokens"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]
