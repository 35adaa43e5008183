"""Titles, their languages, and jobs that belong to them. Whoever may read or write jobs may read or write titles."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "titles",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("video_asset", sa.Text(), nullable=False),
        sa.Column("picture", sa.Integer(), nullable=True),
        sa.Column("labels", _JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_titles_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["video_asset"], ["assets.id"], name=op.f("fk_titles_video_asset_assets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_titles")),
    )
    op.create_index(op.f("ix_titles_organisation_id_created_at_id"), "titles", ["organisation_id", "created_at", "id"])
    op.create_index("uq_titles_external_id", "titles", ["organisation_id", "external_id"], unique=True)
    op.create_table(
        "languages",
        sa.Column("title_id", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("audio_asset", sa.Text(), nullable=False),
        sa.Column("sound", _JSON, nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("sync", _JSON, nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("seeds", _JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("labels", _JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["title_id"], ["titles.id"], name=op.f("fk_languages_title_id_titles"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_languages_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["audio_asset"], ["assets.id"], name=op.f("fk_languages_audio_asset_assets")),
        sa.PrimaryKeyConstraint("title_id", "language", name=op.f("pk_languages")),
    )
    op.add_column("jobs", sa.Column("title_id", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("language", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("revision", sa.Integer(), nullable=True))
    op.create_foreign_key(op.f("fk_jobs_title_id_titles"), "jobs", "titles", ["title_id"], ["id"])
    op.create_index(op.f("ix_jobs_title_id_language_created_at"), "jobs", ["title_id", "language", "created_at"])
    op.alter_column("jobs", "audio_asset", existing_type=sa.Text(), nullable=True)
    op.alter_column("jobs", "models", existing_type=_JSON, nullable=True)
    for may in ("read", "write"):
        op.execute(
            f"UPDATE api_keys SET scopes = scopes || ARRAY['titles:{may}']"  # noqa: S608
            f" WHERE 'jobs:{may}' = ANY(scopes)"
        )


def downgrade() -> None:
    op.execute("UPDATE api_keys SET scopes = array_remove(array_remove(scopes, 'titles:read'), 'titles:write')")
    op.execute("DELETE FROM jobs WHERE audio_asset IS NULL")
    op.alter_column("jobs", "models", existing_type=_JSON, nullable=False)
    op.alter_column("jobs", "audio_asset", existing_type=sa.Text(), nullable=False)
    op.drop_index(op.f("ix_jobs_title_id_language_created_at"), table_name="jobs")
    op.drop_constraint(op.f("fk_jobs_title_id_titles"), "jobs", type_="foreignkey")
    for column in ("revision", "language", "title_id"):
        op.drop_column("jobs", column)
    op.drop_table("languages")
    op.drop_table("titles")
