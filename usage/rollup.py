"""The roll-up: rows of ended sessions become the sums of their project's day, and are deleted.

The backfill adds the sessions that ended before there were such rows.
"""

import logging
from typing import Final

from django.db import connection, transaction

from common.slices import SLICE
from usage.models import UsageBackfill

logger = logging.getLogger(__name__)

# Adds the rows of `ended` to the sums. Projects and days are locked in one order by everybody, so
# that no two statements wait for each other.
_ADD_UP: Final = """
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
_ROLL_UP = f"""
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
added AS ({_ADD_UP})
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
            cursor.execute(_ROLL_UP, [slice_size])
            count: int = cursor.fetchone()[0]
        added += count
        if count < slice_size:
            return added


# A session that has a row of its own ended after that began, and is rolled up by it.
_BACKFILL = f"""
WITH seen AS (
    SELECT id, project_id, status, ended_at, accepted_frames_total, mode, summary
    FROM detection_session
    WHERE id > %(after)s
    ORDER BY id
    LIMIT %(slice_size)s
),
ended AS (
    SELECT seen.project_id, project.organization_id,
        (seen.ended_at AT TIME ZONE 'UTC')::date AS ended_on,
        seen.accepted_frames_total AS accepted_frames,
        usage_active_ms(seen.summary) AS active_ms, seen.mode = 'live' AS is_live
    FROM seen
    JOIN projects_project AS project ON project.id = seen.project_id
    WHERE seen.status IN ('completed', 'failed', 'cancelled') AND seen.ended_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM usage_session WHERE session_id = seen.id)
),
added AS ({_ADD_UP})
SELECT id FROM seen ORDER BY id DESC LIMIT 1
"""  # noqa: S608
_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


def backfill(slice_size: int = SLICE) -> None:
    """Add past sessions until all are, in short transactions.

    Each moves on the one row that says how far it has come. A run that finds it taken leaves the
    rest to who has it, or to the next minute's: so one of the worker's processes is in it at most.
    """
    while _add_chunk(slice_size):
        pass


@transaction.atomic
def _add_chunk(slice_size: int) -> bool:
    """Whether another chunk may follow."""
    begun = UsageBackfill.objects.select_for_update(skip_locked=True).first()
    if begun is None:
        return False
    with connection.cursor() as cursor:
        parameters = {"after": begun.after or _BEFORE_ALL, "slice_size": slice_size}
        cursor.execute(_BACKFILL, parameters)
        last = cursor.fetchone()
    if last is None:
        begun.delete()
        logger.info("The sessions that had ended before metering began are in the sums of usage.")
        return False
    [begun.after] = last
    begun.save(update_fields=["after"])
    return True
