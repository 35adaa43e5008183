"""Estimates: what work took, when it was claimed, in which turn jobs wait, and deadlines that may be missed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_LIVE = "state IN ('queued','running')"


def upgrade() -> None:
    op.create_table(
        "work_paces",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("crowded", sa.Boolean(), nullable=False),
        sa.Column("paces", ARRAY(sa.Float()), nullable=False),
        sa.Column("workers", ARRAY(sa.Integer()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_work_paces_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "kind", "model", "size", "crowded", name=op.f("pk_work_paces")),
    )
    op.add_column("work_items", sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("deadline_at_risk", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index(
        "ix_jobs_turn",
        "jobs",
        ["organisation_id", "deadline", sa.text("priority DESC"), "created_at"],
        postgresql_where=sa.text(_LIVE),
    )
    op.create_index("ix_jobs_due", "jobs", ["deadline"], postgresql_where=sa.text(f"{_LIVE} AND deadline IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_jobs_due", table_name="jobs")
    op.drop_index("ix_jobs_turn", table_name="jobs")
    op.drop_column("jobs", "deadline_at_risk")
    op.drop_column("work_items", "claimed_at")
    op.drop_table("work_paces")
