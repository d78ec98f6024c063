"""Whether the counters of sessions say what their stored events say."""

from typing import Any

from django.db import connection

# Counted by PostgreSQL from the events alone. Rows that a test has made up have no such number.
_MISCOUNTED = """
SELECT session.id, session.repetitions, session.interrupted_total, told.*
FROM detection_session AS session, LATERAL (
    SELECT count(*) AS events, count(*) FILTER (WHERE type = 'event_interrupted') AS interrupted,
        COALESCE((
            SELECT jsonb_object_agg(key, n) FROM (
                SELECT payload ->> 'event_key' AS key, count(*) AS n FROM detection_event
                WHERE session_id = session.id AND type = 'event_completed' GROUP BY 1
            ) AS completed
        ), '{}') AS repetitions
    FROM detection_event WHERE session_id = session.id
) AS told
WHERE session.events_total = told.events AND (
    session.repetitions <> told.repetitions OR session.interrupted_total <> told.interrupted
    OR session.counted_events_total <> told.events
)
"""


def miscounted_sessions() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_MISCOUNTED)
        return cursor.fetchall()
