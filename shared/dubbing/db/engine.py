"""The connection pool: one engine per process."""

import os
from dataclasses import dataclass, field

from psycopg.errors import IdleInTransactionSessionTimeout, ReadOnlySqlTransaction
from sqlalchemy import Engine, create_engine, event, select, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session, sessionmaker

from dubbing.db.models import Job
from dubbing.errors import Outage
from dubbing.settings import DatabaseSettings

AWAY = (OperationalError, InterfaceError, NoConnection)
"""What a transaction raises when the server is away, takes no writes, or broke a deadlock: the same may succeed later."""

# A process that stands still between two statements holds the locks of its transaction, and the sweeper passes over what is
# locked. The server ends such a session sooner than whoever waits for its locks gives up.
_IDLE, _LOCKED = 25_000, 30_000
_CONNECT = {
    "connect_timeout": 5,
    "options": f"-c timezone=utc -c lock_timeout={_LOCKED} -c idle_in_transaction_session_timeout={_IDLE}",
    # A server that only reads is none to us. Where the address names several, the one that takes writes is found.
    "target_session_attrs": "read-write",
    # A machine that vanishes closes no connection. Without these the system waits for its answers for a quarter of an hour.
    "tcp_user_timeout": 15_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def driver_url(url: str) -> str:
    """``url`` with psycopg 3 as its driver, whatever alias of postgresql it names."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def open_engine(settings: DatabaseSettings) -> Engine:
    """A pool that checks connections before use, so that a restarted server costs one round trip, not an error."""
    engine = create_engine(driver_url(settings.url), pool_size=settings.pool_size, pool_pre_ping=True, connect_args=_CONNECT)
    event.listen(engine, "handle_error", _as_away)
    return engine


def _as_away(context: ExceptionContext) -> Exception | None:
    """A server that refuses to write is one that is away, e.g. a primary that another took over from; one that hangs up, too.

    With a connection that only reads nothing is wrong by itself, so the pool would keep it for ever. All of them are dropped,
    and the caller is told what it is told when a server goes away.
    """
    cause = context.original_exception
    if not isinstance(cause, ReadOnlySqlTransaction | IdleInTransactionSessionTimeout):
        return None
    context.is_disconnect = True
    return OperationalError(context.statement, context.parameters, cause, connection_invalidated=True)


def check_writes(session: Session) -> None:
    """Return when the server has our tables and takes writes.

    Raises:
        Outage: it only reads, e.g. because it is a standby. The connection is given up: the next one may lead elsewhere.
    """
    session.execute(select(Job.id).limit(1))
    asked = text("SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean")
    standby, read_only = session.execute(asked).one()
    if standby or read_only:
        session.connection().invalidate()
        raise Outage(f"The database only reads: it is {'a standby' if standby else 'set to do so'}.")


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
