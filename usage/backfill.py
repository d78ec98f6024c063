"""The backfill: sessions that ended before they were metered are added to the sums, once."""

import logging

from django.db import connection, transaction

from common.slices import SLICE
from usage.models import UsageBackfill
from usage.rollup import ADD_UP

logger = logging.getLogger(__name__)

# A session that has a row of its own ended after that began, and is rolled up by it.
_STATEMENT = f"""
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
added AS ({ADD_UP})
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
        cursor.execute(_STATEMENT, parameters)
        last = cursor.fetchone()
    if last is None:
        begun.delete()
        logger.info("The sessions that had ended before metering began are in the sums of usage.")
        return False
    [begun.after] = last
    begun.save(update_fields=["after"])
    return True
