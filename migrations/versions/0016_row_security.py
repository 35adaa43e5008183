"""Row-level security: the API sees the rows of the organisation that its transaction names, as a role of its own."""

from alembic import op

from dubbing.db import policies, reaching

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_OWNED = (
    *("api_keys", "idempotency_keys", "uploads", "assets", "jobs", "titles", "languages"),
    *("training_runs", "webhook_endpoints", "webhook_deliveries", "storage_connections", "master_deliveries"),
    *("people", "sign_in_tokens", "reviews", "review_decisions", "review_comments", "review_guests"),
    *("batches", "batch_items"),
)
# What else decides whose a row is, and what the API may do: needs are written by a function, and no event is changed.
_OTHERWISE = {
    "organisations": (policies.ITSELF, "SELECT, INSERT"),
    "job_needs": (policies.OF_JOB, "SELECT"),
    "job_events": (policies.OF_JOB, "SELECT, INSERT"),
    "training_events": (policies.OF_RUN, "SELECT, INSERT"),
}


def upgrade() -> None:
    _execute(policies.make_roles())
    for table in _OWNED:
        _execute(policies.protect(table))
    for table, (visible, rights) in _OTHERWISE.items():
        _execute(policies.protect(table, visible, rights=rights))
    _execute(policies.protect("work_items", policies.NEEDED, written=policies.OWNED))
    op.execute(policies.open_to_api("model_releases", "SELECT, INSERT, UPDATE"))
    op.execute(policies.open_to_api("training_recipes", "SELECT"))
    op.execute(policies.open_to_api("work_paces", "SELECT"))
    _execute(reaching.reaching())


def downgrade() -> None:
    _execute(reaching.drop_reaching())
    for table in (*_OWNED, *_OTHERWISE, "work_items"):
        _execute(policies.expose(table))
    _execute(policies.drop_rights())


def _execute(statements: list[str]) -> None:
    for statement in statements:
        op.execute(statement)
