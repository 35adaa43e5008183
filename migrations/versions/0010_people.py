"""People of organisations, and tokens that sign them in once. Keys that may do everything may do what is new too."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("role_from", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=True),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.CheckConstraint("role IN ('owner','producer','reviewer','auditor')", name=op.f("ck_people_role")),
        sa.CheckConstraint("role_from IN ('provider','organisation')", name=op.f("ck_people_role_from")),
        sa.CheckConstraint("(role IS NULL) = (role_from IS NULL)", name=op.f("ck_people_role_is_from_somebody")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_people_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("organisation_id", "issuer", "subject", name=op.f("uq_people_organisation_id_issuer_subject")),
    )
    op.create_index(op.f("ix_people_organisation_id_created_at_id"), "people", ["organisation_id", "created_at", "id"])
    op.create_table(
        "sign_in_tokens",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("spent_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_sign_in_tokens_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_sign_in_tokens_person_id_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_sign_in_tokens")),
    )
    op.add_column("api_keys", sa.Column("created_by", sa.Text(), nullable=True))
    op.execute(
        "UPDATE api_keys SET scopes = scopes || ARRAY['people:read', 'people:write']"
        " WHERE scopes @> ARRAY['assets:write', 'jobs:write', 'training:write', 'keys:write']"
    )


def downgrade() -> None:
    for scope in ("people:read", "people:write"):
        op.execute(f"UPDATE api_keys SET scopes = array_remove(scopes, '{scope}')")  # noqa: S608 - no value of anybody's
    op.drop_column("api_keys", "created_by")
    op.drop_table("sign_in_tokens")
    op.drop_table("people")
