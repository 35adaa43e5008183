"""Row-level security: which rows the API sees when it acts for an organisation.

Migrations execute what is here: a new table gets `protect` or, if its rows are nobody's, `open_to_api`.

Three roles of the database: the one that owns the tables runs migrations and operators' commands; ``dubline_worker`` sees all
rows; ``dubline_api`` sees those of the organisation that its transaction names, and none where it names none.
"""

from dubbing.db.roles import SETTING
from dubbing.settings import API_ROLE as API
from dubbing.settings import WORKER_ROLE as WORKER

_ACTING = f"(SELECT nullif(current_setting('{SETTING}', true), ''))"
OWNED = f"organisation_id = {_ACTING}"
"""The row is the organisation's."""
ITSELF = f"id = {_ACTING}"
"""The row is the organisation."""
# In a policy, tables are read as the one who asks may read them.
OF_JOB = "EXISTS (SELECT FROM jobs WHERE jobs.id = job_id)"
OF_RUN = "EXISTS (SELECT FROM training_runs WHERE training_runs.id = run_id)"
NEEDED = f"{OWNED} OR EXISTS (SELECT FROM job_needs WHERE job_needs.work_item_id = work_items.id)"
"""Work that the organisation asked for, or that one of its jobs needs."""

_ALL = "SELECT, INSERT, UPDATE, DELETE"


def _role(name: str) -> str:
    return f"""
DO $$
BEGIN
    IF to_regrole('{name}') IS NULL THEN
        CREATE ROLE {name} NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server was faster
    WHEN insufficient_privilege THEN
        RAISE insufficient_privilege USING
            MESSAGE = format('the role {name} is missing, and %I may not make it', current_user),
            HINT = format('As a superuser: CREATE ROLE {API}; CREATE ROLE {WORKER}; GRANT {WORKER} TO %I;', current_user);
END $$"""


def make_roles() -> list[str]:
    """Statements that make the roles, which nobody can log in as yet, and let workers reach every table, later ones too.

    Whoever migrates sees what workers see: an owner who is no superuser has to pass the policies, too.
    """
    return [
        _role(API),
        _role(WORKER),
        f"""
DO $$
BEGIN
    IF NOT pg_has_role(current_user, '{WORKER}', 'USAGE') THEN
        EXECUTE format('GRANT {WORKER} TO %I', current_user);
    END IF;
END $$""",
        f"GRANT USAGE ON SCHEMA public TO {API}, {WORKER}",
        f"GRANT {_ALL} ON ALL TABLES IN SCHEMA public TO {WORKER}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {API}, {WORKER}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {_ALL} ON TABLES TO {WORKER}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {API}, {WORKER}",
    ]


def drop_rights() -> list[str]:
    """Statements that take back what `make_roles` and its followers granted. The roles stay: other databases may use them."""
    return [
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {WORKER}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM {API}, {WORKER}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {API}, {WORKER}",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {API}, {WORKER}",
        f"REVOKE ALL ON SCHEMA public FROM {API}, {WORKER}",
    ]


def protect(table: str, visible: str = OWNED, *, written: str | None = None, rights: str = _ALL) -> list[str]:
    """Statements that show the API the ``visible`` rows of ``table`` only, and let it write such as are ``written`` like that.

    The owner of the table is held to its policies, too.
    """
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY organisation ON {table} TO {API} USING ({visible}) WITH CHECK ({written or visible})",
        f"CREATE POLICY platform ON {table} TO {WORKER} USING (true) WITH CHECK (true)",
        f"GRANT {rights} ON {table} TO {API}",
        f"GRANT {_ALL} ON {table} TO {WORKER}",
    ]


def expose(table: str) -> list[str]:
    """Statements that undo ``protect``."""
    return [
        f"DROP POLICY organisation ON {table}",
        f"DROP POLICY platform ON {table}",
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    ]


def open_to_api(table: str, rights: str) -> str:
    """The statement that lets the API use a table whose rows are nobody's."""
    return f"GRANT {rights} ON {table} TO {API}"
