"""A `session.deleted` waits for the message of its session that is on the wire.

Else a receiver could store the record after it was told of the deletion. That message is emptied
all the same, and its outcome passed over: it is due no more, and its claim would have ended then.
"""

from django.db import migrations

# A claim that is under way is waited for. The new message comes before the UPDATE, which leaves it.
FORWARDS = """
CREATE OR REPLACE FUNCTION webhook_tell_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""
BACKWARDS = """
CREATE OR REPLACE FUNCTION webhook_tell_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE webhook_delivery SET body = NULL, data = NULL, response_body = NULL, claim_id = NULL,
        failure = CASE status WHEN 'waiting' THEN 'The session was deleted.' ELSE failure END,
        status = CASE status WHEN 'waiting' THEN 'failed' ELSE status END
    WHERE session_id = OLD.id;
    INSERT INTO webhook_delivery (
        id, endpoint_id, type, session_id, sequence, occurred_at, created_at, due_at
    )
    SELECT webhook_uuid7(), endpoint.id, 'session.deleted', OLD.id, 3,
        clock_timestamp(), clock_timestamp(), clock_timestamp()
    FROM webhook_endpoint AS endpoint
    WHERE endpoint.project_id = OLD.project_id
        AND endpoint.deleted_at IS NULL AND endpoint.disabled_at IS NULL
        AND (endpoint.event_types IS NULL OR 'session.deleted' = ANY (endpoint.event_types));
    RETURN NULL;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0003_staff_permissions")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
