"""What work needs to come through a bad night: outages that cost no attempt, and sequences that somebody must end."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("work_items", sa.Column("outages", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("work_items", sa.Column("sequence", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index(
        "ix_work_items_abandoned",
        "work_items",
        ["updated_at"],
        postgresql_where=sa.text("sequence IS NOT NULL AND state <> 'leased'"),
    )


def downgrade() -> None:
    op.drop_index("ix_work_items_abandoned", table_name="work_items")
    op.drop_column("work_items", "sequence")
    op.drop_column("work_items", "outages")
