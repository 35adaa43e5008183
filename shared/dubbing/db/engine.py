"""The connection pool: one engine per process."""

import os
from dataclasses import dataclass, field

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from dubbing.settings import DatabaseSettings


def driver_url(url: str) -> str:
    """``url`` with psycopg 3 as its driver, whatever alias of postgresql it names."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def open_engine(settings: DatabaseSettings) -> Engine:
    """A pool that checks connections before use, so that a restarted server costs one round trip, not an error."""
    return create_engine(
        driver_url(settings.url),
        pool_size=settings.pool_size,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "options": "-c timezone=utc -c lock_timeout=30000"},
    )


@dataclass
class Database:
    """Sessions for this process; opened on first use and again after a fork, as sockets do not survive one."""

    settings: DatabaseSettings
    _sessions: sessionmaker[Session] | None = field(default=None, init=False)
    _pid: int = field(default=0, init=False)

    def sessions(self) -> sessionmaker[Session]:
        """The session factory of this process."""
        if self._sessions is None or self._pid != os.getpid():
            self._sessions = sessionmaker(open_engine(self.settings), expire_on_commit=False)
            self._pid = os.getpid()
        return self._sessions

    def close(self) -> None:
        """Close the pool."""
        if self._sessions is not None and self._pid == os.getpid():
            self._sessions.kw["bind"].dispose()
        self._sessions = None
