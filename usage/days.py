"""The usage of a project by day of UTC: the sums, and what has ended and is not rolled up yet."""

from datetime import date, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

# One statement reads both, so that a session which is being rolled up is in it once.
_STATEMENT: Final = """
SELECT day, sum(sessions)::bigint, sum(accepted_frames)::bigint, sum(active_ms)::bigint,
    sum(live_frames)::bigint
FROM usage_so_far
WHERE project_id = %s AND day BETWEEN %s AND %s
GROUP BY day
"""


class Used(NamedTuple):
    sessions: int = 0
    accepted_frames: int = 0
    active_ms: int = 0
    live_frames: int = 0


def usage_of_project(project_id: UUID, first: date, last: date) -> dict[date, Used]:
    """What the sessions have used that ended on each day from `first` to `last`, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, [project_id, first, last])
        used = {day: Used(*sums) for day, *sums in cursor.fetchall()}
    days = (first + timedelta(days=after) for after in range((last - first).days + 1))
    return {day: used.get(day, Used()) for day in days}
