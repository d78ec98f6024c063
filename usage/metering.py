"""The triggers and views that meter usage.

A session's row of usage is inserted in the transaction that ends the session. The trigger runs when
a status becomes terminal: a create and a checkpoint run none of it. The active time comes from the
summary, which is stored before. A session that is deleted before it is rolled up, or before the
backfill adds it, has a row without its id.

usage/rollup.py adds sessions that ended before this migration, while `usage_backfill` has a row.
That row is inserted while no session can end, so a session either has its own row or ended before.

A change here needs a migration that runs it again, with CREATE OR REPLACE.
"""

# One statement each, as prepared statements must be.
FORWARDS = [
    """
CREATE FUNCTION usage_active_ms(summary jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE jsonb_typeof(summary -> 'active_ms')
        WHEN 'number' THEN round((summary ->> 'active_ms')::numeric)::bigint
        ELSE 0
    END
$$
    """,
    """
CREATE FUNCTION usage_meter_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO usage_session (
        session_id, organization_id, project_id, ended_on, accepted_frames, active_ms, is_live
    )
    SELECT NEW.id, project.organization_id, NEW.project_id,
        (COALESCE(NEW.ended_at, clock_timestamp()) AT TIME ZONE 'UTC')::date,
        NEW.accepted_frames_total, usage_active_ms(NEW.summary), NEW.mode = 'live'
    FROM projects_project AS project
    WHERE project.id = NEW.project_id;
    RETURN NULL;
END
$$
    """,
    """
CREATE TRIGGER usage_session_metered
AFTER UPDATE OF status ON detection_session
FOR EACH ROW
WHEN (
    OLD.status IN ('created', 'streaming', 'finalizing')
    AND NEW.status IN ('completed', 'failed', 'cancelled')
)
EXECUTE FUNCTION usage_meter_session()
    """,
    """
INSERT INTO usage_backfill (after)
SELECT NULL::uuid WHERE EXISTS (SELECT FROM detection_session)
    """,
    """
CREATE FUNCTION usage_forget_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    begun usage_backfill;
BEGIN
    -- The lock waits for the backfill, or keeps it waiting: exactly one of the two adds a session.
    SELECT * INTO begun FROM usage_backfill FOR SHARE;
    IF FOUND THEN
        INSERT INTO usage_session (
            session_id, organization_id, project_id, ended_on, accepted_frames, active_ms, is_live
        )
        SELECT gen_random_uuid(), project.organization_id, gone.project_id,
            (gone.ended_at AT TIME ZONE 'UTC')::date, gone.accepted_frames_total,
            usage_active_ms(gone.summary), gone.mode = 'live'
        FROM gone
        JOIN projects_project AS project ON project.id = gone.project_id
        WHERE gone.ended_at IS NOT NULL AND (begun.after IS NULL OR gone.id > begun.after)
            AND NOT EXISTS (SELECT FROM usage_session WHERE session_id = gone.id);
    END IF;
    UPDATE usage_session SET session_id = gen_random_uuid()
    FROM gone
    WHERE usage_session.session_id = gone.id;
    RETURN NULL;
END
$$
    """,
    """
CREATE TRIGGER usage_session_forgotten
AFTER DELETE ON detection_session
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION usage_forget_sessions()
    """,
    """
CREATE VIEW usage_so_far AS
SELECT organization_id, project_id, day, sessions, accepted_frames, active_ms, live_frames
FROM usage_day
UNION ALL
SELECT organization_id, project_id, ended_on, 1, accepted_frames, active_ms,
    CASE WHEN is_live THEN accepted_frames ELSE 0 END
FROM usage_session
    """,
    """
CREATE INDEX usage_of_month ON usage_day ((date_trunc('month', day::timestamp)::date))
    """,
    """
CREATE VIEW usage_month AS
SELECT to_char(month, 'YYYY-MM-') || organization_id AS id, month, organization_id,
    sum(sessions)::bigint AS sessions,
    sum(accepted_frames)::bigint AS accepted_frames,
    sum(live_frames)::bigint AS live_frames,
    sum(active_ms)::bigint AS active_ms
FROM (
    SELECT date_trunc('month', day::timestamp)::date AS month, * FROM usage_so_far
) AS by_month
GROUP BY month, organization_id
    """,
]
BACKWARDS = [
    "DROP VIEW usage_month",
    "DROP INDEX usage_of_month",
    "DROP VIEW usage_so_far",
    "DROP TRIGGER usage_session_forgotten ON detection_session",
    "DROP FUNCTION usage_forget_sessions()",
    "DELETE FROM usage_backfill",
    "DROP TRIGGER usage_session_metered ON detection_session",
    "DROP FUNCTION usage_meter_session()",
    "DROP FUNCTION usage_active_ms(jsonb)",
]
