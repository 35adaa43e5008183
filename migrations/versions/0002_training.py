"""Training runs, their events, the recipes on offer, and versions of the served models."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "training_recipes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("offer", _JSON, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_training_recipes")),
    )
    op.create_table(
        "training_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("settings", _JSON, nullable=False),
        sa.Column("processes", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("steps", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("metrics", _JSON, nullable=True),
        sa.Column("checkpoints", _JSON, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("sample_key", sa.Text(), nullable=True),
        sa.Column("candidate_key", sa.Text(), nullable=True),
        sa.Column("facts", _JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("leg", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("work_item_id", sa.Text(), nullable=True),
        sa.Column("error", _JSON, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME, nullable=True),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.Column("heartbeat_at", _TIME, nullable=True),
        sa.Column("stop_requested_at", _TIME, nullable=True),
        sa.CheckConstraint(
            "state IN ('queued','running','stopping','stopped','failed','succeeded')", name=op.f("ck_training_runs_state")
        ),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_items.id"], name=op.f("fk_training_runs_work_item_id_work_items")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_runs")),
    )
    op.create_index(op.f("ix_training_runs_tenant_created_at_id"), "training_runs", ["tenant", "created_at", "id"])
    op.create_index(op.f("ix_training_runs_work_item_id"), "training_runs", ["work_item_id"])
    op.create_index(
        "ix_training_runs_live",
        "training_runs",
        ["state"],
        postgresql_where=sa.text("state IN ('queued','running','stopping')"),
    )
    op.create_table(
        "training_events",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", _JSON, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["training_runs.id"], name=op.f("fk_training_events_run_id_training_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_events")),
    )
    op.create_index(op.f("ix_training_events_run_id_id"), "training_events", ["run_id", "id"])
    op.create_table(
        "model_releases",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("preset", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("models", _JSON, nullable=True),
        sa.Column("metrics", _JSON, nullable=True),
        sa.Column("figures", _JSON, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("error", _JSON, nullable=True),
        sa.Column("work_item_id", sa.Text(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("decided_at", _TIME, nullable=True),
        sa.CheckConstraint(
            "state IN ('checking','rejected','failed','canary','active','retired')", name=op.f("ck_model_releases_state")
        ),
        sa.CheckConstraint("share > 0 AND share <= 1", name=op.f("ck_model_releases_share")),
        sa.ForeignKeyConstraint(["run_id"], ["training_runs.id"], name=op.f("fk_model_releases_run_id_training_runs")),
        sa.ForeignKeyConstraint(["work_item_id"], ["work_items.id"], name=op.f("fk_model_releases_work_item_id_work_items")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_releases")),
    )
    op.create_index(op.f("ix_model_releases_work_item_id"), "model_releases", ["work_item_id"])
    for state in ("checking", "canary", "active"):
        op.create_index(
            f"uq_model_releases_{state}",
            "model_releases",
            ["preset"],
            unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )


def downgrade() -> None:
    op.drop_table("model_releases")
    op.drop_table("training_events")
    op.drop_table("training_runs")
    op.drop_table("training_recipes")
