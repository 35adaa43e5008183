"""What reaches across organisations although the API is held to row-level security: functions and views of the database.

They run with the rights of their owner, and find tables where they are, whatever the caller has put before them. Migrations
execute what is here; a change gets a migration that executes `reaching` again.
"""

from dubbing.db.live_jobs import LIVE_JOBS, PROGRESS_OF_RUNNING
from dubbing.settings import API_ROLE as API
from dubbing.settings import WORKER_ROLE as WORKER

_AS_OWNER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"

_ORGANISATION_OF_KEY = """
CREATE OR REPLACE FUNCTION organisation_of_key(the_prefix text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT organisation_id FROM api_keys WHERE prefix = the_prefix
$$"""

_ORGANISATION_OF_GUEST = """
CREATE OR REPLACE FUNCTION organisation_of_guest(the_guest text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT organisation_id FROM review_guests WHERE id = the_guest
$$"""

_ORGANISATION_OF_SIGN_IN = """
CREATE OR REPLACE FUNCTION organisation_of_sign_in(the_sha256 text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT organisation_id FROM sign_in_tokens WHERE sha256 = the_sha256
$$"""

_ACTS_FOR = """
CREATE OR REPLACE FUNCTION acts_for(the_organisation text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT pg_has_role(session_user, 'dubline_worker', 'MEMBER')
        OR the_organisation IS NOT DISTINCT FROM nullif(current_setting('dubline.organisation', true), '')
$$"""

_CHECK_ACTS_FOR_JOB = """
CREATE OR REPLACE FUNCTION check_acts_for_job(the_job text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM jobs WHERE id = the_job AND acts_for(organisation_id)) THEN
        RAISE insufficient_privilege USING MESSAGE = format('%s is no job of the organisation that is acted for', the_job);
    END IF;
END $$"""

# What failed or was cancelled starts over; the more urgent deadline and priority win.
_AGAIN = """ON CONFLICT (key) DO UPDATE SET
        state = CASE WHEN known.state IN ('failed', 'canceled') THEN 'pending' ELSE known.state END,
        max_attempts = CASE
            WHEN known.state IN ('failed', 'canceled') THEN known.attempt + attempts ELSE known.max_attempts END,
        error = CASE WHEN known.state IN ('failed', 'canceled') THEN NULL ELSE known.error END,
        payload = CASE WHEN known.state IN ('failed', 'canceled') THEN excluded.payload ELSE known.payload END,
        not_before = CASE WHEN known.state IN ('failed', 'canceled') THEN NULL ELSE known.not_before END,
        deadline = least(known.deadline, excluded.deadline),
        priority = greatest(known.priority, excluded.priority),
        wanted_until = greatest(known.wanted_until, excluded.wanted_until)"""

_ASK_FOR_ITEM = f"""
CREATE OR REPLACE FUNCTION ask_for_item(
    the_job text, new_id text, the_kind text, the_key text, the_payload jsonb,
    shared boolean, units integer, attempts integer,
    OUT item_id text, OUT item_state text
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM check_acts_for_job(the_job);
    INSERT INTO work_items AS known (
        id, kind, key, payload, state, organisation_id, priority, deadline,
        job_id, max_attempts, units_total, created_at, updated_at
    )
    SELECT new_id, the_kind, the_key, the_payload, 'pending', organisation_id, priority, deadline,
        CASE WHEN shared THEN NULL ELSE id END, attempts, units, clock_timestamp(), clock_timestamp()
    FROM jobs WHERE id = the_job
    {_AGAIN}
    RETURNING known.id, known.state INTO item_id, item_state;
    INSERT INTO job_needs (job_id, work_item_id) VALUES (the_job, item_id) ON CONFLICT DO NOTHING;
END $$"""  # noqa: S608 - no value of anybody's

_CHECK_ACTS_FOR = """
CREATE OR REPLACE FUNCTION check_acts_for(the_organisation text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT acts_for(the_organisation) THEN
        RAISE insufficient_privilege USING MESSAGE = format('%s is not the organisation that is acted for', the_organisation);
    END IF;
END $$"""

_WANT_ITEM = f"""
CREATE OR REPLACE FUNCTION want_item(
    the_organisation text, new_id text, the_kind text, the_key text, the_payload jsonb,
    the_priority integer, seconds double precision, units integer, attempts integer,
    OUT item_id text, OUT item_state text
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM check_acts_for(the_organisation);
    INSERT INTO work_items AS known (
        id, kind, key, payload, state, organisation_id, priority,
        max_attempts, units_total, wanted_until, created_at, updated_at
    )
    VALUES (
        new_id, the_kind, the_key, the_payload, 'pending', the_organisation, the_priority,
        attempts, units, clock_timestamp() + make_interval(secs => seconds), clock_timestamp(), clock_timestamp()
    )
    {_AGAIN}
    RETURNING known.id, known.state INTO item_id, item_state;
END $$"""  # noqa: S608 - no value of anybody's

_UNWANT_ITEM = """
CREATE OR REPLACE FUNCTION unwant_item(the_item text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM check_acts_for(organisation_id) FROM work_items WHERE id = the_item;
    UPDATE work_items SET wanted_until = NULL WHERE id = the_item;
    UPDATE work_items SET state = 'canceled', updated_at = clock_timestamp()
    WHERE id = the_item AND state = 'pending' AND NOT EXISTS (
        SELECT FROM job_needs JOIN jobs ON jobs.id = job_needs.job_id
        WHERE jobs.state IN ('queued', 'running') AND work_item_id = the_item
    );
END $$"""

