"""The database's roles: who our processes are there, and for whom a transaction of the API acts."""

from psycopg import sql
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.orm import Session

from dubbing.db.engine import AWAY, open_engine
from dubbing.errors import Permanent
from dubbing.settings import API_ROLE, WORKER_ROLE, DatabaseSettings

SETTING = "dubline.organisation"
"""The setting that names whom a transaction acts for."""

_ACT = text("SELECT set_config(:name, :value, true)")
_PASSES = text(
    "SELECT role.rolname, role.rolsuper OR role.rolbypassrls"
    " OR coalesce(pg_has_role(role.oid, to_regrole(:worker)::oid, 'USAGE'), false)"
    " OR pg_has_role(role.oid, jobs.relowner, 'USAGE')"
    " FROM pg_roles AS role, pg_class AS jobs WHERE role.rolname = current_user AND jobs.oid = 'jobs'::regclass"
)


def act_for(session: Session, organisation_id: str) -> None:
    """Show the API the rows of one organisation until this transaction ends."""
    session.execute(_ACT, {"name": SETTING, "value": organisation_id})


def act_from_the_start(session: Session, organisation_id: str) -> None:
    """As ``act_for`` in each transaction, but reaching for the database only when something else does.

    A transaction that asks nothing yet, or waits for somebody's server first, holds none of its connections.
    """

    def act(_session: Session, _transaction: object, connection: Connection) -> None:
        connection.execute(_ACT, {"name": SETTING, "value": organisation_id})

    event.listen(session, "after_begin", act)


def check_held_to_policies(session: Session) -> None:
    """Return when the session's role sees the rows of the organisation that it acts for, and no others.

    Raises:
        Permanent: it is a superuser, owns the tables, or may see all rows otherwise.
    """
    role, passes = session.execute(_PASSES, {"worker": WORKER_ROLE}).one()
    if passes:
        raise Permanent(
            f"The API is the database's role {role}, which sees the rows of every organisation."
            f" Set DUBLINE_DATABASE_API_URL, with the role {API_ROLE}: see 'Roles of the database' in docs/how-to/deploy.md."
        )


def admit(session: Session, settings: DatabaseSettings) -> list[str]:
    """Let the API and workers log in as the settings say; gives the roles that could not before.

    A URL that works already is left alone, whatever login it names.

    Raises:
        Permanent: one does not work, and names another role or no password.
    """
    named = ((API_ROLE, settings.api_url), (WORKER_ROLE, settings.worker_url))
    barred = [(role, make_url(address)) for role, address in named if address is not None and not _works(address)]
    for role, url in barred:
        if url.username != role or not url.password:
            raise Permanent(
                f"Nobody can log in as {url.username}. Name the role {role} with a password,"
                f" or a login that works and is a member of it (GRANT {role} TO ...)."
            )
        _let_in(session, role, url.password)
    return [role for role, _ in barred]


def _works(address: str) -> bool:
    engine = open_engine(DatabaseSettings(url=address))
    try:
        engine.connect().close()
    except AWAY:
        return False
    finally:
        engine.dispose()
    return True


def _let_in(session: Session, role: str, password: str) -> None:
    """Only what the server compares passwords with is sent: statements may be logged."""
    connection = session.connection().connection.driver_connection
    if connection is None:
        raise AssertionError  # a pooled connection has one
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
    connection.execute(statement)
