"""Keys that are rotated: the secret before stays valid for a while. Keys that may do everything may do what is new too."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("previous_sha256", sa.Text(), nullable=True))
    op.add_column("api_keys", sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE api_keys SET scopes = scopes || ARRAY['webhooks:read', 'webhooks:write', 'keys:read', 'keys:write']"
        " WHERE scopes @> ARRAY['assets:write', 'jobs:write', 'training:write']"
    )


def downgrade() -> None:
    for scope in ("webhooks:read", "webhooks:write", "keys:read", "keys:write"):
        op.execute(f"UPDATE api_keys SET scopes = array_remove(scopes, '{scope}')")  # noqa: S608 - no value of anybody's
    op.drop_column("api_keys", "previous_until")
    op.drop_column("api_keys", "previous_sha256")
