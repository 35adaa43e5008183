"""Tables of titles and their languages."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from dubbing.db.models import Base
from dubbing.db.times import NOW


class Title(Base):
    """A film or an episode, whose picture is analysed once for all its languages. ``version`` grows with every change."""

    __tablename__ = "titles"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str]
    external_id: Mapped[str | None]
    video_asset: Mapped[str] = mapped_column(ForeignKey("assets.id"))
    picture: Mapped[int | None]
    labels: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    updated_at: Mapped[datetime] = mapped_column(default=NOW, onupdate=NOW)

    __table_args__ = (
        Index(None, "organisation_id", "created_at", "id"),
        Index("uq_titles_external_id", "organisation_id", "external_id", unique=True),
    )


class Language(Base):
    """One language of a title: its sound, and how masters of it are made.

    ``revision`` counts the sounds that it was given. The ``seed`` stays, so that a new revision changes what its sound changes;
    ``seeds`` are those of shots that somebody wanted otherwise, by the shot's number; ``kept_shots`` are
    those that keep the original picture. Masters wait for approval where a ``review`` is required, and are delivered to the
    bucket of ``connection_id``, where there is one, below ``destination``.
    """

    __tablename__ = "languages"
    title_id: Mapped[str] = mapped_column(ForeignKey("titles.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    audio_asset: Mapped[str] = mapped_column(ForeignKey("assets.id"))
    sound: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    model: Mapped[str]
    sync: Mapped[dict[str, Any]]
    seed: Mapped[int] = mapped_column(BigInteger)
    seeds: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    kept_shots: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    filename: Mapped[str]
    review: Mapped[str] = mapped_column(server_default=text("'none'"))
    connection_id: Mapped[str | None] = mapped_column(ForeignKey("storage_connections.id"), index=True)
    destination: Mapped[str] = mapped_column(server_default=text("''"))
    labels: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    updated_at: Mapped[datetime] = mapped_column(default=NOW, onupdate=NOW)

    __table_args__ = (CheckConstraint("review IN ('none','required')", name="review"),)