_SUBMITTING_BATCHES = """
CREATE OR REPLACE FUNCTION submitting_batches() RETURNS TABLE (batch text, organisation text) LANGUAGE sql STABLE AS $$
    SELECT id, organisation_id FROM batches WHERE state = 'submitting' ORDER BY created_at
$$"""

# The lock comes first, in its own statement: a job that asks for the same item meanwhile holds the same row lock, and its need
# is visible to the statements after.
_CANCEL_UNWANTED_ITEMS = """
CREATE OR REPLACE FUNCTION cancel_unwanted_items(the_job text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    needed text[] := ARRAY(SELECT work_item_id FROM job_needs WHERE job_id = the_job);
    unwanted text[];
BEGIN
    PERFORM check_acts_for_job(the_job);
    PERFORM FROM work_items WHERE id = ANY(needed) AND state IN ('pending', 'leased') ORDER BY id FOR NO KEY UPDATE;
    unwanted := ARRAY(
        SELECT unnest(needed) EXCEPT SELECT work_item_id FROM job_needs JOIN jobs ON jobs.id = job_needs.job_id
        WHERE jobs.state IN ('queued', 'running') AND work_item_id = ANY(needed)
        EXCEPT SELECT id FROM work_items WHERE id = ANY(needed) AND wanted_until > clock_timestamp()
    );
    UPDATE work_items SET state = 'canceled', updated_at = clock_timestamp() WHERE id = ANY(unwanted) AND state = 'pending';
    RETURN (SELECT count(*) FROM work_items WHERE id = ANY(unwanted) AND state = 'leased');
END $$"""

_REPRIORITIZE_ITEMS = """
CREATE OR REPLACE FUNCTION reprioritize_items(the_job text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM check_acts_for_job(the_job);
    UPDATE work_items SET priority = most.urgent, deadline = most.soonest, updated_at = clock_timestamp()
    FROM (
        SELECT needs.work_item_id, max(jobs.priority) AS urgent, min(jobs.deadline) AS soonest
        FROM job_needs AS needs JOIN jobs ON jobs.id = needs.job_id
        WHERE jobs.state IN ('queued', 'running')
            AND needs.work_item_id IN (SELECT work_item_id FROM job_needs WHERE job_id = the_job)
        GROUP BY needs.work_item_id
    ) AS most
    WHERE work_items.id = most.work_item_id AND work_items.state = 'pending';
END $$"""

_FOR_API = (
    "organisation_of_key(text)",
    "organisation_of_guest(text)",
    "organisation_of_sign_in(text)",
    "ask_for_item(text, text, text, text, jsonb, boolean, integer, integer)",
    "cancel_unwanted_items(text)",
    "want_item(text, text, text, text, jsonb, integer, double precision, integer, integer)",
    "unwant_item(text)",
    "submitting_batches()",
    "reprioritize_items(text)",
    "live_jobs(text[], integer, integer)",
    "progress_of_running(text[])",
)
_INNER = ("check_acts_for_job(text)", "check_acts_for(text)", "acts_for(text)")
# A view is read with its owner's rights: these say how many of everybody's there are, and nothing of whose they are.
_VIEWS = {
    "all_jobs": """
SELECT state, error ->> 'code' AS code, coalesce(heartbeat_at, started_at, created_at) AS seen_at,
    deadline IS NOT NULL AND deadline_at_risk AS at_risk
FROM jobs""",
    "all_work": """
SELECT kind, state, not_before, created_at, leases_lost, outages FROM work_items""",
}


def reaching() -> list[str]:
    """Statements that make what reaches across organisations.

    Functions: whose key, link or token it is that a caller sent; what a job asks of items that others may need too, for the
    job's own organisation; and what stands before a job, for estimates. Views: what the metrics count.
    """
    whose = (_ORGANISATION_OF_KEY, _ORGANISATION_OF_GUEST, _ORGANISATION_OF_SIGN_IN)
    asked = (_CHECK_ACTS_FOR_JOB, _CHECK_ACTS_FOR, _ASK_FOR_ITEM, _CANCEL_UNWANTED_ITEMS, _REPRIORITIZE_ITEMS)
    wanted = (_WANT_ITEM, _UNWANT_ITEM, _SUBMITTING_BATCHES)
    functions = (*whose, _ACTS_FOR, *asked, *wanted, LIVE_JOBS, PROGRESS_OF_RUNNING)
    rights = [f"ALTER FUNCTION {name} {_AS_OWNER}" for name in (*_FOR_API, *_INNER)]
    rights += [f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC" for name in (*_FOR_API, *_INNER)]
    rights += [f"GRANT EXECUTE ON FUNCTION {name} TO {API}, {WORKER}" for name in _FOR_API]
    views = [f"CREATE OR REPLACE VIEW {name} AS {query}" for name, query in _VIEWS.items()]
    shown = [f"GRANT SELECT ON {name} TO {API}, {WORKER}" for name in _VIEWS]
    return [*functions, *rights, *views, *shown]


def drop_reaching() -> list[str]:
    """Statements that undo `reaching`."""
    views = [f"DROP VIEW {name}" for name in _VIEWS]
    return [*views, *(f"DROP FUNCTION {name}" for name in (*_FOR_API, *_INNER))]
