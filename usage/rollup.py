"""The roll-up: rows of ended sessions become the sums of their project's day, and are deleted."""

from typing import Final

from django.db import connection

from common.slices import SLICE

# Adds the rows of `ended` to the sums. Projects and days are locked in one order by everybody, so
# that no two statements wait for each other.
ADD_UP: Final = """
INSERT INTO usage_day AS summed (
    project_id, day, organization_id, sessions, accepted_frames, active_ms, live_frames
)
SELECT project_id, ended_on, min(organization_id::text)::uuid, count(*), sum(accepted_frames),
    sum(active_ms), COALESCE(sum(accepted_frames) FILTER (WHERE is_live), 0)
FROM ended
GROUP BY project_id, ended_on
ORDER BY project_id, ended_on
ON CONFLICT (project_id, day) DO UPDATE SET
    sessions = summed.sessions + excluded.sessions,
    accepted_frames = summed.accepted_frames + excluded.accepted_frames,
    active_ms = summed.active_ms + excluded.active_ms,
    live_frames = summed.live_frames + excluded.live_frames
"""
# A row that another worker has locked is skipped: that worker is adding it.
_STATEMENT = f"""
WITH taken AS (
    SELECT session_id FROM usage_session
    WHERE NOT EXISTS (SELECT FROM usage_backfill)
    LIMIT %s
    FOR UPDATE SKIP LOCKED
),
ended AS (
    DELETE FROM usage_session USING taken WHERE usage_session.session_id = taken.session_id
    RETURNING usage_session.*
),
added AS ({ADD_UP})
SELECT count(*) FROM ended
"""  # noqa: S608


def roll_up(slice_size: int = SLICE) -> int:
    """Add what has ended to the sums, `slice_size` sessions a statement; safe to run twice at once.

    Each statement deletes the rows that it adds. Nothing is rolled up before the backfill has
    ended. Returns how many sessions were added.
    """
    added = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_STATEMENT, [slice_size])
            count: int = cursor.fetchone()[0]
        added += count
        if count < slice_size:
            return added
