"""Organisations take the place of tenants, which were names without a row: each becomes an organisation of that id."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OWNED = ("api_keys", "uploads", "assets", "jobs", "work_items", "idempotency_keys", "training_runs")
_COLUMNS = ("id", "name", "created_at")
_ORGANISATIONS = sa.table("organisations", *map(sa.column, _COLUMNS))
_BY_TIME = ("jobs", "training_runs")


def upgrade() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
    )
    for table in _OWNED:
        op.alter_column(table, "tenant", new_column_name="organisation_id")
        found = sa.select(sa.column("organisation_id"), sa.column("organisation_id"), sa.func.now()).select_from(
            sa.table(table)
        )
        op.execute(postgresql.insert(_ORGANISATIONS).from_select(_COLUMNS, found.distinct()).on_conflict_do_nothing())
        name = op.f(f"fk_{table}_organisation_id_organisations")
        op.create_foreign_key(name, table, "organisations", ["organisation_id"], ["id"])
    for table in _BY_TIME:
        op.execute(f"ALTER INDEX ix_{table}_tenant_created_at_id RENAME TO ix_{table}_organisation_id_created_at_id")


def downgrade() -> None:
    for table in _BY_TIME:
        op.execute(f"ALTER INDEX ix_{table}_organisation_id_created_at_id RENAME TO ix_{table}_tenant_created_at_id")
    for table in _OWNED:
        op.drop_constraint(op.f(f"fk_{table}_organisation_id_organisations"), table, type_="foreignkey")
        op.alter_column(table, "organisation_id", new_column_name="tenant")
    op.drop_table("organisations")
