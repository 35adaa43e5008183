"""Files are read when they arrive; batches of jobs. Files of before are read by and by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0009"
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


def downgrade() -> None:
    op.drop_index("ix_assets_probing", table_name="assets")
    op.drop_constraint(op.f("ck_assets_state"), "assets", type_="check")
    for column in ("probe_item", "problem", "state"):
        op.drop_column("assets", column)
    op.drop_column("work_items", "wanted_until")
