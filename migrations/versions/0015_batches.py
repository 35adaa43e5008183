"""Files are read when they arrive; batches of jobs. Files of before are read by and by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("work_items", sa.Column("wanted_until", _TIME, nullable=True))
    op.add_column("assets", sa.Column("state", sa.Text(), server_default=sa.text("'probing'"), nullable=False))
    op.add_column("assets", sa.Column("problem", _JSON, nullable=True))
    op.add_column("assets", sa.Column("probe_item", sa.Text(), nullable=True))
    op.execute("UPDATE assets SET state = 'ready' WHERE sha256 IS NOT NULL")
    op.create_check_constraint(op.f("ck_assets_state"), "assets", "state IN ('probing','ready','refused')")
    op.create_index("ix_assets_probing", "assets", ["probe_item"], postgresql_where=sa.text("state = 'probing'"))
    op.create_table(
        "batches",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=True),
        sa.Column("labels", _JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.CheckConstraint(
            "state IN ('submitting','running','canceling','completed','canceled')", name=op.f("ck_batches_state")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_batches_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index(op.f("ix_batches_organisation_id_created_at_id"), "batches", ["organisation_id", "created_at", "id"])
    op.create_index("ix_batches_open", "batches", ["state"], postgresql_where=sa.text("finished_at IS NULL"))
    op.create_table(
        "batch_items",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("request", _JSON, nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("replayed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("error", _JSON, nullable=True),
        sa.CheckConstraint("state IN ('waiting','submitted','refused','canceled')", name=op.f("ck_batch_items_state")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_batch_items_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_batch_items_batch_id_batches"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_batch_items_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_batch_items")),
    )
    op.create_index(op.f("ix_batch_items_job_id"), "batch_items", ["job_id"])
    op.create_index(
        "ix_batch_items_waiting", "batch_items", ["batch_id", "number"], postgresql_where=sa.text("state = 'waiting'")
    )


def downgrade() -> None:
    op.drop_table("batch_items")
    op.drop_table("batches")
    op.drop_index("ix_assets_probing", table_name="assets")
    op.drop_constraint(op.f("ck_assets_state"), "assets", type_="check")
    for column in ("probe_item", "problem", "state"):
        op.drop_column("assets", column)
    op.drop_column("work_items", "wanted_until")
