"""The sessions of some projects by day and outcome, over the last days.

At most MAX_SESSIONS are read, the newest first: so the cost of a page stays bounded. The merge of
one index scan for each project gives them in that order, and nothing is sorted.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from sessions_app.models import Outcome
from staff.charts import Chart, chart
from staff.display import DAY
from staff.plain_words import outcome_words

DAYS = 14
MAX_SESSIONS = 20_000
SHOWN = (*Outcome.values, "live")

_OF_PROJECT = """(
    SELECT created_at, terminal_outcome, accepted_frames_total
    FROM detection_session WHERE project_id = %s AND created_at >= %s
    ORDER BY created_at DESC LIMIT %s
)"""
_BY_DAY = """
SELECT date_trunc('day', created_at, 'UTC') AS day,
       coalesce(terminal_outcome, 'live'), count(*), sum(accepted_frames_total), min(created_at)
FROM (
    SELECT * FROM ({sessions}) AS of_projects ORDER BY created_at DESC LIMIT %s
) AS newest
GROUP BY 1, 2
"""


class Day(NamedTuple):
    since: datetime
    counts: Sequence[int]
    total: int
    frames: int


class Recent(NamedTuple):
    """The last days. `counted_from` is None unless there were more sessions than are read."""

    outcomes: Sequence[str]
    days: Sequence[Day]
    frames: Chart
    counted_from: datetime | None

    @property
    def spans(self) -> list[list[Day]]:
        """The days, each alone, but for those without a session that follow each other."""
        folded = groupby(self.days, key=lambda day: day.since if day.total else None)
        return [list(days) for _, days in folded]

    @property
    def columns(self) -> list[tuple[str, str]]:
        return [(outcome, outcome_words(outcome)) for outcome in self.outcomes]

    @property
    def total(self) -> int:
        return sum(day.total for day in self.days)


def recent_sessions(
    project_ids: Sequence[UUID], *, now: datetime, max_sessions: int = MAX_SESSIONS
) -> Recent:
    """The days of UTC, today first. A session belongs to the day on which it was created."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - back * DAY for back in range(DAYS)]
    rows = _read(project_ids, days[-1], max_sessions) if project_ids else []
    frames: dict[datetime, int] = {}
    counts: dict[tuple[datetime, str], int] = {}
    for day, outcome, count, accepted, _earliest in rows:
        counts[day, outcome] = count
        frames[day] = frames.get(day, 0) + int(accepted)
    outcomes = [one for one in SHOWN if any(outcome == one for _day, outcome in counts)]
    shown = []
    for day in days:
        of_day = [counts.get((day, outcome), 0) for outcome in outcomes]
        shown.append(Day(day, of_day, sum(of_day), frames.get(day, 0)))
    is_cut = sum(counts.values()) == max_sessions
    earliest = min((row[4] for row in rows), default=None)
    return Recent(outcomes, shown, chart(frames, days[::-1]), earliest if is_cut else None)


def _read(
    project_ids: Sequence[UUID], since: datetime, max_sessions: int
) -> list[tuple[datetime, str, int, int, datetime]]:
    sessions = " UNION ALL ".join([_OF_PROJECT] * len(project_ids))
    bounds = [value for project_id in project_ids for value in (project_id, since, max_sessions)]
    with connection.cursor() as cursor:
        cursor.execute(_BY_DAY.format(sessions=sessions), [*bounds, max_sessions])
        rows: list[tuple[datetime, str, int, int, datetime]] = cursor.fetchall()
    return rows
