"""The triggers that insert webhook deliveries, in the transaction of the change they report.

A create and a checkpoint run none of it. For a session that starts, the columns that change later
are stored; the record of one that has ended is read when it is sent.

A change here needs a migration that runs it again, with CREATE OR REPLACE.
"""

# One statement each, as prepared statements must be.
FORWARDS = [
    # In the order in which a create and a release lock them: a release locks its MoveSpec before it
    # writes a version.
    "LOCK TABLE detection_session IN SHARE ROW EXCLUSIVE MODE",
    "LOCK TABLE movespecs_movespec IN EXCLUSIVE MODE",
    # PostgreSQL 18 has uuidv7().
    """
CREATE FUNCTION webhook_uuid7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        set_bit(
            set_bit(
                overlay(
                    uuid_send(gen_random_uuid())
                    PLACING substring(
                        int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3
                    )
                    FROM 1 FOR 6
                ),
                52, 1
            ),
            53, 1
        ),
        'hex'
    )::uuid
$$
    """,
    """
CREATE FUNCTION webhook_enqueue_session() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    message_type text := CASE NEW.status WHEN 'streaming' THEN 'session.started'
        ELSE 'session.' || NEW.status END;
BEGIN
    INSERT INTO webhook_delivery (
        id, endpoint_id, type, session_id, sequence, data, occurred_at, created_at, due_at
    )
    SELECT webhook_uuid7(), endpoint.id, message_type, NEW.id,
        CASE NEW.status WHEN 'streaming' THEN 1 ELSE 2 END,
        CASE NEW.status WHEN 'streaming' THEN jsonb_build_object(
            'status', NEW.status,
            'accepted_frames_total', NEW.accepted_frames_total,
            'terminal_outcome', NEW.terminal_outcome,
            'started_at', NEW.started_at,
            'ended_at', NEW.ended_at,
            'deadline_at', NEW.deadline_at,
            'error_code', NEW.error_code,
            'error_message', NEW.error_message,
            'events_total', NEW.events_total,
            'counted_events_total', NEW.counted_events_total,
            'repetitions', NEW.repetitions,
            'interrupted_total', NEW.interrupted_total,
            'summary', NEW.summary
        ) END,
        COALESCE(NEW.ended_at, NEW.started_at, clock_timestamp()),
        clock_timestamp(), clock_timestamp()
    FROM webhook_endpoint AS endpoint
    WHERE endpoint.project_id = NEW.project_id
        AND endpoint.deleted_at IS NULL AND endpoint.disabled_at IS NULL
        AND (endpoint.event_types IS NULL OR message_type = ANY (endpoint.event_types));
    RETURN NULL;
END
$$
    """,
    """
CREATE TRIGGER webhook_session_enqueued
AFTER UPDATE OF status ON detection_session
FOR EACH ROW
WHEN (
    OLD.status = 'created' AND NEW.status = 'streaming'
    OR OLD.status IN ('created', 'streaming', 'finalizing')
        AND NEW.status IN ('completed', 'failed', 'cancelled')
)
EXECUTE FUNCTION webhook_enqueue_session()
    """,
    # A batch of sessions gives `sessions.deleted`, in slices of 500; sessions_app/lifecycle.py sets
    # kyna.deletion. The message waits for a claim in progress: otherwise a receiver could store a
    # record after the deletion. It is inserted before the UPDATE, which skips it.
    """
CREATE FUNCTION webhook_enqueue_deletions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone_ids uuid[] := ARRAY (SELECT id FROM gone);
    is_single boolean := cardinality(gone_ids) = 1
        AND current_setting('kyna.deletion', true) IS DISTINCT FROM 'batch';
BEGIN
    PERFORM FROM webhook_delivery WHERE session_id = ANY (gone_ids)
    ORDER BY id FOR NO KEY UPDATE;
    INSERT INTO webhook_delivery (
        id, endpoint_id, type, session_id, sequence, data, occurred_at, created_at, due_at
    )
    SELECT webhook_uuid7(), endpoint.id,
        CASE WHEN is_single THEN 'session.deleted' ELSE 'sessions.deleted' END,
        CASE WHEN is_single THEN slice.ids[1] END,
        CASE WHEN is_single THEN 3 END,
        CASE WHEN NOT is_single THEN jsonb_build_object('session_ids', slice.ids) END,
        clock_timestamp(), clock_timestamp(),
        greatest(clock_timestamp(), on_the_wire.ends_at)
    FROM (
        SELECT project_id, array_agg(id) AS ids
        FROM (
            SELECT project_id, id,
                (row_number() OVER (PARTITION BY project_id ORDER BY id) - 1) / 500 AS number
            FROM gone
        ) AS numbered
        GROUP BY project_id, number
    ) AS slice
    JOIN webhook_endpoint AS endpoint ON endpoint.project_id = slice.project_id
    LEFT JOIN (
        SELECT endpoint_id, max(due_at) AS ends_at FROM webhook_delivery
        WHERE session_id = ANY (gone_ids) AND claim_id IS NOT NULL
        GROUP BY endpoint_id
    ) AS on_the_wire ON on_the_wire.endpoint_id = endpoint.id
    WHERE endpoint.deleted_at IS NULL AND endpoint.disabled_at IS NULL
        AND (
            endpoint.event_types IS NULL
            OR endpoint.event_types && '{session.deleted,sessions.deleted}'
        );
    UPDATE webhook_delivery SET body = NULL, data = NULL, response_body = NULL, claim_id = NULL,
        failure = CASE status WHEN 'waiting' THEN 'The session was deleted.' ELSE failure END,
        status = CASE status WHEN 'waiting' THEN 'failed' ELSE status END
    WHERE session_id = ANY (gone_ids) AND type <> 'session.deleted';
    RETURN NULL;
END
$$
    """,
    """
CREATE TRIGGER webhook_deletion_enqueued
AFTER DELETE ON detection_session
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION webhook_enqueue_deletions()
    """,
    """
CREATE FUNCTION webhook_enqueue_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_delivery (
        id, endpoint_id, type, data, occurred_at, created_at, due_at
    )
    SELECT webhook_uuid7(), endpoint.id, 'movespec.released',
        jsonb_build_object(
            'movespec_id', NEW.id,
            'organization_id', project.organization_id,
            'project_id', NEW.project_id,
            'name', NEW.name,
            'movespec_version_id', version.id,
            'version_number', version.version_number
        ),
        NEW.updated_at, clock_timestamp(), clock_timestamp()
    FROM webhook_endpoint AS endpoint
    JOIN projects_project AS project ON project.id = NEW.project_id
    JOIN movespecs_movespecversion AS version ON version.id = NEW.current_released_version_id
    WHERE endpoint.project_id = NEW.project_id
        AND endpoint.deleted_at IS NULL AND endpoint.disabled_at IS NULL
        AND (endpoint.event_types IS NULL OR 'movespec.released' = ANY (endpoint.event_types));
    RETURN NULL;
END
$$
    """,
    """
CREATE TRIGGER webhook_release_enqueued
AFTER UPDATE OF current_released_version_id ON movespecs_movespec
FOR EACH ROW
WHEN (
    NEW.current_released_version_id IS NOT NULL
    AND NEW.current_released_version_id IS DISTINCT FROM OLD.current_released_version_id
)
EXECUTE FUNCTION webhook_enqueue_release()
    """,
    """
CREATE FUNCTION webhook_enqueue_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_delivery (
        id, endpoint_id, type, data, occurred_at, created_at, due_at
    )
    SELECT webhook_uuid7(), endpoint.id, 'movespec.version_withdrawn',
        jsonb_build_object(
            'movespec_id', NEW.movespec_id,
            'organization_id', project.organization_id,
            'project_id', project.id,
            'name', movespec.name,
            'movespec_version_id', NEW.id,
            'version_number', NEW.version_number
        ),
        NEW.withdrawn_at, clock_timestamp(), clock_timestamp()
    FROM movespecs_movespec AS movespec
    JOIN projects_project AS project ON project.id = movespec.project_id
    JOIN webhook_endpoint AS endpoint ON endpoint.project_id = project.id
    WHERE movespec.id = NEW.movespec_id
        AND endpoint.deleted_at IS NULL AND endpoint.disabled_at IS NULL
        AND (
            endpoint.event_types IS NULL
            OR 'movespec.version_withdrawn' = ANY (endpoint.event_types)
        );
    RETURN NULL;
END
$$
    """,
    """
CREATE TRIGGER webhook_withdrawal_enqueued
AFTER UPDATE OF withdrawn_at ON movespecs_movespecversion
FOR EACH ROW
WHEN (OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL)
EXECUTE FUNCTION webhook_enqueue_withdrawal()
    """,
]
BACKWARDS = [
    "DROP TRIGGER webhook_withdrawal_enqueued ON movespecs_movespecversion",
    "DROP FUNCTION webhook_enqueue_withdrawal()",
    "DROP TRIGGER webhook_release_enqueued ON movespecs_movespec",
    "DROP FUNCTION webhook_enqueue_release()",
    "DROP TRIGGER webhook_deletion_enqueued ON detection_session",
    "DROP FUNCTION webhook_enqueue_deletions()",
    "DROP TRIGGER webhook_session_enqueued ON detection_session",
    "DROP FUNCTION webhook_enqueue_session()",
    "DROP FUNCTION webhook_uuid7()",
]
