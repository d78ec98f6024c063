"""The roll-up adds ended sessions' rows to the sums of project and day, and deletes the rows.

The backfill adds sessions that ended before there were such rows.
"""

import logging
from typing import Final

from django.db import connection, transaction

from common.slices import SLICE
from usage.models import UsageBackfill

logger = logging.getLogger(__name__)

# Adds the rows of `ended` to the sums. Every statement locks projects and days in the same order,
# so that no two wait for each other.
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
# Skips rows that another worker has locked and is adding.
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
    """Add ended sessions to the sums, `slice_size` a statement; returns how many.

    Adds nothing before the backfill has ended. Safe to run twice at once.
    """
    added = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_ROLL_UP, [slice_size])
            count: int = cursor.fetchone()[0]
        added += count
        if count < slice_size:
            return added


# A session with a row of its own ended after metering began: the roll-up adds it.
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
    """Add all past sessions in short transactions, each of which moves the one row of progress.

    A run that finds the row locked leaves the rest to its holder or to the next run, so at most one
    of the worker's processes works on it.
    """
    while _add_slice(slice_size):
        pass


@transaction.atomic
def _add_slice(slice_size: int) -> bool:
    """Whether another slice may follow."""
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
