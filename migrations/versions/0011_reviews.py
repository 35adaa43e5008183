"""Reviews of masters, with comments and decisions. Whoever may read or write titles may read or write reviews."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("languages", sa.Column("review", sa.Text(), server_default=sa.text("'none'"), nullable=False))
    op.add_column("languages", sa.Column("kept_shots", _JSON, server_default=sa.text("'[]'"), nullable=False))
    op.create_check_constraint(op.f("ck_languages_review"), "languages", "review IN ('none','required')")
    _reviews()
    _decisions()
    _comments()
    for may in ("read", "write"):
        op.execute(
            f"UPDATE api_keys SET scopes = scopes || ARRAY['reviews:{may}']"  # noqa: S608 - no value of anybody's
            f" WHERE 'titles:{may}' = ANY(scopes)"
        )


def _organisation(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_organisation_id_organisations")
    return sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=name)


def _review(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["review_id"], ["reviews.id"], name=op.f(f"fk_{table}_review_id_reviews"), ondelete="CASCADE"
    )


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("title_id", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.CheckConstraint("status IN ('in_review','approved','changes_requested')", name=op.f("ck_reviews_status")),
        _organisation("reviews"),
        sa.ForeignKeyConstraint(["title_id"], ["titles.id"], name=op.f("fk_reviews_title_id_titles")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_reviews_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("job_id", name=op.f("uq_reviews_job_id")),
    )
    op.create_index(op.f("ix_reviews_organisation_id_created_at_id"), "reviews", ["organisation_id", "created_at", "id"])
    op.create_index(op.f("ix_reviews_title_id_language_created_at"), "reviews", ["title_id", "language", "created_at"])


def _decisions() -> None:
    decisions = "decision IN ('approve','request_changes','keep_original')"
    op.create_table(
        "review_decisions",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("review_id", sa.Text(), nullable=False),
        sa.Column("shot", sa.Integer(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint(decisions, name=op.f("ck_review_decisions_decision")),
        sa.CheckConstraint("shot IS NOT NULL OR decision <> 'keep_original'", name=op.f("ck_review_decisions_original")),
        _organisation("review_decisions"),
        _review("review_decisions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_decisions")),
    )
    op.create_index(op.f("ix_review_decisions_review_id_id"), "review_decisions", ["review_id", "id"])


def _comments() -> None:
    states = "state IN ('open','fix','creative_intent','best_possible','not_an_issue')"
    op.create_table(
        "review_comments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("review_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("frames", _JSON, server_default=sa.text("'[]'"), nullable=False),
        sa.Column("region", _JSON, nullable=True),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_name", sa.Text(), nullable=True),
        sa.Column("settled_at", _TIME, nullable=True),
        sa.Column("carried_from", sa.Text(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("severity IN ('fyi','issue','blocker')", name=op.f("ck_review_comments_severity")),
        sa.CheckConstraint(states, name=op.f("ck_review_comments_state")),
        sa.CheckConstraint("(state = 'open') = (settled_at IS NULL)", name=op.f("ck_review_comments_settled")),
        _organisation("review_comments"),
        _review("review_comments"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_comments")),
    )
    columns = ["review_id", "created_at", "id"]
    op.create_index(op.f("ix_review_comments_review_id_created_at_id"), "review_comments", columns)


def downgrade() -> None:
    op.execute("UPDATE api_keys SET scopes = array_remove(array_remove(scopes, 'reviews:read'), 'reviews:write')")
    for table in ("review_comments", "review_decisions", "reviews"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_languages_review"), "languages", type_="check")
    op.drop_column("languages", "kept_shots")
    op.drop_column("languages", "review")
