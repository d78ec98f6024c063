"""A batch of deleted sessions is one message to each endpoint: `sessions.deleted`.

400,000 sessions and 16 endpoints were 6.4 million messages. Who subscribed to `session.deleted`
gets both types, and the other way round. A row that is deleted by itself, as by code from before
this, is told by `session.deleted`; sessions_app/removal.py says which batches are none.
"""

from django.db import migrations, models

TYPES = [
    "session.started",
    "session.completed",
    "session.failed",
    "session.cancelled",
    "session.deleted",
    "sessions.deleted",
    "movespec.released",
    "movespec.version_withdrawn",
    "webhook.test",
]

# A claim that is under way is waited for, and the message with the ids until it has ended. That
# comes before the UPDATE, which leaves it.
FORWARDS = [
    """
CREATE FUNCTION webhook_tell_deletions() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE TRIGGER webhook_deletion_told
AFTER DELETE ON detection_session
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION webhook_tell_deletions()
    """,
    "DROP FUNCTION webhook_tell_deletion()",
]
BACKWARDS = [
    """
CREATE FUNCTION webhook_tell_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM webhook_delivery WHERE session_id = OLD.id FOR NO KEY UPDATE;
    INSERT INTO webhook_delivery (
        id, endpoint_id, type, session_id, sequence, occurred_at, created_at, due_at
    )
    SELECT webhook_uuid7(), endpoint.id, 'session.deleted', OLD.id, 3,
        clock_timestamp(), clock_timestamp(),
        greatest(clock_timestamp(), (
            SELECT max(due_at) FROM webhook_delivery
            WHERE session_id = OLD.id AND endpoint_id = endpoint.id AND claim_id IS NOT NULL
        ))
    FROM webhook_endpoint AS endpoint
    WHERE endpoint.project_id = OLD.project_id
        AND endpoint.deleted_at IS NULL AND endpoint.disabled_at IS NULL
        AND (endpoint.event_types IS NULL OR 'session.deleted' = ANY (endpoint.event_types));
    UPDATE webhook_delivery SET body = NULL, data = NULL, response_body = NULL, claim_id = NULL,
        failure = CASE status WHEN 'waiting' THEN 'The session was deleted.' ELSE failure END,
        status = CASE status WHEN 'waiting' THEN 'failed' ELSE status END
    WHERE session_id = OLD.id AND type <> 'session.deleted';
    RETURN NULL;
END
$$
    """,
    """
CREATE OR REPLACE TRIGGER webhook_deletion_told
AFTER DELETE ON detection_session
FOR EACH ROW EXECUTE FUNCTION webhook_tell_deletion()
    """,
    "DROP FUNCTION webhook_tell_deletions()",
]


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0015_packed_states"),
        ("webhooks", "0006_failed_tries"),
    ]

    operations = [
        # Sessions first, as whoever writes one does: the triggers read the tables of webhooks then.
        migrations.RunSQL(
            "LOCK TABLE detection_session IN SHARE ROW EXCLUSIVE MODE", migrations.RunSQL.noop
        ),
        migrations.AlterField(
            "webhookdelivery",
            "type",
            models.CharField(
                choices=[
                    ("session.started", "Session Started"),
                    ("session.completed", "Session Completed"),
                    ("session.failed", "Session Failed"),
                    ("session.cancelled", "Session Cancelled"),
                    ("session.deleted", "Session Deleted"),
                    ("sessions.deleted", "Sessions Deleted"),
                    ("movespec.released", "Movespec Released"),
                    ("movespec.version_withdrawn", "Version Withdrawn"),
                    ("webhook.test", "Test"),
                ],
                max_length=40,
            ),
        ),
        migrations.RemoveConstraint("webhookdelivery", "delivery_type_known"),
        migrations.AddConstraint(
            "webhookdelivery",
            models.CheckConstraint(
                condition=models.Q(("type__in", TYPES)), name="delivery_type_known"
            ),
        ),
        migrations.RemoveConstraint("webhookendpoint", "webhook_types_known"),
        migrations.AddConstraint(
            "webhookendpoint",
            models.CheckConstraint(
                condition=models.Q(
                    ("event_types__isnull", True),
                    models.Q(
                        ("event_types__contained_by", TYPES),
                        ("event_types__len__gt", 0),
                    ),
                    _connector="OR",
                ),
                name="webhook_types_known",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
