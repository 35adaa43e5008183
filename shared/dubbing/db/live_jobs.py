"""What stands before a job, whosever it is: functions of the database, which migrations make with `reaching`.

Jobs of other organisations have other names here, from which nothing follows: estimates need their turns and sizes alone.
"""

# In the order in which an organisation's jobs are served, as `WorkItems.claim` has it and the index ix_jobs_turn.
_TURN = "jobs.deadline ASC NULLS LAST, jobs.priority DESC, jobs.created_at"
_NAME = "CASE WHEN acts_for(jobs.organisation_id) THEN jobs.id ELSE encode(sha256(jobs.id::bytea), 'hex') END"

LIVE_JOBS = f"""
CREATE OR REPLACE FUNCTION live_jobs(wanted text[], most_of_each integer, most integer)
RETURNS TABLE (
    name text, organisation text, sharing text, deadline timestamptz, priority integer, created_at timestamptz, running boolean,
    phase text, preset text, has_sound boolean, has_earlier boolean, footage text, encoder text,
    bytes bigint, sound_bytes bigint, track integer, frames integer, width integer, height integer, place bigint
) LANGUAGE sql STABLE AS $$
    WITH fairly AS (
        SELECT next_ones.id, next_ones.place
        FROM organisations CROSS JOIN LATERAL (
            SELECT jobs.id, row_number() OVER (ORDER BY {_TURN}) AS place FROM jobs
            WHERE jobs.organisation_id = organisations.id AND jobs.state IN ('queued', 'running')
            ORDER BY {_TURN} LIMIT most_of_each
        ) AS next_ones
        ORDER BY next_ones.place LIMIT most
    ), seen AS (
        SELECT one.id, max(one.place) AS place FROM (
            SELECT * FROM fairly
            UNION ALL SELECT jobs.id, 0 FROM jobs WHERE jobs.id = ANY(wanted) AND jobs.state IN ('queued', 'running')
        ) AS one GROUP BY one.id
    )
    SELECT {_NAME},
        CASE WHEN acts_for(jobs.organisation_id) THEN jobs.organisation_id
            ELSE '#' || dense_rank() OVER (ORDER BY jobs.organisation_id) END,
        jobs.options ->> 'sharing', jobs.deadline, jobs.priority, jobs.created_at, jobs.state = 'running', jobs.phase,
        jobs.models ->> 'preset', jobs.audio_asset IS NOT NULL, jobs.options ->> 'earlier' IS NOT NULL,
        -- What all organisations share is known by its content to all.
        CASE WHEN acts_for(jobs.organisation_id) OR jobs.options ->> 'sharing' IS DISTINCT FROM 'organisation'
            THEN coalesce(video.sha256, video.id)
            ELSE '#' || dense_rank() OVER (ORDER BY coalesce(video.sha256, video.id)) END,
        jobs.models -> 'face_encoder' ->> 'digest', coalesce(video.size, 0), coalesce(sound.size, 0),
        coalesce((video.media -> 'video' ->> 'track')::integer, 0), coalesce((video.media -> 'video' ->> 'frames')::integer, 0),
        coalesce((video.media -> 'video' ->> 'width')::integer, 0), coalesce((video.media -> 'video' ->> 'height')::integer, 0),
        seen.place
    FROM jobs JOIN seen ON seen.id = jobs.id
    JOIN assets AS video ON video.id = jobs.video_asset LEFT JOIN assets AS sound ON sound.id = jobs.audio_asset
$$"""  # noqa: S608 - no value of anybody's

PROGRESS_OF_RUNNING = f"""
CREATE OR REPLACE FUNCTION progress_of_running(names text[])
RETURNS TABLE (
    name text, kind text, items bigint, done bigint, leased bigint, units_done bigint, units_total bigint,
    held_seconds double precision
) LANGUAGE sql STABLE AS $$
    WITH named AS MATERIALIZED (SELECT jobs.id, {_NAME} AS name FROM jobs WHERE jobs.state = 'running')
    SELECT named.name, items.kind, count(*), count(*) FILTER (WHERE items.state = 'done'),
        count(*) FILTER (WHERE items.state = 'leased'), coalesce(sum(items.units_done), 0)::bigint,
        coalesce(sum(items.units_total), 0)::bigint,
        coalesce(max(extract(epoch FROM clock_timestamp() - items.claimed_at)) FILTER (WHERE items.state = 'leased'), 0)::float8
    FROM named JOIN job_needs ON job_needs.job_id = named.id JOIN work_items AS items ON items.id = job_needs.work_item_id
    WHERE named.name = ANY(names)
    GROUP BY named.name, items.kind
$$"""  # noqa: S608 - no value of anybody's
