"""Runs migrations on the database that DUBLINE_DATABASE_URL names, or on the connection that the caller hands over."""

from alembic import context

import dubbing.db.connection_models
import dubbing.db.people_models
import dubbing.db.review_models
import dubbing.db.title_models
import dubbing.db.training_models
import dubbing.db.webhook_models  # noqa: F401 - their tables join the others
from dubbing.db.engine import open_engine
from dubbing.db.models import Base
from dubbing.settings import DatabaseSettings

# One upgrade at a time, also when several processes start at once; the number is arbitrary, but must not change.
LOCK = 0x6475626C696E65


def run() -> None:
    """Take the lock, then migrate in one transaction."""
    url = context.config.get_main_option("sqlalchemy.url")
    settings = DatabaseSettings(url=url) if url else DatabaseSettings()
    engine = open_engine(settings)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
        context.run_migrations()
    engine.dispose()


run()
