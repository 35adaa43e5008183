"""A migrated database and sessions that are rolled back."""

from collections.abc import Callable, Iterator

import pytest
from alembic import command
from alembic.config import Config
from api_fixtures import body, client, services, upload
from customer_store import customer
from places import ROOT
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker
from training_fixtures import runner
from webhook_calls import receiver, submit

from dubbing.db.engine import Database, open_engine
from dubbing.db.models import Base
from dubbing.db.roles import admit
from dubbing.db.unit_of_work import UnitOfWork
from dubbing.settings import DatabaseSettings, S3Settings
from dubbing.storage.s3 import S3Store

__all__ = ["body", "client", "customer", "receiver", "runner", "services", "submit", "upload"]


@pytest.fixture(scope="session")
def database_settings(running: Callable[..., dict[str, str]]) -> DatabaseSettings:
    """The tests' own role is the owner: it sees all rows."""
    env = running("postgres")
    urls = {name: env[f"DUBLINE_DATABASE_{name.upper()}"] for name in ("url", "api_url", "worker_url")}
    return DatabaseSettings(**urls)


@pytest.fixture
def store(s3_settings: S3Settings) -> S3Store:
    return S3Store(s3_settings)


@pytest.fixture(scope="session")
def migrated(database_settings: DatabaseSettings) -> Iterator[Engine]:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", database_settings.url)
    command.upgrade(config, "head")
    engine = open_engine(database_settings)
    with Session(engine) as session, session.begin():
        admit(session, database_settings)
    yield engine
    engine.dispose()


@pytest.fixture
def session(migrated: Engine) -> Iterator[Session]:
    """A session whose commits are savepoints of a transaction that is rolled back."""
    with migrated.connect() as connection, connection.begin() as transaction:
        yield Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        transaction.rollback()


@pytest.fixture
def work(session: Session) -> UnitOfWork:
    return UnitOfWork(session)


@pytest.fixture
def database(migrated: Engine, database_settings: DatabaseSettings) -> Iterator[Database]:
    """For tests of several connections at once: real commits, wiped afterwards."""
    database = Database(database_settings)
    yield database
    database.close()
    with migrated.begin() as connection:
        connection.execute(text("TRUNCATE " + ", ".join(table.name for table in Base.metadata.sorted_tables)))


@pytest.fixture
def sessions(database: Database) -> sessionmaker[Session]:
    return database.sessions()
