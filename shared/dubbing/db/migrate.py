"""Brings a database to the schema of this version."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from dubbing.settings import DatabaseSettings


def alembic_config(settings: DatabaseSettings, migrations: Path) -> Config:
    """Alembic's configuration for the folder ``migrations``."""
    config = Config(migrations / "alembic.ini")
    config.set_main_option("sqlalchemy.url", settings.url.replace("%", "%%"))
    return config


def upgrade(settings: DatabaseSettings, migrations: Path) -> None:
    """Apply every migration that is missing; safe to call from several processes at once."""
    command.upgrade(alembic_config(settings, migrations), "head")
