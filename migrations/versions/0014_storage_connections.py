"""Connections to customers' buckets, files from there and masters to there. URLs of webhook endpoints are encrypted."""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "storage_connections",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("access_key", sa.Text(), nullable=False),
        sa.Column("secret_key", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("rotated_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_storage_connections_organisation_id_organisations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_connections")),
    )
    op.create_index(
        op.f("ix_storage_connections_organisation_id_created_at_id"),
        "storage_connections",
        ["organisation_id", "created_at", "id"],
    )
    _create_deliveries()
    op.add_column("assets", sa.Column("connection_id", sa.Text(), nullable=True))
    op.add_column("languages", sa.Column("connection_id", sa.Text(), nullable=True))
    op.add_column("languages", sa.Column("destination", sa.Text(), server_default=sa.text("''"), nullable=False))
    for table, on_delete in (("assets", "SET NULL"), ("languages", None)):
        name = op.f(f"fk_{table}_connection_id_storage_connections")
        op.create_foreign_key(name, table, "storage_connections", ["connection_id"], ["id"], ondelete=on_delete)
        op.create_index(op.f(f"ix_{table}_connection_id"), table, ["connection_id"])
    op.execute(
        "UPDATE api_keys SET scopes = scopes || ARRAY['connections:read', 'connections:write']"
        " WHERE scopes @> ARRAY['assets:write', 'jobs:write', 'webhooks:write', 'keys:write']"
    )
    op.add_column("webhook_endpoints", sa.Column("origin", sa.Text(), server_default=sa.text("''"), nullable=False))
    _change_urls(encrypt=True)
    op.alter_column("webhook_endpoints", "origin", server_default=None)


def _create_deliveries() -> None:
    op.create_table(
        "master_deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=True),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("receipt_url", sa.Text(), nullable=True),
        sa.Column("error", _JSON, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.CheckConstraint("state IN ('waiting','pending','delivered','failed')", name=op.f("ck_master_deliveries_state")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_master_deliveries_organisation_id_organisations")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_master_deliveries_job_id_jobs"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["storage_connections.id"],
            name=op.f("fk_master_deliveries_connection_id_storage_connections"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_master_deliveries")),
    )
    op.create_index(op.f("ix_master_deliveries_job_id_created_at_id"), "master_deliveries", ["job_id", "created_at", "id"])
    op.create_index(op.f("ix_master_deliveries_connection_id"), "master_deliveries", ["connection_id"])


def _change_urls(*, encrypt: bool) -> None:
    """Encrypt the URLs of all endpoints, or decrypt them. Where there is an endpoint there is a key: its secrets have one.

    It is that of the settings, or the one that the caller of the migration hands over.
    """
    bind = op.get_bind()
    found = bind.execute(sa.text("SELECT id, url FROM webhook_endpoints")).all()
    if not found:
        return
    from pydantic import SecretStr  # noqa: PLC0415 - few installations need it, and none twice

    from dubbing.encryption import SecretBox  # noqa: PLC0415
    from dubbing.settings import SecretsSettings  # noqa: PLC0415

    given = context.config.attributes.get("secrets_key")
    box = SecretBox(SecretsSettings() if given is None else SecretsSettings(key=SecretStr(given)))
    change = sa.text("UPDATE webhook_endpoints SET url = :url WHERE id = :id")
    for endpoint, url in found:
        bind.execute(change, {"id": endpoint, "url": box.encrypt(url) if encrypt else box.decrypt(url)})
        if encrypt:
            parts = urlsplit(url)
            origin = {"id": endpoint, "origin": f"{parts.scheme}://{parts.netloc}/..."}
            bind.execute(sa.text("UPDATE webhook_endpoints SET origin = :origin WHERE id = :id"), origin)


def downgrade() -> None:
    _change_urls(encrypt=False)
    op.drop_column("webhook_endpoints", "origin")
    for scope in ("connections:read", "connections:write"):
        op.execute(f"UPDATE api_keys SET scopes = array_remove(scopes, '{scope}')")  # noqa: S608 - no value of anybody's
    op.execute("DELETE FROM work_items WHERE kind = 'deliver_master'")
    for table in ("assets", "languages"):
        op.drop_index(op.f(f"ix_{table}_connection_id"), table_name=table)
        op.drop_constraint(op.f(f"fk_{table}_connection_id_storage_connections"), table, type_="foreignkey")
        op.drop_column(table, "connection_id")
    op.drop_column("languages", "destination")
    op.drop_table("master_deliveries")
    op.drop_table("storage_connections")
