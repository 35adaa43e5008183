"""Tables of the trainer: the recipes on offer, runs with their events, and the model versions that came of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from dubbing.db.models import Base
from dubbing.db.times import NOW


class TrainingRecipe(Base):
    """A recipe that the trainers of this installation offer; they write it when they start."""

    __tablename__ = "training_recipes"
    name: Mapped[str] = mapped_column(primary_key=True)
    offer: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime] = mapped_column(default=NOW)


class TrainingRun(Base):
    """One run of a recipe. Its lease is that of the work item of its current leg."""

    __tablename__ = "training_runs"
    id: Mapped[str] = mapped_column(primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    recipe: Mapped[str]
    settings: Mapped[dict[str, Any]]
    processes: Mapped[int]
    state: Mapped[str]
    step: Mapped[int] = mapped_column(server_default=text("0"))
    steps: Mapped[int] = mapped_column(server_default=text("0"))
    metrics: Mapped[dict[str, Any] | None]
    checkpoints: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    sample_key: Mapped[str | None]
    candidate_key: Mapped[str | None]
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    version: Mapped[int | None]
    leg: Mapped[int] = mapped_column(server_default=text("0"))
    work_item_id: Mapped[str | None] = mapped_column(ForeignKey("work_items.id"), index=True)
    error: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    stop_requested_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('queued','running','stopping','stopped','failed','succeeded')", name="state"),
        Index(None, "organisation_id", "created_at", "id"),
        Index("ix_training_runs_live", "state", postgresql_where=text("state IN ('queued','running','stopping')")),
    )


class TrainingEvent(Base):
    """What happened to a run, in order: append-only. ``run.metrics`` holds loss parts, gradient norm, samples/s and ETA."""

    __tablename__ = "training_events"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("training_runs.id", ondelete="CASCADE"))
    type: Mapped[str]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=NOW)

    __table_args__ = (Index(None, "run_id", "id"),)


class ModelRelease(Base):
    """A version of a preset's models, from its check to its retirement. At most one of each preset is in each live state."""

    __tablename__ = "model_releases"
    id: Mapped[str] = mapped_column(primary_key=True)
    preset: Mapped[str]
    version: Mapped[int | None]
    run_id: Mapped[str | None] = mapped_column(ForeignKey("training_runs.id"))
    state: Mapped[str]
    share: Mapped[float]
    progress: Mapped[dict[str, Any] | None]
    models: Mapped[dict[str, Any] | None]
    metrics: Mapped[dict[str, Any] | None]
    figures: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    error: Mapped[dict[str, Any] | None]
    work_item_id: Mapped[str | None] = mapped_column(ForeignKey("work_items.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=NOW)
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('checking','rejected','failed','canary','active','retired')", name="state"),
        CheckConstraint("share > 0 AND share <= 1", name="share"),
        *(
            Index(f"uq_model_releases_{state}", "preset", unique=True, postgresql_where=text(f"state = '{state}'"))
            for state in ("checking", "canary", "active")
        ),
    )
