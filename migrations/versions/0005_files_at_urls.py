"""Assets that a customer names by URL: where they are fetched from, and a size that nobody knows before."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("assets", sa.Column("source_url", sa.Text(), nullable=True))
    op.alter_column("assets", "size", existing_type=sa.BigInteger(), nullable=True)


def downgrade() -> None:
    op.execute("UPDATE assets SET size = 0 WHERE size IS NULL")
    op.alter_column("assets", "size", existing_type=sa.BigInteger(), nullable=False)
    op.drop_column("assets", "source_url")
