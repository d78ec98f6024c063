"""Count once the events that were stored before sessions had counters.

The release of 2026-11-28 stored the counters with the events, counted a session from before anew at its attach
or finish, and counted the others at each read, without storing it. What it writes beside this
migration, or after a rollback, is counted by its own statements: a session begins at 0 of 0, and
events_total and counted_events_total grow together. So nothing is counted twice.
"""

from typing import Any

from django.db import migrations, transaction

BATCH = 500
_LOCK = """
SELECT id FROM detection_session
WHERE id > %s AND counted_events_total <> events_total
ORDER BY id LIMIT %s
FOR NO KEY UPDATE
"""
# The next statement: events that were committed before the lock was free are counted.
_COUNT = """
UPDATE detection_session AS session
SET counted_events_total = events_total,
    repetitions = (
        SELECT COALESCE(jsonb_object_agg(event_key, repetitions), '{}') FROM (
            SELECT payload ->> 'event_key' AS event_key, count(*) AS repetitions
            FROM detection_event
            WHERE session_id = session.id AND sequence <= session.events_total
                AND type = 'event_completed' AND payload ->> 'event_key' IS NOT NULL
            GROUP BY 1
        ) AS of_key
    ),
    interrupted_total = (
        SELECT count(*) FROM detection_event
        WHERE session_id = session.id AND sequence <= session.events_total
            AND type = 'event_interrupted'
    )
WHERE id = ANY (%s)
"""


def count_events(apps: Any, editor: Any) -> None:
    last, ids = "00000000-0000-0000-0000-000000000000", None
    with editor.connection.cursor() as cursor:
        while ids is None or len(ids) == BATCH:
            with transaction.atomic(editor.connection.alias):
                cursor.execute(_LOCK, [last, BATCH])
                ids = [id_ for (id_,) in cursor.fetchall()]
                if ids:
                    cursor.execute(_COUNT, [ids])
                    last = ids[-1]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sessions_app", "0012_partitioned_events")]
    operations = [migrations.RunPython(count_events, migrations.RunPython.noop, elidable=True)]
